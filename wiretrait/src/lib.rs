//! Typed HTTP clients, services and test tools from one annotated trait.
//!
//! [`#[http_api]`](http_api) on a trait generates a client, an object-safe companion, the operations as
//! values, the table of routes and a dispatcher for services. This crate is what the generated code calls:
//! encoding and decoding without I/O, [transports](Transport), [policies](policy) for time limits and
//! retries, [telemetry], and a test kit.
//!
//! ```
//! use wiretrait::{Result, http_api};
//!
//! /// Books in shelves.
//! #[http_api(prefix = "/v1", client = ShelvesClient, module = shelves)]
//! pub trait Shelves {
//!     /// Finds a book by its id.
//!     #[get("/books/{id}")]
//!     async fn find(&self, id: u64, #[query] edition: Option<u32>) -> Result<Option<String>>;
//! }
//!
//! # #[cfg(any(feature = "hyper", feature = "reqwest"))]
//! async fn title(id: u64) -> Result<Option<String>> {
//!     ShelvesClient::connect("http://localhost:8080")?.find(id, None).await
//! }
//! # fn main() {}
//! ```
//!
//! `cargo doc --open` in the crate of the trait shows what is generated, with the documentation of the trait.
//!
//! | topic | see |
//! |---|---|
//! | the attribute | [`http_api`] |
//! | the address, limits and retries of a client | [`ClientConfig`] |
//! | limits, retries, headers and the token of a single call | [`CallOptions`], [`WithOptions`] |
//! | bearer tokens from files, commands, OAuth 2.0 servers | `auth` (feature `tokio`) |
//! | failures | [`Error`], [`ErrorKind`] |
//! | bodies that are not JSON | [`codec`] |
//! | the status and the headers of a response | [`ResponseValue`] |
//! | the type or the format of a service's error bodies | [`ErrorBody`], [`Problem`], [`ErrorFormat`] |
//! | spans, trace context, metrics | [`telemetry`] |
//! | pages, `ETag`s, merge patches, uploads and other parts of APIs | [`recipes`] |
//! | many calls at once | [`concurrency`] |
//! | calls as values, without I/O | [`Operation`], [`decode`] |
//! | unread responses, to borrow from or for their headers | [`RawResponse`] |
//! | custom transports | [`Transport`], [`transport_fn`] |
//! | a service behind hyper or axum | `HandlerService` (feature `tower`) |
//! | layers of tower, other HTTP clients | `TowerTransport`, `TransportService` (feature `tower`) |
//! | an implementation in the same process | [`InProcessTransport`] |
//! | why a service cannot be reached | `doctor` (features `reqwest`, `hyper`) |
//! | tests of code that calls an API | `test_kit` (feature `test-kit`) |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `reqwest` (default) | the network: [`ReqwestTransport`], and `connect` on generated clients; enables `tokio` |
//! | `rustls` (default) | TLS for the network transports by rustls and the platform's certificate verifier |
//! | `hyper` | the network, with about 30 % less CPU time than reqwest: `HyperTransport`; without `reqwest` it is the transport of `connect` |
//! | `http2` | HTTP/2 over the network transports, for clients that choose it: `HttpVersion::Http2` |
//! | `tokio` | the clock of the policies, and bearer tokens |
//! | `oauth2` | bearer tokens of an OAuth 2.0 server, by client credentials |
//! | `tower` | services and layers of tower as transports, and the reverse; services behind hyper or axum |
//! | `test-kit` | tools for tests |
//! | `grpc` | unary gRPC calls over `HyperTransport`: `GrpcChannel`, for transports of services that speak gRPC |
//! | `otel` | OpenTelemetry's trace context in requests |
//! | `metrics` | metrics of calls for the `metrics` facade |
//!
//! For another TLS library, disable `rustls` and enable reqwest's own feature for it, or pass a custom
//! `reqwest::Client` of reqwest 0.13 to [`ReqwestTransport::with_client`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

// Generated code names this crate by its absolute path, here as everywhere else.
extern crate self as wiretrait;

#[cfg(feature = "tokio")]
pub mod auth;
pub mod codec;
pub mod concurrency;
mod config;
mod error;
#[cfg(all(fuzzing, feature = "hyper"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "grpc")]
pub mod grpc_frame;
#[cfg(feature = "tower")]
mod handler_service;
mod macros;
mod object;
pub mod policy;
pub mod recipes;
mod runtime;
#[cfg(feature = "tokio")]
mod task_outcome;
pub mod telemetry;
#[cfg(feature = "test-kit")]
pub mod test_kit;
mod transport;

// The locks and atomics of what threads share, which shuttle schedules in models of interleavings.
#[cfg(all(test, shuttle))]
use shuttle::sync;
#[cfg(not(all(test, shuttle)))]
use std::sync;

pub use bytes;
pub use config::{ClientConfig, HttpVersion, Pem, Proxy, TlsConfig, address};
pub use error::{
    Error, ErrorBody, ErrorFormat, ErrorKind, PlainErrors, Problem, Result, ServiceError, TypedErrors,
    is_displayed,
};
#[cfg(feature = "tower")]
pub use handler_service::HandlerService;
pub use http;
pub use macros::http_api;
pub use object::ObjectDeserializer;
#[cfg(feature = "grpc")]
pub use runtime::Trailers;
pub use runtime::{
    Arguments, BaseRoute, Call, CallOptions, Caller, Contract, CorrelationPlace, Encoder, Encoding, Failure,
    FnTransport, FromParam, Handler, Incoming, NoneAs, Operation, Outcome, Param, ParamValue, ParamValues,
    Payload, Place, RawResponse, Received, Request, RequestBody, Response, ResponseValue, Route, Transport,
    Unreadable, WithOptions, decode, error_response, respond, transport_fn,
};
#[cfg(feature = "hyper")]
pub use transport::HyperTransport;
#[cfg(feature = "tokio")]
pub use transport::Policies;
#[cfg(feature = "reqwest")]
pub use transport::ReqwestTransport;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub use transport::doctor;
#[cfg(feature = "grpc")]
pub use transport::grpc::{GrpcChannel, GrpcReply};
pub use transport::{DefaultTransport, InProcessTransport};
#[cfg(feature = "tower")]
pub use transport::{TowerTransport, TransportService};

#[doc(hidden)]
pub use runtime::private as __private;

/// Expands to its argument in builds with the feature `tokio`: generated code cannot ask for features itself.
#[cfg(feature = "tokio")]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_tokio {
    ($($code:tt)*) => { $($code)* };
}

/// Expands to nothing in builds without the feature `tokio`.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_tokio {
    ($($code:tt)*) => {};
}

/// Expands to its argument in builds with a network transport.
#[cfg(any(feature = "hyper", feature = "reqwest"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_network {
    ($($code:tt)*) => { $($code)* };
}

/// Expands to nothing in builds without a network transport.
#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_network {
    ($($code:tt)*) => {};
}
