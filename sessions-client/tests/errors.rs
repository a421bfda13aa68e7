//! The errors of calls over a real socket and the default transport: kinds, messages, and no private values.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

mod support;

use serde_json::json;
use sessions_client::sessions_v1::{GetSessions, OpenSession, STORE_SESSION_DATA, StoreSessionData};
use sessions_client::{
    Call, CallOptions, ClientConfig, ConfigParams, DefaultTransport, Encoder, Encoding, Error, ErrorKind,
    FilterParams, ISessionsV1, Incoming, Operation, Policies, SessionsHttpClientV1, Value,
};
use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;
use support::{closed_port, http, recording, responding, silent};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// A value in all arguments and all hostile responses, which no error may contain.
const SECRET: &str = "s3cret";

#[cfg(feature = "reqwest")]
type Network = sessions_client::ReqwestTransport;
#[cfg(not(feature = "reqwest"))]
type Network = sessions_client::HyperTransport;

/// Creates a transport without a proxy, which could respond for any host.
fn direct(config: &ClientConfig) -> Network {
    #[cfg(feature = "reqwest")]
    return Network::with_client(reqwest::Client::builder().no_proxy().build().unwrap(), config).unwrap();
    #[cfg(not(feature = "reqwest"))]
    return Network::new(config).unwrap();
}

fn client(url: &str) -> SessionsHttpClientV1 {
    SessionsHttpClientV1::connect(url).unwrap()
}

/// Makes a call with the secret in every argument.
async fn open(client: &SessionsHttpClientV1) -> Error {
    let data = json!({ SECRET: SECRET });
    let call = client.open_session(Some(SECRET), SECRET, Some(SECRET), None, None, Some(&data), Some(&data));
    checked(call.await.unwrap_err())
}

async fn get(client: &SessionsHttpClientV1) -> Error {
    checked(client.get_session_by_id(Some(SECRET), SECRET).await.unwrap_err())
}

/// Checks that the error names its operation, is one line, and contains no private value in any format.
fn checked(error: Error) -> Error {
    let operation = error.operation().expect("an error of a call has an operation");
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
async fn a_closed_port_is_a_connect_error() {
    let url = closed_port();
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    let text = error.to_string();
    assert!(text.starts_with(&format!("open_session: cannot connect to {url}: ")), "{text}");
    assert!(text.ends_with(" (3 attempts)"), "{text}");
    assert_eq!(error.attempts(), 3);
}

#[test]
fn an_invalid_address_is_an_error_of_the_constructor() {
    for (url, why) in [
        ("", "`url` is not a valid URL: write it like `http://localhost:8080`"),
        ("localhost:8080", "`url` has no scheme: write it like `http://localhost:8080`"),
        ("ftp://localhost", "`url` has the scheme `ftp`: it must be `http` or `https`"),
        ("http://", "`url` is not a valid URL: write it like `http://localhost:8080`"),
        ("http://localhost:80800", "`url` must have a whole number from 1 to 65535 as its port"),
        ("http://localhost/?a=b", "`url` must end with the path: remove its query and fragment"),
        ("http://localhost/a/../b", "`url` must not have `.` or `..` in its path: write the resolved path"),
        (
            "http://localhost/a/%2E%2e/b",
            "`url` must not have `.` or `..` in its path: write the resolved path",
        ),
    ] {
        let error = SessionsHttpClientV1::connect(url).unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Config, why), "{url}");
    }
}

#[tokio::test]
async fn a_service_error_has_its_code_category_and_message() {
    let body = json!({
        "code": "INVALID_DATA", "status": 400, "message": "Validation failed: user_id must not be null",
        "name": "INVALID_DATA", "stack": format!("at {SECRET}"), "details": { "results": SECRET }, "category": "BadRequest",
    });
    let url = responding(http("400 Bad Request", "application/json", &body.to_string())).await;
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
        "open_session: the service responded with 400 Bad Request: INVALID_DATA: Validation failed: user_id must not be null"
    );
}

#[tokio::test]
async fn a_service_error_has_its_cause() {
    let body = json!({
        "code": "EXEC_FAILED", "status": 500, "message": "Execution open_session failed: TypeError", "cause": "TypeError",
        "details": { "command": "open_session" }, "category": "FailedInvocation",
    });
    let url = responding(http("500 Internal Server Error", "application/json", &body.to_string())).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.service().unwrap().cause.as_deref(), Some("TypeError"));
    assert_eq!(
        error.to_string(),
        "open_session: the service responded with 500 Internal Server Error: EXEC_FAILED: Execution open_session failed: TypeError"
    );
}

#[tokio::test]
async fn a_service_error_without_a_category_has_its_code_and_message() {
    let body = json!({ "code": "ResourceNotFound", "message": "/v2/sessions/open_session does not exist" });
    let url = responding(http("404 Not Found", "application/json", &body.to_string())).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.service().unwrap().category, None);
    assert_eq!(
        error.to_string(),
        "open_session: the service responded with 404 Not Found: ResourceNotFound: /v2/sessions/open_session does not exist"
    );
}

#[tokio::test]
async fn the_status_line_overrides_the_status_in_the_body() {
    let body = json!({ "code": "X", "status": 200, "message": "m", "category": "Unknown" });
    let url = responding(http("409 Conflict", "application/json", &body.to_string())).await;
    assert_eq!(open(&client(&url)).await.status().unwrap().as_u16(), 409);
}

#[tokio::test]
async fn an_html_error_page_is_reported_as_one() {
    let page = format!("<html><h1>Bad Gateway</h1>{SECRET}</html>");
    let url = responding(http("502 Bad Gateway", "text/html; charset=utf-8", &page)).await;
    let error = open(&client(&url)).await;
    assert_eq!((error.kind(), error.service()), (ErrorKind::Service, None));
    assert_eq!(error.status().unwrap().as_u16(), 502);
    assert_eq!(
        error.to_string(),
        "open_session: the response is 502 Bad Gateway with an HTML page (text/html)"
    );
}

#[tokio::test]
async fn an_error_without_a_body_reports_its_status() {
    let url = responding("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(
        open(&client(&url)).await.to_string(),
        "open_session: the response is 503 Service Unavailable with an empty body"
    );
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    let url =
        responding("HTTP/1.1 301 Moved Permanently\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
            .await;
    let error = open(&client(&url)).await;
    assert_eq!(
        error.to_string(),
        "open_session: the response is 301 Moved Permanently with a redirect, which is never followed: check the address of the service"
    );
}

#[tokio::test]
async fn a_truncated_body_is_a_broken_connection() {
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{{\"id\":\"{SECRET}");
    let url = responding(response).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(
        error.to_string(),
        format!("open_session: the connection to {url} failed: end of file before message length reached")
    );
}

#[tokio::test]
async fn a_connection_closed_without_a_response_is_a_broken_connection() {
    let url = responding("").await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error.to_string().starts_with(&format!("open_session: the connection to {url} failed: ")),
        "{error}"
    );
}

#[tokio::test]
async fn a_response_that_is_not_http_is_a_protocol_error() {
    let url = responding(format!("220 {SECRET} ESMTP ready\r\n\r\n")).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn truncated_json_is_a_decode_error() {
    let url = responding(http("200 OK", "application/json", &format!("{{\"id\":\"{SECRET}"))).await;
    let error = open(&client(&url)).await;
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200));
    assert_eq!(
        error.to_string(),
        "open_session: the response 200 OK ends in the middle of its JSON (line 1 column 13)"
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_decode_error() {
    let url = responding(http("200 OK", "text/html", &format!("<html>{SECRET}</html>"))).await;
    let error = open(&client(&url)).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "open_session: the response 200 OK is not JSON (text/html) (line 1 column 1)"
    );
}

#[tokio::test]
async fn json_of_the_wrong_type_is_a_decode_error_with_its_path() {
    let wrong = json!({ "total": null, "data": [{ "id": "1", "active": SECRET }] });
    let url = responding(http("200 OK", "application/json", &wrong.to_string())).await;
    let error = checked(client(&url).get_sessions(None, None, None).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "get_sessions: the response 200 OK does not have the expected form: `data[0].active`: found string, expected a boolean"
    );
}

#[tokio::test]
async fn an_invalid_time_in_a_page_is_reported_with_its_key() {
    for wrong in [json!("yesterday"), json!(true)] {
        let session = json!({ "id": "1", "active": true, "open_time": wrong });
        let page = json!({ "total": null, "data": [session] });
        let url = responding(http("200 OK", "application/json", &page.to_string())).await;
        let error = client(&url).get_sessions(None, None, None).await.unwrap_err();
        assert!(error.to_string().contains("`data[0].open_time`: found "), "{error}");
    }
}

#[tokio::test]
async fn a_payload_in_a_page_is_reported_without_its_keys() {
    let session = json!({ "id": "1", "active": true, "data": { SECRET: SECRET } });
    let page = json!({ "total": null, "data": [session] });
    let url = responding(http("200 OK", "application/json", &page.to_string())).await;
    let client = client(&url).with_payloads::<Value, HashMap<String, u32>>();
    let error = checked(client.get_sessions(None, None, None).await.unwrap_err());
    assert!(error.to_string().ends_with("`data[0].data…`: found string, expected u32"), "{error}");
}

#[tokio::test]
async fn an_invalid_time_is_a_decode_error_without_its_value() {
    let wrong = json!({ "id": "1", "active": true, "open_time": SECRET });
    let url = responding(http("200 OK", "application/json", &wrong.to_string())).await;
    let error = get(&client(&url)).await;
    assert!(error.to_string().contains("`open_time`: found string, expected a time such as "), "{error}");
}

#[tokio::test]
async fn a_payload_of_the_wrong_type_is_a_decode_error_without_its_keys() {
    let mut session = json!({ "id": "1", "active": true, "open_time": "2026-11-23T02:10:20.820Z" });
    session["request_time"] = session["open_time"].clone();
    session["data"] = json!({ SECRET: SECRET });
    let url = responding(http("200 OK", "application/json", &session.to_string())).await;
    let client = client(&url).with_payloads::<Value, HashMap<String, u32>>();
    let error = checked(client.get_session_by_id(None, "1").await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the response 200 OK does not have the expected form: `data…`: found string, expected u32"
    );
}

#[tokio::test]
async fn no_content_for_a_required_value_is_a_decode_error() {
    let url = responding("HTTP/1.1 204 No Content\r\n\r\n").await;
    let error = open(&client(&url)).await;
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 204));
    assert_eq!(
        error.to_string(),
        "open_session: the response 204 No Content is empty, but the operation returns a value"
    );
}

#[tokio::test]
async fn no_content_decodes_as_no_value_if_the_type_is_optional() {
    let url = responding("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(client(&url).get_session_by_id(None, "1").await.unwrap(), None);
}

#[tokio::test]
async fn a_missing_response_is_a_timeout() {
    let config = ClientConfig::from_url(&silent().await).unwrap().with_timeout(Duration::from_millis(50));
    let error = open(&SessionsHttpClientV1::from_config(&config).unwrap()).await;
    assert!(error.is_timeout());
    let expected =
        format!("open_session: no complete response from {} within 50ms", config.base_url().unwrap());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_response_over_the_size_limit_is_an_error() {
    let body = SECRET.repeat(50);
    let announced = http("200 OK", "application/json", &body);
    let streamed = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes();
    for response in [announced, streamed] {
        let config =
            ClientConfig::from_url(&responding(response).await).unwrap().with_max_response_bytes(100);
        let error = open(&SessionsHttpClientV1::from_config(&config).unwrap()).await;
        assert_eq!(error.to_string(), "open_session: the response is larger than the limit of 100 bytes");
    }
}

#[tokio::test]
async fn a_correlation_id_invalid_in_a_header_is_an_encode_error() {
    let pairs = [("connection.uri", &*closed_port()), ("options.correlation_id_place", "headers")];
    let client =
        SessionsHttpClientV1::from_config(&ConfigParams::new().with_pairs(pairs).unwrap().build().unwrap())
            .unwrap();
    for id in ["s3cret\r\nx: y", "s3cret \u{fc}", " s3cret", "s3cret\t"] {
        let error = checked(client.get_session_by_id(Some(id), SECRET).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the argument `correlation_id` has a control character, a non-ASCII character, or whitespace at its start or end, which headers do not carry safely"
        );
    }
}

#[tokio::test]
async fn a_required_argument_that_is_null_is_an_encode_error() {
    let client = client(&closed_port());
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
async fn a_json_array_is_not_read_as_an_object() {
    let time = "2026-11-23T02:10:20.820Z";
    let session = json!(["1", null, null, true, time, time]);
    let url = responding(http("200 OK", "application/json", &session.to_string())).await;
    assert_eq!(get(&client(&url)).await.kind(), ErrorKind::Decode);
    let url = responding(http("200 OK", "application/json", "[null,[]]")).await;
    let error = client(&url).get_sessions(None, None, None).await.unwrap_err();
    assert_eq!(checked(error).kind(), ErrorKind::Decode);
    let url = responding(http("400 Bad Request", "application/json", r#"["CODE","message"]"#)).await;
    assert_eq!(get(&client(&url)).await.service(), None);
}

#[tokio::test]
async fn a_response_nested_too_deeply_is_a_decode_error() {
    let response = format!("{{\"data\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let url = responding(http("200 OK", "application/json", &response)).await;
    let error = get(&client(&url)).await;
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the response 200 OK is nested deeper than the limit of 127 levels"
    );
}

#[tokio::test]
async fn messages_of_a_payloads_deserialize_are_not_shown() {
    #[derive(Debug, serde::Serialize)]
    struct Card;
    impl<'de> serde::Deserialize<'de> for Card {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom(format!("bad card {SECRET}, expected 16 digits")))
        }
    }
    let url = responding(http("200 OK", "application/json", r#"{"id":"1","active":true,"data":1}"#)).await;
    let client = client(&url).with_payloads::<Value, Card>();
    checked(client.get_session_by_id(None, "1").await.unwrap_err());
    let scores = json!({ "id": "1", "active": true, "data": [{ SECRET: "x" }] });
    let url = responding(http("200 OK", "application/json", &scores.to_string())).await;
    let client = self::client(&url).with_payloads::<Value, Vec<HashMap<String, u32>>>();
    checked(client.get_session_by_id(None, "1").await.unwrap_err());
}

#[tokio::test]
async fn the_path_of_the_address_precedes_the_path_of_the_operation() {
    let (url, request) = recording().await;
    get(&client(&format!("{url}/proxy/"))).await;
    let request = request.await.unwrap();
    assert!(request.starts_with("POST /proxy/v1/sessions/get_session_by_id?"), "{request}");
}

#[tokio::test]
async fn the_user_agent_is_the_package_of_the_contract() {
    let (url, request) = recording().await;
    get(&client(&url)).await;
    let request = request.await.unwrap().to_lowercase();
    let header = concat!("\r\nuser-agent: sessions-client/", env!("CARGO_PKG_VERSION"), "\r\n");
    assert!(request.contains(header), "{request}");
}

#[tokio::test]
async fn no_compression_is_requested_even_if_reqwest_supports_it() {
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
async fn credentials_in_the_address_are_not_shown() {
    let url = closed_port().replace("http://", &format!("http://{SECRET}:{SECRET}@"));
    let client = client(&url);
    let error = get(&client).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    let config = ClientConfig::from_url(&url).unwrap();
    assert!(!format!("{client:?} {:?} {config:?}", client.caller().transport()).contains(SECRET));
}

#[test]
fn debug_output_contains_no_private_values() {
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
async fn a_transport_without_policies_applies_the_timeout() {
    for (options, limit) in
        [(CallOptions::new(), "50ms"), (CallOptions::new().timeout(Duration::from_millis(20)), "20ms")]
    {
        let config = ClientConfig::from_url(&silent().await).unwrap().with_timeout(Duration::from_millis(50));
        let client = SessionsHttpClientV1::new(Network::new(&config).unwrap());
        let error = checked(client.with(options).get_session_by_id(None, SECRET).await.unwrap_err());
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
        let expected = format!(
            "get_session_by_id: no complete response from {} within {limit}",
            config.base_url().unwrap()
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_missed_deadline_names_the_service_without_credentials() {
    let url = silent().await;
    let with_credentials = url.replace("http://", &format!("http://{SECRET}:{SECRET}@"));
    let client = client(&with_credentials);
    let options = CallOptions::new().deadline(Duration::from_millis(50));
    let error = checked(client.with(options).get_session_by_id(None, SECRET).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        format!("get_session_by_id: no complete response from {url} before the deadline of 50ms")
    );
}

#[tokio::test]
async fn a_dropped_call_leaves_the_client_usable() {
    let url = support::silent_then_responding("HTTP/1.1 204 No Content\r\n\r\n").await;
    let client = client(&url);
    let call = client.get_session_by_id(None, "1");
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
}

#[test]
fn the_origin_of_a_client_has_no_credentials() {
    let client: SessionsHttpClientV1<Value, Value, DefaultTransport> =
        SessionsHttpClientV1::connect(&format!("http://{SECRET}@localhost:8080/proxy")).unwrap();
    assert_eq!(client.caller().transport().origin(), "http://localhost:8080");
}

#[test]
fn an_argument_too_long_for_a_request_line_is_named() {
    let long = "x".repeat(60_000);
    let error = GetSessions::new().correlation_id(&long).encode().unwrap_err();
    assert_eq!(
        error.to_string(),
        "get_sessions: the argument `correlation_id` makes path and query longer than the limit of 60,000 bytes"
    );
    let shorter = &long[..59_000];
    assert!(GetSessions::new().correlation_id(shorter).encode().is_ok());
}

#[test]
fn a_status_without_a_reason_is_reported_by_its_number() {
    for (status, body) in [(599, r#"{"code":"X","message":"y"}"#), (299, "")] {
        let response = http::Response::builder().status(status).body(body.into()).unwrap();
        let error = OpenSession::<Value, Value>::decode(response).unwrap_err();
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert!(!error.to_string().contains("unknown"), "{error}");
    }
}

#[tokio::test]
async fn a_large_content_length_allocates_no_memory() {
    let chunk = "x".repeat(70_000);
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{chunk}");
    let config = ClientConfig::from_url(&responding(response).await).unwrap();
    let config = config.with_max_response_bytes(usize::MAX).with_retries(0);
    let client = SessionsHttpClientV1::from_config(&config).unwrap();
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn an_error_with_a_large_body_has_its_status_and_retry_after() {
    let page = "x".repeat(5000);
    let announced = format!("Content-Length: 5000\r\n\r\n{page}");
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n1388\r\n{page}\r\n0\r\n\r\n");
    for body in [announced, chunked] {
        let response = format!("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n{body}");
        let config = ClientConfig::from_url(&responding(response).await).unwrap();
        let client =
            SessionsHttpClientV1::from_config(&config.with_max_response_bytes(1000).with_retries(0)).unwrap();
        let error = client.get_session_by_id(None, "1").await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Service, Some(Duration::from_secs(7))));
        assert!(error.is_retryable());
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the response is 503 Service Unavailable with a body over the size limit, which was not read; the service asks to wait 7s"
        );
    }
}
