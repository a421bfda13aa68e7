//! Servers with given responses, valid or not, and a clock controlled by the test.

#![allow(dead_code, unused_macros, reason = "no test file uses everything")]

#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) mod faulty;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
#[macro_use]
pub(crate) mod network;
pub(crate) mod frames;
pub(crate) mod socket_time;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// Serves one connection with `response`, then closes it; returns the server's URL.
pub(crate) async fn responding(response: impl Into<Vec<u8>>) -> String {
    let response = response.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client sends a request");
        stream.write_all(&response).await.unwrap();
    });
    url
}

/// Accepts one connection and never responds.
pub(crate) async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client sends a request");
        std::future::pending::<()>().await;
    });
    url
}

/// Responds only to the second request, on another connection.
pub(crate) async fn silent_then_responding(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut silent, _) = listener.accept().await.unwrap();
        read_request(&mut silent).await.expect("the client sends a request");
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client sends a request");
        stream.write_all(response.as_bytes()).await.unwrap();
    });
    url
}

/// Reads one request and closes the connection; returns the server's URL and the request.
pub(crate) async fn recording() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.expect("the client sends a request")
    });
    (url, request)
}

/// Returns the URL of a closed port.
pub(crate) fn closed_port() -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    // Keeps the port bound, so that no other socket gets it.
    std::mem::forget(socket);
    url
}

/// Returns a response with this body.
pub(crate) fn http(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Reads a complete request, since closing a connection with unread bytes resets it. Returns `None` if the
/// client has closed the connection before.
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
