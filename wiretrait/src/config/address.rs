//! Validation of the address of a service.
//!
//! Errors do not contain the name of the setting, which the caller adds.

use crate::runtime::is_folded;
use http::Uri;
use std::net::{Ipv4Addr, Ipv6Addr};

const EXAMPLE: &str = "write it like `http://localhost:8080`";
const PUNYCODE: &str = "has a host that is not ASCII: write it in Punycode, like `xn--bcher-kva.example`";
const ZONE: &str = "has an IPv6 address with a zone, which is not supported: remove `%` and the zone";

/// Returns whether `host` is an IPv6 address with a zone.
fn has_zone(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.split_once('%').is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok())
}

fn is_protocol(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

fn read_port(port: &str) -> Option<u16> {
    port.parse().ok().filter(|&port| port > 0)
}

/// Checks the URL, and returns it without a slash at its end.
///
/// # Errors
///
/// The end of a sentence that begins with the name of the setting, if `url` is not a valid address of a
/// service.
pub fn check_url(url: &str) -> Result<String, String> {
    check_credentials(url)?;
    let uri: Uri = url.trim().parse().map_err(|_| invalid_url(url))?;
    let Some(scheme) = uri.scheme_str() else { return Err(format!("has no scheme: {EXAMPLE}")) };
    if !is_protocol(scheme) {
        return Err(format!("has the scheme `{scheme}`: it must be `http` or `https`"));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    let port = host_and_port.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if port.is_some_and(|port| read_port(port).is_none()) {
        return Err("must have a whole number from 1 to 65535 as its port".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(format!("has no host: {EXAMPLE}"));
    }
    check_name(uri.host().unwrap_or_default())?;
    if uri.query().is_some() || url.contains('#') {
        return Err("must end with the path: remove its query and fragment".to_owned());
    }
    if uri.path().split('/').any(is_folded) {
        return Err("must not have `.` or `..` in its path: write the resolved path".to_owned());
    }
    Ok(url.trim().trim_end_matches('/').to_owned())
}

/// Reports a `/`, `?` or `#` in a password, which would end the authority, so that the credentials would be
/// read as host and port. An `@` in a path after a valid host and port is allowed.
fn check_credentials(url: &str) -> Result<(), String> {
    let Some((_, rest)) = url.split_once("://") else { return Ok(()) };
    let Some((authority, behind)) = rest.find(['/', '?', '#']).map(|at| rest.split_at(at)) else {
        return Ok(());
    };
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if behind.contains('@') && !authority.contains('@') && port.is_some_and(|port| read_port(port).is_none())
    {
        return Err("has a password with a `/`, `?` or `#`: percent-encode it".to_owned());
    }
    Ok(())
}

fn invalid_url(url: &str) -> String {
    let authority =
        url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    if host.is_ascii() { format!("is not a valid URL: {EXAMPLE}") } else { PUNYCODE.to_owned() }
}

/// Checks the parts of a host that URL parsers treat differently, or check only when a call is made.
fn check_name(host: &str) -> Result<(), String> {
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return match inside.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) if has_zone(host) => Err(ZONE.to_owned()),
            Err(_) => Err("has a host in brackets that is not an IPv6 address".to_owned()),
        };
    }
    let is_numeric = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err("has a host of digits and dots that is not an IPv4 address".to_owned());
    }
    Ok(())
}
