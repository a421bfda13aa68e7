//! What can go wrong with a call, in one type.
//!
//! An error says in one line which operation failed, where and why. It never holds what the caller sent or
//! what the service stored: messages are built from status codes, names and positions, and from the
//! message that the service itself chose to send.

mod service;

pub use service::ServiceError;
#[cfg(feature = "tower")]
pub(crate) use service::one_line;

use http::StatusCode;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call failed.
///
/// [`kind`](Self::kind) tells the cases apart; [`status`](Self::status) and [`service`](Self::service) keep
/// what the service said. `Display` is one line for a log or a person; [`source`](StdError::source) goes on
/// where a library below has more to say. Neither these nor `Debug` show the
/// [`correlation_id`](Self::correlation_id).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    status: Option<StatusCode>,
    service: Option<ServiceError>,
    message: Cow<'static, str>,
    source: Option<BoxError>,
    /// 0 until a transport was asked.
    attempts: u32,
    retry_after: Option<Duration>,
    /// As the caller gave it.
    correlation_id: Option<String>,
}

/// The kinds of failure, by what the caller can do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot be used. Nothing was sent.
    Config,
    /// An argument cannot be sent. Nothing was sent.
    Encode,
    /// No connection could be made: the request never left.
    Connect,
    /// The time for the call ran out; the service may have done its work.
    Timeout,
    /// The connection broke before the whole answer was there; the service may have done its work.
    Transport,
    /// The service, or something on the way to it, answered with an error status.
    Service,
    /// The answer is a success that cannot be read as what was promised.
    Decode,
}

impl ErrorKind {
    /// The kind in lower case, for the labels of metrics and the fields of logs: `connect`, `timeout` and so on.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Encode => "encode",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Service => "service",
            Self::Decode => "decode",
        }
    }
}

impl Error {
    /// An error of one's own: for transports, implementations of a contract, and tests.
    ///
    /// ```
    /// use sessions_client::{Error, ErrorKind};
    /// use std::time::Duration;
    ///
    /// let late = Error::new(ErrorKind::Timeout, "no answer within 2s")
    ///     .with_operation("open_session")
    ///     .with_attempts(3)
    ///     .with_retry_after(Duration::from_secs(1));
    /// assert_eq!(late.to_string(), "open_session: no answer within 2s (3 attempts)");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self(Box::new(Inner {
            kind,
            operation: None,
            status: None,
            service: None,
            message,
            source: None,
            attempts: 0,
            retry_after: None,
            correlation_id: None,
        }))
    }

    /// The error that a service answers with: `status`, and what it says about it.
    ///
    /// A client returns it for an error response, and an implementation of a contract can return it to have
    /// just that response sent.
    #[must_use]
    pub fn from_service(status: StatusCode, service: ServiceError) -> Self {
        let mut error = Self::new(ErrorKind::Service, "");
        error.0.status = Some(status);
        error.0.service = Some(service);
        error
    }

    /// An argument that cannot be sent, and why.
    pub(crate) fn argument(name: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Encode, format!("the argument `{name}` {why}"))
    }

    pub(crate) fn config(key: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Config, format!("`{key}` {why}"))
    }

    /// The same error of the operation `operation`, unless it is known to be another's.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// The same error, after an answer with `status`.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The same error after `attempts` at least: what is inside may know of more.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = self.0.attempts.max(attempts);
        self
    }

    /// The same error with another wish of the service to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, pause: impl Into<Option<Duration>>) -> Self {
        self.0.retry_after = pause.into();
        self
    }

    /// The same error with the id that the caller gave the call, unless it has one already.
    #[must_use]
    pub fn with_correlation_id(mut self, id: impl Into<Option<String>>) -> Self {
        self.0.correlation_id = self.0.correlation_id.or_else(|| id.into());
        self
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Which kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, such as `open_session`, once a call was made.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status of the answer, if there was one. It is that of the response itself, whatever the
    /// body claims.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// What the service says about its error, if the answer came from the service.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// How many attempts were begun, whether or not they came as far as sending; 0 for an error of the
    /// arguments or the configuration.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The correlation id of the call: the one that it was made with, or else the one that the service names
    /// in its error. An empty one is none; one that was itself refused may be missing.
    ///
    /// It finds the call in the logs of the service. It may be made of anything, a user's name for one, so
    /// `Display` and `Debug` leave it out: print it where that is right.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        let Inner { correlation_id, service, .. } = &*self.0;
        let in_answer = || service.as_ref().and_then(|service| service.correlation_id.as_deref());
        correlation_id.as_deref().or_else(in_answer)
    }

    /// OpenTelemetry's `error.type`: the status of an error answer, such as `503`, or else the
    /// [kind](ErrorKind::as_str). There are few of them, and none holds data, so that metrics can be kept by it.
    #[must_use]
    pub fn error_type(&self) -> &str {
        match (&self.0.status, self.kind()) {
            (Some(status), ErrorKind::Service) => status.as_str(),
            (_, kind) => kind.as_str(),
        }
    }

    /// How long the service wants to be left alone, by the `Retry-After` of its last answer.
    ///
    /// A date is measured from the answer's own `Date`; without one there is none here.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the time for the call ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether no connection could be made, so that the request never left.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Whether the answer is 404: at the address of the service is something that does not know the operation.
    ///
    /// A session that does not exist is no error, but `None`.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether the failure may pass: the same call can succeed later. That goes for no connection, a broken
    /// one, a limit of time, and the statuses 408, 429, 502, 503 and 504.
    ///
    /// It does not say that a repeat is safe: except where [`is_connect`](Self::is_connect), the service may
    /// have done its work already, which counts for operations that are not idempotent.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport => true,
            ErrorKind::Service => self.status().is_some_and(may_pass),
            ErrorKind::Config | ErrorKind::Encode | ErrorKind::Decode => false,
        }
    }
}

/// Whether a status speaks of a moment and not of the request. 500 does not: the sessions service answers it
/// for what a command makes of its arguments, and would do so again.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// A status as messages show it: [`StatusCode`] names codes that it does not know "<unknown status code>".
pub(crate) struct Status(pub(crate) StatusCode);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.canonical_reason() {
            Some(reason) => write!(f, "{} {reason}", self.0.as_u16()),
            None => write!(f, "{}", self.0.as_u16()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, status, service, message, attempts, .. } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{operation}: ")?;
        }
        match (service, status) {
            (Some(service), Some(status)) => write!(f, "the service answered {}: {service}", Status(*status)),
            (Some(service), None) => write!(f, "the service failed: {service}"),
            (None, _) => f.write_str(message),
        }?;
        if *attempts > 1 { write!(f, " ({attempts} attempts)") } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, operation, status, service, message, source, attempts, retry_after, .. } = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", kind);
        if let Some(operation) = operation {
            debug.field("operation", operation);
        }
        if let Some(status) = status {
            debug.field("status", &status.as_u16());
        }
        if let Some(service) = service {
            debug.field("service", service);
        } else {
            debug.field("message", message);
        }
        if let Some(source) = source {
            debug.field("source", &source.to_string());
        }
        debug.field("attempts", attempts);
        if let Some(pause) = retry_after {
            debug.field("retry_after", pause);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
