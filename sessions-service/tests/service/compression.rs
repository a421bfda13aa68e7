//! gzip of requests and responses.

use super::Embedded;
use serde_json::json;

#[tokio::test]
async fn a_compressed_request_is_accepted_and_a_corrupt_one_rejected() {
    let embedded = Embedded::start().await;
    // `{"user_id":"zipped"}`, compressed by zlib.
    let zipped = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0x2d, 0x4e, 0x2d, 0x8a,
        0xcf, 0x4c, 0x51, 0xb2, 0x52, 0xaa, 0xca, 0x2c, 0x28, 0x48, 0x4d, 0x51, 0xaa, 0x05, 0x00, 0xb8, 0x40,
        0xce, 0x92, 0x14, 0x00, 0x00, 0x00,
    ];
    let head =
        "POST /v1/sessions/open_session HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip";
    assert!(embedded.raw(head, zipped).await.contains("\"user_id\":\"zipped\""));
    for corrupt in [&zipped[..30], b"{}"] {
        let response = embedded.raw(head, corrupt).await;
        assert!(
            response.starts_with("HTTP/1.1 400 ") && response.contains("cannot be decompressed"),
            "{response}"
        );
    }
    assert_eq!(embedded.sessions.len(), 1);
}

#[tokio::test]
async fn a_response_is_compressed_if_the_client_accepts_it() {
    let embedded = Embedded::start().await;
    for (command, status, is_compressed) in
        [("get_sessions", 200, true), ("get_session_by_id", 400, true), ("nope", 404, false)]
    {
        let request = embedded.post(command).header("accept-encoding", "gzip").json(&json!({}));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().contains_key("content-encoding"), is_compressed);
        assert_eq!(response.headers().contains_key("content-length"), !is_compressed);
        let body = response.bytes().await.unwrap();
        assert_eq!(body.starts_with(&[0x1f, 0x8b]), is_compressed);
    }
    let request = embedded.post("get_session_by_id").header("accept-encoding", "gzip");
    let response = request.json(&json!({ "session_id": "x" })).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("content-encoding")), (204, None));
}
