//! The proxy between a client and its service.

use crate::error::{Error, Result};
use http::Uri;
use std::fmt;

/// The proxy between a client and its service: that of the environment, none, or a given one.
///
/// A service on this machine (`localhost` and loopback addresses) is always called directly.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Setting);

#[derive(Clone, PartialEq, Eq)]
enum Setting {
    Environment,
    None,
    Url { url: String, no_proxy: String },
}

impl Proxy {
    /// Uses the proxy that `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY` names, in capitals or not, unless
    /// `NO_PROXY` excludes the service.
    #[must_use]
    pub fn environment() -> Self {
        Self(Setting::Environment)
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn none() -> Self {
        Self(Setting::None)
    }

    /// Uses the proxy at `url`, whatever the environment says: `http://proxy:3128`, or `socks5://proxy:1080`.
    /// Credentials are part of the URL, as in `http://user:password@proxy:3128`, percent-encoded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not a URL of a proxy. The message does not
    /// contain the URL.
    pub fn url(url: &str) -> Result<Self> {
        let uri: Uri = url.trim().parse().map_err(|_| invalid("is not a valid URL"))?;
        match uri.scheme_str() {
            Some("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") => {}
            Some(scheme) => {
                let why = format!("has the scheme `{scheme}`: it must be `http`, `https` or `socks5`");
                return Err(invalid(why));
            }
            None => return Err(invalid("has no scheme: write it like `http://proxy:3128`")),
        }
        Ok(Self(Setting::Url { url: url.trim().to_owned(), no_proxy: String::new() }))
    }

    /// Sets the hosts that are called directly, in the format of `NO_PROXY`: names, which include their
    /// subdomains, and IP addresses or networks, separated by commas. Only for a proxy with a
    /// [URL](Self::url).
    #[must_use]
    pub fn with_no_proxy(mut self, hosts: &str) -> Self {
        if let Setting::Url { no_proxy, .. } = &mut self.0 {
            hosts.clone_into(no_proxy);
        }
        self
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::config("proxy", why)
}

/// Omits credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Setting::Environment => f.write_str("Proxy(environment)"),
            Setting::None => f.write_str("Proxy(none)"),
            Setting::Url { url, .. } => {
                let uri: Option<Uri> = url.parse().ok();
                let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
                let port = uri.as_ref().and_then(Uri::port_u16);
                f.debug_struct("Proxy").field("host", &host).field("port", &port).finish_non_exhaustive()
            }
        }
    }
}
