//! The cases of the live tests: for each operation, every situation that the contract defines.
//!
//! One file for each topic. The cases that follow from the route table (`arguments`, `unreached`) are
//! generated from it, so they include new operations and arguments; coverage is verified after each run.

mod arguments;
mod changing;
mod closing;
mod deleting;
mod filters;
mod opening;
mod paging;
mod payloads;
mod reading;
mod sending;
mod unreached;

use snapshots::suite::Case;

/// Location of the table, for failure messages.
#[allow(dead_code, reason = "not every target that uses the table refers to it")]
pub(crate) const TABLE: &str = "snapshots/tests/cases";

/// An id that no session has.
const UNKNOWN: &str = "00000000000000000000000000000000";

pub(crate) fn cases() -> Vec<Case> {
    let themes = [
        opening::cases(),
        reading::cases(),
        changing::cases(),
        closing::cases(),
        deleting::cases(),
        payloads::cases(),
        filters::cases(),
        paging::cases(),
        arguments::cases(),
        sending::cases(),
        unreached::cases(),
    ];
    themes.into_iter().flatten().collect()
}
