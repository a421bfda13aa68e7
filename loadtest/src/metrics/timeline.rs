//! The calls of a run by the time of their end.
//!
//! Columns begin at whole multiples of their width since 1970, so that those of several workers lie above each
//! other. A long run has wider columns rather than more of them: its record stays small, and wider columns are
//! exact sums of narrow ones.

use super::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// More columns than this are put together in twos.
const COLUMNS: usize = 600;

/// Columns of equal width.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Timeline {
    /// A power of two.
    width_s: u64,
    /// By the second since 1970 in which a column begins.
    columns: BTreeMap<u64, Column>,
}

/// A timeline as it was read.
#[derive(Deserialize)]
struct Unchecked {
    width_s: u64,
    columns: BTreeMap<u64, Column>,
}

impl TryFrom<Unchecked> for Timeline {
    type Error = &'static str;

    fn try_from(Unchecked { width_s, columns }: Unchecked) -> Result<Self, &'static str> {
        if !width_s.is_power_of_two() {
            return Err("the width of a timeline's columns is no power of two");
        }
        if columns.keys().any(|second| second % width_s != 0) {
            return Err("a column of a timeline does not begin at a multiple of its width");
        }
        Ok(Self { width_s, columns })
    }
}

/// The calls that ended in one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// How many failed.
    pub failures: u64,
    /// The latency of all, as [`Operation::latency`](super::Operation::latency) has it.
    pub latency: Histogram,
}

impl Column {
    /// Adds all calls of another.
    pub fn merge(&mut self, other: &Self) {
        self.failures = self.failures.saturating_add(other.failures);
        self.latency.merge(&other.latency);
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width_s: 1, columns: BTreeMap::new() }
    }
}

impl Timeline {
    /// Adds the calls that ended in a second since 1970.
    pub fn add(&mut self, second: u64, calls: &Column) {
        self.columns.entry(second - second % self.width_s).or_default().merge(calls);
        while self.columns.len() > COLUMNS {
            self.widen();
        }
    }

    /// Adds all calls of another.
    pub fn merge(&mut self, other: &Self) {
        while self.width_s < other.width_s {
            self.widen();
        }
        for (second, column) in &other.columns {
            self.add(*second, column);
        }
    }

    fn widen(&mut self) {
        let width = self.width_s * 2;
        let narrow = std::mem::replace(self, Self { width_s: width, columns: BTreeMap::new() });
        for (second, column) in narrow.columns {
            self.columns.entry(second - second % width).or_default().merge(&column);
        }
    }

    /// The width of a column in seconds.
    #[must_use]
    pub fn width_s(&self) -> u64 {
        self.width_s
    }

    /// The columns that are not empty, with the second since 1970 in which each begins.
    #[must_use]
    pub fn columns(&self) -> impl DoubleEndedIterator<Item = (u64, &Column)> {
        self.columns.iter().map(|(second, column)| (*second, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(micros: u64) -> Column {
        Column { failures: micros % 2, latency: [micros].into_iter().collect() }
    }

    /// A timeline of one call in each of `seconds`.
    fn timeline(seconds: impl IntoIterator<Item = u64>) -> Timeline {
        let mut timeline = Timeline::default();
        seconds.into_iter().for_each(|second| timeline.add(second, &column(second)));
        timeline
    }

    #[test]
    fn a_long_run_has_wider_columns_and_loses_no_call() {
        let timeline = timeline(1_001..2_501);
        assert_eq!(timeline.width_s(), 4);
        assert_eq!(timeline.columns().next().unwrap().0, 1_000);
        let calls: u64 = timeline.columns().map(|(_, column)| column.latency.count()).sum();
        assert_eq!(calls, 1_500);
    }

    #[test]
    fn timelines_of_other_widths_and_starts_merge_to_that_of_all_calls() {
        let (one, other) = (timeline(1_000..1_010), timeline(900..2_000));
        let all = timeline((900..2_000).chain(1_000..1_010));
        for (mut into, from) in [(one.clone(), &other), (other.clone(), &one)] {
            into.merge(from);
            assert_eq!(into, all);
        }
    }

    #[test]
    fn columns_that_do_not_lie_on_the_common_clock_are_refused() {
        let read = |text| serde_json::from_str::<Timeline>(text).unwrap_err().to_string();
        assert!(read(r#"{"width_s": 0, "columns": {}}"#).contains("no power of two"));
        let column = serde_json::to_string(&column(1)).unwrap();
        let odd = format!(r#"{{"width_s": 2, "columns": {{"3": {column}}}}}"#);
        assert!(read(&odd).contains("does not begin at a multiple of its width"));
    }
}
