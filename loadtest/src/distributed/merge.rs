//! The results of all workers of a run, merged exactly.
//!
//! Results that do not belong together are rejected with the name of their file: numbers of half a run, or of
//! two runs, would look like any others.

use crate::error::LoadTestError;
use crate::metrics::{
    EXAMPLES, Ending, FailureSummary, LoadModel, Results, ScenarioCounts, SessionSummary, ViolationSummary,
    add,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// Merges the results of all workers of a run, each with the name of its file.
///
/// # Errors
///
/// When a worker is missing, is given twice, has not ended, or took part in another run.
pub(crate) fn merge_results(results: Vec<(String, Results)>) -> Result<Results, LoadTestError> {
    let mut results = in_order(results).map_err(LoadTestError::Merge)?;
    let (first_file, mut merged) = results.remove(0);
    must_have_ended(&first_file, &merged)?;
    for (file, results) in &results {
        must_have_ended(file, results)?;
        merged.merge(results).map_err(|what| {
            LoadTestError::Merge(format!("{file} and {first_file} are of different runs: {what} differs"))
        })?;
    }
    merged.execution_segment = None;
    Ok(merged)
}

/// Sorts the results by worker, and checks that none is missing.
fn in_order(results: Vec<(String, Results)>) -> Result<Vec<(String, Results)>, String> {
    let Some((first_file, first)) = results.first() else {
        return Err("no results to merge".to_owned());
    };
    let Some(expected) = first.execution_segment.map(|segment| segment.of) else {
        return if results.len() == 1 { Ok(results) } else { Err(not_distributed(first_file)) };
    };
    let mut by_index = BTreeMap::new();
    for (file, results) in results {
        let Some(segment) = results.execution_segment else { return Err(not_distributed(&file)) };
        if segment.of != expected || segment.index >= expected {
            let (index, of) = (segment.index, segment.of);
            return Err(format!("{file} is of worker {index}/{of}, the others are of {expected} workers"));
        }
        if let Some((other, _)) = by_index.get(&segment.index) {
            return Err(format!("{file} and {other} are both of worker {}", segment.index));
        }
        by_index.insert(segment.index, (file, results));
    }
    let missing: Vec<_> =
        (0..expected).filter(|index| !by_index.contains_key(index)).map(|index| index.to_string()).collect();
    if missing.is_empty() {
        return Ok(by_index.into_values().collect());
    }
    let (given, missing) = (by_index.len(), missing.join(", "));
    Err(format!("{given} of {expected} workers given, missing: {missing}"))
}

fn not_distributed(file: &str) -> String {
    format!("{file} is of a run without workers (--execution-segment I/N)")
}

fn must_have_ended(file: &str, results: &Results) -> Result<(), LoadTestError> {
    if results.ending == Ending::InProgress {
        return Err(LoadTestError::Merge(format!(
            "{file} is of a worker that is still running or was killed; wait for its end, or clean up and run again"
        )));
    }
    Ok(())
}

/// The name of the first difference between two runs.
type Difference = &'static str;

fn must_equal<T: PartialEq>(one: &T, other: &T, what: Difference) -> Result<(), Difference> {
    if one == other { Ok(()) } else { Err(what) }
}

impl Results {
    fn merge(&mut self, other: &Self) -> Result<(), Difference> {
        must_equal(&self.test_run_id, &other.test_run_id, "the test run id")?;
        must_equal(&self.program_version, &other.program_version, "the version of the load test")?;
        must_equal(&self.service, &other.service, "the service")?;
        must_equal(&self.iteration, &other.iteration, "the iteration")?;
        must_equal(&self.checks_enabled, &other.checks_enabled, "checking of responses")?;
        must_equal(&self.pass_criteria, &other.pass_criteria, "the pass criteria")?;
        self.load.merge(&other.load)?;
        merge_scenarios(&mut self.scenarios, &other.scenarios)?;
        let ended = self.ended().max(other.ended());
        self.started = self.started.min(other.started);
        self.duration_us =
            u64::try_from((ended - self.started).num_microseconds().unwrap_or(i64::MAX)).unwrap_or(0);
        for (name, operation) in &other.operations {
            self.operations.entry(name.clone()).or_default().merge(operation);
        }
        self.timeline.merge(&other.timeline);
        merge_failures(&mut self.failures, &other.failures);
        merge_violations(&mut self.violations, &other.violations);
        self.sessions.merge(&other.sessions);
        self.load_generators.extend(other.load_generators.iter().cloned());
        if other.ending.severity() > self.ending.severity() {
            self.ending = other.ending.clone();
        }
        Ok(())
    }

    fn ended(&self) -> DateTime<Utc> {
        let duration = TimeDelta::microseconds(i64::try_from(self.duration_us).unwrap_or(i64::MAX));
        self.started.checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl LoadModel {
    fn merge(&mut self, other: &Self) -> Result<(), Difference> {
        match (self, other) {
            (Self::Closed { users, test_plan }, Self::Closed { users: more, test_plan: other_plan }) => {
                // The steps of a plan are each worker's part, so only its presence must agree.
                must_equal(&test_plan.is_some(), &other_plan.is_some(), "the load model")?;
                add(users, *more);
                Ok(())
            }
            (
                Self::Open { steps, pre_allocated_vus },
                Self::Open { steps: other_steps, pre_allocated_vus: more },
            ) => {
                must_equal(&steps.len(), &other_steps.len(), "the number of rates")?;
                for (step, other) in steps.iter_mut().zip(other_steps) {
                    must_equal(&step.seconds, &other.seconds, "the duration of a rate")?;
                    step.from += other.from;
                    step.to += other.to;
                }
                add(pre_allocated_vus, *more);
                Ok(())
            }
            (Self::Breakpoint { .. }, Self::Breakpoint { .. }) => {
                Err("the sustained rate of independent breakpoint searches")
            }
            _ => Err("the load model"),
        }
    }
}

fn merge_scenarios(scenarios: &mut [ScenarioCounts], others: &[ScenarioCounts]) -> Result<(), Difference> {
    let weights = |scenarios: &[ScenarioCounts]| -> Vec<_> {
        scenarios.iter().map(|scenario| (scenario.name.clone(), scenario.weight)).collect()
    };
    must_equal(&weights(scenarios), &weights(others), "`--scenario`")?;
    for (scenario, other) in scenarios.iter_mut().zip(others) {
        add(&mut scenario.started, other.started);
        add(&mut scenario.completed, other.completed);
    }
    Ok(())
}

fn merge_failures(failures: &mut Vec<FailureSummary>, others: &[FailureSummary]) {
    for other in others {
        let is_same =
            |known: &&mut FailureSummary| known.operation == other.operation && known.reason == other.reason;
        match failures.iter_mut().find(is_same) {
            Some(known) => {
                add(&mut known.count, other.count);
                known.example = known.example.take().or_else(|| other.example.clone());
            }
            None => failures.push(other.clone()),
        }
    }
}

fn merge_violations(violations: &mut Vec<ViolationSummary>, others: &[ViolationSummary]) {
    for other in others {
        match violations.iter_mut().find(|known| known.kind == other.kind) {
            Some(known) => {
                add(&mut known.count, other.count);
                let room = EXAMPLES.saturating_sub(known.examples.len());
                known.examples.extend(other.examples.iter().take(room).cloned());
            }
            None => violations.push(other.clone()),
        }
    }
}

impl SessionSummary {
    fn merge(&mut self, other: &Self) {
        add(&mut self.opened, other.opened);
        add(&mut self.closed, other.closed);
        add(&mut self.deleted, other.deleted);
        add(&mut self.cleaned_up, other.cleaned_up);
        self.left_behind.merge(&other.left_behind);
        self.foreign.merge(&other.foreign);
        self.check_error = self.check_error.take().or_else(|| other.check_error.clone());
    }
}

impl Ending {
    /// The run ends like the worker with the highest severity.
    fn severity(&self) -> u8 {
        match self {
            Self::Planned => 0,
            Self::Threshold { .. } => 1,
            Self::Signal { .. } => 2,
            Self::Failed { .. } => 3,
            Self::InProgress => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ExecutionSegment, LoadGenerator, PassCriteria, RateStep, ViolationExample, sample};

    /// The results of three workers that shared `calls`.
    fn three(calls: &[sample::Call]) -> Vec<(String, Results)> {
        (0..3)
            .map(|index| {
                let part: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
                (format!("worker-{index}.json"), sample::results_of_worker(index, 3, &part))
            })
            .collect()
    }

    fn calls() -> Vec<sample::Call> {
        let mut calls = sample::calls(1, 6_000, 12);
        calls.iter_mut().step_by(500).for_each(|call| call.failure = Some("timeout"));
        calls
    }

    #[test]
    fn merged_results_equal_those_of_one_worker_with_all_calls() {
        let one = sample::results(&calls());
        let mut merged = merge_results(three(&calls())).unwrap();
        assert_eq!(merged.load_generators.len(), 3);
        assert_eq!(merged.load, LoadModel::Closed { users: 24, test_plan: None });
        for (name, operation) in &one.operations {
            let merged: Vec<_> = merged.operations[name].service_time.buckets().collect();
            assert_eq!(merged, operation.service_time.buckets().collect::<Vec<_>>(), "{name}");
        }
        // Only the load generators, their users, and the order of failures differ.
        merged.load_generators = one.load_generators.clone();
        merged.load = one.load.clone();
        merged.failures.sort_by(|one, other| one.operation.cmp(&other.operation));
        assert_eq!(merged, one);
    }

    #[test]
    fn the_order_of_the_files_does_not_matter() {
        let mut reversed = three(&calls());
        reversed.reverse();
        assert_eq!(merge_results(reversed), merge_results(three(&calls())));
    }

    #[test]
    fn a_merged_run_lasts_from_the_first_call_to_the_last() {
        let mut results = three(&calls());
        results[0].1.duration_us = 5_000_000;
        results[1].1.started -= TimeDelta::milliseconds(100);
        results[1].1.duration_us = 1_000_000;
        results[2].1.started = sample::started() + TimeDelta::seconds(10);
        results[2].1.duration_us = 4_000_000;
        let start = results[1].1.started;
        let merged = merge_results(results).unwrap();
        assert_eq!(merged.started, start);
        assert_eq!(merged.ended(), sample::started() + TimeDelta::seconds(14));
    }

    #[test]
    fn a_run_without_workers_is_unchanged() {
        let results = sample::results(&calls());
        assert_eq!(merge_results(vec![("run.json".to_owned(), results.clone())]), Ok(results));
    }

    /// Changes the results of three workers, and expects this error.
    #[track_caller]
    fn assert_rejected(change: impl FnOnce(&mut Vec<(String, Results)>), message: &str) {
        let mut results = three(&sample::calls(1, 30, 2));
        change(&mut results);
        assert_eq!(merge_results(results).unwrap_err().to_string(), message);
    }

    #[test]
    fn missing_and_surplus_results_are_named() {
        assert_rejected(Vec::clear, "no results to merge");
        assert_rejected(|results| drop(results.remove(1)), "2 of 3 workers given, missing: 1");
        assert_rejected(|results| results.truncate(1), "1 of 3 workers given, missing: 1, 2");
        assert_rejected(
            |results| results[2].1.execution_segment = Some(ExecutionSegment { index: 0, of: 3 }),
            "worker-2.json and worker-0.json are both of worker 0",
        );
        assert_rejected(
            |results| results[2].1.execution_segment = Some(ExecutionSegment { index: 2, of: 4 }),
            "worker-2.json is of worker 2/4, the others are of 3 workers",
        );
        assert_rejected(
            |results| results[1].1.execution_segment = None,
            "worker-1.json is of a run without workers (--execution-segment I/N)",
        );
    }

    #[test]
    fn a_worker_that_has_not_ended_is_named() {
        assert_rejected(
            |results| results[2].1.ending = Ending::InProgress,
            "worker-2.json is of a worker that is still running or was killed; wait for its end, or clean up and \
             run again",
        );
    }

    #[test]
    fn results_of_different_runs_are_rejected() {
        type Change = fn(&mut Results);
        let changes: [(Change, &str); 8] = [
            (|results| results.test_run_id.push('x'), "the test run id"),
            (|results| results.program_version.push('x'), "the version of the load test"),
            (|results| results.service.address.push('x'), "the service"),
            (|results| results.iteration.push('x'), "the iteration"),
            (|results| results.checks_enabled = false, "checking of responses"),
            (
                |results| {
                    results.pass_criteria = PassCriteria { min_requests: 9, ..PassCriteria::default() };
                },
                "the pass criteria",
            ),
            (|results| results.scenarios[0].weight = 7, "`--scenario`"),
            (
                |results| results.load = LoadModel::Open { steps: Vec::new(), pre_allocated_vus: 1 },
                "the load model",
            ),
        ];
        for (change, what) in changes {
            let message = format!("worker-2.json and worker-0.json are of different runs: {what} differs");
            assert_rejected(|results| change(&mut results[2].1), &message);
        }
    }

    #[test]
    fn rates_and_virtual_users_add_up() {
        let mut results = three(&sample::calls(1, 30, 2));
        for (_, results) in &mut results {
            let steps = vec![RateStep { from: 10.0, to: 20.0, seconds: 5.0 }];
            results.load = LoadModel::Open { steps, pre_allocated_vus: 4 };
            results.load_generators[0].delayed_iterations = 1;
        }
        let merged = merge_results(results).unwrap();
        let steps = vec![RateStep { from: 30.0, to: 60.0, seconds: 5.0 }];
        assert_eq!(merged.load, LoadModel::Open { steps, pre_allocated_vus: 12 });
        let delayed = merged.load_generators.iter().map(|generator| generator.delayed_iterations);
        assert_eq!(delayed.sum::<u64>(), 3);
    }

    #[test]
    fn counts_add_up_and_examples_are_limited() {
        let mut results = three(&sample::calls(1, 30, 2));
        for (file, results) in &mut results {
            let example = ViolationExample { session_id: file.clone(), ..ViolationExample::default() };
            results.violations = vec![ViolationSummary {
                kind: "stale data was returned".to_owned(),
                count: 7,
                examples: vec![example; 2],
            }];
            (0..3).for_each(|id| results.sessions.left_behind.add(id.to_string()));
        }
        let merged = merge_results(results).unwrap();
        let [violation] = &merged.violations[..] else { panic!("{:?}", merged.violations) };
        assert_eq!((violation.count, violation.examples.len()), (21, EXAMPLES));
        assert_eq!(violation.examples[4].session_id, "worker-2.json");
        let left_behind = &merged.sessions.left_behind;
        assert_eq!((left_behind.count, left_behind.ids.len()), (9, EXAMPLES));
    }

    #[test]
    fn the_gravest_ending_of_a_worker_is_that_of_the_run() {
        let mut results = three(&sample::calls(1, 30, 2));
        results[1].1.ending = Ending::Signal { signal: "SIGTERM".to_owned() };
        results[2].1.ending = Ending::Threshold { rule: "p95<1ms".to_owned() };
        let ending = merge_results(results).unwrap().ending;
        assert_eq!(ending, Ending::Signal { signal: "SIGTERM".to_owned() });
    }

    #[test]
    fn load_generators_are_kept_in_order() {
        let merged = merge_results(three(&calls())).unwrap();
        let workers: Vec<_> =
            merged.load_generators.iter().map(|LoadGenerator { worker, .. }| *worker).collect();
        assert_eq!(workers, [0, 1, 2]);
    }
}
