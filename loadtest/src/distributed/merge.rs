//! The records of all workers of a run as one.
//!
//! What does not belong together is refused by the name of its file: a figure that is made of half a run, or of
//! two, looks like any other.

use crate::metrics::{Audit, EXAMPLES, Ending, Failure, LoadModel, Record, Scenario, Violation, add};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::fmt;

/// Why records do not make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotMerge(String);

impl fmt::Display for CannotMerge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotMerge {}

/// Makes one record of those of all workers of a run, each with the name of its file.
///
/// # Errors
///
/// When a worker is missing or given twice, is still at work, or worked on another run.
pub fn merge(records: Vec<(String, Record)>) -> Result<Record, CannotMerge> {
    let mut records = in_order(records)?;
    let (first_file, mut whole) = records.remove(0);
    must_be_over(&first_file, &whole)?;
    for (file, record) in &records {
        must_be_over(file, record)?;
        whole.take_in(record).map_err(|what| {
            CannotMerge(format!("{file} is of another run than {first_file}: {what} differs"))
        })?;
    }
    whole.worker = None;
    Ok(whole)
}

/// The records in the order of their workers, none of which is missing.
fn in_order(records: Vec<(String, Record)>) -> Result<Vec<(String, Record)>, CannotMerge> {
    let Some((first_file, first)) = records.first() else {
        return Err(CannotMerge("there is no record to merge".to_owned()));
    };
    let Some(expected) = first.worker.map(|worker| worker.of) else {
        return match records.get(1) {
            None => Ok(records),
            Some(_) => Err(not_a_part(first_file)),
        };
    };
    let mut by_index = BTreeMap::new();
    for (file, record) in records {
        let Some(worker) = record.worker else { return Err(not_a_part(&file)) };
        if worker.of != expected || worker.index >= expected {
            return Err(CannotMerge(format!(
                "{file} is of worker {}/{}, and the others are of {expected} workers",
                worker.index, worker.of
            )));
        }
        if let Some((other, _)) = by_index.get(&worker.index) {
            return Err(CannotMerge(format!("{file} and {other} are both of worker {}", worker.index)));
        }
        by_index.insert(worker.index, (file, record));
    }
    let missing: Vec<_> =
        (0..expected).filter(|index| !by_index.contains_key(index)).map(|index| index.to_string()).collect();
    if missing.is_empty() {
        return Ok(by_index.into_values().collect());
    }
    let workers = if missing.len() == 1 { "worker" } else { "workers" };
    Err(CannotMerge(format!(
        "of {expected} workers {} gave a record; give that of {workers} {} as well",
        by_index.len(),
        missing.join(", ")
    )))
}

fn not_a_part(file: &str) -> CannotMerge {
    CannotMerge(format!("{file} is of a run of its own, not of one of several workers (--worker i/n)"))
}

fn must_be_over(file: &str, record: &Record) -> Result<(), CannotMerge> {
    if record.ending == Ending::InProgress {
        return Err(CannotMerge(format!(
            "{file} is of a worker that is still at work or was killed; wait for its end, or clean up after the \
             run and repeat it"
        )));
    }
    Ok(())
}

/// The name of what differs.
type Differs = &'static str;

fn same<T: PartialEq>(one: &T, other: &T, what: Differs) -> Result<(), Differs> {
    if one == other { Ok(()) } else { Err(what) }
}

impl Record {
    fn take_in(&mut self, other: &Self) -> Result<(), Differs> {
        same(&self.run, &other.run, "the run's id")?;
        same(&self.program, &other.program, "the version of the program")?;
        same(&self.service, &other.service, "the service")?;
        same(&self.plan, &other.plan, "what an iteration consists of")?;
        same(&self.client, &other.client, "the HTTP client")?;
        same(&self.verified, &other.verified, "whether answers were verified")?;
        same(&self.rules, &other.rules, "what it is judged by")?;
        self.load.take_in(&other.load)?;
        take_in_scenarios(&mut self.scenarios, &other.scenarios)?;

        let ended = self.ended().max(other.ended());
        self.started = self.started.min(other.started);
        self.span_us =
            u64::try_from((ended - self.started).num_microseconds().unwrap_or(i64::MAX)).unwrap_or(0);
        for (name, operation) in &other.operations {
            self.operations.entry(name.clone()).or_default().merge(operation);
        }
        self.timeline.merge(&other.timeline);
        take_in_failures(&mut self.failures, &other.failures);
        take_in_violations(&mut self.violations, &other.violations);
        self.audit.take_in(&other.audit);
        self.workers.extend(other.workers.iter().cloned());
        if other.ending.severity() > self.ending.severity() {
            self.ending = other.ending.clone();
        }
        Ok(())
    }

    fn ended(&self) -> DateTime<Utc> {
        let span = TimeDelta::microseconds(i64::try_from(self.span_us).unwrap_or(i64::MAX));
        self.started.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl LoadModel {
    fn take_in(&mut self, other: &Self) -> Result<(), Differs> {
        match (self, other) {
            (Self::Closed { users, test_plan }, Self::Closed { users: more, test_plan: other }) => {
                // The steps are each worker's own share; whether there are any is not.
                same(&test_plan.is_some(), &other.is_some(), "the load model")?;
                add(users, *more);
                Ok(())
            }
            (Self::Open { steps, lanes }, Self::Open { steps: others, lanes: more }) => {
                same(&steps.len(), &others.len(), "the number of rates")?;
                for (step, other) in steps.iter_mut().zip(others) {
                    same(&step.seconds, &other.seconds, "the time of a rate")?;
                    step.from += other.from;
                    step.to += other.to;
                }
                add(lanes, *more);
                Ok(())
            }
            (Self::FindLimit { .. }, Self::FindLimit { .. }) => {
                Err("the rate that each found, since a limit is sought by one worker alone,")
            }
            _ => Err("the load model"),
        }
    }
}

fn take_in_scenarios(scenarios: &mut [Scenario], others: &[Scenario]) -> Result<(), Differs> {
    let mix = |scenarios: &[Scenario]| -> Vec<_> {
        scenarios.iter().map(|scenario| (scenario.name.clone(), scenario.weight)).collect()
    };
    same(&mix(scenarios), &mix(others), "the mix of scenarios")?;
    for (scenario, other) in scenarios.iter_mut().zip(others) {
        add(&mut scenario.begun, other.begun);
        add(&mut scenario.iterations, other.iterations);
    }
    Ok(())
}

fn take_in_failures(failures: &mut Vec<Failure>, others: &[Failure]) {
    for other in others {
        let same = |known: &&mut Failure| known.operation == other.operation && known.name == other.name;
        match failures.iter_mut().find(same) {
            Some(known) => {
                add(&mut known.count, other.count);
                known.example = known.example.take().or_else(|| other.example.clone());
            }
            None => failures.push(other.clone()),
        }
    }
}

fn take_in_violations(violations: &mut Vec<Violation>, others: &[Violation]) {
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

impl Audit {
    fn take_in(&mut self, other: &Self) {
        add(&mut self.opened, other.opened);
        add(&mut self.closed, other.closed);
        add(&mut self.deleted, other.deleted);
        add(&mut self.removed, other.removed);
        self.left_behind.merge(&other.left_behind);
        self.foreign.merge(&other.foreign);
        self.unknown = self.unknown.take().or_else(|| other.unknown.clone());
    }
}

impl Ending {
    /// Of several workers the one that ended worst says how the run ended.
    fn severity(&self) -> u8 {
        match self {
            Self::Planned => 0,
            Self::Threshold { .. } => 1,
            Self::Signal { .. } => 2,
            Self::Broken { .. } => 3,
            Self::InProgress => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Example, RateStep, Rules, Worker, WorkerHealth, sample};

    /// The records of three workers that shared `calls` out among them.
    fn three(calls: &[sample::Call]) -> Vec<(String, Record)> {
        (0..3)
            .map(|index| {
                let share: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
                (format!("worker-{index}.json"), sample::of_worker(index, 3, &share))
            })
            .collect()
    }

    fn calls() -> Vec<sample::Call> {
        let mut calls = sample::calls(1, 6_000, 12);
        calls.iter_mut().step_by(500).for_each(|call| call.failure = Some("timeout"));
        calls
    }

    #[test]
    fn three_workers_merged_are_one_worker_with_the_same_calls_bucket_by_bucket() {
        let one = sample::record(&calls());
        let mut merged = merge(three(&calls())).unwrap();
        assert_eq!(merged.workers.len(), 3);
        assert_eq!(merged.load, LoadModel::Closed { users: 24, test_plan: None });
        for (name, operation) in &one.operations {
            let of_merged: Vec<_> = merged.operations[name].times.buckets().collect();
            assert_eq!(of_merged, operation.times.buckets().collect::<Vec<_>>(), "{name}");
        }
        // All that is left to differ is what each worker says of itself, and how the failures are ordered.
        merged.workers = one.workers.clone();
        merged.load = one.load.clone();
        merged.failures.sort_by(|one, other| one.operation.cmp(&other.operation));
        assert_eq!(merged, one);
    }

    #[test]
    fn the_order_of_the_files_does_not_matter() {
        let mut reversed = three(&calls());
        reversed.reverse();
        assert_eq!(merge(reversed), merge(three(&calls())));
    }

    #[test]
    fn a_merged_run_lasts_from_the_first_call_of_all_to_the_last() {
        let mut records = three(&calls());
        records[0].1.span_us = 5_000_000;
        records[1].1.started -= TimeDelta::milliseconds(100);
        records[1].1.span_us = 1_000_000;
        records[2].1.started = sample::started() + TimeDelta::seconds(10);
        records[2].1.span_us = 4_000_000;
        let start = records[1].1.started;
        let merged = merge(records).unwrap();
        assert_eq!(merged.started, start);
        assert_eq!(merged.ended(), sample::started() + TimeDelta::seconds(14));
    }

    #[test]
    fn a_run_of_its_own_is_a_whole() {
        let record = sample::record(&calls());
        assert_eq!(merge(vec![("run.json".to_owned(), record.clone())]), Ok(record));
    }

    /// Changes the records of three workers, and expects what is said about it.
    #[track_caller]
    fn assert_refused(change: impl FnOnce(&mut Vec<(String, Record)>), message: &str) {
        let mut records = three(&sample::calls(1, 30, 2));
        change(&mut records);
        assert_eq!(merge(records).unwrap_err().to_string(), message);
    }

    #[test]
    fn records_that_are_missing_or_too_many_are_named() {
        assert_refused(Vec::clear, "there is no record to merge");
        assert_refused(
            |records| drop(records.remove(1)),
            "of 3 workers 2 gave a record; give that of worker 1 as well",
        );
        assert_refused(
            |records| records.truncate(1),
            "of 3 workers 1 gave a record; give that of workers 1, 2 as well",
        );
        assert_refused(
            |records| records[2].1.worker = Some(Worker { index: 0, of: 3 }),
            "worker-2.json and worker-0.json are both of worker 0",
        );
        assert_refused(
            |records| records[2].1.worker = Some(Worker { index: 2, of: 4 }),
            "worker-2.json is of worker 2/4, and the others are of 3 workers",
        );
        assert_refused(
            |records| records[1].1.worker = None,
            "worker-1.json is of a run of its own, not of one of several workers (--worker i/n)",
        );
    }

    #[test]
    fn a_worker_that_has_not_come_to_its_end_is_named() {
        assert_refused(
            |records| records[2].1.ending = Ending::InProgress,
            "worker-2.json is of a worker that is still at work or was killed; wait for its end, or clean up \
             after the run and repeat it",
        );
    }

    #[test]
    fn records_of_other_runs_are_refused_by_what_differs() {
        type Change = fn(&mut Record);
        let changes: [(Change, &str); 8] = [
            (|record| record.run.push('x'), "the run's id"),
            (|record| record.program.push('x'), "the version of the program"),
            (|record| record.service.address.push('x'), "the service"),
            (|record| record.plan.push('x'), "what an iteration consists of"),
            (|record| record.verified = false, "whether answers were verified"),
            (|record| record.rules = Rules { min_requests: 9, ..Rules::default() }, "what it is judged by"),
            (|record| record.scenarios[0].weight = 7, "the mix of scenarios"),
            (|record| record.load = LoadModel::Open { steps: Vec::new(), lanes: 1 }, "the load model"),
        ];
        for (change, what) in changes {
            let message = format!("worker-2.json is of another run than worker-0.json: {what} differs");
            assert_refused(|records| change(&mut records[2].1), &message);
        }
    }

    #[test]
    fn rates_and_lanes_of_workers_add_up() {
        let mut records = three(&sample::calls(1, 30, 2));
        for (_, record) in &mut records {
            let steps = vec![RateStep { from: 10.0, to: 20.0, seconds: 5.0 }];
            record.load = LoadModel::Open { steps, lanes: 4 };
            record.workers[0].without_lane = 1;
        }
        let merged = merge(records).unwrap();
        let steps = vec![RateStep { from: 30.0, to: 60.0, seconds: 5.0 }];
        assert_eq!(merged.load, LoadModel::Open { steps, lanes: 12 });
        assert_eq!(merged.workers.iter().map(|worker| worker.without_lane).sum::<u64>(), 3);
    }

    #[test]
    fn examples_are_kept_up_to_their_number_and_counts_add_up() {
        let mut records = three(&sample::calls(1, 30, 2));
        for (file, record) in &mut records {
            let example = Example { session: file.clone(), ..Example::default() };
            record.violations = vec![Violation {
                kind: "stale data was returned".to_owned(),
                count: 7,
                examples: vec![example; 2],
            }];
            (0..3).for_each(|id| record.audit.left_behind.add(id.to_string()));
        }
        let merged = merge(records).unwrap();
        let [violation] = &merged.violations[..] else { panic!("{:?}", merged.violations) };
        assert_eq!((violation.count, violation.examples.len()), (21, EXAMPLES));
        assert_eq!(violation.examples[4].session, "worker-2.json");
        assert_eq!((merged.audit.left_behind.count, merged.audit.left_behind.ids.len()), (9, EXAMPLES));
    }

    #[test]
    fn the_worst_end_of_a_worker_is_that_of_the_run() {
        let mut records = three(&sample::calls(1, 30, 2));
        records[1].1.ending = Ending::Signal { signal: "SIGTERM".to_owned() };
        records[2].1.ending = Ending::Threshold { rule: "p95<1ms".to_owned() };
        assert_eq!(merge(records).unwrap().ending, Ending::Signal { signal: "SIGTERM".to_owned() });
    }

    #[test]
    fn every_worker_keeps_its_own_health() {
        let merged = merge(three(&calls())).unwrap();
        let indices: Vec<_> = merged.workers.iter().map(|WorkerHealth { index, .. }| *index).collect();
        assert_eq!(indices, [0, 1, 2]);
    }
}
