//! The client, the live contract test and the load test behind real gateways, proxies and certificates.
//!
//! `staging/run` builds the programs and runs these tests. Without it, or without nginx, haproxy, squid, openssl and
//! curl, they are skipped. They are empty on other systems than Unix.

#![cfg(unix)]

mod curl;
mod doctor;
mod fronts;
mod grpc;
mod insecure;
mod matrix;
mod moved;
mod requirements;
mod restarts;
mod right;
mod slow;
mod uses;
mod wrong;
