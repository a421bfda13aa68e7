//! The errors of network transports, which are the same for all HTTP libraries.

use crate::error::{Error, ErrorKind};
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Returns the error if no connection was made. `cause` is the end of a sentence.
pub(super) fn no_connection(origin: &str, cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Connect, format!("cannot connect to {origin}: {cause}"))
}

/// Returns the error if opening a connection timed out.
pub(super) fn no_connection_in_time(origin: &str) -> Error {
    no_connection(origin, "timed out")
}

/// Returns the error if an attempt timed out.
pub(super) fn timed_out(origin: &str, timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no complete response from {origin} within {timeout:?}"))
}

/// Returns the error if the connection failed before the response was complete.
pub(super) fn connection_failed(origin: &str, cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Transport, format!("the connection to {origin} failed: {cause}"))
}

/// Returns the error for a request that is not valid in HTTP.
pub(super) fn invalid_request(cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Encode, format!("the request cannot be sent: {cause}"))
}

/// Returns the innermost source, such as "Connection refused (os error 111)". The errors around it contain
/// less, or quote the URL, whose query may be private.
pub(super) fn root_cause<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
