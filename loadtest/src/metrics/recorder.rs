//! The metrics of a run while it is in progress.
//!
//! goose records the calls as well. But it rounds the duration of a run to whole seconds before it divides by
//! it, its error table does not distinguish violations from failed calls, and its times begin when a request
//! is sent.

#[cfg(all(test, shuttle))]
mod interleavings;

use super::blocks::BlockRecorder;
use super::call_groups::{CallGroups, TimedCall, micros};
use super::counts::{Part, Phase};
use super::shard::{Second, Seconds, Shard};
use super::{
    Availability, CallMetrics, EXAMPLES, FailureSummary, OperationMetrics, PhaseMetrics, RateLimitDelays,
    Timeline, ViolationExample, ViolationSummary,
};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock};
use crate::telemetry::trace_context::TraceId;
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wiretrait::Route;

/// Shards of the counts, so that few users share a lock.
const SHARDS: usize = 16;

/// A second in microseconds.
const SECOND: u64 = 1_000_000;

/// The metrics that all users record to.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// The monotonic and the calendar clock, read at the same moment.
    origin: (Instant, DateTime<Utc>),
    /// The origin in microseconds since 1970, from which the second of a call is computed without a calendar.
    origin_micros: u64,
    is_open_model: bool,
    /// Locked before `seconds` and `blocks`.
    shards: Vec<Mutex<Shard>>,
    seconds: Mutex<Seconds>,
    blocks: BlockRecorder,
    /// The start of the first call, in microseconds after the origin.
    first: AtomicU64,
    /// The end of the warm-up in the closed model, in microseconds after the origin.
    warm_up_end: AtomicU64,
    failures: Mutex<Failures>,
    warm_up_failures: Mutex<Failures>,
    rate_limit: Mutex<RateLimitDelays>,
    /// By kind, in the order in which they were first checked for.
    violations: Mutex<Vec<ViolationSummary>>,
}

/// Failed calls by operation and reason.
type Failures = BTreeMap<(&'static str, Cow<'static, str>), FailureSummary>;

/// The metrics recorded up to some moment.
#[derive(Clone, Debug)]
pub(crate) struct MetricsSnapshot {
    /// The start of the first call.
    pub(crate) started: DateTime<Utc>,
    /// The time from there to the end of the last call.
    pub(crate) duration: Duration,
    pub(crate) operations: BTreeMap<String, OperationMetrics>,
    /// The calls of each scenario by index; empty for a single one.
    pub(crate) scenarios: Vec<CallMetrics>,
    /// The calls of each step of the rate.
    pub(crate) steps: Vec<CallMetrics>,
    pub(crate) warm_up: CallMetrics,
    pub(crate) phases: PhaseMetrics,
    pub(crate) warm_up_failures: Vec<FailureSummary>,
    pub(crate) timeline: Timeline,
    pub(crate) availability: Availability,
    /// The most frequent first.
    pub(crate) failures: Vec<FailureSummary>,
    /// All kinds, including those that were never found.
    pub(crate) violations: Vec<ViolationSummary>,
}

impl Recorder {
    /// Creates a recorder for this number of scenarios, 0 for a single one, and of steps of the rate.
    pub(crate) fn new(is_open_model: bool, scenarios: usize, steps: usize) -> Self {
        let origin = (Instant::now(), Utc::now());
        Self {
            origin,
            origin_micros: u64::try_from(origin.1.timestamp_micros()).unwrap_or_default(),
            is_open_model,
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(scenarios, steps))).collect(),
            seconds: Mutex::default(),
            blocks: BlockRecorder::default(),
            first: AtomicU64::new(u64::MAX),
            warm_up_end: AtomicU64::new(0),
            failures: Mutex::default(),
            warm_up_failures: Mutex::default(),
            rate_limit: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    /// Sets the end of the warm-up in the closed model.
    pub(crate) fn warm_up_until(&self, end: Instant) {
        self.warm_up_end.store(self.after_origin(end), Ordering::Relaxed);
    }

    /// Returns whether calls that start now belong to the warm-up.
    pub(crate) fn is_warm_up(&self, phase: Phase, start: Instant) -> bool {
        self.starts_in_warm_up(phase, self.after_origin(start))
    }

    fn starts_in_warm_up(&self, phase: Phase, start: u64) -> bool {
        match phase {
            Phase::ByTime => start < self.warm_up_end.load(Ordering::Relaxed),
            Phase::WarmUp => true,
            Phase::Step(_) => false,
        }
    }

    /// Records a call of a user.
    pub(crate) fn call(&self, user: usize, call: &TimedCall, part: Part) {
        let [start, end] = [call.start, call.end].map(|time| self.after_origin(time));
        let latency = micros(call.latency());
        let mut shard = lock(&self.shards[user % SHARDS]);
        if self.starts_in_warm_up(part.phase, start) {
            return shard.count_warm_up(self.second(end), latency, call.failed(), &self.seconds);
        }
        if start < self.first.load(Ordering::Relaxed) {
            self.first.fetch_min(start, Ordering::Relaxed);
        }
        shard.last = shard.last.max(end);
        let second = self.second(end);
        if end.saturating_sub(start) > SECOND {
            lock(&self.seconds).availability.waited.insert_range(self.second(start) + 1..second);
        }
        shard.count(second, call, latency, part, self.is_open_model, &self.seconds);
        if !call.failed() {
            shard.phases.record([call.start, call.end], &call.phases);
            shard.block.record(call.route.name, (self.origin_micros + end) / 1_000, latency, &self.blocks);
        }
    }

    /// Counts a call of a user that was given up.
    pub(crate) fn interrupted(&self, user: usize, route: &'static Route, start: Instant) {
        let [start, end] = [start, Instant::now()].map(|time| self.after_origin(time));
        let mut shard = lock(&self.shards[user % SHARDS]);
        shard.last = shard.last.max(end);
        shard.counts.calls.interrupted(route);
        lock(&self.seconds).availability.waited.insert_range(self.second(start) + 1..self.second(end));
    }

    /// The time from the start of the first call to `end`, or to the end of the last call if that is earlier.
    pub(crate) fn load_duration(&self, end: Option<Instant>) -> Duration {
        let first = self.first.load(Ordering::Relaxed);
        let last = self.shards.iter().map(|shard| lock(shard).last).max().unwrap_or_default();
        let end = end.map_or(last, |end| last.min(self.after_origin(end)));
        Duration::from_micros(end.saturating_sub(first))
    }

    /// Records the reason of a failed call.
    pub(crate) fn failure(
        &self,
        call: &TimedCall,
        phase: Phase,
        reason: Cow<'static, str>,
        example: Option<String>,
        trace_id: Option<TraceId>,
    ) {
        let time = self.date(call.end);
        let is_warm_up = self.is_warm_up(phase, call.start);
        let mut failures = lock(if is_warm_up { &self.warm_up_failures } else { &self.failures });
        let entry = failures.entry((call.route.name, reason)).or_insert_with_key(|(operation, reason)| {
            FailureSummary {
                operation: (*operation).to_owned(),
                reason: reason.clone().into_owned(),
                count: 0,
                example,
                trace_id: trace_id.map(|id| id.to_string()),
                seen: [time; 2],
            }
        });
        entry.count += 1;
        let [first, last] = &mut entry.seen;
        *first = time.min(*first);
        *last = time.max(*last);
    }

    /// Records a delay by a rate limit that began at `start` and ends now, and the call if it is its first.
    pub(crate) fn rate_limited(&self, phase: Phase, start: Instant, is_first: bool) {
        if !self.is_warm_up(phase, start) {
            let waited_us = micros(start.elapsed());
            lock(&self.rate_limit).merge(&RateLimitDelays {
                calls: is_first.into(),
                rejections: 1,
                waited_us,
            });
        }
    }

    /// The delays by a rate limit so far.
    pub(crate) fn rate_limit_delays(&self) -> RateLimitDelays {
        *lock(&self.rate_limit)
    }

    /// Records a violation.
    pub(crate) fn violation(&self, kind: &'static str, example: impl FnOnce() -> ViolationExample) {
        let mut violations = lock(&self.violations);
        let entry = entry_of(&mut violations, kind);
        entry.count += 1;
        if entry.examples.len() < EXAMPLES {
            entry.examples.push(example());
        }
    }

    /// Records that responses are checked for a kind of violations.
    pub(crate) fn checks_for(&self, kind: &'static str) {
        entry_of(&mut lock(&self.violations), kind);
    }

    /// The number of calls so far, including those of the warm-up.
    pub(crate) fn calls(&self) -> u64 {
        let calls = |shard: &Mutex<Shard>| {
            let shard = lock(shard);
            shard.counts.calls.calls() + shard.warm_up.calls()
        };
        self.shards.iter().map(calls).sum()
    }

    /// The number of failed calls so far, by operation and reason.
    pub(crate) fn failure_counts(&self) -> Vec<(&'static str, String, u64)> {
        let failures = lock(&self.failures);
        let counts = failures
            .iter()
            .map(|((operation, reason), failure)| (*operation, reason.clone().into_owned(), failure.count));
        counts.collect()
    }

    /// The number of violations so far of each kind, also of those that were never found.
    pub(crate) fn violation_counts(&self) -> Vec<(String, u64)> {
        lock(&self.violations).iter().map(|violation| (violation.kind.clone(), violation.count)).collect()
    }

    /// The number of failed calls and of violations so far.
    pub(crate) fn failures_and_violations(&self) -> [u64; 2] {
        let failures = lock(&self.failures).values().map(|failure| failure.count).sum();
        let violations = lock(&self.violations).iter().map(|violation| violation.count).sum();
        [failures, violations]
    }

    /// The last whole second with the calls that ended in it, those of the warm-up included, for the live view.
    pub(crate) fn last_second(&self, now: Instant) -> (u64, CallMetrics) {
        let mut last =
            Second { number: self.second(self.after_origin(now)).saturating_sub(1), ..Second::default() };
        let mut add = |second: &Second| {
            if second.number == last.number {
                last.calls.merge(&second.calls);
            }
        };
        for shard in &self.shards {
            let shard = lock(shard);
            add(&shard.current);
            add(&shard.current_of_warm_up);
        }
        add(&lock(&self.seconds).latest);
        (last.number, last.calls)
    }

    /// The measured calls so far, grouped by their outcome.
    pub(crate) fn call_groups(&self) -> CallGroups {
        let mut calls = CallGroups::default();
        self.shards.iter().for_each(|shard| calls.merge(&lock(shard).counts.calls));
        calls
    }

    /// All metrics so far. Operations and timeline have the same calls, also while the run goes on.
    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        let mut calls = CallGroups::default();
        let (mut scenarios, mut steps) = (Vec::new(), Vec::new());
        let mut warm_up = CallMetrics::default();
        let mut phases = PhaseMetrics::default();
        let mut last = 0;
        let mut shards: Vec<_> = self.shards.iter().map(lock).collect();
        let mut seconds = lock(&self.seconds);
        for shard in &mut shards {
            shard.flush(&mut seconds);
            shard.block.flush(&self.blocks);
            last = last.max(shard.last);
            calls.merge(&shard.counts.calls);
            merge_all(&mut scenarios, &shard.counts.scenarios);
            merge_all(&mut steps, &shard.steps);
            warm_up.merge(&shard.warm_up);
            phases.merge(&shard.phases);
        }
        let mut operations = calls.operations();
        for (name, operation) in &mut operations {
            operation.blocks = self.blocks.of(name);
        }
        // Users may go on while the timeline is copied.
        drop(shards);
        let (timeline, availability) = (seconds.timeline.clone(), seconds.availability.clone());
        drop(seconds);
        let first = self.first.load(Ordering::Relaxed);
        let started = if first == u64::MAX { Duration::ZERO } else { Duration::from_micros(first) };
        MetricsSnapshot {
            started: self.origin.1 + started,
            duration: Duration::from_micros(last.saturating_sub(first)),
            operations,
            scenarios,
            steps,
            warm_up,
            phases,
            warm_up_failures: most_frequent_first(&self.warm_up_failures),
            timeline,
            availability,
            failures: most_frequent_first(&self.failures),
            violations: lock(&self.violations).clone(),
        }
    }

    fn after_origin(&self, time: Instant) -> u64 {
        micros(time.saturating_duration_since(self.origin.0))
    }

    /// A moment on the calendar clock.
    pub(crate) fn date(&self, time: Instant) -> DateTime<Utc> {
        let (instant, date) = self.origin;
        date + time.saturating_duration_since(instant)
    }

    /// The second since 1970 of a moment in microseconds after the origin.
    fn second(&self, micros: u64) -> u64 {
        self.origin_micros.saturating_add(micros) / SECOND
    }
}

fn most_frequent_first(failures: &Mutex<Failures>) -> Vec<FailureSummary> {
    let mut failures: Vec<_> = lock(failures).values().cloned().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    failures
}

/// Adds the calls of each part to those of the same number.
fn merge_all(sums: &mut Vec<CallMetrics>, parts: &[CallMetrics]) {
    sums.resize_with(parts.len(), CallMetrics::default);
    for (sum, part) in sums.iter_mut().zip(parts) {
        sum.merge(part);
    }
}

/// Returns the entry of a kind. There are few kinds, and violations are rare.
fn entry_of<'v>(violations: &'v mut Vec<ViolationSummary>, kind: &str) -> &'v mut ViolationSummary {
    let index = violations.iter().position(|known| known.kind == kind).unwrap_or_else(|| {
        violations.push(no_violations(kind));
        violations.len() - 1
    });
    &mut violations[index]
}

fn no_violations(kind: &str) -> ViolationSummary {
    ViolationSummary { kind: kind.to_owned(), count: 0, examples: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;
    use sessions_client::sessions_v1;
    use wiretrait::telemetry::CallPhases;

    const ONLY: Part = Part { scenario: 0, phase: Phase::ByTime };

    fn call(recorder: &Recorder, route: &'static Route, due: Option<u64>, [start, end]: [u64; 2]) {
        call_of(recorder, ONLY, route, due, [start, end]);
    }

    fn call_of(
        recorder: &Recorder,
        part: Part,
        route: &'static Route,
        due: Option<u64>,
        [start, end]: [u64; 2],
    ) {
        let at = |millis| recorder.origin.0 + Duration::from_millis(millis);
        let call = TimedCall {
            route,
            due: due.map(at),
            start: at(start),
            end: at(end),
            status: Some(200),
            error: None,
            phases: CallPhases::default(),
        };
        recorder.call(0, &call, part);
    }

    #[test]
    fn the_duration_is_from_the_first_start_to_the_last_end() {
        let recorder = Recorder::new(false, 0, 0);
        assert_eq!(recorder.snapshot().duration, Duration::ZERO);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [20, 30]);
        call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [10, 15]);
        let snapshot = recorder.snapshot();
        assert_eq!(snapshot.duration, Duration::from_millis(20));
        assert_eq!(snapshot.started, recorder.origin.1 + Duration::from_millis(10));
    }

    #[test]
    fn the_open_model_has_a_service_time_and_a_response_time() {
        let recorder = Recorder::new(true, 0, 0);
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
        let recorder = Recorder::new(false, 0, 0);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [20, 30]);
        assert_eq!(recorder.snapshot().operations["open_session"].response_time, None);
    }

    #[test]
    fn several_snapshots_count_every_call_once() {
        let recorder = Recorder::new(false, 0, 0);
        for second in 0..5 {
            call(&recorder, sessions_v1::GET_SESSION_BY_ID, None, [second * 1_000, second * 1_000 + 1]);
            let timeline = recorder.snapshot().timeline;
            let calls: u64 = timeline.intervals().map(|(_, interval)| interval.calls()).sum();
            assert_eq!(calls, second + 1);
        }
        assert_eq!(recorder.snapshot().timeline.intervals().count(), 5);
    }

    #[test]
    fn failures_are_counted_by_operation_and_reason() {
        let recorder = Recorder::new(false, 0, 0);
        let (open, get) = (sessions_v1::OPEN_SESSION, sessions_v1::GET_SESSIONS);
        for (route, reason) in [(open, "timeout"), (get, "timeout"), (get, "timeout"), (get, "gone")] {
            fail(&recorder, route, reason, ONLY.phase);
        }
        let failures = recorder.snapshot().failures;
        let counts: Vec<_> =
            failures.iter().map(|failure| (&*failure.operation, &*failure.reason, failure.count)).collect();
        assert_eq!(
            counts,
            [("get_sessions", "timeout", 2), ("get_sessions", "gone", 1), ("open_session", "timeout", 1)]
        );
        assert_eq!(recorder.failures_and_violations(), [4, 0]);
    }

    #[test]
    fn all_violations_are_counted_and_the_first_are_examples() {
        let recorder = Recorder::new(false, 0, 0);
        recorder.checks_for("stale data was returned");
        for session in 0..9 {
            recorder.violation("session is missing", || ViolationExample {
                session_id: session.to_string(),
                ..ViolationExample::default()
            });
        }
        let violations = recorder.snapshot().violations;
        let [stale, missing] = &violations[..] else { panic!("{violations:?}") };
        assert_eq!((stale.count, missing.count, recorder.failures_and_violations()[1]), (0, 9, 9));
        let examples: Vec<_> = missing.examples.iter().map(|example| &*example.session_id).collect();
        assert_eq!(examples, ["0", "1", "2", "3", "4"]);
    }

    fn fail(recorder: &Recorder, route: &'static Route, reason: &'static str, phase: Phase) {
        let (start, end) = (recorder.origin.0, Instant::now());
        let call = TimedCall {
            route,
            due: None,
            start,
            end,
            status: None,
            error: Some("timeout"),
            phases: CallPhases::default(),
        };
        recorder.failure(&call, phase, reason.into(), Some(format!("{reason} happened")), None);
    }

    #[test]
    fn calls_that_start_in_the_warm_up_are_not_measured() {
        let recorder = Recorder::new(false, 0, 0);
        recorder.warm_up_until(recorder.origin.0 + Duration::from_millis(50));
        call(&recorder, sessions_v1::OPEN_SESSION, None, [49, 90]);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [50, 52]);
        let snapshot = recorder.snapshot();
        assert_eq!((snapshot.warm_up.calls(), snapshot.operations["open_session"].calls), (1, 1));
        assert_eq!(snapshot.started, recorder.origin.1 + Duration::from_millis(50));
        assert_eq!(snapshot.duration, Duration::from_millis(2));
        assert_eq!(recorder.calls(), 2);
    }

    #[test]
    fn the_last_second_includes_calls_of_the_warm_up() {
        let recorder = Recorder::new(false, 0, 0);
        recorder.warm_up_until(recorder.origin.0 + Duration::from_secs(5));
        // The second ends at the same moment of the calendar clock.
        let left = 1_000 - u64::from(recorder.origin.1.timestamp_subsec_millis());
        for end in [0, 1, 999, 1_000] {
            call(&recorder, sessions_v1::OPEN_SESSION, None, [left, left + end]);
        }
        let (_, last) = recorder.last_second(recorder.origin.0 + Duration::from_millis(left + 1_500));
        assert_eq!(last.calls(), 3);
        assert_eq!(recorder.snapshot().timeline.intervals().count(), 0);
    }

    #[test]
    fn seconds_through_which_a_call_waits_are_recorded() {
        let recorder = Recorder::new(false, 0, 0);
        call(&recorder, sessions_v1::OPEN_SESSION, None, [0, 3_000]);
        let availability = recorder.snapshot().availability;
        let second = recorder.second(0);
        let mut expected = Availability::default();
        expected.waited.insert_range(second + 1..second + 3);
        expected.succeeded.insert(second + 3);
        assert_eq!(availability, expected);
    }

    #[test]
    fn failures_of_the_warm_up_are_kept_apart() {
        let recorder = Recorder::new(true, 0, 1);
        fail(&recorder, sessions_v1::OPEN_SESSION, "timeout", Phase::WarmUp);
        fail(&recorder, sessions_v1::OPEN_SESSION, "gone", Phase::Step(0));
        let snapshot = recorder.snapshot();
        let reasons = |failures: &[FailureSummary]| failures[0].reason.clone();
        assert_eq!([reasons(&snapshot.warm_up_failures), reasons(&snapshot.failures)], ["timeout", "gone"]);
    }

    #[test]
    fn scenarios_and_steps_have_their_own_calls() {
        let recorder = Recorder::new(true, 2, 2);
        for (scenario, step) in [(0, 0), (0, 1), (1, 1)] {
            let part = Part { scenario, phase: Phase::Step(step) };
            call_of(&recorder, part, sessions_v1::OPEN_SESSION, None, [1, 2]);
        }
        let snapshot = recorder.snapshot();
        let calls = |parts: &[CallMetrics]| parts.iter().map(CallMetrics::calls).collect::<Vec<_>>();
        assert_eq!([calls(&snapshot.scenarios), calls(&snapshot.steps)], [[2, 1], [1, 2]]);
    }
}
