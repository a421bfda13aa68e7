//! Results for tests, made of calls with seeded latencies.

use super::blocks::{BlockRecorder, CurrentBlock};
use super::{
    Availability, CallMetrics, Ending, ExecutionSegment, ExpectedFailures, FORMAT, FailureSummary,
    LoadGenerator, LoadModel, OperationMetrics, PassCriteria, PhaseMetrics, Results, ScenarioMetrics,
    ServiceInfo, SessionSummary, Timeline,
};
use crate::contract::Contract;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// A measured call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    /// Microseconds after the start of the run.
    pub(crate) at_us: u64,
    pub(crate) micros: u64,
    /// The reason of its failure.
    pub(crate) failure: Option<&'static str>,
}

impl Call {
    fn end_us(&self) -> u64 {
        self.at_us + self.micros
    }
}

/// The operations of a lifecycle, with their typical latencies in microseconds.
const TYPICAL: [(&str, u64); 6] = [
    ("open_session", 900),
    ("store_session_data", 700),
    ("get_session_by_id", 400),
    ("update_session_user", 650),
    ("close_session", 500),
    ("delete_session_by_id", 450),
];

/// The start of the samples, which is not at a full second.
pub(crate) fn started() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_764_072_000_250).expect("a time")
}

/// `count` calls, evenly spread over `seconds`: most near the typical latency of their operation, some far
/// above.
pub(crate) fn calls(seed: u64, count: u64, seconds: u64) -> Vec<Call> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count)
        .map(|number| {
            let (operation, typical) = TYPICAL[random.usize(..TYPICAL.len())];
            // A long tail: three in a hundred take up to thirty times as long.
            let stretch = if random.u8(..100) < 3 { random.u64(100..3_000) } else { random.u64(60..180) };
            Call {
                operation,
                at_us: number * seconds * 1_000_000 / count,
                micros: typical * stretch / 100,
                failure: None,
            }
        })
        .collect()
}

/// The command that deletes the sessions of the sample.
const CLEANUP_COMMAND: &str = "loadtest cleanup --test-run-id 4f2a91c07be3 --host http://127.0.0.1:8080";

/// The results of a closed run that made these calls.
pub(crate) fn results(calls: &[Call]) -> Results {
    let first = calls.iter().map(|call| call.at_us).min().unwrap_or(0);
    let last = calls.iter().map(Call::end_us).max().unwrap_or(0);
    let started = started() + TimeDelta::microseconds(first.cast_signed());
    let mut operations = BTreeMap::<String, OperationMetrics>::new();
    let mut intervals = BTreeMap::<u64, CallMetrics>::new();
    let mut failures = BTreeMap::<_, u64>::new();
    let mut availability = Availability::default();
    let (mut block, blocks) = (CurrentBlock::default(), BlockRecorder::default());
    for call in calls {
        let end = self::started() + TimeDelta::microseconds(call.end_us().cast_signed());
        let operation = operations.entry(call.operation.to_owned()).or_default();
        "POST".clone_into(&mut operation.method);
        operation.calls += 1;
        if let Some(reason) = call.failure {
            operation.failures += 1;
            operation.failure_time.record(call.micros);
            *failures.entry((call.operation, reason)).or_default() += 1;
        } else {
            *operation.statuses.entry(200).or_default() += 1;
            operation.service_time.record(call.micros);
            block.record(call.operation, end.timestamp_millis().cast_unsigned(), call.micros, &blocks);
        }
        let second = end.timestamp().cast_unsigned();
        intervals.entry(second).or_default().record(call.micros, call.failure.is_some());
        let seconds =
            if call.failure.is_some() { &mut availability.failed } else { &mut availability.succeeded };
        seconds.insert(second);
    }
    block.flush(&blocks);
    for (name, operation) in &mut operations {
        operation.blocks = blocks.of(name);
    }
    let mut timeline = Timeline::default();
    for (second, interval) in &intervals {
        timeline.add(*second, interval);
    }
    let sessions = operations.get("open_session").map_or(0, |operation| operation.calls);
    let duration_us = last - first;
    Results {
        format: FORMAT,
        test_run_id: "4f2a91c07be3".to_owned(),
        tags: BTreeMap::new(),
        program_version: "0.1.0".to_owned(),
        execution_segment: None,
        contract: Contract::SESSIONS.info(),
        service: ServiceInfo { address: "http://127.0.0.1:8080".to_owned(), ..ServiceInfo::default() },
        load: LoadModel::Closed { users: 8, test_plan: None },
        iteration: "lifecycle: open, 3 × store and read, close, delete; 256 bytes a store".to_owned(),
        checks_enabled: true,
        scenarios: vec![ScenarioMetrics {
            name: "lifecycle".to_owned(),
            weight: 1,
            started: sessions,
            completed: sessions,
            interrupted: 0,
            calls: None,
        }],
        steps: Vec::new(),
        warm_up: None,
        started,
        duration_us,
        load_us: duration_us,
        operations,
        phases: PhaseMetrics::default(),
        timeline,
        availability,
        faults: Vec::new(),
        expected_failures: ExpectedFailures::default(),
        rate_limit: None,
        failures: failures.into_iter().map(failure_summary).collect(),
        violations: Vec::new(),
        sessions: SessionSummary {
            opened: sessions,
            closed: sessions,
            deleted: sessions,
            ..SessionSummary::default()
        },
        load_generators: vec![LoadGenerator {
            worker: 0,
            started,
            duration_us,
            planned_us: None,
            cpu_us: duration_us / 3,
            elapsed_us: duration_us,
            cores: 2,
            peak_memory_bytes: 48 << 20,
            ..LoadGenerator::default()
        }],
        lost_workers: Vec::new(),
        ending: Ending::Planned,
        pass_criteria: PassCriteria::default(),
        cleanup_command: Some(CLEANUP_COMMAND.to_owned()),
        sent_again: BTreeMap::new(),
        other_calls: BTreeMap::new(),
        against: None,
    }
}

/// Failed calls with an operation and a reason.
fn failure_summary(((operation, reason), count): ((&str, &str), u64)) -> FailureSummary {
    FailureSummary {
        operation: operation.to_owned(),
        reason: reason.to_owned(),
        count,
        example: Some(format!("{reason}: message of {operation}")),
        trace_id: None,
        seen: [started(); 2],
    }
}

/// The results of worker `index` of `of`, which made these calls.
pub(crate) fn results_of_worker(index: u32, of: u32, calls: &[Call]) -> Results {
    let mut results = results(calls);
    results.execution_segment = Some(ExecutionSegment { index, of });
    results.load_generators[0].worker = index;
    results
}
