//! Problem details for HTTP APIs (RFC 9457).

use super::{ErrorBody, ServiceError, one_line};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// An error body in the format of RFC 9457, `application/problem+json`.
///
/// A contract names it as `#[http_api(…, error = Problem)]`. As the RFC requires of clients, a field of another
/// type counts as absent.
///
/// ```
/// use wiretrait::http::StatusCode;
/// use wiretrait::{Error, Problem};
///
/// // An implementation of a contract responds with exactly this body.
/// let problem = Problem::new(StatusCode::FORBIDDEN, "the balance is 30, but the book costs 50")
///     .with_type("https://example.com/problems/out-of-credit")
///     .with_extension("balance", 30);
/// let error = Error::from_body(StatusCode::FORBIDDEN, &problem);
///
/// // A caller reads it.
/// let problem: Problem = error.body_as().unwrap();
/// assert_eq!(problem.extensions["balance"], 30);
/// assert_eq!(
///     error.to_string(),
///     "the service responded with 403 Forbidden: https://example.com/problems/out-of-credit: \
///      the balance is 30, but the book costs 50"
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// The URI of the kind of problem; `about:blank` if the status says all.
    #[serde(rename = "type", default = "about_blank", deserialize_with = "type_uri")]
    pub type_uri: String,
    /// The summary of the kind of problem for people.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The status of the response, as the service sent it. A proxy may have changed that of the response.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The explanation of this occurrence for people.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The URI of this occurrence.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// All other fields.
    #[serde(flatten)]
    pub extensions: BTreeMap<String, Value>,
}

const ABOUT_BLANK: &str = "about:blank";

fn about_blank() -> String {
    ABOUT_BLANK.to_owned()
}

fn type_uri<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(optional(deserializer)?.unwrap_or_else(about_blank))
}

/// Reads a field, which counts as absent if it has another type.
fn optional<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).ok())
}

impl Problem {
    /// Creates a problem of the type `about:blank`, whose title is that of `status`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            type_uri: about_blank(),
            title: status.canonical_reason().map(str::to_owned),
            status: Some(status.as_u16()),
            detail: Some(detail.into()).filter(|detail| !detail.is_empty()),
            instance: None,
            extensions: BTreeMap::new(),
        }
    }

    /// Sets the URI of the kind of problem.
    #[must_use]
    pub fn with_type(mut self, uri: impl Into<String>) -> Self {
        self.type_uri = uri.into();
        self
    }

    /// Sets the summary of the kind of problem.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the URI of this occurrence.
    #[must_use]
    pub fn with_instance(mut self, uri: impl Into<String>) -> Self {
        self.instance = Some(uri.into());
        self
    }

    /// Returns all other fields as a type of the API, which ignores those that it does not have; `None` if one is missing
    /// or of another type.
    ///
    /// ```
    /// # use wiretrait::{Problem, http::StatusCode};
    /// #[derive(serde::Deserialize)]
    /// struct Credit {
    ///     balance: u32,
    /// }
    ///
    /// let problem = Problem::new(StatusCode::FORBIDDEN, "the balance is 30").with_extension("balance", 30);
    /// assert_eq!(problem.extensions_as::<Credit>().unwrap().balance, 30);
    /// ```
    #[must_use]
    pub fn extensions_as<T: DeserializeOwned>(&self) -> Option<T> {
        let fields = self.extensions.iter().map(|(name, value)| (name.clone(), value.clone()));
        serde_json::from_value(Value::Object(fields.collect())).ok()
    }

    /// Adds another field. One of the RFC's own fields is not replaced.
    #[must_use]
    pub fn with_extension(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if !FIELDS.contains(&name.as_str()) {
            self.extensions.insert(name, value.into());
        }
        self
    }
}

/// The fields that the RFC defines.
const FIELDS: [&str; 5] = ["type", "title", "status", "detail", "instance"];

impl ErrorBody for Problem {
    const MEDIA_TYPE: &'static str = "application/problem+json";

    /// Returns the detail, or else the title.
    fn message(&self) -> Cow<'_, str> {
        self.detail.as_deref().or(self.title.as_deref()).unwrap_or_default().into()
    }

    /// Returns the extension `code`, or else the type, unless that is `about:blank`.
    fn code(&self) -> Cow<'_, str> {
        let code = self.extensions.get("code").and_then(Value::as_str).filter(|code| !code.is_empty());
        let type_uri = Some(self.type_uri.as_str()).filter(|uri| *uri != ABOUT_BLANK);
        code.or(type_uri).unwrap_or_default().into()
    }

    /// Creates a problem of the type `about:blank` with the code as the extension `code`, and each detail as
    /// an extension. A code that is a URI becomes the type.
    fn from_service(status: StatusCode, error: &ServiceError) -> impl Serialize {
        let mut problem = Self::new(status, &error.message);
        for (name, value) in &error.details {
            problem = problem.with_extension(name, value.as_str());
        }
        match error.code.as_str() {
            "" => problem,
            uri if uri.contains(':') || uri.starts_with('/') => problem.with_type(uri),
            code => problem.with_extension("code", code),
        }
    }
}

/// Omits the instance and the extensions, which may be private.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("type", &one_line(&self.type_uri))
            .field("title", &self.title.as_deref().map(one_line))
            .field("status", &self.status)
            .field("detail", &self.detail.as_deref().map(one_line))
            .finish_non_exhaustive()
    }
}
