//! Scripted replies and recorded requests.

use super::{client, find, ms, panic_message};
use http::StatusCode;
use serde_json::{Value, json};
use sessions_client::policy::{Deadline, Retry, RetryPolicy, Timeout};
use sessions_client::test_kit::{Faults, Reply, ScriptedTransport, Sent, VirtualTime};
use sessions_client::{
    CallOptions, Error, ErrorKind, ISessionsV1, Payload, Response, ServiceError, sessions_v1,
};
use std::time::Duration;

fn scripted(route: &'static sessions_client::Route, reply: Reply) -> ScriptedTransport {
    let service = ScriptedTransport::new();
    service.on(route, reply);
    service
}

fn session() -> Value {
    json!({
        "id": "7", "user_id": "user-1", "active": true, "data": ["book"],
        "open_time": "2026-11-23T08:00:00Z", "request_time": "2026-11-23T08:00:00Z",
    })
}

#[tokio::test]
async fn each_operation_has_its_replies_in_script_order() {
    let service = ScriptedTransport::new();
    service
        .on(sessions_v1::CLOSE_SESSION, Reply::no_content())
        .on(sessions_v1::GET_SESSION_BY_ID, Reply::no_content().then(Reply::json(&session())))
        .on(sessions_v1::CLOSE_SESSION, Reply::json(&session()));
    let client = client(service.clone());
    find(&client).await.unwrap();
    assert_eq!(client.close_session(None, "7").await.unwrap(), None);
    assert_eq!(client.close_session(None, "7").await.unwrap().unwrap().id, "7");
    assert_eq!(client.get_session_by_id(None, "7").await.unwrap().unwrap().data, Some(json!(["book"])));
    service.assert_done();
}

#[tokio::test]
async fn a_reply_can_be_an_error_of_the_service_or_the_network() {
    let error = ServiceError::new("INVALID_DATA", "no such user").with_category("BadRequest");
    let mut page = Response::new("<html>".into());
    *page.status_mut() = StatusCode::BAD_GATEWAY;
    let replies = Reply::service_error(400, &error)
        .then(Reply::status(429).header("retry-after", "3"))
        .then(Reply::response(page))
        .then(Reply::error(ErrorKind::Connect));
    let client = client(scripted(sessions_v1::GET_SESSION_BY_ID, replies));
    let mut errors = Vec::new();
    for _ in 0..4 {
        errors.push(find(&client).await.unwrap_err());
    }
    assert_eq!(errors[0].service(), Some(&error));
    assert_eq!(errors[1].retry_after(), Some(Duration::from_secs(3)));
    let statuses: Vec<_> = errors.iter().map(|error| error.status().map(|status| status.as_u16())).collect();
    assert_eq!(statuses, [Some(400), Some(429), Some(502), None]);
    assert!(errors[3].is_connect());
}

#[tokio::test]
async fn a_reply_can_be_computed_from_the_request() {
    let reply = Reply::from_fn(|sent| {
        let opened = sent.operation::<sessions_v1::received::OpenSession<Value, Value>>().unwrap();
        let mut session = session();
        session["user_id"] = json!(opened.user_id);
        Reply::json(&session)
    });
    let client = client(scripted(sessions_v1::OPEN_SESSION, reply.always()));
    for user in ["Ann", "Bob"] {
        let session = client.open_session(None, user, None, None, None, None, None).await.unwrap();
        assert_eq!(session.user_id.as_deref(), Some(user));
    }
}

#[tokio::test]
async fn an_invalid_reply_is_reported_when_it_is_used() {
    let none = || Reply::no_content().times(0);
    let replies = [
        (Reply::status(7), "the scripted status 7 is not valid: it must be from 100 to 999"),
        (
            Reply::json(&std::collections::HashMap::from([([1], 2)])),
            "the scripted reply cannot be written as JSON",
        ),
        (
            Reply::status(503).header("retry after", "s3cret"),
            "the scripted header `retry after` does not have a valid name and value",
        ),
        (Reply::from_fn(move |_| none()), "the scripted function returned no reply"),
    ];
    for (reply, message) in replies {
        let error = find(&client(scripted(sessions_v1::GET_SESSION_BY_ID, reply))).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Config, format!("get_session_by_id: {message}"))
        );
    }
}

#[tokio::test]
async fn a_reply_can_be_used_more_than_once_or_always() {
    let service = scripted(
        sessions_v1::GET_SESSION_BY_ID,
        Reply::status(503).times(2).then(Reply::no_content().always()),
    );
    let client = client(service.clone());
    let mut found = Vec::new();
    for _ in 0..5 {
        found.push(find(&client).await.is_ok());
    }
    assert_eq!(found, [false, false, true, true, true]);
    service.assert_done();
}

#[tokio::test]
async fn a_call_without_a_reply_fails_without_a_retry() {
    let service = scripted(sessions_v1::CLOSE_SESSION, Reply::no_content());
    let retry = Retry::new(service.clone(), RetryPolicy::new(), VirtualTime::new());
    let client = client(retry);
    client.close_session(None, "1").await.unwrap();
    let error = client.close_session(None, "1").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "close_session: the script has no reply to call 2 of `close_session`: add `.on(CLOSE_SESSION, Reply::…)`"
    );
    assert!(find(&client).await.unwrap_err().to_string().contains("call 1 of `get_session_by_id`"));
    assert_eq!(service.sent().len(), 3);
    // The check fails even if the code under test ignores the error.
    let message = panic_message(|| service.assert_done()).unwrap();
    assert_eq!(message, "the script had no reply to calls of close_session, get_session_by_id");
}

#[tokio::test]
async fn a_call_outside_the_script_gets_the_fallback_reply() {
    let service = scripted(sessions_v1::GET_SESSION_BY_ID, Reply::status(503));
    service.otherwise(Reply::no_content().always());
    let client = client(service.clone());
    find(&client).await.unwrap_err();
    find(&client).await.unwrap();
    assert_eq!(client.close_session(None, "1").await.unwrap(), None);
    service.assert_done();
}

#[tokio::test]
async fn a_call_of_another_operation_is_reported_with_the_unused_reply() {
    let service = scripted(sessions_v1::GET_SESSION_BY_ID, Reply::no_content().times(2));
    service.otherwise(Reply::no_content().times(1));
    let client = client(service.clone());
    client.close_session(None, "1").await.unwrap();
    client.close_session(None, "1").await.unwrap_err();
    find(&client).await.unwrap();
    let message = panic_message(|| service.assert_done()).unwrap();
    assert_eq!(
        message,
        "the script had no reply to calls of close_session; the script has unused replies: 1 for get_session_by_id"
    );
}

#[tokio::test]
async fn unused_replies_fail_the_check() {
    let service = scripted(sessions_v1::GET_SESSION_BY_ID, Reply::no_content().times(3));
    service.on(sessions_v1::OPEN_SESSION, Reply::status(500)).otherwise(Reply::status(404));
    find(&client(service.clone())).await.unwrap();
    assert_eq!(
        panic_message(|| service.assert_done()).unwrap(),
        "the script has unused replies: 2 for get_session_by_id, 1 for open_session, 1 for any operation"
    );
}

#[tokio::test]
async fn clones_share_the_script_and_the_requests() {
    let service = ScriptedTransport::new();
    let client = client(service.clone());
    // Replies can be added while the client is in use.
    service.clone().on(sessions_v1::GET_SESSION_BY_ID, Reply::no_content());
    find(&client).await.unwrap();
    assert_eq!(service.sent().len(), 1);
}

#[tokio::test]
async fn requests_are_available_as_operations_and_as_http() {
    let service = scripted(sessions_v1::OPEN_SESSION, Reply::json(&session()).always());
    service.on(sessions_v1::CLOSE_SESSION, Reply::no_content());
    let client = client(service.clone());
    let cart = json!(["book", { "count": 2 }]);
    client.open_session(Some("trace-1"), "Ann", None, None, None, None, Some(&cart)).await.unwrap();
    client.close_session(None, "7").await.unwrap();
    client.open_session(None, "Bob", None, Some("::1"), None, None, None).await.unwrap();

    let opened = service.sent_as::<sessions_v1::received::OpenSession<Value, Value>>().unwrap();
    let users: Vec<_> = opened.iter().map(|opened| &*opened.user_id).collect();
    assert_eq!(users, ["Ann", "Bob"]);
    assert_eq!(
        (opened[0].correlation_id.as_deref(), opened[0].data.as_ref()),
        (Some("trace-1"), Some(&cart))
    );
    assert_eq!(opened[1].address.as_deref(), Some("::1"));

    let sent = service.sent();
    let names: Vec<_> = sent.iter().map(|sent| (sent.route().name, sent.attempt())).collect();
    assert_eq!(names, [("open_session", 1), ("close_session", 1), ("open_session", 1)]);
    assert_eq!(sent[0].request().uri(), "/v1/sessions/open_session?correlation_id=trace-1");
    assert_eq!(sent[1].request().body(), r#"{"session_id":"7"}"#);
    assert_eq!(sent[1].operation::<sessions_v1::received::CloseSession>().unwrap().session_id, "7");
}

#[tokio::test]
async fn reading_a_request_as_another_operation_is_an_error() {
    async fn opened<D: Payload>() -> (Error, Option<Error>) {
        let service = scripted(sessions_v1::OPEN_SESSION, Reply::json(&session()));
        let data = json!("s3cret");
        client(service.clone()).open_session(None, "1", None, None, None, None, Some(&data)).await.unwrap();
        let other = service.sent()[0].operation::<sessions_v1::received::CloseSession>().unwrap_err();
        (other, service.sent_as::<sessions_v1::received::OpenSession<Value, D>>().err())
    }
    let (other, error) = opened::<String>().await;
    assert_eq!(other.to_string(), "open_session: another operation than `close_session` was called");
    assert!(error.is_none());
    let (_, error) = opened::<u32>().await;
    assert_eq!(
        error.unwrap().to_string(),
        "open_session: the service responded with 400 Bad Request: INVALID_DATA: Validation failed: \
         data: found string, expected u32"
    );
}

#[tokio::test]
async fn retries_are_recorded_one_by_one() {
    let service = scripted(
        sessions_v1::GET_SESSION_BY_ID,
        Reply::error(ErrorKind::Transport)
            .then(Reply::status(503).header("retry-after", "2"))
            .then(Reply::no_content()),
    );
    let time = VirtualTime::new();
    let retry = Retry::with_random(service.clone(), RetryPolicy::new(), time.clone(), || 1.0);
    find(&client(retry)).await.unwrap();
    service.assert_done();
    let attempts: Vec<_> = service.sent().iter().map(Sent::attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(time.slept(), [ms(100), ms(2000)]);
}

#[tokio::test]
async fn a_missing_response_times_out_in_virtual_time() {
    let service = scripted(sessions_v1::GET_SESSION_BY_ID, Reply::never().always());
    let time = VirtualTime::new();
    let attempt = Timeout::new(service.clone(), ms(1000), time.clone());
    let client = client(Deadline::new(attempt, ms(10_000), time.clone()));
    assert!(find(&client.with(CallOptions::new().timeout(ms(300)))).await.unwrap_err().is_timeout());
    assert_eq!((time.passed(), service.sent()[0].call().limit), (ms(300), Some(ms(300))));
}

#[tokio::test]
async fn debug_output_contains_no_request_or_reply() {
    const SECRET: &str = "s3cret";
    let service = ScriptedTransport::new();
    let mut body = session();
    body["data"] = json!(SECRET);
    let reply = Reply::json(&body)
        .header("x-secret", SECRET)
        .then(Reply::never())
        .then(Reply::from_fn(|_| Reply::status(1)).always());
    assert_eq!(format!("{reply:?}"), "[200, never, computed always]");
    service.on(sessions_v1::OPEN_SESSION, reply).otherwise(Reply::error(ErrorKind::Connect));
    let data = json!(SECRET);
    let client = client(Faults::new(service.clone(), 1, VirtualTime::new()));
    client.open_session(Some(SECRET), SECRET, None, None, None, None, Some(&data)).await.unwrap();
    let printed = format!("{service:?} {:?} {:?}", service.sent(), client.caller().transport());
    assert!(printed.contains("open_session") && !printed.contains(SECRET), "{printed}");
}

#[test]
fn the_types_of_the_kit_are_clone_send_and_sync() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<ScriptedTransport>();
    check::<Faults<ScriptedTransport, VirtualTime>>();
    check::<Reply>();
    check::<Sent>();
}

#[test]
fn a_virtual_clock_moves_by_a_century_at_most() {
    let time = VirtualTime::new();
    time.advance(Duration::MAX);
    assert!(sessions_client::policy::Time::now(&time) > std::time::Instant::now());
}
