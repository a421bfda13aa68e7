//! Workers of a run whose results are missing or incomplete.
//!
//! Numbers of a part of a run look like those of the whole, so that a partial report must be asked for, says
//! so, and fails.

use crate::metrics::{Ending, LostWorker, Results};
use std::collections::BTreeMap;

const ALLOW: &str = "add --allow-missing for a partial report";

/// The workers that may be missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct LostWorkers {
    /// True if any worker may be missing.
    pub(crate) allow_missing: bool,
    /// The workers that are known to be lost, with the reasons.
    pub(crate) reasons: BTreeMap<u32, String>,
    /// The errors of files that cannot be read.
    pub(crate) unreadable: Vec<String>,
}

/// The parts of a run, in the order of their workers, with the names of their files.
#[derive(Debug)]
pub(super) struct Parts {
    /// The results of workers that have ended.
    pub(super) complete: Vec<(String, Results)>,
    /// The results of workers that were killed, as far as they go.
    pub(super) incomplete: Vec<(String, Results)>,
    pub(super) lost: Vec<LostWorker>,
}

impl LostWorkers {
    /// Sorts the results by worker, and by whether their worker has ended.
    pub(super) fn sort_out(&self, results: Vec<(String, Results)>) -> Result<Parts, String> {
        let Some((first_file, first)) = results.first() else {
            let reasons = self.reasons.iter().map(|(worker, reason)| format!("worker {worker}: {reason}"));
            let reasons: Vec<_> = reasons.chain(self.unreadable.iter().cloned()).collect();
            let colon = if reasons.is_empty() { "" } else { ": " };
            return Err(format!("no results to merge{colon}{}", reasons.join("; ")));
        };
        if let Some((file, _)) = results.iter().find(|(_, results)| results.against.is_some()) {
            return Err(format!("{file} is of a comparison, which has no workers: use the command report"));
        }
        let of = match first.execution_segment {
            Some(segment) => segment.of,
            None if results.len() == 1 => 1,
            None => return Err(not_distributed(first_file)),
        };
        let by_worker = by_worker(results, of)?;
        let mut lost = self.missing(&by_worker, of)?;
        let is_in_progress = |results: &Results| results.ending == Ending::InProgress;
        let (incomplete, complete): (Vec<_>, Vec<_>) =
            by_worker.into_iter().partition(|(_, (_, results))| is_in_progress(results));
        for (worker, (file, _)) in &incomplete {
            let reason = format!("{file} is of a worker that is still running or was killed");
            if !self.is_allowed(*worker) {
                return Err(format!("{reason}; wait for its end, or {ALLOW}"));
            }
            let reason = self.reasons.get(worker).cloned().unwrap_or(reason);
            lost.push(LostWorker { worker: *worker, reason });
        }
        lost.sort_by_key(|lost| lost.worker);
        let files = |parts: Vec<(u32, (String, Results))>| parts.into_iter().map(|(_, part)| part);
        let measured = |(_, results): &(String, Results)| results.calls() > 0;
        Ok(Parts {
            complete: files(complete).collect(),
            incomplete: files(incomplete).filter(measured).collect(),
            lost,
        })
    }

    fn missing(&self, given: &BTreeMap<u32, (String, Results)>, of: u32) -> Result<Vec<LostWorker>, String> {
        if let Some(worker) = self.reasons.keys().find(|worker| **worker >= of) {
            return Err(format!("worker {worker} cannot be lost: the run has {of} workers, counted from 0"));
        }
        let missing: Vec<_> = (0..of).filter(|worker| !given.contains_key(worker)).collect();
        let unknown: Vec<_> = missing.iter().filter(|worker| !self.is_allowed(**worker)).collect();
        if !unknown.is_empty() {
            let numbers: Vec<_> = unknown.iter().map(ToString::to_string).collect();
            let (given, numbers) = (given.len(), numbers.join(", "));
            return Err(format!("{given} of {of} workers given, missing: {numbers}; {ALLOW}"));
        }
        let unreadable = self.unreadable.join(", ");
        let no_results = if unreadable.is_empty() { "no results".to_owned() } else { unreadable };
        let reason = |worker: &u32| self.reasons.get(worker).unwrap_or(&no_results).clone();
        let lost = missing.into_iter().map(|worker| LostWorker { worker, reason: reason(&worker) });
        Ok(lost.collect())
    }

    fn is_allowed(&self, worker: u32) -> bool {
        self.allow_missing || self.reasons.contains_key(&worker)
    }
}

fn by_worker(results: Vec<(String, Results)>, of: u32) -> Result<BTreeMap<u32, (String, Results)>, String> {
    let mut by_worker = BTreeMap::<u32, (String, Results)>::new();
    for (file, results) in results {
        let worker = match results.execution_segment {
            Some(segment) if segment.of != of || segment.index >= of => {
                let (index, other) = (segment.index, segment.of);
                return Err(format!("{file} is of worker {index}/{other}, the others are of {of} workers"));
            }
            Some(segment) => segment.index,
            None if of == 1 => 0,
            None => return Err(not_distributed(&file)),
        };
        if let Some((other, _)) = by_worker.get(&worker) {
            return Err(format!("{file} and {other} are both of worker {worker}"));
        }
        by_worker.insert(worker, (file, results));
    }
    Ok(by_worker)
}

fn not_distributed(file: &str) -> String {
    format!("{file} is of a run without workers (--execution-segment I/N)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributed::merge::merge_results;
    use crate::error::LoadTestError;
    use crate::metrics::{ClockOffset, ExecutionSegment, LoadModel, sample};

    fn three() -> Vec<(String, Results)> {
        let calls = sample::calls(1, 30, 2);
        (0..3)
            .map(|index| {
                let part: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
                (format!("worker-{index}.json"), sample::results_of_worker(index, 3, &part))
            })
            .collect()
    }

    fn allow_missing() -> LostWorkers {
        LostWorkers { allow_missing: true, ..LostWorkers::default() }
    }

    /// Changes the results of three workers, and expects this error.
    #[track_caller]
    fn assert_rejected(lost: &LostWorkers, change: impl FnOnce(&mut Vec<(String, Results)>), message: &str) {
        let mut results = three();
        change(&mut results);
        let error = merge_results(results, lost).unwrap_err();
        assert_eq!(error, LoadTestError::Merge(message.to_owned()));
    }

    #[test]
    fn missing_and_surplus_results_are_named() {
        let none = LostWorkers::default();
        assert_rejected(&none, Vec::clear, "no results to merge");
        let missing = "2 of 3 workers given, missing: 1; add --allow-missing for a partial report";
        assert_rejected(&none, |results| drop(results.remove(1)), missing);
        let missing = "1 of 3 workers given, missing: 1, 2; add --allow-missing for a partial report";
        assert_rejected(&none, |results| results.truncate(1), missing);
        for lost in [none, allow_missing()] {
            assert_rejected(
                &lost,
                |results| results[2].1.execution_segment = Some(ExecutionSegment { index: 0, of: 3 }),
                "worker-2.json and worker-0.json are both of worker 0",
            );
            assert_rejected(
                &lost,
                |results| results[2].1.execution_segment = Some(ExecutionSegment { index: 2, of: 4 }),
                "worker-2.json is of worker 2/4, the others are of 3 workers",
            );
            assert_rejected(
                &lost,
                |results| results[1].1.execution_segment = None,
                "worker-1.json is of a run without workers (--execution-segment I/N)",
            );
        }
    }

    #[test]
    fn a_worker_that_has_not_ended_is_named() {
        assert_rejected(
            &LostWorkers::default(),
            |results| results[2].1.ending = Ending::InProgress,
            "worker-2.json is of a worker that is still running or was killed; wait for its end, or add \
             --allow-missing for a partial report",
        );
    }

    #[test]
    fn a_missing_worker_makes_the_results_partial() {
        let mut results = three();
        results.remove(1);
        let merged = merge_results(results, &allow_missing()).unwrap();
        assert_eq!((merged.calls(), merged.workers()), (20, [2, 3]));
        assert_eq!(merged.lost_workers, [LostWorker { worker: 1, reason: "no results".to_owned() }]);
    }

    #[test]
    fn the_calls_of_a_killed_worker_count_and_it_is_lost() {
        let mut results = three();
        results[0].1.ending = Ending::InProgress;
        let merged = merge_results(results, &allow_missing()).unwrap();
        assert_eq!((merged.calls(), merged.workers()), (30, [2, 3]));
        assert_eq!(merged.ending, Ending::Planned);
        let [lost] = &merged.lost_workers[..] else { panic!("{:?}", merged.lost_workers) };
        assert_eq!((lost.worker, lost.reason.starts_with("worker-0.json is of a worker")), (0, true));
        let workers: Vec<_> = merged.load_generators.iter().map(|generator| generator.worker).collect();
        assert_eq!(workers, [0, 1, 2]);
    }

    #[test]
    fn a_killed_worker_without_calls_adds_nothing() {
        let mut results = three();
        let template = &mut results[2].1;
        template.ending = Ending::InProgress;
        template.operations.clear();
        let merged = merge_results(results, &allow_missing()).unwrap();
        assert_eq!(merged.load, LoadModel::Closed { users: 16, test_plan: None });
        assert_eq!(merged.workers(), [2, 3]);
    }

    #[test]
    fn the_reason_of_a_lost_worker_is_kept() {
        let reasons = BTreeMap::from([(1, "load-2: connection refused".to_owned())]);
        let lost = LostWorkers { reasons, ..LostWorkers::default() };
        let mut results = three();
        results.remove(1);
        let merged = merge_results(results, &lost).unwrap();
        assert_eq!(merged.lost_workers[0].reason, "load-2: connection refused");
        // No other worker may be missing.
        let missing = "1 of 3 workers given, missing: 2; add --allow-missing for a partial report";
        assert_rejected(&lost, |results| results.truncate(1), missing);
    }

    #[test]
    fn a_lost_worker_must_be_one_of_the_run() {
        let reasons = BTreeMap::from([(3, "killed".to_owned())]);
        let lost = LostWorkers { reasons, ..LostWorkers::default() };
        let error = "worker 3 cannot be lost: the run has 3 workers, counted from 0";
        assert_rejected(&lost, |_| (), error);
    }

    #[test]
    fn without_any_results_the_reasons_are_named() {
        let reasons = BTreeMap::from([(0, "load-1: no route to host".to_owned())]);
        let unreadable = vec!["worker-1.json: is empty".to_owned()];
        let lost = LostWorkers { allow_missing: true, reasons, unreadable };
        let error = "no results to merge: worker 0: load-1: no route to host; worker-1.json: is empty";
        assert_rejected(&lost, Vec::clear, error);
    }

    fn kill(results: &mut [(String, Results)]) {
        for (_, results) in results {
            results.ending = Ending::InProgress;
        }
    }

    #[test]
    fn the_calls_count_even_if_all_workers_were_killed() {
        let mut results = three();
        kill(&mut results);
        let merged = merge_results(results, &allow_missing()).unwrap();
        assert_eq!((merged.calls(), merged.workers()), (30, [0, 3]));
        assert_eq!(merged.ending, Ending::InProgress);
    }

    #[test]
    fn killed_workers_without_any_calls_are_not_merged() {
        let end = |results: &mut Vec<(String, Results)>| {
            kill(results);
            for (_, results) in results {
                results.operations.clear();
            }
        };
        assert_rejected(&allow_missing(), end, "no results to merge");
    }

    #[test]
    fn a_killed_worker_that_ran_later_is_not_added_up() {
        let mut results = three();
        kill(&mut results[2..]);
        results[2].1.started += chrono::TimeDelta::seconds(45);
        let error = merge_results(results, &allow_missing()).unwrap_err().to_string();
        assert!(error.starts_with("the workers did not load the service together"), "{error}");
    }

    #[test]
    fn the_clock_of_a_killed_worker_is_checked() {
        let mut results = three();
        kill(&mut results[2..]);
        for ((_, results), offset_us) in results.iter_mut().zip([0, 0, 60_000_000]) {
            let clock = ClockOffset { offset_us, uncertainty_us: 1_000 };
            results.load_generators[0].clock_offset = Some(clock);
        }
        let error = merge_results(results, &allow_missing()).unwrap_err().to_string();
        assert!(error.starts_with("the clock of worker-2.json is 60.00 s ahead"), "{error}");
    }
}
