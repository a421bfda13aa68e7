//! Configuration in environment variables.
//!
//! The variables come as pairs, so that nothing here depends on a process.

use super::entry::{Entry, Origin};
use super::keys::{self, GROUPS, KEYS};
use crate::error::{Error, ErrorKind, Result};
use std::ffi::OsString;

/// The short form of `connection.uri`, without the prefix.
const URL: &str = "URL";

/// The settings among `variables`, whose names begin with `prefix` and an underscore.
pub(super) fn read<K, V>(prefix: &str, variables: impl IntoIterator<Item = (K, V)>) -> Result<Vec<Entry>>
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let prefix = prefix.trim_end_matches('_');
    if prefix.is_empty() {
        return Err(Error::new(ErrorKind::Config, "the prefix of environment variables must not be empty"));
    }
    let mut entries = Vec::new();
    for (name, value) in variables {
        // A name that is no Unicode is none of ours.
        let Ok(name) = name.into().into_string() else { continue };
        let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else { continue };
        let value = value.into();
        if value.is_empty() {
            // As good as not set: it is how a container's description leaves a variable out.
            continue;
        }
        let Some(key) = key_of(rest) else {
            match complaint(prefix, rest) {
                Some(why) => return Err(Error::config(&name, why)),
                None => continue,
            }
        };
        let value = value.into_string().map_err(|_| Error::config(&name, "must be Unicode text"))?;
        let value = value.trim().to_owned();
        entries.push(Entry { key: key.to_owned(), value, origin: Origin::Variable(name) });
    }
    Ok(entries)
}

fn key_of(rest: &str) -> Option<&'static str> {
    if rest == URL {
        return Some("connection.uri");
    }
    KEYS.iter().map(|key| key.name).find(|key| spelling(key) == rest)
}

/// `connection.host` as `CONNECTION_HOST`.
fn spelling(key: &str) -> String {
    key.replace('.', "_").to_uppercase()
}

/// Why a variable with the prefix names no setting; nothing if it is somebody else's.
fn complaint(prefix: &str, rest: &str) -> Option<String> {
    let fields = KEYS.iter().filter_map(|key| key.name.strip_prefix("connection."));
    let is_field = || fields.map(spelling).any(|field| rest.ends_with(&format!("_{field}")));
    if rest.starts_with("CONNECTIONS_") && is_field() {
        return Some(format!(
            "cannot be read: several connections are for files and pairs, so write `{prefix}_CONNECTION_HOST` and its like"
        ));
    }
    let in_a_group = GROUPS.iter().any(|group| rest.starts_with(&format!("{}_", spelling(group))));
    let near = if in_a_group {
        keys::closest(rest, spelling)
    } else {
        // Others may have variables with the same prefix: only a slip of the finger is ours, and a key without its
        // group. `PORT` is what Kubernetes sets for a service of that name.
        let is_near = |known: &String| {
            let without_group =
                known.split_once('_').filter(|(group, _)| GROUPS.iter().any(|own| spelling(own) == *group));
            strsim::osa_distance(rest, known) <= 1
                || (rest != "PORT" && without_group.is_some_and(|(_, own)| own == rest))
        };
        [URL.to_owned()].into_iter().chain(keys::effective().map(spelling)).find(is_near)
    };
    match near {
        Some(near) => Some(format!("names no setting: did you mean `{prefix}_{near}`?")),
        None if in_a_group => {
            let names = keys::effective().map(|key| format!("`{prefix}_{}`", spelling(key)));
            Some(format!("names no setting: There are {}", names.collect::<Vec<_>>().join(", ")))
        }
        None => None,
    }
}
