//! The tools of the contract tests: what a request and a response look like on a page, which parts of them
//! differ from run to run, and whether a contract is pinned without gaps.
//!
//! The tests themselves are in `tests/`:
//!
//! * `contract` pins what the client writes and what it makes of answers, with no network;
//! * `live` leads a session through its whole life, once at the embedded service and once at the service that
//!   `SESSIONS_URL` names, and compares both with the same snapshots;
//! * `differential` sends random sequences of raw requests to both, whose answers have to be equal;
//! * `replay` sends the embedded service the captured requests of `fixtures/captures`, with no network.
//!
//! A mock server that replays recordings was refused. It would show that the client agrees with a recording of
//! itself; the same pages, compared with whatever service is there, show whether the two still agree.

mod coverage;
mod normalize;
mod record;
mod render;

pub use coverage::{Kind, Pinned, Promise, gaps};
pub use normalize::Normalizer;
pub use record::{Exchange, Recorder};
pub use render::{reading, request, response, routes};
