//! The parsed address of a configuration.

use http::Uri;
use std::net::Ipv6Addr;

#[cfg(any(feature = "hyper", feature = "tower"))]
pub(super) use self::complete::Address;

/// Returns scheme, host and port in normalized form.
pub(super) fn origin_of(uri: &Uri) -> String {
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

/// The address for transports that write complete requests themselves.
#[cfg(any(feature = "hyper", feature = "tower"))]
mod complete {
    use super::origin_of;
    use crate::config::ClientConfig;
    use crate::error::Error;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use bytes::Bytes;
    use http::{HeaderValue, Uri};
    use percent_encoding::percent_decode_str;

    #[derive(Clone)]
    pub(in crate::transport) struct Address {
        /// Scheme, host and port in normalized form, as reqwest displays them, so that all transports have the
        /// same messages.
        pub(in crate::transport) origin: String,
        /// The path in front of every request path, without a slash at its end; empty for most services.
        pub(in crate::transport) base_path: String,
        /// The header with the credentials of the URL.
        pub(in crate::transport) authorization: Option<HeaderValue>,
    }

    impl Address {
        /// Validates `config`, and parses its address.
        pub(in crate::transport) fn of(config: &ClientConfig) -> Result<Self, Error> {
            config.validate()?;
            let uri: Uri = config
                .required_url()?
                .parse()
                .map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))?;
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            Ok(Self {
                origin: origin_of(&uri),
                base_path: uri.path().trim_end_matches('/').to_owned(),
                authorization: authority.rsplit_once('@').map(|(credentials, _)| basic(credentials)),
            })
        }
    }

    fn basic(credentials: &str) -> HeaderValue {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let plain: Vec<u8> =
            percent_decode_str(user).chain([b':']).chain(percent_decode_str(password)).collect();
        let mut value =
            HeaderValue::from_maybe_shared(Bytes::from(format!("Basic {}", BASE64_STANDARD.encode(plain))))
                .unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}
