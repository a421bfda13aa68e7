//! Removing what runs leave: one that has ended, and one that was killed.

pub(crate) mod audit;
pub(crate) mod killed;
