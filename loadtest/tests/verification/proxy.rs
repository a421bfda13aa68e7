//! A proxy in front of an embedded service, which can change everything between a request and its response.

use sessions_client::Value;
use sessions_service::{EmbeddedService, SessionStore};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The last segment of its path, such as `open_session`.
    pub(crate) operation: String,
    /// The number among the requests of its operation, counted from 1.
    pub(crate) number: u64,
    /// Its body.
    pub(crate) arguments: Value,
    /// The first line.
    line: String,
}

impl Request {
    /// Returns whether this is one of the operations, and every `n`-th request of it.
    pub(crate) fn is(&self, operations: &[&str], n: u64) -> bool {
        operations.contains(&&*self.operation) && self.number.is_multiple_of(n)
    }

    /// The session that the request is about.
    pub(crate) fn session(&self) -> String {
        self.arguments["session_id"].as_str().unwrap_or_default().to_owned()
    }
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into() }
    }

    pub(crate) fn json(body: &Value) -> Self {
        Self::new(200, body.to_string())
    }

    /// The body as JSON; null without a body.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Changes the session in the body, if there is one.
    pub(crate) fn change(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut value = self.value();
        if value.is_object() {
            change(&mut value);
            self.body = value.to_string().into_bytes();
        }
        self
    }
}

/// The reaction of the proxy to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Respond(Response),
    /// Responds and closes the connection without notice.
    RespondAndClose(Response),
    /// Sends these bytes and closes the connection.
    Send(Vec<u8>),
    /// Sends the response in pieces.
    Drip(Response, Duration),
    Close,
}

/// The behaviour of a proxy.
pub(crate) type Behaviour =
    Arc<dyn Fn(Upstream, Request) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// The service behind a proxy, and the memory of the proxy.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Inner>);

struct Inner {
    store: SessionStore,
    service: Mutex<Option<EmbeddedService>>,
    numbers: Mutex<HashMap<String, u64>>,
    remembered: Mutex<HashMap<String, Response>>,
    events: AtomicU64,
}

impl Upstream {
    fn address(&self) -> Option<SocketAddr> {
        let service = self.0.service.lock().unwrap();
        service.as_ref().map(|service| service.url().trim_start_matches("http://").parse().unwrap())
    }

    /// Sends a request to the service. Without a service, the response is that of a gateway.
    pub(crate) async fn send(&self, request: &Request) -> Response {
        self.forward(request).await.unwrap_or_else(|| Response::new(502, "no service"))
    }

    async fn forward(&self, request: &Request) -> Option<Response> {
        let body = if request.arguments.is_null() { String::new() } else { request.arguments.to_string() };
        let mut service = TcpStream::connect(self.address()?).await.ok()?;
        let head = format!(
            "{}\r\nhost: proxy\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            request.line,
            body.len()
        );
        service.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.ok()?;
        let mut received = Vec::new();
        service.read_to_end(&mut received).await.ok()?;
        let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
        let status = std::str::from_utf8(received.get(9..12)?).ok()?.parse().ok()?;
        Some(Response { status, body: received.split_off(end + 4) })
    }

    /// Sends a request to the service after the response to the client.
    pub(crate) fn send_later(&self, request: &Request, delay: Duration) {
        let (upstream, request) = (self.clone(), request.clone());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            upstream.send(&request).await;
        });
    }

    /// Calls an operation of the service.
    pub(crate) async fn call(&self, operation: &str, arguments: Value) -> Value {
        let line = format!("POST /v1/sessions/{operation} HTTP/1.1");
        let request = Request { operation: operation.to_owned(), number: 0, arguments, line };
        self.send(&request).await.value()
    }

    /// Remembers a response, and returns the one that was remembered before.
    pub(crate) fn remember(&self, key: impl Into<String>, response: &Response) -> Option<Response> {
        self.0.remembered.lock().unwrap().insert(key.into(), response.clone())
    }

    pub(crate) fn remembered(&self, key: &str) -> Option<Response> {
        self.0.remembered.lock().unwrap().get(key).cloned()
    }

    /// Counts an event that the load test must notice or survive.
    pub(crate) fn event(&self) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }

    /// Stops the service.
    pub(crate) fn stop(&self) {
        drop(self.0.service.lock().unwrap().take());
    }

    /// Stops the service, and starts it again with its data.
    pub(crate) async fn restart(&self, pause: Duration) {
        self.stop();
        tokio::time::sleep(pause).await;
        let service = EmbeddedService::start("127.0.0.1:0", self.0.store.clone()).await.unwrap();
        *self.0.service.lock().unwrap() = Some(service);
    }
}

/// A proxy, which stops when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    upstream: Upstream,
    listening: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Proxy {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let store = SessionStore::new();
        let service = EmbeddedService::start("127.0.0.1:0", store.clone()).await.unwrap();
        let upstream = Upstream(Arc::new(Inner {
            store,
            service: Mutex::new(Some(service)),
            numbers: Mutex::default(),
            remembered: Mutex::default(),
            events: AtomicU64::new(0),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = upstream.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, served.clone(), Arc::clone(&behaviour)));
            }
        });
        Self { address, upstream, listening }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of events.
    pub(crate) fn events(&self) -> u64 {
        self.upstream.0.events.load(Ordering::Relaxed)
    }
}

/// Serves the requests of a connection.
async fn serve(mut client: TcpStream, upstream: Upstream, behaviour: Behaviour) {
    let mut received = Vec::new();
    while let Some(request) = read_request(&mut client, &mut received, &upstream).await {
        // In a task, so that a client that gives up does not cancel the call.
        let Ok(reply) = tokio::spawn(behaviour(upstream.clone(), request)).await else { return };
        let (bytes, stays_open) = match reply {
            Reply::Respond(response) => (encode(&response), true),
            Reply::RespondAndClose(response) => (encode(&response), false),
            Reply::Send(bytes) => (bytes, false),
            Reply::Close => return,
            Reply::Drip(response, pause) => {
                let bytes = encode(&response);
                for piece in bytes.chunks(bytes.len().div_ceil(5)) {
                    if client.write_all(piece).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                }
                continue;
            }
        };
        if client.write_all(&bytes).await.is_err() || !stays_open {
            return;
        }
    }
}

async fn read_request(
    client: &mut TcpStream,
    received: &mut Vec<u8>,
    upstream: &Upstream,
) -> Option<Request> {
    loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&received[..end]).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if received.len() >= end + 4 + length {
                let body: Vec<_> = received.drain(..end + 4 + length).skip(end + 4).collect();
                return Some(decode(&head, &body, upstream));
            }
        }
        match client.read_buf(received).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

fn decode(head: &str, body: &[u8], upstream: &Upstream) -> Request {
    let line = head.lines().next().unwrap_or_default().to_owned();
    let path = line.split([' ', '?']).nth(1).unwrap_or_default();
    let operation = path.rsplit('/').next().unwrap_or_default().to_owned();
    let number = {
        let mut numbers = upstream.0.numbers.lock().unwrap();
        let number = numbers.entry(operation.clone()).or_default();
        *number += 1;
        *number
    };
    Request { operation, number, arguments: serde_json::from_slice(body).unwrap_or_default(), line }
}

fn encode(response: &Response) -> Vec<u8> {
    let Response { status, body } = response;
    let length = if *status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = format!("HTTP/1.1 {status} \r\ncontent-type: application/json\r\n{length}\r\n");
    [head.as_bytes(), body].concat()
}
