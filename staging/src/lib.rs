//! Real gateways, proxies and certificates, and token servers, in front of a service under test.
//!
//! [`Nginx`], [`Haproxy`] and [`Squid`] are the real programs as child processes, [`Certificates`] come from the
//! `openssl` program, and [`TokenServer`], [`Limiter`] and [`SlowNetwork`] are small servers in this process. All of them listen on
//! free ports of 127.0.0.1 and end when they are dropped. On other systems than Unix this crate is empty.

#![cfg(unix)]

mod arrivals;
mod certificates;
mod haproxy;
mod limiter;
mod nginx;
mod port;
mod program;
mod server;
mod slow_network;
mod squid;
mod token_server;

pub use arrivals::Arrivals;
pub use certificates::{Certificate, Certificates};
pub use haproxy::Haproxy;
pub use limiter::Limiter;
pub use nginx::Nginx;
pub use port::free_port;
pub use program::missing_programs;
pub use slow_network::SlowNetwork;
pub use squid::Squid;
pub use token_server::TokenServer;
