//! The counts of some of the users, which few of them lock at the same time.

use super::blocks::CurrentBlock;
use super::call_groups::TimedCall;
use super::counts::{Counts, Part, Phase};
use super::{Availability, CallMetrics, PhaseMetrics, Timeline};
use crate::sync::{Mutex, lock};
use std::mem;

/// The counts of some of the users.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) counts: Counts,
    /// The end of the last call, in microseconds after the origin.
    pub(super) last: u64,
    /// By the step of the rate; empty in the closed model.
    pub(super) steps: Vec<CallMetrics>,
    pub(super) warm_up: CallMetrics,
    pub(super) phases: PhaseMetrics,
    /// Earlier seconds are in [`Seconds`], which all shards share: a timeline takes megabytes.
    pub(super) current: Second,
    pub(super) current_of_warm_up: Second,
    pub(super) block: CurrentBlock,
}

/// A second since 1970 and the calls that ended in it.
#[derive(Debug, Default)]
pub(super) struct Second {
    pub(super) number: u64,
    pub(super) calls: CallMetrics,
}

impl Second {
    /// Records a call. Returns the calls of an earlier second, if this is the first call of a new one.
    fn record(&mut self, number: u64, latency: u64, failed: bool) -> Option<Self> {
        let ended = (number != self.number).then(|| mem::replace(self, Self { number, ..Self::default() }));
        self.calls.record(latency, failed);
        ended.filter(|second| second.calls.calls() > 0)
    }

    fn add(&mut self, other: &Self) {
        if other.number > self.number {
            *self = Self { number: other.number, ..Self::default() };
        }
        if other.number == self.number {
            self.calls.merge(&other.calls);
        }
    }
}

/// The calls by the second of their end.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    pub(super) timeline: Timeline,
    pub(super) availability: Availability,
    /// The latest second, warm-up included: the timeline of a long run has longer intervals.
    pub(super) latest: Second,
}

impl Shard {
    pub(super) fn new(scenarios: usize, steps: usize) -> Self {
        Self {
            counts: Counts::new(scenarios),
            last: 0,
            steps: vec![CallMetrics::default(); steps],
            warm_up: CallMetrics::default(),
            phases: PhaseMetrics::default(),
            current: Second::default(),
            current_of_warm_up: Second::default(),
            block: CurrentBlock::default(),
        }
    }

    pub(super) fn count(
        &mut self,
        second: u64,
        call: &TimedCall,
        latency: u64,
        part: Part,
        is_open_model: bool,
        seconds: &Mutex<Seconds>,
    ) {
        self.counts.add(call, latency, part, is_open_model);
        if let Phase::Step(step) = part.phase
            && let Some(step) = self.steps.get_mut(step)
        {
            step.record(latency, call.failed());
        }
        if let Some(ended) = self.current.record(second, latency, call.failed()) {
            lock(seconds).add(&ended);
        }
    }

    pub(super) fn count_warm_up(
        &mut self,
        second: u64,
        latency: u64,
        failed: bool,
        seconds: &Mutex<Seconds>,
    ) {
        self.warm_up.record(latency, failed);
        if let Some(ended) = self.current_of_warm_up.record(second, latency, failed) {
            lock(seconds).latest.add(&ended);
        }
    }

    pub(super) fn flush(&mut self, seconds: &mut Seconds) {
        if self.current.calls.calls() > 0 {
            seconds.add(&self.current);
            self.current.calls = CallMetrics::default();
        }
    }
}

impl Seconds {
    fn add(&mut self, second: &Second) {
        let Second { number, calls } = second;
        self.timeline.add(*number, calls);
        if calls.latency.count() > 0 {
            self.availability.succeeded.insert(*number);
        }
        if calls.failures > 0 {
            self.availability.failed.insert(*number);
        }
        self.latest.add(second);
    }
}
