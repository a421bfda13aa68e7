//! Where the service is and how to talk to it.
//!
//! The keys are those of the official clients, so that one configuration serves both.

use crate::error::{Error, Result};
use crate::policy::RetryPolicy;
use crate::runtime::CorrelationPlace;
use http::Uri;
use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

/// Where the service is, and the limits of a call.
///
/// ```
/// use sessions_client::ClientConfig;
///
/// let config = ClientConfig::from_pairs([
///     ("connection.protocol", "http"),
///     ("connection.host", "sessions.staging"),
///     ("connection.port", "8080"),
///     ("options.timeout", "5000"),
/// ])?;
/// assert_eq!(config.base_url(), "http://sessions.staging:8080");
///
/// let wrong = ClientConfig::from_pairs([("connection.hots", "sessions.staging")]).unwrap_err();
/// assert!(wrong.to_string().starts_with("`connection.hots` is not a known key: did you mean `connection.host`?"));
/// # Ok::<_, sessions_client::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientConfig {
    base_url: String,
    connect_timeout: Option<Duration>,
    timeout: Duration,
    /// As it was given; the default depends on `timeout`.
    deadline: Option<Duration>,
    retry_policy: RetryPolicy,
    max_response_bytes: usize,
    correlation_place: CorrelationPlace,
}

/// The keys that [`ClientConfig::from_pairs`] knows.
const KEYS: [&str; 8] = [
    "connection.protocol",
    "connection.host",
    "connection.port",
    "connection.uri",
    "options.connect_timeout",
    "options.timeout",
    "options.retries",
    "options.correlation_id_place",
];

impl ClientConfig {
    /// The service at `url`: scheme, host, port and, where the service has one, a path before `/v1/sessions`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when it is no `http` or `https` URL, or has a query.
    pub fn from_url(url: &str) -> Result<Self> {
        Ok(Self {
            base_url: check_url("url", url)?,
            connect_timeout: None,
            timeout: Duration::from_secs(10),
            deadline: None,
            retry_policy: RetryPolicy::new(),
            max_response_bytes: 16 << 20,
            correlation_place: CorrelationPlace::default(),
        })
    }

    /// The configuration in the keys of the official clients.
    ///
    /// | key | default | meaning |
    /// |---|---|---|
    /// | `connection.uri` | | the address in one piece, in place of the next three |
    /// | `connection.protocol` | `http` | `http` or `https` |
    /// | `connection.host` | `localhost` | |
    /// | `connection.port` | `3000` | 1 to 65535 |
    /// | `options.connect_timeout` | half of `options.timeout`, `5000` at most | milliseconds to get a connection |
    /// | `options.timeout` | `10000` | milliseconds for one attempt of a call, its answer included |
    /// | `options.retries` | `2` | how often a call is repeated at most, from 0 |
    /// | `options.correlation_id_place` | `query` | `query`, `headers` or `both` |
    ///
    /// One of `connection.uri`, `connection.host` and `connection.port` must be there.
    ///
    /// Where the official clients differ:
    ///
    /// * They repeat a call before a connection exists (Node) or whatever went wrong (Dart, which can open a
    ///   session twice), and with their defaults Node takes 70 s to report a refused connection. Here a request
    ///   that was sent is repeated as well, if its operation is declared idempotent; pauses are short, 0 is no
    ///   repeat, and all of it ends at a [deadline](Self::deadline), for which there is no key. See
    ///   [`RetryPolicy`] for what is repeated when.
    /// * Their `options.connect_timeout` is 10 s, as long as the whole request has. Here it is shorter, so that a
    ///   host that does not answer at all is known as such: then every operation may be repeated.
    /// * Their `options.timeout` ends with the headers of the answer (Node), or is not looked at (Dart).
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
        let mut values: [Option<String>; KEYS.len()] = Default::default();
        for (key, value) in pairs {
            let key = key.as_ref();
            let index = KEYS.iter().position(|known| *known == key).ok_or_else(|| unknown(key))?;
            if values[index].replace(value.as_ref().to_owned()).is_some() {
                return Err(Error::config(key, "is given twice"));
            }
        }
        let [protocol, host, port, uri, connect_timeout, timeout, retries, place] = values;
        let url = match (uri, protocol, host, port) {
            (Some(uri), None, None, None) => check_url("connection.uri", &uri)?,
            (Some(_), ..) => {
                let why = "is the whole address: drop `connection.protocol`, `connection.host` and `connection.port`";
                return Err(Error::config("connection.uri", why));
            }
            (None, _, None, None) => {
                let why = "is missing: give it, or `connection.host` and `connection.port`";
                return Err(Error::config("connection.uri", why));
            }
            (None, protocol, host, port) => assemble(protocol, host, port)?,
        };
        let mut config = Self::from_url(&url)?;
        if let Some(text) = connect_timeout {
            config.connect_timeout = Some(millis("options.connect_timeout", &text)?);
        }
        if let Some(text) = timeout {
            config.timeout = millis("options.timeout", &text)?;
        }
        if let Some(text) = retries {
            let retries = text.parse();
            config.retry_policy.retries = retries
                .map_err(|_| Error::config("options.retries", "must be a whole number, 0 for none"))?;
        }
        if let Some(text) = place {
            config.correlation_place = match &*text {
                "query" => CorrelationPlace::Query,
                "headers" => CorrelationPlace::Headers,
                "both" => CorrelationPlace::Both,
                _ => {
                    return Err(Error::config(
                        "options.correlation_id_place",
                        "must be `query`, `headers` or `both`",
                    ));
                }
            };
        }
        Ok(config)
    }

    /// The same configuration with another limit for getting a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// The same configuration with another limit for one attempt of a call, its answer included.
    /// [`Duration::MAX`] is none.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same configuration with another limit for a whole call, repeats and pauses included.
    /// [`Duration::MAX`] is none.
    #[must_use]
    pub fn with_deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// The same configuration with another number of repeats, 0 for none.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retry_policy.retries = retries;
        self
    }

    /// The same configuration with another policy of repeats, their number included.
    #[must_use]
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// The same configuration with another limit for the body of an answer, in bytes.
    #[must_use]
    pub fn with_max_response_bytes(mut self, limit: usize) -> Self {
        self.max_response_bytes = limit;
        self
    }

    /// The same configuration with correlation ids in `place`.
    #[must_use]
    pub fn with_correlation_place(mut self, place: CorrelationPlace) -> Self {
        self.correlation_place = place;
        self
    }

    /// The address of the service, credentials included.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
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

fn assemble(protocol: Option<String>, host: Option<String>, port: Option<String>) -> Result<String> {
    let protocol = protocol.unwrap_or_else(|| "http".to_owned());
    if protocol != "http" && protocol != "https" {
        return Err(Error::config("connection.protocol", "must be `http` or `https`"));
    }
    let host = host.unwrap_or_else(|| "localhost".to_owned());
    let alone = "must be a host name or an IP address alone: the port goes into `connection.port`";
    if host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
        return Err(Error::config("connection.host", alone));
    }
    let host = match host.trim_start_matches('[').trim_end_matches(']').parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) if host.contains(':') => return Err(Error::config("connection.host", alone)),
        Err(_) => host,
    };
    let port = match port {
        None => 3000,
        Some(text) => text
            .parse::<u16>()
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(|| Error::config("connection.port", "must be a whole number from 1 to 65535"))?,
    };
    check_url("connection.host", &format!("{protocol}://{host}:{port}"))
}

/// The URL without a slash at its end, if calls can be made to it.
fn check_url(key: &str, url: &str) -> Result<String> {
    let example = "write it like `http://localhost:8080`";
    let uri: Uri =
        url.trim().parse().map_err(|_| Error::config(key, format_args!("is no URL: {example}")))?;
    let Some(scheme) = uri.scheme_str() else {
        return Err(Error::config(key, format_args!("has no scheme: {example}")));
    };
    if scheme != "http" && scheme != "https" {
        return Err(Error::config(
            key,
            format_args!("has the scheme `{scheme}`: it must be `http` or `https`"),
        ));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    let port = host_and_port.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if port.is_some_and(|port| !port.parse().is_ok_and(|port: u16| port > 0)) {
        return Err(Error::config(key, "has a port that is no whole number from 1 to 65535"));
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(Error::config(key, format_args!("has no host: {example}")));
    }
    if uri.query().is_some() || url.contains('#') {
        return Err(Error::config(key, "must end with the path: drop its query and fragment"));
    }
    Ok(url.trim().trim_end_matches('/').to_owned())
}

fn millis(key: &str, text: &str) -> Result<Duration> {
    let millis = text.parse::<u64>().ok().filter(|&millis| millis > 0);
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| Error::config(key, "must be a whole number of milliseconds above 0"))
}

fn unknown(key: &str) -> Error {
    let near = KEYS.iter().find(|known| is_near(key, known));
    let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    Error::config(
        key,
        format_args!("is not a known key: {hint}There are {}", KEYS.map(|key| format!("`{key}`")).join(", ")),
    )
}

/// Whether two keys have the same letters, or differ by one at most: enough for slips of the finger.
fn is_near(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let missing_one = || {
        (0..long.len()).any(|at| {
            long.is_char_boundary(at)
                && long.is_char_boundary(at + 1)
                && format!("{}{}", &long[..at], &long[at + 1..]) == short
        })
    };
    sorted(a) == sorted(b) || (long.len() == short.len() + 1 && missing_one())
}

/// Without credentials and path.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri: Option<Uri> = self.base_url.parse().ok();
        f.debug_struct("ClientConfig")
            .field("host", &uri.as_ref().and_then(Uri::host))
            .field("port", &uri.as_ref().and_then(Uri::port_u16))
            .field("connect_timeout", &self.connect_timeout())
            .field("timeout", &self.timeout)
            .field("deadline", &self.deadline())
            .field("retry_policy", &self.retry_policy)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("correlation_place", &self.correlation_place)
            .finish_non_exhaustive()
    }
}
