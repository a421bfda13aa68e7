//! How requests get to the service: by the typed client's own transport, or by goose's HTTP client.
//!
//! Both are transports, so that users run the same scenarios with the same typed client over either.

mod goose;

pub(crate) use goose::{Exchange, Pump};

use crate::verify::payload::{Data, Payload, Profile};
use clap::ValueEnum;
use sessions_client::{
    Call, Caller, ClientConfig, Error, HyperTransport, Policies, Response, SessionsHttpClientV1, Transport,
};
use std::cell::Cell;
use std::sync::Arc;

/// Whose HTTP client makes the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HttpClient {
    /// The typed client's own: timed to the last byte
    Own,
    /// goose's, at about twice the cost: goose's tables have the time to the headers
    Goose,
}

/// The typed client, with the load test's own payloads.
pub(crate) type Client = SessionsHttpClientV1<Payload<Profile>, Payload<Data>, Policies<Wire>>;

/// How a user's calls are sent.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Own(Arc<Client>),
    Goose(Arc<Client>, Pump),
}

impl Line {
    pub(crate) fn client(&self) -> &Client {
        match self {
            Self::Own(client) | Self::Goose(client, _) => client,
        }
    }
}

/// The way to the service.
#[derive(Debug)]
pub(crate) enum Wire {
    Own(HyperTransport),
    Goose(Exchange),
}

impl Wire {
    /// The typed client over this transport.
    pub(crate) fn client(self, config: &ClientConfig) -> Client {
        let caller = Caller::new(Policies::new(self, config)).with_encoding(config.encoding());
        SessionsHttpClientV1::from_caller(caller).with_payloads()
    }
}

tokio::task_local! {
    /// The status of the last answer. The typed client turns it into a result, and tells it of errors alone.
    static STATUS: Cell<Option<u16>>;
}

/// The outcome of a call, and the status that it was answered with.
pub(crate) async fn with_status<T>(call: impl Future<Output = T>) -> (T, Option<u16>) {
    STATUS
        .scope(Cell::new(None), async {
            let outcome = call.await;
            (outcome, STATUS.with(Cell::get))
        })
        .await
}

impl Transport for Wire {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let response = match self {
            Self::Own(own) => own.send(call).await,
            Self::Goose(exchange) => exchange.send(call).await,
        };
        // Nobody wants to know where no scope is.
        let _ = STATUS
            .try_with(|status| status.set(response.as_ref().ok().map(|answer| answer.status().as_u16())));
        response
    }

    fn peer(&self) -> &str {
        match self {
            Self::Own(own) => own.peer(),
            Self::Goose(exchange) => exchange.peer(),
        }
    }
}
