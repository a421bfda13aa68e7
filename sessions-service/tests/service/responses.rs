//! Status and headers of responses, and the JSON of sessions.

use super::{Embedded, http_client, receive};
use serde_json::json;

#[tokio::test]
async fn a_session_has_all_keys_in_the_order_of_the_service() {
    let embedded = Embedded::start().await;
    let request = embedded.post("open_session").json(&json!({ "user_id": "1" }));
    let body = request.send().await.unwrap().text().await.unwrap();
    let keys: Vec<&str> = body.split('"').filter(|part| body.contains(&format!("\"{part}\":"))).collect();
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
async fn an_unknown_session_is_204_without_body_and_content_type() {
    let embedded = Embedded::start().await;
    let response =
        embedded.post("get_session_by_id").json(&json!({ "session_id": "x" })).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("content-type"));
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn responses_of_commands_have_the_headers_of_the_service() {
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
async fn headers_have_the_order_of_the_service_and_its_case_except_vary() {
    let embedded = Embedded::start().await;
    let response = embedded.raw("POST /v1/sessions/get_sessions HTTP/1.1", "").await;
    let names: Vec<&str> =
        response.lines().skip(1).map_while(|line| Some(line.split_once(": ")?.0)).collect();
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
async fn a_response_to_head_has_no_headers_about_a_body() {
    let embedded = Embedded::start().await;
    for (path, status) in [("/v1/sessions/get_sessions", 405), ("/heartbeat", 405), ("/nope", 404)] {
        let response = http_client().head(format!("{}{path}", embedded.service.url())).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().get("content-type")), (status, None));
    }
}

#[tokio::test]
async fn an_error_of_the_framework_supports_jsonp() {
    let embedded = Embedded::start().await;
    let request =
        embedded.post("get_sessions?callback=cb").header("content-type", "application/json").body("{");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/javascript");
    let script = response.text().await.unwrap();
    assert!(script.starts_with("typeof cb === 'function' && cb({\"code\":\"InvalidContent\","), "{script}");
    let (status, page) = receive(embedded.post("get_sessions?callback=cb")).await;
    assert_eq!((status, page["data"].is_array()), (200, true), "a command ignores the callback");
}
