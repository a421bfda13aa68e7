//! The checks of Node.js before the service, and the end of connections.

use super::Embedded;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn requests_that_node_rejects_have_responses_without_a_body() {
    let embedded = Embedded::start().await;
    for (head, status) in [
        ("OPTIONS * HTTP/1.1", "200 OK"),
        ("POST /v1/sessions/get_sessions HTTP/1.1\r\nExpect: cake", "417 Expectation Failed"),
    ] {
        let response = embedded.raw(head, "").await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
        assert!(response.ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "{response}");
    }
    // A method that only hyper accepts, and a request that is not valid HTTP.
    for head in ["BREW / HTTP/1.1", "GET  / HTTP/1.1"] {
        let response = embedded.raw(head, "").await;
        let mut lines: Vec<&str> = response.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["", "Connection: close", "Content-Length: 0", "HTTP/1.1 400 Bad Request"]);
    }
    let response = embedded.exchange("GET /heartbeat HTTP/1.1\r\n\r\n").await;
    assert!(
        response.starts_with("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"),
        "without a host: {response}"
    );
}

#[tokio::test]
async fn the_expectation_100_continue_is_found_among_others() {
    let embedded = Embedded::start().await;
    for (expected, status) in [
        ("100-Continue", "404"),
        ("cake\r\nExpect: 100-continue", "404"),
        ("cake,100-continue;x=1", "404"),
        ("\u{e9}100-continue", "404"),
        ("", "417"),
        ("100-continued", "417"),
        ("a100-continue", "417"),
        ("_100-continue, 100-continue_", "417"),
    ] {
        let response = embedded.raw(&format!("GET /nope HTTP/1.1\r\nExpect: {expected}"), "").await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{expected}: {response}");
    }
}

#[tokio::test]
async fn every_response_announces_the_requested_end_of_the_connection() {
    let embedded = Embedded::start().await;
    for head in [
        "POST /v1/sessions/get_sessions HTTP/1.1\r\nExpect: cake",
        "GET /v1/sessions/get_sessions HTTP/1.1",
        "POST /nope HTTP/1.1",
        "GET /heartbeat HTTP/1.1",
        "OPTIONS /v1/sessions/get_sessions HTTP/1.1\r\nOrigin: a\r\nAccess-Control-Request-Method: POST",
        "BREW /heartbeat HTTP/1.1",
    ] {
        let response = embedded.exchange(format!("{head}\r\nHost: x\r\nConnection: x, Close\r\n\r\n")).await;
        assert!(response.contains("\r\nConnection: close\r\n"), "{head}: {response}");
        assert!(!response.contains("Keep-Alive: "), "{head}: {response}");
    }
}

#[tokio::test]
async fn pipelined_requests_have_responses_in_their_order() {
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
    let mut responses = String::new();
    stream.read_to_string(&mut responses).await.unwrap();
    let statuses: Vec<&str> = responses.split("HTTP/1.1 ").skip(1).map(|response| &response[..3]).collect();
    let expected = (0..100).map(|number| if number % 3 == 0 { "400" } else { "204" });
    assert_eq!(statuses, expected.chain(["404"]).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_dropped_service_stops_listening() {
    let embedded = Embedded::start().await;
    let address = embedded.service.address();
    drop(embedded);
    // The runtime drops the task, and the socket with it, the next time it polls.
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), closed)
        .await
        .expect("the service still listens");
}
