//! The connection to the service: headers, certificates, proxy, replaced addresses, and the version of HTTP.

use super::address::RESOLVE;
use super::entry::Entry;
use super::keys::{flag, get};
use http::Uri;
use http::header::{self, HeaderName, HeaderValue};
use std::net::IpAddr;
use wiretrait::{ClientConfig, HttpVersion, Pem, Proxy, Result, TlsConfig};

/// The prefix of the keys of headers.
pub(super) const HEADERS: &str = "headers.";

/// Headers that the client sets itself, with the reason or the key that sets them.
const OWN_HEADERS: [(HeaderName, &str); 12] = [
    (header::ACCEPT, "the client can only read JSON"),
    (header::ACCEPT_ENCODING, "use `options.compression`"),
    (header::CONNECTION, "the client manages its connections"),
    (header::CONTENT_ENCODING, "the client sends JSON without an encoding"),
    (header::CONTENT_LENGTH, "the client knows the length of its requests"),
    (header::CONTENT_TYPE, "the client only sends JSON"),
    (header::HOST, "it is the host of the address; use `connection.resolve` to send requests elsewhere"),
    (header::PROXY_AUTHORIZATION, "write the credentials of the proxy into `proxy.url`"),
    (header::TE, "the client reads no trailers"),
    (header::TRAILER, "the client sends no trailers"),
    (header::TRANSFER_ENCODING, "the client knows the length of its requests"),
    (header::UPGRADE, "the client speaks only HTTP"),
];

/// Returns the name of the header in a key; `None` if it is not a valid name.
pub(super) fn header_name(key: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(key.strip_prefix(HEADERS)?.as_bytes()).ok()
}

/// Applies all keys of this module.
pub(super) fn apply(entries: &[Entry], config: ClientConfig) -> Result<ClientConfig> {
    let mut config = headers(entries, config)?.with_tls(tls(entries)?);
    if let Some(proxy) = proxy(entries)? {
        config = config.with_proxy(proxy);
    }
    if let Some(entry) = get(entries, RESOLVE) {
        config = resolved(entry, entries, config)?;
    }
    if let Some(entry) = get(entries, "options.http_version") {
        config = config.with_http_version(match &*entry.value {
            "1.1" => HttpVersion::Http1,
            "2" => HttpVersion::Http2,
            _ => return Err(entry.error("must be `1.1` or `2`")),
        });
    }
    Ok(config)
}

fn headers(entries: &[Entry], mut config: ClientConfig) -> Result<ClientConfig> {
    for entry in entries {
        let Some(name) = header_name(&entry.key) else { continue };
        if let Some((_, why)) = OWN_HEADERS.iter().find(|(own, _)| *own == name) {
            return Err(entry.error(format_args!("cannot be set: {why}")));
        }
        let mut value = HeaderValue::from_str(entry.value.trim()).map_err(|_| {
            entry.error("must be a valid header value: no line ends or other control characters")
        })?;
        if name == header::USER_AGENT {
            config = config.with_user_agent(entry.value.trim());
            continue;
        }
        // It may be a secret, such as an API key.
        value.set_sensitive(true);
        config = config.with_header(name, value);
    }
    Ok(config)
}

fn tls(entries: &[Entry]) -> Result<TlsConfig> {
    let mut tls = TlsConfig::new();
    if let Some(entry) = get(entries, "credential.ssl_ca_file") {
        tls = tls.with_ca(Pem::file(entry.path()));
    }
    match (get(entries, "credential.ssl_crt_file"), get(entries, "credential.ssl_key_file")) {
        (Some(certificate), Some(key)) => {
            tls = tls.with_client_certificate(Pem::file(certificate.path()), Pem::file(key.path()));
        }
        (Some(certificate), None) => {
            return Err(certificate.error(
                "needs `credential.ssl_key_file`, its private key; if the file has both, set both keys to it",
            ));
        }
        (None, Some(key)) => return Err(key.error("needs `credential.ssl_crt_file`, its certificate")),
        (None, None) => {}
    }
    if let Some(entry) = get(entries, "credential.insecure") {
        tls = tls.with_insecure(flag(entry)?);
    }
    Ok(tls)
}

fn proxy(entries: &[Entry]) -> Result<Option<Proxy>> {
    let no_proxy = get(entries, "proxy.no_proxy");
    let Some(entry) = get(entries, "proxy.url") else {
        return match no_proxy {
            Some(no_proxy) => Err(no_proxy
                .error("needs `proxy.url`; for the proxy of the environment, set the variable `NO_PROXY`")),
            None => Ok(None),
        };
    };
    if entry.value == "none" {
        return match no_proxy {
            Some(no_proxy) => {
                Err(no_proxy.error(format_args!("has no effect, because {entry} is `none`; remove it")))
            }
            None => Ok(Some(Proxy::none())),
        };
    }
    let proxy = Proxy::url(&entry.value).map_err(|error| entry.renamed("proxy", &error))?;
    Ok(Some(match no_proxy {
        Some(no_proxy) if has_unknown_wildcard(&no_proxy.value) => {
            return Err(no_proxy.error(
                "has a `*` that excludes nothing: write a network such as `10.0.0.0/8`, a domain such as \
                 `.corp.example`, or a single `*` for all hosts",
            ));
        }
        Some(no_proxy) => proxy.with_no_proxy(&no_proxy.value),
        None => proxy,
    }))
}

/// Returns whether a list of hosts has a `*` other than for all hosts, or for the subdomains in `*.example`.
fn has_unknown_wildcard(hosts: &str) -> bool {
    hosts.split(|separator: char| separator == ',' || separator.is_whitespace()).any(|entry| {
        let rest = entry.strip_prefix('*').filter(|rest| rest.is_empty() || rest.starts_with(['.', ':']));
        rest.unwrap_or(entry).contains('*')
    })
}

/// Applies the addresses that replace those from DNS.
fn resolved(entry: &Entry, entries: &[Entry], mut config: ClientConfig) -> Result<ClientConfig> {
    let mut given = Vec::new();
    for one in entry.value.split_whitespace() {
        let (host, port, addresses) = resolve(one).ok_or_else(|| {
            entry.error(
                "must be `host:port:address`, such as `books.staging:443:10.0.0.7`; \
                 separate several addresses by `,`, and several hosts by a space",
            )
        })?;
        given.push((host, port));
        config = config.with_resolved(host, port, addresses);
    }
    // Addresses for another port have no effect, and DNS is used without a report.
    let known = hosts(entries, &config);
    for (host, _) in &given {
        let ports = |(other, port): &(String, u16)| other.eq_ignore_ascii_case(host).then_some(*port);
        let known: Vec<u16> = known.iter().filter_map(ports).collect();
        let is_used =
            given.iter().any(|(other, port)| other.eq_ignore_ascii_case(host) && known.contains(port));
        if let Some(port) = known.first().filter(|_| !is_used) {
            let why =
                format_args!("has another port for `{host}` than its URL: write `{host}:{port}:address`");
            return Err(entry.error(why));
        }
    }
    Ok(config)
}

/// Returns the hosts in the settings, each with its port: of the service, the proxy and the token server.
fn hosts(entries: &[Entry], config: &ClientConfig) -> Vec<(String, u16)> {
    let host_and_port = |url: &str| {
        let uri: Uri = url.trim().parse().ok()?;
        let default_port = match uri.scheme_str()? {
            "http" => 80,
            "https" => 443,
            _ => 1080,
        };
        Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(default_port)))
    };
    let others = ["proxy.url", "credential.token_url"].into_iter().filter_map(|key| get(entries, key));
    let urls = config.base_url().into_iter().chain(config.fallback_urls().iter().map(String::as_str));
    urls.chain(others.map(|entry| &*entry.value)).filter_map(host_and_port).collect()
}

/// Parses `host:port:address,address`, as curl's option `--resolve` has it: the host may be `*`, and a `+` in front of it
/// has no effect, because the addresses do not expire.
fn resolve(value: &str) -> Option<(&str, u16, Vec<IpAddr>)> {
    let (host, rest) = value.strip_prefix('+').unwrap_or(value).split_once(':')?;
    let (port, addresses) = rest.split_once(':')?;
    let port = port.parse().ok().filter(|&port: &u16| port > 0)?;
    let address = |address: &str| address.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let addresses = addresses.split(',').map(address).collect::<Option<Vec<_>>>()?;
    let is_valid = !host.is_empty() && (host == "*" || !host.contains(['*', '+']));
    is_valid.then_some((host, port, addresses))
}
