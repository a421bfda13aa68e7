//! One of the two services: a connection to it, and the sessions in its responses.

use crate::compare::{NormalizedResponse, normalize};
use crate::sequence::{Call, Form, resolve};
use crate::wire::{Wire, headers, plain};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::{HeaderValue, Request, Response, Version};
use md5::{Digest, Md5};
use serde_json::Value;
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::{Normalizer, SESSION};
use std::net::SocketAddr;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Service {
    wire: Wire,
    names: Normalizer,
    sessions: Vec<Session>,
}

/// A session that was opened in this sequence.
struct Session {
    id: String,
    /// Its latest change in any response.
    changed: DateTime<Utc>,
}

/// A guard: the embedded service stops when it is dropped.
pub(crate) struct Server {
    _service: EmbeddedService,
    _runtime: Runtime,
}

impl Service {
    /// Starts an embedded service.
    pub(crate) fn embedded() -> (Self, Server) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start = EmbeddedService::start("127.0.0.1:0", SessionStore::new());
        let service = runtime.block_on(start).unwrap();
        (Self::new(service.address()), Server { _service: service, _runtime: runtime })
    }

    /// Connects to the service at a URL of this machine, such as `http://127.0.0.1:8080`.
    pub(crate) fn at(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/').parse();
        Self::new(address.unwrap_or_else(|_| panic!("SESSIONS_URL must be http://ADDRESS:PORT, not {url:?}")))
    }

    fn new(address: SocketAddr) -> Self {
        Self { wire: Wire::new(address), names: Normalizer::new(&SESSION), sessions: Vec::new() }
    }

    /// Sends a call and learns the sessions in the response.
    pub(crate) async fn send(&mut self, call: &Call) -> NormalizedResponse {
        let body = self.body(call);
        let digest = STANDARD.encode(Md5::digest(&body));
        let response = self.exchange(call, body).await;
        let text = String::from_utf8_lossy(&plain(&response)).into_owned();
        let opened = call.target.contains("/open_session") && response.status() == 200;
        self.learn(&text, opened);
        // The request bodies of the two services have different ids, and so different digests.
        let body = normalize(&text, &mut self.names).replace(&digest, "⟨digest⟩");
        self.wait_for_the_next_tick().await;
        NormalizedResponse { status: response.status().as_u16(), headers: headers(&response), body }
    }

    fn body(&self, call: &Call) -> Vec<u8> {
        let insert = |kind: &str, argument: &str| self.insert(kind, argument);
        call.form.of(&resolve(call.body.as_deref().unwrap_or_default(), insert))
    }

    async fn exchange(&mut self, call: &Call, body: Vec<u8>) -> Response<Bytes> {
        let insert = |kind: &str, argument: &str| match kind {
            "md5" => STANDARD.encode(Md5::digest(&body)).into(),
            _ => self.insert(kind, argument),
        };
        let mut request = Request::new(Bytes::from(body.clone()));
        *request.method_mut() = call.method.parse().unwrap();
        *request.uri_mut() = String::from_utf8(resolve(&call.target, insert)).unwrap().parse().unwrap();
        if call.form == Form::Old {
            *request.version_mut() = Version::HTTP_10;
        }
        request.headers_mut().insert(HOST, self.wire.address().to_string().parse().unwrap());
        if call.body.as_deref() == Some("") && body.is_empty() {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        for (name, value) in &call.headers {
            let value = HeaderValue::from_bytes(&resolve(value, insert)).unwrap();
            request.headers_mut().append(*name, value);
        }
        if call.form.is_gzip() {
            request.headers_mut().append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        self.wire.send(request).await
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

    /// Waits so that two changes are at least two milliseconds apart. In the same millisecond they would be
    /// indistinguishable; in adjacent ones, a time between them would depend on the service.
    async fn wait_for_the_next_tick(&self) {
        let Some(latest) = self.names.latest() else { return };
        while Utc::now().timestamp_millis() < latest.timestamp_millis() + 2 {
            tokio::task::yield_now().await;
        }
    }

    /// Deletes the sessions of the sequence and forgets them.
    pub(crate) async fn clear(&mut self) {
        for index in 0..self.sessions.len() {
            let delete = Call {
                method: "POST",
                target: "/v1/sessions/delete_session_by_id".to_owned(),
                headers: vec![("content-type", "application/json".to_owned())],
                body: Some(format!(r#"{{"session_id":"⟦id:{index}⟧"}}"#)),
                form: Form::Plain,
            };
            let body = self.body(&delete);
            self.exchange(&delete, body).await;
        }
        self.sessions.clear();
        self.names = Normalizer::new(&SESSION);
    }
}
