//! Checks of responses against a model of everything that was written.
//!
//! The model knows each session of the run, the order of all writes to it, and the ids that were handed out.
//! A response that contradicts it is a [`violation`](violation::Violation).
//!
//! The service may be slow, and networks and proxies may lose, delay and reorder calls and responses. So a
//! call without a response may have an effect at any time, and only what no correct service can return is a
//! violation.

pub(crate) mod call_outcome;
pub(crate) mod known_session;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod payload;
mod register;
pub(crate) mod violation;
