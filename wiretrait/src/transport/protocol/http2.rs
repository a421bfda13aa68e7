//! The settings of HTTP/2, and the errors of h2, which are the same for all HTTP libraries.

use super::invalid_response;
use crate::error::{Error, ErrorKind, Unprocessed};
use crate::transport::failure::connection_failed;
#[cfg(feature = "hyper")]
use crate::transport::failure::invalid_request;
use h2::{Error as Http2Error, Reason};
use std::fmt;
use std::time::Duration;

/// The time without a received byte after which a connection with calls is tested.
pub(in crate::transport) const PING_INTERVAL: Duration = Duration::from_secs(3);

/// The time limit for the response to a ping.
pub(in crate::transport) const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// The windows of flow control, which limit the speed of a response to a window per round trip.
pub(in crate::transport) const STREAM_WINDOW: u32 = 2 << 20;
pub(in crate::transport) const CONNECTION_WINDOW: u32 = 16 << 20;

/// The maximum size of the headers of a response, in bytes.
pub(in crate::transport) const MAX_HEADER_LIST_BYTES: u32 = 400 << 10;

/// Advice for a service that does not respond over HTTP/2.
pub(in crate::transport) const MAY_NEED_HTTP1: &str =
    "the service may speak HTTP/1.1 only (`HttpVersion::Http1`)";

/// Advice for a service that accepts connections, but does not begin to speak HTTP/2.
#[cfg(feature = "hyper")]
pub(in crate::transport) const MAY_NEED_OTHER_PROTOCOL: &str =
    "the service may be overloaded, or its port may be for another protocol";

/// Returns the error if a request failed over HTTP/2.
pub(in crate::transport) fn failed(origin: &str, error: &Http2Error) -> Error {
    if let Some(error) = error.get_io() {
        return connection_failed(origin, error);
    }
    let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
    let name = format!("{reason:?}");
    if error.is_remote() && error.is_go_away() {
        // h2 reports it only for requests after the last one that the service has processed.
        return lost(origin, format_args!("the service has closed it before the request ({name})"))
            .with_unprocessed();
    }
    if error.is_remote() {
        return match reason {
            Reason::REFUSED_STREAM => {
                lost(origin, format_args!("the service has refused the request ({name})")).with_unprocessed()
            }
            Reason::HTTP_1_1_REQUIRED => {
                invalid_response(origin, format_args!("is the demand for HTTP/1.1 ({name})"))
                    .with_advice(Some("choose `HttpVersion::Http1`".into()))
            }
            _ => lost(origin, format_args!("the service has reset the request ({name})")),
        };
    }
    invalid_response(origin, format_args!("is not valid HTTP/2 ({name})"))
        .with_advice(Some(MAY_NEED_HTTP1.into()))
}

/// Returns the error like [`failed`], for a request that has no response. It says whether it can be sent again at once.
pub(in crate::transport) fn failed_request(origin: &str, error: &Http2Error) -> Error {
    let failure = failed(origin, error);
    match error.reason().filter(|_| error.is_remote()) {
        // With other reasons, the service asks for fewer requests, or has failed.
        Some(Reason::NO_ERROR) if error.is_go_away() => {
            failure.with_unprocessed_because(Unprocessed::Excluded)
        }
        Some(Reason::REFUSED_STREAM) if error.is_reset() => {
            failure.with_unprocessed_because(Unprocessed::StreamRefused)
        }
        _ => failure,
    }
}

/// Returns the error like [`failed`], for a request whose response has begun, so that the service has processed it.
pub(in crate::transport) fn incomplete(origin: &str, error: &Http2Error) -> Error {
    let failure = failed(origin, error);
    if failure.is_unprocessed() {
        let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
        return lost(origin, format_args!("the service has ended it during the response ({reason:?})"));
    }
    failure
}

/// Returns the error for a request of which nothing was written before its connection ended.
#[cfg(feature = "hyper")]
pub(in crate::transport) fn unsent(origin: &str, error: &Http2Error) -> Error {
    if error.get_io().is_none() && error.reason().is_none() {
        // h2 rejects the request itself.
        return invalid_request(error);
    }
    let failure = failed(origin, error);
    let has_ended = error.is_io() || error.is_go_away() || error.is_remote();
    if !has_ended || error.reason() == Some(Reason::ENHANCE_YOUR_CALM) {
        return failure.with_unprocessed();
    }
    failure.with_unprocessed_because(Unprocessed::Unsent)
}

/// Returns the error if a connection was closed because the service does not respond to a ping.
#[cfg(feature = "hyper")]
pub(in crate::transport) fn ping_timed_out(origin: &str, timeout: Duration) -> Error {
    lost(origin, format_args!("no response to a ping within {timeout:?}"))
}

/// Returns the error for a connection that was closed before a request was sent over it.
#[cfg(feature = "hyper")]
pub(in crate::transport) fn closed_before(origin: &str) -> Error {
    lost(origin, "it was closed before the request").with_unprocessed_because(Unprocessed::Unsent)
}

fn lost(origin: &str, cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Transport, format!("the connection to {origin} failed: {cause}"))
}
