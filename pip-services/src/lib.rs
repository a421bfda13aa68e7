//! Conventions of the Pip.Services framework, for typed clients of its services.
//!
//! With this crate and [`wiretrait`], the client of a service of the framework is only its annotated trait:
//!
//! ```
//! use pip_services::{DataPage, FilterParams, PagingParams, PipErrors};
//! use serde::{Deserialize, Serialize};
//! use wiretrait::{Result, http_api};
//!
//! #[derive(Serialize, Deserialize)]
//! pub struct Order { id: String }
//!
//! #[http_api(prefix = "/v1/orders", client = OrdersClient, module = orders, errors = PipErrors)]
//! pub trait Orders {
//!     /// Lists the orders that match `filter`.
//!     #[post("/get_orders", idempotent)]
//!     async fn get_orders(
//!         &self,
//!         #[correlation] correlation_id: Option<&str>,
//!         #[field] filter: Option<&FilterParams>,
//!         #[field] paging: Option<&PagingParams>,
//!     ) -> Result<DataPage<Order>>;
//! }
//! # fn main() {}
//! ```
//!
//! | topic | see |
//! |---|---|
//! | lists | [`DataPage`], [`FilterParams`], [`PagingParams`] |
//! | times | [`timestamp`] |
//! | error bodies | [`PipErrors`] |
//! | configuration in the keys of the official clients | [`ConfigParams`] |
//! | services over gRPC | `CommandableGrpcTransport` (feature `grpc`) |
//! | kinds of client and descriptors | [`ClientKind`] |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `reqwest` | the network transport over reqwest, and `credential.token_command`; enables `tokio` |
//! | `hyper` | the network transport over hyper, and `credential.token_command`; enables `tokio` |
//! | `http2` | HTTP/2 over the network transports: `options.http_version` |
//! | `grpc` | commandable gRPC over hyper: `CommandableGrpcTransport` |
//! | `tokio` | bearer tokens: `credential.token` and `credential.token_file` |
//! | `oauth2` | bearer tokens of an OAuth 2.0 server, with a network transport: `credential.token_url` |
//! | `config` | configuration files in YAML, JSON and TOML: `ConfigParams::with_file` |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod config;
mod data;
mod errors;
#[cfg(feature = "grpc")]
#[doc(hidden)]
pub mod grpc;

pub use config::{ClientKind, ConfigParams, Setting};
#[cfg(feature = "config")]
pub use config::{Section, read_section};
pub use data::timestamp::{self, Timestamp};
pub use data::{DataPage, FilterParams, PagingParams};
pub use errors::PipErrors;
#[cfg(feature = "grpc")]
pub use grpc::CommandableGrpcTransport;
