//! The spans and events of calls in `wiretrait`, with this contract.

#![cfg(feature = "tokio")]

#[path = "support/capture.rs"]
mod capture;

use capture::{Capture, Captured};
use http::StatusCode;
use serde_json::json;
use sessions_client::{
    Call, ClientConfig, Error, ErrorKind, ISessionsV1, Policies, Response, Result, SessionsHttpClientV1,
    Transport, Value, transport_fn,
};
use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A transport with a list of outcomes, after which it never responds. Its service has an address.
struct Script(Mutex<VecDeque<Result<Response>>>);

impl Transport for Script {
    async fn send(&self, _: Call) -> Result<Response> {
        let step = self.0.lock().unwrap().pop_front();
        match step {
            Some(outcome) => outcome,
            None => pending().await,
        }
    }

    fn peer(&self) -> &'static str {
        "https://[::1]"
    }
}

fn client(
    steps: impl IntoIterator<Item = Result<Response>>,
) -> SessionsHttpClientV1<Value, Value, Policies<Script>> {
    let config = ClientConfig::from_url("https://[::1]").unwrap().with_timeout(Duration::from_millis(50));
    let script = Script(Mutex::new(steps.into_iter().collect()));
    SessionsHttpClientV1::new(Policies::new(script, &config))
}

fn response(status: u16, body: &str) -> Response {
    let mut response = Response::new(body.to_owned().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn fails(kind: ErrorKind) -> Result<Response> {
    Err(Error::new(kind, "scripted"))
}

/// Returns the only call and its attempts.
fn call_and_attempts(capture: &Capture) -> (Captured, Vec<Captured>) {
    let calls = capture.spans("call");
    assert_eq!(calls.len(), 1, "{calls:?}");
    (calls[0].clone(), capture.spans("attempt"))
}

fn texts(spans: &[Captured], field: &str) -> Vec<String> {
    spans.iter().map(|span| span.field(field).to_owned()).collect()
}

#[tokio::test]
async fn a_call_has_a_span_with_a_child_span_for_its_attempt() {
    let (capture, _guard) = Capture::begin();
    let client = client([Ok(response(200, "null"))]);
    assert_eq!(client.get_session_by_id(Some("id"), "1").await.unwrap(), None);
    let (call, attempts) = call_and_attempts(&capture);
    assert_eq!(
        call.text(),
        "wiretrait call\n  otel.kind = internal\n  otel.name = get_session_by_id\n  \
         wiretrait.attempts = 1\n  wiretrait.contract = ISessionsV1\n  wiretrait.operation = get_session_by_id\n"
    );
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        attempts[0].text(),
        "wiretrait attempt\n  http.request.method = POST\n  http.response.body.size = 4\n  \
         http.response.status_code = 200\n  otel.kind = client\n  \
         otel.name = POST /v1/sessions/get_session_by_id\n  server.address = ::1\n  server.port = 443\n  \
         url.template = /v1/sessions/get_session_by_id\n"
    );
    assert_eq!((call.parent, attempts[0].parent), (None, Some(0)));
    assert!(call.is_closed && attempts[0].is_closed);
    assert_eq!((&*call.level, &*attempts[0].level), ("INFO", "INFO"));
    assert!(capture.events().is_empty(), "a successful call has no event: {:?}", capture.events());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_span_and_each_retry_an_event() {
    let (capture, _guard) = Capture::begin();
    let client = client([Ok(response(503, "")), fails(ErrorKind::Connect), Ok(response(204, ""))]);
    client.get_session_by_id(None, "1").await.unwrap();
    let (call, attempts) = call_and_attempts(&capture);
    assert_eq!((call.field("wiretrait.attempts"), call.field("error.type")), ("3", ""));
    assert_eq!(texts(&attempts, "error.type"), ["503", "connect", ""]);
    assert_eq!(texts(&attempts, "otel.status_code"), ["ERROR", "ERROR", ""]);
    assert_eq!(texts(&attempts, "http.response.status_code"), ["503", "", "204"]);
    assert_eq!(texts(&attempts, "http.request.resend_count"), ["", "1", "2"]);
    assert_eq!(texts(&attempts, "wiretrait.unprocessed"), ["", "true", ""]);
    let events = capture.events();
    assert_eq!(texts(&events, "error.type"), ["503", "connect"]);
    assert_eq!(texts(&events, "http.request.resend_count"), ["1", "2"]);
    for event in events {
        assert_eq!((&*event.level, event.parent), ("DEBUG", Some(0)));
        assert_eq!(event.field("wiretrait.operation"), "get_session_by_id");
        assert!(event.field("pause").ends_with('s'), "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_attempt_has_the_error_type_timeout() {
    let (capture, _guard) = Capture::begin();
    let client = client([]);
    let data = json!(1);
    client.open_session(None, "1", None, None, None, None, Some(&data)).await.unwrap_err();
    let (call, attempts) = call_and_attempts(&capture);
    assert_eq!(texts(&attempts, "error.type"), ["timeout"]);
    assert_eq!((call.field("error.type"), call.field("otel.status_code")), ("timeout", "ERROR"));
}

#[tokio::test]
async fn an_unreadable_response_fails_the_call_but_not_its_attempt() {
    let (capture, _guard) = Capture::begin();
    client([Ok(response(200, "<html>"))]).get_session_by_id(None, "1").await.unwrap_err();
    let (call, attempts) = call_and_attempts(&capture);
    assert_eq!((call.field("error.type"), call.field("otel.status_code")), ("decode", "ERROR"));
    assert_eq!(texts(&attempts, "error.type"), [""]);
}

#[tokio::test]
async fn an_invalid_argument_fails_the_call_before_any_attempt() {
    let (capture, _guard) = Capture::begin();
    client([]).store_session_data(None, "1", &Value::Null).await.unwrap_err();
    let (call, attempts) = call_and_attempts(&capture);
    assert_eq!((call.field("error.type"), call.field("wiretrait.attempts")), ("encode", "0"));
    assert!(attempts.is_empty());
}

#[test]
fn a_dropped_call_has_the_error_type_cancelled() {
    let (capture, _guard) = Capture::begin();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let client = client([]);
    {
        let mut call = pin!(client.get_session_by_id(None, "1"));
        assert!(matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    }
    let (call, attempts) = call_and_attempts(&capture);
    assert_eq!(attempts.len(), 1);
    for span in [&call, &attempts[0]] {
        assert_eq!((span.field("error.type"), span.field("otel.status_code")), ("cancelled", ""));
        assert!(span.is_closed);
    }
}

#[tokio::test]
async fn the_span_of_a_call_is_a_child_of_the_current_span() {
    use tracing::Instrument;
    let (capture, _guard) = Capture::begin();
    let client = client([Ok(response(204, ""))]);
    client.get_session_by_id(None, "1").instrument(tracing::info_span!("request")).await.unwrap();
    let spans = capture.everything();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["request", "call", "attempt"]);
    assert_eq!(spans.iter().map(|span| span.parent).collect::<Vec<_>>(), [None, Some(0), Some(1)]);
}

#[tokio::test]
async fn a_transport_without_an_address_has_empty_address_fields() {
    let (capture, _guard) = Capture::begin();
    let config = ClientConfig::from_url("http://localhost").unwrap();
    let bare = transport_fn(|_| async { Ok(response(204, "")) });
    let client = SessionsHttpClientV1::new(Policies::new(bare, &config));
    client.get_session_by_id(None, "1").await.unwrap();
    let (_, attempts) = call_and_attempts(&capture);
    assert_eq!((attempts[0].field("server.address"), attempts[0].field("server.port")), ("", ""));
}
