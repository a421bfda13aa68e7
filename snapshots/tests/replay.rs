//! The embedded service answers captured requests as the real service answered them.
//!
//! `fixtures/captures` holds exchanges with the real service, all that reached a command, in the order in which
//! they were made. The embedded service is sent the same requests, at the same times by its clock. Its answers
//! are compared byte by byte, with the captured ids in place of its own; in the captures, stack traces end with
//! their first line, and bodies are not compressed. What differs and may is in [`EXPLAINED`].

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use sessions_client::server::EmbeddedService;
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;

/// The exchanges whose answers differ, and why they may.
const EXPLAINED: &[(&str, &str)] = &[
    ("body.deep-1000", "JSON is read to a depth of 127"),
    ("gzip.request", "requests are not decompressed"),
    ("cors.simple", "what a browser on another site asks for is answered as if nobody asked"),
    ("cors.simple-null", "what a browser on another site asks for is answered as if nobody asked"),
];

#[derive(Deserialize)]
struct Capture {
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    case: String,
    request: Sent,
    response: Received,
}

#[derive(Deserialize)]
struct Sent {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Body,
}

/// A text, or bytes that are none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Text(String),
    Bytes(Vec<u8>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Received {
    status: u16,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

/// Headers that belong to a connection or to the moment.
const OF_THE_CONNECTION: &[&str] = &["date", "content-length", "connection", "keep-alive"];

#[tokio::test]
async fn captured_requests_are_answered_as_they_were_by_the_real_service() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut exchanges = 0;
    let (mut differences, mut differing) = (String::new(), BTreeSet::new());
    for file in files {
        let capture: Capture = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        exchanges += capture.exchanges.len();
        for (case, difference) in replay(&capture).await {
            if EXPLAINED.iter().all(|(explained, _)| *explained != case) {
                differences.push_str(&difference);
            }
            differing.insert(case);
        }
    }
    assert!(differences.is_empty(), "{differences}");
    for (explained, _) in EXPLAINED {
        assert!(differing.contains(*explained), "{explained} needs no explanation any more");
    }
    assert!(exchanges > 250, "{exchanges} exchanges are not all of them");
}

/// The cases that are answered in another way, with what is different.
async fn replay(capture: &Capture) -> Vec<(String, String)> {
    let mut embedded = Embedded::start().await;
    let mut differences = Vec::new();
    for (number, exchange) in capture.exchanges.iter().enumerate() {
        embedded.open_what_was_opened_elsewhere(&capture.exchanges[number..]).await;
        // When the service swept, only the next answer shows.
        let shows_the_time = match &*exchange.request.target {
            target if target.contains("/close_expired_sessions") => capture.exchanges.get(number + 1),
            _ => Some(exchange),
        };
        if let Some(time) = shows_the_time.and_then(|exchange| latest(&exchange.response.body)) {
            let mut now = embedded.now.lock().unwrap();
            *now = time.max(*now);
        }
        let answer = embedded.answer(exchange).await;
        if answer != exchange.response {
            let Exchange { case, response, .. } = exchange;
            differences
                .push((case.clone(), format!("{case}\n  captured: {response:?}\n  embedded: {answer:?}\n")));
        }
    }
    differences
}

struct Embedded {
    service: EmbeddedService,
    sessions: SessionsMemoryClientV1,
    now: Arc<Mutex<DateTime<Utc>>>,
    connection: Option<SendRequest<Full<Bytes>>>,
    /// Captured ids, with those of the embedded service.
    ids: BTreeMap<String, String>,
}

impl Embedded {
    async fn start() -> Self {
        let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
        let clock = Arc::clone(&now);
        // No capture lasted for so long as the usual 24 hours, and one had this timeout.
        let sessions = SessionsMemoryClientV1::new()
            .with_clock(move || *clock.lock().unwrap())
            .with_expire_timeout(TimeDelta::milliseconds(300));
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
        Self { service, sessions, now, connection: None, ids: BTreeMap::new() }
    }

    /// Lists also show sessions whose opening was not captured.
    async fn open_what_was_opened_elsewhere(&mut self, exchanges: &[Exchange]) {
        let opened = |exchange: &&Exchange| exchange.request.target.contains("/open_session");
        let own: Vec<&str> =
            exchanges.iter().filter(opened).map(|exchange| exchange.response.body.as_str()).collect();
        let Some(exchange) = exchanges.first() else { return };
        if listed(&exchange.response.body).iter().all(|session| self.ids.contains_key(id(session))) {
            return;
        }
        for session in exchanges.iter().flat_map(|exchange| listed(&exchange.response.body)) {
            let id = id(&session);
            if self.ids.contains_key(id) || own.iter().any(|body| body.contains(id)) {
                continue;
            }
            *self.now.lock().unwrap() = session["open_time"].as_str().unwrap().parse().unwrap();
            let text = |key: &str| session[key].as_str();
            let opened = self
                .sessions
                .open_session(
                    None,
                    text("user_id").unwrap_or_default(),
                    text("user_name"),
                    text("address"),
                    text("client"),
                    None,
                    None,
                )
                .await;
            self.ids.insert(id.to_owned(), opened.unwrap().id);
        }
    }

    async fn answer(&mut self, exchange: &Exchange) -> Received {
        let (parts, body) = self.send(&exchange.request).await.into_parts();
        let body = String::from_utf8(body.into()).unwrap();
        if let (Some(captured), Some(ours)) = (opened(&exchange.response.body), opened(&body)) {
            self.ids.insert(captured, ours);
        }
        let named = |body: String, (captured, ours): (&String, &String)| body.replace(ours, captured);
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
        let of_the_answer = |(name, _): &(String, String)| !OF_THE_CONNECTION.contains(&&**name);
        Received {
            status: parts.status.as_u16(),
            headers: headers.filter(of_the_answer).collect(),
            body: self.ids.iter().fold(body, named),
        }
    }

    async fn send(&mut self, sent: &Sent) -> Response<Bytes> {
        let own = |text: &str| {
            self.ids.iter().fold(text.to_owned(), |text, (captured, ours)| text.replace(captured, ours))
        };
        let body = match &sent.body {
            Body::Text(text) => Bytes::from(own(text)),
            Body::Bytes(bytes) => Bytes::from(bytes.clone()),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = sent.method.parse().unwrap();
        *request.uri_mut() = sent.target.parse().unwrap();
        for (name, value) in &sent.headers {
            request.headers_mut().append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let stream = TcpStream::connect(self.service.address()).await.unwrap();
                let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                none.insert(sender)
            }
        };
        connection.ready().await.unwrap();
        let (parts, body) = connection.send_request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }
}

/// The id of the session that is the answer.
fn opened(body: &str) -> Option<String> {
    // An id comes first; the rest may hold what `serde_json` does not read.
    let (id, _) = body.strip_prefix("{\"id\":\"")?.split_once('"')?;
    Some(id.to_owned())
}

fn listed(body: &str) -> Vec<Value> {
    let page: Value = serde_json::from_str(body).unwrap_or_default();
    page["data"].as_array().filter(|_| page.get("total").is_some()).cloned().unwrap_or_default()
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

/// The latest time that the session has, if the answer is one.
fn latest(body: &str) -> Option<DateTime<Utc>> {
    let (_, after) = body.strip_prefix("{\"id\":\"")?.split_once("\"request_time\":\"")?;
    after.split('"').next()?.parse().ok()
}
