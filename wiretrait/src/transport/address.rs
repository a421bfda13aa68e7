//! The parsed address of a configuration, for transports that write complete requests themselves.

use crate::config::ClientConfig;
use crate::error::Error;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use std::net::Ipv6Addr;

#[derive(Clone)]
pub(super) struct Address {
    /// Scheme, host and port in normalized form, as reqwest displays them, so that all transports have the
    /// same messages.
    pub(super) origin: String,
    /// The path in front of every request path, without a slash at its end; empty for most services.
    pub(super) base_path: String,
    /// The header with the credentials of the URL.
    pub(super) authorization: Option<HeaderValue>,
}

impl Address {
    /// Validates `config`, and parses its address.
    pub(super) fn of(config: &ClientConfig) -> Result<Self, Error> {
        config.validate()?;
        let uri: Uri = config
            .required_url()?
            .parse()
            .map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        Ok(Self {
            origin: origin(&uri),
            base_path: uri.path().trim_end_matches('/').to_owned(),
            authorization: authority.rsplit_once('@').map(|(credentials, _)| basic(credentials)),
        })
    }
}

fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let host = match host.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host,
    };
    let default_port = if scheme == "https" { 443 } else { 80 };
    match uri.port_u16().filter(|port| *port != default_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

fn basic(credentials: &str) -> HeaderValue {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let plain: Vec<u8> = percent_decode_str(user).chain([b':']).chain(percent_decode_str(password)).collect();
    let mut value =
        HeaderValue::from_maybe_shared(Bytes::from(format!("Basic {}", BASE64_STANDARD.encode(plain))))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}
