//! Removes credentials from recorded traffic.

use crate::check::{self, CurrentSecrets};
use http::{HeaderName, HeaderValue};
use sessions_client::ClientConfig;
use std::fmt;

/// The value of a removed credential.
const REMOVED: &str = "<secret>";

/// Headers whose values are credentials, or may contain some.
const HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "www-authenticate",
    "x-api-key",
    "x-auth-token",
];

/// Parts of the names of query parameters with credentials.
const QUERY: [&str; 8] =
    ["api_key", "api-key", "apikey", "auth", "credential", "password", "secret", "token"];

/// Names of query parameters with credentials that are too short for [`QUERY`].
const SHORT_QUERY: [&str; 4] = ["key", "pwd", "sig", "signature"];

/// Shorter values are not hidden in bodies, where they would occur by chance.
const MIN_LENGTH: usize = 6;

/// The credentials of a client.
#[derive(Clone)]
pub(super) struct Secrets {
    headers: Vec<HeaderName>,
    values: CurrentSecrets,
}

/// Omits the credentials.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Returns the configured headers, and the credentials with all tokens until now.
    pub(super) fn of(config: &ClientConfig, values: CurrentSecrets) -> Self {
        Self { headers: config.headers().keys().cloned().collect(), values }
    }

    fn values(&self) -> check::Secrets {
        self.values.known().at_least(MIN_LENGTH)
    }

    /// Returns the value of a header without credentials.
    pub(super) fn header(&self, name: &HeaderName, value: &HeaderValue) -> String {
        let is_secret =
            value.is_sensitive() || HEADERS.contains(&name.as_str()) || self.headers.contains(name);
        if is_secret {
            return REMOVED.to_owned();
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = self.text(&value);
        if value.contains("://") { self.url(&value) } else { value }
    }

    /// Returns a URL or a target without credentials.
    pub(super) fn url(&self, url: &str) -> String {
        let url = match user_info(url) {
            Some(user_info) => url.replacen(&format!("{user_info}@"), "", 1),
            None => url.to_owned(),
        };
        let Some((path, query)) = url.split_once('?') else { return self.text(&url) };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret_parameter(name) => format!("{name}={REMOVED}"),
            _ => self.text(pair),
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        format!("{}?{query}", self.text(path))
    }

    /// Returns a body of any bytes without the values of credentials.
    pub(super) fn bytes(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        self.values().hide_bytes(&mut body);
        body
    }

    /// Returns a UTF-8 body without the values of credentials.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.values().hide(&mut text);
        text
    }
}

/// Returns whether a query parameter contains a credential, by its name.
fn is_secret_parameter(name: &str) -> bool {
    let name = percent_decoded(name).to_ascii_lowercase();
    SHORT_QUERY.contains(&&*name) || QUERY.iter().any(|part| name.contains(part))
}

fn percent_decoded(text: &str) -> String {
    // A pair of a form decodes a plus sign to a space, which is not an escape elsewhere.
    let text = text.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs.next().map_or_else(String::new, |(name, _)| name.into_owned())
}

/// Returns the part of a URL in front of `@`.
fn user_info(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once('@').map(|(user_info, _)| user_info)
}

#[cfg(test)]
mod tests {
    use super::Secrets;
    use crate::check::CurrentSecrets;
    use http::{HeaderName, HeaderValue};
    use sessions_client::ClientConfig;

    fn secrets() -> Secrets {
        let config = ClientConfig::from_url("https://ann:p%40ssw0rd@staging.test/").unwrap();
        let mut team = HeaderValue::from_static("team-key");
        team.set_sensitive(true);
        let config = config.with_header(HeaderName::from_static("x-team"), team);
        let values = CurrentSecrets::of(&config);
        Secrets::of(&config, values)
    }

    #[test]
    fn headers_with_credentials_are_removed() {
        for name in ["authorization", "cookie", "set-cookie", "proxy-authorization", "x-team", "x-api-key"] {
            let name = HeaderName::from_static(name);
            assert_eq!(secrets().header(&name, &HeaderValue::from_static("a")), "<secret>", "{name}");
        }
        let plain = HeaderName::from_static("vary");
        assert_eq!(secrets().header(&plain, &HeaderValue::from_static("origin")), "origin");
        let mut marked = HeaderValue::from_static("a");
        marked.set_sensitive(true);
        assert_eq!(secrets().header(&plain, &marked), "<secret>");
    }

    #[test]
    fn credentials_in_urls_are_removed() {
        for (url, expected) in [
            ("https://me:pw@host/a?b=c", "https://host/a?b=c"),
            ("/a?access_token=x&b=c&key=z", "/a?access_token=<secret>&b=c&key=<secret>"),
            ("/a?API%5FKEY=x", "/a?API%5FKEY=<secret>"),
            ("/a@b?c=d@e", "/a@b?c=d@e"),
            ("/a?correlation_id=1", "/a?correlation_id=1"),
        ] {
            assert_eq!(secrets().url(url), expected);
        }
        let location = HeaderName::from_static("location");
        let moved = HeaderValue::from_static("https://me:pw@host/?sig=1");
        assert_eq!(secrets().header(&location, &moved), "https://host/?sig=<secret>");
    }

    #[test]
    fn credentials_that_a_gateway_echoes_are_removed() {
        assert_eq!(secrets().text("key team-key, p@ssw0rd, p%40ssw0rd"), "key <secret>, <secret>, <secret>");
        assert!(!format!("{:?}", secrets()).contains("team-key"));
    }
}
