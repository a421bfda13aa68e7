//! The addresses of the service, from the keys of `connection` and `connections`.
//!
//! The checks here are those of a single part. [`check_url`] checks the URL that the parts make.

use super::entry::Entry;
use std::net::Ipv6Addr;
use wiretrait::Result;
use wiretrait::address::check_url;

pub(super) const NO_DISCOVERY: &str = "is not supported: this client has no service discovery; \
                                       look the address up and set `connection.uri`";

/// The key that replaces the addresses from DNS.
pub(super) const RESOLVE: &str = "connection.resolve";

/// Returns whether a key is a whole address.
pub(super) fn is_address(key: &str) -> bool {
    key == "connection.uri" || several(key).is_some_and(|(_, field)| field == "uri")
}

/// Splits `connections.main.host` into `connections.main` and `host`.
pub(super) fn several(key: &str) -> Option<(&str, &str)> {
    let (section, field) = key.rsplit_once('.')?;
    let name = section.strip_prefix("connections.")?;
    (!name.is_empty()).then_some((section, field))
}

/// Returns the addresses, the preferred one first; none if the settings have none.
pub(super) fn read(entries: &[Entry]) -> Result<Vec<String>> {
    let urls = sections(entries)?.into_iter().map(|section| read_section(entries, section));
    urls.filter_map(Result::transpose).collect()
}

fn read_section(entries: &[Entry], section: &str) -> Result<Option<String>> {
    let field = |field| in_section(entries, section, field);
    match (field("uri"), field("protocol"), field("host"), field("port")) {
        (Some(uri), None, None, None) => check_url(&uri.value).map_err(|why| uri.error(why)).map(Some),
        (Some(uri), protocol, host, port) => {
            let others = [protocol, host, port].into_iter().flatten().map(ToString::to_string);
            let others = others.collect::<Vec<_>>().join(" and ");
            Err(uri.error(format_args!("is the whole address; remove {others}")))
        }
        (None, _, None, None) => match field("ip") {
            Some(ip) => Err(ip.error(format_args!("has no effect; use `{section}.host`"))),
            None => Ok(None),
        },
        (None, protocol, host, port) => assemble(protocol, host, port).map(Some),
    }
}

/// Returns whether a key of `connection` is part of the address.
pub(super) fn is_part(key: &str) -> bool {
    key.starts_with("connection.") && key != RESOLVE
}

/// Returns the sections with an address: `connection`, or those of `connections` that need no discovery.
fn sections(entries: &[Entry]) -> Result<Vec<&str>> {
    let single = entries.iter().find(|entry| is_part(&entry.key));
    let mut sections: Vec<&str> = Vec::new();
    for (section, _) in entries.iter().filter_map(|entry| several(&entry.key)) {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    match (single, sections.first()) {
        (None, None) => Ok(sections),
        (Some(_), None) => Ok(vec!["connection"]),
        (Some(single), Some(_)) => {
            let sections = sections.join("`, `");
            Err(single
                .error(format_args!("contradicts `{sections}`; use either `connection` or `connections`")))
        }
        (None, Some(first)) => {
            let discovery = |section: &str| in_section(entries, section, "discovery_key");
            let first = discovery(first);
            sections.retain(|section| discovery(section).is_none());
            match (sections.is_empty(), first) {
                (true, Some(discovery)) => Err(discovery.error(NO_DISCOVERY)),
                _ => Ok(sections),
            }
        }
    }
}

fn in_section<'e>(entries: &'e [Entry], section: &str, field: &str) -> Option<&'e Entry> {
    let is_it = |key: &str| key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) == Some(field);
    entries.iter().find(|entry| is_it(&entry.key))
}

fn assemble(protocol: Option<&Entry>, host: Option<&Entry>, port: Option<&Entry>) -> Result<String> {
    let scheme = protocol.map_or(Ok("http"), |entry| match &*entry.value {
        protocol @ ("http" | "https") => Ok(protocol),
        _ => Err(entry.error("must be `http` or `https`")),
    })?;
    let port = port.map_or(Ok(3000), |entry| {
        let port = entry.value.parse().ok().filter(|&port: &u16| port > 0);
        port.ok_or_else(|| entry.error("must be a whole number from 1 to 65535"))
    })?;
    let Some(entry) = host else { return Ok(format!("{scheme}://localhost:{port}")) };
    let host = host_in_url(&entry.value).map_err(|why| entry.error(why))?;
    check_url(&format!("{scheme}://{host}:{port}")).map_err(|why| entry.error(why))
}

/// Returns `host` as a URL contains it. Names outside ASCII, zones and odd IPv4 addresses are left to
/// [`check_url`].
fn host_in_url(host: &str) -> Result<String, &'static str> {
    if host.contains("://") {
        return Err("is a URL; use `connection.uri` for it");
    }
    if host.contains('@') {
        return Err("has credentials; use `connection.uri` for the whole address, and percent-encode them");
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let (address, zone) = bare.split_at(bare.find('%').unwrap_or(bare.len()));
    if let Ok(address) = address.parse::<Ipv6Addr>() {
        return Ok(format!("[{address}{zone}]"));
    }
    // The rest of ASCII ends the host in a URL, or is not allowed in it.
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c) || !c.is_ascii();
    if host.is_empty() || !host.chars().all(is_allowed) {
        return Err("must be only a host name or an IP address; use `connection.port` for the port");
    }
    Ok(host.to_owned())
}
