//! Credentials of a configuration, which no report contains.
//!
//! The check itself never writes them, but a service may return what it received, such as in an error message.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use sessions_client::ClientConfig;

/// The value that replaces a secret.
const HIDDEN: &str = "<secret>";

/// The length in bytes of the shortest value that counts as a secret.
const SHORTEST: usize = 3;

/// The credentials that a client sends, in all forms in which a service may return them, the longest first.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Returns the credentials of a configuration: those in addresses, headers that are marked as sensitive, and the
    /// current token.
    pub(crate) async fn of(config: &ClientConfig) -> Self {
        let mut secrets = Self::default();
        let urls = config.base_url().into_iter().chain(config.fallback_urls().iter().map(String::as_str));
        urls.for_each(|url| secrets.add_url(url));
        for value in config.headers().values().filter(|value| value.is_sensitive()) {
            secrets.add_header(&String::from_utf8_lossy(value.as_bytes()));
        }
        if let Some(tokens) = config.tokens()
            && let Ok(token) = tokens.get().await
        {
            secrets.add_header(&String::from_utf8_lossy(token.header().as_bytes()));
        }
        secrets
    }

    /// Adds the user name and the password of a URL, also as a service receives them.
    fn add_url(&mut self, url: &str) {
        let Some((_, rest)) = url.split_once("://") else { return };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((credentials, _)) = authority.rsplit_once('@') else { return };
        let decoded = percent_decode_str(credentials).decode_utf8_lossy();
        self.add_credentials(&decoded);
        self.add(&BASE64_STANDARD.encode(&*decoded));
        if let Some((_, password)) = credentials.split_once(':') {
            self.add(password);
        }
    }

    /// Adds a header and the credentials behind its scheme.
    fn add_header(&mut self, value: &str) {
        self.add(value);
        let Some((scheme, credentials)) = value.split_once(' ') else { return };
        self.add(credentials);
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(decoded) = BASE64_STANDARD.decode(credentials)
        {
            self.add_credentials(&String::from_utf8_lossy(&decoded));
        }
    }

    /// Adds `user:password` and the password. A user name is not a secret by itself.
    fn add_credentials(&mut self, credentials: &str) {
        self.add(credentials);
        if let Some((_, password)) = credentials.split_once(':') {
            self.add(password);
        }
    }

    fn add(&mut self, secret: &str) {
        // A report shows values as JSON.
        let json = serde_json::to_string(secret).unwrap_or_default();
        for form in [secret, json.trim_matches('"')] {
            if form.len() >= SHORTEST && !self.0.iter().any(|known| known == form) {
                self.0.push(form.to_owned());
            }
        }
        // A secret may contain another one.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// Adds the secrets of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        other.0.iter().for_each(|secret| self.add(secret));
    }

    /// Returns the secrets of at least this number of bytes.
    pub(crate) fn at_least(mut self, length: usize) -> Self {
        self.0.retain(|secret| secret.len() >= length);
        self
    }

    /// Replaces all secrets in bytes.
    pub(crate) fn hide_bytes(&self, value: &mut Vec<u8>) {
        for secret in self.0.iter().map(String::as_bytes) {
            let mut from = 0;
            while let Some(found) = value[from..].windows(secret.len()).position(|part| part == secret) {
                let start = from + found;
                value.splice(start..start + secret.len(), HIDDEN.bytes());
                from = start + HIDDEN.len();
            }
        }
    }

    /// Replaces all secrets in a string.
    pub(crate) fn hide(&self, value: &mut String) {
        for secret in &self.0 {
            if value.contains(secret) {
                *value = value.replace(secret, HIDDEN);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Secrets;
    use sessions_client::ClientConfig;

    #[tokio::test]
    async fn credentials_are_hidden_in_all_forms() {
        let mut key = http::HeaderValue::from_static("k-1\"2");
        key.set_sensitive(true);
        let tenant = http::HeaderValue::from_static("acme");
        let config = ClientConfig::from_url("https://ann:p%40ss@sessions.example/v1")
            .unwrap()
            .with_header(http::HeaderName::from_static("x-api-key"), key)
            .with_header(http::HeaderName::from_static("x-tenant"), tenant);
        let mut secrets = Secrets::of(&config).await;
        let mut token = Secrets::default();
        token.add_header("Bearer abc.def");
        secrets.extend(&token);
        let hidden = |value: &str| {
            let mut value = value.to_owned();
            secrets.hide(&mut value);
            value
        };
        // `YW5uOnBAc3M=` is `ann:p@ss`.
        for form in
            ["ann:p@ss", "p@ss", "p%40ss", "YW5uOnBAc3M=", "k-1\"2", "k-1\\\"2", "Bearer abc.def", "abc.def"]
        {
            assert_eq!(hidden(&format!("got {form}!")), "got <secret>!");
        }
        assert_eq!(hidden("acme, ann, Bearer"), "acme, ann, Bearer");
        let mut bytes = b"\xff p@ssp@ss \xff abc.def".to_vec();
        secrets.hide_bytes(&mut bytes);
        assert_eq!(bytes, b"\xff <secret><secret> \xff <secret>");
    }
}
