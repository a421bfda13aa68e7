//! The check of an address: what is no place to send calls to is refused before any call.
//!
//! Reasons come without the name of the setting at fault, which the caller knows.

use crate::runtime::is_folded;
use http::Uri;
use std::net::{Ipv4Addr, Ipv6Addr};

const EXAMPLE: &str = "write it like `http://localhost:8080`";
const ALONE: &str = "must be a host name or an IP address alone: the port goes into `connection.port`";
const PUNYCODE: &str = "has a host that is not ASCII: write it in Punycode, like `xn--bcher-kva.example`";
const ZONE: &str =
    "has an IPv6 address with a zone, which is not supported: write it without `%` and what follows";

/// Whether `host` is an IPv6 address with a zone behind it.
fn has_zone(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.split_once('%').is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok())
}

pub(super) fn check_protocol(protocol: &str) -> Result<(), String> {
    if is_protocol(protocol) { Ok(()) } else { Err("must be `http` or `https`".to_owned()) }
}

fn is_protocol(text: &str) -> bool {
    matches!(text, "http" | "https")
}

/// The host as it stands in a URL.
pub(super) fn check_host(host: &str) -> Result<String, String> {
    if host.contains("://") {
        return Err("is a whole URL: write it into `connection.uri`".to_owned());
    }
    if host.contains('@') {
        return Err(
            "has credentials: write the whole address into `connection.uri`, with them percent-encoded"
                .to_owned(),
        );
    }
    if !host.is_ascii() {
        return Err(PUNYCODE.to_owned());
    }
    if has_zone(host) {
        return Err(ZONE.to_owned());
    }
    if host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
        return Err(ALONE.to_owned());
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse::<Ipv6Addr>() {
        Ok(address) => Ok(format!("[{address}]")),
        Err(_) if host.contains(':') => Err(ALONE.to_owned()),
        Err(_) => Ok(host.to_owned()),
    }
}

pub(super) fn check_port(port: &str) -> Result<u16, String> {
    read_port(port).ok_or_else(|| "must be a whole number from 1 to 65535".to_owned())
}

fn read_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&port| port > 0)
}

/// The URL without a slash at its end, if calls can be made to it.
pub(super) fn check_url(url: &str) -> Result<String, String> {
    check_credentials(url)?;
    let uri: Uri = url.trim().parse().map_err(|_| no_url(url))?;
    let Some(scheme) = uri.scheme_str() else { return Err(format!("has no scheme: {EXAMPLE}")) };
    if !is_protocol(scheme) {
        return Err(format!("has the scheme `{scheme}`: it must be `http` or `https`"));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    let port = host_and_port.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if port.is_some_and(|port| read_port(port).is_none()) {
        return Err("has a port that is no whole number from 1 to 65535".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(format!("has no host: {EXAMPLE}"));
    }
    check_name(uri.host().unwrap_or_default())?;
    if uri.query().is_some() || url.contains('#') {
        return Err("must end with the path: drop its query and fragment".to_owned());
    }
    if uri.path().split('/').any(is_folded) {
        return Err("must have no `.` or `..` in its path: write the path that is meant".to_owned());
    }
    Ok(url.trim().trim_end_matches('/').to_owned())
}

/// A `/`, `?` or `#` in a password ends the authority, and what stands before it is taken for a host and a port. It
/// may be an `@` in a path as well, behind a host with a port or none: that is left alone.
fn check_credentials(url: &str) -> Result<(), String> {
    let Some((_, rest)) = url.split_once("://") else { return Ok(()) };
    let Some((authority, behind)) = rest.find(['/', '?', '#']).map(|at| rest.split_at(at)) else {
        return Ok(());
    };
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if behind.contains('@') && !authority.contains('@') && port.is_some_and(|port| read_port(port).is_none())
    {
        return Err("has a password with a `/`, `?` or `#` in it: percent-encode it".to_owned());
    }
    Ok(())
}

fn no_url(url: &str) -> String {
    let authority =
        url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    if host.is_ascii() { format!("is no URL: {EXAMPLE}") } else { PUNYCODE.to_owned() }
}

/// What parsers of URLs differ in, or find out only when a call is made.
fn check_name(host: &str) -> Result<(), String> {
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return match inside.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) if has_zone(host) => Err(ZONE.to_owned()),
            Err(_) => Err("has a host in brackets that is no IPv6 address".to_owned()),
        };
    }
    let is_numeric = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err("has a host of digits and dots that is no IPv4 address".to_owned());
    }
    Ok(())
}
