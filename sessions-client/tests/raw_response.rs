//! Answers that are read by who asked, and sessions that stay in them.

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

fn answering(status: StatusCode, body: &'static str) -> SessionsHttpClientV1<Value, Value, impl Transport> {
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

/// Whether the two are the same session, payloads aside.
fn are_the_same<A, B, C, D>(session: &SessionRef<'_, A, B>, owned: &SessionV1<C, D>) -> bool {
    let texts = [&session.user_id, &session.user_name, &session.address, &session.client];
    let owned_texts = [&owned.user_id, &owned.user_name, &owned.address, &owned.client];
    session.id == owned.id
        && texts.map(Option::as_deref) == owned_texts.map(Option::as_deref)
        && session.active == owned.active
        && (session.open_time, session.request_time) == (owned.open_time, owned.request_time)
        && session.close_time == owned.close_time
}

#[tokio::test]
async fn a_call_leaves_its_answer_to_be_read_with_status_and_headers() {
    let client = answering(StatusCode::OK, r#"{"total":7,"data":[]}"#);
    let answer = client.caller().call_raw(GetSessions::new()).await.unwrap();
    assert_eq!(answer.response().status(), StatusCode::OK);
    assert_eq!(answer.response().headers()["x-served-by"], "node-3");
    assert_eq!(answer.read::<DataPage<SessionRef<'_>>>().unwrap().total, Some(7));
    assert_eq!(answer.read::<Value>().unwrap()["total"], 7);
    assert_eq!(answer.into_response().body(), r#"{"total":7,"data":[]}"#);
}

#[tokio::test]
async fn an_answer_can_be_read_on_another_thread() {
    let client = answering(StatusCode::OK, r#"{"total":7,"data":[]}"#);
    let answer = Arc::new(client.caller().call_raw(GetSessions::new()).await.unwrap());
    let there = Arc::clone(&answer);
    let total = std::thread::spawn(move || there.read::<DataPage<SessionRef<'_>>>().unwrap().total).join();
    assert_eq!(total.unwrap(), answer.read::<DataPage<SessionRef<'_>>>().unwrap().total);
}

#[tokio::test]
async fn a_refusal_is_an_error_of_the_call() {
    let client = answering(StatusCode::BAD_REQUEST, r#"{"code":"BAD","message":"no such thing"}"#);
    let error = client.caller().call_raw(GetSessions::new()).await.unwrap_err();
    assert_eq!((error.kind(), &*error.service().unwrap().code), (ErrorKind::Service, "BAD"));
}

#[tokio::test]
async fn an_answer_without_a_body_is_none() {
    let client = answering(StatusCode::NO_CONTENT, "");
    let answer = client.caller().call_raw(GetSessionById::new("1")).await.unwrap();
    assert_eq!(answer.read::<Option<SessionRef<'_>>>().unwrap(), None);
    let error = answer.read::<SessionRef<'_>>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the answer 204 No Content is empty, but a value was promised"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_promised_says_so_with_the_correlation_id_when_it_is_read() {
    let outcomes = Arc::<Mutex<Vec<Option<String>>>>::default();
    let seen = Arc::clone(&outcomes);
    let observer = move |call: &FinishedCall<'_>| {
        seen.lock().unwrap().push(call.error_type().map(str::to_owned));
    };
    let client =
        answering(StatusCode::OK, r#"{"total":null,"data":[{"id":1}]}"#).with_observer(Arc::new(observer));
    let answer = client.caller().call_raw(GetSessions::new().correlation_id("trace-7")).await.unwrap();
    let error = answer.read::<DataPage<SessionRef<'_>>>().unwrap_err();
    assert_eq!((error.kind(), error.correlation_id()), (ErrorKind::Decode, Some("trace-7")));
    assert_eq!(
        error.to_string(),
        "get_sessions: the answer 200 OK is not what was promised: `data[0]…`: found integer, expected a string"
    );
    assert_eq!(*outcomes.lock().unwrap(), [None], "the call itself was answered well");
}

#[test]
fn texts_are_borrowed_unless_they_have_an_escape() {
    let session = json!({
        "id": "1", "user_id": "Ünï ☃ 😀", "user_name": "a \"quote\"", "active": true, "open_time": TIME,
        "request_time": TIME, "address": null, "client": "",
    });
    let answer = raw(page(&[session]));
    let page: DataPage<SessionRef<'_>> = answer.read().unwrap();
    let session = &page.data[0];
    assert!(matches!(session.id, Cow::Borrowed("1")));
    assert!(matches!(session.user_id, Some(Cow::Borrowed("Ünï ☃ 😀"))));
    assert!(matches!(&session.user_name, Some(Cow::Owned(name)) if name == "a \"quote\""));
    assert_eq!(session.address, None);
    assert!(matches!(session.client, Some(Cow::Borrowed(""))));
}

#[test]
fn a_list_is_no_session() {
    let answer = raw(page(&[json!(["1", null, null, true, TIME, TIME])]));
    let error = answer.read::<DataPage<SessionRef<'_>>>().unwrap_err();
    assert!(error.to_string().ends_with("`data[0]`: found sequence, expected struct SessionRef"), "{error}");
}

#[test]
fn payloads_are_passed_over_unless_a_type_is_named_for_them() {
    #[derive(serde::Deserialize)]
    struct User<'a> {
        email: &'a str,
    }
    let body = page(&[json!({
        "id": "1", "active": true, "open_time": TIME, "request_time": TIME, "user": { "email": "ann@example.com" },
        "data": null,
    })]);
    let answer = raw(body);
    let page: DataPage<SessionRef<'_>> = answer.read().unwrap();
    assert_eq!((page.data[0].user.is_some(), page.data[0].data.is_some()), (true, false));
    let page: DataPage<SessionRef<'_, User<'_>, Value>> = answer.read().unwrap();
    assert_eq!(page.data[0].user.as_ref().unwrap().email, "ann@example.com");
}

#[cfg(feature = "raw-value")]
#[test]
fn payloads_can_be_left_as_the_json_that_they_are() {
    use sessions_client::RawValue;

    let json = r#"{ "b":1e2,"a":[ "\u00e9" ] }"#;
    let body = format!(
        r#"{{"id":"1","active":true,"open_time":"{TIME}","request_time":"{TIME}","user":{json},"data":null}}"#
    );
    let answer = raw(body.clone());
    let session: SessionRef<'_, &RawValue, &RawValue> = answer.read().unwrap();
    assert_eq!((session.user.unwrap().get(), session.data.is_none()), (json, true));

    let session: SessionV1<Box<RawValue>, Box<RawValue>> =
        sessions_client::decode::<Result<_>>(GET_SESSIONS, Response::new(body.into())).unwrap();
    assert_eq!(session.user.as_ref().unwrap().get(), json);
    assert!(serde_json::to_string(&session).unwrap().contains(json), "it is written as it was read");
}

#[test]
fn what_a_session_holds_is_not_printed() {
    let secret = "s3cret";
    let session = json!({
        "id": "1", "user_id": secret, "user_name": secret, "active": true, "open_time": TIME, "request_time": TIME,
        "address": secret, "client": secret, "user": secret, "data": secret,
    });
    let mut response = Response::new(page(&[session]).into());
    response.headers_mut().insert("set-cookie", secret.parse().unwrap());
    let answer = RawResponse::new(GET_SESSIONS, response).unwrap();
    let page: DataPage<SessionRef<'_, &str, &str>> = answer.read().unwrap();
    let printed = format!("{answer:?} {page:?} {:?}", page.data[0]);
    assert!(!printed.contains(secret), "{printed}");
    assert!(printed.contains("get_sessions") && printed.contains("\"1\""), "{printed}");
}

/// JSON of a text, in any of the ways to write it.
fn text() -> impl Strategy<Value = String> {
    let escaped = |text: String| {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!("\"{}\"", units.collect::<String>())
    };
    prop_oneof![
        "[ -~]{0,12}".prop_map(|text| json!(text).to_string()),
        any::<String>().prop_map(|text| json!(text).to_string()),
        any::<String>().prop_map(escaped),
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![
        "20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z",
        "20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]0[0-9]:30)?",
    ]
    .prop_map(|text| format!("\"{text}\""))
}

fn maybe(json: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = Option<String>> {
    prop_oneof![3 => json.prop_map(Some), 1 => Just(Some("null".to_owned())), 1 => Just(None)]
}

/// JSON of a session: keys in any order, some absent, some unknown.
fn session() -> impl Strategy<Value = String> {
    let anything = prop_oneof![Just("[1,{\"a\":null}]".to_owned()), text()];
    let required = (text(), any::<bool>(), time(), time());
    let optional =
        (maybe(text()), maybe(text()), maybe(time()), maybe(text()), maybe(text()), maybe(anything));
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

/// The same as the owned page, or the same error but for the name of the type.
fn check(body: Vec<u8>) -> std::result::Result<(), TestCaseError> {
    let answer = raw(body.clone());
    let told = |error: Error| error.to_string().replace("struct SessionV1", "struct SessionRef");
    match (answer.read::<DataPage<SessionRef<'_>>>().map_err(told), owned(body).map_err(told)) {
        (Ok(page), Ok(owned)) => {
            prop_assert_eq!((page.total, page.data.len()), (owned.total, owned.data.len()));
            let mut pairs = page.data.iter().zip(&owned.data);
            prop_assert!(pairs.all(|(session, owned)| are_the_same(session, owned)));
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
    fn a_page_with_a_broken_byte_reads_the_same_borrowed_and_owned(
        body in sessions(),
        place in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\",:0nt\\"[..])],
    ) {
        let mut body = body.into_bytes();
        let place = place.index(body.len());
        body[place] = byte;
        check(body)?;
    }

    #[test]
    fn a_page_that_is_cut_off_reads_the_same_borrowed_and_owned(
        body in sessions(),
        length in any::<prop::sample::Index>(),
    ) {
        let mut body = body.into_bytes();
        body.truncate(length.index(body.len()));
        check(body)?;
    }
}
