//! The authentication of a client: user name and password, or a bearer token.

use super::address::is_address;
use super::entry::Entry;
use super::keys::{flag, get};
use super::reference;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Error, Result};

/// The key of the command that prints a token.
pub(super) const TOKEN_COMMAND: &str = "credential.token_command";

/// The ways to identify, each with its keys. The first key is the one that the others need.
const WAYS: [&[&str]; 6] = [
    &["credential.username", "credential.password"],
    &["credential.token"],
    &["credential.token_file"],
    &[TOKEN_COMMAND],
    &["credential.token_url", "credential.client_id", "credential.client_secret", "credential.scope"],
    &["headers.authorization"],
];

/// Returns whether two settings are different ways to identify, so that the later one replaces the earlier one.
pub(super) fn contradict(later: &Entry, earlier: &Entry) -> bool {
    match (way(&later.key), way(&earlier.key)) {
        (Some(later), Some(earlier)) => later != earlier,
        (None, Some(_)) => in_address(later),
        (_, None) => false,
    }
}

/// Removes the credentials from an earlier address if a later setting is another way to identify.
pub(super) fn replace_in_address(later: &[Entry], earlier: &mut Entry) {
    if is_address(&earlier.key)
        && later.iter().any(|later| way(&later.key).is_some())
        && let Some(place) = reference::credentials(earlier)
    {
        earlier.value.replace_range(place.start..=place.end, "");
    }
}

/// Returns the way to identify that a key belongs to.
fn way(key: &str) -> Option<usize> {
    WAYS.iter().position(|keys| keys.contains(&key))
}

/// Returns whether an address is written with credentials.
fn in_address(entry: &Entry) -> bool {
    is_address(&entry.key) && reference::credentials(entry).is_some()
}

/// Applies the keys of the only way that is configured.
pub(super) fn apply(entries: &[Entry], mut config: ClientConfig) -> Result<ClientConfig> {
    check(entries)?;
    if let Some(entry) = get(entries, "credential.allow_http") {
        config = config.with_http_credentials_allowed(flag(entry)?);
    }
    if let Some(user) = get(entries, "credential.username") {
        let password = get(entries, "credential.password").map_or("", |entry| &*entry.value);
        if user.value.contains(':') {
            return Err(user.error("must not contain `:`, which separates it from the password"));
        }
        let credentials = BASE64_STANDARD.encode(format!("{}:{password}", user.value));
        let mut value =
            HeaderValue::try_from(format!("Basic {credentials}")).map_err(|_| user.error("is too long"))?;
        value.set_sensitive(true);
        config = config.with_header(AUTHORIZATION, value);
    }
    with_token(entries, config)
}

#[cfg(feature = "tokio")]
fn with_token(entries: &[Entry], config: ClientConfig) -> Result<ClientConfig> {
    use wiretrait::auth::{FileToken, StaticToken};

    if let Some(entry) = get(entries, "credential.token") {
        let token = StaticToken::new(&entry.value)
            .map_err(|_| entry.error("must be a token of visible ASCII characters"))?;
        return Ok(config.with_token_provider(token));
    }
    if let Some(entry) = get(entries, "credential.token_file") {
        return Ok(config.with_token_provider(FileToken::new(entry.path())));
    }
    if let Some(entry) = get(entries, TOKEN_COMMAND) {
        return with_command(entry, config);
    }
    match get(entries, "credential.token_url") {
        Some(entry) => with_server(entries, entry, config),
        None => Ok(config),
    }
}

#[cfg(not(feature = "tokio"))]
fn with_token(entries: &[Entry], config: ClientConfig) -> Result<ClientConfig> {
    let keys = ["token", "token_file", "token_command", "token_url"];
    match keys.iter().find_map(|key| get(entries, &format!("credential.{key}"))) {
        Some(entry) => Err(entry.error("needs the feature `tokio` of pip-services, which this build lacks")),
        None => Ok(config),
    }
}

#[cfg(any(feature = "hyper", feature = "reqwest"))]
fn with_command(entry: &Entry, config: ClientConfig) -> Result<ClientConfig> {
    if entry.value.trim().is_empty() {
        return Err(entry.error("must be a command that prints a token"));
    }
    Ok(config.with_token_provider(wiretrait::auth::CommandToken::shell(&entry.value)))
}

#[cfg(all(feature = "tokio", not(any(feature = "hyper", feature = "reqwest"))))]
fn with_command(entry: &Entry, _config: ClientConfig) -> Result<ClientConfig> {
    Err(entry.error("needs the feature `reqwest` or `hyper` of pip-services, which this build lacks"))
}

#[cfg(all(feature = "oauth2", any(feature = "hyper", feature = "reqwest")))]
fn with_server(entries: &[Entry], url: &Entry, config: ClientConfig) -> Result<ClientConfig> {
    use wiretrait::auth::ClientCredentials;

    let required = |key| get(entries, key).ok_or_else(|| url.error(format_args!("needs `{key}`")));
    let (id, secret) = (required("credential.client_id")?, required("credential.client_secret")?);
    let credentials = ClientCredentials::new(&url.value, &id.value, &secret.value)
        .map_err(|error| url.renamed("token URL", &error))?;
    let scopes = get(entries, "credential.scope").map_or("", |entry| &*entry.value);
    let credentials = scopes.split_whitespace().fold(credentials, ClientCredentials::with_scope);
    let provider = credentials.connect(&config).map_err(|error| with_keys(&error))?;
    Ok(config.with_token_provider(provider))
}

#[cfg(all(feature = "tokio", not(all(feature = "oauth2", any(feature = "hyper", feature = "reqwest")))))]
fn with_server(_entries: &[Entry], url: &Entry, _config: ClientConfig) -> Result<ClientConfig> {
    Err(url.error(
        "needs the features `oauth2`, and `reqwest` or `hyper`, of pip-services, which this build lacks",
    ))
}

/// Names keys in place of setters in an error of the client.
pub(super) fn with_keys(error: &Error) -> Error {
    const KEYS: [[&str; 2]; 2] = [
        ["`ClientConfig::with_http_credentials_allowed`", "`credential.allow_http`"],
        ["`with_http_version`", "`options.http_version`"],
    ];
    let message = error.to_string();
    let message = KEYS.iter().fold(message, |message, [setter, key]| message.replace(setter, key));
    Error::new(error.kind(), message)
}

/// Checks that one way at most is configured, and that it is complete.
fn check(entries: &[Entry]) -> Result<()> {
    let mut first: Option<&Entry> = None;
    for keys in WAYS {
        let Some(given) = keys.iter().find_map(|key| get(entries, key)) else { continue };
        if get(entries, keys[0]).is_none() {
            return Err(given.error(format_args!("needs `{}`", keys[0])));
        }
        if let Some(first) = first {
            return Err(first.error(format_args!("contradicts {given}; remove one of them")));
        }
        first = Some(given);
    }
    let Some(way) = first else { return Ok(()) };
    let has_credentials = |entry: &&Entry| {
        let authority = entry.value.split(['/', '?', '#']).nth(2);
        is_address(&entry.key) && authority.is_some_and(|authority| authority.contains('@'))
    };
    match entries.iter().find(has_credentials) {
        Some(uri) => Err(way.error(format_args!("contradicts the credentials in {uri}; remove one of them"))),
        None => Ok(()),
    }
}
