//! What a run is judged by, on the command line.

use super::Baseline;
use crate::metrics::{Record, Rules, Unreadable};
use clap::Args;
use std::path::PathBuf;

/// What a run is judged by, beside thresholds.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Verdict")]
pub struct JudgeOptions {
    /// Calls that may fail, in percent [default: 0%]
    ///
    /// Wrong answers count as failed calls here, and fail the run by themselves.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub max_error_rate: Option<f64>,
    /// Calls without which there is nothing to judge [default: 1]
    ///
    /// A run that makes fewer fails, whatever else it shows.
    #[arg(long, value_name = "N")]
    pub min_requests: Option<u64>,
    /// Compare with an earlier run
    ///
    /// The JSON report of a run that made the same load. The percentiles of each operation are compared on their
    /// buckets of microseconds, where there are enough calls to say that a difference is none of chance.
    #[arg(long, value_name = "FILE.json")]
    pub baseline: Option<PathBuf>,
    /// How much slower than the baseline is a regression [default: 20%]
    ///
    /// A regression fails the run. Less than 2% cannot be told, since times are kept in buckets up to 1.6% wide.
    #[arg(long, value_name = "PERCENT", value_parser = regression, requires = "baseline")]
    pub max_regression: Option<f64>,
}

impl JudgeOptions {
    /// Puts what was given in place of what `rules` says.
    pub fn apply(&self, rules: &mut Rules) {
        let Rules { max_error_rate, min_requests, max_regression, .. } = rules;
        *max_error_rate = self.max_error_rate.unwrap_or(*max_error_rate);
        *min_requests = self.min_requests.unwrap_or(*min_requests);
        *max_regression = self.max_regression.unwrap_or(*max_regression);
    }

    /// Reads the baseline, if one was given.
    ///
    /// # Errors
    ///
    /// When the file is no record.
    pub fn read_baseline(&self) -> Result<Option<Baseline>, Unreadable> {
        let Some(path) = &self.baseline else { return Ok(None) };
        let record = Record::read(path)?;
        Ok(Some(Baseline { file: path.display().to_string(), record }))
    }
}

/// A part of a hundred, with or without its sign.
fn percent(text: &str) -> Result<f64, String> {
    text.strip_suffix('%')
        .unwrap_or(text)
        .trim()
        .parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "write a number from 0 to 100, such as 1%".to_owned())
}

fn regression(text: &str) -> Result<f64, String> {
    text.strip_suffix('%')
        .unwrap_or(text)
        .trim()
        .parse()
        .ok()
        .filter(|percent| (2.0..f64::INFINITY).contains(percent))
        .ok_or_else(|| "write a number from 2, such as 20%; less cannot be told".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        judge: JudgeOptions,
    }

    fn parse(args: &[&str]) -> Result<JudgeOptions, String> {
        Cli::try_parse_from(["x"].iter().chain(args)).map(|cli| cli.judge).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let mut rules = Rules { min_requests: 7, ..Rules::default() };
        let options = parse(&["--max-error-rate", "0.5%", "--baseline", "a.json", "--max-regression", "30"]);
        options.unwrap().apply(&mut rules);
        let expected =
            Rules { min_requests: 7, max_error_rate: 0.5, max_regression: 30.0, ..Rules::default() };
        assert_eq!(rules, expected);
    }

    #[test]
    fn what_is_no_percentage_is_told_how_to_write_one() {
        for (args, why) in [
            (["--max-error-rate", "101%"], "write a number from 0 to 100, such as 1%"),
            (["--max-error-rate", "few"], "write a number from 0 to 100, such as 1%"),
            (["--max-regression", "1%"], "write a number from 2, such as 20%; less cannot be told"),
            (["--max-regression", "NaN"], "write a number from 2, such as 20%; less cannot be told"),
        ] {
            let error = parse(&args).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_baseline_that_is_not_there_is_named() {
        let error = parse(&["--baseline", "nowhere.json"]).unwrap().read_baseline().unwrap_err();
        assert!(error.to_string().starts_with("nowhere.json: cannot be read: "), "{error}");
    }
}
