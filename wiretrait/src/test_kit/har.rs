//! The parts of an HTTP Archive (HAR 1.2) that a cassette needs.

use crate::error::{Error, ErrorKind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::error::Category;

/// A recorded request, and the response or the failure that followed.
#[derive(Clone)]
pub(super) struct Exchange {
    /// The index of its entry in the file.
    pub(super) index: usize,
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) request_headers: HeaderMap,
    pub(super) request_body: Bytes,
    pub(super) outcome: Outcome,
}

#[derive(Clone)]
pub(super) enum Outcome {
    Response {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    /// The recording omits the body of the response, which has this number of bytes.
    Incomplete(i64),
    /// There was no response.
    Failed {
        kind: ErrorKind,
        why: String,
        is_stale_connection: bool,
    },
}

/// Reads all exchanges over HTTP, in the order in which they began.
///
/// # Errors
///
/// [`ErrorKind::Config`], with the position or the key at fault.
pub(super) fn read(har: &[u8]) -> Result<Vec<Exchange>> {
    // Some tools write a byte order mark.
    let har = har.strip_prefix(b"\xef\xbb\xbf").unwrap_or(har);
    let mut json = serde_json::Deserializer::from_slice(har);
    let file: File = serde_path_to_error::deserialize(&mut json).map_err(|error| unreadable(&error))?;
    json.end().map_err(|error| invalid(format!("has more after its end, at line {}", error.line())))?;
    let mut entries: Vec<(usize, Entry)> = file.log.entries.into_iter().enumerate().collect();
    // An entry is written when it ends. All times of a file have the same form.
    entries.sort_by(|(_, a), (_, b)| a.started.cmp(&b.started));
    let exchanges = entries.into_iter().filter_map(|(index, entry)| {
        let at = |what: &str| invalid(format!("has an invalid {what} in `log.entries[{index}]`"));
        exchange(index, entry, &at).transpose()
    });
    let exchanges = exchanges.collect::<Result<Vec<_>>>()?;
    if exchanges.is_empty() {
        return Err(invalid("has no requests over HTTP"));
    }
    Ok(exchanges)
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("the recording {why}"))
}

/// Omits the values of the file, which may be payloads.
fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let (path, inner) = (error.path(), error.inner());
    let line = inner.line();
    match inner.classify() {
        Category::Eof => invalid(format!("is truncated at line {line}")),
        Category::Syntax | Category::Io => invalid(format!("is not valid JSON at line {line}")),
        Category::Data => {
            let message = inner.to_string();
            let missing = message.strip_prefix("missing field ").and_then(|rest| rest.split(" at ").next());
            match missing {
                Some(key) => invalid(format!("is not a HAR file: `{path}` has no key {key} (line {line})")),
                None => invalid(format!("is not a HAR file: `{path}` has another type (line {line})")),
            }
        }
    }
}

/// Returns `None` for an entry of another protocol, such as a WebSocket or a `data:` URL.
fn exchange(index: usize, entry: Entry, at: &dyn Fn(&str) -> Error) -> Result<Option<Exchange>> {
    let Entry { request, response, .. } = entry;
    let Some(target) = target(&request.url) else { return Ok(None) };
    let method = Method::try_from(&*request.method).map_err(|_| at("method"))?;
    let request_headers = headers(&request.headers).ok_or_else(|| at("request header"))?;
    let request_body = match request.post_data {
        Some(data) => bytes(data.text, data.encoding.as_deref()).ok_or_else(|| at("request body"))?,
        None => Bytes::new(),
    };
    let outcome = outcome(response, at)?;
    Ok(Some(Exchange { index, method, target, request_headers, request_body, outcome }))
}

fn outcome(response: RecordedResponse, at: &dyn Fn(&str) -> Error) -> Result<Outcome> {
    // Browsers record a failed request with the status 0.
    if response.status == 0 {
        let kind = KINDS.into_iter().find(|kind| response.kind.as_deref() == Some(kind.as_str()));
        return Ok(Outcome::Failed {
            kind: kind.unwrap_or(ErrorKind::Transport),
            why: response.error.unwrap_or_else(|| "no response was recorded".to_owned()),
            is_stale_connection: response.is_stale_connection,
        });
    }
    let status = u16::try_from(response.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| at("status"))?;
    let mut headers = headers(&response.headers).ok_or_else(|| at("response header"))?;
    let content = response.content;
    if content.text.is_none() && content.size > 0 {
        return Ok(Outcome::Incomplete(content.size));
    }
    let is_text = content.encoding.is_none();
    let body = bytes(content.text.unwrap_or_default(), content.encoding.as_deref());
    let body = body.ok_or_else(|| at("response body"))?;
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    // A body is recorded as it was before its compression.
    if is_text && headers.get("content-encoding").is_some_and(|value| COMPRESSIONS.iter().any(|c| value == c))
    {
        headers.remove("content-encoding");
    }
    Ok(Outcome::Response { status, headers, body })
}

/// Headers of a connection, and the length, which depends on how the body is sent.
const HOP_BY_HOP: [&str; 4] = ["connection", "content-length", "keep-alive", "transfer-encoding"];

/// The kinds of errors that a recording may have. Others would be errors of the cassette itself.
const KINDS: [ErrorKind; 5] =
    [ErrorKind::Connect, ErrorKind::Proxy, ErrorKind::Protocol, ErrorKind::Timeout, ErrorKind::Tls];

const COMPRESSIONS: [&str; 5] = ["br", "deflate", "gzip", "x-gzip", "zstd"];

/// Returns path and query of an absolute URL over HTTP, without parsing them: a recording may have targets that are
/// unusual on purpose.
fn target(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let target = rest.find(['/', '?', '#']).map_or("", |start| &rest[start..]);
    let target = target.split('#').next().unwrap_or_default();
    Some(if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
}

fn headers(recorded: &[Header]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    // Browsers record the pseudo-headers of HTTP/2.
    for header in recorded.iter().filter(|header| !header.name.starts_with(':')) {
        let name = HeaderName::try_from(&*header.name).ok()?;
        // Browsers join headers of the same name with line ends.
        for value in header.value.split('\n') {
            headers.append(&name, HeaderValue::try_from(value.trim()).ok()?);
        }
    }
    Some(headers)
}

fn bytes(text: String, encoding: Option<&str>) -> Option<Bytes> {
    match encoding {
        Some("base64") => STANDARD.decode(text).ok().map(Bytes::from),
        _ => Some(Bytes::from(text)),
    }
}

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, rename = "startedDateTime")]
    started: String,
    request: RecordedRequest,
    response: RecordedResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordedRequest {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct PostData {
    #[serde(default)]
    text: String,
    /// HAR defines an encoding of responses only.
    #[serde(rename = "_encoding")]
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct RecordedResponse {
    status: i64,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    content: Content,
    #[serde(rename = "_error")]
    error: Option<String>,
    /// The kind of the error, in recordings of this project.
    #[serde(rename = "_kind")]
    kind: Option<String>,
    #[serde(default, rename = "_staleConnection")]
    is_stale_connection: bool,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    size: i64,
    text: Option<String>,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}
