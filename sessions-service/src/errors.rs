//! Error responses with the properties that errors have in Node.js.

use http::StatusCode;
use pip_services::PipErrors;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sessions_client::sessions_v1;
use wiretrait::{ErrorFormat, Response, ServiceError};

/// Returns an error response of the service.
pub(crate) fn error_response(status: StatusCode, error: &ServiceError) -> Response {
    with_properties(wiretrait::error_response(sessions_v1::CONTRACT, status, error))
}

/// Adds the properties to the body of an error response of a command.
pub(crate) fn with_properties(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let error = PipErrors.read(response.body()).and_then(|error| Some((error.category.clone()?, error)));
    let body = error.and_then(|(category, error)| serde_json::to_vec(&Body { status, category, error }).ok());
    match body {
        Some(body) => response.map(|_| body.into()),
        None => response,
    }
}

/// The body of an error of a command, in the order of the real service.
struct Body {
    status: StatusCode,
    category: String,
    error: ServiceError,
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { status, category, error } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &error.code)?;
        map.serialize_entry("status", &status.as_u16())?;
        map.serialize_entry("message", &error.message)?;
        map.serialize_entry("name", &error.code)?;
        map.serialize_entry("stack", &format_args!("{}: {}", error.code, error.message))?;
        if let Some(cause) = &error.cause {
            map.serialize_entry("cause", cause)?;
        }
        map.serialize_entry("details", &error.details)?;
        map.serialize_entry("category", category)?;
        if let Some(id) = &error.correlation_id {
            map.serialize_entry("correlation_id", id)?;
        }
        map.end()
    }
}
