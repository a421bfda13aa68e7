//! Operations as a service receives them, and as a test reads them back: whatever types their arguments have.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions_client::sessions_v1::{self, OpenSession, received};
use sessions_client::{
    CorrelationPlace, Encoding, ErrorKind, Incoming, Operation, Payload, Received, Request, Result, http_api,
};

/// Not `Clone`, as types of a contract need not be.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Lock {
    code: u32,
}

type Text = String;

#[allow(dead_code, reason = "of this contract there are only the operations")]
#[http_api(client = MixedClient, module = mixed)]
trait Mixed<T: Payload = Value> {
    #[put("/lent/{id}")]
    async fn lent(&self, id: &str, #[query] tags: &[String], #[body] lock: Option<&Lock>) -> Result<()>;

    #[post("/plain/{number}")]
    async fn plain(&self, number: u32, #[query] exact: bool, #[query] most: Option<u16>) -> Result<()>;

    // Two types that are one, for conditions on them.
    #[post("/owned")]
    async fn owned(&self, #[field] text: String, #[field] again: Text, #[field] list: Vec<u8>) -> Result<()>;

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

/// Encoded again it is the same request.
fn assert_same(one: &impl Operation, other: &impl Operation) {
    let parts = |request: Request| {
        let (parts, body) = request.into_parts();
        (parts.method, parts.uri, parts.headers, body)
    };
    assert_eq!(parts(one.encode().unwrap()), parts(other.encode().unwrap()));
}

#[test]
fn a_call_of_the_sessions_can_be_copied_whatever_its_payloads_are() {
    let lock = Lock { code: 7 };
    let call = OpenSession::<Value, Lock>::new("user-1").data(&lock);
    let (one, other) = copied(call);
    assert_eq!((one.data, other.user_id, call.user_name), (Some(&lock), "user-1", None));
}

#[test]
fn a_call_can_be_copied_or_cloned_where_its_arguments_can() {
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
fn what_was_sent_comes_back_with_its_types_and_can_be_sent_again() {
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
fn every_kind_of_argument_comes_back() {
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
fn a_correlation_id_is_found_wherever_the_client_puts_it() {
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
fn a_request_of_another_operation_is_none_of_this_one() {
    let incoming = Incoming::from(sessions_v1::CloseSession::new("1").encode().unwrap());
    assert!(incoming.receive::<received::GetSessionById>().is_none());
    assert!(incoming.receive::<received::CloseSession>().is_some());
}

#[test]
fn what_cannot_be_read_is_the_error_that_a_service_answers_with() {
    let incoming = |body: &'static str| {
        let request = http::Request::post("/v1/sessions/open_session").body(body.into()).unwrap();
        Incoming::from(request)
    };
    let refused = |body| incoming(body).receive::<received::OpenSession<Lock, Value>>().unwrap().unwrap_err();
    let error = refused(r#"{ "user_name": 7, "user": { "code": "s3cret" } }"#);
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 400));
    assert_eq!(
        error.to_string(),
        "open_session: the service answered 400 Bad Request: INVALID_DATA: Validation failed: \
         user_id must not be null, user_name: found integer, expected a string, user: found string, expected u32"
    );
    let error = refused("{");
    assert_eq!(error.service().unwrap().code, "InvalidContent");

    // A body that is no JSON is refused where there is no argument in it, too.
    let request = http::Request::post("/v1/sessions/close_expired_sessions").body("{".into()).unwrap();
    let error = Incoming::from(request).receive::<received::CloseExpiredSessions>().unwrap().unwrap_err();
    assert_eq!(error.service().unwrap().code, "InvalidContent");
}

#[test]
fn what_was_received_is_not_printed() {
    let data = json!("s3cret");
    let call = OpenSession::<Value, Value>::new("s3cret").correlation_id("s3cret").data(&data);
    let received: received::OpenSession<Value, Value> = receive(&call);
    assert_eq!(format!("{received:?} {call:?}"), "OpenSession { .. } OpenSession { .. }");
}

#[test]
fn a_body_that_somebody_has_read_on_the_way_is_taken_from_there_as_often_as_it_is_asked_for() {
    let sent = OpenSession::<Value, Value>::new("sent").user_name("Ann");
    let read = json!({ "user_id": "read", "data": [1] });
    let incoming = Incoming::from(sent.encode().unwrap()).with_json(read);
    for _ in 0..2 {
        let received: received::OpenSession<Value, Value> = incoming.receive().unwrap().unwrap();
        assert_eq!((&*received.user_id, received.user_name, received.data), ("read", None, Some(json!([1]))));
    }
}

#[test]
fn of_two_members_with_one_key_the_latter_counts() {
    let body = r#"{ "data": 1, "user_id": "first", "more": 2, "user_id": "second", "more": 3 }"#;
    let request = http::Request::post("/v1/sessions/open_session").body(body.into()).unwrap();
    let received: received::OpenSession<Value, Value> = Incoming::from(request).receive().unwrap().unwrap();
    assert_eq!((&*received.user_id, received.data), ("second", Some(json!(1))));
}
