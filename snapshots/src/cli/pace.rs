//! The options for the pace of a check.

use clap::Args;
use contract_tests::suite::DEFAULT_JOBS;
use std::num::NonZeroUsize;

#[derive(Args, Debug)]
pub(super) struct PaceArgs {
    /// Maximum number of requests at a time
    #[arg(long, value_name = "NUMBER", value_parser = jobs, default_value_t = NonZeroUsize::new(DEFAULT_JOBS).unwrap_or(NonZeroUsize::MIN))]
    pub(super) jobs: NonZeroUsize,

    /// Maximum number of requests in a second, such as 20; without a limit by default
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    pub(super) rate: Option<f64>,
}

fn jobs(written: &str) -> Result<NonZeroUsize, String> {
    written.parse().map_err(|_| "must be a whole number of requests, from 1".to_owned())
}

fn rate(written: &str) -> Result<f64, String> {
    let rate = written.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.01);
    rate.ok_or_else(|| "must be a number of requests in a second, from 0.01".to_owned())
}
