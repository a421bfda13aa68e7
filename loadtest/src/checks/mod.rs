//! Checks of responses against a model of everything that was written.
//!
//! The model knows each session of the run, the order of all writes to it, and the ids that were handed out.
//! A response that contradicts it is a [`violation`](violation::Violation).

pub(crate) mod known_session;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod payload;
mod register;
pub(crate) mod violation;
