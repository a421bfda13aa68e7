//! What a network transport says when there is no answer: the same words, whichever library is below.

use crate::error::{Error, ErrorKind};
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// No connection was made. `cause` is the end of a sentence.
pub(super) fn no_connection(origin: &str, cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Connect, format!("cannot connect to {origin}: {cause}"))
}

/// There was none in time.
pub(super) fn no_connection_in_time(origin: &str) -> Error {
    no_connection(origin, "no connection in time")
}

/// The answer did not come in time.
pub(super) fn late(origin: &str, timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no complete answer from {origin} within {timeout:?}"))
}

/// The connection broke before the whole answer was there.
pub(super) fn broken(origin: &str, cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Transport, format!("the connection to {origin} broke: {cause}"))
}

/// The request is none that HTTP allows.
pub(super) fn unsendable(cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Encode, format!("the request cannot be sent: {cause}"))
}

/// What the library at the bottom says: "Connection refused (os error 111)". The errors above it say less, or quote the
/// URL, whose query is the caller's.
pub(super) fn root_cause<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
