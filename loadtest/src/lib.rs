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

mod audit;
mod call;
mod check;
mod cli;
mod closing;
pub mod judge;
mod ledger;
pub mod merge;
pub mod record;
pub mod report;
mod run;
mod scenario;
mod stop;
mod tally;
mod text;
mod verdict;

pub use cli::{Cli, Lifecycle};
pub use closing::Report;
pub use judge::Exit;
pub use run::{CouldNotRun, run};
