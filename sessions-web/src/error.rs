//! The error of extractors and of changes to sessions, and its response.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The reason why a request has no session, or why a session could not be changed.
///
/// It is the rejection of the extractors. As a response it has a status and one line for people:
///
/// | error | status |
/// |---|---|
/// | [`NotLoggedIn`](Self::NotLoggedIn), [`Ended`](Self::Ended) | 401 |
/// | [`Ambiguous`](Self::Ambiguous) | 400 |
/// | [`Service`](Self::Service) | 503 with `Retry-After` if the call may succeed later, else 502 |
/// | all others | 500 |
///
/// With [`SessionLayer::with_login_page`](crate::SessionLayer::with_login_page), browsers are redirected to the login
/// page instead of the 401. For other responses, extract `Option<Session>` or `Result<Session, SessionError>`.
///
/// Debug builds add the reason of a 5xx to the line, such as an address at which the service does not accept
/// connections. Release builds only log it. The messages contain no session ids, users or data: those of the service
/// are replaced for calls that send users or data, or that list sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The request names no session, or one that does not exist, is closed, or has expired, or whose user cannot be
    /// read as the type that the handler asks for. The log has a warning about the last case.
    NotLoggedIn,
    /// The session has ended since it was loaded: another request has logged the user out, or it has expired.
    /// Nothing was stored.
    Ended,
    /// The request has several different session cookies or headers, so its session is not certain.
    Ambiguous,
    /// The call to the sessions service has failed.
    Service(Arc<sessions_client::Error>),
    /// A part of the session cannot be converted from or to a type of the application.
    Payload(PayloadError),
    /// The user id for a new session is empty. The service would open a session without a user.
    EmptyUserId,
    /// The request did not pass through a [`SessionLayer`](crate::SessionLayer).
    NoLayer,
}

/// The part of a session that cannot be converted from or to a type of the application.
#[derive(Clone, Debug)]
pub struct PayloadError {
    part: String,
    problem: &'static str,
    type_name: &'static str,
}

impl PayloadError {
    pub(crate) fn read<T: ?Sized>(part: impl Into<String>) -> Self {
        Self { part: part.into(), problem: "cannot be read as", type_name: std::any::type_name::<T>() }
    }

    pub(crate) fn write<T: ?Sized>(part: impl Into<String>) -> Self {
        Self {
            part: part.into(),
            problem: "cannot be written as JSON from",
            type_name: std::any::type_name::<T>(),
        }
    }

    /// The data of the session is not a JSON object, so it has no keys.
    pub(crate) fn not_an_object() -> Self {
        Self { part: "`data`".to_owned(), problem: "is not", type_name: "a JSON object, so it has no keys" }
    }
}

/// Shows the key and the type, without the value.
impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, problem, type_name } = self;
        write!(f, "{part} of the session {problem} {type_name}")
    }
}

impl Error for PayloadError {}

impl SessionError {
    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::Ended => StatusCode::UNAUTHORIZED,
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::Service(error) if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Service(_) => StatusCode::BAD_GATEWAY,
            Self::Payload(_) | Self::EmptyUserId | Self::NoLayer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the line for people in the response.
    fn public_message(&self) -> &'static str {
        match self {
            Self::NotLoggedIn => "log in first",
            Self::Ended => "the session has ended: log in again",
            Self::Ambiguous => "the request has several session ids: delete the cookies of this site",
            Self::Service(_) => "sessions are not available: try again later",
            Self::Payload(_) | Self::EmptyUserId | Self::NoLayer => "internal error",
        }
    }

    /// Returns the body of the response, with the reason of a 5xx for developers.
    fn body(&self, shows_reason: bool) -> Cow<'static, str> {
        let line = self.public_message();
        if shows_reason && self.status().is_server_error() {
            format!("{line}\n\n{self}\n").into()
        } else {
            line.into()
        }
    }
}

/// Marks responses that demand a login, in their extensions.
#[derive(Clone, Copy)]
pub(crate) struct LoginRequired;

impl From<sessions_client::Error> for SessionError {
    fn from(error: sessions_client::Error) -> Self {
        Self::Service(Arc::new(error))
    }
}

impl From<PayloadError> for SessionError {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(error) => write!(f, "the sessions service has failed: {error}"),
            Self::Payload(error) => error.fmt(f),
            Self::EmptyUserId => f.write_str(
                "the user id for a new session is empty: pass the id of the user who has proved their identity",
            ),
            Self::NoLayer => {
                f.write_str("the request did not pass through a `SessionLayer`: add one to the router of this route")
            }
            Self::NotLoggedIn | Self::Ended | Self::Ambiguous => f.write_str(self.public_message()),
        }
    }
}

impl Error for SessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Service(error) => Some(&**error),
            Self::Payload(error) => Some(error),
            _ => None,
        }
    }
}

/// Responds with the [status](SessionError::status) and one line; in debug builds, also with the reason of a 5xx.
/// Failures of the service and of the application are logged as errors.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(%status, error = %self, "no session for the request");
        }
        let mut response = (status, self.body(cfg!(debug_assertions))).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.extensions_mut().insert(LoginRequired);
        }
        if let (Self::Service(error), StatusCode::SERVICE_UNAVAILABLE) = (&self, status) {
            let pause = error.retry_after().unwrap_or(Duration::from_secs(1));
            let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_build_shows_no_reason() {
        for error in [SessionError::NoLayer, PayloadError::read::<u32>("`user`").into()] {
            assert_eq!(error.body(false), "internal error");
        }
    }

    #[test]
    fn a_debug_build_shows_the_reason_of_server_errors_only() {
        assert!(SessionError::NoLayer.body(true).contains("add one to the router"));
        assert_eq!(SessionError::NotLoggedIn.body(true), "log in first");
    }
}
