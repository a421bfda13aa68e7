//! What the users have done so far, as the record of the run will have it.
//!
//! goose counts as well, but it rounds the length of a run to whole seconds before it divides by it, its error table
//! does not tell a wrong answer from a refused one, and its times are those since the call was sent.

use crate::checks::violation::Violation;
use crate::metrics::{
    Column, EXAMPLES, Example, Failure, Histogram, Operation, Timeline, Violation as Violated,
};
use chrono::{DateTime, Utc};
use sessions_client::Route;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Users count in different places, so that few meet at one lock.
const SHARDS: usize = 16;

/// One call as it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedCall {
    pub(crate) route: &'static Route,
    /// When it should have begun, in open load.
    pub(crate) due: Option<Instant>,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) status: Option<u16>,
    pub(crate) failed: bool,
}

impl TimedCall {
    fn micros(&self) -> u64 {
        micros(self.end.saturating_duration_since(self.start))
    }

    fn micros_from_due(&self) -> Option<u64> {
        self.due.map(|due| micros(self.end.saturating_duration_since(due)))
    }

    /// What is judged and shown: from the due moment where there was one.
    pub(crate) fn latency(&self) -> Duration {
        self.end.saturating_duration_since(self.due.unwrap_or(self.start))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Operations by the name of their route.
type Operations = BTreeMap<&'static str, Operation>;

fn count(operations: &mut Operations, call: &TimedCall, is_open_load: bool) {
    let operation = operations
        .entry(call.route.name)
        .or_insert_with(|| Operation { method: call.route.method.to_string(), ..Operation::default() });
    operation.calls += 1;
    operation.failures += u64::from(call.failed);
    if let Some(status) = call.status {
        *operation.statuses.entry(status).or_default() += 1;
    }
    let micros = call.micros();
    operation.times.record(micros);
    if is_open_load {
        operation.from_due.get_or_insert_default().record(call.micros_from_due().unwrap_or(micros));
    }
}

/// Counts that all users share.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// Two readings of two clocks at the same moment.
    origin: (Instant, DateTime<Utc>),
    is_open_load: bool,
    shards: Vec<Mutex<Shard>>,
    /// Microseconds after the origin.
    first: AtomicU64,
    last: AtomicU64,
    failures: Mutex<BTreeMap<(&'static str, Cow<'static, str>), Failure>>,
    violations: Mutex<BTreeMap<Violation, Violated>>,
}

#[derive(Debug, Default)]
struct Shard {
    operations: Operations,
    /// The second that is being counted; those before it are in the timeline.
    second: u64,
    column: Column,
    timeline: Timeline,
}

impl Shard {
    fn count(&mut self, second: u64, call: &TimedCall, is_open_load: bool) {
        count(&mut self.operations, call, is_open_load);
        if second != self.second {
            self.flush();
            self.second = second;
        }
        self.column.failures += u64::from(call.failed);
        self.column.latency.record(micros(call.latency()));
    }

    fn flush(&mut self) {
        if self.column.latency.count() > 0 {
            self.timeline.add(self.second, &self.column);
            self.column = Column::default();
        }
    }
}

/// What has been observed up to some moment.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// When the first call began.
    pub(crate) started: DateTime<Utc>,
    /// From there to the end of the last call.
    pub(crate) span: Duration,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) timeline: Timeline,
    /// The most frequent first.
    pub(crate) failures: Vec<Failure>,
    /// All kinds, those that were looked for in vain too.
    pub(crate) violations: Vec<Violated>,
}

impl Recorder {
    pub(crate) fn new(is_open_load: bool) -> Self {
        Self {
            origin: (Instant::now(), Utc::now()),
            is_open_load,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            failures: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    /// Counts a call of a user.
    pub(crate) fn call(&self, user: usize, call: &TimedCall) {
        self.first.fetch_min(self.after_origin(call.start), Ordering::Relaxed);
        self.last.fetch_max(self.after_origin(call.end), Ordering::Relaxed);
        let second = self.second(call.end);
        unpoisoned(&self.shards[user % SHARDS]).count(second, call, self.is_open_load);
    }

    /// Counts why a call has failed.
    pub(crate) fn failure(&self, operation: &'static str, name: Cow<'static, str>, example: Option<String>) {
        let mut failures = unpoisoned(&self.failures);
        let entry = failures.entry((operation, name)).or_insert_with_key(|(operation, name)| Failure {
            operation: (*operation).to_owned(),
            name: name.clone().into_owned(),
            count: 0,
            example,
        });
        entry.count += 1;
    }

    /// Counts a wrong answer.
    pub(crate) fn violation(&self, violation: Violation, example: impl FnOnce() -> Example) {
        let mut violations = unpoisoned(&self.violations);
        let entry = violations.entry(violation).or_insert_with(|| Violated {
            kind: violation.text().to_owned(),
            count: 0,
            examples: Vec::new(),
        });
        entry.count += 1;
        if entry.examples.len() < EXAMPLES {
            entry.examples.push(example());
        }
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.shards
            .iter()
            .map(|shard| unpoisoned(shard).operations.values().map(|operation| operation.calls).sum::<u64>())
            .sum()
    }

    /// How many calls have failed, and how many answers were wrong.
    pub(crate) fn failures_and_violations(&self) -> [u64; 2] {
        let failures = unpoisoned(&self.failures).values().map(|failure| failure.count).sum();
        let violations = unpoisoned(&self.violations).values().map(|violation| violation.count).sum();
        [failures, violations]
    }

    /// The calls that ended in the last whole second, for people who watch.
    pub(crate) fn last_second(&self) -> Column {
        let wanted = self.second(Instant::now()).saturating_sub(1);
        let mut sum = Column::default();
        for shard in &self.shards {
            let shard = unpoisoned(shard);
            if shard.second == wanted {
                sum.merge(&shard.column);
            } else if let Some((second, column)) = shard.timeline.columns().next_back()
                && second == wanted
            {
                sum.merge(column);
            }
        }
        sum
    }

    /// Everything so far.
    pub(crate) fn observed(&self) -> Observed {
        let mut operations = BTreeMap::<String, Operation>::new();
        let mut timeline = Timeline::default();
        for shard in &self.shards {
            let mut shard = unpoisoned(shard);
            shard.flush();
            timeline.merge(&shard.timeline);
            for (name, operation) in &shard.operations {
                operations.entry((*name).to_owned()).or_default().merge(operation);
            }
        }
        let mut failures: Vec<_> = unpoisoned(&self.failures).values().cloned().collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        let (first, last) = (self.first.load(Ordering::Relaxed), self.last.load(Ordering::Relaxed));
        let started = if first == u64::MAX { Duration::ZERO } else { Duration::from_micros(first) };
        Observed {
            started: self.origin.1 + started,
            span: Duration::from_micros(last.saturating_sub(first)),
            operations,
            timeline,
            failures,
            violations: {
                let found = unpoisoned(&self.violations);
                let none = |violation: &Violation| Violated {
                    kind: violation.text().to_owned(),
                    count: 0,
                    examples: Vec::new(),
                };
                Violation::ALL
                    .iter()
                    .map(|kind| found.get(kind).cloned().unwrap_or_else(|| none(kind)))
                    .collect()
            },
        }
    }

    fn after_origin(&self, time: Instant) -> u64 {
        micros(time.saturating_duration_since(self.origin.0))
    }

    /// The second since 1970.
    fn second(&self, time: Instant) -> u64 {
        let (instant, date) = self.origin;
        let time = date + time.saturating_duration_since(instant);
        u64::try_from(time.timestamp()).unwrap_or_default()
    }
}

/// The calls of the iterations that were due in one step of a search for the limit, and those iterations.
#[derive(Debug, Default)]
pub(crate) struct Window {
    operations: Mutex<Operations>,
    due: AtomicU64,
    ended: AtomicU64,
    completed: AtomicU64,
}

impl Window {
    pub(crate) fn call(&self, call: &TimedCall) {
        count(&mut unpoisoned(&self.operations), call, true);
    }

    /// Counts an iteration that is due.
    pub(crate) fn due(&self) {
        self.due.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an iteration that has ended, and whether it went through to its end.
    pub(crate) fn end(&self, completed: bool) {
        self.completed.fetch_add(completed.into(), Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// How many iterations are due, or were, and have not ended.
    pub(crate) fn outstanding(&self) -> u64 {
        self.due.load(Ordering::Acquire).saturating_sub(self.ended.load(Ordering::Acquire))
    }

    /// How many iterations went through to their end.
    pub(crate) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Acquire)
    }

    /// The operations by name, and the latency of all of them.
    pub(crate) fn operations(&self) -> (BTreeMap<String, Operation>, Histogram) {
        let operations = unpoisoned(&self.operations);
        let mut all = Histogram::default();
        operations.values().for_each(|operation| all.merge(operation.latency()));
        (operations.iter().map(|(name, operation)| ((*name).to_owned(), operation.clone())).collect(), all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::sessions_v1;

    fn call(recorder: &Recorder, route: &'static Route, due: Option<u64>, [start, end]: [u64; 2]) {
        let at = |millis| recorder.origin.0 + Duration::from_millis(millis);
        let call = TimedCall {
            route,
            due: due.map(at),
            start: at(start),
            end: at(end),
            status: Some(200),
            failed: false,
        };
        recorder.call(0, &call);
    }

    #[test]
    fn the_span_is_from_the_first_start_to_the_last_end() {
        let recorder = Recorder::new(false);
        assert_eq!(recorder.observed().span, Duration::ZERO);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [20, 30]);
        call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [10, 15]);
        let observed = recorder.observed();
        assert_eq!(observed.span, Duration::from_millis(20));
        assert_eq!(observed.started, recorder.origin.1 + Duration::from_millis(10));
    }

    #[test]
    fn open_load_has_two_times_for_each_call_and_closed_load_one() {
        let recorder = Recorder::new(true);
        call(&recorder, sessions_v1::OPEN_SESSION, Some(5), [20, 30]);
        call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [30, 32]);
        let operations = recorder.observed().operations;
        let maxima = |name: &str| {
            let Operation { times, from_due, .. } = &operations[name];
            [times.max(), from_due.as_ref().and_then(Histogram::max)]
        };
        assert_eq!(maxima("open_session"), [Some(10_000), Some(25_000)]);
        assert_eq!(maxima("get_session_by_id"), [Some(2_000), Some(2_000)]);
        let recorder = Recorder::new(false);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [20, 30]);
        assert_eq!(recorder.observed().operations["open_session"].from_due, None);
    }

    #[test]
    fn every_call_is_in_the_timeline_once_however_often_it_is_looked_at() {
        let recorder = Recorder::new(false);
        for second in 0..5 {
            call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [second * 1_000, second * 1_000 + 1]);
            let timeline = recorder.observed().timeline;
            let calls: u64 = timeline.columns().map(|(_, column)| column.latency.count()).sum();
            assert_eq!(calls, second + 1);
        }
        assert_eq!(recorder.observed().timeline.columns().count(), 5);
    }

    #[test]
    fn failures_are_counted_by_operation_and_name_and_the_most_frequent_comes_first() {
        let recorder = Recorder::new(false);
        for (operation, name) in
            [("open", "timeout"), ("get", "timeout"), ("get", "timeout"), ("get", "gone")]
        {
            recorder.failure(operation, name.into(), Some(format!("{name} happened")));
        }
        let failures = recorder.observed().failures;
        let seen: Vec<_> =
            failures.iter().map(|failure| (&*failure.operation, &*failure.name, failure.count)).collect();
        assert_eq!(seen, [("get", "timeout", 2), ("get", "gone", 1), ("open", "timeout", 1)]);
        assert_eq!(recorder.failures_and_violations(), [4, 0]);
    }

    #[test]
    fn all_violations_are_counted_and_the_first_are_shown() {
        let recorder = Recorder::new(false);
        for session in 0..9 {
            recorder.violation(Violation::Lost, || Example {
                session: session.to_string(),
                ..Example::default()
            });
        }
        let violations = recorder.observed().violations;
        let lost = violations.iter().find(|violation| violation.kind == Violation::Lost.text()).unwrap();
        assert_eq!(
            (violations.len(), lost.count, recorder.failures_and_violations()[1]),
            (Violation::ALL.len(), 9, 9)
        );
        let shown: Vec<_> = lost.examples.iter().map(|example| &*example.session).collect();
        assert_eq!(shown, ["0", "1", "2", "3", "4"]);
    }
}
