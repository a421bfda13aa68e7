//! What Node.js sees to before the service, and when a connection ends.

use super::Embedded;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
async fn a_request_that_expects_to_be_told_to_go_on_among_other_things_is_answered() {
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
        let answer = embedded.raw(&format!("GET /nope HTTP/1.1\r\nExpect: {expected}"), "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{expected}: {answer}");
    }
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
