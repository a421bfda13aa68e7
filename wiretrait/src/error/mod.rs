//! The error type of all calls.
//!
//! An error describes in one line which operation failed, where and why. It never contains arguments or
//! stored data: messages consist of status codes, names and positions, and of the message that the service
//! sent with its error.

mod displayed;
mod format;
mod local_limit;
mod problem;
mod response;
mod service;
mod typed;

#[cfg(feature = "test-kit")]
pub(crate) use displayed::displayed;
pub use displayed::is_displayed;
pub(crate) use displayed::one_line;
pub use format::{ErrorFormat, PlainErrors};
pub(crate) use local_limit::LocalLimit;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) use local_limit::os_code;
pub use problem::Problem;
pub use service::ServiceError;
pub use typed::{ErrorBody, TypedErrors};

use crate::runtime::{Response, without_mark};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use response::ErrorResponse;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The error of a call.
///
/// [`kind`](Self::kind) distinguishes the cases; [`status`](Self::status) and [`service`](Self::service) are
/// those of the response, and so are [`headers`](Self::headers), [`body`](Self::body) and
/// [`body_as`](Self::body_as). `Display` writes one line for logs and people; [`source`](StdError::source) is the
/// error of a library below, if there is one. Neither of them nor `Debug` shows the headers, the body or the
/// [`correlation_id`](Self::correlation_id).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    status: Option<StatusCode>,
    service: Option<ServiceError>,
    response: Option<ErrorResponse>,
    message: Cow<'static, str>,
    /// The remedy, at the end of the message.
    advice: Option<Cow<'static, str>>,
    source: Option<BoxError>,
    /// 0 if no transport was called.
    attempts: u32,
    /// The number of attempts that followed one without effect at once.
    sent_again: u32,
    retry_after: Option<Duration>,
    /// The id of the call, not that of the response.
    correlation_id: Option<String>,
    /// True if the service has certainly not processed the request; `None` if the kind and the status determine it.
    is_unprocessed: Option<bool>,
    /// The reason why the request was not processed, if it can be sent again at once.
    unprocessed: Option<Unprocessed>,
    /// True if a connection from the pool was closed before a response.
    is_stale_connection: bool,
    /// True if another attempt may succeed, although failures of this kind are permanent.
    is_transient: bool,
    /// True if the service asks for no retry.
    forbids_retry: bool,
    /// The hop that no connection was made to, for failures of this kind.
    hop: Hop,
}

/// A hop between the client and the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hop {
    #[default]
    Service,
    Proxy,
}

/// The reason why a service has certainly not processed a request that can be sent again at once.
#[cfg_attr(
    not(all(feature = "http2", any(feature = "hyper", feature = "reqwest"))),
    expect(dead_code, reason = "only failures over HTTP/2 have one")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprocessed {
    /// The connection ended before a byte of the request was written.
    Unsent,
    /// The request was written, and the service announced the end of the connection before it.
    Excluded,
    /// The service refused the stream of the request.
    StreamRefused,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot be used. Nothing was sent.
    Config,
    /// An argument cannot be sent. Nothing was sent.
    Encode,
    /// The credentials cannot be obtained, for example because the token server rejects them. Nothing was
    /// sent.
    Credentials,
    /// The call waited for one of the [concurrent calls](crate::ClientConfig::with_concurrency_limit) to end
    /// until its time limit. Nothing was sent.
    ConcurrencyLimit,
    /// No connection could be made. Nothing was sent.
    Connect,
    /// The proxy refuses to connect to the service: its credentials are wrong, or the host is forbidden. A
    /// proxy that is down is [`Connect`](Self::Connect). The service has not processed the request.
    Proxy,
    /// The TLS handshake failed, for example because a certificate is not trusted or has expired. The service
    /// has not processed the request.
    Tls,
    /// The time limit of the call has expired. The service may have processed the request.
    Timeout,
    /// The connection failed before the response was complete. The service may have processed the request.
    Transport,
    /// The response is not valid HTTP. The service may have processed the request.
    Protocol,
    /// The service, or a proxy in front of it, responded with an error status.
    Service,
    /// The response is a success that cannot be decoded.
    Decode,
}

impl ErrorKind {
    /// Returns the kind in lower case, for labels of metrics and fields of logs, such as `connect` or
    /// `timeout`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Encode => "encode",
            Self::Credentials => "credentials",
            Self::ConcurrencyLimit => "concurrency_limit",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Protocol => "protocol",
            Self::Service => "service",
            Self::Decode => "decode",
        }
    }
}

impl Error {
    /// Creates an error, for custom transports, implementations of a contract, and tests.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wiretrait::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Timeout, "no response within 2s")
    ///     .with_operation("find")
    ///     .with_attempts(3)
    ///     .with_retry_after(Duration::from_secs(1));
    /// assert_eq!(error.to_string(), "find: no response within 2s (3 attempts)");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self(Box::new(Inner {
            kind,
            operation: None,
            status: None,
            service: None,
            response: None,
            message,
            advice: None,
            source: None,
            attempts: 0,
            sent_again: 0,
            retry_after: None,
            correlation_id: None,
            is_unprocessed: None,
            unprocessed: None,
            is_stale_connection: false,
            is_transient: false,
            forbids_retry: false,
            hop: Hop::default(),
        }))
    }

    /// Creates an error from an error response: its `status`, and the error in its body.
    ///
    /// Clients return it for an error response, and an implementation of a contract can return it to send
    /// exactly that response.
    #[must_use]
    pub fn from_service(status: StatusCode, service: ServiceError) -> Self {
        let mut error = Self::new(ErrorKind::Service, "");
        error.0.status = Some(status);
        error.0.service = Some(service);
        error
    }

    /// Creates an error from an error response with `body`, which an implementation of a contract returns to send
    /// exactly that response. Its error is the code and the message of `body`.
    ///
    /// If `body` cannot be serialized, the response is in the format of the contract.
    #[must_use]
    pub fn from_body<T: ErrorBody + Serialize>(status: StatusCode, body: &T) -> Self {
        let mut error = Self::from_service(status, ServiceError::new(body.code(), body.message()));
        error.0.response = serde_json::to_vec(body).ok().map(|body| {
            let media_type = const { HeaderValue::from_static(T::MEDIA_TYPE) };
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type.clone())]);
            let own_media_type = Some(media_type);
            ErrorResponse { headers, body: body.into(), is_truncated: false, own_media_type }
        });
        error
    }

    /// Creates an error for an argument that cannot be sent.
    pub(crate) fn argument(name: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Encode, format!("the argument `{name}` {why}"))
    }

    pub(crate) fn config(key: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Config, format!("`{key}` {why}"))
    }

    /// Sets the operation, unless it is set already.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Sets the status of the response.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets the status, the headers and the body of the response. At most 64 KiB of the body are kept.
    #[must_use]
    pub fn with_response(mut self, response: &Response) -> Self {
        self.0.status = Some(response.status());
        self.0.response = Some(ErrorResponse::of(response));
        self
    }

    /// Sets the headers and the body of the response, which has no status of HTTP.
    #[cfg(feature = "grpc")]
    pub(crate) fn with_content_of(mut self, response: &Response) -> Self {
        self.0.response = Some(ErrorResponse::of(response));
        self
    }

    /// Marks a failure as one after which the service asks for no retry.
    #[cfg(feature = "grpc")]
    pub(crate) fn with_retries_forbidden(mut self) -> Self {
        self.0.forbids_retry = true;
        self
    }

    /// Returns whether the service asks for no retry.
    pub(crate) fn forbids_retry(&self) -> bool {
        self.0.forbids_retry
    }

    /// Sets the number of attempts, unless it is greater already.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = self.0.attempts.max(attempts);
        self
    }

    /// Sets the number of attempts that followed one without effect at once.
    pub(crate) fn with_sent_again(mut self, attempts: u32) -> Self {
        self.0.sent_again = attempts;
        self
    }

    /// Sets the `Retry-After` delay.
    #[must_use]
    pub fn with_retry_after(mut self, pause: impl Into<Option<Duration>>) -> Self {
        self.0.retry_after = pause.into();
        self
    }

    /// Sets the correlation id of the call, unless it is set already.
    #[must_use]
    pub fn with_correlation_id(mut self, id: impl Into<Option<String>>) -> Self {
        self.0.correlation_id = self.0.correlation_id.or_else(|| id.into());
        self
    }

    /// Marks a failure as one after which the service has certainly not processed the request, so that a
    /// retry is safe: for example a stream that an HTTP/2 server refused.
    #[must_use]
    pub fn with_unprocessed(mut self) -> Self {
        self.0.is_unprocessed = Some(true);
        self
    }

    /// Marks a failure as one after which the service may have processed the request, although its status says otherwise.
    pub(crate) fn with_possible_effect(mut self) -> Self {
        self.0.is_unprocessed = Some(false);
        self
    }

    /// Marks a failure as one after which the request can be sent again at once.
    #[cfg(all(feature = "http2", any(feature = "hyper", feature = "reqwest")))]
    pub(crate) fn with_unprocessed_because(mut self, reason: Unprocessed) -> Self {
        self.0.unprocessed = Some(reason);
        self.with_unprocessed()
    }

    /// Returns why the request was not processed, if it can be sent again at once.
    pub(crate) fn unprocessed(&self) -> Option<Unprocessed> {
        self.0.unprocessed
    }

    /// Marks a failure as one of a [stale connection](Self::is_stale_connection).
    #[must_use]
    pub fn with_stale_connection(mut self) -> Self {
        self.0.is_stale_connection = true;
        self
    }

    /// Sets the remedy, unless it is `None`.
    #[must_use]
    pub(crate) fn with_advice(mut self, advice: Option<Cow<'static, str>>) -> Self {
        self.0.advice = advice.or(self.0.advice);
        self
    }

    /// Returns whether the error has a remedy apart from its message.
    #[cfg(feature = "grpc")]
    pub(crate) fn has_advice(&self) -> bool {
        self.0.advice.is_some()
    }

    /// Marks a failure as transient, although others of its kind are permanent.
    #[cfg(feature = "reqwest")]
    pub(crate) fn with_transient(mut self) -> Self {
        self.0.is_transient = true;
        self
    }

    /// Marks a failure as one of the [proxy](Self::is_proxy_failure).
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn with_proxy_failure(mut self) -> Self {
        self.0.hop = Hop::Proxy;
        self
    }

    /// Sets the cause of a failure, which makes it permanent: the service speaks another protocol. It replaces the advice, and
    /// the message of a failed TLS handshake, whose remedy is one for services that speak HTTP.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn with_protocol_mismatch(mut self, cause: &Self) -> Self {
        let is_of_handshake = self.kind() == ErrorKind::Tls;
        self.0.kind = ErrorKind::Protocol;
        self.0.is_transient = false;
        if is_of_handshake {
            self.0.message = cause.to_string().into();
            self.0.advice = None;
            return self;
        }
        self.with_advice(Some(cause.to_string().into()))
    }

    /// Returns a copy for another call that has failed for the same reason. Of the source, only the error of the
    /// operating system is copied.
    #[cfg(all(feature = "hyper", feature = "http2"))]
    pub(crate) fn for_another_call(&self) -> Self {
        let code = self.source().and_then(|source| source.downcast_ref::<std::io::Error>()?.raw_os_error());
        let Inner { kind, message, advice, is_unprocessed, is_transient, hop, .. } = &*self.0;
        let mut error = Self::new(*kind, message.clone()).with_advice(advice.clone());
        error.0.is_unprocessed = *is_unprocessed;
        error.0.is_transient = *is_transient;
        error.0.hop = *hop;
        match code {
            Some(code) => error.with_source(std::io::Error::from_raw_os_error(code)),
            None => error,
        }
    }

    /// Sets the source.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the operation that failed, such as `find`; `None` if no call was made.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the HTTP status of the response, if there was one. A status in its body is not considered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the headers of the response, if there was one. They may be private, as cookies are.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.response.as_ref().map(|response| &response.headers)
    }

    /// Returns the body of the response, if there was one: up to 64 KiB, see
    /// [`is_body_truncated`](Self::is_body_truncated). It may be private.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.0.response.as_ref().map(|response| &response.body)
    }

    /// Returns whether [`body`](Self::body) is only the start of a longer one.
    #[must_use]
    pub fn is_body_truncated(&self) -> bool {
        self.0.response.as_ref().is_some_and(|response| response.is_truncated)
    }

    /// Reads the body of the response as JSON, for example as the [`ErrorBody`] of the contract. Returns `None` if
    /// there is no complete body or it is not a `T`.
    #[must_use]
    pub fn body_as<'e, T: Deserialize<'e>>(&'e self) -> Option<T> {
        let response = self.0.response.as_ref().filter(|response| !response.is_truncated)?;
        serde_json::from_slice(without_mark(&response.body)).ok()
    }

    /// Returns the body that an implementation responds with, and its media type.
    pub(crate) fn own_body(&self) -> Option<(HeaderValue, Bytes)> {
        let response = self.0.response.as_ref()?;
        Some((response.own_media_type.clone()?, response.body.clone()))
    }

    /// Returns the error in the body of the response, if it has the format of the contract.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// Returns the number of attempts that were started, including those that did not send anything; 0 for an
    /// error in the arguments or the configuration.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns the number of retries. An attempt that is made at once, because the one before had certainly no effect
    /// (see [`RetryPolicy`](crate::policy::RetryPolicy)), is not a retry. So the service has processed at most the last
    /// attempt if there were no retries.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.0.attempts.saturating_sub(1).saturating_sub(self.0.sent_again)
    }

    /// Returns the correlation id of the call, or else the one in the service's error. An empty id counts as
    /// absent, and an id that could not be encoded may be missing.
    ///
    /// It identifies the call in the logs of the service. `Display` and `Debug` omit it, because it may
    /// contain private data such as the name of a user.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        let Inner { correlation_id, service, .. } = &*self.0;
        let in_response = || service.as_ref().and_then(|service| service.correlation_id.as_deref());
        correlation_id.as_deref().or_else(in_response)
    }

    /// Returns OpenTelemetry's `error.type`: the status of an error response, such as `503`, or else the
    /// [kind](ErrorKind::as_str). There are few different values and none contains data, so it is suitable as
    /// a label of metrics.
    #[must_use]
    pub fn error_type(&self) -> &str {
        match (&self.0.status, self.kind()) {
            (Some(status), ErrorKind::Service) => status.as_str(),
            (_, kind) => kind.as_str(),
        }
    }

    /// Returns the `Retry-After` delay of the last response.
    ///
    /// A date is relative to the response's own `Date`, or else to the clock of the policies. Without policies
    /// there is no delay then.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns whether the time limit of the call has expired.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Returns whether no connection could be made, so that nothing was sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Returns whether the proxy in front of the service has failed: it cannot be reached, or refuses to connect to
    /// the service. The service is not to blame. A [limit of this machine](Self::is_local_limit) is not a failure of the proxy.
    #[must_use]
    pub fn is_proxy_failure(&self) -> bool {
        (self.0.hop == Hop::Proxy || self.kind() == ErrorKind::Proxy) && !self.is_local_limit()
    }

    /// Returns whether a resource of this machine is exhausted, rather than one of the service: its ports,
    /// open files, memory or buffers for the network. [`source`](StdError::source) leads to the
    /// [`std::io::Error`] with the code of the operating system.
    ///
    /// Retries rarely help, and failures of a load generator by this cause say nothing about the service.
    #[must_use]
    pub fn is_local_limit(&self) -> bool {
        let mut cause = self.source();
        while let Some(error) = cause {
            if error.downcast_ref().and_then(LocalLimit::of).is_some() {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Returns whether the service has certainly not processed the request: nothing was sent, or the service
    /// [refused](Self::with_unprocessed) the request before it was processed, which the statuses 401 and 429 say too.
    /// Then a retry is safe for every operation. Over gRPC, 429 (`RESOURCE_EXHAUSTED`) says so only together with a delay.
    #[must_use]
    pub fn is_unprocessed(&self) -> bool {
        self.0.is_unprocessed.unwrap_or_else(|| match self.kind() {
            ErrorKind::Config
            | ErrorKind::Encode
            | ErrorKind::Credentials
            | ErrorKind::ConcurrencyLimit
            | ErrorKind::Connect
            | ErrorKind::Proxy
            | ErrorKind::Tls => true,
            ErrorKind::Service => {
                matches!(self.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS))
            }
            ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Protocol | ErrorKind::Decode => false,
        })
    }

    /// Returns whether an idle connection was closed by the peer while the request was sent: it had carried an
    /// earlier call, and ended before any byte of a response.
    ///
    /// Servers do so when their idle time expires, or at a graceful reload. A service that crashes after it has
    /// received the request looks the same, so the service may have processed the request. Only
    /// [`HyperTransport`](crate::HyperTransport) over HTTP/1.1 reports it.
    #[must_use]
    pub fn is_stale_connection(&self) -> bool {
        self.0.is_stale_connection
    }

    /// Returns whether the response has the status 404.
    ///
    /// If missing items are `None` in a contract, it means that the server at this address does not have the
    /// operation.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Returns whether the failure may be transient, so that the same call can succeed later: no connection,
    /// a failed connection, an expired time limit, the limit of concurrent calls, and the statuses 408, 429,
    /// 502, 503 and 504.
    ///
    /// A retry is not always safe: unless [`is_unprocessed`](Self::is_unprocessed) is true, the service may
    /// have processed the request, which matters for operations that are not idempotent.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if self.0.is_transient {
            return true;
        }
        match self.kind() {
            ErrorKind::ConcurrencyLimit | ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport => {
                true
            }
            ErrorKind::Service => self.status().is_some_and(is_transient),
            ErrorKind::Config
            | ErrorKind::Encode
            | ErrorKind::Credentials
            | ErrorKind::Proxy
            | ErrorKind::Tls
            | ErrorKind::Protocol
            | ErrorKind::Decode => false,
        }
    }
}

/// Returns whether a status describes a transient condition rather than the request. 500 does not: many
/// services respond with it to arguments that they cannot process, and would do so again.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// A status in a message. [`StatusCode`] itself displays unknown codes as "<unknown status code>".
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
        let Inner { operation, status, service, message, advice, attempts, .. } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{operation}: ")?;
        }
        match (service, status) {
            (Some(service), Some(status)) if service.is_empty() => {
                write!(f, "the service responded with {}", Status(*status))
            }
            (Some(service), Some(status)) => {
                write!(f, "the service responded with {}: {service}", Status(*status))
            }
            (Some(service), None) => write!(f, "the service failed: {service}"),
            (None, _) => f.write_str(message),
        }?;
        if let Some(advice) = advice {
            write!(f, "; {advice}")?;
        }
        if let Some(delay) = self.retry_after().filter(|delay| !delay.is_zero())
            && self.kind() == ErrorKind::Service
            && self.is_retryable()
        {
            write!(f, "; the service asks to wait {delay:?}")?;
        }
        if *attempts > 1 { write!(f, " ({attempts} attempts)") } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind, operation, status, service, message, advice, source, attempts, retry_after, ..
        } = &*self.0;
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
        if let Some(advice) = advice {
            debug.field("advice", advice);
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
