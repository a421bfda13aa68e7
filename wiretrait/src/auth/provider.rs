//! The trait for sources of tokens, and a given token.

use super::Token;
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;

/// A source of tokens. [`Tokens`](super::Tokens) caches what it returns, so it does not have to.
pub trait TokenProvider: Send + Sync {
    /// Returns a token. It is called again before the token expires, and after the service has rejected it.
    ///
    /// An error is returned by the calls that wait for the token, as
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials) with its message, so the message must not
    /// contain secrets. It is not retried at once: a provider that can fail for a moment retries itself.
    fn fetch(&self) -> impl Future<Output = Result<Token>> + Send;

    /// Returns what the provider is, for messages, such as "the file `token.txt`".
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed("the token provider")
    }
}

/// A boxed future of a token.
pub(super) type Fetch<'p> = Pin<Box<dyn Future<Output = Result<Token>> + Send + 'p>>;

/// The dyn-compatible companion of [`TokenProvider`].
pub(super) trait DynProvider: Send + Sync {
    fn fetch_boxed(&self) -> Fetch<'_>;
    fn shown_name(&self) -> Cow<'_, str>;
}

impl<P: TokenProvider> DynProvider for P {
    fn fetch_boxed(&self) -> Fetch<'_> {
        Box::pin(self.fetch())
    }

    fn shown_name(&self) -> Cow<'_, str> {
        self.name()
    }
}

/// A given token, which is never renewed.
#[derive(Clone)]
pub struct StaticToken(Token);

impl StaticToken {
    /// Creates a provider that always returns `token`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials) if it cannot be sent, see [`Token::new`].
    pub fn new(token: impl AsRef<str>) -> Result<Self, Error> {
        Token::new(token).map(Self)
    }
}

impl TokenProvider for StaticToken {
    async fn fetch(&self) -> Result<Token> {
        Ok(self.0.clone())
    }

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed("the configuration")
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticToken").finish_non_exhaustive()
    }
}
