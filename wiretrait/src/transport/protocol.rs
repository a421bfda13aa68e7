//! Responses that are not valid HTTP: the errors for them, and the checks that the HTTP libraries omit.
//!
//! The kind of a failure of hyper is only public in part. The rest is recognized by its message; tests over real
//! sockets fail if a new version of hyper changes it.

#[cfg(feature = "http2")]
pub(super) mod http2;

use super::failure::{connection_failed, is_end, root_cause};
use crate::error::{Error, ErrorKind};
use crate::runtime::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use std::error::Error as StdError;
use std::fmt;
use std::io;

/// The maximum number of headers of a response. hyper allocates 64 bytes for each of them, for each response,
/// and the allocator of most systems keeps up to 128 KiB without a system call.
pub(super) const MAX_HEADERS: usize = 1500;

/// The number of headers that hyper reads without an allocation.
#[cfg(feature = "reqwest")]
pub(super) const FEW_HEADERS: usize = 100;

/// The maximum size of the header section, in bytes: that of hyper.
#[cfg(feature = "hyper")]
pub(super) const MAX_HEAD_BYTES: usize = 8192 + 4096 * 100;

/// Returns the error for a response that is not valid HTTP. `what` is the end of a sentence.
pub(super) fn invalid_response(origin: &str, what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Protocol, format!("the response from {origin} {what}"))
}

/// Returns the error for a response that is not HTTP/1.1.
pub(super) fn not_http(origin: &str) -> Error {
    let other = if origin.starts_with("https:") { "HTTP/2 only" } else { "https, or HTTP/2 only" };
    let what = format_args!(
        "is not HTTP/1.1: check the address and its port; the service may expect {other} (`HttpVersion::Http2`), or \
         gRPC, which needs another client"
    );
    invalid_response(origin, what)
}

/// Returns the error for a header section over the limits.
pub(super) fn too_large(origin: &str) -> Error {
    let what = format_args!("has a header section over the limits of {MAX_HEADERS} headers and 400 KiB");
    invalid_response(origin, what)
}

/// Returns the error for the first response with more than [`FEW_HEADERS`].
#[cfg(feature = "reqwest")]
pub(super) fn more_headers(origin: &str) -> Error {
    let what = format_args!(
        "has more than {FEW_HEADERS} headers, which was not expected; from now on, up to {MAX_HEADERS} are read"
    );
    invalid_response(origin, what).with_transient()
}

/// Returns whether the head of a response is too large.
#[cfg(feature = "reqwest")]
pub(super) fn has_many_headers(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source())
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(|error| error.is_parse() && error.to_string() == "message head is too large")
}

/// Returns the error for a header that determines the end of the response, but cannot be read.
pub(super) fn invalid_framing(origin: &str, header: &str) -> Error {
    invalid_response(origin, format_args!("has an invalid `{header}`, so its end is unknown"))
}

/// The remedy if the service speaks HTTP/2 only.
const MAY_NEED_HTTP2: &str =
    "if the service speaks HTTP/2 only, choose it with `HttpVersion::Http2` (`options.http_version: 2`)";

/// Returns the error if a request failed after it was passed to the HTTP library.
pub(super) fn failed(origin: &str, error: &(dyn StdError + 'static)) -> Error {
    let mut is_unprocessed = false;
    // True if the connection has ended before a byte of the response.
    let mut is_closed = false;
    for cause in std::iter::successors(Some(error), |error| (*error).source()) {
        #[cfg(feature = "http2")]
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return http2::failed_request(origin, error);
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            if let Some(invalid) = invalid_head(origin, error) {
                return invalid;
            }
            // Nothing was written.
            is_unprocessed |= error.is_canceled();
            is_closed |= error.is_incomplete_message();
            // A service that closes a connection with unread bytes resets it.
            let system = error.source().and_then(|source| source.downcast_ref());
            is_closed |= error.to_string() == "connection error" && system.is_some_and(is_end);
        } else if let Some(error) = cause.downcast_ref::<io::Error>()
            && is_invalid_body(error)
        {
            // Its message may quote a trailer.
            return invalid_response(origin, "has an invalid chunked body");
        }
    }
    let error = match root_cause(error) {
        #[cfg(feature = "reqwest")]
        // Its message contains the URL.
        cause if cause.is::<reqwest::Error>() => {
            connection_failed(origin, &io::Error::other("reqwest reports no cause"))
        }
        cause => connection_failed(origin, cause),
    };
    let error = if is_closed { with_hint(origin, error) } else { error };
    if is_unprocessed { error.with_unprocessed() } else { error }
}

/// Returns the error if the body of a response failed, so that the service has processed the request.
#[cfg(feature = "reqwest")]
pub(super) fn failed_body(origin: &str, error: &(dyn StdError + 'static)) -> Error {
    #[cfg(feature = "http2")]
    if let Some(error) = std::iter::successors(Some(error), |error| (*error).source())
        .find_map(|cause| cause.downcast_ref::<h2::Error>())
    {
        return http2::incomplete(origin, error);
    }
    failed(origin, error)
}

/// Adds the hint at a wrong version of HTTP to the error if the connection was closed before a response.
///
/// With TLS, a service that fails usually has a gateway in front of it, which responds. Without it, the hint would be
/// wrong for each service that crashes.
fn with_hint(origin: &str, error: Error) -> Error {
    error.with_advice(origin.starts_with("https:").then(|| MAY_NEED_HTTP2.into()))
}

/// Returns the error for a head that ends with the connection.
#[cfg(feature = "hyper")]
pub(super) fn incomplete_head(origin: &str, received: &[u8]) -> Error {
    use super::failure::CLOSED;

    // Before a head, line ends are ignored.
    let start = received.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(received.len());
    match httparse::Response::new(&mut []).parse(&received[start..]) {
        Err(httparse::Error::Version) => not_http(origin),
        Err(httparse::Error::Status) => invalid_response(origin, INVALID_STATUS),
        _ => with_hint(origin, connection_failed(origin, &io::Error::other(CLOSED))),
    }
}

const INVALID_STATUS: &str = "has an invalid status line";

/// Returns the error if hyper cannot parse the head of a response.
fn invalid_head(origin: &str, error: &hyper::Error) -> Option<Error> {
    let message = error.to_string();
    // The service sent something before the request.
    if message == "received unexpected message from connection" {
        return Some(not_http(origin).with_unprocessed());
    }
    if !error.is_parse() {
        return None;
    }
    Some(match &*message {
        "message head is too large" => too_large(origin),
        "invalid content-length parsed" => invalid_framing(origin, "Content-Length"),
        "unexpected transfer-encoding parsed" => invalid_framing(origin, "Transfer-Encoding"),
        "invalid HTTP header parsed" => {
            invalid_response(origin, "has a header section that cannot be parsed")
        }
        _ if error.is_parse_status() => invalid_response(origin, INVALID_STATUS),
        _ => not_http(origin),
    })
}

/// Returns whether hyper rejects the head of a response because of a header line or the number of headers.
#[cfg(feature = "hyper")]
pub(super) fn is_invalid_header(error: &hyper::Error) -> bool {
    error.is_parse()
        && matches!(&*error.to_string(), "invalid HTTP header parsed" | "message head is too large")
}

/// Returns whether hyper cannot parse a chunked body. Errors of rustls have the same kinds.
fn is_invalid_body(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput};
    #[cfg(feature = "rustls")]
    if error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>) {
        return false;
    }
    matches!(error.kind(), InvalidData | InvalidInput)
}

/// The sign for the end of a response without a length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// The last chunk or, in HTTP/2, the last frame.
    Marked,
    /// The end of the connection, which can also be a failure.
    Close,
}

/// Checks the headers of a response whose length is not known from `Content-Length`.
pub(super) fn end_of(origin: &str, version: Version, headers: &HeaderMap) -> Result<End, Error> {
    if version >= Version::HTTP_2 {
        return Ok(End::Marked);
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(End::Close),
        (Some(_), _) if headers.contains_key(CONTENT_LENGTH) => Err(invalid_response(
            origin,
            "has both `Content-Length` and `Transfer-Encoding`, so its end is unknown",
        )),
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            Ok(End::Marked)
        }
        (Some(_), _) => Err(invalid_response(origin, "has a `Transfer-Encoding` other than `chunked`")),
    }
}

/// Checks that a response which ends with the connection is not obviously incomplete. Its `Content-Length` may
/// have been skipped as malformed, or the service may have failed.
pub(super) fn check_complete(origin: &str, version: Version, response: &Response) -> Result<(), Error> {
    // A JSON value of any other type has a mark at its end, and so have compressed bodies.
    let is_doubtful = match response.body().first() {
        None => true,
        Some(first) => {
            (first.is_ascii_digit() || *first == b'-') && !response.headers().contains_key(CONTENT_ENCODING)
        }
    };
    if is_doubtful && version > Version::HTTP_10 && response.status().is_success() {
        return Err(without_length(origin));
    }
    Ok(())
}

/// Checks that a response ends with the connection on purpose. Only for libraries that skip a malformed
/// `Content-Length` without a report: a service that has sent one keeps the connection open.
#[cfg(feature = "reqwest")]
pub(super) fn check_close(origin: &str, version: Version, headers: &HeaderMap) -> Result<(), Error> {
    let closes = |value: &http::HeaderValue| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    };
    if version == Version::HTTP_11 && !headers.get_all(http::header::CONNECTION).iter().any(closes) {
        return Err(without_length(origin));
    }
    Ok(())
}

fn without_length(origin: &str) -> Error {
    invalid_response(origin, "has no valid `Content-Length`, so it may be incomplete")
}
