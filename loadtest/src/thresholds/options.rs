//! The options for pass criteria.

use super::Baseline;
use crate::error::LoadTestError;
use crate::metrics::{PassCriteria, Results};
use clap::Args;
use std::path::PathBuf;

/// The pass criteria of a run, except thresholds.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Pass criteria")]
pub struct PassCriteriaOptions {
    /// Maximum percentage of failed calls [default: 0%]
    ///
    /// Violations count as failed calls, and fail the run in any case.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub max_error_rate: Option<f64>,
    /// Minimum number of calls for a valid run [default: 1]
    #[arg(long, value_name = "N")]
    pub min_requests: Option<u64>,
    /// Compare with the JSON report of an earlier run
    ///
    /// Both runs must have the same load. The percentiles of each operation are compared where there are
    /// enough calls for a difference to be significant.
    #[arg(long, value_name = "FILE.json")]
    pub baseline: Option<PathBuf>,
    /// Maximum increase of a percentile over the baseline [default: 20%]
    ///
    /// A larger increase fails the run. The minimum is 2%, because latencies are kept in buckets up to 1.6%
    /// wide.
    #[arg(long, value_name = "PERCENT", value_parser = regression_percent, requires = "baseline")]
    pub max_regression: Option<f64>,
}

impl PassCriteriaOptions {
    /// Overwrites the criteria for which an option was given.
    pub fn apply(&self, criteria: &mut PassCriteria) {
        let PassCriteria { max_error_rate, min_requests, max_regression, .. } = criteria;
        *max_error_rate = self.max_error_rate.unwrap_or(*max_error_rate);
        *min_requests = self.min_requests.unwrap_or(*min_requests);
        *max_regression = self.max_regression.unwrap_or(*max_regression);
    }

    /// Reads the baseline, if one was given.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or does not contain results.
    pub fn read_baseline(&self) -> Result<Option<Baseline>, LoadTestError> {
        let Some(path) = &self.baseline else { return Ok(None) };
        let results = Results::read(path)?;
        Ok(Some(Baseline { file: path.display().to_string(), results }))
    }
}

/// Parses a percentage with or without its sign.
fn parse_percent(text: &str) -> Option<f64> {
    text.strip_suffix('%').unwrap_or(text).trim().parse().ok()
}

fn percent(text: &str) -> Result<f64, String> {
    parse_percent(text)
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "expected a number from 0 to 100, such as 1%".to_owned())
}

fn regression_percent(text: &str) -> Result<f64, String> {
    parse_percent(text)
        .filter(|percent| (2.0..f64::INFINITY).contains(percent))
        .ok_or_else(|| "expected a number of at least 2, such as 20%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        criteria: PassCriteriaOptions,
    }

    fn parse(args: &[&str]) -> Result<PassCriteriaOptions, String> {
        Cli::try_parse_from(["x"].iter().chain(args))
            .map(|cli| cli.criteria)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn criteria_without_an_option_are_unchanged() {
        let mut criteria = PassCriteria { min_requests: 7, ..PassCriteria::default() };
        let options = parse(&["--max-error-rate", "0.5%", "--baseline", "a.json", "--max-regression", "30"]);
        options.unwrap().apply(&mut criteria);
        let expected = PassCriteria {
            min_requests: 7,
            max_error_rate: 0.5,
            max_regression: 30.0,
            ..PassCriteria::default()
        };
        assert_eq!(criteria, expected);
    }

    #[test]
    fn invalid_percentages_are_rejected_with_the_valid_range() {
        for (args, reason) in [
            (["--max-error-rate", "101%"], "expected a number from 0 to 100, such as 1%"),
            (["--max-error-rate", "few"], "expected a number from 0 to 100, such as 1%"),
            (["--max-regression", "1%"], "expected a number of at least 2, such as 20%"),
            (["--max-regression", "NaN"], "expected a number of at least 2, such as 20%"),
        ] {
            let error = parse(&args).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_missing_baseline_is_named() {
        let error = parse(&["--baseline", "nowhere.json"]).unwrap().read_baseline().unwrap_err();
        assert!(error.to_string().starts_with("nowhere.json: cannot be read: "), "{error}");
    }
}
