//! The headers that every answer has, and the form in which its body travels.

use super::{compression, cors, date, jsonp};
use crate::runtime::{JSON, Response};
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

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// How far a request came, which the headers of its answer show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// It was for nobody, or not to be answered in a form that the client accepts.
    Server,
    /// It was refused for what it says of itself or its body.
    Checks,
    /// It was for a command, which failed in a way that nobody expected.
    Uncaught,
    /// It was for a command, or what is answered like one.
    Command,
}

/// What a request asks of its answer, whatever that is.
pub(super) struct Wishes {
    method: Method,
    origin: Option<HeaderValue>,
    gzip: bool,
    callback: Option<String>,
    /// Whether the connection ends with the answer.
    closes: bool,
    /// Whether it is of HTTP/1.0, where the connection also ends with an answer that has no length.
    is_old: bool,
}

impl Wishes {
    pub(super) fn of(request: &Parts) -> Self {
        Self {
            method: request.method.clone(),
            origin: cors::origin(&request.headers),
            gzip: compression::is_accepted(&request.headers),
            callback: jsonp::callback(request.uri.query()),
            closes: closes(request),
            is_old: request.version == Version::HTTP_10,
        }
    }

    /// The answer to a browser that asks for permission.
    pub(super) fn permission(&self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Answer {
        let mut all = HeaderMap::with_capacity(16);
        all.insert(SERVER, HeaderValue::from_static("restify"));
        all.extend(headers);
        all.insert(DATE, date::now());
        let mut answer = Answer::new(AnswerBody::sized(Bytes::new()));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        *answer.version_mut() = self.end(&mut all, false);
        *answer.headers_mut() = all;
        answer
    }

    /// Says what becomes of the connection. To hyper, the version that is returned says it too.
    fn end(&self, headers: &mut HeaderMap, is_sized: bool) -> Version {
        let closes = self.closes || (self.is_old && !is_sized);
        keep_alive(headers, closes);
        if self.is_old && closes { Version::HTTP_10 } else { Version::HTTP_11 }
    }

    /// The answer as it is sent: with all its headers, in the service's order.
    pub(super) fn answer(&self, response: Response, reach: Reach) -> Answer {
        let (mut parts, mut body) = response.into_parts();
        let has_body = self.method != Method::HEAD
            && !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if !has_body {
            body = Bytes::new();
        }
        // Every body is JSON, whether it says so or has no headers of its own.
        parts.headers.remove(CONTENT_TYPE);
        let mut content_type = (!body.is_empty()).then_some(JSON);
        let callback = self.callback.as_ref().filter(|_| reach > Reach::Server && has_body);
        if let (Some(callback), Reach::Checks | Reach::Uncaught) = (callback, reach) {
            content_type = Some(jsonp::SCRIPT);
            body = jsonp::script(callback, &String::from_utf8_lossy(&body)).into();
        }
        let is_gzipped = self.gzip && reach > Reach::Server && has_body;
        if is_gzipped {
            body = compression::gzip(&body).into();
        }
        // What has no body although it could have one is as long as it happens to be, to Node.js.
        let is_sized = !is_gzipped && !body.is_empty();

        let origin = self.origin.clone().filter(|_| reach >= Reach::Uncaught);
        let (early_type, late_type) =
            if callback.is_some() { (content_type, None) } else { (None, content_type) };
        let is_usual = reach == Reach::Command
            && origin.is_none()
            && late_type == Some(JSON)
            && is_sized
            && !self.closes
            && !self.is_old
            && parts.headers.is_empty();
        parts.headers = if is_usual {
            usual(body.len())
        } else {
            let own = mem::take(&mut parts.headers);
            let mut headers = first(reach, origin, early_type, is_gzipped, own);
            insert(&mut headers, CONTENT_TYPE, late_type);
            insert(&mut headers, CONTENT_LENGTH, is_sized.then(|| body.len().into()));
            headers.insert(DATE, date::now());
            parts.version = self.end(&mut headers, is_sized);
            headers
        };
        Answer::from_parts(
            parts,
            if is_sized || !has_body { AnswerBody::sized(body) } else { AnswerBody::unsized_of(body) },
        )
    }
}

/// The headers of nearly all answers. To copy them costs less than to build them, and to look at each costs less than to
/// hash the names of the two that differ.
fn usual(length: usize) -> HeaderMap {
    let mut headers = USUAL.clone();
    for (name, value) in &mut headers {
        if *name == CONTENT_LENGTH {
            // By way of a text, which is an allocation less than `http`'s own.
            *value = HeaderValue::try_from(length.to_string()).unwrap_or_else(|_| length.into());
        } else if *name == DATE {
            *value = date::now();
        }
    }
    headers
}

/// Length and date are those of no answer.
static USUAL: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = first(Reach::Command, None, None, false, HeaderMap::new());
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CONTENT_LENGTH, 0.into());
    headers.insert(DATE, date::now());
    keep_alive(&mut headers, false);
    headers
});

/// The headers up to those of the body and the connection; `own` are the answer's.
fn first(
    reach: Reach,
    origin: Option<HeaderValue>,
    content_type: Option<HeaderValue>,
    is_gzipped: bool,
    own: HeaderMap,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(SERVER, HeaderValue::from_static("restify"));
    let is_from_elsewhere = origin.is_some();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.unwrap_or(ANYBODY));
    insert(&mut headers, CONTENT_TYPE, content_type);
    if is_gzipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.extend(own);
    if reach >= Reach::Uncaught {
        headers.insert(VARY, cors::VARY);
        if is_from_elsewhere {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, cors::HEADERS);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(EXPIRES, HeaderValue::from_static("0"));
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// Whether the connection ends with the answer to the request.
pub(super) fn closes(request: &Parts) -> bool {
    let has = |sought: &str| {
        let values = request.headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case(sought))
    };
    has("close") || (request.version == Version::HTTP_10 && !has("keep-alive"))
}

/// The headers that say what becomes of the connection.
pub(super) fn keep_alive(headers: &mut HeaderMap, closes: bool) {
    if closes {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    } else {
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(KEEP_ALIVE, HeaderValue::from_static("timeout=5"));
    }
}

pub(super) type Answer = http::Response<AnswerBody>;

/// A body that is complete, whether it says so or travels in chunks.
pub(super) struct AnswerBody {
    bytes: Option<Bytes>,
    is_sized: bool,
}

impl AnswerBody {
    pub(super) fn sized(bytes: Bytes) -> Self {
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), is_sized: true }
    }

    pub(super) fn unsized_of(bytes: Bytes) -> Self {
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), is_sized: false }
    }
}

impl Body for AnswerBody {
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
