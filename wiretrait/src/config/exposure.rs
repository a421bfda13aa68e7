//! The check that a bearer token is not sent over plain HTTP to another machine, where it could be read.

use crate::config::ClientConfig;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
use crate::transport::ProxyRoute;
use http::{HeaderValue, Uri};
use std::net::IpAddr;

/// Returns scheme, host and port of `url`, and the proxy on the way, if requests to it can be read in the network:
/// if it is plain HTTP to a host that is not this machine, or through a proxy that is not.
pub(crate) fn exposed_origin(url: &str, config: &ClientConfig) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let host = uri.host()?.trim_matches(['[', ']']);
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let origin = format!("http://{}{port}", uri.host()?);
    let is_local = is_on_this_machine(host, uri.port_u16().unwrap_or(80), config);
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    // A proxy that cannot be used has a different error.
    if let Ok(Some(proxy)) = ProxyRoute::of(config, &uri) {
        let (proxy_host, proxy_port) = proxy.host_and_port();
        if !is_on_this_machine(proxy_host, proxy_port, config) {
            return Some(format!("{origin} through the proxy {proxy}"));
        }
        // The proxy may look up the name itself.
        return (!is_local || !is_loopback(host)).then_some(origin);
    }
    (!is_local).then_some(origin)
}

/// Returns whether all addresses of a host, which has no brackets, are of the loopback interface.
pub(crate) fn is_on_this_machine(host: &str, port: u16, config: &ClientConfig) -> bool {
    match config.resolved(host, port) {
        Some(addresses) => addresses.iter().all(|address| address.to_canonical().is_loopback()),
        None => is_loopback(host),
    }
}

/// Returns whether `host` is `localhost` or an address of the loopback interface.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Returns whether the value of `Authorization` is a bearer token.
pub(crate) fn is_bearer(value: &HeaderValue) -> bool {
    value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
}

/// Returns the message for a token that would be sent to `origin` over plain HTTP.
pub(crate) fn exposed_message(origin: &str) -> String {
    format!(
        "a bearer token is not sent to {origin}, since others in the network could read it: use `https`, or allow \
         it with `ClientConfig::with_http_credentials_allowed`"
    )
}

#[cfg(test)]
mod tests {
    use super::{exposed_origin, is_bearer};
    use crate::config::ClientConfig;
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    use crate::config::Proxy;
    use http::HeaderValue;

    #[test]
    fn only_plain_http_to_another_machine_is_exposed() {
        let config = ClientConfig::new()
            .with_resolved("localhost", 81, ["10.0.0.1".parse().unwrap()])
            .with_resolved("staging.test", 80, ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()])
            .with_resolved("mixed.test", 80, ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
        for (url, exposed) in [
            ("https://books.staging", None),
            ("http://localhost", None),
            ("http://LOCALHOST:8080/v1", None),
            ("http://127.9.0.1:8080", None),
            ("http://[::1]:8080", None),
            ("http://[::ffff:127.0.0.1]", None),
            ("http://staging.test/", None),
            ("the service", None),
            ("http://books.staging:8080/v1", Some("http://books.staging:8080")),
            ("http://user:s3cret@books.staging", Some("http://books.staging")),
            ("http://10.0.0.1", Some("http://10.0.0.1")),
            ("http://0.0.0.0", Some("http://0.0.0.0")),
            ("http://[::2]:81", Some("http://[::2]:81")),
            ("http://localhost.evil.test", Some("http://localhost.evil.test")),
            ("http://127.0.0.1.evil.test", Some("http://127.0.0.1.evil.test")),
            ("http://localhost:81", Some("http://localhost:81")),
            ("http://mixed.test", Some("http://mixed.test")),
        ] {
            assert_eq!(exposed_origin(url, &config).as_deref(), exposed, "{url}");
        }
    }

    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    #[test]
    fn plain_http_through_a_proxy_on_another_machine_is_exposed() {
        let config = |proxy: &str, no_proxy: &str| {
            ClientConfig::new()
                .with_proxy(Proxy::url(proxy).unwrap().with_no_proxy(no_proxy))
                .with_resolved("staging.test", 80, ["127.0.0.1".parse().unwrap()])
                .with_resolved("proxy.test", 3128, ["127.0.0.1".parse().unwrap()])
        };
        let (far, local) = ("http://me:s3cret@proxy.corp:3128", "http://localhost:3128");
        for (proxy, no_proxy, url, exposed) in [
            (
                far,
                "",
                "http://localhost:8080",
                Some("http://localhost:8080 through the proxy http://proxy.corp:3128"),
            ),
            (far, "", "http://127.0.0.1", Some("http://127.0.0.1 through the proxy http://proxy.corp:3128")),
            (far, "localhost", "http://localhost:8080", None),
            (far, "", "https://localhost:8080", None),
            (
                "socks5h://10.0.0.1",
                "",
                "http://[::1]",
                Some("http://[::1] through the proxy socks5h://10.0.0.1:1080"),
            ),
            (local, "", "http://localhost:8080", None),
            ("http://proxy.test:3128", "", "http://localhost:8080", None),
            ("http://[::ffff:127.0.0.1]", "", "http://localhost:8080", None),
            (local, "", "http://staging.test", Some("http://staging.test")),
            (local, "staging.test", "http://staging.test", None),
            (local, "", "http://books.staging", Some("http://books.staging")),
        ] {
            assert_eq!(exposed_origin(url, &config(proxy, no_proxy)).as_deref(), exposed, "{proxy} {url}");
        }
    }

    #[test]
    fn bearer_tokens_are_recognized_in_any_case() {
        for (value, is) in
            [("Bearer t", true), ("bearer t", true), ("BEARER t", true), ("Basic t", false), ("", false)]
        {
            assert_eq!(is_bearer(&HeaderValue::from_static(value)), is, "{value}");
        }
    }
}
