//! Whether what the service answers is right: what is stored, what is known of each session, and what is left in the
//! end.

pub(crate) mod audit;
pub(crate) mod known;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod payload;
mod register;
pub(crate) mod violation;
