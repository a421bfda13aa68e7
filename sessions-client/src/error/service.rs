//! What the service says of an error, read from its answer.

use crate::object::Object;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// What the service says about an error of its own.
///
/// Commands answer in the shape of the Pip.Services framework (`code`, `category`, `message`, `details`,
/// `cause`); what fails before a command is reached, an unknown path say, has a `code` and a `message` alone.
/// The server's stack trace is not kept: it holds the paths of the machine it runs on.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ServiceError {
    /// What went wrong, for programs: `INVALID_DATA`, `EXEC_FAILED`, `ResourceNotFound` and so on.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
    /// The framework's class of errors, such as `BadRequest` or `FailedInvocation`; none if the request did
    /// not reach a command.
    pub category: Option<String>,
    /// The message of the error that this one wraps.
    pub cause: Option<String>,
    /// Facts about the error, by name.
    pub details: BTreeMap<String, String>,
    /// The id that the service knows the call by. Not every service of the framework names it.
    pub correlation_id: Option<String>,
}

impl ServiceError {
    /// An error with a code for programs and a message for people.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), ..Self::default() }
    }

    /// The same error in one of the framework's categories.
    #[must_use]
    pub fn with_category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// The same error with one more detail.
    #[must_use]
    pub fn with_detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// Reads an error body. `None` when it has neither of the service's shapes: then something else
    /// answered.
    pub(crate) fn from_body(body: &[u8]) -> Option<Self> {
        /// Fields are read one by one, so that an odd one does not hide the others.
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "text")]
            code: Option<String>,
            #[serde(default, deserialize_with = "text")]
            message: Option<String>,
            #[serde(default, deserialize_with = "text")]
            category: Option<String>,
            #[serde(default, deserialize_with = "text")]
            cause: Option<String>,
            #[serde(default, deserialize_with = "text")]
            correlation_id: Option<String>,
            #[serde(default)]
            details: serde_json::Value,
        }
        fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
            Ok(match serde_json::Value::deserialize(deserializer)? {
                serde_json::Value::String(text) => Some(text),
                _ => None,
            })
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let body = Body::deserialize(Object(&mut deserializer)).ok()?;
        deserializer.end().ok()?;
        if body.code.is_none() && body.message.is_none() {
            return None;
        }
        let details = match body.details {
            serde_json::Value::Object(details) => details
                .into_iter()
                .map(|(name, value)| match value {
                    serde_json::Value::String(text) => (name, text),
                    other => (name, other.to_string()),
                })
                .collect(),
            _ => BTreeMap::new(),
        };
        Some(Self {
            code: body.code.unwrap_or_default(),
            message: body.message.unwrap_or_default(),
            category: body.category,
            cause: body.cause,
            details,
            correlation_id: body.correlation_id.filter(|id| !id.is_empty()),
        })
    }
}

/// Longer messages are cut for display; [`ServiceError::message`] has them whole.
const LONGEST_MESSAGE: usize = 300;

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, message) = (one_line(&self.code), one_line(&self.message));
        match (code.is_empty(), message.is_empty()) {
            (false, false) => write!(f, "{code}: {message}"),
            (false, true) => f.write_str(&code),
            (true, _) => f.write_str(&message),
        }
    }
}

/// `text` without line breaks and control characters, and cut where it is too long for a log line.
pub(crate) fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        line.push('…');
    }
    line
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, category, .. } = self;
        f.debug_struct("ServiceError")
            .field("code", &one_line(code))
            .field("message", &one_line(message))
            .field("category", &category.as_deref().map(one_line))
            .finish_non_exhaustive()
    }
}
