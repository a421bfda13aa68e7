//! Credentials of a configuration, which no report contains.
//!
//! The check itself never writes them, but a service may return what it received, such as in an error message.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
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
pub(crate) struct CurrentSecrets(Arc<Mutex<Secrets>>);

impl CurrentSecrets {
    /// Returns the credentials of a configuration. A [`TokenWatch`] adds the tokens.
    pub(crate) fn of(config: &ClientConfig) -> Self {
        Self(Arc::new(Mutex::new(Secrets::of(config))))
    }

    /// Returns the credentials until now.
    pub(crate) fn known(&self) -> Secrets {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport below the policies that adds the token of each request to the known credentials, before it is sent.
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
        for value in call.request.headers().get_all(AUTHORIZATION) {
            self.secrets.lock().add_header(&String::from_utf8_lossy(value.as_bytes()));
        }
        self.transport.send(call).await
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
    use crate::cassette::{RecordedRun, Recording, RecordingTransport};
    use contract_tests::suite::StopSignal;
    use http::header::AUTHORIZATION;
    use http::{HeaderValue, StatusCode};
    use sessions_client::auth::{Token, TokenProvider};
    use sessions_client::{
        Call, ClientConfig, Policies, Request, Response, Transport as _, sessions_v1, transport_fn,
    };
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    /// Returns another token each time.
    #[derive(Default)]
    struct Renewed(AtomicU32);

    impl TokenProvider for Renewed {
        async fn fetch(&self) -> sessions_client::Result<Token> {
            Token::new(format!("renewed-token-{}", self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }

    /// Rejects the first two tokens. A call with the second one is accepted if another call has sent the third one
    /// in the meantime. All responses contain the token of their request.
    #[derive(Default)]
    struct Service {
        sent_second: AtomicU32,
        second: Notify,
        third: Notify,
    }

    impl Service {
        async fn respond(&self, authorization: &HeaderValue) -> Response {
            let token = authorization.to_str().unwrap();
            let mut response = Response::new(token.to_owned().into());
            let is_accepted = match token.rsplit_once('-').unwrap().1 {
                "1" if self.sent_second.fetch_add(1, Ordering::SeqCst) == 0 => {
                    self.second.notify_one();
                    self.third.notified().await;
                    true
                }
                "0" | "1" => false,
                _ => {
                    self.third.notify_one();
                    true
                }
            };
            if !is_accepted {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            response
        }
    }

    #[tokio::test]
    async fn a_token_that_concurrent_calls_renewed_is_not_recorded() {
        let config = ClientConfig::from_url("https://sessions.example").unwrap();
        let config = config.with_token_provider(Renewed::default());
        let secrets = CurrentSecrets::of(&config);
        let service = Arc::new(Service::default());
        let responses = service.clone();
        let transport = TokenWatch::new(
            transport_fn(move |call: Call| {
                let service = responses.clone();
                async move { Ok(service.respond(&call.request.headers()[AUTHORIZATION]).await) }
            }),
            secrets.clone(),
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        let run = RecordedRun { user: "ü".to_owned(), may_close_expired: false, cases: Vec::new() };
        let address = "https://sessions.example";
        let recording =
            Recording::start(file.path(), address, &config, &secrets, &run, StopSignal::default()).unwrap();
        let transport = RecordingTransport::new(Policies::new(transport, &config), Some(recording));
        let call = || Call::new(sessions_v1::GET_SESSIONS, Request::default());
        let (first, second) = tokio::join!(transport.send(call()), async {
            service.second.notified().await;
            transport.send(call()).await
        });
        assert_eq!(first.unwrap().body().as_ref(), b"Bearer renewed-token-1");
        assert_eq!(second.unwrap().body().as_ref(), b"Bearer renewed-token-2");
        let recorded = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(recorded.matches("\"<secret>\"").count(), 2, "{recorded}");
        assert!(!recorded.contains("renewed-token"), "{recorded}");
    }

    #[test]
    fn credentials_are_hidden_in_all_forms() {
        let mut key = HeaderValue::from_static("k-1\"2");
        key.set_sensitive(true);
        let tenant = HeaderValue::from_static("acme");
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
