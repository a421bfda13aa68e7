//! Numbers that several reports share.

use crate::format::{self, count};
use crate::metrics::{
    CallMetrics, FailureSummary, Histogram, LoadModel, OperationMetrics, Results, StepMetrics,
    ViolationSummary,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The percentiles in tables.
pub(super) const PERCENTILES: [f64; 4] = [50.0, 95.0, 99.0, 99.9];

/// The operations in the order of the contract.
pub(super) fn operations(results: &Results) -> Vec<(&str, &OperationMetrics)> {
    let mut operations: Vec<_> =
        results.operations.iter().map(|(name, operation)| (name.as_str(), operation)).collect();
    let position = |name: &str| results.contract.operations.iter().position(|operation| operation == name);
    operations.sort_by_key(|(name, _)| position(name).unwrap_or(usize::MAX));
    operations
}

/// The heads of the table of steps.
pub(super) const STEP_HEADS: [&str; 9] =
    ["step", "iterations/s", "held/s", "calls", "failed", "p50", "p95", "p99", "dropped"];

/// The steps of the rate as rows of a table.
pub(super) fn steps(results: &Results) -> Vec<[String; 9]> {
    let LoadModel::Open { steps, .. } = &results.load else { return Vec::new() };
    let steps = steps.iter().zip(&results.steps).zip(1..);
    steps
        .map(|((step, metrics), number): (_, u64)| {
            let StepMetrics { calls, .. } = metrics;
            let percentile = |percent| format::latency(calls.latency.percentile(percent));
            [
                number.to_string(),
                step.rate(),
                format::rate(metrics.held_rate(step)),
                count(calls.calls()),
                count(calls.failures),
                percentile(50.0),
                percentile(95.0),
                percentile(99.0),
                count(metrics.dropped()),
            ]
        })
        .collect()
}

/// A count per second of the time in which load was made; `None` without such time.
#[expect(clippy::cast_precision_loss, reason = "a rate is shown with few digits")]
pub(super) fn per_second(results: &Results, events: u64) -> Option<f64> {
    (results.load_us > 0).then(|| events as f64 / results.load_duration().as_secs_f64())
}

/// The failures, the most frequent first.
pub(super) fn failures(results: &Results) -> Vec<&FailureSummary> {
    let mut failures: Vec<_> = results.failures.iter().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    failures
}

/// The operations with failed calls, and `all` if there are several: the number of failed calls, and the
/// latency of half of them, of 99% and of the slowest.
pub(super) fn failure_times(results: &Results) -> Vec<(&str, u64, [String; 3])> {
    let row = |name, latency: &Histogram| {
        let times = [latency.percentile(50.0), latency.percentile(99.0), latency.max()];
        (name, latency.count(), times.map(format::latency))
    };
    let failed = |(_, operation): &(&str, &OperationMetrics)| operation.failure_time.count() > 0;
    let failed: Vec<_> = operations(results).into_iter().filter(failed).collect();
    let mut all = Histogram::default();
    for (_, operation) in &failed {
        all.merge(&operation.failure_time);
    }
    let mut rows: Vec<_> =
        failed.iter().map(|(name, operation)| row(*name, &operation.failure_time)).collect();
    if rows.len() > 1 {
        rows.push(row("all", &all));
    }
    rows
}

/// The phases of calls that were measured.
pub(super) fn phases(results: &Results) -> Vec<(&'static str, &Histogram)> {
    results.phases.all().into_iter().filter(|(_, times)| times.count() > 0).collect()
}

/// The calls other than load, by purpose: the number of each operation.
pub(super) fn other_calls(results: &Results) -> impl Iterator<Item = (&str, String)> {
    results.other_calls.iter().filter_map(|(purpose, of)| Some((purpose.as_str(), by_operation(of)?)))
}

/// The number of calls of each operation; `None` without calls.
pub(super) fn by_operation(operations: &BTreeMap<String, u64>) -> Option<String> {
    let called = operations.iter().filter(|(_, calls)| **calls > 0);
    let each: Vec<_> = called.map(|(name, calls)| format!("{} {name}", count(*calls))).collect();
    (!each.is_empty()).then(|| each.join(", "))
}

/// The violations that were found.
pub(super) fn violations(results: &Results) -> impl Iterator<Item = &ViolationSummary> {
    results.violations.iter().filter(|violation| violation.count > 0)
}

/// A part of the run on a chart, with the calls that ended in it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ChartInterval {
    /// Seconds from the start of the run to the start and to the end of this interval.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) failures: u64,
    pub(super) latency: Histogram,
}

impl ChartInterval {
    #[expect(clippy::cast_precision_loss, reason = "a rate is drawn")]
    pub(super) fn calls_per_second(&self) -> f64 {
        (self.latency.count() + self.failures) as f64 / self.seconds()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is drawn")]
    pub(super) fn failures_per_second(&self) -> f64 {
        self.failures as f64 / self.seconds()
    }

    /// At least a tenth of a second, so that a fraction of an interval does not show an absurd rate.
    fn seconds(&self) -> f64 {
        (self.to - self.from).max(0.1)
    }
}

/// The start of the run in seconds since 1970.
pub(super) fn start_s(results: &Results) -> f64 {
    seconds_between(DateTime::UNIX_EPOCH, results.started)
}

/// The seconds from one moment to another.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
pub(super) fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to.timestamp_micros() - from.timestamp_micros()) as f64 / 1e6
}

/// The run from its start to its end in intervals of equal length, `max` at most, including those without
/// calls.
///
/// The first and the last are cut to the run: the calls of half a second must not show half the rate.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
pub(super) fn intervals(results: &Results, max: u64) -> Vec<ChartInterval> {
    let (intervals, length) = merged_intervals(results, max);
    let (Some(first), Some(last)) = (intervals.keys().next(), intervals.keys().next_back()) else {
        return Vec::new();
    };
    let start = start_s(results);
    let duration = results.duration().as_secs_f64();
    (*first..=*last)
        .step_by(usize::try_from(length).unwrap_or(usize::MAX))
        .map(|second| {
            let from = second as f64 - start;
            let (from, to) = (from.clamp(0.0, duration), (from + length as f64).clamp(0.0, duration));
            let interval = intervals.get(&second);
            ChartInterval {
                from,
                to,
                failures: interval.map_or(0, |interval| interval.failures),
                latency: interval.map(|interval| interval.latency.clone()).unwrap_or_default(),
            }
        })
        .collect()
}

/// The intervals of the timeline, merged until there are at most `max`, and their length in seconds.
fn merged_intervals(results: &Results, max: u64) -> (BTreeMap<u64, CallMetrics>, u64) {
    let mut length = results.timeline.interval_s();
    let seconds: Vec<_> = results.timeline.intervals().map(|(second, _)| second).collect();
    if let [first, .., last] = seconds[..] {
        while (last - first) / length >= max {
            length *= 2;
        }
    }
    let mut intervals = BTreeMap::<u64, CallMetrics>::new();
    for (second, interval) in results.timeline.intervals() {
        intervals.entry(second - second % length).or_default().merge(interval);
    }
    (intervals, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    #[test]
    fn operations_are_sorted_as_in_the_contract() {
        let mut results = sample::results(&sample::calls(1, 100, 1));
        results.operations.insert("a_new_one".to_owned(), OperationMetrics::default());
        let names: Vec<_> = operations(&results).into_iter().map(|(name, _)| name).collect();
        let position = |name| names.iter().position(|found| *found == name);
        assert!(position("open_session") < position("close_session"), "{names:?}");
        assert_eq!(position("a_new_one"), Some(6));
    }

    #[test]
    fn intervals_without_calls_are_included() {
        let mut calls = sample::calls(1, 1_000, 10);
        calls.retain(|call| !(3_000_000..6_000_000).contains(&call.at_us));
        let intervals = intervals(&sample::results(&calls), 100);
        assert_eq!(intervals.len(), 11);
        let silent = intervals.iter().filter(|interval| interval.latency.count() == 0).count();
        assert_eq!(silent, 2);
    }

    #[test]
    fn the_first_interval_is_cut_to_the_run() {
        // The samples begin a quarter of a second after a full one.
        let intervals = intervals(&sample::results(&sample::calls(1, 1_000, 10)), 100);
        assert!((intervals[0].to - 0.75).abs() < 0.01, "{}", intervals[0].to);
        assert!((intervals[0].calls_per_second() - 100.0).abs() < 5.0);
    }

    #[test]
    fn a_long_run_has_longer_intervals() {
        let results = sample::results(&sample::calls(1, 1_000, 500));
        let intervals = intervals(&results, 100);
        assert!(intervals.len() <= 101, "{}", intervals.len());
        assert_eq!(intervals.iter().map(|interval| interval.latency.count()).sum::<u64>(), 1_000);
    }
}
