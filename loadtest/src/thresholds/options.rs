//! The options for pass criteria.

use super::{Baseline, BaselineRun};
use crate::cli::time_limit;
use crate::error::LoadTestError;
use crate::metrics::{PassCriteria, Results};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The pass criteria of a run, except thresholds.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Pass criteria")]
pub struct PassCriteriaOptions {
    /// Maximum percentage of failed calls [default: 0%]
    ///
    /// Violations count as failed calls, and fail the run in any case.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub max_error_rate: Option<f64>,
    /// Maximum time in which calls fail or wait and none succeeds [default: 0s]
    ///
    /// In whole seconds. It fails a run in which the service was down for a while, although users who wait for
    /// responses make few calls meanwhile.
    #[arg(long, value_name = "TIME", value_parser = outage)]
    pub max_outage: Option<Duration>,
    /// Minimum number of calls for a valid run [default: 1]
    #[arg(long, value_name = "N")]
    pub min_requests: Option<u64>,
    /// Compare with the JSON reports of earlier runs
    ///
    /// All runs must have the same load. An increase of a percentile by more than --max-regression fails the
    /// run if chance does not explain it, and is inconclusive (exit code 5) otherwise. Several reports show by
    /// how much runs of the same thing differ. With one of them it is estimated from the quarters of the runs,
    /// and at least 5%.
    #[arg(long, value_name = "FILE.json", num_args = 1..)]
    pub baseline: Vec<PathBuf>,
    /// Maximum increase of a percentile over the baseline [default: 20%]
    ///
    /// The minimum is 2%, because latencies are kept in buckets up to 1.6%
    /// wide.
    #[arg(long, value_name = "PERCENT", value_parser = regression_percent)]
    pub max_regression: Option<f64>,
}

impl PassCriteriaOptions {
    /// Overwrites the criteria for which an option was given.
    pub fn apply(&self, criteria: &mut PassCriteria) {
        let PassCriteria { max_error_rate, max_outage_s, min_requests, max_regression, .. } = criteria;
        *max_error_rate = self.max_error_rate.unwrap_or(*max_error_rate);
        *max_outage_s = self.max_outage.map_or(*max_outage_s, |outage| outage.as_secs());
        *min_requests = self.min_requests.unwrap_or(*min_requests);
        *max_regression = self.max_regression.unwrap_or(*max_regression);
    }

    /// Reads the baseline, if one was given.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or does not contain results, and for a limit that has no effect.
    pub fn read_baseline(&self) -> Result<Option<Baseline>, LoadTestError> {
        if self.max_regression.is_some() && self.baseline.is_empty() {
            return Err(LoadTestError::Option(
                "--max-regression has no effect without --baseline".to_owned(),
            ));
        }
        let runs: Result<Vec<_>, _> = self
            .baseline
            .iter()
            .map(|path| Ok(BaselineRun { file: path.display().to_string(), results: Results::read(path)? }))
            .collect();
        runs.map(|runs| (!runs.is_empty()).then_some(Baseline { runs }))
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

fn outage(text: &str) -> Result<Duration, String> {
    time_limit(text)
        .ok()
        .filter(|outage| outage.subsec_nanos() == 0)
        .ok_or_else(|| "expected a time in whole seconds, such as 2s or 1m".to_owned())
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
        let options = parse(&[
            "--max-error-rate",
            "0.5%",
            "--max-outage",
            "1m",
            "--baseline",
            "a.json",
            "--max-regression",
            "30",
        ]);
        options.unwrap().apply(&mut criteria);
        let expected = PassCriteria {
            min_requests: 7,
            max_error_rate: 0.5,
            max_outage_s: 60,
            max_regression: 30.0,
            ..PassCriteria::default()
        };
        assert_eq!(criteria, expected);
    }

    #[test]
    fn invalid_values_are_rejected_with_the_valid_ones() {
        for (args, reason) in [
            (["--max-error-rate", "101%"], "expected a number from 0 to 100, such as 1%"),
            (["--max-error-rate", "few"], "expected a number from 0 to 100, such as 1%"),
            (["--max-regression", "1%"], "expected a number of at least 2, such as 20%"),
            (["--max-outage", "500ms"], "expected a time in whole seconds, such as 2s or 1m"),
            (["--max-regression", "NaN"], "expected a number of at least 2, such as 20%"),
        ] {
            let error = parse(&args).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_limit_without_a_baseline_is_rejected() {
        let error = parse(&["--max-regression", "30"]).unwrap().read_baseline().unwrap_err();
        assert_eq!(error.to_string(), "--max-regression has no effect without --baseline");
    }

    #[test]
    fn a_missing_baseline_is_named() {
        let error = parse(&["--baseline", "nowhere.json"]).unwrap().read_baseline().unwrap_err();
        assert!(error.to_string().starts_with("nowhere.json: cannot be read: "), "{error}");
    }
}
