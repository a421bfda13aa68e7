//! The token of each attempt of a call.

use super::Tokens;
use super::tokens::{Cached, Next};
use crate::config::{ClientConfig, exposed_message, exposed_origin, is_bearer};
use crate::error::{Error, ErrorKind};
use crate::runtime::Call;
use http::header::{AUTHORIZATION, Entry};
use std::sync::Arc;

/// The token that was sent with an attempt.
pub(crate) type UsedToken = Arc<Cached>;

/// Adds tokens to requests.
pub(crate) struct Authorization {
    tokens: Option<Tokens>,
    /// The address to which a token would be sent over plain HTTP, unless that is allowed.
    exposed: Option<String>,
}

/// The result of adding a token to a request.
pub(crate) enum Attached {
    /// The request is complete without one.
    Nothing,
    Token(UsedToken),
    /// It has to be fetched.
    Waiting,
    Refused(Error),
}

impl Authorization {
    /// Creates the authorization of a stack without a configuration over a transport to `peer`.
    pub(crate) fn new(tokens: Tokens, peer: &str) -> Self {
        Self { tokens: Some(tokens), exposed: exposed_peer(peer, &ClientConfig::new()) }
    }

    /// Creates the authorization of `config` over a transport to `peer`. Returns `None` if it has no effect.
    pub(crate) fn of(config: &ClientConfig, peer: &str) -> Option<Self> {
        let exposed = config
            .exposed_origin()
            .or_else(|| exposed_peer(peer, config).filter(|_| !config.allows_http_credentials()));
        let tokens = config.tokens().cloned();
        (tokens.is_some() || exposed.is_some()).then_some(Self { tokens, exposed })
    }

    /// Returns whether an attempt can be followed by one with another token.
    pub(crate) fn has_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Adds the cached token to the request of `call`, unless it has its own.
    pub(crate) fn attach(&self, call: &mut Call) -> Attached {
        let Some(tokens) = &self.tokens else {
            let own = self.exposed.as_ref().and_then(|_| call.request.headers().get(AUTHORIZATION));
            return if own.is_some_and(is_bearer) { self.refuse() } else { Attached::Nothing };
        };
        let vacant = match call.request.headers_mut().entry(AUTHORIZATION) {
            Entry::Occupied(own) if self.exposed.is_none() || !is_bearer(own.get()) => {
                return Attached::Nothing;
            }
            Entry::Vacant(vacant) if self.exposed.is_none() => vacant,
            _ => return self.refuse(),
        };
        match tokens.next() {
            Next::Use(token) => {
                vacant.insert(token.header().clone());
                Attached::Token(token)
            }
            Next::Wait(_) => Attached::Waiting,
            Next::Fail(error) => Attached::Refused(error),
        }
    }

    /// Waits for the token that [`attach`](Self::attach) adds.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        match &self.tokens {
            Some(tokens) => tokens.cached().await.map(drop),
            None => Ok(()),
        }
    }

    /// Returns the source of tokens, for messages.
    pub(crate) fn source(&self) -> String {
        self.tokens.as_ref().map(Tokens::name).unwrap_or_default()
    }

    /// Drops a rejected token. Returns whether a call can be sent again with another one.
    pub(crate) fn reject(&self, token: &UsedToken) -> bool {
        self.tokens.as_ref().is_some_and(|tokens| tokens.reject(token))
    }

    /// Records whether the token after a rejected one was rejected too.
    pub(crate) fn renewed(&self, is_rejected: bool) {
        match &self.tokens {
            Some(tokens) if is_rejected => tokens.reject_again(),
            Some(tokens) => tokens.accept(),
            None => {}
        }
    }

    /// Returns whether a token has expired, as far as its source says.
    pub(crate) fn has_expired(&self, token: &UsedToken) -> bool {
        self.tokens.as_ref().is_some_and(|tokens| tokens.has_expired(token))
    }

    fn refuse(&self) -> Attached {
        let origin = self.exposed.as_deref().unwrap_or_default();
        Attached::Refused(Error::new(ErrorKind::Config, exposed_message(origin)))
    }
}

/// Returns the first exposed address of a transport, which may have several, as in `http://a or http://b`.
fn exposed_peer(peer: &str, config: &ClientConfig) -> Option<String> {
    peer.split(" or ").find_map(|origin| exposed_origin(origin, config))
}
