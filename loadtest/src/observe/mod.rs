//! What becomes of every call: timed, checked, recorded with goose and for the report.

pub(crate) mod call;
pub(crate) mod recorder;
pub(crate) mod usage;
