//! A typed client of the Pip.Services *sessions* microservice, generated from one annotated trait.
//!
//! [`ISessionsV1`] is the contract; [`SessionsHttpClientV1`] is it over HTTP, and so is
//! [`SessionsMemoryClientV1`] without a service.
//!
//! ```no_run
#![doc = include_str!("../examples/quickstart.rs")]
//! ```
//!
//! | for | see |
//! |---|---|
//! | sessions with types of your own in them | [`SessionsHttpClientV1::with_payloads`] |
//! | any implementation behind a pointer | [`DynISessionsV1`]: `Arc<dyn DynISessionsV1>` |
//! | configuration | [`ClientConfig`]; from pairs, variables and files [`ConfigParams`] |
//! | a client whose kind is configured | [`SessionsClientFactory`] |
//! | an implementation in the same process, or none at all | [`SessionsDirectClientV1`], [`SessionsNullClientV1`] |
//! | limits of time, repeats | [`policy`], [`CallOptions`] |
//! | spans, trace context, metrics | [`telemetry`] |
//! | what can go wrong | [`Error`], [`ErrorKind`] |
//! | calls as values, without I/O | [`sessions_v1`], [`Operation`] |
//! | many sessions read without copies, the headers of an answer | [`SessionRef`], [`RawResponse`] |
//! | all pages of a list | `stream::ISessionsV1Ext` (feature `stream`) |
//! | the network at less cost | `HyperTransport` (feature `hyper`) |
//! | other ways to send requests | [`Transport`], [`transport_fn`] |
//! | layers of tower, other HTTP clients | `TowerTransport`, `TransportService` (feature `tower`) |
//! | tests of your own code | `test_kit` (feature `test-kit`) |
//! | a service for tests | `server` (feature `server`), [`InProcessTransport`] |
//! | a client of another API | [`http_api`] |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `reqwest` (default) | the network: [`ReqwestTransport`], [`SessionsHttpClientV1::connect`]; switches `tokio` on |
//! | `rustls` (default) | TLS for the network transports by rustls and the platform's certificate verifier |
//! | `hyper` | the network at two thirds of the CPU time, without proxies: `HyperTransport`; without `reqwest` it is the transport of [`SessionsHttpClientV1::connect`] |
//! | `tokio` | the clock of the policies; the direct client needs it |
//! | `config` | configuration files in YAML, JSON and TOML: `ConfigParams::with_file` |
//! | `raw-value` | payloads left as JSON: `RawValue` as the type of `user` and `data` |
//! | `stream` | all pages of a list as one stream |
//! | `tower` | services and layers of tower as transports, and the other way round |
//! | `test-kit` | the tools for tests of your own |
//! | `otel` | the trace context of OpenTelemetry in the requests |
//! | `metrics` | finished calls for the `metrics` facade |
//! | `server` | the embedded service |
//!
//! For another TLS library leave `rustls` out and switch on reqwest's own feature for it, or hand a `reqwest::Client`
//! of your own to [`ReqwestTransport::with_client`].
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

// Generated code names this crate by its absolute path, here as everywhere else.
extern crate self as sessions_client;

mod client;
mod config;
mod contract;
mod data;
mod error;
mod macros;
mod object;
pub mod policy;
mod runtime;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "stream")]
pub mod stream;
pub mod telemetry;
#[cfg(feature = "test-kit")]
pub mod test_kit;
mod transport;

pub use bytes;
#[cfg(feature = "tokio")]
pub use client::SessionsDirectClientV1;
pub use client::{SessionsClientFactory, SessionsMemoryClientV1, SessionsNullClientV1};
pub use config::{ClientConfig, ClientKind, ConfigParams};
pub use contract::{DynISessionsV1, ISessionsV1, SessionsHttpClientV1, sessions_v1};
pub use data::{DataPage, FilterParams, PagingParams, SessionRef, SessionV1, Timestamp};
pub use error::{Error, ErrorKind, Result, ServiceError};
pub use http;
pub use macros::http_api;
pub use runtime::{
    Arguments, BaseRoute, Call, CallOptions, Caller, CorrelationPlace, Encoder, Encoding, Failure,
    FnTransport, FromTexts, Handler, Incoming, Operation, Outcome, Param, ParamValue, ParamValues, Payload,
    Place, RawResponse, Received, Request, Response, Route, Transport, Unreadable, decode, respond,
    transport_fn,
};
pub use serde_json::Value;
#[cfg(feature = "raw-value")]
pub use serde_json::value::RawValue;
#[cfg(feature = "hyper")]
pub use transport::HyperTransport;
#[cfg(feature = "tokio")]
pub use transport::Policies;
#[cfg(feature = "reqwest")]
pub use transport::ReqwestTransport;
pub use transport::{DefaultTransport, InProcessTransport};
#[cfg(feature = "tower")]
pub use transport::{TowerTransport, TransportService};

#[doc(hidden)]
pub use runtime::private as __private;
