//! gRPC and commandable gRPC: the requests that a server receives, and the results of its responses.
//!
//! Each test makes its calls over both protocols. The tests of `sessions-service` and `snapshots` make them to services, and
//! the fault table has the outcome of each operation.

#![cfg(feature = "grpc")]

#[path = "../support/capture.rs"]
mod capture;
mod configuration;
mod messages;
mod other_protocols;
mod policies;
mod runtimes;
mod server;
