//! From a service's result to a response.

use super::{Failure, Outcome, Response, Route};
use crate::error::{Error, ServiceError};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::ser::SerializeMap;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Writes the answer to a call: 200 with JSON, 204 where the value is `null`, or the error's own status.
pub fn respond<R>(route: &Route, outcome: R) -> Response
where
    R: Outcome<Ok: Serialize, Err: Failure>,
{
    match outcome.into_result() {
        Ok(value) => match serde_json::to_vec(&value) {
            Ok(body) if body == b"null" => empty(StatusCode::NO_CONTENT),
            Ok(body) => json(StatusCode::OK, body),
            // The service has done its work and cannot say so; the real one answers likewise.
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Err(error) => {
            let (status, error) = error.response(route);
            error_response(status, &error)
        }
    }
}

/// The answer to a request whose arguments could not be read.
#[must_use]
pub fn refuse(route: &Route, refusal: &Error) -> Response {
    let (status, error) = refusal.response(route);
    error_response(status, &error)
}

/// An error in one of the service's two shapes: that of a command where it has a category, the short one
/// of everything before a command where not.
pub(crate) fn error_response(status: StatusCode, error: &ServiceError) -> Response {
    // Names and texts always are JSON.
    let body = serde_json::to_vec(&Shaped { status, error }).unwrap_or_default();
    json(status, body)
}

struct Shaped<'e> {
    status: StatusCode,
    error: &'e ServiceError,
}

impl Serialize for Shaped<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { status, error } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &error.code)?;
        if let Some(category) = &error.category {
            map.serialize_entry("status", &status.as_u16())?;
            map.serialize_entry("message", &error.message)?;
            map.serialize_entry("name", &error.code)?;
            map.serialize_entry("stack", &format_args!("{}: {}", error.code, error.message))?;
            if let Some(cause) = &error.cause {
                map.serialize_entry("cause", cause)?;
            }
            map.serialize_entry("details", &error.details)?;
            map.serialize_entry("category", category)?;
        } else {
            map.serialize_entry("message", &error.message)?;
        }
        map.end()
    }
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
