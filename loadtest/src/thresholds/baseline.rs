//! The comparison of a run with an earlier one.
//!
//! Percentiles of two runs differ by chance, and those of few calls differ a lot. So a percentile is compared
//! only if enough calls are beyond it, and it has regressed only if
//!
//! 1. it increased by more than the allowed percentage, and
//! 2. the ranges in which chance would put its rank in either run do not overlap.
//!
//! The range of a rank depends only on the number of calls, not on the distribution of their latencies.

use crate::metrics::{Histogram, LoadModel, Results};
use serde::Serialize;
use std::fmt;

/// The percentiles that are compared. Beyond p99 only very long runs have enough calls.
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// The minimum number of calls beyond a percentile.
const MIN_CALLS_BEYOND: f64 = 10.0;

/// The standard deviations that a rank may be off by chance. The difference of two runs whose ranges do not
/// overlap is more than 3.3 times its standard deviation, which happens by chance once in a thousand
/// comparisons.
const DEVIATIONS: f64 = 2.33;

/// An earlier run to compare with.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The file that it was read from.
    pub file: String,
    /// Its results.
    pub results: Results,
}

/// The percentiles of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The file of the baseline.
    pub file: String,
    /// By operation, then by percentile.
    pub rows: Vec<PercentileChange>,
}

/// A percentile of an operation in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PercentileChange {
    /// The name of the route.
    pub operation: String,
    /// Such as 99.0.
    pub percentile: f64,
    /// The value in the baseline, in microseconds.
    pub baseline_us: u64,
    /// The value in this run, in microseconds.
    pub current_us: u64,
    /// The increase in percent of the baseline.
    pub change_percent: f64,
    /// The assessment of the change.
    pub assessment: Assessment,
}

/// The assessment of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessment {
    /// Not more than allowed, or not more than chance explains.
    WithinLimit,
    /// A regression.
    Regressed,
    /// There are too few calls for an assessment.
    TooFewCalls,
}

/// A difference between the loads of two runs, which makes a comparison meaningless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadDifference {
    file: String,
    what: &'static str,
    baseline: String,
    current: String,
}

impl fmt::Display for LoadDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, what, baseline, current } = self;
        write!(f, "the baseline {file} has a different load: {what} was {baseline} and is {current}")
    }
}

impl Baseline {
    /// Checks whether a comparison with `results` says anything about the service.
    ///
    /// # Errors
    ///
    /// With the first difference between the loads.
    pub fn check_comparable(&self, results: &Results) -> Result<(), LoadDifference> {
        let before = &self.results;
        self.must_equal("`--scenario`", scenarios(before), scenarios(results))?;
        self.must_equal("the iteration", quoted(&before.iteration), quoted(&results.iteration))?;
        self.must_equal("checking of responses", on_off(before), on_off(results))?;
        self.must_equal("the load model", before.load.name().to_owned(), results.load.name().to_owned())?;
        self.check_load(&before.load, &results.load)?;
        if let LoadModel::Breakpoint { .. } = results.load {
            let [before, now] = [before, results].map(|results| results.pass_criteria.of_a_rate());
            self.must_equal("the pass criterion of a rate", before, now)?;
        }
        Ok(())
    }

    fn check_load(&self, before: &LoadModel, now: &LoadModel) -> Result<(), LoadDifference> {
        match (before, now) {
            (
                LoadModel::Closed { users, test_plan },
                LoadModel::Closed { users: users_now, test_plan: plan_now },
            ) => {
                let shown = |plan: &Option<String>| plan.clone().unwrap_or_else(|| "absent".to_owned());
                self.must_equal("the test plan", shown(test_plan), shown(plan_now))?;
                self.must_equal("the number of users", users.to_string(), users_now.to_string())
            }
            (LoadModel::Open { steps, .. }, LoadModel::Open { steps: steps_now, .. }) => {
                let is_close = steps.len() == steps_now.len()
                    && steps.iter().zip(steps_now).all(|(step, now)| step.is_close_to(now));
                if is_close {
                    return Ok(());
                }
                self.must_equal("the rate", LoadModel::rates(steps), LoadModel::rates(steps_now))
            }
            (LoadModel::Breakpoint { step_seconds, .. }, LoadModel::Breakpoint { step_seconds: now, .. }) => {
                self.must_equal("the duration of a rate", format!("{step_seconds} s"), format!("{now} s"))
            }
            _ => Ok(()),
        }
    }

    fn must_equal(
        &self,
        what: &'static str,
        baseline: String,
        current: String,
    ) -> Result<(), LoadDifference> {
        if baseline == current {
            return Ok(());
        }
        Err(LoadDifference { file: self.file.clone(), what, baseline, current })
    }

    /// Compares the percentiles of the operations that both runs called.
    pub(super) fn compare(&self, results: &Results, max_regression: f64) -> Comparison {
        let operations = results.operations.iter().filter_map(|(name, operation)| {
            let before = self.results.operations.get(name)?;
            Some((name, before.latency(), operation.latency()))
        });
        let rows = operations
            .flat_map(|(name, before, now)| {
                PERCENTILES.iter().filter_map(|percentile| {
                    percentile_change(name, *percentile, before, now, max_regression)
                })
            })
            .collect();
        Comparison { file: self.file.clone(), rows }
    }
}

fn scenarios(results: &Results) -> String {
    let scenarios = results.scenarios.iter();
    let scenarios: Vec<_> =
        scenarios.map(|scenario| format!("{}={}", scenario.name, scenario.weight)).collect();
    scenarios.join(",")
}

fn quoted(text: &str) -> String {
    format!("“{text}”")
}

fn on_off(results: &Results) -> String {
    if results.checks_enabled { "on" } else { "off" }.to_owned()
}

fn percentile_change(
    operation: &str,
    percentile: f64,
    before: &Histogram,
    now: &Histogram,
    max_regression: f64,
) -> Option<PercentileChange> {
    let (baseline_us, current_us) = (before.percentile(percentile)?, now.percentile(percentile)?);
    #[expect(clippy::cast_precision_loss, reason = "a change is shown in percent")]
    let change_percent = (current_us as f64 / baseline_us.max(1) as f64 - 1.0) * 100.0;
    let assessment = match (chance_range(before, percentile), chance_range(now, percentile)) {
        (Some((_, slowest_before)), Some((fastest_now, _)))
            if change_percent > max_regression && fastest_now > slowest_before =>
        {
            Assessment::Regressed
        }
        (Some(_), Some(_)) => Assessment::WithinLimit,
        _ => Assessment::TooFewCalls,
    };
    Some(PercentileChange {
        operation: operation.to_owned(),
        percentile,
        baseline_us,
        current_us,
        change_percent,
        assessment,
    })
}

/// The latencies between which chance would put a percentile; `None` if too few calls are beyond it.
#[expect(clippy::cast_precision_loss, reason = "a number of calls")]
fn chance_range(latency: &Histogram, percentile: f64) -> Option<(u64, u64)> {
    let calls = latency.count() as f64;
    let part = percentile / 100.0;
    if calls * (1.0 - part) < MIN_CALLS_BEYOND {
        return None;
    }
    let off = DEVIATIONS * (part * (1.0 - part) / calls).sqrt() * 100.0;
    let (from, to) = ((percentile - off).max(0.0), (percentile + off).min(100.0));
    Some((latency.percentile(from)?, latency.percentile(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::{self, Call};
    use crate::metrics::{RateStep, ScenarioCounts};

    fn baseline(results: Results) -> Baseline {
        Baseline { file: "before.json".to_owned(), results }
    }

    /// Returns results of the same calls with `percent` of their latency.
    fn scaled(calls: &[Call], percent: u64) -> Results {
        let mut calls = calls.to_vec();
        for call in &mut calls {
            call.micros = call.micros * percent / 100;
        }
        sample::results(&calls)
    }

    fn assessments(before: Results, now: &Results) -> Vec<Assessment> {
        baseline(before).compare(now, 20.0).rows.iter().map(|row| row.assessment).collect()
    }

    #[test]
    fn an_increase_by_half_is_a_regression() {
        let calls = sample::calls(1, 60_000, 10);
        let comparison = baseline(scaled(&calls, 100)).compare(&scaled(&calls, 150), 20.0);
        assert_eq!(comparison.rows.len(), 18);
        for row in comparison.rows {
            assert_eq!(row.assessment, Assessment::Regressed, "{row:?}");
            assert!((row.change_percent - 50.0).abs() < 2.0, "{row:?}");
        }
    }

    #[test]
    fn a_small_increase_is_within_the_limit() {
        let calls = sample::calls(1, 12_000, 10);
        for percent in [50, 100, 115] {
            let found = assessments(scaled(&calls, 100), &scaled(&calls, percent));
            assert!(found.iter().all(|found| *found == Assessment::WithinLimit), "{percent}: {found:?}");
        }
    }

    #[test]
    fn differences_by_chance_are_within_the_limit() {
        let before = sample::results(&sample::calls(1, 12_000, 10));
        for seed in 2..20 {
            let found = assessments(before.clone(), &sample::results(&sample::calls(seed, 12_000, 10)));
            assert!(!found.contains(&Assessment::Regressed), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn high_percentiles_of_few_calls_are_not_assessed() {
        // About a hundred calls of each operation: more than ten are beyond p50, five beyond p95.
        let calls = sample::calls(1, 600, 10);
        let comparison = baseline(scaled(&calls, 100)).compare(&scaled(&calls, 300), 20.0);
        for row in comparison.rows {
            let expected =
                if row.percentile > 50.0 { Assessment::TooFewCalls } else { Assessment::Regressed };
            assert_eq!(row.assessment, expected, "{row:?}");
        }
    }

    #[test]
    fn operations_of_only_one_run_are_not_compared() {
        let mut before = sample::results(&sample::calls(1, 600, 10));
        before.operations.remove("open_session");
        let mut now = sample::results(&sample::calls(2, 600, 10));
        now.operations.remove("get_session_by_id");
        assert_eq!(baseline(before).compare(&now, 20.0).rows.len(), 12);
    }

    /// Changes the results, and expects this message from the comparison with the original.
    #[track_caller]
    fn assert_differs(results: &Results, change: impl FnOnce(&mut Results), message: &str) {
        let mut now = results.clone();
        change(&mut now);
        let error = baseline(results.clone()).check_comparable(&now).unwrap_err().to_string();
        assert_eq!(error, format!("the baseline before.json has a different load: {message}"));
    }

    #[test]
    fn a_baseline_with_a_different_load_is_rejected() {
        let results = sample::results(&sample::calls(1, 60, 1));
        assert_eq!(baseline(results.clone()).check_comparable(&results), Ok(()));
        assert_differs(
            &results,
            |results| results.load = LoadModel::Closed { users: 16, test_plan: None },
            "the number of users was 8 and is 16",
        );
        assert_differs(
            &results,
            |results| results.load = LoadModel::Closed { users: 8, test_plan: Some("8,1s".to_owned()) },
            "the test plan was absent and is 8,1s",
        );
        assert_differs(
            &results,
            |results| results.load = LoadModel::Open { steps: Vec::new(), pre_allocated_vus: 9 },
            "the load model was closed and is open",
        );
        let browse = ScenarioCounts { name: "browse".to_owned(), weight: 2, started: 0, completed: 0 };
        assert_differs(
            &results,
            |results| results.scenarios.push(browse),
            "`--scenario` was lifecycle=1 and is lifecycle=1,browse=2",
        );
        assert_differs(
            &results,
            |results| results.iteration = "none".to_owned(),
            "the iteration was “lifecycle: open, 3 × store and read, close, delete; 256 bytes a store” and is “none”",
        );
        assert_differs(
            &results,
            |results| results.checks_enabled = false,
            "checking of responses was on and is off",
        );
    }

    fn open(rate: f64) -> LoadModel {
        let steps = vec![RateStep { from: rate, to: rate, seconds: 10.0 }];
        LoadModel::Open { steps, pre_allocated_vus: 9 }
    }

    #[test]
    fn rates_are_compared_but_for_rounding() {
        let mut results = sample::results(&sample::calls(1, 60, 1));
        results.load = open(10.0);
        let message = "the rate was 10/s for 10 s and is 20/s for 10 s";
        assert_differs(&results, |results| results.load = open(20.0), message);
        let (mut before, mut now) = (results.clone(), results);
        (before.load, now.load) = (open(0.3), open(0.1 + 0.2));
        assert_ne!(before.load, now.load);
        assert_eq!(baseline(before).check_comparable(&now), Ok(()));
    }

    fn breakpoint(step_seconds: f64) -> LoadModel {
        LoadModel::Breakpoint { steps: Vec::new(), step_seconds, pre_allocated_vus: 9, sustained_rate: None }
    }

    #[test]
    fn breakpoint_searches_need_the_same_criteria() {
        let mut results = sample::results(&sample::calls(1, 60, 1));
        results.load = breakpoint(5.0);
        results.pass_criteria.thresholds = vec!["p99<100ms".to_owned()];
        assert_eq!(baseline(results.clone()).check_comparable(&results), Ok(()));
        assert_differs(
            &results,
            |results| results.load = breakpoint(2.5),
            "the duration of a rate was 5 s and is 2.5 s",
        );
        assert_differs(
            &results,
            |results| results.pass_criteria.thresholds = vec!["p99<20ms".to_owned()],
            "the pass criterion of a rate was p99<100ms and error rate at most 0% and is p99<20ms and error rate at most 0%",
        );
        assert_differs(
            &results,
            |results| results.pass_criteria.max_error_rate = 1.0,
            "the pass criterion of a rate was p99<100ms and error rate at most 0% and is p99<100ms and error rate at most 1%",
        );
    }
}
