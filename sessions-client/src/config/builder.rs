//! The configuration of a client, in Rust: typed, with a default for everything but the address.

use super::{ClientKind, ConfigParams, address};
use crate::error::{Error, Result};
use crate::policy::RetryPolicy;
use crate::runtime::{BaseRoute, CorrelationPlace, Encoding};
use http::Uri;
use std::fmt;
use std::time::Duration;

/// Where the service is, and the limits of a call.
///
/// It is written in Rust, or read from [pairs](Self::from_pairs), environment variables and files by
/// [`ConfigParams`], whose documentation has the table of the keys.
///
/// ```
/// use sessions_client::ClientConfig;
/// use std::time::Duration;
///
/// let config = ClientConfig::from_url("http://sessions.staging:8080")?
///     .with_timeout(Duration::from_secs(5))
///     .with_deadline(Duration::from_secs(12))
///     .with_retries(1);
///
/// let same = ClientConfig::from_pairs([
///     ("connection.host", "sessions.staging"),
///     ("connection.port", "8080"),
///     ("options.timeout", "5000"),
///     ("options.deadline", "12000"),
///     ("options.retries", "1"),
/// ])?;
/// assert_eq!(same.base_url(), config.base_url());
///
/// let wrong = ClientConfig::from_pairs([("connection.hots", "sessions.staging")]).unwrap_err();
/// assert!(wrong.to_string().starts_with("`connection.hots` is not a known key: did you mean `connection.host`?"));
/// # Ok::<_, sessions_client::Error>(())
/// ```
///
/// What cannot work together is refused where a client is made: see [`validate`](Self::validate).
#[derive(Clone)]
pub struct ClientConfig {
    kind: ClientKind,
    base_url: Option<String>,
    base_route: Option<BaseRoute>,
    /// As it was given; the default depends on `timeout`.
    connect_timeout: Option<Duration>,
    timeout: Duration,
    /// As it was given; the default depends on `timeout`.
    deadline: Option<Duration>,
    retry_policy: RetryPolicy,
    concurrency_limit: usize,
    pool_idle_timeout: Duration,
    max_response_bytes: usize,
    correlation_place: CorrelationPlace,
}

impl ClientConfig {
    /// Everything at its default, and no address: for clients in the same process, and for transports of one's own.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kind: ClientKind::default(),
            base_url: None,
            base_route: None,
            connect_timeout: None,
            timeout: Duration::from_secs(10),
            deadline: None,
            retry_policy: RetryPolicy::new(),
            concurrency_limit: usize::MAX,
            pool_idle_timeout: Duration::from_secs(4),
            max_response_bytes: 16 << 20,
            correlation_place: CorrelationPlace::default(),
        }
    }

    /// The service at `url`: scheme, host, port and, where the service has one, a path before `/v1/sessions`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when it is no `http` or `https` URL, or has a query.
    pub fn from_url(url: &str) -> Result<Self> {
        address::check_url(url).map(Self::at).map_err(|why| Error::config("url", why))
    }

    /// The service at an address that is checked.
    pub(super) fn at(url: String) -> Self {
        Self { base_url: Some(url), ..Self::new() }
    }

    /// The configuration in the keys of the official clients: [`ConfigParams`] has them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an unknown key, a wrong value or a contradiction;
    /// the message names the key and says what is allowed.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        ConfigParams::new().with_pairs(pairs)?.build()
    }

    /// The same configuration for another kind of client, which
    /// [`SessionsClientFactory`](crate::SessionsClientFactory) makes; [`ClientKind::Http`] by default.
    #[must_use]
    pub fn with_kind(mut self, kind: ClientKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same configuration with another path in front of every route than the contract's `/v1/sessions`.
    #[must_use]
    pub fn with_base_route(mut self, base: BaseRoute) -> Self {
        self.base_route = Some(base);
        self
    }

    /// The same configuration with another limit for getting a connection: half of that of an attempt by default, and
    /// 5 seconds at most. It runs within that of an attempt. [`Duration::MAX`] is none.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// The same configuration with another limit for one attempt of a call, its answer included: 10 seconds by
    /// default. [`Duration::MAX`] is none.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same configuration with another limit for a whole call, repeats and pauses included: by default 30 seconds,
    /// or as long as one attempt may take if that is longer. It may be shorter than an attempt, which it cuts off then.
    /// [`Duration::MAX`] is none.
    #[must_use]
    pub fn with_deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// The same configuration with another number of repeats, 0 for none: 2 by default.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retry_policy.retries = retries;
        self
    }

    /// The same configuration with another policy of repeats, their number included:
    /// [`RetryPolicy::new`] by default.
    #[must_use]
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// The same configuration with a limit for the calls of a client over the network, and of all its clones, that are under
    /// way at once, and so for their connections; reqwest may have one more, on its way back into the pool. `usize::MAX`,
    /// the default, is none.
    ///
    /// Calls beyond it wait for their turn, in the order in which they came, and the limits of time hold meanwhile. Some
    /// thousand calls at once are over sooner by a few dozen connections than by thousands, which no cache holds; and a
    /// service is spared that answers one request at a time, as Node.js does. Too few hold up calls: where an answer
    /// takes 10 ms, 64 connections have 6,400 a second.
    #[must_use]
    pub fn with_concurrency_limit(mut self, calls: usize) -> Self {
        self.concurrency_limit = calls;
        self
    }

    /// The same configuration with another time after which an idle connection is given up: 4 seconds by default, since
    /// the service closes its connections after 5, and a request that crosses the close is lost.
    #[must_use]
    pub fn with_pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// The same configuration with another limit for the body of an answer, in bytes: 16 MiB by default.
    /// `usize::MAX` is none.
    #[must_use]
    pub fn with_max_response_bytes(mut self, limit: usize) -> Self {
        self.max_response_bytes = limit;
        self
    }

    /// The same configuration with correlation ids in `place`: in the query by default.
    #[must_use]
    pub fn with_correlation_place(mut self, place: CorrelationPlace) -> Self {
        self.correlation_place = place;
        self
    }

    /// Refuses what no client can work with. Whoever makes a client from a configuration calls it, except
    /// [`Policies::new`](crate::Policies::new), which cannot fail and takes the limits as they are.
    ///
    /// A limit of zero is refused, since nothing would ever succeed; [`Duration::MAX`] is no limit. So is a policy of
    /// repeats that contradicts itself: a first pause longer than the longest, a budget that never pays for a repeat.
    ///
    /// A limit within a shorter one is no mistake, and simply never reached: a connect timeout that is longer than
    /// an attempt may take, an attempt that may take longer than the whole call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the names of the setting as a key and in Rust.
    pub fn validate(&self) -> Result<()> {
        let limits = [
            ("options.connect_timeout", "with_connect_timeout", self.connect_timeout),
            ("options.timeout", "with_timeout", Some(self.timeout)),
            ("options.deadline", "with_deadline", self.deadline),
            ("options.pool_idle_timeout", "with_pool_idle_timeout", Some(self.pool_idle_timeout)),
        ];
        for (key, setter, limit) in limits {
            if limit == Some(Duration::ZERO) {
                let why =
                    format!("(`{setter}`) is zero, in which nothing succeeds: `Duration::MAX` is no limit");
                return Err(Error::config(key, why));
            }
        }
        if self.max_response_bytes == 0 {
            let why =
                "(`with_max_response_bytes`) is zero, in which no answer fits: `usize::MAX` is no limit";
            return Err(Error::config("options.max_response_size", why));
        }
        if self.concurrency_limit == 0 {
            let why =
                "(`with_concurrency_limit`) is zero, in which no call is made: `usize::MAX` is no limit";
            return Err(Error::config("options.concurrency_limit", why));
        }
        let RetryPolicy { retries, backoff, max_backoff, budget, cost, .. } = self.retry_policy;
        if backoff > max_backoff {
            let why =
                "(`RetryPolicy::backoff`) is longer than `options.max_backoff`: make that as long at least";
            return Err(Error::config("options.backoff", why));
        }
        if retries > 0 && budget < cost {
            let why = "is less than the `cost` of a repeat, so that there would be none: \
                       give more, or say it with 0 retries";
            return Err(Error::config("RetryPolicy::budget", why));
        }
        Ok(())
    }

    /// The kind of client that this is for.
    #[must_use]
    pub fn kind(&self) -> ClientKind {
        self.kind
    }

    /// The address of the service, credentials included; none for clients in the same process.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The path in front of every route, where it is not the contract's own.
    #[must_use]
    pub fn base_route(&self) -> Option<&BaseRoute> {
        self.base_route.as_ref()
    }

    /// How requests are written: what a [`Caller`](crate::Caller) over a transport of one's own takes.
    ///
    /// ```
    /// use sessions_client::{Caller, ClientConfig, SessionsHttpClientV1, Transport, Value};
    ///
    /// fn client<T: Transport>(transport: T, config: &ClientConfig) -> SessionsHttpClientV1<Value, Value, T> {
    ///     SessionsHttpClientV1::from_caller(Caller::new(transport).with_encoding(config.encoding()))
    /// }
    /// ```
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        Encoding { correlation_place: self.correlation_place, base_route: self.base_route.clone() }
    }

    /// The address, where a client cannot do without.
    #[cfg(any(feature = "hyper", feature = "reqwest", feature = "tower"))]
    pub(crate) fn required_url(&self) -> Result<&str> {
        self.base_url().ok_or_else(super::keys::missing_address)
    }

    /// The limit for getting a connection; by default half of that of an attempt, and 5 seconds at most.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout.unwrap_or((self.timeout / 2).min(Duration::from_secs(5)))
    }

    /// The limit for one attempt of a call, its answer included; 10 seconds by default.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The limit for a whole call, repeats and pauses included; by default 30 seconds, or as long as one attempt
    /// may take if that is longer.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline.unwrap_or_else(|| self.timeout.max(Duration::from_secs(30)))
    }

    /// How many calls are under way at once; by default as many as are made.
    #[must_use]
    pub fn concurrency_limit(&self) -> usize {
        self.concurrency_limit
    }

    /// How long an idle connection is kept; 4 seconds by default.
    #[must_use]
    pub fn pool_idle_timeout(&self) -> Duration {
        self.pool_idle_timeout
    }

    /// What is repeated, and when.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.retry_policy
    }

    /// The limit for the body of an answer; 16 MiB by default.
    #[must_use]
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes
    }

    /// Where correlation ids travel; in the query by default.
    #[must_use]
    pub fn correlation_place(&self) -> CorrelationPlace {
        self.correlation_place
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Without credentials and path.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri: Option<Uri> = self.base_url().and_then(|url| url.parse().ok());
        f.debug_struct("ClientConfig")
            .field("kind", &self.kind)
            .field("host", &uri.as_ref().and_then(Uri::host))
            .field("port", &uri.as_ref().and_then(Uri::port_u16))
            .field("connect_timeout", &self.connect_timeout())
            .field("timeout", &self.timeout)
            .field("deadline", &self.deadline())
            .field("retry_policy", &self.retry_policy)
            .field("concurrency_limit", &self.concurrency_limit)
            .field("pool_idle_timeout", &self.pool_idle_timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("correlation_place", &self.correlation_place)
            .finish_non_exhaustive()
    }
}
