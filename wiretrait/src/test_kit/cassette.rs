//! A transport that replays recorded traffic.

use super::har::{self, Exchange, Outcome};
use super::lock;
use crate::error::{Error, ErrorKind, Result, displayed};
use crate::runtime::{Call, Place, Request, Response, Transport};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Responds as a service has responded before, from an HTTP Archive (HAR 1.2) of this project, a browser or a
/// proxy.
///
/// A request is matched by method, target and body. JSON bodies are equal if their values are; if no other request
/// matches, a key that is `null` is the same as an absent one, and a correlation id matches any other. The same
/// request again receives the next recorded response, and the last one from then on. A request that was not recorded
/// fails with [`ErrorKind::Config`], which is not retried, and the message names the nearest recorded one. Clones
/// share the position in the recording.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient};
/// use wiretrait::test_kit::Cassette;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// let har = br#"{"log": {"entries": [{
///     "request": {"method": "GET", "url": "https://books.example/v1/books/7"},
///     "response": {"status": 204}
/// }]}}"#;
/// let client = BooksClient::new(Cassette::from_har(har)?);
/// assert_eq!(client.find(7).await?, None);
/// let error = client.find(8).await.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "find: GET /v1/books/8 was not recorded: the nearest request is `log.entries[0]`, GET /v1/books/7, with another path",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cassette {
    exchanges: Arc<[Recorded]>,
    /// The exchanges that were replayed.
    replayed: Arc<Mutex<Vec<bool>>>,
}

#[derive(Clone)]
struct Recorded {
    exchange: Exchange,
    json: Option<Value>,
}

impl From<Exchange> for Recorded {
    fn from(exchange: Exchange) -> Self {
        let json = serde_json::from_slice(&exchange.request_body).ok();
        Self { exchange, json }
    }
}

impl Cassette {
    /// Reads the content of a HAR file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is truncated, is not a HAR file, or has no requests over HTTP. The message names
    /// the line or the key at fault.
    pub fn from_har(har: &[u8]) -> Result<Self> {
        Ok(Self::new(har::read(har)?))
    }

    fn new(exchanges: Vec<Exchange>) -> Self {
        let replayed = Arc::new(Mutex::new(vec![false; exchanges.len()]));
        Self { exchanges: exchanges.into_iter().map(Recorded::from).collect(), replayed }
    }

    /// Returns a copy that begins at the start of the recording.
    #[must_use]
    pub fn rewound(&self) -> Self {
        let replayed = Arc::new(Mutex::new(vec![false; self.exchanges.len()]));
        Self { exchanges: Arc::clone(&self.exchanges), replayed }
    }

    /// Replaces a string in all targets and UTF-8 bodies of the recording, such as the id of the user who was
    /// recorded by the one of the test. Begins at the start of the recording.
    #[must_use]
    pub fn with_value(self, recorded: &str, value: &str) -> Self {
        if recorded.is_empty() {
            return self;
        }
        let replace = |body: &Bytes| match std::str::from_utf8(body) {
            Ok(text) if text.contains(recorded) => Bytes::from(text.replace(recorded, value)),
            _ => body.clone(),
        };
        let replaced = |Recorded { exchange, .. }: &Recorded| {
            let mut exchange = exchange.clone();
            exchange.target = exchange.target.replace(recorded, value);
            exchange.request_body = replace(&exchange.request_body);
            if let Outcome::Response { body, .. } = &mut exchange.outcome {
                *body = replace(body);
            }
            exchange
        };
        Self::new(self.exchanges.iter().map(replaced).collect())
    }

    fn respond(&self, call: &Call) -> Result<Response> {
        let sent = Sent::new(call);
        let matching = MATCHES.iter().map(|is_match| {
            let indexes = 0..self.exchanges.len();
            indexes.filter(|&index| is_match(&self.exchanges[index], &sent)).collect::<Vec<_>>()
        });
        let Some(matching) = matching.into_iter().find(|matching| !matching.is_empty()) else {
            return Err(self.not_recorded(&sent));
        };
        let mut replayed = lock(&self.replayed);
        let next = matching.iter().find(|&&index| !replayed[index]).or(matching.last());
        // The list is not empty.
        let Some(&index) = next else { return Err(self.not_recorded(&sent)) };
        replayed[index] = true;
        drop(replayed);
        match &self.exchanges[index].exchange.outcome {
            Outcome::Response { status, headers, body } => {
                let mut response = Response::new(body.clone());
                *response.status_mut() = *status;
                response.headers_mut().clone_from(headers);
                Ok(response)
            }
            Outcome::Incomplete(size) => {
                let index = self.exchanges[index].exchange.index;
                let why = format!(
                    "the recording omits the {size} bytes of the response body in `log.entries[{index}]`: record \
                     again, with content"
                );
                Err(Error::new(ErrorKind::Config, why))
            }
            Outcome::Failed { kind, why, is_stale_connection } => {
                let error = Error::new(*kind, displayed(why));
                Err(if *is_stale_connection { error.with_stale_connection() } else { error })
            }
        }
    }

    fn not_recorded(&self, sent: &Sent<'_>) -> Error {
        let nearest = self.exchanges.iter().min_by_key(|recorded| sent.distance(recorded));
        let Some(recorded) = nearest else {
            return Error::new(ErrorKind::Config, format!("{sent} was not recorded"));
        };
        let Exchange { index, method, target, .. } = &recorded.exchange;
        let why = format!(
            "{sent} was not recorded: the nearest request is `log.entries[{index}]`, {method} {}, with {}",
            path(target),
            sent.difference(recorded)
        );
        // Methods, paths and keys of a recording may have any characters.
        Error::new(ErrorKind::Config, displayed(&why))
    }
}

impl Transport for Cassette {
    async fn send(&self, call: Call) -> Result<Response> {
        self.respond(&call)
    }
}

/// Omits requests and responses, which may contain private data.
impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = lock(&self.replayed).iter().filter(|&&replayed| !replayed).count();
        let exchanges = self.exchanges.len();
        f.debug_struct("Cassette").field("exchanges", &exchanges).field("left", &left).finish()
    }
}

/// The rules by which a request matches, the strictest first.
const MATCHES: [fn(&Recorded, &Sent<'_>) -> bool; 5] = [
    |recorded, sent| {
        let headers = &recorded.exchange.request_headers;
        let is_same = |name: &HeaderName| headers.get(name) == sent.request.headers().get(name);
        let has_headers = is_same(&ACCEPT) && is_same(&CONTENT_TYPE);
        has_headers && sent.has_target(recorded) && sent.has_bytes(recorded)
    },
    |recorded, sent| sent.has_target(recorded) && sent.has_bytes(recorded),
    |recorded, sent| sent.has_target(recorded) && sent.has_json(recorded),
    |recorded, sent| {
        sent.has_target_but_correlation(recorded) && (sent.has_bytes(recorded) || sent.has_json(recorded))
    },
    |recorded, sent| sent.has_target_but_correlation(recorded) && sent.has_json_but_nulls(recorded),
];

/// A request to match.
struct Sent<'c> {
    request: &'c Request,
    target: String,
    json: Option<Value>,
    /// The query parameters of correlation ids, also of one that the client has renamed.
    correlation: Vec<String>,
}

impl<'c> Sent<'c> {
    fn new(call: &'c Call) -> Self {
        let mut places = call.route.params.iter().flat_map(|param| param.places);
        let correlation = places.clone().filter_map(|place| match place {
            Place::Correlation(name) => Some((*name).to_owned()),
            _ => None,
        });
        let mut correlation: Vec<String> = correlation.collect();
        let request = &call.request;
        // A parameter that no argument sends is the id under a name of the client's settings.
        if !correlation.is_empty() && !places.any(|place| *place == Place::QueryFields) {
            let sent = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
            let others =
                sent.map(|(name, _)| name.into_owned()).filter(|name| !call.route.claims_query(name));
            correlation.extend(others);
        }
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let json = serde_json::from_slice(request.body()).ok();
        Self { request, target, json, correlation }
    }

    fn has_target(&self, recorded: &Recorded) -> bool {
        *self.request.method() == recorded.exchange.method && self.target == recorded.exchange.target
    }

    fn has_target_but_correlation(&self, recorded: &Recorded) -> bool {
        let Exchange { method, target, .. } = &recorded.exchange;
        self.request.method() == method
            && path(&self.target) == path(target)
            && self.query(&self.target) == self.query(target)
    }

    /// Returns the query parameters but correlation ids.
    fn query(&self, target: &str) -> Vec<(String, String)> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        pairs.filter(|(name, _)| !self.correlation.contains(name)).collect()
    }

    fn has_bytes(&self, recorded: &Recorded) -> bool {
        *self.request.body() == recorded.exchange.request_body
    }

    fn has_json(&self, recorded: &Recorded) -> bool {
        self.json.is_some() && self.json == recorded.json
    }

    fn has_json_but_nulls(&self, recorded: &Recorded) -> bool {
        let (Some(sent), Some(recorded)) = (&self.json, &recorded.json) else { return false };
        without_nulls(sent) == without_nulls(recorded)
    }

    /// Returns how much a recorded request differs: first by path, then by method, query and body.
    fn distance(&self, recorded: &Recorded) -> (usize, bool, bool, usize) {
        let Exchange { method, target, .. } = &recorded.exchange;
        let (mine, other) = (path(&self.target), path(target));
        let common = mine.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let of_path = mine.len().max(other.len()) - common;
        let of_body = match (&self.json, &recorded.json) {
            (Some(Value::Object(_)), Some(recorded)) if !recorded.is_object() => usize::MAX,
            (Some(sent), Some(recorded)) => differing_keys(sent, recorded).len(),
            _ if self.has_bytes(recorded) => 0,
            _ => usize::MAX,
        };
        (of_path, self.request.method() != method, self.query(&self.target) != self.query(target), of_body)
    }

    /// Describes how a recorded request differs, without values, which may be payloads.
    fn difference(&self, recorded: &Recorded) -> String {
        let Exchange { method, target, .. } = &recorded.exchange;
        if path(&self.target) != path(target) {
            return "another path".to_owned();
        }
        if self.request.method() != method {
            return "another method".to_owned();
        }
        if self.query(&self.target) != self.query(target) {
            return "another query".to_owned();
        }
        let (Some(sent), Some(recorded)) = (&self.json, &recorded.json) else {
            return "another body".to_owned();
        };
        let keys = differing_keys(sent, recorded);
        match &*keys {
            [] => "another body".to_owned(),
            [key] => format!("another `{key}`"),
            [first, second] => format!("another `{first}` and `{second}`"),
            [first, second, ..] => {
                format!("another `{first}`, `{second}` and {} more", keys.len() - 2)
            }
        }
    }
}

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.request.method(), path(&self.target))
    }
}

fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Returns an object without its keys that are `null`, which some clients send for arguments that others omit.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let arguments = object.iter().filter(|(_, value)| !value.is_null());
            arguments.map(|(name, value)| (name.clone(), value.clone())).collect()
        }
        other => other.clone(),
    }
}

/// Returns the paths of all keys that are different, or are in one of two values only.
fn differing_keys(sent: &Value, recorded: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", sent, recorded, &mut found);
    found
}

fn compare(at: &str, sent: &Value, recorded: &Value, found: &mut Vec<String>) {
    match (sent, recorded) {
        (Value::Object(sent), Value::Object(recorded)) => {
            let names = sent.keys().chain(recorded.keys().filter(|name| !sent.contains_key(*name)));
            for name in names {
                let inside = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match (sent.get(name), recorded.get(name)) {
                    (Some(sent), Some(recorded)) => compare(&inside, sent, recorded, found),
                    _ => found.push(inside),
                }
            }
        }
        _ if sent == recorded => {}
        _ => found.push(if at.is_empty() { "body".to_owned() } else { at.to_owned() }),
    }
}
