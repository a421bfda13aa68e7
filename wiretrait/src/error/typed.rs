//! Error bodies of a declared type.

use super::format::Plain;
use super::{ErrorFormat, ServiceError};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The type of a contract's error bodies.
///
/// A contract names it: `#[http_api(…, error = GitHubError)]`. Clients read each error response as this type,
/// and show its code and message. Programs get all of it from [`Error::body_as`](crate::Error::body_as).
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use std::borrow::Cow;
/// use wiretrait::http::StatusCode;
/// use wiretrait::{Error, ErrorBody, Result, ServiceError, http_api};
///
/// #[derive(Deserialize, Serialize)]
/// struct GitHubError {
///     message: String,
///     documentation_url: Option<String>,
/// }
///
/// impl ErrorBody for GitHubError {
///     fn message(&self) -> Cow<'_, str> {
///         self.message.as_str().into()
///     }
///
///     // Only for services.
///     fn from_service(_status: StatusCode, error: &ServiceError) -> impl Serialize {
///         Self { message: error.message.clone(), documentation_url: None }
///     }
/// }
///
/// #[http_api(client = GitHubClient, module = github, error = GitHubError)]
/// trait GitHub {
///     #[get("/users/{name}")]
///     async fn user(&self, name: &str) -> Result<String>;
/// }
///
/// /// Returns where the documentation describes an error.
/// fn documentation(error: &Error) -> Option<String> {
///     error.body_as::<GitHubError>()?.documentation_url
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error body",
    label = "does not implement `ErrorBody`",
    note = "implement `wiretrait::ErrorBody` for it"
)]
pub trait ErrorBody: DeserializeOwned + 'static {
    /// The media type of responses with such a body.
    const MEDIA_TYPE: &'static str = "application/json";

    /// Returns the message for people. A body without a code and a message counts as one in another format.
    fn message(&self) -> Cow<'_, str>;

    /// Returns the error code for programs; empty by default.
    fn code(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    /// Creates the body that a service writes for `error`, usually a value of this type. By default it is an
    /// object with `code` and `message`.
    #[must_use]
    fn from_service(_status: StatusCode, error: &ServiceError) -> impl Serialize {
        Plain(error)
    }
}

/// The error format of a contract with a declared type of its error bodies, as `#[http_api(…, error = Type)]`
/// generates it.
pub struct TypedErrors<T>(PhantomData<fn() -> T>);

impl<T> TypedErrors<T> {
    /// The format.
    pub const NEW: Self = Self(PhantomData);
}

impl<T: ErrorBody> ErrorFormat for TypedErrors<T> {
    fn read(&self, body: &[u8]) -> Option<ServiceError> {
        let body: T = serde_json::from_slice(body).ok()?;
        let error = ServiceError::new(body.code(), body.message());
        (!error.is_empty()).then_some(error)
    }

    fn write(&self, status: StatusCode, error: &ServiceError) -> Vec<u8> {
        serde_json::to_vec(&T::from_service(status, error)).unwrap_or_default()
    }

    fn media_type(&self) -> HeaderValue {
        const { HeaderValue::from_static(T::MEDIA_TYPE) }
    }
}

impl<T> fmt::Debug for TypedErrors<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedErrors").finish_non_exhaustive()
    }
}
