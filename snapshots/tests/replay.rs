//! The embedded service returns the captured responses of the real service.
//!
//! `fixtures/captures` contains exchanges with the real service in chronological order. The embedded service
//! receives the same requests at the same times of its clock. Its response bodies are compared byte by byte,
//! and its headers in order, with its ids and dates replaced by the captured ones. In the captures, stack
//! traces end after their first line, and bodies are not compressed. Accepted differences are in
//! [`EXPLAINED`]. Requests that cannot be replayed, which each file names, are in [`LEFT_OUT`].
//!
//! The captures of [`CLIENTS`] are also replayed to the real service, if it runs, without regard to times.

mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderName, HeaderValue, Request, Response, Version};
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::Value;
use sessions_client::{ISessionsV1, SessionsHttpClientV1};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::exceptions::{BELOW_HTTP, DEPLOYMENT, DEPTH, Exception, UPGRADE};
use snapshots::{exclusive_service_url, log};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use wire::Wire;

/// Exchanges whose responses differ, and the reasons.
const EXPLAINED: &[(&str, Exception)] = &[("body.deep-1000", DEPTH), ("other.GET /status", DEPLOYMENT)];

/// Exchanges that are not replayed, and the reasons.
const LEFT_OUT: &[(&str, Exception)] = &[
    ("body.deep-20000", DEPTH),
    ("upgrade-h2c", UPGRADE),
    ("upgrade-websocket", UPGRADE),
    ("method.BREW", BELOW_HTTP),
    ("method.lowercase", BELOW_HTTP),
    ("cl-and-te", BELOW_HTTP),
    ("cl-bad", BELOW_HTTP),
    ("cl-twice", BELOW_HTTP),
    ("garbage", BELOW_HTTP),
    ("header-too-big", BELOW_HTTP),
    ("header-bad-name", BELOW_HTTP),
    ("h2-prior-knowledge", BELOW_HTTP),
    ("other.GET /swagger", DEPLOYMENT),
    ("other.GET /swagger/", DEPLOYMENT),
    ("other.GET /swagger/index.html", DEPLOYMENT),
    ("other.GET /v1/sessions/swagger", DEPLOYMENT),
    ("other.HEAD /v1/sessions/swagger", DEPLOYMENT),
    ("other.POST /v1/sessions/swagger", DEPLOYMENT),
];

/// The captures of what the tests of other clients send.
const CLIENTS: &[&str] = &["go-tests", "dart-tests", "node-tests"];

#[derive(Deserialize)]
struct Capture {
    left_out: BTreeSet<String>,
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
    headers: Vec<(String, String)>,
    /// The version of HTTP, if it is not 1.1.
    version: Option<String>,
    #[serde(default)]
    body: Body,
}

/// A string, or bytes that are not UTF-8.
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
    /// Time of the capture.
    #[serde(default)]
    date: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

#[tokio::test]
async fn captured_requests_result_in_the_captured_responses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut exchanges, mut left_out) = (0, BTreeSet::new());
    let (mut differences, mut differing) = (String::new(), BTreeSet::new());
    for file in files {
        let capture: Capture = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        exchanges += capture.exchanges.len();
        left_out.extend(capture.left_out.iter().cloned());
        let mut embedded = Replayed::embedded().await;
        for (case, difference) in embedded.replay_all(&capture).await {
            if EXPLAINED.iter().all(|(explained, _)| *explained != case) {
                differences.push_str(&difference);
            }
            differing.insert(case);
        }
    }
    assert!(differences.is_empty(), "{differences}");
    for (explained, _) in EXPLAINED {
        assert!(differing.contains(*explained), "{explained} no longer differs: remove its explanation");
    }
    let with_a_reason: BTreeSet<String> = LEFT_OUT.iter().map(|(case, _)| (*case).to_owned()).collect();
    assert_eq!(left_out, with_a_reason, "every exchange that is left out needs a reason");
    log(&format!(
        "replay: {exchanges} captured exchanges, {} of them with an accepted difference; {} not replayed",
        differing.len(),
        left_out.len(),
    ));
    assert!(exchanges > 350, "only {exchanges} exchanges were found");
}

#[tokio::test]
async fn the_real_service_responds_to_the_tests_of_other_clients_as_captured() {
    let Some(url) = exclusive_service_url().unwrap() else { return };
    for name in CLIENTS {
        let mut real = Replayed::at(&url);
        let differences = real.replay_all(&capture(name)).await;
        assert!(differences.is_empty(), "{name}: {differences:#?}");
        // The tests expect a service without sessions, and do not delete all of theirs.
        for id in real.names.values() {
            real.client.delete_session_by_id(None, id).await.unwrap();
        }
    }
}

fn capture(name: &str) -> Capture {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/captures/{name}.json"));
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A service that receives captured requests.
struct Replayed {
    /// The embedded service, which has the times of the capture; `None` for the real one.
    embedded: Option<EmbeddedService>,
    client: SessionsHttpClientV1,
    now: Arc<Mutex<DateTime<Utc>>>,
    wire: Wire,
    /// Captured ids and dates, mapped to those of the embedded service.
    names: BTreeMap<String, String>,
}

impl Replayed {
    async fn embedded() -> Self {
        let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
        let clock = Arc::clone(&now);
        // The timeout of the capture with expired sessions; the others are shorter than the default of 24
        // hours.
        let sessions = SessionStore::new()
            .with_clock(move || *clock.lock().unwrap())
            .with_expire_timeout(TimeDelta::milliseconds(300));
        let service = EmbeddedService::start("127.0.0.1:0", sessions).await.unwrap();
        let wire = Wire::new(service.address());
        let client = SessionsHttpClientV1::connect(&service.url()).unwrap();
        Self { embedded: Some(service), client, now, wire, names: BTreeMap::new() }
    }

    /// The real service at a URL such as `http://127.0.0.1:8080`.
    fn at(url: &str) -> Self {
        let wire = Wire::new(url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap());
        let client = SessionsHttpClientV1::connect(url).unwrap();
        Self { embedded: None, client, now: Arc::default(), wire, names: BTreeMap::new() }
    }

    /// Replays all exchanges. Returns the cases whose responses differ, with the differences.
    async fn replay_all(&mut self, capture: &Capture) -> Vec<(String, String)> {
        let mut differences = Vec::new();
        for (number, exchange) in capture.exchanges.iter().enumerate() {
            if self.embedded.is_some() {
                self.open_uncaptured_sessions(&capture.exchanges[number..]).await;
            }
            // Only the next response shows the time at which the service closed expired sessions.
            let timed = match &*exchange.request.target {
                target if target.contains("/close_expired_sessions") => capture.exchanges.get(number + 1),
                _ => Some(exchange),
            };
            if let Some(time) = timed.and_then(|exchange| latest(&exchange.response.body)) {
                let mut now = self.now.lock().unwrap();
                *now = time.max(*now);
            }
            let actual = self.replay(exchange).await;
            let Exchange { case, response, .. } = exchange;
            let response = Received { body: self.comparable(&response.body), ..response.clone() };
            if actual != response {
                let difference = format!("{case}\n  captured: {response:?}\n  replayed: {actual:?}\n");
                differences.push((case.clone(), difference));
            }
        }
        differences
    }

    /// Returns a body without its unstable parts, which are all times for the real service.
    fn comparable(&self, body: &str) -> String {
        let body = without_unstable_parts(body);
        if self.embedded.is_some() { body } else { without_times(&body) }
    }

    /// Opens the sessions that occur in lists, but whose opening was not captured.
    async fn open_uncaptured_sessions(&mut self, exchanges: &[Exchange]) {
        let opened = |exchange: &&Exchange| exchange.request.target.contains("/open_session");
        let own: Vec<&str> =
            exchanges.iter().filter(opened).map(|exchange| exchange.response.body.as_str()).collect();
        let Some(exchange) = exchanges.first() else { return };
        if listed(&exchange.response.body).iter().all(|session| self.names.contains_key(id(session))) {
            return;
        }
        for session in exchanges.iter().flat_map(|exchange| listed(&exchange.response.body)) {
            let id = id(&session);
            if self.names.contains_key(id) || own.iter().any(|body| body.contains(id)) {
                continue;
            }
            *self.now.lock().unwrap() = session["open_time"].as_str().unwrap().parse().unwrap();
            let text = |key: &str| session[key].as_str();
            let opened = self
                .client
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
            self.names.insert(id.to_owned(), opened.unwrap().id);
        }
    }

    async fn replay(&mut self, exchange: &Exchange) -> Received {
        let response = self.send(exchange).await;
        let body = String::from_utf8(wire::plain(&response)).unwrap();
        if let (Some(captured), Some(ours)) = (opened(&exchange.response.body), opened(&body)) {
            self.names.insert(captured, ours);
        }
        let named = |body: String, (captured, ours): (&String, &String)| body.replace(ours, captured);
        Received {
            status: response.status().as_u16(),
            date: exchange.response.date.clone(),
            headers: wire::headers(&response),
            body: self.comparable(&self.names.iter().fold(body, named)),
        }
    }

    async fn send(&mut self, Exchange { request: sent, response, .. }: &Exchange) -> Response<Bytes> {
        self.shift_date(sent, response);
        let own = |text: &str| {
            self.names.iter().fold(text.to_owned(), |text, (captured, ours)| text.replace(captured, ours))
        };
        let (captured, body) = match &sent.body {
            Body::Text(text) => (text.as_bytes(), Bytes::from(own(text))),
            Body::Bytes(bytes) => (&bytes[..], Bytes::from(bytes.clone())),
        };
        let digest = |body: &[u8]| STANDARD.encode(Md5::digest(body));
        let mut request = Request::new(body.clone());
        *request.method_mut() = sent.method.parse().unwrap();
        *request.uri_mut() = sent.target.parse().unwrap();
        if sent.version.as_deref() == Some("1.0") {
            *request.version_mut() = Version::HTTP_10;
        }
        for (name, value) in &sent.headers {
            // Replaced ids change the digest of the body.
            let value = if *value == digest(captured) { digest(&body) } else { own(value) };
            request.headers_mut().append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        self.wire.send(request).await
    }

    /// Shifts a date in a request by the time since the capture.
    fn shift_date(&mut self, sent: &Sent, response: &Received) {
        let read = |text: &str| DateTime::parse_from_rfc2822(text).ok();
        let date = sent.headers.iter().find(|(name, _)| name == "date").map(|(_, value)| value);
        if let Some((date, (dated, captured))) =
            date.and_then(|date| Some((date, (read(date)?, read(&response.date)?))))
        {
            let anew = Utc::now() + (dated - captured);
            self.names.insert(date.clone(), anew.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
    }
}

/// Returns the body without the reason of a JSON error and the time of a heartbeat.
fn without_unstable_parts(body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    match (body.split_once("Invalid JSON: "), json) {
        (Some((before, _)), Value::Object(error)) if error["code"] == "InvalidContent" => before.to_owned(),
        (None, Value::String(time)) => time.replace(|digit: char| digit.is_ascii_digit(), "0"),
        _ => body.to_owned(),
    }
}

/// Returns a body with placeholders for its times.
fn without_times(body: &str) -> String {
    body.split('"')
        .map(|part| if part.parse::<DateTime<Utc>>().is_ok() { "…" } else { part })
        .collect::<Vec<_>>()
        .join("\"")
}

/// Returns the id of the session in a response.
fn opened(body: &str) -> Option<String> {
    // Not parsed: the rest of the body may be JSON that `serde_json` does not accept.
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

/// Returns the latest time of the session in a response, if it is one.
fn latest(body: &str) -> Option<DateTime<Utc>> {
    let (_, after) = body.strip_prefix("{\"id\":\"")?.split_once("\"request_time\":\"")?;
    after.split('"').next()?.parse().ok()
}
