//! The roles service of the Pip.Services framework: its contract, its contract tests and its load test.

pub mod cases;
pub mod contract;
pub mod scenarios;
