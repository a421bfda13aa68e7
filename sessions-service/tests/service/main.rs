//! The embedded service over HTTP, as clients in any language see it.

mod arguments;
mod commands;
mod compression;
mod connection;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "grpc")]
mod grpc_frames;
mod implementations;
mod load_shedding;
#[cfg(feature = "cli")]
mod program;
mod requests;
mod responses;
mod service;
mod times;

use serde_json::Value;
use sessions_service::{EmbeddedService, SessionStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An embedded service and its store.
struct Embedded {
    service: EmbeddedService,
    sessions: SessionStore,
}

impl Embedded {
    async fn start() -> Self {
        Self::with(SessionStore::new()).await
    }

    async fn with(sessions: SessionStore) -> Self {
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
        Self { service, sessions }
    }

    /// Starts a plain request to a command.
    fn post(&self, command: &str) -> reqwest::RequestBuilder {
        http_client().post(format!("{}/v1/sessions/{command}", self.service.url()))
    }

    /// Returns status and body of the response to JSON arguments.
    async fn call(&self, command: &str, arguments: &Value) -> (u16, Value) {
        receive(self.post(command).json(arguments)).await
    }

    /// Returns the body of a successful response.
    async fn ok(&self, command: &str, arguments: &Value) -> Value {
        let (status, body) = self.call(command, arguments).await;
        assert!(matches!(status, 200 | 204), "{command} {arguments}: {status} {body}");
        body
    }

    /// Opens a session with a user id only.
    async fn open(&self, user_id: &str) -> Value {
        self.ok("open_session", &serde_json::json!({ "user_id": user_id })).await
    }

    /// Returns the users of the sessions that match the filter.
    async fn users(&self, filter: Value) -> Vec<String> {
        let page = self.ok("get_sessions", &serde_json::json!({ "filter": filter })).await;
        let sessions = page["data"].as_array().unwrap().iter();
        sessions.map(|session| session["user_id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Returns the response to a request with the given head, to which `Host` and `Connection: close` are
    /// added.
    async fn raw(&self, head: &str, body: impl AsRef<[u8]>) -> String {
        let length = body.as_ref().len();
        let head = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        self.exchange([head.as_bytes(), body.as_ref()].concat()).await
    }

    /// Sends bytes and returns everything that is received until the connection is closed.
    async fn exchange(&self, requests: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.service.address()).await.unwrap();
        stream.write_all(requests.as_ref()).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        String::from_utf8_lossy(&response).into_owned()
    }

    /// Returns status and body of the response to arguments that are already JSON.
    async fn send_json(&self, command: &str, json: &'static str) -> (u16, Value) {
        receive(self.post(command).header("content-type", "application/json").body(json)).await
    }
}

/// Returns a client that uses no proxy, even for this machine.
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().no_gzip().build().unwrap()
}

async fn receive(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}
