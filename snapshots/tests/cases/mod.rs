//! What services are asked: operation by operation, each situation of it that the contract speaks of.
//!
//! A theme a file. What follows from the route table alone is generated from it (`arguments`, `unreached`), so a new
//! operation or argument is asked without anybody's doing; whether all of it was asked is checked afterwards.

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

/// Where the table is, for a failure to point at.
#[allow(dead_code, reason = "not every target that uses the table points at it")]
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
