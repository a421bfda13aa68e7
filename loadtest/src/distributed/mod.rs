//! Runs of several workers.

pub mod command;
pub(crate) mod execution_segment;
pub(crate) mod merge;
pub(crate) mod start_time;
