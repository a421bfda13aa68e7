//! A deterministic simulation of the whole client stack against the embedded service.
//!
//! [`run`] draws settings, faults and calls from a seed, runs them in virtual time, and checks the invariants of the
//! client. The same seed gives the same [`Report`].
#![warn(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod clock;
mod faults;
mod log;
mod network;
mod outage;
mod plan;
mod planted;
mod records;
mod run;
mod service;
mod tokens;
mod workload;

pub use log::Event;
pub use outage::outage_table;
pub use planted::Bug;
pub use run::{Report, run};
