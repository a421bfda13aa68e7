//! Records for tests, made of calls with times from a seed.

use super::{
    Audit, Column, Ending, Failure, HttpClient, LoadModel, Operation, Record, Rules, Scenario, Service,
    Timeline, Worker, WorkerHealth,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// A call as a run would have measured it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    /// Microseconds after the start of the run.
    pub(crate) at_us: u64,
    pub(crate) micros: u64,
    /// The name of its failure.
    pub(crate) failure: Option<&'static str>,
}

impl Call {
    fn end_us(&self) -> u64 {
        self.at_us + self.micros
    }
}

/// The operations of a session's life, with their usual times in microseconds.
const USUAL: [(&str, u64); 6] = [
    ("open_session", 900),
    ("store_session_data", 700),
    ("get_session_by_id", 400),
    ("update_session_user", 650),
    ("close_session", 500),
    ("delete_session_by_id", 450),
];

/// When the samples began: in the middle of a second, as runs do.
pub(crate) fn started() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_764_072_000_250).expect("a time")
}

/// `count` calls, evenly over `seconds`: most near the usual time of their operation, some far above.
pub(crate) fn calls(seed: u64, count: u64, seconds: u64) -> Vec<Call> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count)
        .map(|number| {
            let (operation, usual) = USUAL[random.usize(..USUAL.len())];
            // A long tail: three times in a hundred are up to thirty times as long.
            let stretch = if random.u8(..100) < 3 { random.u64(100..3_000) } else { random.u64(60..180) };
            Call {
                operation,
                at_us: number * seconds * 1_000_000 / count,
                micros: usual * stretch / 100,
                failure: None,
            }
        })
        .collect()
}

/// The record of a closed run that made these calls, all of which were done by its end.
pub(crate) fn record(calls: &[Call]) -> Record {
    let first = calls.iter().map(|call| call.at_us).min().unwrap_or(0);
    let last = calls.iter().map(Call::end_us).max().unwrap_or(0);
    let started = started() + TimeDelta::microseconds(first.cast_signed());
    let mut operations = BTreeMap::<String, Operation>::new();
    let mut columns = BTreeMap::<u64, Column>::new();
    let mut failures = BTreeMap::<_, u64>::new();
    for call in calls {
        let operation = operations.entry(call.operation.to_owned()).or_default();
        "POST".clone_into(&mut operation.method);
        operation.calls += 1;
        operation.times.record(call.micros);
        match call.failure {
            Some(name) => {
                operation.failures += 1;
                *failures.entry((call.operation, name)).or_default() += 1;
            }
            None => *operation.statuses.entry(200).or_default() += 1,
        }
        let end = self::started() + TimeDelta::microseconds(call.end_us().cast_signed());
        let column = columns.entry(end.timestamp().cast_unsigned()).or_default();
        column.failures += u64::from(call.failure.is_some());
        column.latency.record(call.micros);
    }
    let mut timeline = Timeline::default();
    for (second, column) in &columns {
        timeline.add(*second, column);
    }
    let sessions = operations.get("open_session").map_or(0, |operation| operation.calls);
    let span_us = last - first;
    Record {
        format: super::FORMAT,
        run: "4f2a91c07be3".to_owned(),
        program: "0.1.0".to_owned(),
        worker: None,
        service: Service { address: "http://127.0.0.1:8080".to_owned(), ..Service::default() },
        load: LoadModel::Closed { users: 8, test_plan: None },
        plan: "lifecycle: open, 3 × store and read, close, delete; 256 bytes a store".to_owned(),
        client: HttpClient::Own,
        verified: true,
        scenarios: vec![Scenario {
            name: "lifecycle".to_owned(),
            weight: 1,
            begun: sessions,
            iterations: sessions,
        }],
        started,
        span_us,
        operations,
        timeline,
        failures: failures
            .into_iter()
            .map(|((operation, name), count)| Failure {
                operation: operation.to_owned(),
                name: name.to_owned(),
                count,
                example: Some(format!("{name}: what {operation} said")),
            })
            .collect(),
        violations: Vec::new(),
        audit: Audit { opened: sessions, closed: sessions, deleted: sessions, ..Audit::default() },
        workers: vec![WorkerHealth {
            index: 0,
            started,
            span_us,
            cpu_us: span_us / 3,
            cores: 2,
            peak_memory: 48 << 20,
            ..WorkerHealth::default()
        }],
        ending: Ending::Planned,
        rules: Rules::default(),
    }
}

/// The record of worker `index` of `of`, which made these calls.
pub(crate) fn of_worker(index: u32, of: u32, calls: &[Call]) -> Record {
    let mut record = record(calls);
    record.worker = Some(Worker { index, of });
    record.workers[0].index = index;
    record
}
