//! Parts that the programs of the load test and of the contract tests share.

pub mod files;
#[cfg(unix)]
pub mod signals;
