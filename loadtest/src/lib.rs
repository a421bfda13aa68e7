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
//! The main modules:
//!
//! | module | contents |
//! |---|---|
//! | `metrics` | histograms, timelines, and the results of a run |
//! | `data` | the rows of a file with data |
//! | `checks` | the model of all writes, and the violations that responses are checked for |
//! | `scenarios` | the iterations of virtual users, and their weights |
//! | `executors` | constant users, arrival rates, breakpoint search, virtual users, stop |
//! | `faults` | faults between load generator and service, on a schedule |
//! | `thresholds` | pass/fail criteria, baseline, verdict, exit codes |
//! | `cleanup` | the leftover check after a run, and orphans of killed runs |
//! | `telemetry` | trace context of each call, Prometheus, OTLP |
//! | `distributed` | execution segments, common start, merging of results |
//! | `output` | console, HTML, Markdown, `JUnit`, JSON |
//! | `contract`, `workload` | the part of a run that depends on the contract |
//! | `run`, `cli` | prepare, run, report; the command line |
//! | `settings` | the options of the command line in a file and in variables |
//! | `builder` | [`LoadTest`], from which a program is made |
//!
//! A program of another contract, or with other scenarios, describes its load test with [`LoadTest`].

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod builder;
mod checks;
mod cleanup;
mod cli;
mod client;
mod contract;
mod data;
pub mod distributed;
mod error;
mod executors;
mod faults;
mod format;
mod goose_stdout;
pub mod metrics;
pub mod output;
mod run;
mod scenarios;
mod settings;
mod status;
mod sync;
mod telemetry;
pub mod thresholds;
mod workload;

pub use builder::{LoadTest, ScenarioFn};
pub use checks::known_session::KnownSession;
pub use checks::payload::PayloadShape;
pub use cleanup::orphans::CleanupSummary;
pub use cli::{
    CleanupOptions, Cli, Command, CompareOptions, DoctorOptions, ExecutorOptions, FaultOptions,
    GooseOutputOptions, Hidden, InitOptions, OtherService, Rates, ReportOptions, RunOptions, ScenarioOptions,
    ServiceOptions, Tag, TelemetryOptions,
};
pub use data::{DataOrder, DataRow};
pub use error::LoadTestError;
pub use executors::rate_limit::On429;
pub use executors::typed_client::{Caller, LoadTransport};
pub use executors::user::{IterationError, IterationResult, VirtualUser};
pub use faults::FaultSet;
pub use output::Report;
pub use run::{CommandOutput, Diagnosis, Settings, run};
pub use scenarios::{ScenarioWeights, Sessions};
pub use thresholds::ExitCode;
