//! The keys: which there are, what each means, and which of them replace each other.

use super::address::{check_host, check_port, check_protocol, check_url};
use super::entry::Entry;
use super::{ClientConfig, ClientKind};
use crate::error::{Error, Result};
use crate::runtime::{BaseRoute, CorrelationPlace};
use std::str::FromStr;
use std::time::Duration;

pub(super) struct Key {
    pub(super) name: &'static str,
    role: Role,
}

enum Role {
    Read,
    /// The official clients have it, and do nothing with it.
    WithoutEffect,
    /// The official clients have it, and it cannot work here. What to do instead.
    Refused(&'static str),
}

const fn read_key(name: &'static str) -> Key {
    Key { name, role: Role::Read }
}

const fn without_effect(name: &'static str) -> Key {
    Key { name, role: Role::WithoutEffect }
}

const NO_DISCOVERY: &str =
    "is not supported: there is no discovery here. Look the address up, and give it as `connection.uri`";

pub(super) const KEYS: &[Key] = &[
    read_key("kind"),
    read_key("descriptor"),
    read_key("connection.uri"),
    read_key("connection.protocol"),
    read_key("connection.host"),
    read_key("connection.port"),
    without_effect("connection.ip"),
    Key { name: "connection.discovery_key", role: Role::Refused(NO_DISCOVERY) },
    without_effect("credential.ssl_key_file"),
    without_effect("credential.ssl_crt_file"),
    without_effect("credential.internal_network"),
    Key {
        name: "credential.store_key",
        role: Role::Refused(
            "is not supported: there is no credential store here. Drop it: `https` needs no credential",
        ),
    },
    read_key("base_route"),
    read_key("options.connect_timeout"),
    read_key("options.timeout"),
    read_key("options.deadline"),
    read_key("options.retries"),
    read_key("options.backoff"),
    read_key("options.max_backoff"),
    read_key("options.max_retry_after"),
    read_key("options.concurrency_limit"),
    read_key("options.pool_idle_timeout"),
    read_key("options.max_response_size"),
    read_key("options.correlation_id_place"),
    read_key("options.correlation_id"),
    without_effect("options.request_max_size"),
    without_effect("options.debug"),
    Key {
        name: "options.invoke_timeout",
        role: Role::Refused(
            "does nothing in any client: write `options.timeout` for one attempt, or `options.deadline` for a whole call",
        ),
    },
];

/// What the keys with a dot begin with.
pub(super) const GROUPS: [&str; 3] = ["connection", "credential", "options"];

/// The keys that do something.
pub(super) fn effective() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|key| matches!(key.role, Role::Read)).map(|key| key.name)
}

/// The key that was probably meant by `text`, as `spell` writes it.
pub(super) fn closest(text: &str, spell: impl Fn(&str) -> String) -> Option<String> {
    // A group's name is long and shared: the more of a key is its own, the more may be wrong.
    let own = |key: &str| key.rsplit('.').next().unwrap_or(key).len();
    nearest(text, effective().map(|key| (spell(key), own(key))))
}

/// The name that was probably meant by `text`. Each comes with how many of its letters are its own, of which a third
/// and one more may be wrong.
pub(super) fn nearest(text: &str, names: impl Iterator<Item = (String, usize)>) -> Option<String> {
    names
        .map(|(name, own)| (strsim::osa_distance(text, &name), 1 + own / 3, name))
        .filter(|(distance, allowed, _)| distance <= allowed)
        .min()
        .map(|(.., name)| name)
}

pub(super) fn check_known(entry: &Entry) -> Result<()> {
    let of_several = several(&entry.key);
    let canonical = of_several.map(|(_, field)| format!("connection.{field}"));
    let known = canonical.as_deref().unwrap_or(&entry.key);
    if KEYS.iter().any(|key| key.name == known) {
        return Ok(());
    }
    let near = match of_several {
        Some((section, _)) => {
            closest(&entry.key, |key| key.replacen("connection.", &format!("{section}."), 1))
        }
        None => closest(&entry.key, str::to_owned),
    };
    let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let names = effective().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    Err(entry.refused(format_args!("is not a known key: {hint}There are {names}")))
}

/// `connections.main.host` as `connections.main` and `host`.
fn several(key: &str) -> Option<(&str, &str)> {
    let (section, field) = key.rsplit_once('.')?;
    let name = section.strip_prefix("connections.")?;
    (!name.is_empty()).then_some((section, field))
}

/// Whether a setting over another one takes its place: it is the same key, or says all that the other one says.
pub(super) fn replaces(above: &str, below: &str) -> bool {
    const SAME: [[&str; 2]; 2] =
        [["kind", "descriptor"], ["options.correlation_id", "options.correlation_id_place"]];
    above == below
        || SAME.iter().any(|same| same.contains(&above) && same.contains(&below))
        || (above == "connection.uri"
            && (below.starts_with("connection.") || below.starts_with("connections.")))
}

/// What the settings say together.
pub(super) fn read(entries: &[Entry]) -> Result<ClientConfig> {
    let get = |key: &str| entries.iter().find(|entry| entry.key == key);
    for key in KEYS {
        if let (Role::Refused(why), Some(entry)) = (&key.role, get(key.name)) {
            return Err(entry.refused(why));
        }
    }
    let kind = read_kind(get("kind"), get("descriptor"))?;
    let mut config = match address(entries)? {
        Some(url) => ClientConfig::at(url),
        None if kind == ClientKind::Http => return Err(missing_address()),
        None => ClientConfig::new(),
    }
    .with_kind(kind);
    if let Some(entry) = get("base_route") {
        let base = BaseRoute::parse(&entry.value).map_err(|why| entry.refused(why))?;
        config = config.with_base_route(base);
    }
    if let Some(entry) = get("options.connect_timeout") {
        config = config.with_connect_timeout(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.timeout") {
        config = config.with_timeout(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.deadline") {
        config = config.with_deadline(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.concurrency_limit") {
        let limit = whole(entry).filter(|&limit| limit > 0);
        let limit = limit.ok_or_else(|| entry.refused("must be a whole number above 0"))?;
        config = config.with_concurrency_limit(limit);
    }
    if let Some(entry) = get("options.pool_idle_timeout") {
        config = config.with_pool_idle_timeout(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.max_response_size") {
        let size = whole(entry).filter(|&size| size > 0);
        let size = size.ok_or_else(|| entry.refused("must be a whole number of bytes above 0"))?;
        config = config.with_max_response_bytes(size);
    }
    let mut policy = config.retry_policy().clone();
    if let Some(entry) = get("options.retries") {
        policy.retries = whole(entry).ok_or_else(|| entry.refused("must be a whole number, 0 for none"))?;
    }
    let pauses = [
        ("options.backoff", &mut policy.backoff),
        ("options.max_backoff", &mut policy.max_backoff),
        ("options.max_retry_after", &mut policy.max_retry_after),
    ];
    for (key, pause) in pauses {
        if let Some(entry) = get(key) {
            let millis = whole(entry).map(Duration::from_millis);
            *pause =
                millis.ok_or_else(|| entry.refused("must be a whole number of milliseconds, 0 for none"))?;
        }
    }
    config = config.with_retry_policy(policy);
    // The second goes before the first, and both are checked.
    for key in ["options.correlation_id_place", "options.correlation_id"] {
        if let Some(entry) = get(key) {
            config = config.with_correlation_place(place(entry)?);
        }
    }
    config.validate()?;
    Ok(config)
}

fn read_kind(kind: Option<&Entry>, descriptor: Option<&Entry>) -> Result<ClientKind> {
    let read = |entry: &Entry| ClientKind::parse(&entry.value).map_err(|why| entry.refused(why));
    match (kind, descriptor) {
        (None, None) => Ok(ClientKind::default()),
        (Some(one), None) | (None, Some(one)) => read(one),
        (Some(kind), Some(descriptor)) => {
            let (named, described) = (read(kind)?, read(descriptor)?);
            if named != described {
                let why = format!("is `{named}`, and {descriptor} is `{described}`: drop one of them");
                return Err(kind.refused(why));
            }
            Ok(named)
        }
    }
}

/// The address, if the settings have one.
fn address(entries: &[Entry]) -> Result<Option<String>> {
    let single = entries.iter().find(|entry| entry.key.starts_with("connection."));
    let mut sections: Vec<&str> = Vec::new();
    for (section, _) in entries.iter().filter_map(|entry| several(&entry.key)) {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    let of_section = |section: &str, field: &str| {
        let is_it =
            |key: &str| key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) == Some(field);
        entries.iter().find(|entry| is_it(&entry.key))
    };
    let section = match (single, &sections[..]) {
        (None, []) => return Ok(None),
        (Some(_), []) => "connection",
        (Some(single), [_, ..]) => {
            let why = format!("contradicts `{}`: give one connection, or several", sections.join("`, `"));
            return Err(single.refused(why));
        }
        (None, sections @ [first, ..]) => {
            let usable = sections.iter().find(|section| of_section(section, "discovery_key").is_none());
            match (usable, of_section(first, "discovery_key")) {
                (Some(usable), _) => usable,
                (None, Some(discovery)) => return Err(discovery.refused(NO_DISCOVERY)),
                (None, None) => return Ok(None),
            }
        }
    };
    let field = |field| of_section(section, field);
    match (field("uri"), field("protocol"), field("host"), field("port")) {
        (Some(uri), None, None, None) => check_url(&uri.value).map_err(|why| uri.refused(why)).map(Some),
        (Some(uri), protocol, host, port) => {
            let others = [protocol, host, port].into_iter().flatten().map(ToString::to_string);
            let others = others.collect::<Vec<_>>().join(" and ");
            Err(uri.refused(format_args!("is the whole address: drop {others}")))
        }
        (None, _, None, None) => match field("ip") {
            Some(ip) => Err(ip.refused(format_args!("has no effect: write `{section}.host`"))),
            None => Ok(None),
        },
        (None, protocol, host, port) => assemble(protocol, host, port).map(Some),
    }
}

fn assemble(protocol: Option<&Entry>, host: Option<&Entry>, port: Option<&Entry>) -> Result<String> {
    let scheme = match protocol {
        Some(entry) => {
            check_protocol(&entry.value).map_err(|why| entry.refused(why))?;
            &*entry.value
        }
        None => "http",
    };
    let name = match host {
        Some(entry) => check_host(&entry.value).map_err(|why| entry.refused(why))?,
        None => "localhost".to_owned(),
    };
    let port = match port {
        Some(entry) => check_port(&entry.value).map_err(|why| entry.refused(why))?,
        None => 3000,
    };
    let url = check_url(&format!("{scheme}://{name}:{port}"));
    match host {
        Some(entry) => url.map_err(|why| entry.refused(why)),
        None => url.map_err(|why| Error::config("connection.host", why)),
    }
}

pub(super) fn missing_address() -> Error {
    Error::config("connection.uri", "is missing: give it, or `connection.host` and `connection.port`")
}

fn whole<T: FromStr>(entry: &Entry) -> Option<T> {
    entry.value.parse().ok()
}

fn positive_millis(entry: &Entry) -> Result<Duration> {
    let millis = whole(entry).filter(|&millis| millis > 0).map(Duration::from_millis);
    millis.ok_or_else(|| entry.refused("must be a whole number of milliseconds above 0"))
}

fn place(entry: &Entry) -> Result<CorrelationPlace> {
    match &*entry.value {
        "query" => Ok(CorrelationPlace::Query),
        "headers" => Ok(CorrelationPlace::Headers),
        "both" => Ok(CorrelationPlace::Both),
        _ => Err(entry.refused("must be `query`, `headers` or `both`")),
    }
}
