//! The error format of the framework.

use http::{Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wiretrait::{Error, ErrorFormat, ObjectDeserializer, ServiceError};

/// The error format of services of the framework.
///
/// A command responds with `code`, `status`, `message`, `category`, `details` and sometimes `cause`; a
/// failure before a command is reached, such as an unknown path, has `code` and `message` only. A contract
/// names it as `#[http_api(…, errors = PipErrors)]`. What the framework's services in Node.js add, such as a `stack`, is
/// not read, and written only [like one](Self::write_like_node).
///
/// The correlation id of an error is read from `correlation_id`, or else from `trace_id`, its name in generation 4 of
/// the framework.
#[derive(Clone, Copy, Debug, Default)]
pub struct PipErrors;

impl PipErrors {
    /// Writes an error like the framework's services in Node.js, whose errors have a `name` and a `stack` too.
    ///
    /// For programs that imitate such a service; [`write`](ErrorFormat::write) is for others.
    #[must_use]
    pub fn write_like_node(&self, status: StatusCode, error: &ServiceError) -> Vec<u8> {
        body(&Body { status, error, is_of_node: true })
    }
}

impl ErrorFormat for PipErrors {
    fn read(&self, body: &[u8]) -> Option<ServiceError> {
        /// Fields of another type count as absent, so that an odd one does not hide the others.
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "string")]
            code: Option<String>,
            #[serde(default, deserialize_with = "string")]
            message: Option<String>,
            #[serde(default, deserialize_with = "string")]
            category: Option<String>,
            #[serde(default, deserialize_with = "string")]
            cause: Option<String>,
            #[serde(default, deserialize_with = "string")]
            correlation_id: Option<String>,
            #[serde(default, deserialize_with = "string")]
            trace_id: Option<String>,
            #[serde(default)]
            details: serde_json::Value,
        }
        fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
            Ok(match serde_json::Value::deserialize(deserializer)? {
                serde_json::Value::String(string) => Some(string),
                _ => None,
            })
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let body = Body::deserialize(ObjectDeserializer(&mut deserializer)).ok()?;
        deserializer.end().ok()?;
        if body.code.is_none() && body.message.is_none() {
            return None;
        }
        let mut error = ServiceError::new(body.code.unwrap_or_default(), body.message.unwrap_or_default());
        error.category = body.category;
        error.cause = body.cause;
        let id = |id: Option<String>| id.filter(|id| !id.is_empty());
        error.correlation_id = id(body.correlation_id).or_else(|| id(body.trace_id));
        if let serde_json::Value::Object(details) = body.details {
            error.details = details
                .into_iter()
                .map(|(name, value)| match value {
                    serde_json::Value::String(string) => (name, string),
                    other => (name, other.to_string()),
                })
                .collect();
        }
        Some(error)
    }

    fn write(&self, status: StatusCode, error: &ServiceError) -> Vec<u8> {
        body(&Body { status, error, is_of_node: false })
    }

    fn invalid_json(&self, why: &str) -> ServiceError {
        ServiceError::new("InvalidContent", format!("Invalid JSON: {why}"))
    }

    fn invalid_arguments(&self, problems: &[String]) -> ServiceError {
        ServiceError::new("INVALID_DATA", format!("Validation failed: {}", problems.join(", ")))
            .with_category("BadRequest")
    }

    fn unknown_path(&self, path: &str) -> ServiceError {
        ServiceError::new("ResourceNotFound", format!("{path} does not exist"))
    }

    fn method_not_allowed(&self, method: &Method) -> ServiceError {
        ServiceError::new("MethodNotAllowed", format!("{method} is not allowed"))
    }

    fn body_too_large(&self, limit: usize) -> ServiceError {
        ServiceError::new("PayloadTooLarge", format!("the body is larger than the limit of {limit} bytes"))
    }

    fn incomplete_body(&self) -> ServiceError {
        ServiceError::new("InvalidContent", "the body is incomplete")
    }

    fn unusable_argument(&self, error: &Error) -> ServiceError {
        ServiceError::new("INVALID_DATA", error.to_string()).with_category("BadRequest")
    }

    fn failed(&self, operation: &str, error: &Error) -> ServiceError {
        ServiceError::new("EXEC_FAILED", format!("Execution {operation} failed: {error}"))
            .with_category("FailedInvocation")
            .with_detail("command", operation)
    }
}

fn body(body: &Body) -> Vec<u8> {
    // Strings and numbers are always valid JSON.
    serde_json::to_vec(body).unwrap_or_default()
}

struct Body<'e> {
    status: StatusCode,
    error: &'e ServiceError,
    is_of_node: bool,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { status, error, is_of_node } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &error.code)?;
        if let Some(category) = &error.category {
            map.serialize_entry("status", &status.as_u16())?;
            map.serialize_entry("message", &error.message)?;
            if *is_of_node {
                map.serialize_entry("name", &error.code)?;
                map.serialize_entry("stack", &format_args!("{}: {}", error.code, error.message))?;
            }
            if let Some(cause) = &error.cause {
                map.serialize_entry("cause", cause)?;
            }
            map.serialize_entry("details", &error.details)?;
            map.serialize_entry("category", category)?;
            if let Some(id) = &error.correlation_id {
                map.serialize_entry("correlation_id", id)?;
            }
        } else {
            map.serialize_entry("message", &error.message)?;
        }
        map.end()
    }
}
