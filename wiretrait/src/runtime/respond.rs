//! Encoding of results into responses.

use super::return_type::{JsonValue, WriteResponse};
use super::{Contract, Failure, Outcome, Response, Route};
use crate::error::ServiceError;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use serde::Serialize;

/// Writes the response to a call: 200 with JSON, 204 (or the first status in [`Route::none`]) if the value is
/// `null`, or the error's own status.
pub fn respond<R>(route: &Route, outcome: R) -> Response
where
    R: Outcome<Ok: Serialize, Err: Failure>,
{
    respond_as::<JsonValue, R>(route, outcome)
}

/// Writes the response to a call like [`respond`], with the value in the form `F`.
pub fn respond_as<F, R>(route: &Route, outcome: R) -> Response
where
    R: Outcome<Err: Failure>,
    F: WriteResponse<R::Ok>,
{
    match outcome.into_result() {
        Ok(value) => complete(&route.method, F::write(route, value)),
        Err(error) => refuse(route, &error),
    }
}

/// Completes a response to a request with `method`. HEAD has no body, only its length.
pub(super) fn complete(method: &Method, response: Response) -> Response {
    if *method != Method::HEAD || response.body().is_empty() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    Response::from_parts(head, Bytes::new())
}

/// Writes the error response for `failure`.
#[must_use]
pub fn refuse(route: &Route, failure: &impl Failure) -> Response {
    let (status, error) = failure.response(route);
    let mut response = match failure.body() {
        Some((media_type, body)) => whole(status, media_type, body),
        None => error_response(route.contract, status, &error),
    };
    if let Some(delay) = failure.retry_after() {
        // Rounded up to whole seconds: a client that came back too early would fail again.
        let seconds = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    complete(&route.method, response)
}

/// Writes an error response in the [format](Contract::errors) of `contract`.
#[must_use]
pub fn error_response(contract: &Contract, status: StatusCode, error: &ServiceError) -> Response {
    whole(status, contract.errors.media_type(), contract.errors.write(status, error).into())
}

fn whole(status: StatusCode, media_type: HeaderValue, body: Bytes) -> Response {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

#[cfg(feature = "test-kit")]
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    whole(status, super::JSON, body.into())
}

/// Returns a response without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
