//! The keys, their meaning, and the keys that replace each other.

use super::ClientKind;
use super::address::{self, NO_DISCOVERY, RESOLVE, several};
use super::entry::Entry;
use super::network::{HEADERS, header_name};
use super::{config_error, credentials, network};
use std::str::FromStr;
use std::time::Duration;
use wiretrait::http::HeaderName;
use wiretrait::policy::RetryPolicy;
use wiretrait::{BaseRoute, ClientConfig, CorrelationPlace, Result};

pub(super) struct Key {
    pub(super) name: &'static str,
    role: Role,
}

enum Role {
    Read,
    /// The key has no effect in the official clients either.
    Ignored,
    /// The key is one of the official clients and cannot work here, with the reason and the remedy.
    Unsupported(&'static str),
}

const fn read_key(name: &'static str) -> Key {
    Key { name, role: Role::Read }
}

const fn ignored(name: &'static str) -> Key {
    Key { name, role: Role::Ignored }
}

const fn unsupported(name: &'static str, why: &'static str) -> Key {
    Key { name, role: Role::Unsupported(why) }
}

/// All keys, in the order of the table at [`ConfigParams`](crate::ConfigParams).
pub(super) const KEYS: &[Key] = &[
    read_key("kind"),
    read_key("descriptor"),
    read_key("connection.uri"),
    read_key("connection.protocol"),
    read_key("connection.host"),
    read_key("connection.port"),
    read_key(RESOLVE),
    read_key("base_route"),
    read_key(HEADER),
    read_key("credential.username"),
    read_key("credential.password"),
    read_key("credential.token"),
    read_key("credential.token_file"),
    read_key("credential.token_command"),
    read_key("credential.token_url"),
    read_key("credential.client_id"),
    read_key("credential.client_secret"),
    read_key("credential.scope"),
    read_key("credential.allow_http"),
    read_key("credential.ssl_ca_file"),
    read_key("credential.ssl_crt_file"),
    read_key("credential.ssl_key_file"),
    read_key("credential.insecure"),
    read_key("proxy.url"),
    read_key("proxy.no_proxy"),
    read_key("options.connect_timeout"),
    read_key("options.timeout"),
    read_key("options.deadline"),
    read_key("options.retries"),
    read_key("options.backoff"),
    read_key("options.max_backoff"),
    read_key("options.max_retry_after"),
    read_key("options.concurrency_limit"),
    read_key("options.pool_idle_timeout"),
    read_key("options.max_connection_age"),
    read_key("options.spread_addresses"),
    read_key("options.http_version"),
    read_key("options.compression"),
    read_key("options.max_response_size"),
    read_key("options.correlation_id_place"),
    read_key("options.correlation_id"),
    read_key("options.trace_id_place"),
    read_key("options.trace_id"),
    ignored("connection.ip"),
    unsupported("connection.discovery_key", NO_DISCOVERY),
    ignored("credential.internal_network"),
    unsupported(
        "credential.store_key",
        "is not supported: this client has no credential store; remove the key, as `https` needs no credential",
    ),
    ignored("options.request_max_size"),
    ignored("options.debug"),
    unsupported(
        "options.invoke_timeout",
        "has no effect in any client; use `options.timeout` for one attempt, or `options.deadline` for a whole call",
    ),
];

/// The key of a header, with a placeholder for its name.
pub(super) const HEADER: &str = "headers.<name>";

/// The keys of the kind of client.
const KINDS: [&str; 2] = ["kind", "descriptor"];

/// The keys of the place of correlation ids, first those under which ids have the name in the contract. Of two with
/// the same name of ids, the second takes precedence.
const CORRELATION: [&str; 4] =
    ["options.correlation_id_place", "options.correlation_id", TRACE_ID_PLACE, TRACE_ID];

const TRACE_ID_PLACE: &str = "options.trace_id_place";

const TRACE_ID: &str = "options.trace_id";

/// The groups that keys with a dot begin with.
pub(super) const GROUPS: [&str; 5] = ["connection", "credential", "headers", "options", "proxy"];

/// Returns what follows the name of a group in the error for a group with a value or a list in place of keys.
#[cfg(feature = "config")]
pub(super) fn not_a_group(group: &str) -> Option<String> {
    let example = match group {
        "connection" => "connection.uri",
        "connections" => "connections.first.uri",
        "credential" => "credential.token_file",
        "headers" => "headers.x-api-key",
        "options" => "options.timeout",
        "proxy" => "proxy.url",
        _ => return None,
    };
    Some(format!("must be a table of keys, such as `{example}`"))
}

/// Returns the keys that have an effect.
pub(super) fn effective() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|key| matches!(key.role, Role::Read)).map(|key| key.name)
}

/// Returns all keys.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

/// Returns whether the value of a key is a URL.
pub(super) fn is_url(key: &str) -> bool {
    address::is_address(key) || matches!(key, "credential.token_url" | "proxy.url")
}

/// Returns whether the value of a key is text that may look like a number.
#[cfg(feature = "config")]
pub(super) fn is_text(key: &str) -> bool {
    const TEXTS: [&str; 14] = [
        "base_route",
        "connection.host",
        "credential.client_id",
        "credential.client_secret",
        "credential.password",
        "credential.scope",
        "credential.ssl_ca_file",
        "credential.ssl_crt_file",
        "credential.ssl_key_file",
        "credential.token",
        "credential.token_command",
        "credential.token_file",
        "credential.username",
        "proxy.no_proxy",
    ];
    let is_host = several(key).is_some_and(|(_, field)| field == "host");
    is_host || key.starts_with(HEADERS) || TEXTS.contains(&key)
}

/// Returns whether a key has no effect.
pub(super) fn is_ignored(name: &str) -> bool {
    KEYS.iter().any(|key| key.name == name && matches!(key.role, Role::Ignored))
}

/// Returns the key that `name` is probably a misspelling of, as `spell` writes it.
pub(super) fn closest(name: &str, spell: impl Fn(&str) -> String) -> Option<String> {
    // The name of a group is long and shared, so it does not count.
    let distinct = |key: &str| key.rsplit('.').next().unwrap_or(key).len();
    nearest(name, effective().map(|key| (spell(key), distinct(key))))
}

/// Returns the candidate that `name` is probably a misspelling of. Each candidate comes with the number of
/// its letters that distinguish it from others: a third of them plus one may be wrong.
pub(super) fn nearest(name: &str, candidates: impl Iterator<Item = (String, usize)>) -> Option<String> {
    let name = name.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&name, &candidate.to_lowercase());
    candidates
        .map(|(candidate, distinct)| (distance(&candidate), 1 + distinct / 3, candidate))
        .filter(|(distance, allowed, _)| distance <= allowed)
        .min()
        .map(|(.., candidate)| candidate)
}

/// Returns what follows "is not …" in an error about an unknown name: a suggestion, and all known `names`.
pub(super) fn suggestion(near: Option<String>, plural: &str, names: impl Iterator<Item = String>) -> String {
    let names = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match near {
        Some(near) => format!(": did you mean `{near}`? The {plural} are {names}"),
        None => format!(". The {plural} are {names}"),
    }
}

/// Checks that the key is known.
pub(super) fn check_known(entry: &Entry) -> Result<()> {
    if entry.key.starts_with(HEADERS) {
        let why = "does not end with a valid name of a header, such as `headers.x-api-key`";
        return header_name(&entry.key).map(drop).ok_or_else(|| entry.error(why));
    }
    let of_several = several(&entry.key);
    let canonical = of_several.map(|(_, field)| format!("connection.{field}"));
    let known = canonical.as_deref().unwrap_or(&entry.key);
    let is_replaced_address = of_several.is_some() && known == RESOLVE;
    if !is_replaced_address && KEYS.iter().any(|key| key.name == known) {
        return Ok(());
    }
    let near = match of_several {
        Some((section, _)) => {
            closest(&entry.key, |key| key.replacen("connection.", &format!("{section}."), 1))
        }
        None => closest(&entry.key, str::to_owned).or_else(|| header_like(&entry.key)),
    };
    let rest = suggestion(near, "known keys", effective().map(str::to_owned));
    Err(entry.error(format_args!("is not a known key{rest}")))
}

/// Returns the key of a header if only the name of its group is misspelt.
fn header_like(key: &str) -> Option<String> {
    let (group, name) = key.split_once('.')?;
    nearest(group, std::iter::once((HEADERS.trim_end_matches('.').to_owned(), 0)))?;
    Some(format!("{HEADERS}{name}"))
}

/// Returns whether a setting of a later layer replaces one of an earlier layer: the key is the same, or its
/// value includes the other's, or both are credentials of different kinds, or the earlier one has no effect
/// next to the later one.
pub(super) fn replaces(later: &Entry, earlier: &Entry) -> bool {
    const SAME: [&[&str]; 2] = [&KINDS, &CORRELATION];
    let (key, replaced) = (&*later.key, &*earlier.key);
    key == replaced
        || SAME.iter().any(|same| same.contains(&key) && same.contains(&replaced))
        || (key == "connection.uri" && (address::is_part(replaced) || replaced.starts_with("connections.")))
        || (key == "proxy.url" && later.value == "none" && replaced == "proxy.no_proxy")
        || credentials::contradict(later, earlier)
}

/// Returns whether a key names the kind of client.
pub(super) fn is_kind(key: &str) -> bool {
    KINDS.contains(&key)
}

/// Returns the setting of a key.
pub(super) fn get<'e>(entries: &'e [Entry], key: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// Reads the whole configuration.
pub(super) fn read(entries: &[Entry]) -> Result<ClientConfig> {
    for key in KEYS {
        if let (Role::Unsupported(why), Some(entry)) = (&key.role, get(entries, key.name)) {
            return Err(entry.error(why));
        }
    }
    let kind = kind(entries, None)?;
    let mut urls = address::read(entries)?.into_iter();
    let mut config = match urls.next() {
        Some(url) => ClientConfig::from_url(&url)?,
        None if kind.needs_address() => {
            let why = "is missing; set it, or `connection.host` and `connection.port`";
            return Err(config_error("connection.uri", why));
        }
        None => ClientConfig::new(),
    };
    for url in urls {
        config = config.with_fallback_url(&url)?;
    }
    if let Some(entry) = get(entries, "base_route") {
        let base = BaseRoute::parse(&entry.value).map_err(|why| entry.error(why))?;
        config = config.with_base_route(base);
    }
    config = network::apply(entries, config)?;
    config = limits(entries, config)?;
    if kind.is_grpc() {
        check_grpc(entries, kind)?;
        config = config.with_grpc();
    }
    config = config.with_extension(kind);
    config = credentials::apply(entries, config)?;
    config.validate().map_err(|error| credentials::with_keys(&error))?;
    Ok(config)
}

/// Checks that no key is set which gRPC has no counterpart for.
fn check_grpc(entries: &[Entry], kind: ClientKind) -> Result<()> {
    let own_names = "has no effect over gRPC, whose methods have fixed names; remove it, or use the kind `commandable-grpc`";
    for (key, supported, why) in [
        ("options.http_version", "2", "must be `2` for gRPC, which is its default"),
        (
            "options.compression",
            "false",
            "must be `false` for gRPC, which this client speaks without compression",
        ),
    ] {
        if let Some(entry) = get(entries, key).filter(|entry| entry.value != supported) {
            return Err(entry.error(why));
        }
    }
    match get(entries, "base_route") {
        Some(entry) if kind == ClientKind::Grpc => Err(entry.error(own_names)),
        _ => Ok(()),
    }
}

/// Applies the limits, and the other keys of `options` that do not depend on the network.
pub(super) fn limits(entries: &[Entry], mut config: ClientConfig) -> Result<ClientConfig> {
    let get = |key: &str| get(entries, key);
    if let Some(entry) = get("options.connect_timeout") {
        config = config.with_connect_timeout(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.timeout") {
        config = config.with_timeout(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.deadline") {
        config = config.with_deadline(positive_millis(entry)?);
    }
    let policy = retry_policy(config.retry_policy().clone(), get)?;
    config = config.with_retry_policy(policy);
    if let Some(entry) = get("options.concurrency_limit") {
        config = if entry.value == ADAPTIVE {
            config.with_adaptive_concurrency_limit()
        } else {
            config.with_concurrency_limit(positive(entry, "must be a whole number above 0, or `adaptive`")?)
        };
    }
    if let Some(entry) = get("options.pool_idle_timeout") {
        config = config.with_pool_idle_timeout(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.max_connection_age") {
        config = config.with_max_connection_age(positive_millis(entry)?);
    }
    if let Some(entry) = get("options.spread_addresses") {
        config = config.with_spread_addresses(flag(entry)?);
    }
    if let Some(entry) = get("options.compression") {
        config = config.with_compression(flag(entry)?);
    }
    if let Some(entry) = get("options.max_response_size") {
        config = config.with_max_response_bytes(positive(entry, "must be a whole number of bytes above 0")?);
    }
    correlation(entries, config)
}

/// Applies the place and the name of correlation ids.
fn correlation(entries: &[Entry], mut config: ClientConfig) -> Result<ClientConfig> {
    let read = |key| get(entries, key).map(|entry| Ok((entry, place(entry)?))).transpose();
    let [older, newer, trace_older, trace_newer] = CORRELATION.map(read);
    // All of them are checked.
    let (older, newer, trace_older, trace_newer) = (older?, newer?, trace_older?, trace_newer?);
    let (of_contract, of_trace) = (newer.or(older), trace_newer.or(trace_older));
    if let (Some((entry, place)), Some((trace_entry, trace_place))) = (of_contract, of_trace)
        && place != trace_place
    {
        let why = "both say where correlation ids are sent; remove one of them";
        return Err(trace_entry.error(format_args!("contradicts {entry}: {why}")));
    }
    if let Some((_, place)) = of_trace.or(of_contract) {
        config = config.with_correlation_place(place);
    }
    if of_trace.is_some() {
        config = config.with_correlation_name(HeaderName::from_static("trace_id"));
    }
    Ok(config)
}

fn retry_policy<'e>(mut policy: RetryPolicy, get: impl Fn(&str) -> Option<&'e Entry>) -> Result<RetryPolicy> {
    if let Some(entry) = get("options.retries") {
        let retries = whole(entry);
        policy.retries = retries.ok_or_else(|| entry.error("must be a whole number, 0 for no retries"))?;
    }
    let default = policy.clone();
    let (backoff, max_backoff) = (get("options.backoff"), get("options.max_backoff"));
    for (entry, delay) in [
        (backoff, &mut policy.backoff),
        (max_backoff, &mut policy.max_backoff),
        (get("options.max_retry_after"), &mut policy.max_retry_after),
    ] {
        if let Some(entry) = entry {
            let millis = whole(entry).map(Duration::from_millis);
            *delay = millis.ok_or_else(|| entry.error("must be a whole number of milliseconds"))?;
        }
    }
    if policy.backoff <= policy.max_backoff {
        return Ok(policy);
    }
    Err(match (backoff, max_backoff) {
        (Some(backoff), Some(max)) => backoff.error(format_args!("must not be longer than {max}")),
        (Some(backoff), None) => {
            let max = default.max_backoff.as_millis();
            backoff.error(format_args!(
                "must not be longer than `options.max_backoff`, which is {max} by default; set both"
            ))
        }
        (None, Some(max)) => {
            let backoff = default.backoff.as_millis();
            max.error(format_args!(
                "must not be shorter than `options.backoff`, which is {backoff} by default; set both"
            ))
        }
        // The defaults fit each other; if not, `ClientConfig::validate` reports them.
        (None, None) => return Ok(policy),
    })
}

/// Returns the kind of client that the settings name. The group of a descriptor must be one of `groups`, if
/// given.
pub(super) fn kind(entries: &[Entry], groups: Option<&[&str]>) -> Result<ClientKind> {
    let get = |key: &str| get(entries, key);
    let read = |entry: &Entry| ClientKind::parse(&entry.value, groups).map_err(|why| entry.error(why));
    match (get("kind"), get("descriptor")) {
        (None, None) => Ok(ClientKind::default()),
        (Some(one), None) | (None, Some(one)) => read(one),
        (Some(kind), Some(descriptor)) => {
            let (named, described) = (read(kind)?, read(descriptor)?);
            if named == described {
                return Ok(named);
            }
            let why = format!("is `{named}`, but {descriptor} is `{described}`; remove one of them");
            Err(kind.error(why))
        }
    }
}

fn whole<T: FromStr>(entry: &Entry) -> Option<T> {
    entry.value.parse().ok()
}

/// The value of `options.concurrency_limit` for an adaptive limit.
const ADAPTIVE: &str = "adaptive";

fn positive(entry: &Entry, why: &str) -> Result<usize> {
    whole(entry).filter(|&number| number > 0).ok_or_else(|| entry.error(why))
}

fn positive_millis(entry: &Entry) -> Result<Duration> {
    let millis = whole(entry).filter(|&millis| millis > 0).map(Duration::from_millis);
    millis.ok_or_else(|| entry.error("must be a whole number of milliseconds above 0"))
}

pub(super) fn flag(entry: &Entry) -> Result<bool> {
    match &*entry.value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(entry.error("must be `true` or `false`")),
    }
}

fn place(entry: &Entry) -> Result<CorrelationPlace> {
    match &*entry.value {
        "query" => Ok(CorrelationPlace::Query),
        "headers" => Ok(CorrelationPlace::Headers),
        "both" => Ok(CorrelationPlace::Both),
        _ => Err(entry.error("must be `query`, `headers` or `both`")),
    }
}

#[cfg(test)]
mod tests {
    use super::effective;

    #[test]
    fn the_documented_table_has_the_effective_keys_in_their_order() {
        let docs = include_str!("params.rs");
        let (_, table) = docs.split_once("/// # Keys\n").unwrap();
        let (table, _) = table.split_once("/// # ").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("/// | `"));
        let documented: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(documented, effective().collect::<Vec<_>>());
    }
}
