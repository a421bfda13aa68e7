//! The settings of a configuration as they may be shown: without secrets, and with their origins.

use super::ClientKind;
use super::address::several;
use super::credentials::TOKEN_COMMAND;
use super::entry::Entry;
use super::keys::{self, HEADER};
use super::network::HEADERS;
use super::reference::without_literals;
use std::fmt;
use std::time::Duration;
use wiretrait::{ClientConfig, CorrelationPlace};

/// Keys whose values are secrets.
const SECRETS: [&str; 3] = ["credential.password", "credential.token", "credential.client_secret"];

/// A setting of a configuration: its key, its value without secrets, and its origin.
///
/// Returned by [`ConfigParams::settings`](crate::ConfigParams::settings). `Display` writes it in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    key: String,
    value: String,
    origin: String,
}

impl Setting {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value: secrets, values of headers and credentials in URLs as `***`, and references as
    /// they are written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns the origin: the name of an option or a variable, the path of a file, `program`, or `default`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key, self.value, self.origin)
    }
}

/// Returns the settings in the order of the documented keys, and the defaults of those that are not given.
pub(super) fn all(entries: &[Entry]) -> Vec<Setting> {
    let defaults = ClientConfig::new();
    // Some defaults depend on other keys. An invalid value is reported when the configuration is built.
    let defaults = keys::limits(entries, defaults.clone()).unwrap_or(defaults);
    let is_grpc = keys::kind(entries, None).is_ok_and(ClientKind::is_grpc);
    let mut settings = Vec::new();
    for key in keys::all() {
        let mut is_given = false;
        for entry in entries.iter().filter(|entry| documented(&entry.key) == key) {
            is_given = true;
            settings.push(Setting {
                key: entry.key.clone(),
                value: shown(entry),
                origin: entry.origin.to_string(),
            });
        }
        let default = if is_grpc && key == "options.http_version" {
            Some("2".to_owned())
        } else {
            default(key, &defaults)
        };
        if let (false, Some(value)) = (is_given, default) {
            settings.push(Setting { key: key.to_owned(), value, origin: "default".to_owned() });
        }
    }
    settings
}

/// Returns the documented key for a key.
fn documented(key: &str) -> &str {
    match several(key) {
        // All fields of all connections, in their order.
        Some(_) => "connection.uri",
        None if key.starts_with(HEADERS) => HEADER,
        None => key,
    }
}

fn shown(entry: &Entry) -> String {
    let key = &*entry.key;
    if SECRETS.contains(&key) || key.starts_with(HEADERS) {
        without_literals(entry)
    } else if keys::is_url(key) || key.rsplit('.').next() == Some("host") {
        without_credentials(&entry.value)
    } else if key == TOKEN_COMMAND {
        program(&entry.value)
    } else if keys::is_ignored(key) {
        format!("{} without effect", entry.value)
    } else {
        entry.value.clone()
    }
}

/// Replaces the credentials of a URL, which may be invalid or contain references: all before the last `@`, and a
/// query.
fn without_credentials(url: &str) -> String {
    let (before, host) = url.rsplit_once('@').map_or((None, url), |(before, host)| (Some(before), host));
    // A service has no query, so that it may be a key.
    let (host, query) = host.split_once('?').map_or((host, ""), |(host, _)| (host, "?***"));
    match before.map(|before| before.split_once("://")) {
        None => format!("{host}{query}"),
        Some(Some((scheme, _))) => format!("{scheme}://***@{host}{query}"),
        Some(None) => format!("***@{host}{query}"),
    }
}

/// Returns the first word of a command. Its arguments may be secrets, and so may be a word that sets a variable.
fn program(command: &str) -> String {
    let is_of_a_path = |c: char| c.is_alphanumeric() || "-._/\\:".contains(c);
    let mut words = command.split_whitespace();
    let first = words.next().filter(|word| word.chars().all(is_of_a_path));
    match (first, words.next()) {
        (Some(program), None) => program.to_owned(),
        (Some(program), Some(_)) => format!("{program} ***"),
        (None, _) => "***".to_owned(),
    }
}

fn default(key: &str, config: &ClientConfig) -> Option<String> {
    let millis = |time: Duration| time.as_millis().to_string();
    let policy = config.retry_policy();
    Some(match key {
        "kind" => "http".to_owned(),
        "credential.allow_http"
        | "credential.insecure"
        | "options.spread_addresses"
        | "options.compression" => "false".to_owned(),
        "proxy.url" => "proxy of the environment".to_owned(),
        "options.connect_timeout" => millis(config.connect_timeout()),
        "options.timeout" => millis(config.timeout()),
        "options.deadline" => millis(config.deadline()),
        "options.retries" => policy.retries.to_string(),
        "options.backoff" => millis(policy.backoff),
        "options.max_backoff" => millis(policy.max_backoff),
        "options.max_retry_after" => millis(policy.max_retry_after),
        "options.concurrency_limit" => "no limit".to_owned(),
        "options.pool_idle_timeout" => millis(config.pool_idle_timeout()),
        "options.max_connection_age" => millis(config.max_connection_age()),
        "options.http_version" => "1.1".to_owned(),
        "options.max_response_size" => config.max_response_bytes().to_string(),
        "options.correlation_id_place" if config.correlation_name().is_none() => {
            match config.correlation_place() {
                CorrelationPlace::Headers => "headers",
                CorrelationPlace::Both => "both",
                CorrelationPlace::Query => "query",
            }
            .to_owned()
        }
        _ => return None,
    })
}
