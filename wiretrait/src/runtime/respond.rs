//! Encoding of results into responses.

use super::{Contract, Failure, JSON, Outcome, Response, Route};
use crate::error::ServiceError;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Serialize;

/// Writes the response to a call: 200 with JSON, 204 if the value is `null`, or the error's own status.
pub fn respond<R>(route: &Route, outcome: R) -> Response
where
    R: Outcome<Ok: Serialize, Err: Failure>,
{
    match outcome.into_result() {
        Ok(value) => match serde_json::to_vec(&value) {
            Ok(body) if body == b"null" => empty(StatusCode::NO_CONTENT),
            Ok(body) => json(StatusCode::OK, body),
            // The call succeeded, but its value cannot be serialized. There is no error that would describe
            // this to the caller.
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Err(error) => refuse(route, &error),
    }
}

/// Writes the error response for `failure`.
#[must_use]
pub fn refuse(route: &Route, failure: &impl Failure) -> Response {
    let (status, error) = failure.response(route);
    let mut response = error_response(route.contract, status, &error);
    if let Some(delay) = failure.retry_after() {
        // Rounded up to whole seconds: a client that came back too early would fail again.
        let seconds = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Writes an error response in the [format](Contract::errors) of `contract`.
#[must_use]
pub fn error_response(contract: &Contract, status: StatusCode, error: &ServiceError) -> Response {
    json(status, contract.errors.write(status, error))
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// Returns a response without a body.
fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
