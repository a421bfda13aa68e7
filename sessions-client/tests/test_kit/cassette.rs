//! Recorded traffic.

use super::client;
use serde_json::{Value, json};
use sessions_client::http::HeaderName;
use sessions_client::policy::{Retry, RetryPolicy};
use sessions_client::test_kit::{Cassette, VirtualTime};
use sessions_client::{Caller, Encoding, ErrorKind, ISessionsV1, SessionsHttpClientV1};

/// An entry of a recording.
fn entry(operation: &str, body: &Value, status: u16, response: &Value) -> Value {
    let text = |body: &Value| if body.is_null() { String::new() } else { body.to_string() };
    json!({
        "request": {
            "method": "POST",
            "url": format!("https://sessions.test/v1/sessions/{operation}"),
            "headers": [{"name": ":method", "value": "POST"}, {"name": "Content-Type", "value": "application/json"}],
            "postData": {"mimeType": "application/json", "text": text(body)},
        },
        "response": {
            "status": status,
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "Content-Encoding", "value": "gzip"},
                {"name": "Content-Length", "value": "1"},
                {"name": "X-Two", "value": "a\nb"},
            ],
            "content": {"size": text(response).len(), "text": text(response)},
        },
    })
}

fn cassette(entries: &[Value]) -> Cassette {
    Cassette::from_har(json!({"log": {"version": "1.2", "entries": entries}}).to_string().as_bytes()).unwrap()
}

fn session(user: &str) -> Value {
    let time = "2026-11-23T08:00:00Z";
    json!({"id": "7", "user_id": user, "active": true, "open_time": time, "request_time": time})
}

fn find(id: &str, status: u16, response: &Value) -> Value {
    entry("get_session_by_id", &json!({"session_id": id}), status, response)
}

#[tokio::test]
async fn the_same_request_receives_the_next_response_and_then_the_last() {
    let recording = cassette(&[
        find("7", 204, &Value::Null),
        find("8", 204, &Value::Null),
        find("7", 200, &session("ann")),
    ]);
    let sessions = client(recording.clone());
    assert_eq!(sessions.get_session_by_id(None, "7").await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(
            sessions.get_session_by_id(None, "7").await.unwrap().unwrap().user_id.as_deref(),
            Some("ann")
        );
    }
    assert_eq!(format!("{recording:?}"), "Cassette { exchanges: 3, left: 1 }");
    let again = client(recording.rewound());
    assert_eq!(again.get_session_by_id(None, "7").await.unwrap(), None);
}

#[tokio::test]
async fn a_correlation_id_matches_any_other() {
    let mut recorded = find("7", 204, &Value::Null);
    recorded["request"]["url"] =
        json!("https://sessions.test/v1/sessions/get_session_by_id?correlation_id=1");
    let sessions = client(cassette(&[recorded]));
    assert_eq!(sessions.get_session_by_id(Some("2"), "7").await.unwrap(), None);
    assert_eq!(sessions.get_session_by_id(None, "7").await.unwrap(), None);
}

#[tokio::test]
async fn a_renamed_correlation_id_matches_any_other() {
    for name in ["trace_id", "correlation_id"] {
        let mut recorded = find("7", 204, &Value::Null);
        let url = format!("https://sessions.test/v1/sessions/get_session_by_id?{name}=1");
        recorded["request"]["url"] = json!(url);
        let mut encoding = Encoding::default();
        encoding.correlation_name = Some(HeaderName::from_static("trace_id"));
        let caller = Caller::new(cassette(&[recorded])).with_encoding(encoding);
        let sessions: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::from_caller(caller);
        assert_eq!(sessions.get_session_by_id(Some("2"), "7").await.unwrap(), None);
        let other = sessions.get_session_by_id(Some("2"), "8").await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Config);
    }
}

#[tokio::test]
async fn a_value_of_the_recording_can_be_replaced() {
    let open = entry("open_session", &json!({"user_id": "ann"}), 200, &session("ann"));
    let sessions = client(cassette(&[open]).with_value("ann", "zoë"));
    let opened = sessions.open_session(None, "zoë", None, None, None, None, None).await.unwrap();
    assert_eq!(opened.user_id.as_deref(), Some("zoë"));
}

#[tokio::test]
async fn a_request_that_was_not_recorded_fails_without_retries() {
    let recording = cassette(&[
        entry("close_session", &json!({"session_id": "8"}), 204, &Value::Null),
        find("8", 204, &Value::Null),
    ]);
    let sessions = client(Retry::new(recording, RetryPolicy::new(), VirtualTime::new()));
    let error = sessions.get_session_by_id(None, "private").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "get_session_by_id: POST /v1/sessions/get_session_by_id was not recorded: the nearest request is \
         `log.entries[1]`, POST /v1/sessions/get_session_by_id, with another `session_id`",
    );
    let error = sessions.store_session_data(None, "8", &json!({"a": 1})).await.unwrap_err().to_string();
    assert!(error.ends_with("with another path"), "{error}");
}

#[tokio::test]
async fn errors_about_a_recording_are_one_line_of_visible_characters() {
    let mut another_path = find("7", 204, &Value::Null);
    another_path["request"]["url"] = json!("https://sessions.test/\u{7f}v1/\u{202e}sessions");
    let another_key = entry("get_session_by_id", &json!({"session\n\u{2028}id": "7"}), 204, &Value::Null);
    let failed = {
        let mut entry = find("7", 204, &Value::Null);
        entry["response"] = json!({"status": 0, "_error": "net::\u{1b}[2J\u{200f}ERR"});
        entry
    };
    for recorded in [another_path, another_key, failed] {
        let sessions = client(cassette(&[recorded]));
        let error = sessions.get_session_by_id(None, "7").await.unwrap_err().to_string();
        assert!(error.chars().all(wiretrait::is_displayed), "{error:?}");
    }
}

#[tokio::test]
async fn a_recorded_failure_and_an_omitted_body_are_errors() {
    let failed = json!({"status": 0, "_error": "net::ERR_CONNECTION_RESET"});
    let omitted = json!({"status": 200, "content": {"size": 312}});
    for (response, kind, why) in [
        (failed, ErrorKind::Transport, "net::ERR_CONNECTION_RESET"),
        (
            omitted,
            ErrorKind::Config,
            "the recording omits the 312 bytes of the response body in `log.entries[0]`",
        ),
    ] {
        let mut recorded = find("7", 200, &Value::Null);
        recorded["response"] = response;
        let error = client(cassette(&[recorded])).get_session_by_id(None, "7").await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn other_protocols_in_a_recording_are_ignored() {
    let socket = json!({"request": {"method": "GET", "url": "wss://a/"}, "response": {"status": 101}});
    let sessions = client(cassette(&[socket, find("7", 204, &Value::Null)]));
    assert_eq!(sessions.get_session_by_id(None, "7").await.unwrap(), None);
}
