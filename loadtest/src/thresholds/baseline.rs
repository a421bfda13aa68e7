//! Earlier runs to compare a run with, and whether they had the same load.

use super::comparison::{self, Comparison};
use crate::metrics::{LoadModel, Results};
use std::fmt;

/// One or several earlier runs of the same load. Several show by how much runs of the same thing differ.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// The runs.
    pub runs: Vec<BaselineRun>,
}

/// An earlier run to compare with.
#[derive(Clone, Debug)]
pub struct BaselineRun {
    /// The file that it was read from.
    pub file: String,
    /// Its results.
    pub results: Results,
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
        self.runs.iter().try_for_each(|run| run.check_comparable(results))
    }

    /// The files that the runs were read from.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.file.clone()).collect()
    }

    /// Compares the percentiles of the operations.
    pub(super) fn compare(&self, results: &Results) -> Comparison {
        let before: Vec<_> = self.runs.iter().map(|run| &run.results).collect();
        comparison::compare(self.files(), &before, results, results.pass_criteria.max_regression, false)
    }
}

impl BaselineRun {
    /// Checks whether a comparison with `results` says anything about the service.
    ///
    /// # Errors
    ///
    /// With the first difference between the loads.
    fn check_comparable(&self, results: &Results) -> Result<(), LoadDifference> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;
    use crate::metrics::{RateStep, ScenarioMetrics};

    fn baseline(results: Results) -> Baseline {
        Baseline { runs: vec![BaselineRun { file: "before.json".to_owned(), results }] }
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
        let browse = ScenarioMetrics {
            name: "browse".to_owned(),
            weight: 2,
            started: 0,
            completed: 0,
            interrupted: 0,
            calls: None,
        };
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
