//! The tools of the contract tests: what a request and a response look like on a page, which parts of them
//! differ from run to run, and whether a contract is pinned without gaps.
//!
//! The tests themselves are in `tests/`:
//!
//! * `contract` pins what the client writes and what it makes of answers, with no network;
//! * `live` asks a service everything that the contract speaks of, once the embedded one and once the one that
//!   `SESSIONS_URL` names, and compares both with the same pages;
//! * `differences` sees to it that what an implementation does otherwise has a reason;
//! * `safety` has a service fail in the middle of a run, and looks for what is left behind;
//! * `endurance` shows what holds over many calls and real time: idle pauses, a service that is killed, connections
//!   that break, calls that are given up;
//! * `openapi` holds `openapi.json`, which `examples/openapi.rs` prints, against the contract, the types and all
//!   pinned answers;
//! * `differential` sends random sequences of raw requests to both, whose answers have to be equal;
//! * `replay` sends the embedded service the captured requests of `fixtures/captures`, with no network.
//!
//! A mock server that replays recordings was refused. It would show that the client agrees with a recording of
//! itself; the same pages, compared with whatever service is there, show whether the two still agree.

mod coverage;
pub mod differences;
pub mod exceptions;
mod normalize;
mod observed;
mod openapi;
mod outside;
mod record;
mod render;
mod shape;
pub mod suite;
mod words;

pub use coverage::{Kind, Pinned, Promise, gaps};
pub use normalize::Normalizer;
pub use observed::{fields, unobserved};
pub use openapi::{Example, Examples, examples, openapi, openapi_text};
pub use outside::{may_close_expired, service_url, tell};
pub use record::{Exchange, Recorder};
pub use render::{reading, request, response, routes};
pub use shape::Shapes;
pub use words::in_words;
