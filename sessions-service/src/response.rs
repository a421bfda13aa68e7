//! The headers of every response in the order of the real service, and the encoding of its body.

use super::{compression, cors, date, jsonp};
use crate::commands::JSON;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPIRES, HeaderMap, HeaderValue, PRAGMA, SERVER, VARY,
};
use http::request::Parts;
use http::{HeaderName, Method, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use wiretrait::Response;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// An obsolete name, which Node.js treats like `Connection`.
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");

/// The stage at which the service finished a request. It decides on some headers of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Routing: the path or method is unknown, the client accepts no JSON, the request has expired, or its
    /// body is incomplete.
    Routing,
    /// Checks of the body and the preconditions of a request with a known route.
    Checks,
    /// A command that failed with an error that the service does not handle.
    Unhandled,
    /// A command, or one of the service's other endpoints.
    Command,
}

/// The effects of a [`Stage`] on the response.
struct StageRules {
    /// Compresses the body if the client accepts gzip.
    gzip: bool,
    jsonp: Jsonp,
    /// Sends the request's origin back and forbids caching.
    origin_and_caching: bool,
}

/// The effect of the name of a callback in the query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Jsonp {
    Ignored,
    /// The body stays JSON, but `Content-Type` comes earlier among the headers.
    OnlyHeaderOrder,
    /// The body is a script.
    Script,
}

impl Stage {
    fn rules(self) -> StageRules {
        let (gzip, jsonp, origin_and_caching) = match self {
            Self::Routing => (false, Jsonp::Ignored, false),
            Self::Checks => (true, Jsonp::Script, false),
            Self::Unhandled => (true, Jsonp::Script, true),
            Self::Command => (true, Jsonp::OnlyHeaderOrder, true),
        };
        StageRules { gzip, jsonp, origin_and_caching }
    }
}

/// The properties of a request that shape its response.
pub(super) struct ResponseOptions {
    method: Method,
    origin: Option<HeaderValue>,
    gzip: bool,
    callback: Option<String>,
    /// The client wants the connection closed after the response.
    close: bool,
    /// The request is HTTP/1.0, where a response without a length also ends the connection.
    http_10: bool,
}

impl ResponseOptions {
    pub(super) fn new(request: &Parts) -> Self {
        Self {
            method: request.method.clone(),
            origin: cors::origin(&request.headers),
            gzip: compression::is_accepted(&request.headers),
            callback: jsonp::callback(request.uri.query()),
            close: wants_close(request),
            http_10: request.version == Version::HTTP_10,
        }
    }

    /// Returns the response to a CORS preflight request.
    pub(super) fn preflight(
        &self,
        permission: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> ServedResponse {
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(SERVER, HeaderValue::from_static("restify"));
        headers.extend(permission);
        headers.insert(DATE, date::now());
        let close = self.closes(false);
        insert_connection(&mut headers, close);
        let mut response = ServedResponse::new(ServedBody::sized(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.version_mut() = self.version(close);
        *response.headers_mut() = headers;
        response
    }

    /// Returns whether the connection is closed after a response, which may have no length.
    fn closes(&self, is_sized: bool) -> bool {
        self.close || (self.http_10 && !is_sized)
    }

    /// Returns the version of the response, from which hyper also decides whether to close the connection.
    fn version(&self, close: bool) -> Version {
        if self.http_10 && close { Version::HTTP_10 } else { Version::HTTP_11 }
    }

    /// Completes a response with headers and encodes its body.
    pub(super) fn finish(&self, response: Response, stage: Stage) -> ServedResponse {
        let rules = stage.rules();
        let (mut parts, mut body) = response.into_parts();
        let has_body = self.method != Method::HEAD
            && !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if !has_body {
            body = Bytes::new();
        }
        // Every body is JSON, so a handler need not set the type.
        let mut own = mem::take(&mut parts.headers);
        own.remove(CONTENT_TYPE);
        let callback = self.callback.as_ref().filter(|_| rules.jsonp != Jsonp::Ignored && has_body);
        let content_type = match (callback, rules.jsonp) {
            (Some(callback), Jsonp::Script) => {
                body = jsonp::script(callback, &String::from_utf8_lossy(&body)).into();
                Some(ContentType::ScriptFirst)
            }
            _ if body.is_empty() => None,
            (Some(_), _) => Some(ContentType::JsonFirst),
            (None, _) => Some(ContentType::Json),
        };
        let framing = if self.gzip && rules.gzip && has_body {
            body = compression::gzip(&body).into();
            Framing::GzipChunks
        } else if body.is_empty() {
            Framing::Chunks
        } else {
            Framing::Length
        };
        let is_sized = framing == Framing::Length;
        let close = self.closes(is_sized);
        let layout = Layout {
            origin: self.origin.clone().filter(|_| rules.origin_and_caching),
            caching: rules.origin_and_caching,
            content_type,
            framing,
            close,
        };
        parts.headers = layout.headers(own, body.len());
        parts.version = self.version(close);
        ServedResponse::from_parts(
            parts,
            if is_sized || !has_body { ServedBody::sized(body) } else { ServedBody::chunked(body) },
        )
    }
}

/// The type of a body, and its position among the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentType {
    /// JSON, after the headers of the command.
    Json,
    /// JSON, before the headers of the command.
    JsonFirst,
    /// A script, before the headers of the command.
    ScriptFirst,
}

/// The framing of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// With `Content-Length`.
    Length,
    /// In chunks, like Node.js sends an empty body.
    Chunks,
    /// Compressed, in chunks.
    GzipChunks,
}

/// The properties of a response that decide which headers it has, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    origin: Option<HeaderValue>,
    caching: bool,
    content_type: Option<ContentType>,
    framing: Framing,
    close: bool,
}

impl Layout {
    /// The layout of nearly all responses.
    const USUAL: Self = Self {
        origin: None,
        caching: true,
        content_type: Some(ContentType::Json),
        framing: Framing::Length,
        close: false,
    };

    /// Returns the headers of a response with `own` headers and a body of `length` bytes.
    fn headers(&self, own: HeaderMap, length: usize) -> HeaderMap {
        if *self == Self::USUAL && own.is_empty() { usual_headers(length) } else { self.build(own, length) }
    }

    fn build(&self, own: HeaderMap, length: usize) -> HeaderMap {
        let (first_type, last_type) = match self.content_type {
            None => (None, None),
            Some(ContentType::Json) => (None, Some(JSON)),
            Some(ContentType::JsonFirst) => (Some(JSON), None),
            Some(ContentType::ScriptFirst) => (Some(jsonp::SCRIPT), None),
        };
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(SERVER, HeaderValue::from_static("restify"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone().unwrap_or(ANY_ORIGIN));
        insert(&mut headers, CONTENT_TYPE, first_type);
        let encoding = (self.framing == Framing::GzipChunks).then_some(HeaderValue::from_static("gzip"));
        insert(&mut headers, CONTENT_ENCODING, encoding);
        headers.extend(own);
        if self.caching {
            headers.insert(VARY, cors::VARY);
            insert(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, self.origin.as_ref().map(|_| cors::HEADERS));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
            headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
            headers.insert(EXPIRES, HeaderValue::from_static("0"));
        }
        insert(&mut headers, CONTENT_TYPE, last_type);
        insert(&mut headers, CONTENT_LENGTH, (self.framing == Framing::Length).then(|| length.into()));
        headers.insert(DATE, date::now());
        insert_connection(&mut headers, self.close);
        headers
    }
}

/// Returns the headers of [`Layout::USUAL`]. Copying a template is cheaper than hashing each name again, and
/// looking at each header is cheaper than hashing the names of the two that differ.
fn usual_headers(length: usize) -> HeaderMap {
    static TEMPLATE: LazyLock<HeaderMap> = LazyLock::new(|| Layout::USUAL.build(HeaderMap::new(), 0));
    let mut headers = TEMPLATE.clone();
    for (name, value) in &mut headers {
        if *name == CONTENT_LENGTH {
            // One allocation less than the conversion of `http`.
            *value = HeaderValue::try_from(length.to_string()).unwrap_or_else(|_| length.into());
        } else if *name == DATE {
            *value = date::now();
        }
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// Returns whether the client wants the connection closed after the response.
pub(super) fn wants_close(request: &Parts) -> bool {
    let has = |option: &str| {
        let values = [CONNECTION, PROXY_CONNECTION].map(|name| request.headers.get_all(name));
        let values = values.iter().flatten().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(option))
    };
    has("close") || (request.version == Version::HTTP_10 && !has("keep-alive"))
}

/// Inserts `Connection`, and `Keep-Alive` if the connection stays open.
pub(super) fn insert_connection(headers: &mut HeaderMap, close: bool) {
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    } else {
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(KEEP_ALIVE, HeaderValue::from_static("timeout=5"));
    }
}

/// A response with all its headers.
pub(super) type ServedResponse = http::Response<ServedBody>;

/// A complete body, sent with its length or in chunks.
#[derive(Debug)]
pub(super) struct ServedBody {
    bytes: Option<Bytes>,
    is_sized: bool,
}

impl ServedBody {
    pub(super) fn sized(bytes: Bytes) -> Self {
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), is_sized: true }
    }

    pub(super) fn chunked(bytes: Bytes) -> Self {
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), is_sized: false }
    }
}

impl Body for ServedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_sized && self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.bytes {
            _ if !self.is_sized => SizeHint::default(),
            Some(bytes) => SizeHint::with_exact(bytes.len() as u64),
            None => SizeHint::with_exact(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentType, Framing, JSON, Layout, ResponseOptions, Stage, usual_headers};
    use bytes::Bytes;
    use http::header::{ALLOW, CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
    use wiretrait::Response;

    /// Names and values in their order, without the date.
    fn lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
        let lines = headers.iter().filter(|(name, _)| *name != DATE);
        lines.map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }

    fn pairs<'a, A, B: Copy>(first: &'a [A], second: &'a [B]) -> impl Iterator<Item = (&'a A, B)> {
        first.iter().flat_map(move |a| second.iter().map(move |&b| (a, b)))
    }

    #[test]
    fn the_copied_headers_are_those_that_are_built() {
        for length in [0, 1, 9, 10, 12_345] {
            let built = Layout::USUAL.build(HeaderMap::new(), length);
            assert_eq!(lines(&usual_headers(length)), lines(&built), "{length}");
            assert!(built.keys().eq(usual_headers(length).keys()));
        }
    }

    #[test]
    fn every_layout_has_the_headers_that_are_built_for_it() {
        let origins = [None, Some(HeaderValue::from_static("http://a.example"))];
        let types = [ContentType::Json, ContentType::JsonFirst, ContentType::ScriptFirst].map(Some);
        for flags in 0..4 {
            let (caching, close) = (flags & 1 > 0, flags & 2 > 0);
            for (origin, content_type) in pairs(&origins, &[&[None], &types[..]].concat()) {
                for framing in [Framing::Length, Framing::Chunks, Framing::GzipChunks] {
                    let layout = Layout { origin: origin.clone(), caching, content_type, framing, close };
                    for own in [HeaderMap::new(), HeaderMap::from_iter([(ALLOW, JSON)])] {
                        let built = layout.build(own.clone(), 7);
                        assert_eq!(lines(&layout.headers(own, 7)), lines(&built), "{layout:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_plain_command_has_the_usual_layout_with_or_without_a_type() {
        let (parts, ()) = http::Request::post("/v1/sessions/x").body(()).unwrap().into_parts();
        let options = ResponseOptions::new(&parts);
        let mut response = Response::new(Bytes::from_static(b"{}"));
        let without = options.finish(response.clone(), Stage::Command);
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        let with = options.finish(response, Stage::Command);
        let usual = usual_headers(2);
        assert_eq!(lines(with.headers()), lines(&usual));
        assert_eq!(lines(without.headers()), lines(&usual));
    }
}
