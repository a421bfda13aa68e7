//! The embedded service on the wire: what any HTTP client sees.

#![cfg(feature = "server")]

use chrono::DateTime;
use serde_json::{Value, json};
use sessions_client::server::EmbeddedService;
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Embedded {
    service: EmbeddedService,
    sessions: SessionsMemoryClientV1,
}

impl Embedded {
    async fn start() -> Self {
        let sessions = SessionsMemoryClientV1::new();
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
        Self { service, sessions }
    }

    /// A request to a command, as plain as it gets.
    fn post(&self, command: &str) -> reqwest::RequestBuilder {
        http_client().post(format!("{}/v1/sessions/{command}", self.service.url()))
    }

    /// Status and body of the answer to JSON arguments.
    async fn call(&self, command: &str, arguments: &Value) -> (u16, Value) {
        read(self.post(command).json(arguments)).await
    }

    /// The answer to a request that is written out, with `Host` and an end of the connection behind its head.
    async fn raw(&self, head: &str, body: impl AsRef<[u8]>) -> String {
        let length = body.as_ref().len();
        let head = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        self.all([head.as_bytes(), body.as_ref()].concat()).await
    }

    /// All that is answered until the connection is closed.
    async fn all(&self, requests: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.service.address()).await.unwrap();
        stream.write_all(requests.as_ref()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn send_text(&self, command: &str, body: &'static str) -> (u16, Value) {
        read(self.post(command).header("content-type", "application/json").body(body)).await
    }
}

/// A client that asks no proxy about addresses on this machine.
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().no_gzip().build().unwrap()
}

async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}

#[tokio::test]
async fn a_session_is_written_with_every_key_in_the_order_of_the_service() {
    let embedded = Embedded::start().await;
    let request = embedded.post("open_session").json(&json!({ "user_id": "1" }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let keys: Vec<&str> = text.split('"').filter(|part| text.contains(&format!("\"{part}\":"))).collect();
    assert_eq!(
        keys,
        [
            "id",
            "user_id",
            "user_name",
            "active",
            "open_time",
            "request_time",
            "address",
            "client",
            "user",
            "data"
        ]
    );
}

#[tokio::test]
async fn what_is_not_there_is_204_without_body_and_content_type() {
    let embedded = Embedded::start().await;
    let response =
        embedded.post("get_session_by_id").json(&json!({ "session_id": "x" })).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("content-type"));
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn answers_of_commands_have_the_headers_of_the_service() {
    let embedded = Embedded::start().await;
    let response = embedded.post("get_sessions").json(&json!({})).send().await.unwrap();
    for (name, value) in [
        ("server", "restify"),
        ("access-control-allow-origin", "*"),
        ("vary", "origin,access-control-request-method,access-control-request-headers"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("pragma", "no-cache"),
        ("expires", "0"),
        ("content-type", "application/json"),
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
}

#[tokio::test]
async fn every_wrong_argument_is_named_in_one_answer() {
    let embedded = Embedded::start().await;
    let wrong = json!({ "user_id": 5, "user_name": 1.5, "address": [], "client": {} });
    let (status, error) = embedded.call("open_session", &wrong).await;
    assert_eq!(
        (status, &error["code"], &error["category"]),
        (400, &json!("INVALID_DATA"), &json!("BadRequest"))
    );
    assert_eq!(
        error["message"],
        "Validation failed: user_id type must be string but found long, user_name type must be string but found double, \
         address type must be string but found array, client type must be string but found map"
    );
    assert_eq!(
        error["details"]["results"],
        "[object Object],[object Object],[object Object],[object Object]"
    );
    for (command, arguments, message) in [
        ("open_session", json!({}), "user_id must not be null"),
        ("store_session_data", json!({}), "session_id must not be null, data must not be null"),
        (
            "update_session_user",
            json!({ "session_id": null, "user": null }),
            "session_id must not be null, user must not be null",
        ),
        (
            "get_sessions",
            json!({ "filter": [1], "paging": { "skip": "1", "take": true, "total": 1 } }),
            "filter type must be Map, paging.skip type must be long but found string, paging.take type must be long but found \
             boolean, paging.total type must be boolean but found long",
        ),
    ] {
        let (status, error) = embedded.call(command, &arguments).await;
        assert_eq!(
            (status, error["message"].as_str()),
            (400, Some(&*format!("Validation failed: {message}")))
        );
    }
    assert!(embedded.sessions.is_empty());
}

#[tokio::test]
async fn odd_arguments_that_the_service_takes_are_taken() {
    let embedded = Embedded::start().await;
    embedded.call("open_session", &json!({ "user_id": "1", "id": "mine", "active": false, "data": 0 })).await;
    for arguments in [
        json!(null),
        json!([]),
        json!(5),
        json!({ "filter": false }),
        json!({ "filter": "", "paging": 5 }),
        json!({ "filter": { "user_id": 1, "active": true }, "paging": [0, 2, true] }),
    ] {
        let (status, page) = embedded.call("get_sessions", &arguments).await;
        assert_eq!((status, page["data"].as_array().map(Vec::len)), (200, Some(1)), "{arguments}");
        assert_ne!(page["data"][0]["id"], "mine");
    }
    let (status, _) = embedded.call("close_expired_sessions", &json!([])).await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn arguments_without_a_json_content_type_are_no_arguments() {
    let embedded = Embedded::start().await;
    let arguments = r#"{"user_id":"1"}"#;
    for (content_type, status) in [
        ("text/plain", 400),
        ("application/json", 200),
        ("Application/JSON; charset=latin1", 200),
        ("application/vnd.sessions+json", 200),
        ("application/jsonp", 400),
        ("application/json ; charset=utf-8", 400),
        ("application/vnd.sessions+json-seq", 200),
        ("application/vnd.sessions-1+json", 400),
        ("text/x+json", 400),
    ] {
        let request = embedded.post("open_session").header("content-type", content_type).body(arguments);
        assert_eq!(read(request).await.0, status, "{content_type}");
    }
    assert_eq!(read(embedded.post("open_session").body(arguments)).await.0, 400);
}

#[tokio::test]
async fn what_is_not_json_is_refused_before_any_command() {
    let embedded = Embedded::start().await;
    for body in ["{", " ", r#"{"user_id":"1",}"#, "\u{feff}{}", r#"{"user_id":NaN}"#] {
        let (status, error) = embedded.send_text("open_session", body).await;
        assert_eq!((status, &error["code"]), (400, &json!("InvalidContent")), "{body:?}");
        assert_eq!(error.as_object().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn an_unknown_path_is_404_and_a_wrong_method_405() {
    let embedded = Embedded::start().await;
    for path in [
        "/",
        "/v1/sessions",
        "/v1/sessions/nope",
        "/v1/sessions/open_session/",
        "/V1/sessions/open_session",
        "//v1/sessions/open_session",
    ] {
        let request = http_client().post(format!("{}{path}", embedded.service.url())).body("{");
        let expected = json!({ "code": "ResourceNotFound", "message": format!("{path} does not exist") });
        assert_eq!(read(request).await, (404, expected));
    }
    let url = format!("{}/v1/sessions/open_session", embedded.service.url());
    let response = http_client().put(url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().unwrap()));
    let error: Value = response.json().await.unwrap();
    assert_eq!(error, json!({ "code": "MethodNotAllowed", "message": "PUT is not allowed" }));
    let (status, _) = read(embedded.post("get%5Fsessions")).await;
    assert_eq!(status, 200, "an escaped letter is the letter");
}

#[tokio::test]
async fn the_heartbeat_is_the_time_of_the_server() {
    let embedded = Embedded::start().await;
    let url = format!("{}/heartbeat", embedded.service.url());
    let (status, time) = read(http_client().get(&url)).await;
    assert_eq!((status, time.as_str().map(str::len)), (200, Some("2026-11-23T02:13:58.078Z".len())));
    assert_eq!(read(http_client().post(&url)).await.0, 405);
}

#[tokio::test]
async fn numbers_and_texts_come_back_as_javascript_writes_them() {
    let embedded = Embedded::start().await;
    for (sent, kept) in [
        ("[1e20,1e21,1.5e-6,1e400]", "[100000000000000000000,1e+21,0.0000015,null]"),
        ("18446744073709551616", "18446744073709552000"),
        (r#""\ud800 \ud83d\ude00""#, "\"\\ud800 \u{1f600}\""),
        (r#"{"\udfff":1}"#, r#"{"\udfff":1}"#),
        ("1e400", "null"),
    ] {
        let request = embedded.post("open_session").header("content-type", "application/json");
        let request = request.body(format!(r#"{{"user_id":"1","data":{sent}}}"#));
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(text.ends_with(&format!("\"data\":{kept}}}")), "{sent}: {text}");
    }
}

#[tokio::test]
async fn a_number_beyond_all_is_taken_where_the_service_takes_it() {
    let embedded = Embedded::start().await;
    let (_, opened) = embedded.call("open_session", &json!({ "user_id": "Infinity", "data": 1 })).await;
    for (body, found) in [
        (r#"{"filter":{"user_id":1e400},"paging":{"take":1e400}}"#, 1),
        (r#"{"paging":{"skip":1e400}}"#, 0),
        (r#"{"paging":{"skip":-1e400}}"#, 1),
        (r#"{"paging":{"take":-1e400}}"#, 0),
        (r#"{"paging":1e400}"#, 1),
    ] {
        let (status, page) = embedded.send_text("get_sessions", body).await;
        assert_eq!((status, page["data"].as_array().map(Vec::len)), (200, Some(found)), "{body}");
    }
    let (_, error) = embedded.send_text("open_session", r#"{"user_id":1e400}"#).await;
    assert_eq!(error["message"], "Validation failed: user_id type must be string but found double");
    let body = format!(r#"{{"session_id":{},"data":1e400}}"#, opened["id"]);
    let store = embedded.post("store_session_data").header("content-type", "application/json");
    let (status, stored) = read(store.body(body)).await;
    assert_eq!((status, &stored["data"]), (200, &Value::Null));
}

#[tokio::test]
async fn conditions_are_the_texts_that_javascript_makes_of_them() {
    let embedded = Embedded::start().await;
    for user_id in ["1", "1e+21", "1,2", "[object Object]", "true"] {
        embedded.call("open_session", &json!({ "user_id": user_id })).await;
    }
    for (body, user_id) in [
        (r#"{"filter":{"user_id":1.0}}"#, "1"),
        (r#"{"filter":{"user_id":1e21}}"#, "1e+21"),
        (r#"{"filter":{"user_id":[1.0,[2]]}}"#, "1,2"),
        (r#"{"filter":{"user_id":{}}}"#, "[object Object]"),
        (r#"{"filter":{"user_id":true}}"#, "true"),
    ] {
        let (_, page) = embedded.send_text("get_sessions", body).await;
        assert_eq!(page["data"][0]["user_id"], user_id, "{body}");
    }
}

#[tokio::test]
async fn what_paging_does_not_know_is_told_along_with_what_is_wrong() {
    let embedded = Embedded::start().await;
    for (arguments, told) in [
        (
            json!({ "paging": { "x": 1, "_y": 1, "take": "1", "0": 1 } }),
            "paging.take type must be long but found string, paging contains unexpected property 0, paging contains \
             unexpected property x",
        ),
        (
            json!({ "filter": 1, "paging": [7] }),
            "filter type must be Map, paging contains unexpected property 0",
        ),
        (json!({ "filter": 1, "paging": "x" }), "filter type must be Map"),
    ] {
        let (status, error) = embedded.call("get_sessions", &arguments).await;
        assert_eq!((status, error["message"].as_str()), (400, Some(&*format!("Validation failed: {told}"))));
    }
    let (status, _) = embedded.call("get_sessions", &json!({ "paging": { "x": 1 } })).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn arguments_named_like_methods_of_the_service_fail_as_they_do_there() {
    let embedded = Embedded::start().await;
    for (command, arguments, method) in [
        ("open_session", r#"{"user_id":"1","getAsNullableString":1}"#, "args.getAsNullableString"),
        ("open_session", r#"{"user_id":"1","get":null}"#, "this.get"),
        ("open_session", r#"{"__proto__":{"user_id":"1"}}"#, "args.getAsNullableString"),
        ("get_sessions", r#"{"__proto__":null}"#, "args.get"),
        ("get_sessions", r#"{"filter":{"hasOwnProperty":1}}"#, "map.hasOwnProperty"),
        ("get_sessions", r#"{"filter":{"getAsNullableBoolean":1}}"#, "filter.getAsNullableBoolean"),
        ("get_sessions", r#"{"filter":{"x":{"toString":1}}}"#, "value.toString"),
        ("get_sessions", r#"{"paging":{"__proto__":{}}}"#, "map.getAsNullableInteger"),
    ] {
        let (status, error) = embedded.send_text(command, arguments).await;
        let why = format!("{method} is not a function");
        let message = format!("Execution {command} failed: TypeError: {why}");
        assert_eq!((status, &error["message"]), (500, &json!(message)), "{arguments}");
        assert_eq!((&error["code"], &error["category"]), (&json!("EXEC_FAILED"), &json!("FailedInvocation")));
        assert_eq!((&error["cause"], &error["details"]), (&json!(why), &json!({ "command": command })));
    }
    let (status, error) = embedded.send_text("close_session", r#"{"hasOwnProperty":1}"#).await;
    let message = "TypeError: map.hasOwnProperty is not a function";
    assert_eq!((status, error), (500, json!({ "code": "Internal", "message": message })));
    for taken in [r#"{"filter":{"__proto__":{}}}"#, r#"{"__proto__":1}"#, r#"{"paging":{"__proto__":1e400}}"#]
    {
        assert_eq!(embedded.send_text("get_sessions", taken).await.0, 200, "{taken}");
    }
    let (status, error) = embedded.send_text("open_session", r#"{"user_id":"1","__proto__":null}"#).await;
    assert_eq!((status, &error["message"]), (400, &json!("Validation failed: user_id must not be null")));
}

#[tokio::test]
async fn the_narrowest_range_that_is_accepted_counts() {
    let embedded = Embedded::start().await;
    for (accept, status) in [
        ("text/html, */*;q=0.1", 200),
        ("text/html, */*;q=0", 406),
        ("application/json;q=0, text/plain", 200),
        ("application/*;q=0, text/*;q=0, application/json;version=1", 406),
        ("", 200),
        (",", 406),
        ("json", 406),
    ] {
        let request = embedded.post("get_sessions").header("accept", accept);
        assert_eq!(read(request).await.0, status, "{accept:?}");
    }
}

#[tokio::test]
async fn an_answer_to_head_speaks_of_no_body() {
    let embedded = Embedded::start().await;
    for (path, status) in [("/v1/sessions/get_sessions", 405), ("/heartbeat", 405), ("/nope", 404)] {
        let response = http_client().head(format!("{}{path}", embedded.service.url())).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().get("content-type")), (status, None));
    }
}

#[tokio::test]
async fn what_follows_a_semicolon_is_no_part_of_the_path() {
    let embedded = Embedded::start().await;
    assert_eq!(read(embedded.post("get_sessions;x=1")).await.0, 200);
    let expected = json!({ "code": "ResourceNotFound", "message": "/v1/sessions/nope;x does not exist" });
    assert_eq!(read(embedded.post("nope;x")).await, (404, expected));
}

#[tokio::test]
async fn the_first_of_all_checks_that_fail_is_told() {
    let embedded = Embedded::start().await;
    let (unknown, known) = ("/v1/sessions/nope", "/v1/sessions/get_sessions");
    let wrong = [
        ("Accept: image/png", "406 Not Acceptable", "NotAcceptable"),
        ("Date: Mon, 23 Nov 2020 01:13:44 GMT", "400 Bad Request", "RequestExpired"),
        ("Content-Encoding: br", "415 Unsupported Media Type", "UnsupportedMediaType"),
        ("Content-MD5: AAAA", "400 Bad Request", "BadDigest"),
        ("X-Body: is no JSON", "400 Bad Request", "InvalidContent"),
        ("If-Match: \"x\"", "412 Precondition Failed", "PreconditionFailed"),
    ];
    for first in 0..wrong.len() {
        let headers: Vec<&str> = wrong[first..].iter().map(|(header, ..)| *header).collect();
        let headers = format!("HTTP/1.1\r\nContent-Type: application/json\r\n{}", headers.join("\r\n"));
        let body = if first < 5 { "{" } else { "{}" };
        let (_, status, code) = wrong[first];
        for (method, path, status, code) in [
            ("POST", known, status, code),
            ("PUT", known, "405 Method Not Allowed", "MethodNotAllowed"),
            ("POST", unknown, "404 Not Found", "ResourceNotFound"),
        ] {
            let answer = embedded.raw(&format!("{method} {path} {headers}"), body).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
                "{method} {path} {headers}: {answer}"
            );
            assert!(answer.contains(&format!("\r\n\r\n{{\"code\":\"{code}\",")), "{answer}");
            assert!(!answer.contains("Cache-Control"), "{answer}");
        }
    }
}

#[tokio::test]
async fn headers_have_the_order_of_the_service_and_its_spelling_but_that_of_vary() {
    let embedded = Embedded::start().await;
    let answer = embedded.raw("POST /v1/sessions/get_sessions HTTP/1.1", "").await;
    let names: Vec<&str> = answer.lines().skip(1).map_while(|line| Some(line.split_once(": ")?.0)).collect();
    assert_eq!(
        names,
        [
            "Server",
            "Access-Control-Allow-Origin",
            "Vary",
            "Cache-Control",
            "Pragma",
            "Expires",
            "Content-Type",
            "Content-Length",
            "Date",
            "Connection"
        ]
    );
}

#[tokio::test]
async fn a_request_may_be_compressed_and_a_corrupt_one_is_refused() {
    let embedded = Embedded::start().await;
    // {"user_id":"zipped"}, compressed by zlib.
    let zipped = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0x2d, 0x4e, 0x2d, 0x8a,
        0xcf, 0x4c, 0x51, 0xb2, 0x52, 0xaa, 0xca, 0x2c, 0x28, 0x48, 0x4d, 0x51, 0xaa, 0x05, 0x00, 0xb8, 0x40,
        0xce, 0x92, 0x14, 0x00, 0x00, 0x00,
    ];
    let head =
        "POST /v1/sessions/open_session HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip";
    assert!(embedded.raw(head, zipped).await.contains("\"user_id\":\"zipped\""));
    for corrupt in [&zipped[..30], b"{}"] {
        let refusal = embedded.raw(head, corrupt).await;
        assert!(
            refusal.starts_with("HTTP/1.1 400 ") && refusal.contains("cannot be decompressed"),
            "{refusal}"
        );
    }
    assert_eq!(embedded.sessions.len(), 1);
}

#[tokio::test]
async fn an_answer_is_compressed_for_whoever_accepts_that() {
    let embedded = Embedded::start().await;
    for (command, status, is_compressed) in
        [("get_sessions", 200, true), ("get_session_by_id", 400, true), ("nope", 404, false)]
    {
        let request = embedded.post(command).header("accept-encoding", "gzip").json(&json!({}));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("content-encoding"), is_compressed);
        assert_eq!(answer.headers().contains_key("content-length"), !is_compressed);
        let body = answer.bytes().await.unwrap();
        assert_eq!(body.starts_with(&[0x1f, 0x8b]), is_compressed);
    }
    let request = embedded.post("get_session_by_id").header("accept-encoding", "gzip");
    let answer = request.json(&json!({ "session_id": "x" })).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("content-encoding")), (204, None));
}

#[tokio::test]
async fn a_page_from_elsewhere_may_ask() {
    let embedded = Embedded::start().await;
    let url = format!("{}/nope", embedded.service.url());
    let permission = http_client()
        .request(reqwest::Method::OPTIONS, &url)
        .header("origin", "http://shop.example")
        .header("access-control-request-method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(permission.status(), 204);
    for (name, value) in [
        ("access-control-allow-origin", "http://shop.example"),
        ("access-control-allow-methods", "POST,OPTIONS"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "5"),
    ] {
        assert_eq!(permission.headers()[name], value, "{name}");
    }
    let asked = embedded.post("get_sessions").header("origin", "http://shop.example").send().await.unwrap();
    assert_eq!(asked.headers()["access-control-allow-origin"], "http://shop.example");
    let exposed = asked.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.starts_with("correlation_id,"), "{exposed}");
    let refused = embedded.post("nope").header("origin", "http://shop.example").send().await.unwrap();
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn what_node_refuses_has_no_body() {
    let embedded = Embedded::start().await;
    for (head, status) in [
        ("OPTIONS * HTTP/1.1", "200 OK"),
        ("POST /v1/sessions/get_sessions HTTP/1.1\r\nExpect: cake", "417 Expectation Failed"),
    ] {
        let answer = embedded.raw(head, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(answer.ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "{answer}");
    }
    // What is a verb to hyper alone, and what is no HTTP to it either.
    for head in ["BREW / HTTP/1.1", "GET  / HTTP/1.1"] {
        let answer = embedded.raw(head, "").await;
        let mut lines: Vec<&str> = answer.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["", "Connection: close", "Content-Length: 0", "HTTP/1.1 400 Bad Request"]);
    }
    let answer = embedded.all("GET /heartbeat HTTP/1.1\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"),
        "without a host: {answer}"
    );
}

#[tokio::test]
async fn every_answer_tells_that_the_connection_ends_where_that_was_asked_for() {
    let embedded = Embedded::start().await;
    for head in [
        "POST /v1/sessions/get_sessions HTTP/1.1\r\nExpect: cake",
        "GET /v1/sessions/get_sessions HTTP/1.1",
        "POST /nope HTTP/1.1",
        "GET /heartbeat HTTP/1.1",
        "OPTIONS /v1/sessions/get_sessions HTTP/1.1\r\nOrigin: a\r\nAccess-Control-Request-Method: POST",
        "BREW /heartbeat HTTP/1.1",
    ] {
        let answer = embedded.all(format!("{head}\r\nHost: x\r\nConnection: x, Close\r\n\r\n")).await;
        assert!(answer.contains("\r\nConnection: close\r\n"), "{head}: {answer}");
        assert!(!answer.contains("Keep-Alive: "), "{head}: {answer}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let embedded = Embedded::start().await;
    let request = |body: &str| {
        let length = body.len();
        format!(
            "POST /v1/sessions/get_session_by_id HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let mut requests = String::new();
    for number in 0..100 {
        requests += &request(if number % 3 == 0 { "{" } else { r#"{"session_id":"x"}"# });
    }
    let mut stream = TcpStream::connect(embedded.service.address()).await.unwrap();
    stream
        .write_all((requests + "GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    let expected = (0..100).map(|number| if number % 3 == 0 { "400" } else { "204" });
    assert_eq!(statuses, expected.chain(["404"]).collect::<Vec<_>>());
}

#[tokio::test]
async fn it_says_what_it_is() {
    let embedded = Embedded::start().await;
    let url = format!("{}/status", embedded.service.url());
    let (status, told) = read(http_client().get(&url)).await;
    assert_eq!((status, &told["name"]), (200, &json!("service-sessions")));
    assert!(
        told["uptime"].is_u64() && told["start_time"].as_str() <= told["current_time"].as_str(),
        "{told}"
    );
    assert_eq!(read(http_client().post(&url)).await.0, 405);
    let unchanged = http_client().get(&url).header("if-none-match", "*").send().await.unwrap();
    assert_eq!((unchanged.status().as_u16(), unchanged.bytes().await.unwrap().len()), (304, 0));
}

#[tokio::test]
async fn an_error_of_the_framework_can_be_a_script() {
    let embedded = Embedded::start().await;
    let request =
        embedded.post("get_sessions?callback=cb").header("content-type", "application/json").body("{");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/javascript");
    let script = answer.text().await.unwrap();
    assert!(script.starts_with("typeof cb === 'function' && cb({\"code\":\"InvalidContent\","), "{script}");
    let (status, page) = read(embedded.post("get_sessions?callback=cb")).await;
    assert_eq!((status, page["data"].is_array()), (200, true), "a command answers with JSON");
}

#[tokio::test]
async fn a_session_opened_over_http_is_the_one_in_memory() {
    let embedded = Embedded::start().await;
    let (_, opened) =
        embedded.call("open_session", &json!({ "user_id": "1", "data": { "b": 1, "a": [null] } })).await;
    let id = opened["id"].as_str().unwrap();
    let session = embedded.sessions.get_session_by_id(None, id).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(&session).unwrap(), opened);
    assert_eq!(opened["data"].to_string(), r#"{"b":1,"a":[null]}"#);
}

#[tokio::test]
async fn it_stops_listening_when_it_is_dropped() {
    let embedded = Embedded::start().await;
    let address = embedded.service.address();
    drop(embedded);
    // The task is gone once the runtime has had its turn, and its socket with it.
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), refused).await.expect("it still listens");
}

/// What an answer says but for its date.
async fn answer(url: &str, command: &str, arguments: &Value) -> (u16, Vec<String>, String) {
    let request = http_client().post(format!("{url}/v1/sessions/{command}")).json(arguments);
    let response = request.send().await.unwrap();
    let headers = response.headers().iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    (response.status().as_u16(), headers, response.text().await.unwrap())
}

#[tokio::test]
async fn sessions_in_memory_answer_the_same_where_they_are_wrapped() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Lock {
        code: u8,
    }

    let sessions =
        SessionsMemoryClientV1::new().with_clock(|| DateTime::UNIX_EPOCH).with_payloads::<Lock, Value>();
    let themselves = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let wrapped = EmbeddedService::start("127.0.0.1:0", Arc::new(sessions.clone())).await.unwrap();
    let (themselves, wrapped) = (themselves.url(), wrapped.url());

    let mut ids = Vec::new();
    for arguments in [
        json!({ "user_id": "1" }),
        json!({ "user_id": "", "user_name": "\"\n\u{e9}", "address": "", "client": "x", "data": 0 }),
        json!({ "user_id": "2", "user": { "code": 7, "more": 8 }, "data": { "b": [1.5, 1e21], "1": {}, "a": "" } }),
        json!({ "user_id": "3", "user": { "code": "seven" } }),
        json!({ "user_name": 7 }),
    ] {
        let mut answers = Vec::new();
        for url in [&themselves, &wrapped] {
            let (status, headers, body) = answer(url, "open_session", &arguments).await;
            let id =
                serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap_or_default().to_owned();
            answers.push((status, headers, body.replace(&id, "")));
            ids.extend(Some(id).filter(|id| !id.is_empty()));
        }
        assert_eq!(answers[0], answers[1], "{arguments}");
    }
    assert_eq!(ids.len(), 6);
    ids.push("x".to_owned());

    let mut requests = vec![
        ("get_sessions", json!({})),
        (
            "get_sessions",
            json!({ "filter": { "user_id": "1" }, "paging": { "skip": 1, "take": 1, "total": true } }),
        ),
        ("get_sessions", json!({ "filter": { "id": "x" }, "paging": { "total": true } })),
        ("get_sessions", json!({ "filter": { "active": "no" } })),
        ("get_sessions", json!({ "filter": 1 })),
    ];
    requests.extend(ids.iter().map(|id| ("get_session_by_id", json!({ "session_id": id }))));
    for turn in ["opened", "changed", "closed", "closed with data"] {
        for (command, arguments) in &requests {
            let answers =
                [answer(&themselves, command, arguments).await, answer(&wrapped, command, arguments).await];
            assert_eq!(answers[0], answers[1], "{turn}: {command} {arguments}");
        }
        for id in &ids {
            match turn {
                "changed" => drop(sessions.close_session(None, id).await.unwrap()),
                _ => drop(sessions.store_session_data(None, id, &json!([turn])).await.unwrap()),
            }
        }
    }
}
