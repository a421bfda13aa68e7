//! Operations received by a service or read back by a test, with arguments of all types.

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions_client::sessions_v1::{self, OpenSession, received};
use sessions_client::{
    CorrelationPlace, Encoding, ErrorKind, Incoming, Operation, Payload, Received, Request, Result,
};
use wiretrait::http_api;

/// A type that is not `Clone`; a contract does not require it.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Lock {
    code: u32,
}

type Text = String;

#[allow(dead_code, reason = "only the operations of this contract are used")]
#[http_api(client = MixedClient, module = mixed)]
trait Mixed<T: Payload = Value> {
    #[put("/lent/{id}")]
    async fn lent(&self, id: &str, #[query] tags: &[String], #[body] lock: Option<&Lock>) -> Result<()>;

    #[post("/plain/{number}")]
    async fn plain(&self, number: u32, #[query] exact: bool, #[query] most: Option<u16>) -> Result<()>;

    // `Text` is an alias of `String`, so the generated bounds name one type twice.
    #[post("/owned")]
    async fn owned(&self, #[field] text: String, #[field] again: Text, #[field] list: Vec<u16>)
    -> Result<()>;

    #[post("/locked")]
    async fn locked(&self, #[field] lock: Lock) -> Result<()>;

    #[post("/chosen")]
    async fn chosen(&self, #[field] one: T, #[field] other: &T) -> Result<()>;

    #[get("/nothing")]
    async fn nothing(&self) -> Result<()>;
}

fn receive<R: Received>(operation: &impl Operation) -> R {
    Incoming::from(operation.encode().unwrap()).receive().unwrap().unwrap()
}

fn copied<T: Copy>(operation: T) -> (T, T) {
    (operation, operation)
}

/// Checks that both encode to the same request.
fn assert_same(one: &impl Operation, other: &impl Operation) {
    let parts = |request: Request| {
        let (parts, body) = request.into_parts();
        (parts.method, parts.uri, parts.headers, body)
    };
    assert_eq!(parts(one.encode().unwrap()), parts(other.encode().unwrap()));
}

#[test]
fn an_operation_is_copy_for_any_payload_type() {
    let lock = Lock { code: 7 };
    let call = OpenSession::<Value, Lock>::new("user-1").data(&lock);
    let (one, other) = copied(call);
    assert_eq!((one.data, other.user_id, call.user_name), (Some(&lock), "user-1", None));
}

#[test]
fn an_operation_is_copy_or_clone_if_its_arguments_are() {
    let (one, other) = copied(mixed::Plain::new(1, true).most(2));
    assert_same(&one, &other);
    let (one, other) = copied(mixed::Chosen::new(3_u8, &4));
    assert_same(&one, &other);
    copied(mixed::Nothing::new());
    let (tags, lock) = (["a".to_owned()], Lock { code: 7 });
    copied(mixed::Lent::new("1", &tags).lock(&lock));

    let owned = mixed::Owned::new("a".to_owned(), "b".to_owned(), vec![1, 2]);
    assert_same(&owned.clone(), &owned);
}

#[test]
fn a_received_operation_has_its_types_and_can_be_sent_again() {
    let (user, cart) = (json!({ "name": "Ann" }), json!(["book", 1, null]));
    let sent = OpenSession::new("user-1").correlation_id("123").user_name("Ann").user(&user).data(&cart);
    let received: received::OpenSession<Value, Value> = receive(&sent);
    assert_eq!(received.correlation_id.as_deref(), Some("123"));
    assert_eq!(
        (&*received.user_id, received.user_name.as_deref(), &received.address),
        ("user-1", Some("Ann"), &None)
    );
    assert_eq!((received.user.as_ref(), received.data.as_ref()), (Some(&user), Some(&cart)));
    assert_same(&received.as_operation(), &sent);
    assert_same(&received.clone().as_operation(), &sent);
}

#[test]
fn every_kind_of_argument_can_be_received() {
    let (tags, lock) = (["a".to_owned(), "b&c".to_owned()], Lock { code: 7 });
    let sent = mixed::Lent::new("ä/1", &tags).lock(&lock);
    let received: mixed::received::Lent = receive(&sent);
    assert_eq!((&*received.id, &*received.tags, received.lock.as_ref()), ("ä/1", &tags[..], Some(&lock)));
    assert_same(&received.as_operation(), &sent);

    let sent = mixed::Plain::new(1, true).most(2);
    let received: mixed::received::Plain = receive(&sent);
    assert_eq!((received.number, received.exact, received.most), (1, true, Some(2)));
    assert_same(&received.as_operation(), &sent);
    assert_same(&received.clone().as_operation(), &sent);

    let sent = mixed::Owned::new("a".to_owned(), "b".to_owned(), vec![1, 2]);
    let received: mixed::received::Owned = receive(&sent);
    assert_eq!((&*received.text, &*received.again, &*received.list), ("a", "b", &[1, 2][..]));
    assert_same(&received.as_operation(), &sent);
    assert_same(&received.clone().as_operation(), &sent);

    let received: mixed::received::Locked = receive(&mixed::Locked::new(Lock { code: 7 }));
    assert_eq!(received.lock, lock);

    let sent = mixed::Chosen::new(3_u8, &4);
    let received: mixed::received::Chosen<u8> = receive(&sent);
    assert_same(&received.as_operation(), &sent);

    let received: mixed::received::Nothing = receive(&mixed::Nothing::new());
    assert_same(&received.as_operation(), &mixed::Nothing::new());
}

#[test]
fn an_empty_correlation_id_is_neither_sent_nor_received() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        let mut encoding = Encoding::default();
        encoding.correlation_place = place;
        let mut sent = sessions_v1::CloseSession::new("1").correlation_id("").encode_with(&encoding).unwrap();
        let without = sessions_v1::CloseSession::new("1").encode_with(&encoding).unwrap();
        assert_eq!((sent.uri(), sent.headers()), (without.uri(), without.headers()), "{place:?}");
        // Other clients may send it.
        *sent.uri_mut() = format!("{}?correlation_id=", sent.uri()).parse().unwrap();
        sent.headers_mut().insert("correlation_id", HeaderValue::from_static(""));
        let received: received::CloseSession = Incoming::from(sent).receive().unwrap().unwrap();
        assert_eq!(received.correlation_id, None, "{place:?}");
    }
}

#[test]
fn a_correlation_id_is_received_from_every_place() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        let mut encoding = Encoding::default();
        encoding.correlation_place = place;
        let call = sessions_v1::CloseSession::new("1").correlation_id("123");
        let incoming = Incoming::from(call.encode_with(&encoding).unwrap());
        let received: received::CloseSession = incoming.receive().unwrap().unwrap();
        assert_eq!(received.correlation_id.as_deref(), Some("123"), "{place:?}");
    }
}

#[test]
fn a_request_for_another_operation_is_not_received() {
    let incoming = Incoming::from(sessions_v1::CloseSession::new("1").encode().unwrap());
    assert!(incoming.receive::<received::GetSessionById>().is_none());
    assert!(incoming.receive::<received::CloseSession>().is_some());
}

#[test]
fn an_invalid_request_is_the_error_of_the_service() {
    let incoming = |body: &'static str| {
        let request = http::Request::post("/v1/sessions/open_session").body(body.into()).unwrap();
        Incoming::from(request)
    };
    let rejected =
        |body| incoming(body).receive::<received::OpenSession<Lock, Value>>().unwrap().unwrap_err();
    let error = rejected(r#"{ "user_name": 7, "user": { "code": "s3cret" } }"#);
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 400));
    assert_eq!(
        error.to_string(),
        "open_session: the service responded with 400 Bad Request: INVALID_DATA: Validation failed: \
         user_id must not be null, user_name: found integer, expected a string, user: found string, expected u32"
    );
    let error = rejected("{");
    assert_eq!(error.service().unwrap().code, "InvalidContent");

    // Invalid JSON is an error even for an operation without arguments in the body.
    let request = http::Request::post("/v1/sessions/close_expired_sessions").body("{".into()).unwrap();
    let error = Incoming::from(request).receive::<received::CloseExpiredSessions>().unwrap().unwrap_err();
    assert_eq!(error.service().unwrap().code, "InvalidContent");
}

#[test]
fn debug_output_contains_no_arguments() {
    let data = json!("s3cret");
    let call = OpenSession::<Value, Value>::new("s3cret").correlation_id("s3cret").data(&data);
    let received: received::OpenSession<Value, Value> = receive(&call);
    assert_eq!(format!("{received:?} {call:?}"), "OpenSession { .. } OpenSession { .. }");
}

#[test]
fn a_body_parsed_earlier_can_be_received_repeatedly() {
    let sent = OpenSession::<Value, Value>::new("sent").user_name("Ann");
    let read = json!({ "user_id": "read", "data": [1] });
    let incoming = Incoming::from(sent.encode().unwrap()).with_json(read);
    for _ in 0..2 {
        let received: received::OpenSession<Value, Value> = incoming.receive().unwrap().unwrap();
        assert_eq!((&*received.user_id, received.user_name, received.data), ("read", None, Some(json!([1]))));
    }
}

#[test]
fn the_last_of_two_equal_keys_is_used() {
    let body = r#"{ "data": 1, "user_id": "first", "more": 2, "user_id": "second", "more": 3 }"#;
    let request = http::Request::post("/v1/sessions/open_session").body(body.into()).unwrap();
    let received: received::OpenSession<Value, Value> = Incoming::from(request).receive().unwrap().unwrap();
    assert_eq!((&*received.user_id, received.data), ("second", Some(json!(1))));
}
