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
//! | configuration | [`ClientConfig`] |
//! | limits of time, repeats | [`policy`], [`CallOptions`] |
//! | spans, trace context, metrics | [`telemetry`] |
//! | what can go wrong | [`Error`], [`ErrorKind`] |
//! | calls as values, without I/O | [`sessions_v1`], [`Operation`] |
//! | other ways to send requests | [`Transport`], [`transport_fn`] |
//! | a service for tests | `server` (feature `server`), [`InProcessTransport`] |
//! | a client of another API | [`http_api`] |
//!
//! # Features
//!
//! `reqwest` and `rustls`, both on by default, are the network and its TLS. `server` is the embedded service. `tokio` is
//! the clock of the policies, which `reqwest` switches on. `otel` and `metrics` are for [`telemetry`]. For another
//! TLS library leave `rustls` out and switch on reqwest's own feature for it, or hand a `reqwest::Client` of your own to
//! [`ReqwestTransport::with_client`].
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
pub mod telemetry;
mod transport;

pub use bytes;
pub use client::SessionsMemoryClientV1;
pub use config::ClientConfig;
pub use contract::{DynISessionsV1, ISessionsV1, SessionsHttpClientV1, sessions_v1};
pub use data::{DataPage, FilterParams, PagingParams, SessionV1, Timestamp};
pub use error::{Error, ErrorKind, Result, ServiceError};
pub use http;
pub use macros::http_api;
pub use runtime::{
    Arguments, Call, CallOptions, Caller, CorrelationPlace, Encoder, Encoding, Failure, FnTransport,
    FromTexts, Handler, Incoming, Operation, Outcome, Param, ParamValue, ParamValues, Payload, Place,
    Request, Response, Route, Transport, Unreadable, decode, respond, transport_fn,
};
pub use serde_json::Value;
#[cfg(feature = "tokio")]
pub use transport::Policies;
#[cfg(feature = "reqwest")]
pub use transport::ReqwestTransport;
pub use transport::{DefaultTransport, InProcessTransport};

#[doc(hidden)]
pub use runtime::private as __private;
