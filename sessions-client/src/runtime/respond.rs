//! From a service's result to a response.

use super::{Failure, JSON, Outcome, Response, Route};
use crate::error::ServiceError;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Serialize;
use serde::ser::SerializeMap;

/// Writes the answer to a call: 200 with JSON, 204 where the value is `null`, or the error's own status.
///
/// With the feature `server`, doubles are written as JavaScript writes them, for the dispatchers of all traits: `1` for
/// `1.0`, and `100000000000000000000` for `1e20`. Any reader of JSON takes the one for the other.
pub fn respond<R>(route: &Route, outcome: R) -> Response
where
    R: Outcome<Ok: Serialize, Err: Failure>,
{
    match outcome.into_result() {
        Ok(value) => match to_json(&value) {
            Ok(body) if body == b"null" => empty(StatusCode::NO_CONTENT),
            Ok(body) => json(StatusCode::OK, body),
            // The service has done its work and cannot say so; the real one answers likewise.
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Err(error) => refuse(route, &error),
    }
}

/// The value as JSON. What the embedded service needs of it is done here, since a second look at each answer, for
/// numbers that few have, would cost every call.
pub(crate) fn to_json(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    // Of most sessions, all.
    let mut body = Vec::with_capacity(512);
    write_json(&mut body, value)?;
    Ok(body)
}

fn write_json(body: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    #[cfg(feature = "server")]
    return value.serialize(&mut serde_json::Serializer::with_formatter(body, JavaScript));
    #[cfg(not(feature = "server"))]
    return serde_json::to_writer(body, value);
}

/// Writes behind what there is what has a JSON, whatever is in it: names, texts, numbers and times.
pub(crate) fn write_always(body: &mut Vec<u8>, value: &impl Serialize) {
    let written = write_json(body, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

#[cfg(feature = "server")]
struct JavaScript;

#[cfg(feature = "server")]
impl serde_json::ser::Formatter for JavaScript {
    fn write_f32<W: std::io::Write + ?Sized>(&mut self, writer: &mut W, number: f32) -> std::io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format_finite(number).as_bytes())
    }

    fn write_f64<W: std::io::Write + ?Sized>(&mut self, writer: &mut W, number: f64) -> std::io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format_finite(number).as_bytes())
    }
}

/// The answer that says why there is no other.
#[must_use]
pub fn refuse(route: &Route, failure: &impl Failure) -> Response {
    let (status, error) = failure.response(route);
    let mut response = error_response(status, &error);
    if let Some(pause) = failure.retry_after() {
        // Whole seconds; one that comes back too early has asked in vain.
        let seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
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

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
