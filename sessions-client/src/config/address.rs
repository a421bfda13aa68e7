//! The check of an address: what is no place to send calls to is refused before any call.
//!
//! Reasons come without the name of the setting at fault, which the caller knows.

use http::Uri;
use std::net::Ipv6Addr;

const EXAMPLE: &str = "write it like `http://localhost:8080`";
const ALONE: &str = "must be a host name or an IP address alone: the port goes into `connection.port`";

pub(super) fn check_protocol(protocol: &str) -> Result<(), String> {
    if is_protocol(protocol) { Ok(()) } else { Err("must be `http` or `https`".to_owned()) }
}

fn is_protocol(text: &str) -> bool {
    matches!(text, "http" | "https")
}

/// The host as it stands in a URL.
pub(super) fn check_host(host: &str) -> Result<String, String> {
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
    let uri: Uri = url.trim().parse().map_err(|_| format!("is no URL: {EXAMPLE}"))?;
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
    if uri.query().is_some() || url.contains('#') {
        return Err("must end with the path: drop its query and fragment".to_owned());
    }
    Ok(url.trim().trim_end_matches('/').to_owned())
}
