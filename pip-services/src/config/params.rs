//! A configuration from several sources: keys and values, each with its origin.

use super::entry::{Entry, Origin};
use super::network::HEADERS;
use super::{ClientKind, Setting, credentials, environment, keys, reference, setting};
use std::ffi::OsString;
use std::fmt;
#[cfg(feature = "config")]
use std::path::Path;
use wiretrait::{ClientConfig, Result};

/// A configuration in the keys of the official clients, from one source or several.
///
/// Each source is a layer over those before it: its keys replace theirs. `connection.uri`, the whole address,
/// replaces all keys of an address.
///
/// ```
/// use pip_services::ConfigParams;
///
/// let config = ConfigParams::new()
///     .with_pairs([("connection.host", "orders"), ("connection.port", "8080"), ("options.timeout", "5000")])?
///     // In a program: `std::env::vars_os()`.
///     .with_environment("ORDERS", [("ORDERS_URL", "http://localhost:8080"), ("PATH", "/bin")])?
///     .build()?;
/// assert_eq!(config.base_url(), Some("http://localhost:8080"));
/// assert_eq!(config.timeout().as_secs(), 5);
/// # Ok::<_, wiretrait::Error>(())
/// ```
///
/// # Keys
///
/// All durations are in milliseconds.
///
/// | key | default | meaning |
/// |---|---|---|
/// | `kind` | `http` | the [kind of client](ClientKind); only `http` and those over gRPC need an address |
/// | `descriptor` | | the kind of client as an official descriptor, in place of `kind` |
/// | `connection.uri` | | the whole address, in place of protocol, host and port |
/// | `connection.protocol` | `http` | `http` or `https` |
/// | `connection.host` | `localhost` | host name or IP address |
/// | `connection.port` | `3000` | port from 1 to 65535 |
/// | `connection.resolve` | | addresses in place of those from DNS, as curl has them: `host:port:address,address`, several separated by a space; the host `*` is that of all other names |
/// | `base_route` | prefix of the contract | path in front of all routes, `/` for none: [`BaseRoute`](wiretrait::BaseRoute) |
/// | `headers.<name>` | | a header of all requests, such as `headers.x-api-key` |
/// | `credential.username` | | user name for HTTP Basic authentication |
/// | `credential.password` | none | password for HTTP Basic authentication |
/// | `credential.token` | | bearer token |
/// | `credential.token_file` | | file with the bearer token, which is read again when it changes |
/// | `credential.token_command` | | command of the shell that prints the bearer token, run for each new token |
/// | `credential.token_url` | | OAuth 2.0 server for bearer tokens of client credentials |
/// | `credential.client_id` | | id of the client at `credential.token_url` |
/// | `credential.client_secret` | | secret of the client at `credential.token_url` |
/// | `credential.scope` | none | scopes of the token, separated by spaces |
/// | `credential.allow_http` | `false` | `true` to send bearer tokens over plain `http` to other machines, where others can read them |
/// | `credential.ssl_ca_file` | | PEM file of certificates that are trusted in addition to those of the platform: authorities, or the certificate of the service itself |
/// | `credential.ssl_crt_file` | | PEM file with the certificate of the client |
/// | `credential.ssl_key_file` | | PEM file with the private key of `credential.ssl_crt_file` |
/// | `credential.insecure` | `false` | `true` to accept any certificate, for tests: others can then read and change everything |
/// | `proxy.url` | `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` | the proxy, such as `http://user:password@proxy:3128`, or `none` |
/// | `proxy.no_proxy` | | hosts that are called without `proxy.url`, in the format of the variable `NO_PROXY`: [`with_no_proxy`](wiretrait::Proxy::with_no_proxy) |
/// | `options.connect_timeout` | half of `options.timeout`, at most `5000` | time limit for a connection, part of `options.timeout` |
/// | `options.timeout` | `10000` | time limit for one attempt of a call, including the response body |
/// | `options.deadline` | `30000`, or `options.timeout` if longer | time limit for a whole call, including retries and delays |
/// | `options.retries` | `2` | maximum number of retries, `0` for none |
/// | `options.backoff` | `100` | maximum delay before the first retry, doubled for each further one |
/// | `options.max_backoff` | `2000` | maximum delay before any retry |
/// | `options.max_retry_after` | `5000` | longest `Retry-After` that is waited for; a call is not retried if the service requests a longer one, and `0` ignores the header |
/// | `options.concurrency_limit` | no limit | maximum number of concurrent calls, or `adaptive` to find the one with the highest throughput; further calls wait |
/// | `options.pool_idle_timeout` | `4000` | time for which idle connections are kept; Node.js services close theirs after 5 s |
/// | `options.max_connection_age` | `60000` | time for which a connection is used, less a random part of up to a fifth; then the name is resolved again |
/// | `options.spread_addresses` | `false` | `true` to spread connections over all addresses of the host |
/// | `options.http_version` | `1.1` | `1.1` or `2` |
/// | `options.compression` | `false` | `true` to ask for compressed responses |
/// | `options.max_response_size` | `16777216` | maximum size of a response body in bytes |
/// | `options.correlation_id_place` | `query` | where correlation ids are sent: `query`, `headers` or `both` |
/// | `options.correlation_id` | | newer name of `options.correlation_id_place`, which it overrides |
/// | `options.trace_id_place` | | `options.correlation_id_place` for services of generation 4 of the framework: the id is sent as `trace_id` |
/// | `options.trace_id` | | newer name of `options.trace_id_place`, which it overrides |
///
/// Several connections are written as `connections.<name>.host` and so on, in place of `connection.…`. Each is
/// used while no connection to those before it can be made; those with a `discovery_key` are left out.
///
/// A relative path of a file, such as that of `credential.ssl_ca_file`, is relative to the configuration file
/// that contains it, or to the working directory. The ways to authenticate exclude each other: a user name,
/// each source of a token, the header `authorization`, and credentials in the address. One of a later source
/// replaces one of an earlier source; only credentials in the address that a reference to the whole address
/// contains are not recognized.
///
/// Services of generation 4, the packages `pip-services4-…`, call the correlation id `trace_id`, in the query, in headers and in errors. Those in Python
/// ignore `correlation_id`, those for Node.js accept both, and services of generation 3 ignore `trace_id`. If there are
/// keys for both names, they must name the same place, and the id is sent as `trace_id`. In a later source,
/// `options.correlation_id_place` replaces the name, too: use `options.trace_id_place` to change only the place. The
/// names of generation 4 are for requests; a service of this framework in Rust has those of generation 3. Over gRPC, the messages of both
/// generations have the id in the same field, so that the name matters for metadata only.
///
/// The table `loadtest` and the list `deviations` of a file are ignored: they have the settings of a load test, and
/// the deviations that contract tests accept.
///
/// # References
///
/// A value in a file, a variable or an option of the command line, but not in [pairs](Self::with_pairs), can
/// contain references, so that secrets are kept elsewhere:
///
/// | reference | replaced by |
/// |---|---|
/// | `${VARIABLE}` | an environment variable, of those given to [`with_environment`](Self::with_environment), or of the process if it was not called |
/// | `${file:PATH}` | the content of a file, without a byte order mark and without line ends at its end; a relative path is relative to the configuration file |
/// | `${command:LINE}` | the first line that a command of the shell prints, within 10 seconds |
/// | `$${` | `${` |
///
/// ```
/// use pip_services::ConfigParams;
///
/// let variables = [("ORDERS_URL", "http://orders"), ("ORDERS_HEADERS_X_API_KEY", "${KEY}"), ("KEY", "secret")];
/// let config = ConfigParams::new().with_environment("ORDERS", variables)?.build()?;
/// assert_eq!(config.headers()["x-api-key"], "secret");
/// # Ok::<_, wiretrait::Error>(())
/// ```
///
/// In the user name and the password of a URL, such as `http://me:${PASSWORD}@proxy:3128`, a reference is
/// percent-encoded, except for `:`, so that a password is written without escapes. Elsewhere it is inserted verbatim.
/// `credential.token_command` has no references: the shell replaces `${VARIABLE}` when it runs the command, so
/// that the secret is not part of the command line, which other users of the machine can read.
///
/// They are resolved by [`build`](Self::build), which waits for files and commands. An error names the
/// reference, but not its value.
///
/// # Errors
///
/// Unknown keys and invalid values are errors, which name the key, its origin and the valid values, but never
/// quote the value: it may be a secret.
///
/// # Other keys of the official clients
///
/// | key | here | in the official clients |
/// |---|---|---|
/// | `connection.ip` | ignored next to `connection.host`, an error without it | ignored |
/// | `connection.discovery_key` | an error: there is no service discovery | looked up in the discovery components |
/// | `credential.internal_network` | ignored | makes `credential.ssl_key_file` and `credential.ssl_crt_file` optional |
/// | `credential.store_key` | an error: there is no credential store | looked up in the credential stores |
/// | `options.request_max_size`, `options.debug` | ignored | ignored |
/// | `options.invoke_timeout` | an error: use `options.timeout` | ignored |
///
/// # Differences from the official clients
///
/// The official clients have only the keys of the following table, `connection.protocol`, `connection.port`,
/// `base_route`, `options.correlation_id` and `options.trace_id`. These differ:
///
/// | key | in the official clients |
/// |---|---|
/// | `connection.uri` | the path is ignored (Node.js); protocol, host and port are allowed in addition |
/// | `connection.host` | `0.0.0.0` by default |
/// | `connections.<name>.…` | only the first one is used |
/// | `credential.ssl_key_file`, `credential.ssl_crt_file` | required for `https`, but never read; `credential.ssl_ca_file` is known only over gRPC |
/// | `options.connect_timeout` | `10000` by default; ignored (Dart) |
/// | `options.timeout` | until the response headers, `0` for no limit (Node.js); ignored (Dart) |
/// | `options.retries` | `3` by default; `0` means 4 (Node.js); the number of all attempts (Dart) |
/// | `options.correlation_id_place`, `options.trace_id_place` | any other value: not sent; each is known to one generation of clients |
///
/// * **Retries.** The Node.js client retries only while there is no connection. The Dart client retries after
///   any failure, so that it can create the same object twice. With the default settings, the Node.js client
///   reports a refused connection after 70 s. Here, a call that was sent is also retried if its operation is
///   declared idempotent, delays are short, and the [deadline](ClientConfig::deadline) limits the whole call.
///   For details see [`RetryPolicy`](wiretrait::policy::RetryPolicy).
/// * **Connect timeout.** Theirs is 10 s, as long as the whole request may take. Here it is shorter, so that
///   an unreachable host is recognized before `options.timeout` ends; then any operation may be retried.
/// * **Address.** Without an address they call `0.0.0.0:3000`. Here, one of `connection.uri`,
///   `connection.host` and `connection.port` is required.
#[derive(Clone, Default)]
pub struct ConfigParams {
    entries: Vec<Entry>,
    /// The variables for references; `None` for those of the process.
    variables: Option<Vec<(OsString, OsString)>>,
}

impl ConfigParams {
    /// Creates an empty configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds pairs of a key and its value, which is used verbatim.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](wiretrait::ErrorKind::Config) for an unknown key, and for a key that is given
    /// twice.
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
        self.with_layer(pairs.into_iter().map(entry).collect())
    }

    /// Adds options of a command line: the name of an option, the key that it sets, and the value.
    ///
    /// Errors and [`settings`](Self::settings) name the option. Add them last, so that they replace variables
    /// and files.
    ///
    /// ```
    /// use pip_services::ConfigParams;
    ///
    /// let params = ConfigParams::new().with_flags([("--timeout", "options.timeout", "soon")])?;
    /// let error = params.with_pairs([("connection.host", "orders")])?.build().unwrap_err();
    /// assert!(error.to_string().starts_with("`options.timeout` (--timeout) must be a whole number"));
    /// # Ok::<_, wiretrait::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`with_pairs`](Self::with_pairs).
    pub fn with_flags<F, K, V>(self, flags: impl IntoIterator<Item = (F, K, V)>) -> Result<Self>
    where
        F: Into<String>,
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let entry = |(flag, key, value): (F, K, V)| Entry {
            key: key.as_ref().to_owned(),
            value: value.as_ref().to_owned(),
            origin: Origin::Flag(flag.into()),
        };
        self.with_layer(flags.into_iter().map(entry).collect())
    }

    /// Adds the settings among `variables`; `std::env::vars_os()` returns those of the process.
    ///
    /// With the prefix `ORDERS`, the variable for `connection.host` is `ORDERS_CONNECTION_HOST`, and so on
    /// for each key; `ORDERS_URL` is short for `ORDERS_CONNECTION_URI`, and `ORDERS_HEADERS_X_API_KEY` is the
    /// header `x-api-key`. Empty variables count as not set. A variable with the prefix whose name does not
    /// resemble a key is ignored, since it may belong to another program.
    ///
    /// References in any source refer to these variables, also for those without the prefix.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](wiretrait::ErrorKind::Config), with the name of the variable, if it seems to be
    /// meant for a key but does not match one: it has the prefix and a group, as in `ORDERS_OPTIONS_…`, or
    /// differs from a known variable in a single letter.
    pub fn with_environment<K, V>(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let variables: Vec<(OsString, OsString)> = variables.collect();
        let layer = environment::read(prefix, variables.iter().cloned())?;
        self.variables.get_or_insert_default().extend(variables);
        self.with_layer(layer)
    }

    /// Adds the settings of a YAML, JSON or TOML file, depending on its extension: `.yaml`, `.yml`, `.json`
    /// or `.toml`.
    ///
    /// Nested tables make dotted keys. Numbers and booleans are allowed as values.
    ///
    /// ```no_run
    /// use pip_services::ConfigParams;
    ///
    /// // connection:
    /// //   host: orders.staging
    /// //   port: 8080
    /// // options:
    /// //   timeout: 5000
    /// let config = ConfigParams::new()
    ///     .with_file("orders.yaml")?
    ///     .with_environment("ORDERS", std::env::vars_os())?
    ///     .build()?;
    /// # Ok::<_, wiretrait::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](wiretrait::ErrorKind::Config), with the path, if the file cannot be read or
    /// parsed, if a value is a list, a date or null, or if a key is unknown.
    #[cfg(feature = "config")]
    pub fn with_file(self, path: impl AsRef<Path>) -> Result<Self> {
        self.with_layer(super::file::read(path.as_ref())?)
    }

    /// Returns the settings of a client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](wiretrait::ErrorKind::Config) for an invalid or missing value, a contradiction,
    /// a reference that cannot be resolved, and a key of the official clients that cannot work here. The
    /// message names the remedy.
    pub fn build(&self) -> Result<ClientConfig> {
        let resolved: Result<Vec<Entry>> = self.entries.iter().map(|entry| self.resolve(entry)).collect();
        keys::read(&resolved?)
    }

    /// Returns all settings in the order of the documented keys, without secrets and with their origins, and
    /// the defaults of those that are not given. References are not resolved.
    ///
    /// ```
    /// use pip_services::ConfigParams;
    ///
    /// let params = ConfigParams::new().with_pairs([("connection.uri", "http://me:secret@orders")])?;
    /// let shown: Vec<String> = params.settings().iter().map(ToString::to_string).collect();
    /// assert!(shown.contains(&"connection.uri = http://***@orders (program)".to_owned()));
    /// assert!(shown.contains(&"options.timeout = 10000 (default)".to_owned()));
    /// # Ok::<_, wiretrait::Error>(())
    /// ```
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        setting::all(&self.entries)
    }

    /// Returns the kind of client that `kind` or `descriptor` names; [`ClientKind::Http`] without either.
    ///
    /// The group of a descriptor must be one of `groups`, the official names of the service, or `*`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](wiretrait::ErrorKind::Config) for an unknown kind, a descriptor of another
    /// service, and two kinds that contradict each other.
    pub fn kind(&self, groups: &[&str]) -> Result<ClientKind> {
        let is_kind = |entry: &&Entry| keys::is_kind(&entry.key);
        let resolved = self.entries.iter().filter(is_kind).map(|entry| self.resolve(entry));
        keys::kind(&resolved.collect::<Result<Vec<_>>>()?, Some(groups))
    }

    /// Returns the setting with its references resolved.
    fn resolve(&self, entry: &Entry) -> Result<Entry> {
        reference::resolve(entry, &|name| match &self.variables {
            Some(variables) => {
                variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            }
            None => std::env::var_os(name),
        })
    }

    fn with_layer(mut self, mut layer: Vec<Entry>) -> Result<Self> {
        for entry in &mut layer {
            if entry.key.starts_with(HEADERS) {
                entry.key.make_ascii_lowercase();
            }
        }
        for (index, entry) in layer.iter().enumerate() {
            keys::check_known(entry)?;
            if let Some(first) = layer[..index].iter().find(|first| first.key == entry.key) {
                if let Origin::Variable(other) = &first.origin {
                    return Err(entry.error(format_args!("is given twice; remove `{other}`")));
                }
                return Err(entry.error("is given twice"));
            }
        }
        self.entries.retain(|earlier| !layer.iter().any(|later| keys::replaces(later, earlier)));
        self.entries.iter_mut().for_each(|earlier| credentials::replace_in_address(&layer, earlier));
        self.entries.extend(layer);
        Ok(self)
    }
}

/// Shows the keys and their origins, without the values.
impl fmt::Debug for ConfigParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfigParams")?;
        f.debug_set().entries(&self.entries).finish()
    }
}
