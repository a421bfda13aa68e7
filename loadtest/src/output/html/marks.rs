//! The parts of a run that are marked in its charts: steps of the rate, injected faults, and outages.

use crate::metrics::{LoadModel, Results};
use crate::output::summary;

/// A part of the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// Seconds from the start of the run.
    pub(super) from: f64,
    pub(super) to: f64,
    /// The CSS class of its background.
    pub(super) class: &'static str,
    pub(super) label: Option<String>,
    /// The row of the label, so that those of concurrent faults do not overlap.
    pub(super) row: usize,
}

/// The number of steps up to which they are labelled: more labels would overlap.
const MAX_LABELS: usize = 12;

/// The number of rows for the labels of faults.
const FAULT_ROWS: usize = 4;

/// The marks of a run within its charts.
pub(super) fn marks(results: &Results) -> Vec<Mark> {
    let duration = results.duration().as_secs_f64();
    let mut marks = steps(results);
    marks.extend(faults(results));
    marks.extend(outages(results));
    marks.retain(|mark| mark.to > 0.0 && mark.from < duration);
    for mark in &mut marks {
        (mark.from, mark.to) = (mark.from.max(0.0), mark.to.min(duration));
    }
    marks
}

/// The steps of the rate, every second one with a background.
fn steps(results: &Results) -> Vec<Mark> {
    let LoadModel::Open { steps, .. } = &results.load else { return Vec::new() };
    if steps.len() < 2 {
        return Vec::new();
    }
    let executor_started = results.load_generators.iter().filter_map(|it| it.executor_started).min();
    let mut from = executor_started.map_or(0.0, |started| {
        let warm_up = results.warm_up.as_ref().map_or(0.0, |warm_up| warm_up.seconds);
        summary::seconds_between(results.started, started) + warm_up
    });
    let has_labels = steps.len() <= MAX_LABELS;
    let mark = |(step, class): (&crate::metrics::RateStep, &&'static str)| {
        let start = from;
        from += step.seconds;
        Mark { from: start, to: from, class, label: has_labels.then(|| step.rate()), row: 0 }
    };
    steps.iter().zip(["step", "step odd"].iter().cycle()).map(mark).collect()
}

/// The faults that were injected. The row of the first label is that of steps.
fn faults(results: &Results) -> impl Iterator<Item = Mark> {
    results.faults.iter().zip(1..).map(|(window, number)| {
        let [from, to] = [window.from, window.to].map(|time| summary::seconds_between(results.started, time));
        let row = 1 + (number - 1) % FAULT_ROWS;
        Mark { from, to, class: "fault", label: Some(window.fault.clone()), row }
    })
}

/// The seconds in which no call succeeded.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn outages(results: &Results) -> Vec<Mark> {
    let start = summary::start_s(results);
    let mark = |range: &std::ops::Range<u64>| Mark {
        from: range.start as f64 - start,
        to: range.end as f64 - start,
        class: "outage",
        label: None,
        row: 0,
    };
    results.outages().ranges().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{RateStep, WarmUp, sample};
    use chrono::TimeDelta;

    fn results() -> Results {
        sample::results(&sample::calls(1, 1_000, 10))
    }

    #[test]
    fn the_steps_of_the_rate_begin_after_the_warm_up() {
        let mut results = results();
        let steps = [100.0, 300.0].map(|rate| RateStep { from: rate, to: rate, seconds: 5.0 });
        results.load = LoadModel::Open { steps: steps.into(), pre_allocated_vus: 1 };
        results.warm_up = Some(WarmUp { seconds: 3.0, ..WarmUp::default() });
        results.load_generators[0].executor_started = Some(results.started - TimeDelta::seconds(2));
        let times: Vec<_> = marks(&results).iter().map(|mark| (mark.from, mark.to)).collect();
        let duration = results.duration().as_secs_f64();
        assert_eq!(times, [(1.0, 6.0), (6.0, duration)]);
    }

    #[test]
    fn seconds_without_a_successful_call_are_marked() {
        let mut calls = sample::calls(1, 1_000, 10);
        let silent = calls.iter_mut().filter(|call| (3_000_000..6_000_000).contains(&call.at_us));
        silent.for_each(|call| call.failure = Some("timeout"));
        let marks = marks(&sample::results(&calls));
        // The samples begin a quarter of a second after a full one.
        assert_eq!(
            marks.iter().map(|mark| (mark.class, mark.from, mark.to)).collect::<Vec<_>>(),
            [("outage", 3.75, 5.75)]
        );
    }

    #[test]
    fn a_run_of_one_rate_has_no_marks() {
        assert_eq!(marks(&results()), []);
    }
}
