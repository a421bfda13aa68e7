//! The causes of reqwest's errors in connections through a proxy, which are recognized by their messages.

use crate::transport::failure::{ProxyFailure, root_cause};
use crate::transport::proxy::ProxyRoute;
use crate::transport::tunnel::socks_failure;
use http::{HeaderMap, StatusCode};
use std::error::Error as StdError;

/// The cause of a connection that was not made.
pub(super) enum ProxyCause {
    Known(ProxyFailure),
    /// Hidden by reqwest, such as the status of the proxy's response.
    Hidden,
    /// Not the proxy.
    Other,
}

impl ProxyCause {
    /// Returns the cause of `error`. `forwards` is true if the connection was one to the proxy only.
    pub(super) fn of(error: &reqwest::Error, proxy: &ProxyRoute, forwards: bool) -> Self {
        let root = || root_cause(error);
        let causes = std::iter::successors(Some(error as &dyn StdError), |error| (*error).source());
        for message in causes.map(ToString::to_string) {
            if let Some(socks) = message.strip_prefix("SOCKS error: ") {
                return match socks {
                    // Without a source.
                    "failed to create underlying connection" => Self::Hidden,
                    socks => Self::Known(socks_failure(proxy, socks)),
                };
            }
            // Looked up before the connection to the proxy, which may be down too.
            if message == "error resolving for socks proxy" {
                return Self::Hidden;
            }
            let Some(tunnel) = message.strip_prefix("tunnel error: ") else { continue };
            return match tunnel {
                "failed to create underlying connection" => {
                    Self::Known(ProxyFailure::unreachable(proxy, root()))
                }
                // Not sent again, because some proxies lock an account after a few rejections.
                "proxy authorization required" => {
                    let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
                    Self::Known(ProxyFailure::status(proxy, status, &HeaderMap::new()))
                }
                "unexpected end of file" => {
                    Self::Known(ProxyFailure::transient(proxy, "closed the connection without a response"))
                }
                "io error establishing tunnel" => {
                    let why = format!("closed the connection: {}", root());
                    Self::Known(ProxyFailure::transient(proxy, why))
                }
                _ => Self::Hidden,
            };
        }
        if forwards { Self::Known(ProxyFailure::unreachable(proxy, root())) } else { Self::Other }
    }
}
