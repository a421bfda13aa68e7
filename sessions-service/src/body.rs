//! The arguments of a command in the body of a request.
//!
//! The checks are in the order of the service: encoding, digest, JSON. A body with a media type that is not
//! JSON means no arguments, without an error; some media types skip the checks altogether.

use super::{compression, digest, javascript};
use crate::arguments::Arguments;
use crate::errors::error_response;
use crate::request_headers::header_value;
use bytes::{Buf, Bytes};
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
    TRANSFER_ENCODING,
};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use pip_services::PipErrors;
use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::pin::pin;
use wiretrait::{ErrorFormat, Request, Response, Route, ServiceError};

/// The maximum size of a body in bytes, more than the real service accepts.
const LIMIT: usize = 128 << 20;

/// The maximum size of a decompressed body in bytes: a small request must not occupy much memory.
const DECOMPRESSED_LIMIT: usize = 16 << 20;

/// Returns the response to a body beyond a limit.
pub(super) fn too_large(message: &str) -> Response {
    error_response(StatusCode::PAYLOAD_TOO_LARGE, &ServiceError::new("PayloadTooLarge", message))
}

/// The reason why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The connection ended too early, or a chunk or trailer is malformed.
    Malformed,
    /// The body exceeds [`LIMIT`].
    TooLarge,
}

impl From<Box<dyn Error + Send + Sync>> for Unreadable {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        if error.is::<LengthLimitError>() { Self::TooLarge } else { Self::Malformed }
    }
}

/// Reads a body.
pub(super) async fn read<B>(body: B) -> Result<Bytes, Unreadable>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut body = pin!(Limited::new(body, LIMIT));
    let Some(frame) = body.frame().await else { return Ok(Bytes::new()) };
    let first = match frame?.into_data() {
        Ok(mut data) => data.copy_to_bytes(data.remaining()),
        Err(_trailers) => Bytes::new(),
    };
    // A shortcut for bodies in one frame, as most are.
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = first.chain(body.collect().await?.aggregate());
    Ok(whole.copy_to_bytes(whole.remaining()))
}

/// The handling of a body, which depends on its media type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handling {
    /// Not read at all.
    Ignored,
    /// Decompressed and checked, but not parsed.
    Checked,
    /// Parsed as `application/json`, where an empty body means no arguments.
    Json,
    /// Parsed as another media type with `+json`, where an empty body is an error.
    JsonSuffix,
}

impl Handling {
    /// Returns the handling of the media type by the rules of the service, which differ from the standard: a
    /// space before a parameter counts.
    fn new(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else { return Self::Ignored };
        if value == "application/json" {
            return Self::Json;
        }
        let content_type = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = content_type.split(';').next().unwrap_or_default();
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.')
        };
        match essence {
            "application/octet-stream" | "multipart/form-data" => Self::Ignored,
            _ if content_type.is_empty() => Self::Ignored,
            "application/json" => Self::Json,
            _ => match essence.strip_prefix("application/").and_then(|subtype| subtype.split_once("+json")) {
                Some((name, _)) if is_name(name) => Self::JsonSuffix,
                _ => Self::Checked,
            },
        }
    }
}

/// Returns the arguments for `route` in the request's body, or the response that rejects the body.
pub(super) fn arguments(request: &Request, route: &Route) -> Result<Arguments, Box<Response>> {
    let (headers, received) = (request.headers(), request.body());
    let handling = Handling::new(headers);
    let is_empty = headers.contains_key(CONTENT_LENGTH) && received.is_empty() && !is_chunked(headers);
    if handling == Handling::Ignored || is_empty {
        return Ok(Arguments::none(route));
    }
    let plain = decompressed(headers, received)?;
    if !plain.is_empty()
        && let Some(error) = digest::mismatch(headers, received)
    {
        return Err(Box::new(error_response(StatusCode::BAD_REQUEST, &error)));
    }
    if handling == Handling::Checked || (plain.is_empty() && handling == Handling::Json) {
        return Ok(Arguments::none(route));
    }
    // Invalid UTF-8 is replaced, like in the real service. Most bodies are valid, which `from_utf8` detects
    // faster.
    let json = str::from_utf8(&plain).map_or_else(|_| String::from_utf8_lossy(&plain), Cow::Borrowed);
    javascript::parse(&json, route).map_err(|error| {
        Box::new(error_response(StatusCode::BAD_REQUEST, &PipErrors.invalid_json(&error.to_string())))
    })
}

fn is_chunked(headers: &HeaderMap) -> bool {
    headers.get(TRANSFER_ENCODING).is_some_and(|encoding| encoding == "chunked")
}

/// Returns the body without its compression, or the response that rejects it.
fn decompressed<'b>(headers: &HeaderMap, received: &'b [u8]) -> Result<Cow<'b, [u8]>, Box<Response>> {
    let Some(encoding) = header_value(headers, CONTENT_ENCODING) else { return Ok(Cow::Borrowed(received)) };
    if encoding != "gzip" {
        let error = ServiceError::new("UnsupportedMediaType", "content encoding not supported");
        let mut rejection = error_response(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error);
        rejection.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        return Err(Box::new(rejection));
    }
    compression::gunzip(received, DECOMPRESSED_LIMIT).map(Cow::Owned).map_err(|error| {
        Box::new(if error.kind() == io::ErrorKind::FileTooLarge {
            too_large("the body is too large once it is decompressed, or in too many parts")
        } else {
            // The process of the real service would exit here.
            let message = format!("the body cannot be decompressed: {error}");
            error_response(StatusCode::BAD_REQUEST, &ServiceError::new("InvalidContent", message))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{DECOMPRESSED_LIMIT, arguments, compression::gzip};
    use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
    use sessions_client::sessions_v1;

    #[test]
    fn a_decompressed_body_beyond_the_limit_is_rejected() {
        let mut json = b"[]".to_vec();
        json.resize(DECOMPRESSED_LIMIT, b' ');
        let status = |json: &[u8]| {
            let request = http::Request::post("/")
                .header(CONTENT_TYPE, "application/json")
                .header(CONTENT_ENCODING, "gzip")
                .body(gzip(json).into())
                .unwrap();
            let arguments = arguments(&request, sessions_v1::OPEN_SESSION);
            arguments.map(|_| ()).map_err(|rejection| rejection.status().as_u16())
        };
        assert_eq!(status(&json), Ok(()));
        json.push(b' ');
        assert_eq!(status(&json), Err(413));
    }
}
