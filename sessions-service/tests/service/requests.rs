//! Routing, and the order of the checks.

use super::{Embedded, http_client, receive};
use axum::body::Body;
use futures_util::stream;
use serde_json::{Value, json};
use sessions_service::SessionStore;
use std::convert::Infallible;
use tower::ServiceExt;

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
        assert_eq!(receive(request).await, (404, expected));
    }
    let url = format!("{}/v1/sessions/open_session", embedded.service.url());
    let response = http_client().put(url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().unwrap()));
    let error: Value = response.json().await.unwrap();
    assert_eq!(error, json!({ "code": "MethodNotAllowed", "message": "PUT is not allowed" }));
    let (status, _) = receive(embedded.post("get%5Fsessions")).await;
    assert_eq!(status, 200, "a percent-encoded letter");
}

#[tokio::test]
async fn a_body_is_read_completely_in_any_number_of_chunks() {
    let embedded = Embedded::start().await;
    for (body, status, expected) in [
        ("7\r\n{\"user_\r\n3\r\nid\"\r\n5\r\n:\"1\"}\r\n0\r\n\r\n", "200 OK", "\"user_id\":\"1\""),
        ("f\r\n{\"user_id\":\"1\"}\r\n0\r\nX-Trailer: 1\r\n\r\n", "200 OK", "\"user_id\":\"1\""),
        ("0\r\n\r\n", "400 Bad Request", "user_id must not be null"),
    ] {
        let head = "POST /v1/sessions/open_session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                    Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let response = embedded.exchange([head, body].concat()).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{body}: {response}");
        assert!(response.contains(expected), "{body}: {response}");
    }
}

#[tokio::test]
async fn a_streamed_body_is_not_polled_after_its_end() {
    let pieces = ["{\"user_", "id\":\"1\"}"];
    let streamed = stream::unfold(pieces.into_iter(), async |mut pieces| {
        pieces.next().map(|piece| (Ok::<_, Infallible>(piece), pieces))
    });
    let request = http::Request::post("/v1/sessions/open_session")
        .header("content-type", "application/json")
        .header("host", "x")
        .body(Body::from_stream(streamed))
        .unwrap();
    let router = sessions_service::router(SessionStore::new());
    assert_eq!(router.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_part_after_a_semicolon_does_not_count_for_the_route() {
    let embedded = Embedded::start().await;
    assert_eq!(receive(embedded.post("get_sessions;x=1")).await.0, 200);
    let expected = json!({ "code": "ResourceNotFound", "message": "/v1/sessions/nope;x does not exist" });
    assert_eq!(receive(embedded.post("nope;x")).await, (404, expected));
}

#[tokio::test]
async fn the_most_specific_media_range_counts() {
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
        assert_eq!(receive(request).await.0, status, "{accept:?}");
    }
}

#[tokio::test]
async fn the_first_failed_check_is_reported() {
    let embedded = Embedded::start().await;
    let (unknown, known) = ("/v1/sessions/nope", "/v1/sessions/get_sessions");
    let wrong = [
        ("Accept: image/png", "406 Not Acceptable", "NotAcceptable"),
        ("Date: Mon, 23 Nov 2020 01:13:44 GMT", "400 Bad Request", "RequestExpired"),
        ("Content-Encoding: br", "415 Unsupported Media Type", "UnsupportedMediaType"),
        ("Content-MD5: AAAA", "400 Bad Request", "BadDigest"),
        ("X-Body: is not JSON", "400 Bad Request", "InvalidContent"),
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
            let response = embedded.raw(&format!("{method} {path} {headers}"), body).await;
            assert!(
                response.starts_with(&format!("HTTP/1.1 {status}\r\n")),
                "{method} {path} {headers}: {response}"
            );
            assert!(response.contains(&format!("\r\n\r\n{{\"code\":\"{code}\",")), "{response}");
            assert!(!response.contains("Cache-Control"), "{response}");
        }
    }
}

#[tokio::test]
async fn requests_of_other_origins_are_permitted() {
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
    let response =
        embedded.post("get_sessions").header("origin", "http://shop.example").send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "http://shop.example");
    let exposed = response.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.starts_with("correlation_id,"), "{exposed}");
    let not_found = embedded.post("nope").header("origin", "http://shop.example").send().await.unwrap();
    assert_eq!(not_found.headers()["access-control-allow-origin"], "*");
}
