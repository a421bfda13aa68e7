//! The errors of network transports, which are the same for all HTTP libraries.

use super::proxy::ProxyRoute;
use super::resolver::Resolver;
#[cfg(feature = "rustls")]
use super::tls::{self, ClientAuth};
use crate::config::{exposed_message, is_bearer};
use crate::error::{Error, ErrorKind, LocalLimit, Status, os_code};
use crate::runtime::{Advice, Forwarder, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::Duration;

/// Returns the error if no connection was made. `cause` is the [root cause](root_cause).
fn no_connection(peer: &str, cause: &(dyn StdError + 'static)) -> Error {
    let message = format!("cannot connect to {peer}: {cause}");
    let Some(system) = cause.downcast_ref::<io::Error>() else {
        return Error::new(ErrorKind::Connect, message);
    };
    match name_lookup_limit(system) {
        Some(limit) => system_error(ErrorKind::Connect, format!("{message}: {limit}"), &limit),
        None => system_error(ErrorKind::Connect, message, system),
    }
}

/// Returns an error with the code of the operating system as its source. If a resource of this machine is
/// exhausted, the message says so.
fn system_error(kind: ErrorKind, message: String, cause: &io::Error) -> Error {
    let message = match LocalLimit::of(cause) {
        Some(limit) => format!("{message}: {limit}"),
        None => message,
    };
    let error = Error::new(kind, message);
    match os_code(cause) {
        Some(code) => error.with_source(io::Error::from_raw_os_error(code)),
        None => error,
    }
}

/// Returns the limit of this machine that made a name lookup fail. The resolver of the C library reports a
/// failure of DNS if it cannot open a socket or a file.
fn name_lookup_limit(cause: &io::Error) -> Option<io::Error> {
    if os_code(cause).is_some() || !cause.to_string().starts_with("failed to lookup address") {
        return None;
    }
    let error = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err()?;
    LocalLimit::of(&error).is_some().then_some(error)
}

/// Returns the error if an attempt timed out.
pub(super) fn timed_out(origin: &str, timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no complete response from {origin} within {timeout:?}"))
}

/// Returns the error if the connection failed before the response was complete.
pub(super) fn connection_failed(origin: &str, cause: &(dyn StdError + 'static)) -> Error {
    let failed = |cause: &dyn fmt::Display| format!("the connection to {origin} failed: {cause}");
    match cause.downcast_ref() {
        Some(system) if is_end_without_notice(system) => Error::new(ErrorKind::Transport, failed(&CLOSED)),
        Some(system) => system_error(ErrorKind::Transport, failed(&cause), system),
        None => Error::new(ErrorKind::Transport, failed(&cause)),
    }
}

/// The cause if the service has closed the connection, as hyper words it.
pub(super) const CLOSED: &str = "connection closed before message completed";

/// Returns whether the peer has ended the connection.
pub(super) fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Returns whether the peer has closed a connection over TLS without the notice that some servers omit. The message of
/// rustls is for their developers.
fn is_end_without_notice(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof && error.to_string().contains("close_notify")
}

/// Returns the error if an idle connection was closed while a request was sent over it.
#[cfg(feature = "hyper")]
pub(super) fn stale_connection(origin: &str, error: &(dyn StdError + 'static)) -> Error {
    let cause = root_cause(error);
    let is_reset = |error: &io::Error| !is_end_without_notice(error);
    let error = if cause.downcast_ref().is_some_and(is_reset) {
        connection_failed(origin, cause)
    } else {
        let message =
            format!("the connection to {origin} failed: the idle connection was closed by the peer");
        Error::new(ErrorKind::Transport, message)
    };
    error.with_stale_connection()
}

/// Returns the error for a request that is not valid in HTTP.
pub(super) fn invalid_request(cause: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Encode, format!("the request cannot be sent: {cause}"))
}

/// Returns the innermost source, such as "Connection refused (os error 111)". The errors around it contain
/// less, or quote the URL, whose query may be private.
pub(super) fn root_cause<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

/// Returns the source of an error. That of an I/O error is the error inside of it, which `source` skips.
fn inner<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// Returns the innermost error of type `E` in a chain of sources.
fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    std::iter::successors(Some(error), |error| inner(*error)).filter_map(|error| error.downcast_ref()).last()
}

/// The other end of the connections of a transport, for messages.
#[derive(Clone)]
pub(super) struct Peer {
    /// The address of the service, without path and credentials.
    pub(super) origin: String,
    /// The proxy on the way, if the transport knows one.
    pub(super) proxy: Option<ProxyRoute>,
    /// The connection to the service, if a token could be read on it and that is not allowed.
    pub(super) exposed: Option<String>,
    /// The resolver of the transport, unless it is that of a user's connector.
    pub(super) resolver: Option<Resolver>,
    /// The client certificate of the transport's own TLS settings.
    #[cfg(feature = "rustls")]
    pub(super) client_auth: Arc<ClientAuth>,
}

impl Peer {
    /// Creates a peer that is reached directly.
    pub(super) fn new(origin: String) -> Self {
        Self {
            origin,
            proxy: None,
            exposed: None,
            resolver: None,
            #[cfg(feature = "rustls")]
            client_auth: Arc::default(),
        }
    }

    /// Checks that the headers of a call contain no token that could be read on the way.
    pub(super) fn check_request(&self, headers: &HeaderMap) -> Result<(), Error> {
        match &self.exposed {
            Some(exposed) if headers.get_all(AUTHORIZATION).iter().any(is_bearer) => {
                Err(Error::new(ErrorKind::Config, exposed_message(exposed)))
            }
            _ => Ok(()),
        }
    }

    /// Returns the error if opening a connection failed.
    pub(super) fn not_connected(&self, error: &(dyn StdError + 'static)) -> Error {
        let cause = root_cause(error);
        if let Some(proxy) = find::<ProxyFailure>(error) {
            return proxy.to_error(&self.origin);
        }
        #[cfg(feature = "rustls")]
        if let Some(error) = find::<rustls::Error>(error) {
            let advice = tls::handshake_advice(error).map(Cow::from);
            return self.tls(tls::describe_handshake(error, &self.client_auth)).with_advice(advice);
        }
        match find::<io::Error>(error) {
            Some(error) if error.kind() == io::ErrorKind::TimedOut => self.not_connected_in_time(),
            // A service that closes a connection with unread bytes resets it.
            Some(error) if is_end(error) && self.is_https() => {
                let cause = "the connection was closed during the TLS handshake";
                self.no_connection(&io::Error::new(error.kind(), cause))
            }
            _ => self.no_connection(cause),
        }
    }

    /// Returns the error if opening a connection timed out.
    pub(super) fn not_connected_in_time(&self) -> Error {
        let cause = if self.resolver.as_ref().is_some_and(Resolver::is_unanswered) {
            NO_NAME_SERVICE
        } else {
            "timed out"
        };
        Error::new(ErrorKind::Connect, format!("cannot connect to {}: {cause}", self.with_proxy()))
    }

    fn no_connection(&self, cause: &(dyn StdError + 'static)) -> Error {
        no_connection(&self.with_proxy(), cause)
    }

    /// Returns the address of the service, and that of the proxy, if there is one.
    fn with_proxy(&self) -> Cow<'_, str> {
        match &self.proxy {
            Some(proxy) => format!("{} through the proxy {proxy}", self.origin).into(),
            None => (&*self.origin).into(),
        }
    }

    /// Returns the error if an alert of the service ended a connection because of the client's certificate,
    /// which in TLS 1.3 is checked after the handshake. The service has not read the request then.
    #[cfg(feature = "rustls")]
    pub(super) fn rejected_certificate(&self, error: &(dyn StdError + 'static)) -> Option<Error> {
        let error = find::<rustls::Error>(error)?;
        Some(self.tls(tls::describe_late_alert(error, &self.client_auth)?))
    }

    #[cfg(not(feature = "rustls"))]
    #[expect(clippy::unused_self, reason = "only rustls reports alerts")]
    pub(super) fn rejected_certificate(&self, _error: &(dyn StdError + 'static)) -> Option<Error> {
        None
    }

    /// Returns the error for a response that is not one of the service: of a proxy that asks for credentials,
    /// or of a server that misses a client certificate or TLS.
    /// To the others with an error status, it adds what is known about them.
    pub(super) fn check(&self, mut response: Response, has_authorization: bool) -> Result<Response, Error> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::UNAUTHORIZED {
            let advice = if has_authorization { CHECK_CREDENTIALS } else { GIVE_CREDENTIALS };
            response.extensions_mut().insert(Advice(advice.into()));
        }
        if let Some(proxy) = self.forwarder() {
            response.extensions_mut().insert(Forwarder(proxy.to_string()));
        }
        match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(match &self.proxy {
                Some(proxy) => {
                    ProxyFailure::status(proxy, StatusCode::PROXY_AUTHENTICATION_REQUIRED, response.headers())
                        .to_error(&self.origin)
                }
                None => Error::new(
                    ErrorKind::Proxy,
                    format!(
                        "a proxy on the way to {} asks for credentials (407): name the proxy and its credentials \
                         with `Proxy::url`",
                        self.origin
                    ),
                )
                .with_status(StatusCode::PROXY_AUTHENTICATION_REQUIRED),
            }),
            StatusCode::BAD_REQUEST => match self.tls_problem(response.body()) {
                Some(problem) => Err(self.tls(problem).with_status(StatusCode::BAD_REQUEST)),
                None => Ok(response),
            },
            _ => Ok(response),
        }
    }

    /// Returns the proxy if it forwards requests, so that a response may be its own.
    fn forwarder(&self) -> Option<&ProxyRoute> {
        let origin = self.origin.parse().ok()?;
        self.proxy.as_ref().filter(|proxy| proxy.forwards(&origin))
    }

    /// Returns the problem that servers report with the status 400, each in its own words.
    fn tls_problem(&self, body: &[u8]) -> Option<String> {
        let says = |text: &str| memchr::memmem::find(body, text.as_bytes()).is_some();
        if self.is_https() {
            if says("No required SSL certificate was sent") {
                return Some(format!("the service requires a client certificate: {GIVE_CERTIFICATE}"));
            }
            if says("The SSL certificate error") {
                return Some(format!(
                    "the service rejects the client certificate{}: use one that the service trusts",
                    self.client_certificate()
                ));
            }
        } else if is_of_tls_port(body) {
            return Some(NEEDS_TLS.to_owned());
        }
        None
    }

    #[cfg(feature = "rustls")]
    fn client_certificate(&self) -> String {
        self.client_auth.description().map(|facts| format!(" ({facts})")).unwrap_or_default()
    }

    #[cfg(not(feature = "rustls"))]
    #[expect(clippy::unused_self, reason = "only rustls reports certificates")]
    fn client_certificate(&self) -> &'static str {
        ""
    }

    /// Returns the error if a service that speaks TLS is called without it.
    pub(super) fn needs_tls(&self) -> Error {
        self.tls(NEEDS_TLS)
    }

    /// Returns the error if a service that speaks `protocol` without TLS is called with it.
    #[cfg(feature = "rustls")]
    pub(super) fn speaks_without_tls(&self, protocol: &str) -> Error {
        self.tls(format_args!(
            "the service speaks {protocol} without TLS at this port: use `http://`, or the port of `https`"
        ))
    }

    fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    fn tls(&self, why: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Tls, format!("cannot connect to {}: {why}", self.origin))
    }
}

/// The sentences of servers that receive HTTP at a port of TLS: nginx, Apache, Go, Tomcat, and Cheroot.
const HTTP_TO_TLS: [&str; 5] = [
    "The plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
    "Client sent an HTTP request to an HTTPS server",
    "This combination of host and port requires TLS",
    "The client sent a plain HTTP request, but this server only speaks HTTPS on this port",
];

/// Returns whether the body of a response says that the port expects TLS.
pub(super) fn is_of_tls_port(body: &[u8]) -> bool {
    let says = |text: &str| memchr::memmem::find(body, text.as_bytes()).is_some();
    HTTP_TO_TLS.into_iter().any(says)
}

/// The end of a sentence: why a service that speaks TLS cannot be called without it.
const NEEDS_TLS: &str = "the service speaks TLS at this port: use `https://`";

/// The remedy for a service that does not speak gRPC.
pub(super) const CHECK_GRPC_PORT: &str =
    "check that the port is that of gRPC and that gateways speak HTTP/2, or choose a client over HTTP";

/// The end of a sentence: why a connection has timed out.
const NO_NAME_SERVICE: &str = "the name service did not respond in time: check the DNS servers of this machine, or set \
                               the address with `connection.resolve` or `ClientConfig::with_resolved`";

/// The end of a sentence: how to set a client certificate.
pub(super) const GIVE_CERTIFICATE: &str =
    "set `credential.ssl_crt_file` and `credential.ssl_key_file`, or `TlsConfig::with_client_certificate`";

/// Advice for a call that the service rejects, and that has no credentials.
pub(super) const GIVE_CREDENTIALS: &str = "the request had no `authorization`: set `credential.token_file`, \
                                `ClientConfig::with_token_provider` or `CallOptions::token`, or check the header that \
                                the service expects instead";

/// Advice for a call whose credentials the service rejects.
pub(super) const CHECK_CREDENTIALS: &str = "the `authorization` that was sent is rejected: check the token or header of the \
                                 client or the call, or the user name and password in the URL";

/// The failure of a proxy to connect to the service.
#[derive(Debug)]
pub(super) struct ProxyFailure {
    kind: ErrorKind,
    message: String,
    status: Option<StatusCode>,
    /// The error of the operating system, if the proxy cannot be reached.
    system: Option<io::Error>,
    /// True if the message already names what cannot be reached.
    is_complete: bool,
}

impl ProxyFailure {
    /// Creates the failure if no connection to the proxy itself was made.
    pub(super) fn unreachable(proxy: &ProxyRoute, cause: &(dyn StdError + 'static)) -> Self {
        let system: Option<&io::Error> = cause.downcast_ref();
        let remedy = match system.and_then(LocalLimit::of) {
            Some(_) => "",
            None => &*format!(": start it, or check its URL ({})", proxy.setting),
        };
        let message = format!("cannot connect to the proxy {proxy}: {cause}{remedy}");
        let system = system.and_then(os_code).map(io::Error::from_raw_os_error);
        Self { kind: ErrorKind::Connect, message, status: None, system, is_complete: true }
    }

    /// Creates the failure if the TLS handshake with the proxy itself failed.
    #[cfg(feature = "rustls")]
    pub(super) fn unreachable_over_tls(
        proxy: &ProxyRoute,
        error: &io::Error,
        client_auth: &ClientAuth,
    ) -> Self {
        match find::<rustls::Error>(error) {
            Some(tls) => Self {
                kind: ErrorKind::Tls,
                message: format!(
                    "cannot connect to the proxy {proxy}: {}",
                    tls::describe_handshake(tls, client_auth)
                ),
                ..Self::unreachable(proxy, error)
            },
            None => Self::unreachable(proxy, root_cause(error)),
        }
    }

    /// Creates the failure if the proxy does not do what it should, which another attempt does not change.
    pub(super) fn permanent(proxy: &ProxyRoute, why: impl fmt::Display) -> Self {
        let message = format!("the proxy {proxy} {why}");
        Self { kind: ErrorKind::Proxy, message, status: None, system: None, is_complete: false }
    }

    /// Creates the failure if the proxy cannot reach the service at present.
    pub(super) fn transient(proxy: &ProxyRoute, why: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Connect, ..Self::permanent(proxy, why) }
    }

    /// Creates the failure for a response of the proxy with an error status.
    pub(super) fn status(proxy: &ProxyRoute, status: StatusCode, headers: &HeaderMap) -> Self {
        let mut schemes = headers.get_all(http::header::PROXY_AUTHENTICATE).iter().peekable();
        let is_basic = |value: &http::HeaderValue| {
            value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("basic"))
        };
        let text = Status(status);
        let failure = match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED
                if schemes.peek().is_some() && !schemes.any(is_basic) =>
            {
                Self::permanent(
                    proxy,
                    "asks for credentials (407) of a kind that is not supported: it must offer the scheme `Basic`",
                )
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED if proxy.has_credentials() => Self::permanent(
                proxy,
                "rejects the credentials in its URL (407): check user name and password",
            ),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let (host, port) = proxy.host_and_port();
                let why = format!(
                    "asks for credentials (407): write them into its URL, like `http://user:password@{host}:{port}`"
                );
                Self::permanent(proxy, why)
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Self::transient(proxy, format_args!("cannot reach the service: it responded with {text}"))
            }
            _ if status.is_server_error() => Self::permanent(
                proxy,
                format_args!(
                    "cannot reach the service: it responded with {text}; check the host and the port of the service"
                ),
            ),
            _ => Self::permanent(
                proxy,
                format_args!(
                    "refuses to connect to the service with {text}: allow the host and port there, or exclude \
                     the host with NO_PROXY"
                ),
            ),
        };
        Self { status: Some(status), ..failure }
    }

    fn to_error(&self, origin: &str) -> Error {
        let message = if self.is_complete {
            self.message.clone()
        } else {
            format!("cannot connect to {origin}: {self}")
        };
        let mut error = match &self.system {
            Some(system) => system_error(self.kind, message, system),
            None => Error::new(self.kind, message),
        };
        if self.is_complete {
            error = error.with_proxy_failure();
        }
        match self.status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }
}

impl fmt::Display for ProxyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ProxyFailure {}
