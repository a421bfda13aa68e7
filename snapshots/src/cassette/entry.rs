//! Entries of an HTTP Archive (HAR 1.2), as browsers and proxies write them.

use super::secrets::Secrets;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use serde::Serialize;
use sessions_client::{Error, Request, Response};
use std::borrow::Cow;
use std::time::Duration;

/// A request, its outcome and its time.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    started_date_time: String,
    /// Milliseconds.
    time: f64,
    request: RequestEntry,
    response: ResponseEntry,
    cache: Empty,
    timings: Timings,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestEntry {
    method: String,
    url: String,
    http_version: String,
    cookies: [(); 0],
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    headers_size: i64,
    body_size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseEntry {
    status: u16,
    status_text: String,
    http_version: String,
    cookies: [(); 0],
    headers: Vec<Pair>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: i64,
    /// The reason why there is no response.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "_kind", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "_staleConnection", skip_serializing_if = "Option::is_none")]
    is_stale_connection: Option<bool>,
}

#[derive(Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    text: String,
    /// HAR defines an encoding of responses only.
    #[serde(rename = "_encoding", skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: usize,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

/// Milliseconds. The transport returns whole responses, so everything counts as waiting.
#[derive(Serialize)]
struct Timings {
    send: f64,
    wait: f64,
    receive: f64,
}

impl Entry {
    /// Describes a call of the service at `origin`.
    pub(super) fn new(
        origin: &str,
        request: &Request,
        outcome: &Result<Response, Error>,
        (started, duration): (DateTime<Utc>, Duration),
        secrets: &Secrets,
    ) -> Self {
        // Microseconds are enough.
        let time = (duration.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            started_date_time: started.to_rfc3339_opts(SecondsFormat::Micros, true),
            time,
            request: RequestEntry::new(origin, request, secrets),
            response: match outcome {
                Ok(response) => ResponseEntry::new(response, secrets),
                Err(error) => ResponseEntry::failed(error, secrets),
            },
            cache: Empty {},
            timings: Timings { send: 0.0, wait: time, receive: 0.0 },
        }
    }
}

impl RequestEntry {
    fn new(origin: &str, request: &Request, secrets: &Secrets) -> Self {
        let target = secrets.url(&request.uri().to_string());
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        let query_string = query.map(|(name, value)| Pair { name, value }).collect();
        let body = request.body();
        let post_data = (!body.is_empty()).then(|| {
            let (text, encoding) = text(body, secrets);
            PostData { mime_type: mime_type(request.headers()), text, encoding }
        });
        Self {
            method: request.method().to_string(),
            url: format!("{origin}{target}"),
            http_version: version(request.version()),
            cookies: [],
            headers: headers(request.headers(), secrets),
            query_string,
            post_data,
            headers_size: -1,
            body_size: body.len(),
        }
    }
}

impl ResponseEntry {
    fn new(response: &Response, secrets: &Secrets) -> Self {
        let (status, body) = (response.status(), response.body());
        let (text, encoding) = text(body, secrets);
        let location = response.headers().get(LOCATION);
        Self {
            status: status.as_u16(),
            status_text: status.canonical_reason().unwrap_or_default().to_owned(),
            http_version: version(response.version()),
            cookies: [],
            headers: headers(response.headers(), secrets),
            content: Content {
                size: body.len(),
                mime_type: mime_type(response.headers()),
                text: (!body.is_empty()).then_some(text),
                encoding,
            },
            redirect_url: location.map(|location| secrets.header(&LOCATION, location)).unwrap_or_default(),
            headers_size: -1,
            body_size: i64::try_from(body.len()).unwrap_or(-1),
            error: None,
            kind: None,
            is_stale_connection: None,
        }
    }

    /// A call without a response, in the form of browsers.
    fn failed(error: &Error, secrets: &Secrets) -> Self {
        Self {
            status: 0,
            status_text: String::new(),
            http_version: String::new(),
            cookies: [],
            headers: Vec::new(),
            content: Content { size: 0, mime_type: String::new(), text: None, encoding: None },
            redirect_url: String::new(),
            headers_size: -1,
            body_size: -1,
            error: Some(secrets.text(&error.to_string())),
            kind: Some(error.kind().as_str()),
            is_stale_connection: error.is_stale_connection().then_some(true),
        }
    }
}

/// Returns a body as a string, in base64 if it is not UTF-8.
fn text(body: &[u8], secrets: &Secrets) -> (String, Option<&'static str>) {
    match std::str::from_utf8(body) {
        Ok(text) => (secrets.text(text), None),
        Err(_) => (STANDARD.encode(secrets.bytes(body)), Some("base64")),
    }
}

fn headers(headers: &HeaderMap, secrets: &Secrets) -> Vec<Pair> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| Pair {
        name: name.to_string(),
        value: secrets.header(name, value),
    };
    headers.iter().map(pair).collect()
}

fn mime_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.map_or_else(|| "application/octet-stream".to_owned(), Cow::into_owned)
}

fn version(version: Version) -> String {
    format!("{version:?}")
}
