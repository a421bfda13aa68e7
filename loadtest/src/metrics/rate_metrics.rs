//! The metrics of one rate of a breakpoint search.

use super::call_groups::{TimedCall, micros};
use super::counts::{Counts, Part};
use super::{CallMetrics, Histogram, OperationMetrics};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock};
use std::collections::BTreeMap;

/// The iterations of one rate of a breakpoint search, and their calls.
#[derive(Debug)]
pub(crate) struct RateMetrics {
    counts: Mutex<Counts>,
    due: AtomicU64,
    ended: AtomicU64,
    completed: AtomicU64,
}

impl RateMetrics {
    /// Creates the metrics for this number of scenarios, 0 for a single one.
    pub(crate) fn new(scenarios: usize) -> Self {
        let counts = Mutex::new(Counts::new(scenarios));
        Self {
            counts,
            due: AtomicU64::default(),
            ended: AtomicU64::default(),
            completed: AtomicU64::default(),
        }
    }

    /// Records a call.
    pub(crate) fn call(&self, call: &TimedCall, part: Part) {
        lock(&self.counts).add(call, micros(call.latency()), part, true);
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
        lock(&self.counts).calls.operations()
    }

    /// The calls of each scenario by index; empty for a single one.
    pub(crate) fn scenarios(&self) -> Vec<CallMetrics> {
        lock(&self.counts).scenarios.clone()
    }

    /// The latency of all successful calls.
    pub(crate) fn latency(&self) -> Histogram {
        let mut all = Histogram::default();
        let counts = lock(&self.counts);
        let successful = counts.calls.iter().filter(|group| group.error.is_none());
        successful.for_each(|group| all.merge(group.latency()));
        all
    }
}
