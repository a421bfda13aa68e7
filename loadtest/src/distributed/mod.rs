//! Runs of several workers: load generators on several machines, each of which executes one segment of the
//! run.
//!
//! Workers share nothing but their options. The execution segment determines the users or iterations of each,
//! and the start time lets them begin together. Their clocks are compared by that of the service. Their
//! results are merged exactly after the run.

pub(crate) mod clock;
mod collector;
pub(crate) mod collector_client;
pub(crate) mod execution_segment;
pub(crate) mod lost;
pub(crate) mod merge;
mod merge_command;
mod overlap;
pub(crate) mod start_time;

pub use merge_command::{MergeOptions, merge_reports};
