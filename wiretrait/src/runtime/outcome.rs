//! The results of a contract's methods.

use super::Route;
use crate::error::{Error, ErrorKind, ServiceError};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use std::time::Duration;

/// A [`Result`], under any alias: the macro sees only names, but the type checker resolves this trait.
#[diagnostic::on_unimplemented(
    message = "an operation returns a `Result`, not `{Self}`",
    label = "not a `Result`"
)]
pub trait Outcome {
    /// The type of the value.
    type Ok;
    /// The type of the error.
    type Err;

    /// Converts from a `Result`.
    fn from_result(result: Result<Self::Ok, Self::Err>) -> Self;

    /// Converts to a `Result`.
    ///
    /// # Errors
    ///
    /// If it is an error.
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> Outcome for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn from_result(result: Self) -> Self {
        result
    }

    fn into_result(self) -> Self {
        self
    }
}

/// An error that a service can respond with.
///
/// To use a custom error type in a contract, implement this for services and `From<`[`Error`]`>` for clients.
#[diagnostic::on_unimplemented(
    message = "a service cannot respond with the error `{Self}`",
    label = "does not implement `Failure`",
    note = "return `wiretrait::Result`, or implement `wiretrait::Failure` for the error"
)]
pub trait Failure {
    /// Returns the status and the error of the response to a call of `route` that failed with this error.
    fn response(&self, route: &Route) -> (StatusCode, ServiceError);

    /// Returns the media type and the body of the response, if it is not the error in the format of the contract;
    /// `None` by default.
    fn body(&self) -> Option<(HeaderValue, Bytes)> {
        None
    }

    /// Returns the delay for the header `Retry-After`; `None` by default, which sends no header.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

impl Failure for Error {
    fn response(&self, route: &Route) -> (StatusCode, ServiceError) {
        if let Some(service) = self.service() {
            let status = self.status().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, service.clone());
        }
        let errors = route.contract.errors;
        if matches!(self.kind(), ErrorKind::Encode | ErrorKind::Config) {
            return (StatusCode::BAD_REQUEST, errors.unusable_argument(self));
        }
        (self.status_to_pass_on(), errors.failed(route.name, self))
    }

    fn body(&self) -> Option<(HeaderValue, Bytes)> {
        self.own_body()
    }

    fn retry_after(&self) -> Option<Duration> {
        Self::retry_after(self)
    }
}

impl Error {
    /// Returns the status of the response if an implementation fails because its own call to another service
    /// failed. The status shows whether the failure is transient.
    fn status_to_pass_on(&self) -> StatusCode {
        match self.kind() {
            ErrorKind::Connect => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::Transport => StatusCode::BAD_GATEWAY,
            _ => self
                .status()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}
