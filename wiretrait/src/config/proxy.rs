//! The proxy between a client and its service.

use crate::error::{Error, Result};
use http::Uri;
use std::fmt;

/// The proxy between a client and its service: that of the environment, none, or a given one.
///
/// The proxy of the environment is not used for a service on this machine (`localhost` and loopback addresses),
/// because a proxy would look for it on its own machine. A proxy with a [URL](Self::url) is used for every
/// service that it does not [exclude](Self::with_no_proxy).
///
/// The transports over reqwest and hyper use it. For `http`, an HTTP proxy gets the requests, with the complete
/// URL. For `https`, and for SOCKS proxies, the proxy opens a connection to the service, and sees only its host
/// and port.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(ProxySetting);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ProxySetting {
    Environment,
    None,
    Url { url: String, no_proxy: String },
}

impl Proxy {
    /// Uses the proxy that `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY` names, in capitals or not, unless
    /// `NO_PROXY` excludes the service or it is on this machine. Without such a variable, the settings of the
    /// system apply on macOS and Windows.
    #[must_use]
    pub fn environment() -> Self {
        Self(ProxySetting::Environment)
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn none() -> Self {
        Self(ProxySetting::None)
    }

    /// Uses the proxy at `url`, whatever the environment says: `http://proxy:3128`, or `socks5://proxy:1080`.
    /// Credentials are part of the URL, as in `http://user:password@proxy:3128`, percent-encoded.
    ///
    /// | scheme | proxy |
    /// |---|---|
    /// | `http` | an HTTP proxy |
    /// | `https` | an HTTP proxy that is reached over TLS (feature `rustls`) |
    /// | `socks5`, `socks4` | a SOCKS proxy; names are resolved by this machine |
    /// | `socks5h`, `socks4a` | a SOCKS proxy that resolves names |
    /// | `socks` | `socks5h`, as GNOME and Chromium read it |
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not a URL of a proxy. The message does not
    /// contain the URL.
    pub fn url(url: &str) -> Result<Self> {
        let url = with_known_scheme(url.trim());
        let uri: Uri = url.parse().map_err(|_| invalid("is not a valid URL"))?;
        match uri.scheme_str() {
            Some("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") => {}
            Some(scheme) => {
                let why = format!("has the scheme `{scheme}`: it must be `http`, `https` or `socks5`");
                return Err(invalid(why));
            }
            None => return Err(invalid("has no scheme: write it like `http://proxy:3128`")),
        }
        Ok(Self(ProxySetting::Url { url, no_proxy: String::new() }))
    }

    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn setting(&self) -> &ProxySetting {
        &self.0
    }

    /// Sets the hosts that are called directly, in the format of `NO_PROXY`: names, which include their
    /// subdomains, and IP addresses or networks, separated by commas or spaces. A name may begin with `.` or `*.`, and
    /// a host may have a port, such as `staging.example:8080`. A single `*` excludes all hosts. Other wildcards, such as
    /// `10.*`, exclude nothing, as in curl, Go and Python: write the network `10.0.0.0/8`.
    /// Only for a proxy with a [URL](Self::url).
    #[must_use]
    pub fn with_no_proxy(mut self, hosts: &str) -> Self {
        if let ProxySetting::Url { no_proxy, .. } = &mut self.0 {
            hosts.clone_into(no_proxy);
        }
        self
    }
}

/// Returns the URL of a proxy with its scheme in lower case, and `socks5h` for `socks`, whose version is not specified.
pub(crate) fn with_known_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks") => format!("socks5h://{rest}"),
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::config("proxy", why)
}

/// Omits credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ProxySetting::Environment => f.write_str("Proxy(environment)"),
            ProxySetting::None => f.write_str("Proxy(none)"),
            ProxySetting::Url { url, .. } => {
                let uri: Option<Uri> = url.parse().ok();
                let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
                let port = uri.as_ref().and_then(Uri::port_u16);
                f.debug_struct("Proxy").field("host", &host).field("port", &port).finish_non_exhaustive()
            }
        }
    }
}
