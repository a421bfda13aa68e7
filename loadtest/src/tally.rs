//! What the users have done so far: counts, failures by name, and the time from the first call to the last.
//!
//! goose counts as well, but it rounds the length of a run to whole seconds before it divides by it, and its
//! error table does not tell a wrong answer from a refused one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a call does not count as a success.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// A name for this kind of failure, out of few.
    pub(crate) name: Cow<'static, str>,
    /// Whether the answer arrived well and is wrong.
    pub(crate) mismatch: bool,
    /// What one of them said in full, for people.
    pub(crate) example: Option<String>,
}

/// How often a failure happened.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    pub(crate) operation: &'static str,
    pub(crate) count: u64,
    pub(crate) first: Failure,
}

/// Counts that all users share.
#[derive(Debug)]
pub(crate) struct Tally {
    requests: AtomicU64,
    lifecycles: AtomicU64,
    origin: Instant,
    /// Microseconds after the origin.
    first: AtomicU64,
    last: AtomicU64,
    failures: Mutex<BTreeMap<(&'static str, Cow<'static, str>), Failures>>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            requests: AtomicU64::new(0),
            lifecycles: AtomicU64::new(0),
            origin: Instant::now(),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            failures: Mutex::default(),
        }
    }

    /// Counts a call that ran from `start` to `end`.
    pub(crate) fn call(
        &self,
        operation: &'static str,
        start: Instant,
        end: Instant,
        failure: Option<Failure>,
    ) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.first.fetch_min(self.micros(start), Ordering::Relaxed);
        self.last.fetch_max(self.micros(end), Ordering::Relaxed);
        if let Some(failure) = failure {
            self.fail(operation, failure);
        }
    }

    fn fail(&self, operation: &'static str, failure: Failure) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .entry((operation, failure.name.clone()))
            .or_insert(Failures { operation, count: 0, first: failure })
            .count += 1;
    }

    /// Counts a session that went through its whole life.
    pub(crate) fn lifecycle(&self) {
        self.lifecycles.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn lifecycles(&self) -> u64 {
        self.lifecycles.load(Ordering::Relaxed)
    }

    /// From the start of the first call to the end of the last.
    pub(crate) fn span(&self) -> Duration {
        let (first, last) = (self.first.load(Ordering::Relaxed), self.last.load(Ordering::Relaxed));
        Duration::from_micros(last.saturating_sub(first))
    }

    /// The most frequent first.
    pub(crate) fn failures(&self) -> Vec<Failures> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failures: Vec<_> = failures.values().cloned().collect();
        failures.sort_by_key(|failures| std::cmp::Reverse(failures.count));
        failures
    }

    fn micros(&self, time: Instant) -> u64 {
        u64::try_from(time.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(name: &'static str) -> Failure {
        Failure { name: name.into(), mismatch: false, example: Some(format!("{name} happened")) }
    }

    #[test]
    fn the_span_is_from_the_first_start_to_the_last_end() {
        let tally = Tally::new();
        assert_eq!(tally.span(), Duration::ZERO);
        let at = |millis| tally.origin + Duration::from_millis(millis);
        tally.call("b", at(20), at(30), None);
        tally.call("a", at(10), at(15), None);
        assert_eq!(tally.span(), Duration::from_millis(20));
        assert_eq!(tally.requests(), 2);
    }

    #[test]
    fn failures_are_counted_by_operation_and_name() {
        let tally = Tally::new();
        let now = Instant::now();
        for (operation, name) in
            [("open", "timeout"), ("get", "timeout"), ("get", "timeout"), ("get", "gone")]
        {
            tally.call(operation, now, now, Some(failure(name)));
        }
        let failures = tally.failures();
        let seen: Vec<_> = failures
            .iter()
            .map(|failures| (failures.operation, &*failures.first.name, failures.count))
            .collect();
        assert_eq!(seen, [("get", "timeout", 2), ("get", "gone", 1), ("open", "timeout", 1)]);
    }
}
