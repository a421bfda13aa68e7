//! The numbers that every form of a report shows.

use crate::metrics::{Column, Histogram, Operation, Record};
use sessions_client::sessions_v1;
use std::collections::BTreeMap;

/// The percentiles that tables have.
pub(super) const PERCENTILES: [f64; 4] = [50.0, 95.0, 99.0, 99.9];

/// The operations in the order of the contract.
pub(super) fn operations(record: &Record) -> Vec<(&str, &Operation)> {
    let mut operations: Vec<_> =
        record.operations.iter().map(|(name, operation)| (name.as_str(), operation)).collect();
    let place = |name: &str| sessions_v1::ROUTES.iter().position(|route| route.name == name);
    operations.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    operations
}

/// A number a second over the whole run; none if it lasted no time.
#[expect(clippy::cast_precision_loss, reason = "a rate is shown with few digits")]
pub(super) fn per_second(record: &Record, count: u64) -> Option<f64> {
    (record.span_us > 0).then(|| count as f64 / record.span().as_secs_f64())
}

/// The part of calls that failed, in percent.
#[expect(clippy::cast_precision_loss, reason = "a share is shown with few digits")]
pub(super) fn error_rate(record: &Record) -> Option<f64> {
    let calls = record.calls();
    (calls > 0).then(|| record.failed() as f64 * 100.0 / calls as f64)
}

/// A part of the run, with the calls that ended in it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Interval {
    /// Seconds from the start of the run to the start and to the end of this part.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) failures: u64,
    pub(super) latency: Histogram,
}

impl Interval {
    #[expect(clippy::cast_precision_loss, reason = "a rate is drawn")]
    pub(super) fn calls_per_second(&self) -> f64 {
        self.latency.count() as f64 / self.seconds()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is drawn")]
    pub(super) fn failures_per_second(&self) -> f64 {
        self.failures as f64 / self.seconds()
    }

    /// A part that the run had hardly begun, or hardly left, shows no rate of millions.
    fn seconds(&self) -> f64 {
        (self.to - self.from).max(0.1)
    }
}

/// The run from its start to its end in parts of equal width, `most` at the most; those without a call are there.
///
/// The first and the last are as long as the run was in them: half a second of calls is not half the rate.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
pub(super) fn intervals(record: &Record, most: u64) -> Vec<Interval> {
    let (columns, width) = columns(record, most);
    let (Some(first), Some(last)) = (columns.keys().next(), columns.keys().next_back()) else {
        return Vec::new();
    };
    let start = record.started.timestamp_micros() as f64 / 1e6;
    let span = record.span().as_secs_f64();
    (*first..=*last)
        .step_by(usize::try_from(width).unwrap_or(usize::MAX))
        .map(|second| {
            let from = second as f64 - start;
            let (from, to) = (from.clamp(0.0, span), (from + width as f64).clamp(0.0, span));
            let column = columns.get(&second);
            Interval {
                from,
                to,
                failures: column.map_or(0, |column| column.failures),
                latency: column.map(|column| column.latency.clone()).unwrap_or_default(),
            }
        })
        .collect()
}

/// The columns of the timeline, put together until there are no more than `most`, and their width in seconds.
fn columns(record: &Record, most: u64) -> (BTreeMap<u64, Column>, u64) {
    let mut width = record.timeline.width_s();
    let seconds: Vec<_> = record.timeline.columns().map(|(second, _)| second).collect();
    if let [first, .., last] = seconds[..] {
        while (last - first) / width >= most {
            width *= 2;
        }
    }
    let mut columns = BTreeMap::<u64, Column>::new();
    for (second, column) in record.timeline.columns() {
        columns.entry(second - second % width).or_default().merge(column);
    }
    (columns, width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    #[test]
    fn operations_come_in_the_order_of_the_contract_and_others_last() {
        let mut record = sample::record(&sample::calls(1, 100, 1));
        record.operations.insert("a_new_one".to_owned(), Operation::default());
        let names: Vec<_> = operations(&record).into_iter().map(|(name, _)| name).collect();
        let place = |name| names.iter().position(|found| *found == name);
        assert!(place("open_session") < place("close_session"), "{names:?}");
        assert_eq!(place("a_new_one"), Some(6));
    }

    #[test]
    fn parts_of_the_run_without_a_call_are_there() {
        let mut calls = sample::calls(1, 1_000, 10);
        calls.retain(|call| !(3_000_000..6_000_000).contains(&call.at_us));
        let intervals = intervals(&sample::record(&calls), 100);
        assert_eq!(intervals.len(), 11);
        let silent = intervals.iter().filter(|interval| interval.latency.count() == 0).count();
        assert_eq!(silent, 2);
    }

    #[test]
    fn the_rate_of_a_part_is_over_the_time_that_the_run_was_in_it() {
        // The samples begin a quarter of a second after a full one.
        let intervals = intervals(&sample::record(&sample::calls(1, 1_000, 10)), 100);
        assert!((intervals[0].to - 0.75).abs() < 0.01, "{}", intervals[0].to);
        assert!((intervals[0].calls_per_second() - 100.0).abs() < 5.0);
    }

    #[test]
    fn a_long_run_is_drawn_in_wider_parts_of_all_calls() {
        let record = sample::record(&sample::calls(1, 1_000, 500));
        let intervals = intervals(&record, 100);
        assert!(intervals.len() <= 101, "{}", intervals.len());
        assert_eq!(intervals.iter().map(|interval| interval.latency.count()).sum::<u64>(), 1_000);
    }
}
