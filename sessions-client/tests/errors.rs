//! What a caller is told when something goes wrong, over a real socket and the default transport.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

mod support;

use serde_json::json;
use sessions_client::sessions_v1::{GetSessions, OpenSession, STORE_SESSION_DATA, StoreSessionData};
use sessions_client::{
    Call, CallOptions, ClientConfig, DefaultTransport, Encoder, Encoding, Error, ErrorKind, FilterParams,
    ISessionsV1, Incoming, Operation, Policies, SessionsHttpClientV1, Value,
};
use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;
use support::{answering, http, nobody, recording, silent};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// It stands in every argument and every hostile answer, and must stand in no error.
const SECRET: &str = "s3cret";

#[cfg(feature = "reqwest")]
type Network = sessions_client::ReqwestTransport;
#[cfg(not(feature = "reqwest"))]
type Network = sessions_client::HyperTransport;

/// A transport without a proxy, which would answer for any host.
fn direct(config: &ClientConfig) -> Network {
    #[cfg(feature = "reqwest")]
    return Network::with_client(reqwest::Client::builder().no_proxy().build().unwrap(), config).unwrap();
    #[cfg(not(feature = "reqwest"))]
    return Network::new(config).unwrap();
}

fn client(url: &str) -> SessionsHttpClientV1 {
    SessionsHttpClientV1::connect(url).unwrap()
}

/// A call with a secret in every place.
async fn open(client: &SessionsHttpClientV1) -> Error {
    let data = json!({ SECRET: SECRET });
    let call = client.open_session(Some(SECRET), SECRET, Some(SECRET), None, None, Some(&data), Some(&data));
    checked(call.await.unwrap_err())
}

async fn get(client: &SessionsHttpClientV1) -> Error {
    checked(client.get_session_by_id(Some(SECRET), SECRET).await.unwrap_err())
}

/// Every error names its operation in one line and says nothing private, however it is printed.
fn checked(error: Error) -> Error {
    let operation = error.operation().expect("an error of a call has its operation");
    let mut texts = vec![error.to_string(), format!("{error:?}"), format!("{error:#?}")];
    assert!(texts[0].starts_with(&format!("{operation}: ")), "{}", texts[0]);
    assert!(!texts[0].contains(char::is_control), "{:?}", texts[0]);
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    for text in texts {
        assert!(!text.contains(SECRET), "{text}");
    }
    error
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_a_connect_error() {
    let config = ClientConfig::from_url("http://no-such-host.invalid:8080").unwrap();
    let transport = direct(&config);
    let error = open(&SessionsHttpClientV1::new(Policies::new(transport, &config))).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_connect());
    assert!(
        error.to_string().starts_with("open_session: cannot connect to http://no-such-host.invalid:8080: ")
    );
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_a_connect_error() {
    let url = nobody();
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    let text = error.to_string();
    assert!(text.starts_with(&format!("open_session: cannot connect to {url}: ")), "{text}");
    assert!(text.ends_with(" (3 attempts)"), "{text}");
    assert_eq!(error.attempts(), 3);
}

#[test]
fn an_address_that_is_no_url_is_refused_when_the_client_is_made() {
    for (url, why) in [
        ("", "`url` is no URL: write it like `http://localhost:8080`"),
        ("localhost:8080", "`url` has no scheme: write it like `http://localhost:8080`"),
        ("ftp://localhost", "`url` has the scheme `ftp`: it must be `http` or `https`"),
        ("http://", "`url` is no URL: write it like `http://localhost:8080`"),
        ("http://localhost:80800", "`url` has a port that is no whole number from 1 to 65535"),
        ("http://localhost/?a=b", "`url` must end with the path: drop its query and fragment"),
        (
            "http://localhost/a/../b",
            "`url` must have no `.` or `..` in its path: write the path that is meant",
        ),
        (
            "http://localhost/a/%2E%2e/b",
            "`url` must have no `.` or `..` in its path: write the path that is meant",
        ),
    ] {
        let error = SessionsHttpClientV1::connect(url).unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Config, why), "{url}");
    }
}

#[tokio::test]
async fn a_refusal_by_the_service_keeps_its_code_category_and_message() {
    let body = json!({
        "code": "INVALID_DATA", "status": 400, "message": "Validation failed: user_id must not be null",
        "name": "INVALID_DATA", "stack": format!("at {SECRET}"), "details": { "results": SECRET }, "category": "BadRequest",
    });
    let url = answering(http("400 Bad Request", "application/json", &body.to_string())).await;
    let error = open(&client(&url)).await;
    let service = error.service().unwrap();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert_eq!(error.status().unwrap().as_u16(), 400);
    assert_eq!(service.code, "INVALID_DATA");
    assert_eq!(service.category.as_deref(), Some("BadRequest"));
    assert_eq!(service.message, "Validation failed: user_id must not be null");
    assert_eq!(service.details["results"], SECRET);
    assert_eq!(
        error.to_string(),
        "open_session: the service answered 400 Bad Request: INVALID_DATA: Validation failed: user_id must not be null"
    );
}

#[tokio::test]
async fn a_failure_of_the_service_keeps_what_it_says() {
    let body = json!({
        "code": "EXEC_FAILED", "status": 500, "message": "Execution open_session failed: TypeError", "cause": "TypeError",
        "details": { "command": "open_session" }, "category": "FailedInvocation",
    });
    let url = answering(http("500 Internal Server Error", "application/json", &body.to_string())).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.service().unwrap().cause.as_deref(), Some("TypeError"));
    assert_eq!(
        error.to_string(),
        "open_session: the service answered 500 Internal Server Error: EXEC_FAILED: Execution open_session failed: TypeError"
    );
}

#[tokio::test]
async fn an_error_before_any_command_keeps_its_code_and_message() {
    let body = json!({ "code": "ResourceNotFound", "message": "/v2/sessions/open_session does not exist" });
    let url = answering(http("404 Not Found", "application/json", &body.to_string())).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.service().unwrap().category, None);
    assert_eq!(
        error.to_string(),
        "open_session: the service answered 404 Not Found: ResourceNotFound: /v2/sessions/open_session does not exist"
    );
}

#[tokio::test]
async fn the_status_of_the_response_counts_and_not_what_the_body_claims() {
    let body = json!({ "code": "X", "status": 200, "message": "m", "category": "Unknown" });
    let url = answering(http("409 Conflict", "application/json", &body.to_string())).await;
    assert_eq!(open(&client(&url)).await.status().unwrap().as_u16(), 409);
}

#[tokio::test]
async fn a_page_of_a_proxy_is_named_as_such() {
    let page = format!("<html><h1>Bad Gateway</h1>{SECRET}</html>");
    let url = answering(http("502 Bad Gateway", "text/html; charset=utf-8", &page)).await;
    let error = open(&client(&url)).await;
    assert_eq!((error.kind(), error.service()), (ErrorKind::Service, None));
    assert_eq!(error.status().unwrap().as_u16(), 502);
    assert_eq!(
        error.to_string(),
        "open_session: the answer is 502 Bad Gateway and a body that is not the service's: a proxy or another server may \
         be in the way (text/html)"
    );
}

#[tokio::test]
async fn an_error_without_a_body_is_told_by_its_status() {
    let url = answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(
        open(&client(&url)).await.to_string(),
        "open_session: the answer is 503 Service Unavailable and nothing more"
    );
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    let url =
        answering("HTTP/1.1 301 Moved Permanently\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
            .await;
    let error = open(&client(&url)).await;
    assert_eq!(
        error.to_string(),
        "open_session: the answer is 301 Moved Permanently and a redirect, which is never followed: is the address of the \
         service right?"
    );
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_a_broken_connection() {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{{\"id\":\"{SECRET}");
    let url = answering(answer).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(
        error.to_string(),
        format!("open_session: the connection to {url} broke: end of file before message length reached")
    );
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_a_broken_connection() {
    let url = answering("").await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error.to_string().starts_with(&format!("open_session: the connection to {url} broke: ")),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_http_is_a_broken_connection() {
    let url = answering(format!("220 {SECRET} ESMTP ready\r\n\r\n")).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn json_that_ends_too_early_is_a_decode_error() {
    let url = answering(http("200 OK", "application/json", &format!("{{\"id\":\"{SECRET}"))).await;
    let error = open(&client(&url)).await;
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200));
    assert_eq!(
        error.to_string(),
        "open_session: the answer 200 OK ends in the middle of its JSON (line 1 column 13)"
    );
}

#[tokio::test]
async fn what_is_not_json_is_a_decode_error() {
    let url = answering(http("200 OK", "text/html", &format!("<html>{SECRET}</html>"))).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "open_session: the answer 200 OK is not JSON (text/html) (line 1 column 1)"
    );
}

#[tokio::test]
async fn json_of_another_form_is_a_decode_error_that_says_where() {
    let wrong = json!({ "total": null, "data": [{ "id": "1", "active": SECRET }] });
    let url = answering(http("200 OK", "application/json", &wrong.to_string())).await;
    let error = checked(client(&url).get_sessions(None, None, None).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "get_sessions: the answer 200 OK is not what was promised: `data[0]…`: found string, expected a boolean"
    );
}

#[tokio::test]
async fn a_time_that_is_none_is_a_decode_error_that_does_not_quote_it() {
    let wrong = json!({ "id": "1", "active": true, "open_time": SECRET });
    let url = answering(http("200 OK", "application/json", &wrong.to_string())).await;
    let error = get(&client(&url)).await;
    assert!(error.to_string().contains("`open_time`: found string, expected a time such as "), "{error}");
}

#[tokio::test]
async fn a_payload_of_another_form_is_a_decode_error_that_does_not_tell_its_keys() {
    let mut session = json!({ "id": "1", "active": true, "open_time": "2026-11-23T02:10:20.820Z" });
    session["request_time"] = session["open_time"].clone();
    session["data"] = json!({ SECRET: SECRET });
    let url = answering(http("200 OK", "application/json", &session.to_string())).await;
    let client = client(&url).with_payloads::<Value, HashMap<String, u32>>();
    let error = checked(client.get_session_by_id(None, "1").await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the answer 200 OK is not what was promised: `data…`: found string, expected u32"
    );
}

#[tokio::test]
async fn no_content_where_a_value_is_promised_is_a_decode_error() {
    let url = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let error = open(&client(&url)).await;
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 204));
    assert_eq!(
        error.to_string(),
        "open_session: the answer 204 No Content is empty, but a value was promised"
    );
}

#[tokio::test]
async fn no_content_where_none_is_possible_is_none() {
    let url = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(client(&url).get_session_by_id(None, "1").await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let config = ClientConfig::from_url(&silent().await).unwrap().with_timeout(Duration::from_millis(50));
    let error = open(&SessionsHttpClientV1::from_config(&config).unwrap()).await;
    assert!(error.is_timeout());
    let expected =
        format!("open_session: no complete answer from {} within 50ms", config.base_url().unwrap());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn an_answer_larger_than_the_limit_is_given_up_whether_announced_or_not() {
    let body = SECRET.repeat(50);
    let announced = http("200 OK", "application/json", &body);
    let streamed = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes();
    for answer in [announced, streamed] {
        let config = ClientConfig::from_url(&answering(answer).await).unwrap().with_max_response_bytes(100);
        let error = open(&SessionsHttpClientV1::from_config(&config).unwrap()).await;
        assert_eq!(error.to_string(), "open_session: the answer is larger than the limit of 100 bytes");
    }
}

#[tokio::test]
async fn a_correlation_id_that_no_header_can_carry_is_refused_before_anything_is_sent() {
    let pairs = [("connection.uri", &*nobody()), ("options.correlation_id_place", "headers")];
    let client = SessionsHttpClientV1::from_config(&ClientConfig::from_pairs(pairs).unwrap()).unwrap();
    for id in ["s3cret\r\nx: y", "s3cret \u{fc}", " s3cret", "s3cret\t"] {
        let error = checked(client.get_session_by_id(Some(id), SECRET).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the argument `correlation_id` has a control character, a character beyond ASCII or a \
             blank at its end, which no header carries safely"
        );
    }
}

#[tokio::test]
async fn a_required_argument_that_is_null_is_refused_before_anything_is_sent() {
    let client = client(&nobody());
    let error = checked(client.store_session_data(None, SECRET, &Value::Null).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert_eq!(
        error.to_string(),
        "store_session_data: the argument `data` is `null` in JSON, but the operation requires it"
    );
    let nan =
        client.with_payloads::<f64, f64>().update_session_user(None, SECRET, &f64::NAN).await.unwrap_err();
    assert!(checked(nan).to_string().starts_with("update_session_user: the argument `user` is `null`"));
}

#[tokio::test]
async fn a_list_is_neither_a_session_nor_a_page_nor_an_error_of_the_service() {
    let time = "2026-11-23T02:10:20.820Z";
    let session = json!(["1", null, null, true, time, time]);
    let url = answering(http("200 OK", "application/json", &session.to_string())).await;
    assert_eq!(get(&client(&url)).await.kind(), ErrorKind::Decode);
    let url = answering(http("200 OK", "application/json", "[null,[]]")).await;
    let error = client(&url).get_sessions(None, None, None).await.unwrap_err();
    assert_eq!(checked(error).kind(), ErrorKind::Decode);
    let url = answering(http("400 Bad Request", "application/json", r#"["CODE","message"]"#)).await;
    assert_eq!(get(&client(&url)).await.service(), None);
}

#[tokio::test]
async fn an_answer_that_is_nested_too_deeply_says_so() {
    let answer = format!("{{\"data\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let url = answering(http("200 OK", "application/json", &answer)).await;
    let error = get(&client(&url)).await;
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the answer 200 OK is nested deeper than the 127 levels that are read"
    );
}

#[tokio::test]
async fn what_a_payload_says_of_its_own_errors_is_not_repeated() {
    #[derive(Debug, serde::Serialize)]
    struct Card;
    impl<'de> serde::Deserialize<'de> for Card {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom(format!("bad card {SECRET}, expected 16 digits")))
        }
    }
    let url = answering(http("200 OK", "application/json", r#"{"id":"1","active":true,"data":1}"#)).await;
    let client = client(&url).with_payloads::<Value, Card>();
    checked(client.get_session_by_id(None, "1").await.unwrap_err());
    let scores = json!({ "id": "1", "active": true, "data": [{ SECRET: "x" }] });
    let url = answering(http("200 OK", "application/json", &scores.to_string())).await;
    let client = self::client(&url).with_payloads::<Value, Vec<HashMap<String, u32>>>();
    checked(client.get_session_by_id(None, "1").await.unwrap_err());
}

#[tokio::test]
async fn a_path_in_the_address_comes_before_that_of_the_operation() {
    let (url, request) = recording().await;
    get(&client(&format!("{url}/proxy/"))).await;
    let request = request.await.unwrap();
    assert!(request.starts_with("POST /proxy/v1/sessions/get_session_by_id?"), "{request}");
}

#[tokio::test]
async fn compression_is_not_asked_for_whatever_others_have_switched_on() {
    let (url, request) = recording().await;
    get(&client(&url)).await;
    let request = request.await.unwrap().to_lowercase();
    assert!(!request.contains("accept-encoding"), "{request}");
}

#[tokio::test]
async fn an_operation_has_the_same_target_in_every_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(&format!("http://{}/proxy/", listener.local_addr().unwrap()));
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for operation in ["get_session_by_id", "close_session", "get_session_by_id"] {
            let request = support::read_request(&mut stream).await.unwrap();
            let line = format!("POST /proxy/v1/sessions/{operation} HTTP/1.1\r\n");
            assert!(request.starts_with(&line), "{request}");
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    };
    let call = async {
        client.get_session_by_id(None, "1").await.unwrap();
        client.close_session(None, "1").await.unwrap();
        client.get_session_by_id(None, "1").await.unwrap();
    };
    tokio::join!(serve, call);
}

#[tokio::test]
async fn credentials_in_the_address_are_shown_nowhere() {
    let url = nobody().replace("http://", &format!("http://{SECRET}:{SECRET}@"));
    let client = client(&url);
    let error = get(&client).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    let config = ClientConfig::from_url(&url).unwrap();
    assert!(!format!("{client:?} {:?} {config:?}", client.caller().transport()).contains(SECRET));
}

#[test]
fn what_a_session_holds_is_not_printed() {
    let session: sessions_client::SessionV1<Value, Value> = serde_json::from_value(json!({
        "id": "1", "user_id": SECRET, "user_name": SECRET, "active": true, "open_time": "2026-11-23T02:10:20.820Z",
        "request_time": "2026-11-23T02:10:20.820Z", "address": SECRET, "client": SECRET, "user": SECRET, "data": SECRET,
    }))
    .unwrap();
    let data = json!(SECRET);
    let operation = StoreSessionData::new(SECRET, &data).correlation_id(SECRET);
    let request = operation.encode().unwrap();
    let encoding = Encoding::default();
    let encoder = Encoder::new(STORE_SESSION_DATA, &encoding);
    let incoming = Incoming::from(request.clone());
    let arguments = incoming.arguments(STORE_SESSION_DATA).unwrap();
    let call = Call::new(STORE_SESSION_DATA, request);
    let filter = FilterParams::new().user_id(SECRET);
    let printed =
        format!("{session:?} {operation:?} {call:?} {incoming:?} {arguments:?} {encoder:?} {filter:?}");
    assert!(!printed.contains(SECRET), "{printed}");
}

#[tokio::test]
async fn a_transport_by_itself_has_its_limit_and_that_of_the_call() {
    for (options, limit) in
        [(CallOptions::new(), "50ms"), (CallOptions::new().timeout(Duration::from_millis(20)), "20ms")]
    {
        let config = ClientConfig::from_url(&silent().await).unwrap().with_timeout(Duration::from_millis(50));
        let client = SessionsHttpClientV1::new(Network::new(&config).unwrap());
        let error = checked(client.with(options).get_session_by_id(None, SECRET).await.unwrap_err());
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
        let expected = format!(
            "get_session_by_id: no complete answer from {} within {limit}",
            config.base_url().unwrap()
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_deadline_that_passes_names_the_service_without_its_credentials() {
    let url = silent().await;
    let with_credentials = url.replace("http://", &format!("http://{SECRET}:{SECRET}@"));
    let client = client(&with_credentials);
    let options = CallOptions::new().deadline(Duration::from_millis(50));
    let error = checked(client.with(options).get_session_by_id(None, SECRET).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        format!("get_session_by_id: no complete answer from {url} before the deadline of 50ms")
    );
}

#[tokio::test]
async fn a_call_that_is_dropped_on_its_way_leaves_the_client_usable() {
    let url = support::silent_then_answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let client = client(&url);
    let call = client.get_session_by_id(None, "1");
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
}

#[test]
fn a_client_of_the_default_type_tells_its_address_without_credentials() {
    let client: SessionsHttpClientV1<Value, Value, DefaultTransport> =
        SessionsHttpClientV1::connect(&format!("http://{SECRET}@localhost:8080/proxy")).unwrap();
    assert_eq!(client.caller().transport().origin(), "http://localhost:8080");
}

#[test]
fn a_text_too_long_for_a_request_line_is_refused_by_name() {
    let long = "x".repeat(60_000);
    let error = GetSessions::new().correlation_id(&long).encode().unwrap_err();
    assert_eq!(
        error.to_string(),
        "get_sessions: the argument `correlation_id` makes path and query longer than the 60,000 bytes that are sent"
    );
    let shorter = &long[..59_000];
    assert!(GetSessions::new().correlation_id(shorter).encode().is_ok());
}

#[test]
fn a_status_without_a_name_is_told_by_its_number() {
    for (status, body) in [(599, r#"{"code":"X","message":"y"}"#), (299, "")] {
        let response = http::Response::builder().status(status).body(body.into()).unwrap();
        let error = OpenSession::<Value, Value>::decode(response).unwrap_err();
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert!(!error.to_string().contains("unknown"), "{error}");
    }
}

#[tokio::test]
async fn a_length_that_is_announced_and_never_comes_takes_no_memory() {
    let chunk = "x".repeat(70_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{chunk}");
    let config = ClientConfig::from_url(&answering(answer).await).unwrap();
    let config = config.with_max_response_bytes(usize::MAX).with_retries(0);
    let client = SessionsHttpClientV1::from_config(&config).unwrap();
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn an_error_whose_body_is_too_large_keeps_its_status_and_its_wish() {
    let page = "x".repeat(5000);
    let announced = format!("Content-Length: 5000\r\n\r\n{page}");
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n1388\r\n{page}\r\n0\r\n\r\n");
    for body in [announced, chunked] {
        let answer = format!("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n{body}");
        let config = ClientConfig::from_url(&answering(answer).await).unwrap();
        let client =
            SessionsHttpClientV1::from_config(&config.with_max_response_bytes(1000).with_retries(0)).unwrap();
        let error = client.get_session_by_id(None, "1").await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Service, Some(Duration::from_secs(7))));
        assert!(error.is_retryable());
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the answer is 503 Service Unavailable and a body over the limit, which was not read"
        );
    }
}
