//! The results of a contract's methods, whatever alias they are written with.

use super::Route;
use crate::error::{Error, ErrorKind, ServiceError};
use http::StatusCode;
use std::time::Duration;

/// A [`Result`], seen through any alias: a macro sees names, the type checker sees types.
#[diagnostic::on_unimplemented(
    message = "an operation returns a `Result`, not `{Self}`",
    label = "not a `Result`"
)]
pub trait Outcome {
    /// What a success holds.
    type Ok;
    /// What a failure holds.
    type Err;

    /// From the `Result` that it is.
    fn from_result(result: Result<Self::Ok, Self::Err>) -> Self;

    /// To the `Result` that it is.
    ///
    /// # Errors
    ///
    /// When it is one.
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

/// An error that a service can answer with.
///
/// Implement it, and `From<`[`Error`]`>` for the client's side, to give a contract an error type of its own.
#[diagnostic::on_unimplemented(
    message = "a service cannot answer with `{Self}`",
    label = "no `Failure`",
    note = "return `sessions_client::Result`, or implement `sessions_client::Failure` for the error"
)]
pub trait Failure {
    /// The status and the error to answer with when `route` failed so.
    fn response(&self, route: &Route) -> (StatusCode, ServiceError);

    /// How long the caller is to leave the service alone, for the header `Retry-After`. By default it is free to
    /// come back.
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
        if matches!(self.kind(), ErrorKind::Encode | ErrorKind::Config) {
            let error = ServiceError::new("INVALID_DATA", self.to_string()).with_category("BadRequest");
            return (StatusCode::BAD_REQUEST, error);
        }
        let message = format!("Execution {} failed: {self}", route.name);
        let error = ServiceError::new("EXEC_FAILED", message)
            .with_category("FailedInvocation")
            .with_detail("command", route.name);
        (self.status_to_pass_on(), error)
    }

    fn retry_after(&self) -> Option<Duration> {
        Self::retry_after(self)
    }
}

impl Error {
    /// What an implementation met on its own way tells its caller whether the failure may pass, as if the caller
    /// had met it.
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
