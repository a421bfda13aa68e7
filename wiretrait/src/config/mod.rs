//! The settings of a client. Everything but the address has a default.

pub mod address;
mod exposure;
mod proxy;
mod tls;

#[cfg(not(feature = "tokio"))]
use exposure::{exposed_message, exposed_origin, is_bearer};
#[cfg(feature = "tokio")]
pub(crate) use exposure::{exposed_message, exposed_origin, is_bearer};
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) use exposure::{is_loopback, is_on_this_machine};
pub use proxy::Proxy;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) use proxy::{ProxySetting, with_known_scheme};
pub use tls::{Pem, TlsConfig};

#[cfg(feature = "tokio")]
use crate::auth::{TokenProvider, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::RetryPolicy;
use crate::runtime::{BaseRoute, CorrelationPlace, Encoding};
use http::header::AUTHORIZATION;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The settings of a client: the address of its service, and the limits of its calls.
///
/// ```
/// use std::time::Duration;
/// use wiretrait::ClientConfig;
///
/// let config = ClientConfig::from_url("http://books.staging:8080")?
///     .with_timeout(Duration::from_secs(5))
///     .with_deadline(Duration::from_secs(12))
///     .with_retries(1);
/// assert_eq!(config.base_url(), Some("http://books.staging:8080"));
/// # Ok::<_, wiretrait::Error>(())
/// ```
///
/// Contradictions are reported when a client is created, see [`validate`](Self::validate).
#[derive(Clone)]
pub struct ClientConfig {
    base_url: Option<String>,
    base_route: Option<BaseRoute>,
    /// `None` for the default, which depends on `timeout`.
    connect_timeout: Option<Duration>,
    timeout: Duration,
    /// `None` for the default, which depends on `timeout`.
    deadline: Option<Duration>,
    retry_policy: RetryPolicy,
    concurrency_limit: ConcurrencyLimit,
    pool_idle_timeout: Duration,
    max_response_bytes: usize,
    /// `None` for the default: that of an inner transport, or the query.
    correlation_place: Option<CorrelationPlace>,
    /// `None` for the default: that of an inner transport, or the name in the contract.
    correlation_name: Option<HeaderName>,
    user_agent: Option<String>,
    headers: HeaderMap,
    tls: TlsConfig,
    proxy: Proxy,
    resolved: Vec<Resolved>,
    connect_to: Vec<(String, u16, SocketAddr)>,
    http_version: HttpVersion,
    accepts_compression: bool,
    max_connection_age: Duration,
    spreads_addresses: bool,
    fallback_urls: Vec<String>,
    #[cfg(feature = "tokio")]
    tokens: Option<Tokens>,
    allows_http_credentials: bool,
    extensions: Extensions,
}

/// Marks settings for gRPC, in their extensions.
#[derive(Clone, Copy)]
struct ForGrpc;

/// The version of HTTP that a network transport speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.1, with one call at a time per connection.
    #[default]
    Http1,
    /// HTTP/2, with many calls at a time per connection: with TLS by ALPN, otherwise with prior knowledge.
    /// Needs the feature `http2`.
    Http2,
}

/// The headers that a transport sets itself, because they describe one message or one connection.
pub(crate) const BELONGS_TO_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Addresses of a host and port that replace those from DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<IpAddr>,
}

/// The limit of concurrent calls.
#[derive(Clone, Copy, PartialEq)]
enum ConcurrencyLimit {
    /// `usize::MAX` for no limit.
    Fixed(usize),
    Adaptive,
}

impl ClientConfig {
    /// Creates a configuration with all defaults and no address, for clients in the same process and for
    /// custom transports.
    #[must_use]
    pub fn new() -> Self {
        Self {
            base_url: None,
            base_route: None,
            connect_timeout: None,
            timeout: Duration::from_secs(10),
            deadline: None,
            retry_policy: RetryPolicy::new(),
            concurrency_limit: ConcurrencyLimit::Fixed(usize::MAX),
            pool_idle_timeout: Duration::from_secs(4),
            max_response_bytes: 16 << 20,
            correlation_place: None,
            correlation_name: None,
            user_agent: None,
            headers: HeaderMap::new(),
            tls: TlsConfig::new(),
            proxy: Proxy::environment(),
            resolved: Vec::new(),
            connect_to: Vec::new(),
            http_version: HttpVersion::default(),
            accepts_compression: false,
            max_connection_age: Duration::from_secs(60),
            spreads_addresses: false,
            fallback_urls: Vec::new(),
            #[cfg(feature = "tokio")]
            tokens: None,
            allows_http_credentials: false,
            extensions: Extensions::new(),
        }
    }

    /// Creates a configuration with the address `url`: scheme, host, port and, if the service has one, a path
    /// in front of the prefix of the contract.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not an `http` or `https` URL, or has a query.
    pub fn from_url(url: &str) -> Result<Self> {
        let url = address::check_url(url).map_err(|why| Error::config("url", why))?;
        Ok(Self { base_url: Some(url), ..Self::new() })
    }

    /// Sets a path that replaces the prefix of the contract in all requests.
    #[must_use]
    pub fn with_base_route(mut self, base: BaseRoute) -> Self {
        self.base_route = Some(base);
        self
    }

    /// Sets the time limit for opening a connection: by default half of the limit of an attempt, and at most
    /// 5 seconds. It is part of the limit of an attempt. [`Duration::MAX`] disables it.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Sets the time limit for one attempt of a call, including its response: 10 seconds by default.
    /// [`Duration::MAX`] disables it.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the time limit for a whole call, including retries and pauses: by default 30 seconds, or the
    /// limit of an attempt if that is longer. It may be shorter than the limit of an attempt.
    /// [`Duration::MAX`] disables it.
    #[must_use]
    pub fn with_deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets the maximum number of retries: 2 by default, 0 disables them. A call that was certainly not processed may be
    /// [sent again at once](RetryPolicy) nevertheless.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retry_policy.retries = retries;
        self
    }

    /// Sets the rules for retries, including their number: [`RetryPolicy::new`] by default.
    #[must_use]
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Sets the maximum number of concurrent calls of a network transport and all its clones, and so of their
    /// connections; reqwest may have one more, which is being returned to the pool. Unlimited (`usize::MAX`)
    /// by default.
    ///
    /// Further calls wait in the order of their arrival. One that still waits when its time limit expires is
    /// not sent, and its error is [`ErrorKind::ConcurrencyLimit`](crate::ErrorKind::ConcurrencyLimit). Thousands of concurrent
    /// calls finish sooner over a few dozen connections than over thousands, and it protects a service that
    /// processes one request at a time. If the limit is too low, calls are delayed: with a response time of
    /// 10 ms, 64 connections are enough for 6,400 calls per second.
    #[must_use]
    pub fn with_concurrency_limit(mut self, calls: usize) -> Self {
        self.concurrency_limit = ConcurrencyLimit::Fixed(calls);
        self
    }

    /// Sets an adaptive concurrency limit: the number of concurrent calls with the highest throughput, which the
    /// transport measures while calls wait for others. It replaces the number of
    /// [`with_concurrency_limit`](Self::with_concurrency_limit), which needs to be known, and is right for one service
    /// and one machine only.
    ///
    /// It begins with 32 calls, and compares the number of successful calls per second with twice and half the limit,
    /// for a few tenths of a second or a few hundred calls at a time. If a tenth of the calls are rejected with 429, 503
    /// or 504 or time out, a lower limit is tried without a pause, and is accepted if it does not cost throughput. So
    /// failures that do not depend on the number of concurrent calls do not lower the limit while calls wait. Calls at a
    /// fixed rate, of which many fail, can lower it until some wait. If no call succeeds, there is nothing to compare, and
    /// the limit stays: set a number for a service that times out for all of 32 calls.
    ///
    /// It is meant for programs that make many calls at once; a program with a few calls has none to wait for.
    ///
    /// ```
    /// use wiretrait::ClientConfig;
    ///
    /// let config = ClientConfig::from_url("http://localhost:8080")?.with_adaptive_concurrency_limit();
    /// assert!(config.has_adaptive_concurrency_limit());
    /// # Ok::<_, wiretrait::Error>(())
    /// ```
    #[must_use]
    pub fn with_adaptive_concurrency_limit(mut self) -> Self {
        self.concurrency_limit = ConcurrencyLimit::Adaptive;
        self
    }

    /// Sets how long idle connections are kept: 4 seconds by default, because many servers (Node.js among
    /// them) close idle connections after 5 seconds, and a request that is sent at that moment is lost.
    #[must_use]
    pub fn with_pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// Sets the maximum size of a response body, in bytes: 16 MiB by default. `usize::MAX` disables it.
    #[must_use]
    pub fn with_max_response_bytes(mut self, limit: usize) -> Self {
        self.max_response_bytes = limit;
        self
    }

    /// Sets the part of requests that carries correlation ids: the query by default.
    #[must_use]
    pub fn with_correlation_place(mut self, place: CorrelationPlace) -> Self {
        self.correlation_place = Some(place);
        self
    }

    /// Sets the name of correlation ids, in the query and in headers: by default the name in the contract.
    ///
    /// An id that the contract names with a `-`, such as `x-request-id`, keeps its name. No other argument of the
    /// contract may have the new name.
    ///
    /// ```
    /// use wiretrait::ClientConfig;
    /// use wiretrait::http::HeaderName;
    ///
    /// let config = ClientConfig::new().with_correlation_name(HeaderName::from_static("trace_id"));
    /// assert_eq!(config.correlation_name().map(HeaderName::as_str), Some("trace_id"));
    /// ```
    #[must_use]
    pub fn with_correlation_name(mut self, name: HeaderName) -> Self {
        self.correlation_name = Some(name);
        self
    }

    /// Sets the `User-Agent` header: by default that of the [contract](crate::Contract::user_agent), or of
    /// this crate for a transport that is created without a contract.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Adds a header to all requests of the client, unless a request has one with this name. Mark the value as
    /// [sensitive](HeaderValue::set_sensitive) if it is a secret.
    ///
    /// A header that is added twice is sent twice. It takes precedence over the credentials of the address and
    /// over the [user agent](Self::with_user_agent). Headers that belong to the connection, such as
    /// `content-length`, are [rejected](Self::validate).
    ///
    /// ```
    /// use wiretrait::ClientConfig;
    /// use wiretrait::http::{HeaderName, HeaderValue};
    ///
    /// let mut key = HeaderValue::from_static("example key");
    /// key.set_sensitive(true);
    /// let config = ClientConfig::from_url("https://books.staging")?
    ///     .with_header(HeaderName::from_static("x-api-key"), key);
    /// # Ok::<_, wiretrait::Error>(())
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the certificates: those that are trusted in addition to the platform's, and that of the client.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsConfig) -> Self {
        self.tls = tls;
        self
    }

    /// Sets the proxy: by default that of the environment, see [`Proxy::environment`].
    #[must_use]
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets the addresses of a host and port, in place of those from DNS. TLS and the `Host` header
    /// still use the name. The host `*` is that of all other names with this port.
    #[must_use]
    pub fn with_resolved(
        mut self,
        host: &str,
        port: u16,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let (host, addresses) = (host.to_ascii_lowercase(), addresses.into_iter().collect());
        self.resolved.push(Resolved { host, port, addresses });
        self
    }

    /// Sets the address and port that connections to a host and port are opened to, such as those of a program
    /// that passes bytes on. TLS and the `Host` header still use the given host and port. The host may be
    /// an IP address or that of a proxy, see [`connects_to`](Self::connects_to).
    ///
    /// `HyperTransport` has it. `ReqwestTransport` rejects it.
    #[must_use]
    pub fn with_connect_to(mut self, host: &str, port: u16, address: SocketAddr) -> Self {
        self.connect_to.push((host.to_ascii_lowercase(), port, address));
        self
    }

    /// Sets the version of HTTP: [`HttpVersion::Http1`] by default.
    #[must_use]
    pub fn with_http_version(mut self, version: HttpVersion) -> Self {
        self.http_version = version;
        self
    }

    /// Asks for compressed responses with `Accept-Encoding`. Off by default, because compression costs the
    /// service more time than it saves in a fast network. Compressed responses are decoded in any case.
    #[must_use]
    pub fn with_compression(mut self, accepts: bool) -> Self {
        self.accepts_compression = accepts;
        self
    }

    /// Sets how long a connection is used: 60 seconds by default, minus a random part of up to a fifth, so
    /// that the clients of a service do not all reconnect at once. Then the next call opens a new connection
    /// and resolves the name again, so that a busy client also finds new instances and moved services.
    /// [`Duration::MAX`] disables it.
    #[must_use]
    pub fn with_max_connection_age(mut self, age: Duration) -> Self {
        self.max_connection_age = age;
        self
    }

    /// Spreads connections over all addresses of the host. By default all connections use the first address
    /// that accepts one.
    #[must_use]
    pub fn with_spread_addresses(mut self, spreads: bool) -> Self {
        self.spreads_addresses = spreads;
        self
    }

    /// Adds the address of another instance of the service, which is used while no connection to those before
    /// it can be made. It may have another scheme, host, port, path and credentials; all other settings and
    /// headers apply to all addresses.
    ///
    /// If no connection can be made, the same attempt goes on to the next address. The one that accepts is used
    /// for the following calls too. After 30 seconds, and every 30 seconds from then on, one call tries the
    /// first address again. The time limit for opening a connection is divided among the addresses, and
    /// an error names all of them.
    ///
    /// `ReqwestTransport` and `HyperTransport` have it. `TowerTransport` rejects it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not an `http` or `https` URL, or has a query.
    pub fn with_fallback_url(mut self, url: &str) -> Result<Self> {
        self.fallback_urls.push(address::check_url(url).map_err(|why| Error::config("url", why))?);
        Ok(self)
    }

    /// Sets the source of the bearer token of all calls, see [`auth`](crate::auth): a given token, a file, a
    /// command, an OAuth 2.0 server, or another implementation. Clients of this configuration and of its clones
    /// share the cached token.
    ///
    /// ```
    /// use wiretrait::ClientConfig;
    /// use wiretrait::auth::FileToken;
    ///
    /// let config = ClientConfig::from_url("https://books.staging")?
    ///     .with_token_provider(FileToken::new("/var/run/secrets/token"));
    /// # Ok::<_, wiretrait::Error>(())
    /// ```
    ///
    /// It takes precedence over credentials in the URL and over a header of
    /// [`with_header`](Self::with_header). It needs the [policies](crate::Policies), which clients have that are
    /// created from a configuration. With plain `http`, only services on this machine are sent a token, unless
    /// [that is allowed](Self::with_http_credentials_allowed).
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn with_token_provider(self, provider: impl TokenProvider + 'static) -> Self {
        self.with_tokens(Tokens::new(provider))
    }

    /// Sets the source of the bearer token like [`with_token_provider`](Self::with_token_provider), for a cache
    /// that several configurations share.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Allows bearer tokens over plain `http` to other machines, where **others in the network can read and use
    /// them**. Without it, they are an [`ErrorKind::Config`] error, except for the loopback interface.
    #[must_use]
    pub fn with_http_credentials_allowed(mut self, allowed: bool) -> Self {
        self.allows_http_credentials = allowed;
        self
    }

    /// Sets a value of another crate, which wiretrait does not read, such as a choice between its own protocols. It
    /// replaces an earlier value of the same type.
    ///
    /// ```
    /// use wiretrait::ClientConfig;
    ///
    /// #[derive(Clone, Debug, PartialEq)]
    /// struct Region(&'static str);
    ///
    /// let config = ClientConfig::new().with_extension(Region("eu"));
    /// assert_eq!(config.extension(), Some(&Region("eu")));
    /// ```
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Returns the value of another crate with this type, if it is set.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get()
    }

    /// Chooses gRPC, so that transports over HTTP are not created from these settings by mistake. Transports over gRPC
    /// do not need it.
    ///
    /// The version of HTTP becomes [`HttpVersion::Http2`] in builds with the feature `http2`.
    #[must_use]
    pub fn with_grpc(mut self) -> Self {
        self.extensions.insert(ForGrpc);
        if cfg!(feature = "http2") {
            self.http_version = HttpVersion::Http2;
        }
        self
    }

    /// Returns a copy for the transport below a gRPC channel.
    #[cfg(feature = "grpc")]
    pub(crate) fn without_grpc(mut self) -> Self {
        self.extensions.remove::<ForGrpc>();
        self
    }

    /// Returns whether gRPC is chosen.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn is_for_grpc(&self) -> bool {
        self.extensions.get::<ForGrpc>().is_some()
    }

    /// Checks that gRPC is not chosen.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn reject_grpc(&self) -> Result<()> {
        if self.is_for_grpc() {
            let why = "the configuration is for gRPC (`kind`, or `ClientConfig::with_grpc`), but this client speaks \
                       HTTP: set `kind` to `http` and the port to that of HTTP, or create the client with a factory";
            return Err(Error::new(ErrorKind::Config, why));
        }
        Ok(())
    }

    /// Checks the settings for contradictions. All constructors of clients and transports call it, except
    /// [`Policies::new`](crate::Policies::new), which cannot fail.
    ///
    /// Limits of zero are rejected, since no call would succeed, and so are contradictory rules for retries:
    /// a first pause that is longer than the longest pause, or a budget that is lower than the cost of a
    /// retry.
    ///
    /// A bearer token over plain HTTP to another machine is rejected too, unless it is
    /// [allowed](Self::with_http_credentials_allowed).
    ///
    /// A limit that is longer than the limit around it is allowed, although it is never reached: a connect
    /// timeout that is longer than the limit of an attempt, or a limit of an attempt that is longer than the
    /// deadline.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the name of the setting.
    pub fn validate(&self) -> Result<()> {
        let limits = [
            ("with_connect_timeout", self.connect_timeout),
            ("with_timeout", Some(self.timeout)),
            ("with_deadline", self.deadline),
            ("with_pool_idle_timeout", Some(self.pool_idle_timeout)),
            ("with_max_connection_age", Some(self.max_connection_age)),
        ];
        for (setter, limit) in limits {
            if limit == Some(Duration::ZERO) {
                let why = "must be greater than zero; use `Duration::MAX` for no limit";
                return Err(Error::config(setter, why));
            }
        }
        for (setter, limit) in [
            ("with_max_response_bytes", self.max_response_bytes),
            ("with_concurrency_limit", self.concurrency_limit()),
        ] {
            if limit == 0 {
                return Err(Error::config(
                    setter,
                    "must be greater than zero; use `usize::MAX` for no limit",
                ));
            }
        }
        if self.http_version == HttpVersion::Http2 && cfg!(not(feature = "http2")) {
            let why = "needs the feature `http2` of wiretrait for `HttpVersion::Http2`: enable it";
            return Err(Error::config("with_http_version", why));
        }
        self.user_agent_header()?;
        for Resolved { host, addresses, .. } in &self.resolved {
            if addresses.is_empty() {
                return Err(Error::config(
                    "with_resolved",
                    format_args!("has no address for `{host}`: give one"),
                ));
            }
            if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
                let why = format!("has `{host}`, which is an address already: use a name, or another URL");
                return Err(Error::config("with_resolved", why));
            }
        }
        if let Some(name) = self.headers.keys().find(|name| BELONGS_TO_CONNECTION.contains(name)) {
            let why = format!("must not set `{name}`, which belongs to the connection: remove it");
            return Err(Error::config("with_header", why));
        }
        if self.headers.contains_key(PROXY_AUTHORIZATION) {
            let why = "must not set `proxy-authorization`, which the service could read: write the credentials \
                       into the URL of `Proxy::url`";
            return Err(Error::config("with_header", why));
        }
        if self.has_token()
            && let Some(origin) = self.exposed_origin()
        {
            return Err(Error::new(ErrorKind::Config, exposed_message(&origin)));
        }
        let RetryPolicy { retries, backoff, max_backoff, budget, cost, .. } = self.retry_policy;
        if backoff > max_backoff {
            let why = "must not be longer than `RetryPolicy::max_backoff`";
            return Err(Error::config("RetryPolicy::backoff", why));
        }
        if retries > 0 && budget < cost {
            let why = "must be at least the `cost` of a retry, or no call is ever retried; \
                       set `retries` to 0 for no retries";
            return Err(Error::config("RetryPolicy::budget", why));
        }
        Ok(())
    }

    /// Returns whether all calls have a bearer token.
    fn has_token(&self) -> bool {
        #[cfg(feature = "tokio")]
        if self.tokens.is_some() {
            return true;
        }
        self.headers.get_all(AUTHORIZATION).iter().any(is_bearer)
    }

    /// Returns the first address to which a token would be sent over plain HTTP, unless that is allowed.
    pub(crate) fn exposed_origin(&self) -> Option<String> {
        let mut urls = self.base_url.iter().chain(&self.fallback_urls);
        urls.find_map(|url| exposed_origin(url, self)).filter(|_| !self.allows_http_credentials)
    }

    /// Returns the address of the service, including credentials; `None` if it is not set.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// Returns the path that replaces the prefix of the contract, if one is set.
    #[must_use]
    pub fn base_route(&self) -> Option<&BaseRoute> {
        self.base_route.as_ref()
    }

    /// Returns how requests are encoded: the base route, the place and the name of correlation ids. Generated
    /// constructors apply it.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding_over(Encoding::default())
    }

    /// Returns how requests are encoded over a transport with the encoding `inner`, which applies where
    /// nothing is set.
    pub(crate) fn encoding_over(&self, inner: Encoding) -> Encoding {
        Encoding {
            correlation_place: self.correlation_place.unwrap_or(inner.correlation_place),
            correlation_name: self.correlation_name.clone().or(inner.correlation_name),
            base_route: self.base_route.clone().or(inner.base_route),
            has_more_headers: inner.has_more_headers || !self.headers.is_empty() || self.has_token(),
        }
    }

    /// Returns the settings for one of the addresses, by its number: 0 for the first, then the fallbacks. The
    /// time limit for opening a connection is divided among them, so that an address which does not respond
    /// leaves time for the others.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn of_address(&self, index: usize) -> Self {
        let mut config = self.clone();
        let fallbacks = std::mem::take(&mut config.fallback_urls);
        let count = u32::try_from(fallbacks.len() + 1).unwrap_or(u32::MAX);
        config.connect_timeout = Some(self.connect_timeout()).map(|limit| match limit {
            Duration::MAX => limit,
            limit => (limit / count).max(Duration::from_nanos(1)),
        });
        if let Some(url) = index.checked_sub(1).and_then(|fallback| fallbacks.into_iter().nth(fallback)) {
            config.base_url = Some(url);
        }
        config
    }

    /// Returns the address, or an error if there is none.
    #[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
    pub(crate) fn required_url(&self) -> Result<&str> {
        self.base_url().ok_or_else(|| {
            let why = "the configuration has no address: give one to `ClientConfig::from_url`";
            Error::new(ErrorKind::Config, why)
        })
    }

    /// Returns the time limit for opening a connection.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout.unwrap_or((self.timeout / 2).min(Duration::from_secs(5)))
    }

    /// Returns the time limit for one attempt of a call, including its response.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the time limit for a whole call, including retries and pauses.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline.unwrap_or_else(|| self.timeout.max(Duration::from_secs(30)))
    }

    /// Returns the maximum number of concurrent calls; `usize::MAX` if it is unlimited or
    /// [adaptive](Self::has_adaptive_concurrency_limit).
    #[must_use]
    pub fn concurrency_limit(&self) -> usize {
        match self.concurrency_limit {
            ConcurrencyLimit::Fixed(calls) => calls,
            ConcurrencyLimit::Adaptive => usize::MAX,
        }
    }

    /// Returns whether the concurrency limit is [adaptive](Self::with_adaptive_concurrency_limit).
    #[must_use]
    pub fn has_adaptive_concurrency_limit(&self) -> bool {
        self.concurrency_limit == ConcurrencyLimit::Adaptive
    }

    /// Returns how long idle connections are kept.
    #[must_use]
    pub fn pool_idle_timeout(&self) -> Duration {
        self.pool_idle_timeout
    }

    /// Returns the rules for retries.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.retry_policy
    }

    /// Returns the maximum size of a response body, in bytes.
    #[must_use]
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes
    }

    /// Returns the `User-Agent` header, if one is set.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Returns the `User-Agent` header to send.
    pub(crate) fn user_agent_header(&self) -> Result<HeaderValue> {
        const DEFAULT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        let why = "must be a valid header value: ASCII without control characters";
        let user_agent = self.user_agent.as_deref().unwrap_or(DEFAULT);
        HeaderValue::from_str(user_agent).map_err(|_| Error::config("with_user_agent", why))
    }

    /// Returns the part of requests that carries correlation ids.
    #[must_use]
    pub fn correlation_place(&self) -> CorrelationPlace {
        self.correlation_place.unwrap_or_default()
    }

    /// Returns the name of correlation ids that replaces the name in the contract, if one is set.
    #[must_use]
    pub fn correlation_name(&self) -> Option<&HeaderName> {
        self.correlation_name.as_ref()
    }

    /// Returns the headers of all requests.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the settings of TLS.
    #[must_use]
    pub fn tls(&self) -> &TlsConfig {
        &self.tls
    }

    /// Returns the setting of the proxy.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Returns the addresses that replace those from DNS for `host` and `port`, if there are any.
    #[must_use]
    pub fn resolved(&self, host: &str, port: u16) -> Option<&[IpAddr]> {
        let find = |host: &str| {
            let is_it = |entry: &&Resolved| entry.port == port && entry.host.eq_ignore_ascii_case(host);
            self.resolved.iter().rfind(is_it).map(|entry| &entry.addresses[..])
        };
        let is_name = || host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
        find(host).or_else(|| find("*").filter(|_| is_name()))
    }

    /// Returns the address that connections to `host` and `port` are opened to, if one was set.
    #[must_use]
    pub fn connect_to(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let is_it =
            |(name, of, _): &&(String, u16, SocketAddr)| *of == port && name.eq_ignore_ascii_case(host);
        self.connect_to.iter().rfind(is_it).map(|(.., address)| *address)
    }

    /// Returns an error if an address to connect to was set.
    #[cfg(feature = "reqwest")]
    pub(crate) fn reject_connect_to(&self, transport: &str) -> Result<()> {
        if self.connect_to.is_empty() {
            return Ok(());
        }
        let why = format_args!("is not supported by `{transport}`: use `HyperTransport`");
        Err(Error::config("with_connect_to", why))
    }

    /// Returns the hosts and ports that connections are opened to, one for each address of the service: those of
    /// its proxy, or else those of the service. IPv6 addresses have no brackets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if an address or a proxy is not valid.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub fn connects_to(&self) -> Result<Vec<(String, u16)>> {
        let urls = self.base_url.iter().chain(&self.fallback_urls);
        let first_hop = |url: &String| {
            let uri: Uri = url
                .parse()
                .map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))?;
            let proxy = crate::transport::ProxyRoute::of(self, &uri)?;
            let (host, port) = match &proxy {
                Some(proxy) => proxy.host_and_port(),
                None => crate::transport::host_and_port(&uri),
            };
            Ok((host.to_owned(), port))
        };
        urls.map(first_hop).collect()
    }

    /// Returns the version of HTTP.
    #[must_use]
    pub fn http_version(&self) -> HttpVersion {
        self.http_version
    }

    /// Returns whether compressed responses are asked for.
    #[must_use]
    pub fn accepts_compression(&self) -> bool {
        self.accepts_compression
    }

    /// Returns how long a connection is used.
    #[must_use]
    pub fn max_connection_age(&self) -> Duration {
        self.max_connection_age
    }

    /// Returns whether connections are spread over all addresses of the host.
    #[must_use]
    pub fn spreads_addresses(&self) -> bool {
        self.spreads_addresses
    }

    /// Returns the cache of bearer tokens, if a provider is set.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Returns whether bearer tokens may be sent over plain HTTP to other machines.
    #[must_use]
    pub fn allows_http_credentials(&self) -> bool {
        self.allows_http_credentials
    }

    /// Returns these settings for another service at `url`: without those of the service itself, which are its
    /// routes, headers, tokens and other instances.
    #[cfg(all(feature = "oauth2", any(feature = "hyper", feature = "reqwest")))]
    pub(crate) fn for_service(&self, url: String) -> Self {
        let mut extensions = self.extensions.clone();
        extensions.remove::<ForGrpc>();
        Self {
            base_url: Some(url),
            base_route: None,
            headers: HeaderMap::new(),
            tokens: None,
            fallback_urls: Vec::new(),
            correlation_place: None,
            correlation_name: None,
            // The service may be the only one that speaks HTTP/2.
            http_version: HttpVersion::default(),
            extensions,
            ..self.clone()
        }
    }

    /// Returns the addresses of other instances, including credentials.
    #[must_use]
    pub fn fallback_urls(&self) -> &[String] {
        &self.fallback_urls
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Omits credentials and path.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri: Option<Uri> = self.base_url().and_then(|url| url.parse().ok());
        f.debug_struct("ClientConfig")
            .field("host", &uri.as_ref().and_then(Uri::host))
            .field("port", &uri.as_ref().and_then(Uri::port_u16))
            .field("connect_timeout", &Limit(self.connect_timeout(), Duration::MAX))
            .field("timeout", &Limit(self.timeout, Duration::MAX))
            .field("deadline", &Limit(self.deadline(), Duration::MAX))
            .field("retry_policy", &self.retry_policy)
            .field("concurrency_limit", &self.concurrency_limit)
            .field("pool_idle_timeout", &Limit(self.pool_idle_timeout, Duration::MAX))
            .field("max_response_bytes", &Limit(self.max_response_bytes, usize::MAX))
            .field("correlation_place", &self.correlation_place())
            .field("correlation_name", &self.correlation_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(calls) => Limit(*calls, usize::MAX).fmt(f),
            Self::Adaptive => f.write_str("adaptive"),
        }
    }
}

/// A limit, and the value for no limit, which `Debug` shows as `none`.
pub(crate) struct Limit<T>(pub(crate) T, pub(crate) T);

impl<T: fmt::Debug + PartialEq> fmt::Debug for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { f.write_str("none") } else { self.0.fmt(f) }
    }
}
