//! A load test of the sessions microservice, built on [goose], that checks every response.
//!
//! A load generator that only looks at status codes reports a service as healthy that loses stored data or
//! returns one user's session to another. Here every virtual user takes sessions through their whole life
//! with the typed client, and a call is a success only if its response agrees with a model of everything
//! written before.
//!
//! goose starts the users, schedules their iterations and stops them. The requests are sent by the typed
//! client and recorded with goose as custom requests. Rejected alternative: goose's HTTP client, because its
//! clock stops when the headers arrive, and it cannot fail a request for the content of its body.
//!
//! Modules, in the order in which they depend on each other:
//!
//! | module | contents |
//! |---|---|
//! | `metrics` | histograms, timelines, and the results of a run |
//! | `checks` | the model of all writes, and the violations that responses are checked for |
//! | `scenarios` | the iterations of virtual users, and their weights |
//! | `executors` | constant users, arrival rates, breakpoint search, virtual users, stop |
//! | `thresholds` | pass/fail criteria, baseline, verdict, exit codes |
//! | `cleanup` | the leftover check after a run, and orphans of killed runs |
//! | `distributed` | execution segments, common start, merging of results |
//! | `output` | console, HTML, Markdown, `JUnit`, JSON |
//! | `run`, `cli` | prepare, run, report; the command line |
//!
//! It is a library with a small program around it, so that its tests can load a service of theirs.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod checks;
mod cleanup;
mod cli;
mod client;
pub mod distributed;
mod error;
mod executors;
mod format;
pub mod metrics;
pub mod output;
mod run;
mod scenarios;
mod status;
mod sync;
pub mod thresholds;

pub use checks::payload::PayloadShape;
pub use cleanup::orphans::CleanupSummary;
pub use cli::{
    CleanupOptions, Cli, Command, DoctorOptions, ExecutorOptions, GooseOutputOptions, Hidden, Rates,
    RunOptions, ScenarioOptions, ServiceOptions,
};
pub use error::LoadTestError;
pub use output::Report;
pub use run::{CommandOutput, Diagnosis, Settings, run};
pub use scenarios::{Scenario, ScenarioWeights};
pub use thresholds::ExitCode;
