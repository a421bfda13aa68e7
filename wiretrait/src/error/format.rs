//! The format of error bodies: how a service writes its errors, and how clients read them.

use super::{Error, ServiceError};
use crate::runtime::JSON;
use http::{HeaderValue, Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A format of error bodies, which the services of a contract write and its clients read.
///
/// A contract names its format: `#[http_api(…, errors = MyErrors)]`. Without one it is [`PlainErrors`]. If all
/// error bodies have one type, its name is enough: `error = MyError`, see [`ErrorBody`](crate::ErrorBody). Only
/// [`read`](Self::read) and [`write`](Self::write) are required; the other methods are the errors that a
/// dispatcher itself responds with, and have neutral defaults.
///
/// ```
/// use wiretrait::http::StatusCode;
/// use wiretrait::{ErrorFormat, Result, ServiceError, http_api};
///
/// /// `{ "error": "…" }`
/// struct MessageOnly;
///
/// impl ErrorFormat for MessageOnly {
///     fn read(&self, body: &[u8]) -> Option<ServiceError> {
///         let body: serde_json::Value = serde_json::from_slice(body).ok()?;
///         Some(ServiceError::new("", body.get("error")?.as_str()?))
///     }
///     fn write(&self, _status: StatusCode, error: &ServiceError) -> Vec<u8> {
///         serde_json::json!({ "error": error.message }).to_string().into_bytes()
///     }
/// }
///
/// #[http_api(client = ShelvesClient, module = shelves, errors = MessageOnly)]
/// pub trait Shelves {
///     #[get("/books/{id}")]
///     async fn find(&self, id: u64) -> Result<Option<String>>;
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error format",
    label = "does not implement `ErrorFormat`",
    note = "implement `wiretrait::ErrorFormat` for it"
)]
pub trait ErrorFormat: Send + Sync {
    /// Reads the body of an error response. `None` if it is not in this format.
    fn read(&self, body: &[u8]) -> Option<ServiceError>;

    /// Writes the body of an error response with `status`.
    fn write(&self, status: StatusCode, error: &ServiceError) -> Vec<u8>;

    /// Returns the media type of the bodies that [`write`](Self::write) returns; `application/json` by default.
    fn media_type(&self) -> HeaderValue {
        JSON
    }

    /// Returns the error for a body that is not JSON.
    fn invalid_json(&self, why: &str) -> ServiceError {
        ServiceError::new("invalid_json", format!("the body is not valid JSON: {why}"))
    }

    /// Returns the error for arguments that are missing or of another type, each described in `problems`.
    fn invalid_arguments(&self, problems: &[String]) -> ServiceError {
        ServiceError::new("invalid_arguments", problems.join(", "))
    }

    /// Returns the error for a path that no route has.
    fn unknown_path(&self, path: &str) -> ServiceError {
        ServiceError::new("not_found", format!("{path} does not exist"))
    }

    /// Returns the error for a method that no route with the requested path has.
    fn method_not_allowed(&self, method: &Method) -> ServiceError {
        ServiceError::new("method_not_allowed", format!("{method} is not allowed"))
    }

    /// Returns the error for a request whose body is larger than `limit` bytes.
    fn body_too_large(&self, limit: usize) -> ServiceError {
        ServiceError::new("body_too_large", format!("the body is larger than the limit of {limit} bytes"))
    }

    /// Returns the error for a request whose body ended too early.
    fn incomplete_body(&self) -> ServiceError {
        ServiceError::new("incomplete_body", "the body is incomplete")
    }

    /// Returns the error for an argument that an implementation could not use itself.
    fn unusable_argument(&self, error: &Error) -> ServiceError {
        ServiceError::new("invalid_arguments", error.to_string())
    }

    /// Returns the error for an `operation` whose implementation failed with `error`.
    fn failed(&self, operation: &str, error: &Error) -> ServiceError {
        ServiceError::new("failed", format!("{operation} failed: {error}"))
    }
}

/// A neutral error format: a JSON object with `code` and `message`.
///
/// Clients also find them in the other usual objects: `{"error": {"code": …, "message": …}}`,
/// `{"error": …, "error_description": …}`, `{"errors": [{"message": …}]}`, `{"title": …, "detail": …}` and
/// their combinations.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainErrors;

impl ErrorFormat for PlainErrors {
    fn read(&self, body: &[u8]) -> Option<ServiceError> {
        let body = serde_json::from_slice(body).ok().filter(Value::is_object)?;
        let (code, message) = (code(&body), message(&body));
        if code.is_none() && message.is_none() {
            return None;
        }
        Some(ServiceError::new(code.unwrap_or_default(), message.unwrap_or_default()))
    }

    fn write(&self, _status: StatusCode, error: &ServiceError) -> Vec<u8> {
        // Strings are always valid JSON.
        serde_json::to_vec(&Plain(error)).unwrap_or_default()
    }
}

/// Keys of messages, the most specific first. A value of another type counts as absent, so that another key can
/// still be read.
const MESSAGES: [&str; 8] =
    ["message", "error_description", "detail", "reason", "msg", "error", "errors", "title"];

/// Returns the message in a value: itself, that of the first item, or that under the first of the [`MESSAGES`].
fn message(value: &Value) -> Option<&str> {
    match value {
        Value::String(message) => Some(message.as_str()).filter(|message| !message.trim().is_empty()),
        Value::Array(items) => items.iter().find_map(message),
        Value::Object(fields) => MESSAGES.iter().find_map(|key| message(fields.get(*key)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Returns the code in an object: that under `code`, or else in `error`, `type` or the first of the `errors`.
fn code(value: &Value) -> Option<&str> {
    let own = value.get("code").and_then(Value::as_str).filter(|code| !code.is_empty());
    let error = value.get("error");
    let in_error = || error.and_then(code).or_else(|| error.and_then(name));
    let in_errors = || value.get("errors")?.as_array()?.iter().find_map(code);
    own.or_else(in_error).or_else(|| value.get("type").and_then(name)).or_else(in_errors)
}

/// Returns the value if it is a name, such as `invalid_request`, and not a message or a URI.
fn name(value: &Value) -> Option<&str> {
    let is_name = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) && !name.is_empty()
    };
    value.as_str().filter(is_name)
}

/// An object with `code` and `message`.
pub(super) struct Plain<'e>(pub(super) &'e ServiceError);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", &self.0.code)?;
        map.serialize_entry("message", &self.0.message)?;
        map.end()
    }
}
