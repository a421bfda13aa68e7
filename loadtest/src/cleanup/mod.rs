//! Cleanup: the leftover check after each run, and the deletion of sessions that a killed run left behind
//! (orphans).

pub(crate) mod after_run;
mod findings;
pub(crate) mod leftover_check;
pub(crate) mod orphans;
mod pager;
