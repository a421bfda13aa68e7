//! One of the two services: a connection to it, and what it has told of its sessions.

use crate::compare::{Answer, normalize};
use crate::sequence::{Call, resolve};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use snapshots::Normalizer;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Service {
    address: SocketAddr,
    connection: Option<SendRequest<Full<Bytes>>>,
    names: Normalizer,
    sessions: Vec<Session>,
}

/// A session that was opened in this sequence.
struct Session {
    id: String,
    /// Its latest change, as far as the service has shown it.
    changed: DateTime<Utc>,
}

/// The embedded service runs as long as this is kept.
pub(crate) struct Server {
    _service: EmbeddedService,
    _runtime: Runtime,
}

impl Service {
    /// An embedded service of its own.
    pub(crate) fn embedded() -> (Self, Server) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new());
        let service = runtime.block_on(start).unwrap();
        (Self::new(service.address()), Server { _service: service, _runtime: runtime })
    }

    /// The service at a URL of this machine, such as `http://127.0.0.1:8080`.
    pub(crate) fn at(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/').parse();
        Self::new(
            address.unwrap_or_else(|_| panic!("SESSIONS_URL has to be http://ADDRESS:PORT, not {url:?}")),
        )
    }

    fn new(address: SocketAddr) -> Self {
        Self { address, connection: None, names: Normalizer::new(), sessions: Vec::new() }
    }

    /// Sends a call, and reads what the answer tells of sessions.
    pub(crate) async fn send(&mut self, call: &Call) -> Answer {
        let (parts, body) = self.exchange(call).await.into_parts();
        let header = |name| {
            parts
                .headers
                .get(name)
                .map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        let opened = call.target.contains("/open_session") && parts.status == 200;
        self.learn(&body, opened);
        let body = normalize(&body, &mut self.names);
        self.wait_for_the_next_tick().await;
        Answer {
            status: parts.status.as_u16(),
            content_type: header(CONTENT_TYPE),
            allow: header(ALLOW),
            body,
        }
    }

    async fn exchange(&mut self, call: &Call) -> Response<Bytes> {
        let insert = |kind: &str, argument: &str| self.insert(kind, argument);
        let mut request = Request::new(Full::from(resolve(call.body.as_deref().unwrap_or_default(), insert)));
        *request.method_mut() = call.method.parse().unwrap();
        *request.uri_mut() = String::from_utf8(resolve(&call.target, insert)).unwrap().parse().unwrap();
        request.headers_mut().insert(HOST, self.address.to_string().parse().unwrap());
        if call.body.as_deref() == Some("") {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        for (name, value) in &call.headers {
            let value = HeaderValue::from_bytes(&resolve(value, insert)).unwrap();
            request.headers_mut().append(*name, value);
        }
        // An answer may have closed the connection.
        let open = match self.connection.take() {
            Some(mut connection) => connection.ready().await.is_ok().then_some(connection),
            None => None,
        };
        let connection = match open {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(connect(self.address).await),
        };
        let (parts, body) = connection.send_request(request).await.expect("an answer").into_parts();
        Response::from_parts(parts, body.collect().await.expect("a whole answer").to_bytes())
    }

    fn insert(&self, kind: &str, argument: &str) -> Vec<u8> {
        let session = |index: &str| {
            let index: usize = index.parse().unwrap();
            self.sessions.get(index % self.sessions.len().max(1))
        };
        let id = |index| session(index).map_or("no-session", |session| &*session.id);
        match kind {
            "id" => id(argument).into(),
            "ID" => id(argument).to_uppercase().into(),
            "time" => {
                let (index, shift) = argument.split_at(argument.find(['+', '-']).unwrap());
                let changed = session(index).map_or(DateTime::UNIX_EPOCH, |session| session.changed);
                let time = changed + TimeDelta::milliseconds(shift.parse().unwrap());
                time.to_rfc3339_opts(SecondsFormat::Millis, true).into()
            }
            "byte" => vec![argument.parse().unwrap()],
            other => panic!("there is no ⟦{other}⟧"),
        }
    }

    fn learn(&mut self, body: &str, opened: bool) {
        let Ok(Value::Object(session)) = serde_json::from_str(&crate::compare::readable(body)) else {
            return;
        };
        let text = |key| session.get(key).and_then(Value::as_str);
        let (Some(id), Some(time)) = (text("id"), text("request_time")) else { return };
        let changed = time.parse().unwrap_or_default();
        match self.sessions.iter_mut().find(|session| session.id == id) {
            Some(session) => session.changed = changed,
            None if opened => self.sessions.push(Session { id: id.to_owned(), changed }),
            None => {}
        }
    }

    /// Two changes must not fall on one millisecond, or they could not be told apart, nor on neighbouring ones,
    /// or a millisecond before the one would or would not be after the other.
    async fn wait_for_the_next_tick(&self) {
        let Some(latest) = self.names.latest() else { return };
        while Utc::now().timestamp_millis() < latest.timestamp_millis() + 2 {
            tokio::task::yield_now().await;
        }
    }

    /// Deletes what the sequence has left, and forgets it.
    pub(crate) async fn clear(&mut self) {
        for index in 0..self.sessions.len() {
            let delete = Call {
                method: "POST",
                target: "/v1/sessions/delete_session_by_id".to_owned(),
                headers: vec![("content-type", "application/json".to_owned())],
                body: Some(format!(r#"{{"session_id":"⟦id:{index}⟧"}}"#)),
            };
            self.exchange(&delete).await;
        }
        self.sessions.clear();
        self.names = Normalizer::new();
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the service listens");
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}
