//! Parts that the programs of the load test and of the contract tests share.

#[cfg(unix)]
pub mod signals;
