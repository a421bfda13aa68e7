//! The metrics of a run while it is in progress.
//!
//! goose records the calls as well. But it rounds the duration of a run to whole seconds before it divides by
//! it, its error table does not distinguish violations from failed calls, and its times begin when a request
//! is sent.

use super::{
    EXAMPLES, FailureSummary, Histogram, OperationMetrics, Timeline, TimelineInterval, ViolationExample,
    ViolationSummary,
};
use crate::checks::violation::Violation;
use crate::sync::lock;
use chrono::{DateTime, Utc};
use sessions_client::Route;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Shards of the counts, so that few users share a lock.
const SHARDS: usize = 16;

/// The timing and the status of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedCall {
    pub(crate) route: &'static Route,
    /// The moment when it should have started, in the open model.
    pub(crate) due: Option<Instant>,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) status: Option<u16>,
    pub(crate) failed: bool,
}

impl TimedCall {
    fn service_time(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    fn response_time(&self) -> Option<Duration> {
        self.due.map(|due| self.end.saturating_duration_since(due))
    }

    /// The latency for thresholds and reports.
    pub(crate) fn latency(&self) -> Duration {
        self.response_time().unwrap_or_else(|| self.service_time())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Metrics by the name of the route.
type Operations = BTreeMap<&'static str, OperationMetrics>;

fn count(operations: &mut Operations, call: &TimedCall, is_open_model: bool) {
    let operation = operations.entry(call.route.name).or_insert_with(|| OperationMetrics {
        method: call.route.method.to_string(),
        ..OperationMetrics::default()
    });
    operation.calls += 1;
    operation.failures += u64::from(call.failed);
    if let Some(status) = call.status {
        *operation.statuses.entry(status).or_default() += 1;
    }
    operation.service_time.record(micros(call.service_time()));
    if is_open_model {
        operation.response_time.get_or_insert_default().record(micros(call.latency()));
    }
}

/// The metrics that all users record to.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// The monotonic and the calendar clock, read at the same moment.
    origin: (Instant, DateTime<Utc>),
    is_open_model: bool,
    shards: Vec<Mutex<Shard>>,
    /// The start of the first call and the end of the last, in microseconds after the origin.
    first: AtomicU64,
    last: AtomicU64,
    failures: Mutex<BTreeMap<(&'static str, Cow<'static, str>), FailureSummary>>,
    violations: Mutex<BTreeMap<Violation, ViolationSummary>>,
}

#[derive(Debug, Default)]
struct Shard {
    operations: Operations,
    /// The second that `interval` counts; earlier seconds are in `timeline`.
    second: u64,
    interval: TimelineInterval,
    timeline: Timeline,
}

impl Shard {
    fn count(&mut self, second: u64, call: &TimedCall, is_open_model: bool) {
        count(&mut self.operations, call, is_open_model);
        if second != self.second {
            self.flush();
            self.second = second;
        }
        self.interval.failures += u64::from(call.failed);
        self.interval.latency.record(micros(call.latency()));
    }

    fn flush(&mut self) {
        if self.interval.latency.count() > 0 {
            self.timeline.add(self.second, &self.interval);
            self.interval = TimelineInterval::default();
        }
    }
}

/// The metrics recorded up to some moment.
#[derive(Clone, Debug)]
pub(crate) struct MetricsSnapshot {
    /// The start of the first call.
    pub(crate) started: DateTime<Utc>,
    /// The time from there to the end of the last call.
    pub(crate) duration: Duration,
    pub(crate) operations: BTreeMap<String, OperationMetrics>,
    pub(crate) timeline: Timeline,
    /// The most frequent first.
    pub(crate) failures: Vec<FailureSummary>,
    /// All kinds, including those that were never found.
    pub(crate) violations: Vec<ViolationSummary>,
}

impl Recorder {
    pub(crate) fn new(is_open_model: bool) -> Self {
        Self {
            origin: (Instant::now(), Utc::now()),
            is_open_model,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            failures: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    /// Records a call of a user.
    pub(crate) fn call(&self, user: usize, call: &TimedCall) {
        self.first.fetch_min(self.after_origin(call.start), Ordering::Relaxed);
        self.last.fetch_max(self.after_origin(call.end), Ordering::Relaxed);
        let second = self.second(call.end);
        lock(&self.shards[user % SHARDS]).count(second, call, self.is_open_model);
    }

    /// Records the reason of a failed call.
    pub(crate) fn failure(
        &self,
        operation: &'static str,
        reason: Cow<'static, str>,
        example: Option<String>,
    ) {
        let mut failures = lock(&self.failures);
        let entry =
            failures.entry((operation, reason)).or_insert_with_key(|(operation, reason)| FailureSummary {
                operation: (*operation).to_owned(),
                reason: reason.clone().into_owned(),
                count: 0,
                example,
            });
        entry.count += 1;
    }

    /// Records a violation.
    pub(crate) fn violation(&self, violation: Violation, example: impl FnOnce() -> ViolationExample) {
        let mut violations = lock(&self.violations);
        let entry = violations.entry(violation).or_insert_with(|| no_violations(violation));
        entry.count += 1;
        if entry.examples.len() < EXAMPLES {
            entry.examples.push(example());
        }
    }

    /// The number of calls so far.
    pub(crate) fn calls(&self) -> u64 {
        let calls = |shard: &Mutex<Shard>| {
            lock(shard).operations.values().map(|operation| operation.calls).sum::<u64>()
        };
        self.shards.iter().map(calls).sum()
    }

    /// The number of failed calls and of violations so far.
    pub(crate) fn failures_and_violations(&self) -> [u64; 2] {
        let failures = lock(&self.failures).values().map(|failure| failure.count).sum();
        let violations = lock(&self.violations).values().map(|violation| violation.count).sum();
        [failures, violations]
    }

    /// The calls that ended in the last whole second, for the progress line.
    pub(crate) fn last_second(&self) -> TimelineInterval {
        let wanted = self.second(Instant::now()).saturating_sub(1);
        let mut sum = TimelineInterval::default();
        for shard in &self.shards {
            let shard = lock(shard);
            if shard.second == wanted {
                sum.merge(&shard.interval);
            } else if let Some((second, interval)) = shard.timeline.intervals().next_back()
                && second == wanted
            {
                sum.merge(interval);
            }
        }
        sum
    }

    /// All metrics so far.
    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        let mut operations = BTreeMap::<String, OperationMetrics>::new();
        let mut timeline = Timeline::default();
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.flush();
            timeline.merge(&shard.timeline);
            for (name, operation) in &shard.operations {
                operations.entry((*name).to_owned()).or_default().merge(operation);
            }
        }
        let mut failures: Vec<_> = lock(&self.failures).values().cloned().collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        let (first, last) = (self.first.load(Ordering::Relaxed), self.last.load(Ordering::Relaxed));
        let started = if first == u64::MAX { Duration::ZERO } else { Duration::from_micros(first) };
        MetricsSnapshot {
            started: self.origin.1 + started,
            duration: Duration::from_micros(last.saturating_sub(first)),
            operations,
            timeline,
            failures,
            violations: self.violations(),
        }
    }

    fn violations(&self) -> Vec<ViolationSummary> {
        let found = lock(&self.violations);
        Violation::ALL
            .iter()
            .map(|kind| found.get(kind).cloned().unwrap_or_else(|| no_violations(*kind)))
            .collect()
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

fn no_violations(kind: Violation) -> ViolationSummary {
    ViolationSummary { kind: kind.description().to_owned(), count: 0, examples: Vec::new() }
}

/// The iterations of one step of a breakpoint search, and their calls.
#[derive(Debug, Default)]
pub(crate) struct StepMetrics {
    operations: Mutex<Operations>,
    due: AtomicU64,
    ended: AtomicU64,
    completed: AtomicU64,
}

impl StepMetrics {
    /// Records a call.
    pub(crate) fn call(&self, call: &TimedCall) {
        count(&mut lock(&self.operations), call, true);
    }

    /// Counts an iteration that is due.
    pub(crate) fn iteration_due(&self) {
        self.due.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an iteration that has ended, and whether it completed.
    pub(crate) fn iteration_ended(&self, completed: bool) {
        self.completed.fetch_add(completed.into(), Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// The number of iterations that were due and have not ended.
    pub(crate) fn outstanding(&self) -> u64 {
        self.due.load(Ordering::Acquire).saturating_sub(self.ended.load(Ordering::Acquire))
    }

    /// The number of completed iterations.
    pub(crate) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Acquire)
    }

    /// The metrics of each operation by name.
    pub(crate) fn operations(&self) -> BTreeMap<String, OperationMetrics> {
        let operations = lock(&self.operations);
        operations.iter().map(|(name, operation)| ((*name).to_owned(), operation.clone())).collect()
    }

    /// The latency of all calls.
    pub(crate) fn latency(&self) -> Histogram {
        let mut all = Histogram::default();
        lock(&self.operations).values().for_each(|operation| all.merge(operation.latency()));
        all
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
    fn the_duration_is_from_the_first_start_to_the_last_end() {
        let recorder = Recorder::new(false);
        assert_eq!(recorder.snapshot().duration, Duration::ZERO);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [20, 30]);
        call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [10, 15]);
        let snapshot = recorder.snapshot();
        assert_eq!(snapshot.duration, Duration::from_millis(20));
        assert_eq!(snapshot.started, recorder.origin.1 + Duration::from_millis(10));
    }

    #[test]
    fn the_open_model_has_a_service_time_and_a_response_time() {
        let recorder = Recorder::new(true);
        call(&recorder, sessions_v1::OPEN_SESSION, Some(5), [20, 30]);
        call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [30, 32]);
        let operations = recorder.snapshot().operations;
        let maxima = |name: &str| {
            let OperationMetrics { service_time, response_time, .. } = &operations[name];
            [service_time.max(), response_time.as_ref().and_then(Histogram::max)]
        };
        assert_eq!(maxima("open_session"), [Some(10_000), Some(25_000)]);
        assert_eq!(maxima("get_session_by_id"), [Some(2_000), Some(2_000)]);
    }

    #[test]
    fn the_closed_model_has_no_response_time() {
        let recorder = Recorder::new(false);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [20, 30]);
        assert_eq!(recorder.snapshot().operations["open_session"].response_time, None);
    }

    #[test]
    fn several_snapshots_count_every_call_once() {
        let recorder = Recorder::new(false);
        for second in 0..5 {
            call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [second * 1_000, second * 1_000 + 1]);
            let timeline = recorder.snapshot().timeline;
            let calls: u64 = timeline.intervals().map(|(_, interval)| interval.latency.count()).sum();
            assert_eq!(calls, second + 1);
        }
        assert_eq!(recorder.snapshot().timeline.intervals().count(), 5);
    }

    #[test]
    fn failures_are_counted_by_operation_and_reason() {
        let recorder = Recorder::new(false);
        for (operation, reason) in
            [("open", "timeout"), ("get", "timeout"), ("get", "timeout"), ("get", "gone")]
        {
            recorder.failure(operation, reason.into(), Some(format!("{reason} happened")));
        }
        let failures = recorder.snapshot().failures;
        let counts: Vec<_> =
            failures.iter().map(|failure| (&*failure.operation, &*failure.reason, failure.count)).collect();
        assert_eq!(counts, [("get", "timeout", 2), ("get", "gone", 1), ("open", "timeout", 1)]);
        assert_eq!(recorder.failures_and_violations(), [4, 0]);
    }

    #[test]
    fn all_violations_are_counted_and_the_first_are_examples() {
        let recorder = Recorder::new(false);
        for session in 0..9 {
            recorder.violation(Violation::Missing, || ViolationExample {
                session_id: session.to_string(),
                ..ViolationExample::default()
            });
        }
        let violations = recorder.snapshot().violations;
        let missing = Violation::Missing.description();
        let missing = violations.iter().find(|violation| violation.kind == missing).unwrap();
        assert_eq!(
            (violations.len(), missing.count, recorder.failures_and_violations()[1]),
            (Violation::ALL.len(), 9, 9)
        );
        let examples: Vec<_> = missing.examples.iter().map(|example| &*example.session_id).collect();
        assert_eq!(examples, ["0", "1", "2", "3", "4"]);
    }
}
