//! The embedded service on the wire: what any HTTP client sees.

#![cfg(feature = "server")]

mod answers;
mod arguments;
mod compression;
mod connection;
mod requests;
mod service;

use serde_json::Value;
use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
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
