//! The calls of a run by the time of their end.
//!
//! Intervals begin at multiples of their length since 1970, so that those of several workers coincide. A long
//! run has longer intervals rather than more of them: its results stay small, and a longer interval is the
//! exact sum of shorter ones.

use super::CallMetrics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of intervals beyond which pairs of them are merged.
const MAX_INTERVALS: usize = 600;

/// Intervals of equal length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "UncheckedTimeline")]
pub struct Timeline {
    /// A power of two.
    interval_s: u64,
    /// By the second since 1970 in which an interval begins.
    intervals: BTreeMap<u64, CallMetrics>,
}

/// A timeline read from a file.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UncheckedTimeline {
    interval_s: u64,
    intervals: BTreeMap<u64, CallMetrics>,
}

impl TryFrom<UncheckedTimeline> for Timeline {
    type Error = &'static str;

    fn try_from(timeline: UncheckedTimeline) -> Result<Self, &'static str> {
        let UncheckedTimeline { interval_s, intervals } = timeline;
        if !interval_s.is_power_of_two() {
            return Err("`interval_s` must be a power of two");
        }
        if intervals.keys().any(|second| second % interval_s != 0) {
            return Err("an interval does not begin at a multiple of `interval_s`");
        }
        Ok(Self { interval_s, intervals })
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self { interval_s: 1, intervals: BTreeMap::new() }
    }
}

impl Timeline {
    /// Adds the calls that ended in a second since 1970.
    pub fn add(&mut self, second: u64, calls: &CallMetrics) {
        self.intervals.entry(second - second % self.interval_s).or_default().merge(calls);
        while self.intervals.len() > MAX_INTERVALS {
            self.double_interval();
        }
    }

    /// Adds all calls of another timeline.
    pub fn merge(&mut self, other: &Self) {
        while self.interval_s < other.interval_s {
            self.double_interval();
        }
        for (second, interval) in &other.intervals {
            self.add(*second, interval);
        }
    }

    fn double_interval(&mut self) {
        let interval_s = self.interval_s * 2;
        let short = std::mem::replace(self, Self { interval_s, intervals: BTreeMap::new() });
        for (second, interval) in short.intervals {
            self.intervals.entry(second - second % interval_s).or_default().merge(&interval);
        }
    }

    /// The length of an interval in seconds.
    #[must_use]
    pub fn interval_s(&self) -> u64 {
        self.interval_s
    }

    /// The intervals that are not empty, with the second since 1970 in which each begins.
    #[must_use]
    pub fn intervals(&self) -> impl DoubleEndedIterator<Item = (u64, &CallMetrics)> {
        self.intervals.iter().map(|(second, interval)| (*second, interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(micros: u64) -> CallMetrics {
        CallMetrics { failures: micros % 2, latency: [micros].into_iter().collect() }
    }

    /// A timeline with one call in each of `seconds`.
    fn timeline(seconds: impl IntoIterator<Item = u64>) -> Timeline {
        let mut timeline = Timeline::default();
        seconds.into_iter().for_each(|second| timeline.add(second, &interval(second)));
        timeline
    }

    #[test]
    fn a_long_run_has_longer_intervals_and_loses_no_call() {
        let timeline = timeline(1_001..2_501);
        assert_eq!(timeline.interval_s(), 4);
        assert_eq!(timeline.intervals().next().unwrap().0, 1_000);
        let calls: u64 = timeline.intervals().map(|(_, interval)| interval.latency.count()).sum();
        assert_eq!(calls, 1_500);
    }

    #[test]
    fn timelines_with_different_intervals_merge_exactly() {
        let (one, other) = (timeline(1_000..1_010), timeline(900..2_000));
        let all = timeline((900..2_000).chain(1_000..1_010));
        for (mut into, from) in [(one.clone(), &other), (other.clone(), &one)] {
            into.merge(from);
            assert_eq!(into, all);
        }
    }

    #[test]
    fn misaligned_intervals_are_rejected() {
        let read = |json| serde_json::from_str::<Timeline>(json).unwrap_err().to_string();
        assert!(read(r#"{"interval_s": 0, "intervals": {}}"#).contains("a power of two"));
        let interval = serde_json::to_string(&interval(1)).unwrap();
        let odd = format!(r#"{{"interval_s": 2, "intervals": {{"3": {interval}}}}}"#);
        assert!(read(&odd).contains("does not begin at a multiple of `interval_s`"));
    }
}
