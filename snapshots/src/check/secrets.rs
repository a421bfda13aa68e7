//! Credentials of a configuration, which no report contains.
//!
//! The check itself never writes them, but a service may return what it received, such as in an error message.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use sessions_client::{Call, ClientConfig, Encoding, Error, Response, Transport};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The value that replaces a secret.
const HIDDEN: &str = "<secret>";

/// The length in bytes of the shortest value that counts as a secret.
const SHORTEST: usize = 3;

/// The credentials that a client sends, in all forms in which a service may return them, the longest first.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Returns the credentials that a configuration contains: those in addresses, and headers that are marked as sensitive.
    fn of(config: &ClientConfig) -> Self {
        let mut secrets = Self::default();
        let urls = config.base_url().into_iter().chain(config.fallback_urls().iter().map(String::as_str));
        urls.for_each(|url| secrets.add_url(url));
        for value in config.headers().values().filter(|value| value.is_sensitive()) {
            secrets.add_header(&String::from_utf8_lossy(value.as_bytes()));
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

/// The credentials of a client during a check, with every token that it has sent. Clones share them.
#[derive(Clone)]
pub(crate) struct CurrentSecrets {
    config: ClientConfig,
    known: Arc<Mutex<Secrets>>,
}

impl CurrentSecrets {
    /// Returns the credentials of a configuration, with its current token.
    pub(crate) async fn of(config: &ClientConfig) -> Self {
        let secrets = Self { config: config.clone(), known: Arc::new(Mutex::new(Secrets::of(config))) };
        secrets.renew().await;
        secrets
    }

    /// Returns the credentials until now.
    pub(crate) fn known(&self) -> Secrets {
        self.lock().clone()
    }

    /// Adds the current token, which may be a new one.
    pub(crate) async fn renew(&self) {
        if let Some(tokens) = self.config.tokens()
            && let Ok(token) = tokens.get().await
        {
            self.lock().add_header(&String::from_utf8_lossy(token.header().as_bytes()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport that adds the token of each call to the known credentials.
#[derive(Clone)]
pub(super) struct TokenWatch<T> {
    transport: T,
    secrets: CurrentSecrets,
}

impl<T> TokenWatch<T> {
    pub(super) fn new(transport: T, secrets: CurrentSecrets) -> Self {
        Self { transport, secrets }
    }
}

impl<T: Transport> Transport for TokenWatch<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let outcome = self.transport.send(call).await;
        // The cache still has the token that was sent, unless it was renewed by a later call, which adds it.
        self.secrets.renew().await;
        outcome
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.transport.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.transport.is_multiplexed()
    }
}

#[cfg(test)]
mod tests {
    use super::{CurrentSecrets, Secrets, TokenWatch};
    use http::StatusCode;
    use http::header::AUTHORIZATION;
    use sessions_client::auth::{Token, TokenProvider};
    use sessions_client::{
        Call, ClientConfig, Policies, Request, Response, Transport as _, sessions_v1, transport_fn,
    };
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Returns another token each time.
    #[derive(Default)]
    struct Renewed(AtomicU32);

    impl TokenProvider for Renewed {
        async fn fetch(&self) -> sessions_client::Result<Token> {
            Token::new(format!("token-{}", self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }

    #[tokio::test]
    async fn every_token_of_a_run_is_hidden() {
        let config = ClientConfig::from_url("https://sessions.example").unwrap();
        let config = config.with_token_provider(Renewed::default());
        let secrets = CurrentSecrets::of(&config).await;
        // Each call is accepted with a new token only.
        let accepted = Arc::new(AtomicU32::new(1));
        let expected = accepted.clone();
        let service = transport_fn(move |call: Call| {
            let expected = format!("Bearer token-{}", expected.load(Ordering::Relaxed));
            async move {
                let mut response = Response::default();
                if call.request.headers()[AUTHORIZATION] != expected {
                    *response.status_mut() = StatusCode::UNAUTHORIZED;
                }
                Ok(response)
            }
        });
        let transport = TokenWatch::new(Policies::new(service, &config), secrets.clone());
        for _ in 0..2 {
            let response = transport.send(Call::new(sessions_v1::OPEN_SESSION, Request::default())).await;
            assert_eq!(response.unwrap().status(), StatusCode::OK);
            accepted.fetch_add(1, Ordering::Relaxed);
        }
        let mut echoed = "token-0, token-1, token-2, token-3".to_owned();
        secrets.known().hide(&mut echoed);
        assert_eq!(echoed, "<secret>, <secret>, <secret>, token-3");
    }

    #[test]
    fn credentials_are_hidden_in_all_forms() {
        let mut key = http::HeaderValue::from_static("k-1\"2");
        key.set_sensitive(true);
        let tenant = http::HeaderValue::from_static("acme");
        let config = ClientConfig::from_url("https://ann:p%40ss@sessions.example/v1")
            .unwrap()
            .with_header(http::HeaderName::from_static("x-api-key"), key)
            .with_header(http::HeaderName::from_static("x-tenant"), tenant);
        let mut secrets = Secrets::of(&config);
        secrets.add_header("Bearer abc.def");
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
