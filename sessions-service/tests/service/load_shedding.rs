//! Requests beyond the number that the service accepts at once.

use super::{http_client, receive};
use serde_json::json;
use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn limited(limit: usize) -> EmbeddedService {
    let options = ServiceOptions::new().with_max_concurrent_requests(NonZeroUsize::new(limit).unwrap());
    EmbeddedService::start_with_options("127.0.0.1:0", SessionStore::new(), options).await.unwrap()
}

/// A request whose body is not complete yet.
struct Unfinished(TcpStream);

impl Unfinished {
    /// Returns when the service waits for the body.
    async fn start(service: &EmbeddedService) -> Self {
        let mut stream = TcpStream::connect(service.address()).await.unwrap();
        let head = "POST /v1/sessions/get_sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    /// Sends the body, and returns the status line.
    async fn finish(mut self) -> String {
        self.0.write_all(b"{}").await.unwrap();
        let mut status_line = [0; 15];
        self.0.read_exact(&mut status_line).await.unwrap();
        String::from_utf8(status_line.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn requests_beyond_the_limit_are_rejected_with_a_delay() {
    let service = limited(2).await;
    let pages = format!("{}/v1/sessions/get_sessions", service.url());
    let (first, second) = (Unfinished::start(&service).await, Unfinished::start(&service).await);
    let response = http_client().post(&pages).json(&json!({})).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, error) = (response.status(), response.json::<serde_json::Value>().await.unwrap());
    assert_eq!(status, 503);
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("ServiceUnavailable"), &json!("More than 2 requests at once"))
    );
    // The others are not affected, and each response makes room for one.
    assert_eq!(first.finish().await, "HTTP/1.1 200 OK");
    assert_eq!(receive(http_client().post(&pages).json(&json!({}))).await.0, 200);
    assert_eq!(second.finish().await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_client_that_disconnects_makes_room() {
    let service = limited(1).await;
    let pages = format!("{}/v1/sessions/get_sessions", service.url());
    drop(Unfinished::start(&service).await);
    let has_room = async {
        loop {
            match receive(http_client().post(&pages).json(&json!({}))).await.0 {
                200 => break,
                // The service has not noticed it yet.
                status => assert_eq!(status, 503),
            }
        }
    };
    timeout(Duration::from_secs(30), has_room).await.expect("the permit of the client is still taken");
}

#[tokio::test]
async fn the_state_of_a_busy_service_can_be_read() {
    let service = limited(1).await;
    let unfinished = Unfinished::start(&service).await;
    for path in ["heartbeat", "status"] {
        let (status, _) = receive(http_client().get(format!("{}/{path}", service.url()))).await;
        assert_eq!(status, 200, "{path}");
    }
    assert_eq!(unfinished.finish().await, "HTTP/1.1 200 OK");
}
