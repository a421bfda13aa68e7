//! A load test of the sessions microservice, over [goose], that does not believe what it is told.
//!
//! A generator that only looks at status codes calls a service healthy that loses what was stored, or hands
//! one user's session to another. Here every user takes sessions through their whole life with the typed
//! client, and each answer is compared with what was sent before the call counts as a success.
//!
//! goose makes the users, keeps the clock and prints its tables. The requests are the typed client's own,
//! recorded with goose one by one: goose's client would stop the clock when the headers arrive, and could
//! not fail a request for what its body says.
//!
//! It is a library with a small program around it, so that its tests can load a service of theirs.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod checks;
mod cleanup;
mod cli;
mod client;
pub mod distributed;
mod executors;
mod format;
mod goose_client;
pub mod metrics;
pub mod output;
mod run;
mod scenarios;
pub mod thresholds;

pub use checks::payload::Shape;
pub use cleanup::orphans::Cleaned;
pub use cli::{Clean, Cli, Command, Conduct, Pace, Rates, Scenarios};
pub use client::HttpClient;
pub use output::Report;
pub use run::{CouldNotRun, Outcome, run};
pub use scenarios::{Mix, Scenario};
pub use thresholds::Exit;
