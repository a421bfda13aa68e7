//! Configuration in environment variables.
//!
//! The caller passes the variables in, so that tests need no process environment.

use super::config_error;
use super::entry::{Entry, Origin};
use super::keys::{self, GROUPS, KEYS};
use super::network::HEADERS;
use std::ffi::OsString;
use wiretrait::Result;

/// The short form of `connection.uri`, without the prefix.
const URL: &str = "URL";

/// Returns the settings among `variables`: their names begin with `prefix` and an underscore.
pub(super) fn read<K, V>(prefix: &str, variables: impl IntoIterator<Item = (K, V)>) -> Result<Vec<Entry>>
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let prefix = prefix.trim_end_matches('_');
    if prefix.is_empty() {
        return Err(super::error("the prefix of environment variables must not be empty".to_owned()));
    }
    let mut entries = Vec::new();
    for (name, value) in variables {
        // All known names are Unicode.
        let Ok(name) = name.into().into_string() else { continue };
        let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else { continue };
        let value = value.into();
        if value.is_empty() {
            // Container descriptions leave a variable out by setting it to nothing.
            continue;
        }
        let Some(key) = key_of(rest) else {
            match mistake(prefix, rest) {
                Some(why) => return Err(config_error(&name, why)),
                None => continue,
            }
        };
        let value = value.into_string().map_err(|_| config_error(&name, "must be valid Unicode"))?;
        let value = value.trim().to_owned();
        entries.push(Entry { key, value, origin: Origin::Variable(name) });
    }
    Ok(entries)
}

fn key_of(rest: &str) -> Option<String> {
    if rest == URL {
        return Some("connection.uri".to_owned());
    }
    if let Some(name) = rest.strip_prefix("HEADERS_").filter(|name| !name.is_empty()) {
        // Names of variables have no hyphens, and names of headers hardly ever have underscores.
        return Some(format!("{HEADERS}{}", name.replace('_', "-")).to_ascii_lowercase());
    }
    KEYS.iter().map(|key| key.name).find(|key| spelling(key) == rest).map(str::to_owned)
}

/// Spells `connection.host` as `CONNECTION_HOST`.
fn spelling(key: &str) -> String {
    key.replace(['.', '-'], "_").to_uppercase()
}

/// Returns the mistake in the name of a variable with the prefix; `None` if it belongs to another program.
fn mistake(prefix: &str, rest: &str) -> Option<String> {
    let mut fields = KEYS.iter().filter_map(|key| key.name.strip_prefix("connection.")).map(spelling);
    if rest.starts_with("CONNECTIONS_")
        && let Some(field) = fields.find(|field| rest.ends_with(&format!("_{field}")))
    {
        return Some(format!(
            "is not supported: environment variables can describe only one connection; \
             use `{prefix}_CONNECTION_{field}`"
        ));
    }
    if let Some(name) = rest.strip_prefix("HEADER_") {
        return Some(format!("is not a known variable: did you mean `{prefix}_HEADERS_{name}`?"));
    }
    // Kubernetes sets variables such as `ORDERS_PROXY_PORT` for a service called `orders-proxy`.
    let mut groups = GROUPS.iter().filter(|group| **group != "proxy");
    let in_a_group = groups.any(|group| rest.starts_with(&format!("{}_", spelling(group))));
    let near = if in_a_group {
        keys::closest(rest, spelling)
    } else {
        // Other programs may use the same prefix. Outside the groups, only two names are taken for mistakes:
        // one that differs from a known name in a single letter, and one without its group. `PORT` is
        // excluded, since Kubernetes sets it for a service with that name.
        let is_near = |known: &String| {
            let without_group =
                known.split_once('_').filter(|(group, _)| GROUPS.iter().any(|own| spelling(own) == *group));
            strsim::osa_distance(rest, known) <= 1
                || (rest != "PORT" && without_group.is_some_and(|(_, own)| own == rest))
        };
        [URL.to_owned()].into_iter().chain(keys::effective().map(spelling)).find(is_near)
    };
    match near {
        Some(near) => Some(format!("is not a known variable: did you mean `{prefix}_{near}`?")),
        None if in_a_group => {
            let names = keys::effective().map(|key| format!("{prefix}_{}", spelling(key)));
            Some(format!("is not a known variable{}", keys::suggestion(None, "known variables", names)))
        }
        None => None,
    }
}
