//! The contract tests: cases for any sessions service, the comparison of its responses with snapshots of the real
//! service, and the program `contract`, which checks a service.
//!
//! The tests are in `tests/`:
//!
//! * `contract` checks the requests that the client encodes and the results that it decodes, without a
//!   network.
//! * `live` sends every case of the contract to the embedded service and to the one that `SESSIONS_URL`
//!   names, and compares both with the same snapshots. Each case is a test.
//! * `live_process` runs the program `contract`: its selection, signals, refusals and proxies.
//! * `changed_service` changes one thing in each response of a service, and compares level and cause of the difference.
//! * `pipeline` runs the commands of the guide to pipelines.
//! * `protocols` compares the results of each call over HTTP, both gRPC interfaces and in process.
//! * `deviations` accepts differences by files of users.
//! * `safety` makes a service fail in the middle of a run and looks for sessions that are left behind.
//! * `endurance` covers many calls and real time: idle pauses, a service that is killed, broken connections,
//!   calls that are cancelled.
//! * `openapi` checks `openapi.json`, which `examples/openapi.rs` prints, against the contract, its types and
//!   all recorded responses.
//! * `differential` sends random sequences of raw requests to both services, whose responses must be equal.
//! * `cassettes` records a check, and expects the same result from the recording and from a mock that serves it.
//! * `revision` gives each kind of change between two revisions of the contract a level.
//! * `replay` sends the captured requests of `fixtures/captures` to the embedded service, without a network.
//! * `framing` sends the raw bytes of `fixtures/framing.json` to the embedded service, and to the real one if it
//!   runs.
//! * `mutations` checks that the changes of `mutations/changes` still apply to the source files.
//!
//! Rejected alternative: recordings in place of a running service in the tests of the contract, because a recording
//! does not change with the service. The same snapshots, compared with both, show whether they still agree.

pub mod cases;
pub mod cassette;
pub mod check;
pub mod cli;
mod client;
pub mod comparison;
mod contract;
pub mod deviations;
mod environment;
pub mod exceptions;
mod objects;
mod openapi;
mod output;
pub mod revision;

pub use comparison::describe_changes;
pub use contract::{GivenSession, SESSION, SessionsContract};
pub use environment::{
    config_file, exclusive_service_url, is_confirmed, log, may_close_expired, named_deviations,
    service_params, service_url,
};
pub use openapi::{Example, Examples, examples, openapi, openapi_text};

/// Test cases that run against any sessions service.
pub mod suite {
    pub use crate::contract::run;
    pub use contract_tests::suite::{
        Case, CompletedCase, ContractRoutes, DEFAULT_JOBS, FailedCase, OnProgress, Progress, RunOptions,
        RunReport, Step, StopSignal,
    };
}

pub use contract_tests::{
    Exchange, Kind, Map, Normalizer, OperationCases, Promise, Recorder, Shapes, Value, decoded, fields, gaps,
    json, live_gaps, request, response, routes,
};
