//! The authentication of a client: user name and password.

use super::address::is_address;
use super::entry::Entry;
use super::keys::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Result};

/// The ways to identify, each with its keys. The first key is the one that the others need.
const WAYS: [&[&str]; 2] = [&["credential.username", "credential.password"], &["headers.authorization"]];

/// Returns whether two keys belong to different ways, so that the later one replaces the earlier one.
pub(super) fn contradict(later: &str, earlier: &str) -> bool {
    let way = |key: &str| WAYS.iter().position(|keys| keys.contains(&key));
    matches!((way(later), way(earlier)), (Some(later), Some(earlier)) if later != earlier)
}

/// Applies the keys of the only way that is configured.
pub(super) fn apply(entries: &[Entry], mut config: ClientConfig) -> Result<ClientConfig> {
    check(entries)?;
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
    Ok(config)
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
