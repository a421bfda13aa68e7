//! Cleaning up after runs.

pub(crate) mod leftover_check;
pub(crate) mod orphans;
