//! From a body to the arguments of a command.
//!
//! The order of the checks is the service's: encoding, digest, JSON. A body that it does not read as JSON has no
//! arguments, and nobody complains; one of some media types it does not even look at.

use super::{compression, digest, head, javascript};
use crate::error::ServiceError;
use crate::runtime::{Members, Request, Response, Route, error_response, invalid_json};
use bytes::{Buf, Bytes};
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
    TRANSFER_ENCODING,
};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::pin::pin;

/// The largest body as it is sent, in bytes: more than the real service was seen to accept.
const LIMIT: usize = 128 << 20;

/// The largest body that was compressed, in bytes. What it holds costs memory that nobody had to send.
const DECOMPRESSED_LIMIT: usize = 16 << 20;

/// The refusal of a body beyond a limit.
pub(super) fn too_large(message: &str) -> Response {
    error_response(StatusCode::PAYLOAD_TOO_LARGE, &ServiceError::new("PayloadTooLarge", message))
}

/// All of a body, if it comes to its end within the limit.
pub(super) async fn received<B>(body: B) -> Option<Bytes>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut body = pin!(Limited::new(body, LIMIT));
    let Some(frame) = body.frame().await else { return Some(Bytes::new()) };
    let first = match frame.ok()?.into_data() {
        Ok(mut data) => data.copy_to_bytes(data.remaining()),
        Err(_trailers) => Bytes::new(),
    };
    // Most come in one piece, which need not be collected.
    if body.is_end_stream() {
        return Some(first);
    }
    let mut whole = first.chain(body.collect().await.ok()?.aggregate());
    Some(whole.copy_to_bytes(whole.remaining()))
}

/// How the service treats a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// It stays where it is.
    Ignored,
    /// It is read, and then left alone.
    Checked,
    /// JSON, read as text.
    Text,
    /// JSON under another name, read as bytes. Unlike an empty text, no bytes at all are no JSON.
    Bytes,
}

impl Treatment {
    /// The service's rule is neither that of the standard nor blind to a space before a parameter.
    fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else { return Self::Ignored };
        if value == "application/json" {
            return Self::Text;
        }
        let content_type = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = content_type.split(';').next().unwrap_or_default();
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.')
        };
        match essence {
            "application/octet-stream" | "multipart/form-data" => Self::Ignored,
            _ if content_type.is_empty() => Self::Ignored,
            "application/json" => Self::Text,
            _ => match essence.strip_prefix("application/").and_then(|subtype| subtype.split_once("+json")) {
                Some((name, _)) if is_name(name) => Self::Bytes,
                _ => Self::Checked,
            },
        }
    }
}

/// The arguments for `route` in the request's body, or the answer that refuses it.
pub(super) fn arguments(request: &Request, route: &Route) -> Result<Members, Box<Response>> {
    let (headers, received) = (request.headers(), request.body());
    let treatment = Treatment::of(headers);
    let announced = headers.get(CONTENT_LENGTH);
    let is_announced_empty = announced.is_some() && received.is_empty() && !is_chunked(headers);
    if treatment == Treatment::Ignored || is_announced_empty {
        return Ok(Members::none(route));
    }
    let plain = plain(headers, received)?;
    if !plain.is_empty()
        && let Some(error) = digest::mismatch(headers, received)
    {
        return Err(Box::new(error_response(StatusCode::BAD_REQUEST, &error)));
    }
    if treatment == Treatment::Checked || (plain.is_empty() && treatment == Treatment::Text) {
        return Ok(Members::none(route));
    }
    // Invalid UTF-8 is replaced, as the real service does. What is valid, as nearly all is, is told faster by the other.
    let text = str::from_utf8(&plain).map_or_else(|_| String::from_utf8_lossy(&plain), Cow::Borrowed);
    javascript::parse(&text, route)
        .map_err(|error| Box::new(error_response(StatusCode::BAD_REQUEST, &invalid_json(error))))
}

fn is_chunked(headers: &HeaderMap) -> bool {
    headers.get(TRANSFER_ENCODING).is_some_and(|encoding| encoding == "chunked")
}

/// The body without its compression.
fn plain<'b>(headers: &HeaderMap, received: &'b [u8]) -> Result<Cow<'b, [u8]>, Box<Response>> {
    let Some(encoding) = head::text(headers, CONTENT_ENCODING) else { return Ok(Cow::Borrowed(received)) };
    if encoding != "gzip" {
        let error = ServiceError::new("UnsupportedMediaType", "content encoding not supported");
        let mut refusal = error_response(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error);
        refusal.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        return Err(Box::new(refusal));
    }
    compression::gunzip(received, DECOMPRESSED_LIMIT).map(Cow::Owned).map_err(|why| {
        Box::new(if why.kind() == io::ErrorKind::FileTooLarge {
            too_large("the body is too large once it is decompressed, or in too many parts")
        } else {
            // The real service would end here.
            let message = format!("the body cannot be decompressed: {why}");
            error_response(StatusCode::BAD_REQUEST, &ServiceError::new("InvalidContent", message))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{DECOMPRESSED_LIMIT, arguments, compression::gzip};
    use crate::contract::sessions_v1;
    use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

    #[test]
    fn a_body_that_grows_beyond_its_limit_is_refused() {
        let mut text = b"[]".to_vec();
        text.resize(DECOMPRESSED_LIMIT, b' ');
        let read = |text: &[u8]| {
            let request = http::Request::post("/")
                .header(CONTENT_TYPE, "application/json")
                .header(CONTENT_ENCODING, "gzip")
                .body(gzip(text).into())
                .unwrap();
            let read = arguments(&request, sessions_v1::OPEN_SESSION);
            read.map(|_| ()).map_err(|refusal| refusal.status().as_u16())
        };
        assert_eq!(read(&text), Ok(()));
        text.push(b' ');
        assert_eq!(read(&text), Err(413));
    }
}
