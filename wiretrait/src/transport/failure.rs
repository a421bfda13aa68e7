//! The errors of network transports, which are the same for all HTTP libraries.

use crate::error::{Error, ErrorKind, LocalLimit, os_code};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

/// Returns the error if no connection was made. `cause` is the [root cause](root_cause).
pub(super) fn no_connection(origin: &str, cause: &(dyn StdError + 'static)) -> Error {
    let message = format!("cannot connect to {origin}: {cause}");
    let Some(system) = cause.downcast_ref::<io::Error>() else {
        return Error::new(ErrorKind::Connect, message);
    };
    match name_lookup_limit(system) {
        Some(limit) => system_error(ErrorKind::Connect, format!("{message}: {limit}"), &limit),
        None => system_error(ErrorKind::Connect, message, system),
    }
}

/// Returns the error if opening a connection timed out.
pub(super) fn no_connection_in_time(origin: &str) -> Error {
    Error::new(ErrorKind::Connect, format!("cannot connect to {origin}: timed out"))
}

/// Returns an error with the code of the operating system as its source. If a resource of this machine is
/// exhausted, the message says so.
fn system_error(kind: ErrorKind, message: String, cause: &io::Error) -> Error {
    let message = match LocalLimit::of(cause) {
        Some(limit) => format!("{message}: {limit}"),
        None => message,
    };
    let error = Error::new(kind, message);
    match os_code(cause) {
        Some(code) => error.with_source(io::Error::from_raw_os_error(code)),
        None => error,
    }
}

/// Returns the limit of this machine that made a name lookup fail. The resolver of the C library reports a
/// failure of the name service if it cannot open a socket or a file.
fn name_lookup_limit(cause: &io::Error) -> Option<io::Error> {
    if os_code(cause).is_some() || !cause.to_string().starts_with("failed to lookup address") {
        return None;
    }
    let error = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err()?;
    LocalLimit::of(&error).is_some().then_some(error)
}

/// Returns the error if an attempt timed out.
pub(super) fn timed_out(origin: &str, timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no complete response from {origin} within {timeout:?}"))
}

/// Returns the error if the connection failed before the response was complete.
pub(super) fn connection_failed(origin: &str, cause: &(dyn StdError + 'static)) -> Error {
    let message = format!("the connection to {origin} failed: {cause}");
    match cause.downcast_ref() {
        Some(system) => system_error(ErrorKind::Transport, message, system),
        None => Error::new(ErrorKind::Transport, message),
    }
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
