//! A configuration as it is collected: keys and values, each with where it came from.

use super::entry::{Entry, Origin};
use super::{ClientConfig, environment, keys};
use crate::error::Result;
use std::ffi::OsString;
use std::fmt;
#[cfg(feature = "config")]
use std::path::Path;

/// A configuration in the keys of the official clients, from one place or several.
///
/// What is added later goes over what is there already, key by key. An address in one piece
/// (`connection.uri`) goes over all of an address below it.
///
/// ```
/// use sessions_client::ConfigParams;
///
/// let config = ConfigParams::new()
///     .with_pairs([("connection.host", "sessions"), ("connection.port", "8080"), ("options.timeout", "5000")])?
///     // In a program: `std::env::vars_os()`.
///     .with_environment("SESSIONS", [("SESSIONS_URL", "http://localhost:8080"), ("PATH", "/bin")])?
///     .build()?;
/// assert_eq!(config.base_url(), Some("http://localhost:8080"));
/// assert_eq!(config.timeout().as_secs(), 5);
/// # Ok::<_, sessions_client::Error>(())
/// ```
///
/// # Keys
///
/// | key | default | meaning | in the official clients |
/// |---|---|---|---|
/// | `connection.uri` | | the address in one piece, in place of the next three | the path is ignored (Node), and the three may stand beside it |
/// | `connection.protocol` | `http` | `http` or `https` | the same |
/// | `connection.host` | `localhost` | a name or an IP address | `0.0.0.0` |
/// | `connection.port` | `3000` | 1 to 65535 | the same |
/// | `connections.<name>.…` | | several, in place of `connection.…`; the first without a `discovery_key` is taken, and the others are not looked at | the same: nor do they fail over |
/// | `connection.ip` | | without effect, and refused where there is no `connection.host` | without effect |
/// | `connection.discovery_key` | | refused: there is no discovery here | looked up in the discovery components |
/// | `credential.ssl_key_file`, `credential.ssl_crt_file` | | without effect: `https` needs no credential. For client certificates give a client of your own to [`ReqwestTransport::with_client`](crate::ReqwestTransport::with_client) | must be there for `https`; the files are never read |
/// | `credential.internal_network` | | without effect | waives those two |
/// | `credential.store_key` | | refused: there is no credential store here | looked up in the credential stores |
/// | `base_route` | `v1/sessions` | what stands in front of every path, `/` for nothing; see [`BaseRoute`](crate::BaseRoute) | the same |
/// | `options.connect_timeout` | half of `options.timeout`, `5000` at most | milliseconds to get a connection | `10000`; without effect (Dart) |
/// | `options.timeout` | `10000` | milliseconds for one attempt of a call, its answer included | until the headers of the answer, and 0 is no limit (Node); without effect (Dart) |
/// | `options.retries` | `2` | how often a call is repeated at most, from 0 | `3`, and 0 means 4 (Node), all attempts in total (Dart) |
/// | `options.correlation_id_place` | `query` | `query`, `headers` or `both` | any other value: not sent |
/// | `options.correlation_id` | | the same, and goes before it | the same (new Node client) |
/// | `options.request_max_size`, `options.debug` | | without effect | without effect |
/// | `options.invoke_timeout` | | refused: `options.timeout` is meant | without effect |
/// | `descriptor` | | the kind of client by an official descriptor: [`ClientKind`](crate::ClientKind) | the container's |
/// | `kind` | `http` | *ours*: the [kind of client](crate::ClientKind); other kinds than `http` need no address | |
/// | `options.deadline` | `30000`, or `options.timeout` if that is longer | *ours*: milliseconds for a whole call, repeats and pauses included | there is none |
/// | `options.concurrency_limit` | none | *ours*: how many calls are under way at once, each over a connection; others wait for their turn | there is none |
/// | `options.pool_idle_timeout` | `4000` | *ours*: milliseconds that an idle connection is kept; the service closes its own after 5 s | Node keeps them for as long as the service does, and meets closed ones |
/// | `options.max_response_size` | `16777216` | *ours*: the largest body of an answer, in bytes | there is none |
/// | `options.backoff` | `100` | *ours*: milliseconds of the longest pause before the first repeat | `options.timeout` |
/// | `options.max_backoff` | `2000` | *ours*: milliseconds of the longest pause before any repeat | there is none |
/// | `options.max_retry_after` | `5000` | *ours*: milliseconds of the longest pause that the service can wish for | there is none |
///
/// Anything else is refused, and so is a wrong value: the error names the key, where it came from, and what is
/// allowed, and does not quote what may be a secret.
///
/// # Where the official clients differ, and why
///
/// * They repeat a call before a connection exists (Node) or whatever went wrong (Dart, which can open a
///   session twice), and with their defaults Node takes 70 s to report a refused connection. Here a request
///   that was sent is repeated as well, if its operation is declared idempotent; pauses are short, and all of it
///   ends at a [deadline](ClientConfig::deadline). See [`RetryPolicy`](crate::policy::RetryPolicy) for what is
///   repeated when.
/// * Their `options.connect_timeout` is 10 s, as long as the whole request has. Here it is shorter, so that a
///   host that does not answer at all is known as such: then every operation may be repeated. It runs within
///   `options.timeout`, not before it, so one that is longer has no effect.
/// * Without any address they call `0.0.0.0:3000`. Here one of `connection.uri`, `connection.host` and
///   `connection.port` must be there.
#[derive(Clone, Default)]
pub struct ConfigParams {
    entries: Vec<Entry>,
}

impl ConfigParams {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds pairs of a key and its value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an unknown key, and for one that is there twice.
    pub fn with_pairs<K, V>(self, pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let entry = |(key, value): (K, V)| Entry {
            key: key.as_ref().to_owned(),
            value: value.as_ref().to_owned(),
            origin: Origin::Pairs,
        };
        self.over(pairs.into_iter().map(entry).collect())
    }

    /// Adds the settings among `variables`, of which `std::env::vars_os()` has those of the process.
    ///
    /// With the prefix `SESSIONS` the key `connection.host` is the variable `SESSIONS_CONNECTION_HOST`, and so on
    /// for each key of the table; `SESSIONS_URL` is short for `SESSIONS_CONNECTION_URI`. A variable that is empty
    /// counts as not set. One that begins with the prefix but has nothing to do with the keys is left alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the name of the variable, when it seems to be
    /// meant for a key and is none: it has the prefix and a group, as `SESSIONS_OPTIONS_…`, or is a letter away
    /// from a known one.
    pub fn with_environment<K, V>(
        self,
        prefix: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        self.over(environment::read(prefix, variables)?)
    }

    /// Adds the settings of a file in YAML, JSON or TOML, which its extension tells: `.yaml`, `.yml`, `.json` or
    /// `.toml`.
    ///
    /// Nested tables make dotted keys. Numbers and booleans are taken as their text.
    ///
    /// ```no_run
    /// use sessions_client::ConfigParams;
    ///
    /// // connection:
    /// //   host: sessions.staging
    /// //   port: 8080
    /// // options:
    /// //   timeout: 5000
    /// let config = ConfigParams::new()
    ///     .with_file("sessions.yaml")?
    ///     .with_environment("SESSIONS", std::env::vars_os())?
    ///     .build()?;
    /// # Ok::<_, sessions_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the path, when the file cannot be read or
    /// understood, has a list or null where a value belongs, or an unknown key.
    #[cfg(feature = "config")]
    pub fn with_file(self, path: impl AsRef<Path>) -> Result<Self> {
        self.over(super::file::read(path.as_ref())?)
    }

    /// The configuration that all of it makes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a wrong or missing value, a contradiction, and a key
    /// that the official clients know but that cannot work here; the message says what to do instead.
    pub fn build(&self) -> Result<ClientConfig> {
        keys::read(&self.entries)
    }

    /// These settings with `layer` over them.
    fn over(mut self, layer: Vec<Entry>) -> Result<Self> {
        for (index, entry) in layer.iter().enumerate() {
            keys::check_known(entry)?;
            if let Some(first) = layer[..index].iter().find(|first| first.key == entry.key) {
                if let Origin::Variable(other) = &first.origin {
                    return Err(entry.refused(format_args!("is given twice: drop `{other}`")));
                }
                return Err(entry.refused("is given twice"));
            }
        }
        self.entries.retain(|below| !layer.iter().any(|above| keys::replaces(&above.key, &below.key)));
        self.entries.extend(layer);
        Ok(self)
    }
}

/// Shows which keys there are and where they came from, without their values.
impl fmt::Debug for ConfigParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfigParams")?;
        f.debug_set().entries(&self.entries).finish()
    }
}
