//! Error responses with the properties that errors have in Node.js.

use http::StatusCode;
use pip_services::PipErrors;
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
    match PipErrors.read(response.body()).filter(|error| error.category.is_some()) {
        Some(error) => response.map(|_| PipErrors.write_like_node(status, &error).into()),
        None => response,
    }
}
