//! A typed client for the Pip.Services *sessions* microservice, generated from one annotated trait.
//!
//! [`ISessionsV1`] is the contract. [`SessionsHttpClientV1`] implements it over HTTP,
//! [`SessionsMemoryClientV1`] in memory.
//!
//! ```no_run
//! use serde_json::json;
//! use sessions_client::{ISessionsV1, Result, SessionsHttpClientV1, sessions_v1};
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let sessions = SessionsHttpClientV1::connect("http://localhost:8080")?;
//!     let cart = json!({ "items": ["book"] });
//!     let opened = sessions_v1::OpenSession::new("user-1").user_name("Ann").data(&cart).send(&sessions).await?;
//!     let cart = json!({ "items": ["book", "pen"] });
//!     sessions.store_session_data(None, &opened.id, &cart).await?;
//!     let session = sessions.get_session_by_id(None, &opened.id).await?; // `None` if there is no such session
//!     println!("stored {:?}", session.and_then(|session| session.data));
//!     sessions.close_session(None, &opened.id).await?;
//!     Ok(())
//! }
//! ```
//!
//! | topic | see |
//! |---|---|
//! | sessions with your own payload types | [`SessionsHttpClientV1::with_payloads`] |
//! | any implementation behind a pointer | [`DynISessionsV1`]: `Arc<dyn DynISessionsV1>` |
//! | configuration | [`ClientConfig`]; from pairs, environment variables and files: [`ConfigParams`] |
//! | clients whose kind is configured | [`SessionsClientFactory`] |
//! | an implementation in the same process, a client without sessions | [`SessionsDirectClientV1`], [`SessionsNullClientV1`] |
//! | deadlines, timeouts, retries | [`policy`], [`CallOptions`] |
//! | headers and tokens | [`CallOptions`], [`WithOptions`], `auth` (feature `tokio`) |
//! | spans, trace context, metrics | [`telemetry`] |
//! | errors | [`Error`], [`ErrorKind`] |
//! | calls as values, without I/O | [`sessions_v1`], [`Operation`] |
//! | reading many sessions without copies, response headers | [`SessionRef`], [`RawResponse`] |
//! | all pages of a list | `stream::ISessionsV1Ext` (feature `stream`) |
//! | a cheaper network transport | `HyperTransport` (feature `hyper`) |
//! | gRPC and commandable gRPC | `SessionsGrpcClientV1`, `SessionsCommandableGrpcClientV1` (feature `grpc`) |
//! | custom transports | [`Transport`], [`transport_fn`] |
//! | layers of tower, other HTTP clients | `TowerTransport`, `TransportService` (feature `tower`) |
//! | tests of your code | `test_kit` (feature `test-kit`) |
//! | a service for tests | [`InProcessTransport`], the crate `sessions-service` |
//! | clients of other APIs | the crates [`wiretrait`] and [`pip_services`] |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `reqwest` (default) | the network: [`ReqwestTransport`], [`SessionsHttpClientV1::connect`]; enables `tokio` |
//! | `rustls` (default) | TLS for the network transports by rustls and the platform's certificate verifier |
//! | `hyper` | the network, with about 30 % less CPU time than reqwest: `HyperTransport`; without `reqwest` it is the transport of [`SessionsHttpClientV1::connect`] |
//! | `http2` | HTTP/2 over the network transports, for clients that choose it: `HttpVersion::Http2` |
//! | `grpc` | the service's gRPC interfaces, over `HyperTransport`: `SessionsGrpcClientV1` |
//! | `tokio` | the clock of the policies, bearer tokens, and the direct client |
//! | `oauth2` | bearer tokens of an OAuth 2.0 server, by client credentials |
//! | `config` | configuration files in YAML, JSON and TOML: `ConfigParams::with_file` |
//! | `raw-value` | payloads as unparsed JSON: `RawValue` as the type of `user` and `data` |
//! | `stream` | all pages of a list as one stream |
//! | `tower` | services and layers of tower as transports, and the reverse |
//! | `test-kit` | tools for tests |
//! | `otel` | OpenTelemetry's trace context in requests |
//! | `metrics` | finished calls for the `metrics` facade |
//!
//! For another TLS library, leave `rustls` out and enable reqwest's own feature for it, or give your own
//! `reqwest::Client` to [`ReqwestTransport::with_client`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod client;
mod contract;
mod data;
#[cfg(feature = "grpc")]
#[doc(hidden)]
pub mod grpc;
#[doc(hidden)]
pub mod semantics;
#[cfg(feature = "stream")]
pub mod stream;

#[cfg(feature = "tokio")]
pub use client::SessionsDirectClientV1;
#[cfg(feature = "hyper")]
pub use client::SessionsNetworkTransportV1;
pub use client::{SessionsClientFactory, SessionsMemoryClientV1, SessionsNullClientV1};
pub use contract::{DynISessionsV1, ISessionsV1, SessionsHttpClientV1, sessions_v1};
pub use data::{FilterParams, ListedSession, SessionRef, SessionV1};
#[cfg(feature = "grpc")]
pub use grpc::{SessionsCommandableGrpcClientV1, SessionsGrpcClientV1, SessionsGrpcTransportV1};
#[cfg(feature = "grpc")]
pub use pip_services::CommandableGrpcTransport;
pub use pip_services::{ClientKind, ConfigParams, DataPage, PagingParams, Setting, Timestamp};
pub use serde_json::Value;
#[cfg(feature = "raw-value")]
pub use serde_json::value::RawValue;
#[cfg(feature = "hyper")]
pub use wiretrait::HyperTransport;
#[cfg(feature = "reqwest")]
pub use wiretrait::ReqwestTransport;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub use wiretrait::doctor;
#[cfg(feature = "test-kit")]
pub use wiretrait::test_kit;
pub use wiretrait::{
    Arguments, BaseRoute, Call, CallOptions, Caller, ClientConfig, CorrelationPlace, DefaultTransport,
    Encoder, Encoding, Error, ErrorKind, Failure, Handler, HttpVersion, InProcessTransport, Incoming,
    Operation, Outcome, Payload, Pem, Proxy, RawResponse, Received, Request, Response, Result, Route,
    ServiceError, TlsConfig, Transport, WithOptions, bytes, decode, http, policy, telemetry, transport_fn,
};
#[cfg(feature = "tokio")]
pub use wiretrait::{Policies, auth};
#[cfg(feature = "tower")]
pub use wiretrait::{TowerTransport, TransportService};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
