//! Every operation with every fault: the requests that arrive, the outcome of the call, and its duration.
//!
//! A server on real sockets causes the faults, with every request or only with the first one. The client has the policies
//! and values of `connect`, but a test clock, the longest possible pauses, and a smaller size limit. The tables are
//! snapshots.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[path = "../support/mod.rs"]
#[macro_use]
mod support;

#[cfg(feature = "grpc")]
mod grpc;
mod http;
mod table;
