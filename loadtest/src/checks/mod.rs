//! Whether what the service answers is right: what is stored, and what is known of each session.

pub(crate) mod known_session;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod payload;
mod register;
pub(crate) mod violation;
