//! The address of a configuration, taken apart for the transports that write whole requests themselves.

use crate::config::ClientConfig;
use crate::error::Error;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

#[derive(Clone)]
pub(super) struct Address {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// What stands before every path, without a slash at its end; empty for most services.
    pub(super) base_path: String,
    /// The header for the credentials of the URL.
    pub(super) authorization: Option<HeaderValue>,
}

impl Address {
    /// The address of a configuration that is sound.
    pub(super) fn of(config: &ClientConfig) -> Result<Self, Error> {
        config.validate()?;
        let uri: Uri = config
            .required_url()?
            .parse()
            .map_err(|error| Error::config("url", format_args!("is no URL: {error}")))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let (authorization, host) = match authority.rsplit_once('@') {
            Some((credentials, host)) => (Some(basic(credentials)), host),
            None => (None, authority),
        };
        Ok(Self {
            origin: format!("{}://{host}", uri.scheme_str().unwrap_or("http")),
            base_path: uri.path().trim_end_matches('/').to_owned(),
            authorization,
        })
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
