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

use contract_tests::suite::Case;

/// The folder of the cases, for failure messages.
pub const TABLE: &str = "snapshots/src/cases";

/// An id that no session has.
const UNKNOWN: &str = "00000000000000000000000000000000";

/// Returns all cases.
#[must_use]
pub fn cases() -> Vec<Case> {
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
