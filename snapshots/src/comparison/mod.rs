//! Compares what a service responded with the snapshots of the contract.

mod cause;
mod cause_groups;
mod contract_hash;
mod difference;
mod expected;
mod json_diff;
mod level;
mod reading;
mod rows;
mod shape_diff;
mod snapshot_diff;

pub use cause::{Cause, cause_lines, causes, causes_of};
pub use contract_hash::contract_hash;
pub use contract_tests::ObjectKind;
pub use difference::{Change, Difference, Evidence, Location, Part, Reading, Source};
pub use expected::{Expected, Folder};
pub use level::{Judgement, Level, RULES, Rule, judge, rules_table};
pub use snapshot_diff::{describe_changes, differences};
