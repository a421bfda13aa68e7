//! The format of error bodies: how a service writes its errors, and how clients read them.

use super::{Error, ServiceError};
use crate::object::Object;
use http::{Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A format of error bodies, which the services of a contract write and its clients read.
///
/// A contract names its format: `#[http_api(…, errors = MyErrors)]`. Without one it is [`PlainErrors`]. Only
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
    /// Reads the body of an error response. `None` if it is not in this format: then something other than the
    /// service responded, such as a proxy.
    fn read(&self, body: &[u8]) -> Option<ServiceError>;

    /// Writes the body of an error response with `status`, as JSON.
    fn write(&self, status: StatusCode, error: &ServiceError) -> Vec<u8>;

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
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainErrors;

impl ErrorFormat for PlainErrors {
    fn read(&self, body: &[u8]) -> Option<ServiceError> {
        /// A field of another type counts as absent, so that the other one can still be read.
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "string")]
            code: Option<String>,
            #[serde(default, deserialize_with = "string")]
            message: Option<String>,
        }
        fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
            Ok(match serde_json::Value::deserialize(deserializer)? {
                serde_json::Value::String(string) => Some(string),
                _ => None,
            })
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let Body { code, message } = Body::deserialize(Object(&mut deserializer)).ok()?;
        deserializer.end().ok()?;
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

struct Plain<'e>(&'e ServiceError);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", &self.0.code)?;
        map.serialize_entry("message", &self.0.message)?;
        map.end()
    }
}
