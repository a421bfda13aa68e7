//! The choice of the proxy for a service.
//!
//! It is made once, when a transport is created, and by the same rules for all HTTP libraries.

use crate::config::{
    ClientConfig, HttpVersion, ProxySetting, is_loopback, is_on_this_machine, with_known_scheme,
};
use crate::error::Error;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::fmt;

/// The proxy between a client and a service.
#[derive(Clone)]
pub(crate) struct ProxyRoute {
    pub(super) kind: ProxyKind,
    /// The address without credentials, always with a port.
    pub(super) uri: Uri,
    /// The credentials for an HTTP proxy.
    pub(super) authorization: Option<HeaderValue>,
    /// User name and password for a SOCKS proxy.
    pub(super) login: Option<(String, String)>,
    /// The key or variable that sets it, for messages.
    pub(super) setting: &'static str,
    /// True if requests are never sent to the proxy itself, because they are not HTTP/1.1.
    always_connects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyKind {
    Http,
    /// An HTTP proxy that is itself reached over TLS.
    Https,
    Socks4,
    /// A SOCKS 4 proxy that resolves names.
    Socks4a,
    Socks5,
    /// A SOCKS 5 proxy that resolves names.
    Socks5h,
}

/// Variables of the environment, as a function for tests.
type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

impl ProxyRoute {
    /// Returns the proxy for the service at `origin`, or `None` if it is called directly.
    pub(crate) fn of(config: &ClientConfig, origin: &Uri) -> Result<Option<Self>, Error> {
        let route = Self::with_variables(config, origin, &|name| std::env::var(name).ok())?;
        let always_connects = config.http_version() == HttpVersion::Http2;
        Ok(route.map(|route| Self { always_connects, ..route }))
    }

    fn with_variables(
        config: &ClientConfig,
        origin: &Uri,
        variables: Variables<'_>,
    ) -> Result<Option<Self>, Error> {
        match config.proxy().setting() {
            ProxySetting::None => Ok(None),
            // A proxy would resolve the address to its own machine, or look up a name that only this process resolves.
            ProxySetting::Environment if is_local(config, origin) => Ok(None),
            ProxySetting::Environment => of_environment(origin, variables),
            ProxySetting::Url { url, no_proxy } => {
                if is_excluded(origin, no_proxy) {
                    return Ok(None);
                }
                let intercept = Matcher::builder().all(url.as_str()).build().intercept(origin);
                let unusable = || {
                    Error::config("proxy", "is not a valid URL of a proxy: write it like `http://proxy:3128`")
                };
                let proxy = intercept.as_ref().and_then(|intercept| Self::read(intercept, "`proxy.url`"));
                proxy.ok_or_else(unusable).and_then(supported).map(Some)
            }
        }
    }

    /// Reads the proxy that `setting` names. Returns `None` if its scheme is unknown.
    fn read(intercept: &Intercept, setting: &'static str) -> Option<Self> {
        let uri = intercept.uri();
        let (kind, default_port) = match uri.scheme_str()? {
            "http" => (ProxyKind::Http, 80),
            "https" => (ProxyKind::Https, 443),
            "socks4" => (ProxyKind::Socks4, 1080),
            "socks4a" => (ProxyKind::Socks4a, 1080),
            "socks5" => (ProxyKind::Socks5, 1080),
            "socks5h" => (ProxyKind::Socks5h, 1080),
            _ => return None,
        };
        let (scheme, host) = (uri.scheme_str()?, uri.host()?);
        let port = uri.port_u16().unwrap_or(default_port);
        Some(Self {
            kind,
            uri: format!("{scheme}://{host}:{port}/").parse().ok()?,
            authorization: intercept.basic_auth().cloned(),
            login: intercept.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned())),
            setting,
            always_connects: false,
        })
    }

    /// Returns whether requests to `origin` are sent to the proxy itself, with a complete URL. Otherwise the
    /// proxy opens a connection to the service.
    pub(super) fn forwards(&self, origin: &Uri) -> bool {
        self.is_http() && origin.scheme_str() == Some("http") && !self.always_connects
    }

    /// Returns whether the proxy speaks HTTP.
    pub(super) fn is_http(&self) -> bool {
        matches!(self.kind, ProxyKind::Http | ProxyKind::Https)
    }

    /// Returns whether the URL of the proxy contains credentials.
    pub(super) fn has_credentials(&self) -> bool {
        self.authorization.is_some() || self.login.is_some()
    }

    /// Returns the host without brackets, and the port.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        host_and_port(&self.uri)
    }

    /// Returns the same proxy for reqwest.
    #[cfg(feature = "reqwest")]
    pub(super) fn for_reqwest(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

        let url = match &self.login {
            Some((user, password)) => {
                let [user, password] =
                    [user, password].map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC));
                self.to_string().replacen("://", &format!("://{user}:{password}@"), 1)
            }
            None => self.to_string(),
        };
        let proxy = reqwest::Proxy::all(url)?;
        Ok(match &self.authorization {
            Some(value) => proxy.custom_http_auth(value.clone()),
            None => proxy,
        })
    }
}

/// Omits credentials.
impl fmt::Display for ProxyRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri.to_string().trim_end_matches('/'))
    }
}

/// Returns the host without brackets, and the port or that of the scheme.
pub(crate) fn host_and_port(uri: &Uri) -> (&str, u16) {
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    (host, uri.port_u16().unwrap_or(default_port))
}

fn of_environment(origin: &Uri, variables: Variables<'_>) -> Result<Option<ProxyRoute>, Error> {
    let first = |names: &[&'static str]| {
        names.iter().find_map(|name| Some((*name, variables(name).filter(|value| !value.trim().is_empty())?)))
    };
    // A CGI script gets the header `Proxy` of its request as `HTTP_PROXY`.
    if variables("REQUEST_METHOD").is_some() {
        return Ok(None);
    }
    let of_scheme: &[&'static str] = match origin.scheme_str() {
        Some("https") => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let Some((name, url)) = first(of_scheme) else {
        // On macOS and Windows, the settings of the system apply.
        let system = Matcher::from_system().intercept(origin);
        let proxy = system.as_ref().and_then(|proxy| ProxyRoute::read(proxy, "the settings of the system"));
        return proxy.map(supported).transpose();
    };
    let no_proxy = first(&["NO_PROXY", "no_proxy"]).map(|(_, hosts)| hosts).unwrap_or_default();
    if is_excluded(origin, &no_proxy) {
        return Ok(None);
    }
    let intercept = Matcher::builder().all(with_known_scheme(url.trim())).build().intercept(origin);
    let unusable = || {
        let why = "is not the URL of a proxy: write it like `http://proxy:3128` or `socks5://proxy:1080`, or exclude \
                   the service with NO_PROXY";
        Error::config(name, why)
    };
    let proxy = intercept.as_ref().and_then(|intercept| ProxyRoute::read(intercept, name));
    proxy.ok_or_else(unusable).and_then(supported).map(Some)
}

/// Rejects a proxy that this build cannot use.
fn supported(proxy: ProxyRoute) -> Result<ProxyRoute, Error> {
    if proxy.kind == ProxyKind::Https && !cfg!(feature = "rustls") {
        let why = format!(
            "{proxy} has the scheme `https`, which this build does not support: enable the feature `rustls` of \
             wiretrait"
        );
        return Err(Error::config("proxy", why));
    }
    Ok(proxy)
}

/// Returns whether `no_proxy`, in the format of the variable, contains the host of `origin`.
fn is_excluded(origin: &Uri, no_proxy: &str) -> bool {
    let (_, port) = host_and_port(origin);
    let entries: Vec<_> = no_proxy
        .split(|separator: char| separator == ',' || separator.is_whitespace())
        .filter_map(|entry| without_port(entry, port))
        .collect();
    // The matcher compares addresses with addresses and networks only.
    if entries.iter().any(|entry| entry == "*") {
        return true;
    }
    let matcher = Matcher::builder().all("http://proxy").no(entries.join(",")).build();
    // A dot at the end only says that the name is complete.
    let host = origin.host().unwrap_or_default().trim_end_matches('.');
    let complete = format!("http://{host}").parse();
    matcher.intercept(complete.as_ref().unwrap_or(origin)).is_none()
}

/// Returns an entry in a form that the matcher knows: without its port, and without the brackets of an address of
/// IPv6. Returns `None` for an entry of another port.
fn without_port(entry: &str, port: u16) -> Option<String> {
    // Node.js and Java write `*.example` for `.example`.
    let entry = entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry);
    let (host, rest) = match entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        Some(parts) => parts,
        // Another colon is part of an address of IPv6.
        None if entry.matches(':').count() == 1 => entry.split_at(entry.find(':')?),
        None => (entry, ""),
    };
    let host = host.trim_end_matches('.');
    match rest.strip_prefix(':') {
        Some(other) if other.parse() == Ok(port) => Some(host.to_owned()),
        Some(_) => None,
        // The length of a prefix.
        None => Some(format!("{host}{rest}")),
    }
}

fn is_local(config: &ClientConfig, origin: &Uri) -> bool {
    let (host, port) = host_and_port(origin);
    is_loopback(host) || is_on_this_machine(host, port, config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Proxy;

    /// Returns the proxy for `url` in an environment.
    fn in_environment(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let config = ClientConfig::new();
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let route = ProxyRoute::with_variables(&config, &url.parse().unwrap(), &variable)?;
        Ok(route.map(|route| route.to_string()))
    }

    fn with_proxy(url: &str, proxy: Proxy) -> Option<String> {
        let config = ClientConfig::new().with_proxy(proxy);
        let route = ProxyRoute::with_variables(&config, &url.parse().unwrap(), &|_| {
            Some("http://environment:1".to_owned())
        });
        route.unwrap().map(|route| route.to_string())
    }

    #[test]
    fn the_variable_of_the_scheme_takes_precedence_over_that_for_all() {
        let variables = [("ALL_PROXY", "http://all:1"), ("https_proxy", "http://secure:2")];
        assert_eq!(in_environment("https://s", &variables).unwrap().unwrap(), "http://secure:2");
        assert_eq!(in_environment("http://s", &variables).unwrap().unwrap(), "http://all:1");
    }

    #[test]
    fn a_url_without_scheme_and_port_is_an_http_proxy() {
        let route = in_environment("http://s", &[("HTTP_PROXY", "squid")]);
        assert_eq!(route.unwrap().unwrap(), "http://squid:80");
        let route = in_environment("http://s", &[("ALL_PROXY", "socks5://squid")]);
        assert_eq!(route.unwrap().unwrap(), "socks5://squid:1080");
    }

    #[test]
    fn the_scheme_of_a_proxy_is_read_as_other_programs_write_it() {
        for (url, expected) in [
            ("socks://127.0.0.1:1080/", "socks5h://127.0.0.1:1080"),
            ("SOCKS://squid", "socks5h://squid:1080"),
            ("SOCKS5://squid:1080", "socks5://squid:1080"),
            ("Socks4A://squid", "socks4a://squid:1080"),
            ("HTTP://squid:3128", "http://squid:3128"),
        ] {
            let route = in_environment("http://s", &[("ALL_PROXY", url)]);
            assert_eq!(route.unwrap().unwrap(), expected);
            assert_eq!(with_proxy("http://s", Proxy::url(url).unwrap()).unwrap(), expected);
        }
    }

    #[test]
    fn excluded_hosts_are_called_directly() {
        for (url, excluded) in [
            ("http://s.example", "s.example"),
            ("http://s.example", "S.Example"),
            ("http://s.example", "example"),
            ("http://s.example", ".example"),
            ("http://s.example", "*.example"),
            ("http://s.example.", "s.example"),
            ("http://s.example", "s.example."),
            ("http://S.example.:8080", ".example.:8080"),
            ("http://s.example", "*"),
            ("http://10.1.2.3:8080", "*"),
            ("http://[fd00::1]:8080", "other, *"),
            ("http://s.example", "other, S.example:80"),
            ("http://s.example", "other s.example"),
            ("http://s.example", " other ,\ts.example\n"),
            ("http://s.example", "s.example:80"),
            ("http://s.example", ".example:80"),
            ("https://s.example", "*.example:443"),
            ("http://10.1.2.3:8080", "10.0.0.0/8"),
            ("http://10.1.2.3:8080", "10.1.2.3:8080"),
            ("http://[fd00::1]:8080", "fd00::1"),
            ("http://[fd00::1]:8080", "[fd00::1]"),
            ("http://[fd00::1]:8080", "[fd00::1]:8080"),
            ("http://[fd00::1]:8080", "fd00::/8"),
            ("http://[fd00::1]:8080", "[fd00::]/8"),
        ] {
            let variables =
                [("HTTP_PROXY", "http://p:1"), ("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", excluded)];
            assert_eq!(in_environment(url, &variables).unwrap(), None, "{url} {excluded:?}");
        }
    }

    #[test]
    fn other_hosts_are_not_excluded() {
        for (url, excluded) in [
            ("http://s.example", ""),
            ("http://s.example", " , "),
            ("http://s.example", "t.example"),
            ("http://s.example.", "t.example., ."),
            ("http://s.example", "ample"),
            ("http://s.example", "*ample"),
            ("http://s.example", "*.ex*"),
            ("http://10.1.2.3:8080", "10.*"),
            ("http://10.1.2.3:8080", "10.1.2.*"),
            ("http://s.example", "s.example.org"),
            ("http://s.example:8081", "s.example:8080"),
            ("http://s.example", "s.example:http"),
            ("http://11.1.2.3:8080", "10.0.0.0/8"),
            ("http://10.1.2.3:8080", "10.1.2.3:80"),
            ("http://[fd00::1]:8080", "[fd00::1]:80"),
            ("http://[fe80::1]:8080", "[fd00::]/8"),
        ] {
            let variables = [("HTTP_PROXY", "http://p:1"), ("NO_PROXY", excluded)];
            assert!(in_environment(url, &variables).unwrap().is_some(), "{url} {excluded:?}");
        }
    }

    #[test]
    fn a_service_on_this_machine_is_called_directly_in_any_environment() {
        for url in
            ["http://localhost:1", "http://127.0.0.2", "http://[::1]:8080", "http://[::ffff:127.0.0.1]:8080"]
        {
            assert_eq!(in_environment(url, &[("HTTP_PROXY", "http://p:1")]).unwrap(), None, "{url}");
        }
    }

    #[test]
    fn a_service_resolved_to_this_machine_needs_no_proxy() {
        let config = ClientConfig::new()
            .with_resolved("staging.test", 80, ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()])
            .with_resolved("mixed.test", 80, ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
        for (url, is_direct) in
            [("http://staging.test", true), ("http://staging.test:81", false), ("http://mixed.test", false)]
        {
            let variable = |name: &str| (name == "HTTP_PROXY").then(|| "http://p:1".to_owned());
            let route = ProxyRoute::with_variables(&config, &url.parse().unwrap(), &variable).unwrap();
            assert_eq!(route.is_none(), is_direct, "{url}");
        }
    }

    #[test]
    fn a_given_proxy_is_also_used_for_a_service_on_this_machine() {
        let proxy = Proxy::url("http://p:3128").unwrap();
        assert_eq!(with_proxy("http://localhost:1", proxy.clone()).unwrap(), "http://p:3128");
        assert_eq!(with_proxy("http://localhost:1", proxy.with_no_proxy("localhost")), None);
    }

    #[test]
    fn no_proxy_means_none_in_any_environment() {
        assert_eq!(with_proxy("http://s", Proxy::none()), None);
    }

    #[test]
    fn a_variable_with_an_unknown_scheme_is_an_error_without_credentials() {
        let error = in_environment("http://s", &[("HTTP_PROXY", "ftp://me:secret@p:1")]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        assert!(error.to_string().starts_with("`HTTP_PROXY` is not the URL of a proxy"), "{error}");
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn an_unusable_variable_does_not_matter_for_an_excluded_service() {
        let variables = [("HTTP_PROXY", "ftp://p:1"), ("NO_PROXY", "s")];
        assert_eq!(in_environment("http://s", &variables).unwrap(), None);
    }

    #[test]
    fn messages_do_not_contain_the_credentials_of_the_proxy() {
        let config = ClientConfig::new().with_proxy(Proxy::url("http://me:s%40crt@p:3128").unwrap());
        let route = ProxyRoute::of(&config, &"http://s".parse().unwrap()).unwrap().unwrap();
        assert_eq!(route.to_string(), "http://p:3128");
        assert!(route.authorization.as_ref().unwrap().is_sensitive());
        assert_eq!(route.authorization.unwrap(), "Basic bWU6c0BjcnQ=");
    }
}
