//! Raw responses, and sessions that borrow from them.

use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use sessions_client::sessions_v1::{GET_SESSIONS, GetSessionById, GetSessions};
use sessions_client::telemetry::FinishedCall;
use sessions_client::{
    DataPage, Error, ErrorKind, RawResponse, Response, Result, SessionRef, SessionV1, SessionsHttpClientV1,
    Transport, transport_fn,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

const TIME: &str = "2026-11-23T02:10:20.820Z";

fn responding(status: StatusCode, body: &'static str) -> SessionsHttpClientV1<Value, Value, impl Transport> {
    SessionsHttpClientV1::new(transport_fn(move |_| async move {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        response.headers_mut().insert("x-served-by", "node-3".parse().unwrap());
        Ok(response)
    }))
}

fn raw(body: impl Into<Vec<u8>>) -> RawResponse {
    RawResponse::new(GET_SESSIONS, Response::new(body.into().into())).unwrap()
}

fn owned(body: impl Into<Vec<u8>>) -> Result<DataPage<SessionV1>> {
    GetSessions::decode(Response::new(body.into().into()))
}

fn page(sessions: &[Value]) -> String {
    json!({ "total": null, "data": sessions }).to_string()
}

/// Returns whether both are the same session, except for payloads.
fn are_equal<A, B, C, D>(session: &SessionRef<'_, A, B>, owned: &SessionV1<C, D>) -> bool {
    let strings = [&session.user_id, &session.user_name, &session.address, &session.client];
    let owned_strings = [&owned.user_id, &owned.user_name, &owned.address, &owned.client];
    session.id == owned.id
        && strings.map(Option::as_deref) == owned_strings.map(Option::as_deref)
        && session.active == owned.active
        && (session.open_time, session.request_time) == (owned.open_time, owned.request_time)
        && session.close_time == owned.close_time
}

#[tokio::test]
async fn a_raw_call_returns_the_unread_response() {
    let client = responding(StatusCode::OK, r#"{"total":7,"data":[]}"#);
    let response = client.caller().call_raw(GetSessions::new()).await.unwrap();
    assert_eq!(response.response().status(), StatusCode::OK);
    assert_eq!(response.response().headers()["x-served-by"], "node-3");
    assert_eq!(response.read::<DataPage<SessionRef<'_>>>().unwrap().total, Some(7));
    assert_eq!(response.read::<Value>().unwrap()["total"], 7);
    assert_eq!(response.into_response().body(), r#"{"total":7,"data":[]}"#);
}

#[tokio::test]
async fn a_response_can_be_read_on_another_thread() {
    let client = responding(StatusCode::OK, r#"{"total":7,"data":[]}"#);
    let response = Arc::new(client.caller().call_raw(GetSessions::new()).await.unwrap());
    let there = Arc::clone(&response);
    let total = std::thread::spawn(move || there.read::<DataPage<SessionRef<'_>>>().unwrap().total).join();
    assert_eq!(total.unwrap(), response.read::<DataPage<SessionRef<'_>>>().unwrap().total);
}

#[tokio::test]
async fn a_service_error_is_an_error_of_the_call() {
    let client = responding(StatusCode::BAD_REQUEST, r#"{"code":"BAD","message":"no such thing"}"#);
    let error = client.caller().call_raw(GetSessions::new()).await.unwrap_err();
    assert_eq!((error.kind(), &*error.service().unwrap().code), (ErrorKind::Service, "BAD"));
}

#[tokio::test]
async fn a_response_without_a_body_decodes_as_no_session() {
    let client = responding(StatusCode::NO_CONTENT, "");
    let response = client.caller().call_raw(GetSessionById::new("1")).await.unwrap();
    assert_eq!(response.read::<Option<SessionRef<'_>>>().unwrap(), None);
    let error = response.read::<SessionRef<'_>>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the response 204 No Content is empty, but the operation returns a value"
    );
}

#[tokio::test]
async fn a_response_of_the_wrong_type_is_an_error_when_it_is_read() {
    let outcomes = Arc::<Mutex<Vec<Option<String>>>>::default();
    let seen = Arc::clone(&outcomes);
    let observer = move |call: &FinishedCall<'_>| {
        seen.lock().unwrap().push(call.error_type().map(str::to_owned));
    };
    let client =
        responding(StatusCode::OK, r#"{"total":null,"data":[{"id":1}]}"#).with_observer(Arc::new(observer));
    let response = client.caller().call_raw(GetSessions::new().correlation_id("trace-7")).await.unwrap();
    let error = response.read::<DataPage<SessionRef<'_>>>().unwrap_err();
    assert_eq!((error.kind(), error.correlation_id()), (ErrorKind::Decode, Some("trace-7")));
    assert_eq!(
        error.to_string(),
        "get_sessions: the response 200 OK does not have the expected form: `data[0].id`: found integer, expected a string"
    );
    assert_eq!(*outcomes.lock().unwrap(), [None], "the call itself succeeded");
}

#[test]
fn strings_are_borrowed_unless_they_have_an_escape() {
    let session = json!({
        "id": "1", "user_id": "Ünï ☃ 😀", "user_name": "a \"quote\"", "active": true, "open_time": TIME,
        "request_time": TIME, "address": null, "client": "",
    });
    let response = raw(page(&[session]));
    let page: DataPage<SessionRef<'_>> = response.read().unwrap();
    let session = &page.data[0];
    assert!(matches!(session.id, Cow::Borrowed("1")));
    assert!(matches!(session.user_id, Some(Cow::Borrowed("Ünï ☃ 😀"))));
    assert!(matches!(&session.user_name, Some(Cow::Owned(name)) if name == "a \"quote\""));
    assert_eq!(session.address, None);
    assert!(matches!(session.client, Some(Cow::Borrowed(""))));
}

#[test]
fn a_list_is_not_a_session() {
    let response = raw(page(&[json!(["1", null, null, true, TIME, TIME])]));
    let error = response.read::<DataPage<SessionRef<'_>>>().unwrap_err();
    assert!(error.to_string().ends_with("`data[0]`: found sequence, expected struct SessionRef"), "{error}");
}

#[test]
fn payloads_are_skipped_unless_a_type_is_given() {
    #[derive(serde::Deserialize)]
    struct User<'a> {
        email: &'a str,
    }
    let body = page(&[json!({
        "id": "1", "active": true, "open_time": TIME, "request_time": TIME, "user": { "email": "ann@example.com" },
        "data": null,
    })]);
    let response = raw(body);
    let page: DataPage<SessionRef<'_>> = response.read().unwrap();
    assert_eq!((page.data[0].user.is_some(), page.data[0].data.is_some()), (true, false));
    let page: DataPage<SessionRef<'_, User<'_>, Value>> = response.read().unwrap();
    assert_eq!(page.data[0].user.as_ref().unwrap().email, "ann@example.com");
}

#[cfg(feature = "raw-value")]
#[test]
fn payloads_can_be_raw_json() {
    use sessions_client::RawValue;

    let json = r#"{ "b":1e2,"a":[ "\u00e9" ] }"#;
    let body = format!(
        r#"{{"id":"1","active":true,"open_time":"{TIME}","request_time":"{TIME}","user":{json},"data":null}}"#
    );
    let response = raw(body.clone());
    let session: SessionRef<'_, &RawValue, &RawValue> = response.read().unwrap();
    assert_eq!((session.user.unwrap().get(), session.data.is_none()), (json, true));

    let session: SessionV1<Box<RawValue>, Box<RawValue>> =
        sessions_client::decode::<Result<_>>(GET_SESSIONS, Response::new(body.into())).unwrap();
    assert_eq!(session.user.as_ref().unwrap().get(), json);
    assert!(serde_json::to_string(&session).unwrap().contains(json), "raw JSON is written unchanged");
}

#[test]
fn debug_output_contains_no_private_values() {
    let secret = "s3cret";
    let session = json!({
        "id": "1", "user_id": secret, "user_name": secret, "active": true, "open_time": TIME, "request_time": TIME,
        "address": secret, "client": secret, "user": secret, "data": secret,
    });
    let mut response = Response::new(page(&[session]).into());
    response.headers_mut().insert("set-cookie", secret.parse().unwrap());
    let response = RawResponse::new(GET_SESSIONS, response).unwrap();
    let page: DataPage<SessionRef<'_, &str, &str>> = response.read().unwrap();
    let printed = format!("{response:?} {page:?} {:?}", page.data[0]);
    assert!(!printed.contains(secret), "{printed}");
    assert!(printed.contains("get_sessions") && printed.contains("\"1\""), "{printed}");
}

/// A JSON string in any notation.
fn string() -> impl Strategy<Value = String> {
    let escaped = |string: String| {
        let units = string.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!("\"{}\"", units.collect::<String>())
    };
    prop_oneof![
        "[ -~]{0,12}".prop_map(|string| json!(string).to_string()),
        any::<String>().prop_map(|string| json!(string).to_string()),
        any::<String>().prop_map(escaped),
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![
        "20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z",
        "20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]0[0-9]:30)?",
    ]
    .prop_map(|time| format!("\"{time}\""))
}

fn maybe(json: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = Option<String>> {
    prop_oneof![3 => json.prop_map(Some), 1 => Just(Some("null".to_owned())), 1 => Just(None)]
}

/// A JSON session with keys in any order, some absent and some unknown.
fn session() -> impl Strategy<Value = String> {
    let anything = prop_oneof![Just("[1,{\"a\":null}]".to_owned()), string()];
    let required = (string(), any::<bool>(), time(), time());
    let optional =
        (maybe(string()), maybe(string()), maybe(time()), maybe(string()), maybe(string()), maybe(anything));
    (required, optional).prop_flat_map(|(required, optional)| {
        let (id, active, open_time, request_time) = required;
        let (user_id, user_name, close_time, address, client, unknown) = optional;
        let keys = [
            ("id", Some(id)),
            ("active", Some(active.to_string())),
            ("open_time", Some(open_time)),
            ("request_time", Some(request_time)),
            ("user_id", user_id),
            ("user_name", user_name),
            ("close_time", close_time),
            ("address", address),
            ("client", client),
            ("unknown", unknown),
        ];
        let entries = keys.into_iter().filter_map(|(key, json)| Some(format!("\"{key}\":{}", json?)));
        Just(entries.collect::<Vec<_>>())
            .prop_shuffle()
            .prop_map(|entries| format!("{{{}}}", entries.join(",")))
    })
}

fn sessions() -> impl Strategy<Value = String> {
    prop::collection::vec(session(), 0..4)
        .prop_map(|sessions| format!("{{\"total\":null,\"data\":[{}]}}", sessions.join(",")))
}

/// Checks that the borrowed page equals the owned one, or has the same error, except for the name of the
/// type.
fn check(body: Vec<u8>) -> std::result::Result<(), TestCaseError> {
    let response = raw(body.clone());
    let message = |error: Error| error.to_string().replace("struct SessionV1", "struct SessionRef");
    match (response.read::<DataPage<SessionRef<'_>>>().map_err(message), owned(body).map_err(message)) {
        (Ok(page), Ok(owned)) => {
            prop_assert_eq!((page.total, page.data.len()), (owned.total, owned.data.len()));
            let mut pairs = page.data.iter().zip(&owned.data);
            prop_assert!(pairs.all(|(session, owned)| are_equal(session, owned)));
        }
        (page, owned) => prop_assert_eq!(page.err(), owned.err()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_page_reads_the_same_borrowed_and_owned(body in sessions()) {
        prop_assert!(owned(body.clone()).is_ok(), "{}", body);
        check(body.into())?;
    }

    #[test]
    fn a_corrupt_page_reads_the_same_borrowed_and_owned(
        body in sessions(),
        offset in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\",:0nt\\"[..])],
    ) {
        let mut body = body.into_bytes();
        let offset = offset.index(body.len());
        body[offset] = byte;
        check(body)?;
    }

    #[test]
    fn a_truncated_page_reads_the_same_borrowed_and_owned(
        body in sessions(),
        length in any::<prop::sample::Index>(),
    ) {
        let mut body = body.into_bytes();
        body.truncate(length.index(body.len()));
        check(body)?;
    }
}
