//! The results of all workers of a run, merged exactly.
//!
//! Results that do not belong together are rejected with the name of their file: numbers of half a run, or of
//! two runs, would look like any others.

use super::lost::{LostWorkers, Parts};
use super::overlap;
use crate::error::LoadTestError;
use crate::metrics::{
    EXAMPLES, Ending, FailureSummary, FaultWindow, LoadModel, RateLimitDelays, Results, ScenarioMetrics,
    ServiceInfo, SessionSummary, StepMetrics, ViolationSummary, WarmUp, add,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Merges the results of the workers of a run, each with the name of its file.
///
/// # Errors
///
/// When a worker is lost and `lost` does not allow it, or when one is given twice, took part in another run,
/// has a wrong clock, or ran at another time.
pub(crate) fn merge_results(
    results: Vec<(String, Results)>,
    lost: &LostWorkers,
) -> Result<Results, LoadTestError> {
    merge_parts(results, lost).map_err(LoadTestError::Merge)
}

fn merge_parts(results: Vec<(String, Results)>, lost: &LostWorkers) -> Result<Results, String> {
    let Parts { complete, incomplete, lost } = lost.sort_out(results)?;
    let parts: Vec<_> = complete.into_iter().chain(incomplete).collect();
    let shifts = overlap::check(&parts)?;
    let mut parts = parts.into_iter().zip(shifts).map(|((file, mut results), shift)| {
        results.shift(shift);
        (file, results)
    });
    let Some((first_file, mut merged)) = parts.next() else { return Err("no results to merge".to_owned()) };
    for (file, results) in parts {
        merged
            .merge(&results)
            .map_err(|what| format!("{file} and {first_file} are of different runs: {what} differs"))?;
    }
    merged.load_generators.sort_by_key(|generator| generator.worker);
    merged.lost_workers = lost;
    merged.execution_segment = None;
    Ok(merged)
}

/// The name of the first difference between two runs.
type Difference = &'static str;

fn must_equal<T: PartialEq>(one: &T, other: &T, what: Difference) -> Result<(), Difference> {
    if one == other { Ok(()) } else { Err(what) }
}

impl Results {
    fn merge(&mut self, other: &Self) -> Result<(), Difference> {
        must_equal(&self.test_run_id, &other.test_run_id, "the test run id")?;
        must_equal(&self.tags, &other.tags, "`--tag`")?;
        must_equal(&self.program_version, &other.program_version, "the version of the load test")?;
        must_equal(&self.contract, &other.contract, "the contract")?;
        self.service.merge(&other.service)?;
        must_equal(&self.iteration, &other.iteration, "the iteration")?;
        must_equal(&self.checks_enabled, &other.checks_enabled, "checking of responses")?;
        must_equal(&self.pass_criteria, &other.pass_criteria, "the pass criteria")?;
        self.load.merge(&other.load)?;
        merge_scenarios(&mut self.scenarios, &other.scenarios)?;
        merge_steps(&mut self.steps, &other.steps)?;
        merge_warm_up(self.warm_up.as_mut(), other.warm_up.as_ref())?;
        merge_faults(&mut self.faults, &other.faults)?;
        self.expected_failures.merge(&other.expected_failures);
        merge_rate_limit(self.rate_limit.as_mut(), other.rate_limit.as_ref())?;
        let ended = self.ended().max(other.ended());
        let load_ended = self.load_ended().max(other.load_ended());
        self.started = self.started.min(other.started);
        let since_start = |end: DateTime<Utc>| {
            u64::try_from((end - self.started).num_microseconds().unwrap_or(i64::MAX)).unwrap_or(0)
        };
        (self.duration_us, self.load_us) = (since_start(ended), since_start(load_ended));
        self.phases.merge(&other.phases);
        for (name, operation) in &other.operations {
            self.operations.entry(name.clone()).or_default().merge(operation);
        }
        self.timeline.merge(&other.timeline);
        self.availability.merge(&other.availability);
        merge_failures(&mut self.failures, &other.failures);
        merge_violations(&mut self.violations, &other.violations);
        self.sessions.merge(&other.sessions);
        merge_counts(&mut self.sent_again, &other.sent_again);
        for (purpose, operations) in &other.other_calls {
            merge_counts(self.other_calls.entry(purpose.clone()).or_default(), operations);
        }
        self.load_generators.extend(other.load_generators.iter().cloned());
        // A worker in progress is lost, which the results say elsewhere.
        if other.ending != Ending::InProgress && other.ending.severity() > self.ending.severity() {
            self.ending = other.ending.clone();
        }
        Ok(())
    }

    /// Moves the start to the clock of another worker. The seconds of the timeline remain those of this one.
    fn shift(&mut self, ahead: TimeDelta) {
        let shifted = |time: DateTime<Utc>| time.checked_sub_signed(ahead).unwrap_or(time);
        self.started = shifted(self.started);
        for generator in &mut self.load_generators {
            generator.started = shifted(generator.started);
        }
        self.faults.iter_mut().for_each(|window| window.shift(ahead));
    }

    fn ended(&self) -> DateTime<Utc> {
        self.after_start(self.duration_us)
    }

    fn load_ended(&self) -> DateTime<Utc> {
        self.after_start(self.load_us)
    }

    fn after_start(&self, micros: u64) -> DateTime<Utc> {
        let duration = TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX));
        self.started.checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl ServiceInfo {
    /// Instances of a service differ in their versions during a deployment, and one may not report any.
    fn merge(&mut self, other: &Self) -> Result<(), Difference> {
        let same = |service: &Self| Self {
            name: service.name.clone().or_else(|| self.name.clone()).or_else(|| other.name.clone()),
            version: None,
            other_versions: Vec::new(),
            ..service.clone()
        };
        let merged = same(self);
        must_equal(&merged, &same(other), "the service")?;
        let versions = [&*self, other]
            .into_iter()
            .flat_map(|service| service.version.iter().chain(&service.other_versions).cloned());
        let mut versions = versions.collect::<BTreeSet<_>>().into_iter();
        *self = Self { version: versions.next(), other_versions: versions.collect(), ..merged };
        Ok(())
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

fn merge_scenarios(scenarios: &mut [ScenarioMetrics], others: &[ScenarioMetrics]) -> Result<(), Difference> {
    let weights = |scenarios: &[ScenarioMetrics]| -> Vec<_> {
        scenarios.iter().map(|scenario| (scenario.name.clone(), scenario.weight)).collect()
    };
    must_equal(&weights(scenarios), &weights(others), "`--scenario`")?;
    for (scenario, other) in scenarios.iter_mut().zip(others) {
        add(&mut scenario.started, other.started);
        add(&mut scenario.completed, other.completed);
        if let Some(calls) = &other.calls {
            scenario.calls.get_or_insert_default().merge(calls);
        }
        add(&mut scenario.interrupted, other.interrupted);
    }
    Ok(())
}

fn merge_steps(steps: &mut [StepMetrics], others: &[StepMetrics]) -> Result<(), Difference> {
    must_equal(&steps.len(), &others.len(), "the number of rates")?;
    for (step, other) in steps.iter_mut().zip(others) {
        step.merge(other);
    }
    Ok(())
}

fn merge_faults(windows: &mut [FaultWindow], others: &[FaultWindow]) -> Result<(), Difference> {
    let faults =
        |windows: &[FaultWindow]| -> Vec<_> { windows.iter().map(|window| window.fault.clone()).collect() };
    must_equal(&faults(windows), &faults(others), "`--fault`")?;
    windows.iter_mut().zip(others).for_each(|(window, other)| window.merge(other));
    Ok(())
}

fn merge_warm_up(warm_up: Option<&mut WarmUp>, other: Option<&WarmUp>) -> Result<(), Difference> {
    const WHAT: Difference = "the warm-up";
    match (warm_up, other) {
        (None, None) => Ok(()),
        (Some(warm_up), Some(other)) => {
            must_equal(&warm_up.seconds, &other.seconds, WHAT)?;
            warm_up.calls.merge(&other.calls);
            merge_failures(&mut warm_up.failures, &other.failures);
            Ok(())
        }
        _ => Err(WHAT),
    }
}

/// Adds counts by operation.
fn merge_counts(sums: &mut BTreeMap<String, u64>, operations: &BTreeMap<String, u64>) {
    for (operation, count) in operations {
        add(sums.entry(operation.clone()).or_default(), *count);
    }
}

fn merge_rate_limit(
    delays: Option<&mut RateLimitDelays>,
    other: Option<&RateLimitDelays>,
) -> Result<(), Difference> {
    match (delays, other) {
        (None, None) => Ok(()),
        (Some(delays), Some(other)) => {
            delays.merge(other);
            Ok(())
        }
        _ => Err("`--on-429`"),
    }
}

fn merge_failures(failures: &mut Vec<FailureSummary>, others: &[FailureSummary]) {
    for other in others {
        let is_same =
            |known: &&mut FailureSummary| known.operation == other.operation && known.reason == other.reason;
        match failures.iter_mut().find(is_same) {
            Some(known) => {
                add(&mut known.count, other.count);
                if other.seen[0] < known.seen[0] || known.example.is_none() {
                    (known.example, known.trace_id) = (other.example.clone(), other.trace_id.clone());
                }
                let ([first, last], [other_first, other_last]) = (known.seen, other.seen);
                known.seen = [first.min(other_first), last.max(other_last)];
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
    use crate::metrics::{
        CallMetrics, ClockOffset, LoadGenerator, PassCriteria, RateStep, ViolationExample, sample,
    };

    /// The results of three workers that shared `calls`.
    fn three(calls: &[sample::Call]) -> Vec<(String, Results)> {
        (0..3)
            .map(|index| {
                let part: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
                (format!("worker-{index}.json"), sample::results_of_worker(index, 3, &part))
            })
            .collect()
    }

    fn merge_results(results: Vec<(String, Results)>) -> Result<Results, LoadTestError> {
        super::merge_results(results, &LostWorkers::default())
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
        results[1].1.started -= TimeDelta::milliseconds(100);
        results[2].1.started = sample::started() + TimeDelta::milliseconds(200);
        results[2].1.duration_us = 14_000_000;
        let start = results[1].1.started;
        let merged = merge_results(results).unwrap();
        assert_eq!(merged.started, start);
        assert_eq!(merged.ended(), sample::started() + TimeDelta::milliseconds(14_200));
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
    fn results_of_different_runs_are_rejected() {
        type Change = fn(&mut Results);
        let changes: [(Change, &str); 10] = [
            (
                |results| {
                    results.tags.insert("build".to_owned(), "7".to_owned());
                },
                "`--tag`",
            ),
            (|results| results.test_run_id.push('x'), "the test run id"),
            (|results| results.program_version.push('x'), "the version of the load test"),
            (|results| results.service.address.push('x'), "the service"),
            (|results| results.service.insecure = true, "the service"),
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
    fn workers_that_found_other_versions_of_the_service_are_merged() {
        let mut results = three(&calls());
        let found = [Some("1.4.3"), None, Some("1.4.2")];
        for ((_, results), version) in results.iter_mut().zip(found) {
            results.service.version = version.map(str::to_owned);
            results.service.name = version.map(|_| "sessions".to_owned());
        }
        let service = merge_results(results.clone()).unwrap().service;
        assert_eq!((service.name.as_deref(), service.version.as_deref()), (Some("sessions"), Some("1.4.2")));
        assert_eq!(service.other_versions, ["1.4.3"]);
        results.reverse();
        assert_eq!(merge_results(results.clone()).unwrap().service, service);
        results[0].1.service.name = Some("orders".to_owned());
        let error = merge_results(results).unwrap_err().to_string();
        assert!(error.ends_with(" are of different runs: the service differs"), "{error}");
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
    fn steps_scenarios_and_warm_ups_add_up() {
        let mut results = three(&sample::calls(1, 30, 2));
        let calls = CallMetrics { failures: 1, latency: [5_000].into_iter().collect() };
        for (_, results) in &mut results {
            let ended = [1_000_000].into_iter().collect();
            results.steps = vec![StepMetrics { due: 3, started: 2, ended, calls: calls.clone() }];
            results.scenarios[0].calls = Some(calls.clone());
            let warm_up = WarmUp { seconds: 1.0, calls: calls.clone(), failures: results.failures.clone() };
            results.warm_up = Some(warm_up);
        }
        let merged = merge_results(results).unwrap();
        let sum = CallMetrics { failures: 3, latency: [5_000; 3].into_iter().collect() };
        let ended = [1_000_000; 3].into_iter().collect();
        assert_eq!(merged.steps, [StepMetrics { due: 9, started: 6, ended, calls: sum.clone() }]);
        assert_eq!(merged.scenarios[0].calls, Some(sum.clone()));
        assert_eq!(merged.warm_up.unwrap().calls, sum);
    }

    #[test]
    fn delays_by_a_rate_limit_add_up() {
        let delays = RateLimitDelays { calls: 2, rejections: 5, waited_us: 1_000 };
        let mut results = three(&sample::calls(1, 30, 2));
        for (_, results) in &mut results {
            results.rate_limit = Some(delays);
        }
        let sum = RateLimitDelays { calls: 6, rejections: 15, waited_us: 3_000 };
        assert_eq!(merge_results(results).unwrap().rate_limit, Some(sum));
        let message = "worker-2.json and worker-0.json are of different runs: `--on-429` differs";
        assert_rejected(|results| results[2].1.rate_limit = Some(delays), message);
    }

    #[test]
    fn a_worker_with_another_warm_up_is_of_another_run() {
        let warm_up = WarmUp { seconds: 2.0, ..WarmUp::default() };
        let message = "worker-2.json and worker-0.json are of different runs: the warm-up differs";
        assert_rejected(|results| results[2].1.warm_up = Some(warm_up), message);
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
    fn start_times_are_moved_to_the_clock_of_the_first_worker() {
        let mut results = three(&calls());
        for ((_, results), ahead_us) in results.iter_mut().zip([200_000, 900_000, 195_000]) {
            let generator = &mut results.load_generators[0];
            generator.clock_offset = Some(ClockOffset { offset_us: ahead_us, uncertainty_us: 10_000 });
            generator.started = sample::started() + TimeDelta::microseconds(ahead_us);
            results.started = generator.started;
        }
        let first = results[0].1.started;
        let merged = merge_results(results).unwrap();
        // All started together: only what the uncertainty of both clocks leaves open remains.
        let apart = |generator: &LoadGenerator| (generator.started - first).num_milliseconds();
        let apart: Vec<_> = merged.load_generators.iter().map(apart).collect();
        assert_eq!(apart, [0, 20, -5]);
    }

    #[test]
    fn load_generators_are_kept_in_order() {
        let merged = merge_results(three(&calls())).unwrap();
        let workers: Vec<_> =
            merged.load_generators.iter().map(|LoadGenerator { worker, .. }| *worker).collect();
        assert_eq!(workers, [0, 1, 2]);
    }
}
