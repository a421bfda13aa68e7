//! Tools of the contract tests: rendering requests and responses as snapshots, normalizing the values that
//! differ between runs, and finding parts of the contract that no test covers.
//!
//! The tests are in `tests/`:
//!
//! * `contract` checks the requests that the client encodes and the results that it decodes, without a
//!   network.
//! * `live` sends every case of the contract to the embedded service and to the one that `SESSIONS_URL`
//!   names, and compares both with the same snapshots.
//! * `differences` requires a reason for each difference between implementations.
//! * `safety` makes a service fail in the middle of a run and looks for sessions that are left behind.
//! * `endurance` covers many calls and real time: idle pauses, a service that is killed, broken connections,
//!   calls that are cancelled.
//! * `openapi` checks `openapi.json`, which `examples/openapi.rs` prints, against the contract, its types and
//!   all recorded responses.
//! * `differential` sends random sequences of raw requests to both services, whose responses must be equal.
//! * `replay` sends the captured requests of `fixtures/captures` to the embedded service, without a network.
//! * `mutations` checks that the changes of `mutations/changes` still apply to the source files.
//!
//! Rejected alternative: a mock server that replays recordings, because it would show that the client agrees
//! with a recording of itself. The same snapshots, compared with a running service, show whether the two
//! still agree.

mod changes;
mod coverage;
pub mod differences;
mod environment;
pub mod exceptions;
mod live_coverage;
mod normalize;
mod openapi;
mod record;
mod render;
mod shape;
pub mod suite;
mod value;

pub use changes::describe_changes;
pub use coverage::{Kind, OperationCases, Promise, gaps};
pub use environment::{log, may_close_expired, service_params, service_url};
pub use live_coverage::{fields, live_gaps};
pub use normalize::Normalizer;
pub use openapi::{Example, Examples, examples, openapi, openapi_text};
pub use record::{Exchange, Recorder};
pub use render::{decoded, request, response, routes};
pub use shape::Shapes;
pub use value::{Map, Value};
