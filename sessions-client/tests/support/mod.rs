//! Servers that answer with given bytes, right or wrong, and a time that does not pass by itself.

#![allow(dead_code, unused_macros, reason = "each test file takes what it needs")]

#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) mod faulty;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
#[macro_use]
pub(crate) mod network;
pub(crate) mod socket_time;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// Serves one connection with `answer`, then closes it; returns the server's address as a URL.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client hung up");
        stream.write_all(&answer).await.unwrap();
    });
    url
}

/// Accepts one connection and never answers.
pub(crate) async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client hung up");
        std::future::pending::<()>().await;
    });
    url
}

/// Does not answer the first request, and answers the second one, on another connection.
pub(crate) async fn silent_then_answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut silent, _) = listener.accept().await.unwrap();
        read_request(&mut silent).await.expect("the client hung up");
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client hung up");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    url
}

/// Reads one request and hangs up; the request is the second thing that it returns.
pub(crate) async fn recording() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client hung up")
    });
    (url, request)
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    // As long as it is bound, nobody else gets the port.
    std::mem::forget(socket);
    url
}

/// `body` with the head of an ordinary answer.
pub(crate) fn http(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Reads a request to its end: closing a connection with unread bytes would reset it. None if the client
/// hung up before.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    while !is_complete(&request) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&request).into_owned())
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.trim().parse().unwrap())
}
