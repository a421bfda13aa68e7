//! Counts of calls by operation and by scenario, and the part of a run that a call belongs to.

use super::CallMetrics;
use super::call_groups::{CallGroups, TimedCall};

/// The part of a run that an iteration and its calls belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The index of its scenario.
    pub(crate) scenario: usize,
    pub(crate) phase: Phase,
}

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// By the start of each call, in the closed model: the warm-up, or the measured part after it.
    ByTime,
    /// The warm-up.
    WarmUp,
    /// A step of the rate, counted from 0.
    Step(usize),
}

/// Counts by operation and by scenario.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: CallGroups,
    /// By index; empty for a single scenario, whose calls are all calls.
    pub(super) scenarios: Vec<CallMetrics>,
}

impl Counts {
    pub(super) fn new(scenarios: usize) -> Self {
        Self { calls: CallGroups::default(), scenarios: vec![CallMetrics::default(); scenarios] }
    }

    pub(super) fn add(&mut self, call: &TimedCall, latency: u64, part: Part, is_open_model: bool) {
        self.calls.record(call, is_open_model);
        if let Some(scenario) = self.scenarios.get_mut(part.scenario) {
            scenario.record(latency, call.failed());
        }
    }
}
