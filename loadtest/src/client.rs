//! How requests get to the service: by the typed client's own transport, or by goose's HTTP client.
//!
//! Both are transports, so that users run the same scenarios with the same typed client over either. The policies of a
//! client are not around them: a failure is to be seen and not repeated, and the limit of time, which is all that would be left of
//! them, each transport has itself.

pub(crate) use crate::goose_client::{GooseDriver, GooseTransport};

use clap::ValueEnum;
use sessions_client::policy::{Timeout, TokioTime};
use sessions_client::{
    Call, Caller, ClientConfig, Error, HyperTransport, Policies, Response, SessionsHttpClientV1, Transport,
    Value,
};
use std::sync::Arc;

/// Whose HTTP client makes the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HttpClient {
    /// The typed client's own: timed to the last byte
    Own,
    /// goose's, at about twice the cost: goose's tables have the time to the headers
    Goose,
}

/// The typed client as the load is made with it.
pub(crate) type Client = SessionsHttpClientV1<Value, Value, EitherTransport>;

/// The typed client as it cleans up, with retries: nobody times it, and what has failed may well be done when it is repeated.
pub(crate) type RetryingClient = SessionsHttpClientV1<Value, Value, Policies<HyperTransport>>;

/// The typed client of a user.
#[derive(Clone, Debug)]
pub(crate) enum UserClient {
    Own(Arc<Client>),
    Goose(Arc<Client>, GooseDriver),
}

impl UserClient {
    pub(crate) fn caller(&self) -> &Caller<EitherTransport> {
        match self {
            Self::Own(client) | Self::Goose(client, _) => client.caller(),
        }
    }
}

/// The transport of a typed client, which is either of the two.
#[derive(Debug)]
pub(crate) enum EitherTransport {
    Own(HyperTransport),
    Goose(Timeout<GooseTransport, TokioTime>),
}

impl EitherTransport {
    /// By goose's client, which has a longer limit of its own.
    pub(crate) fn goose(transport: GooseTransport, config: &ClientConfig) -> Self {
        Self::Goose(Timeout::new(transport, config.timeout(), TokioTime))
    }
}

/// The typed client over a transport.
pub(crate) fn client<T>(transport: T, config: &ClientConfig) -> SessionsHttpClientV1<Value, Value, T> {
    SessionsHttpClientV1::from_caller(Caller::new(transport).with_encoding(config.encoding()))
}

impl Transport for EitherTransport {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        match self {
            Self::Own(own) => own.send(call).await,
            Self::Goose(goose) => goose.send(call).await,
        }
    }

    fn peer(&self) -> &str {
        match self {
            Self::Own(own) => own.peer(),
            Self::Goose(goose) => goose.peer(),
        }
    }
}
