//! The load test of a shop: an example of a load test of another contract.
//!
//! `docs/own-load-test.md` explains it step by step.

pub mod contract;
pub mod scenarios;
