#![doc = include_str!("../../README.md")]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

// Generated code names this crate by its absolute path, here as everywhere else.
extern crate self as sessions_client;

mod client;
mod config;
mod contract;
mod data;
mod error;
mod macros;
pub mod policy;
mod runtime;
#[cfg(feature = "server")]
pub mod server;
mod transport;

pub use client::SessionsMemoryClientV1;
pub use config::ClientConfig;
pub use contract::{DynISessionsV1, ISessionsV1, SessionsHttpClientV1, sessions_v1};
pub use data::{DataPage, FilterParams, PagingParams, SessionV1, Timestamp};
pub use error::{Error, ErrorKind, Result, ServiceError};
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
