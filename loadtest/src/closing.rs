//! What is printed after goose's tables: one table that fits on a screen, and the verdict.
//!
//! goose rounds times to whole milliseconds and rates to whole seconds, and ends without a word on whether
//! the run was good. The percentiles here come from its buckets of microseconds, which are exact to 0.8%.

use crate::Exit;
use crate::tally::Failures;
use crate::text::{count, counted};
use crate::verdict::Verdict;
use goose::metrics::GooseMetrics;
use sessions_client::Route;
use std::fmt;
use std::time::Duration;

/// Ids and failures beyond this many are only counted.
const SHOWN: usize = 5;

/// The closing section of a run.
#[derive(Debug)]
pub struct Report {
    pub(crate) service: String,
    pub(crate) scenario: String,
    pub(crate) span: Duration,
    pub(crate) lifecycles: u64,
    pub(crate) rows: Vec<Row>,
    pub(crate) failures: Vec<Failures>,
    pub(crate) notes: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// The figures of one operation.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    calls: u64,
    failed: u64,
    /// p50, p95 and p99, in microseconds.
    percentiles: [u64; 3],
}

impl Row {
    /// The figures of `route`, if it was called.
    pub(crate) fn of(route: &Route, metrics: &GooseMetrics) -> Option<Self> {
        let request = metrics.requests.get(&format!("{} {}", route.method, route.name))?;
        let failed = request.fail_count as u64;
        Some(Self {
            name: route.name,
            calls: request.success_count as u64 + failed,
            failed,
            percentiles: [0.50, 0.95, 0.99].map(|percent| request.raw_data.percentile_us(percent)),
        })
    }
}

impl Report {
    /// How the process is to end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.verdict.exit
    }

    fn per_second(&self, calls: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown with one decimal")]
        let rate = calls as f64 / self.span.as_secs_f64();
        if rate.is_finite() { format!("{rate:.1}") } else { "-".to_owned() }
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, [name, cells @ ..]: [&str; 7]| {
            write!(f, " {name:<22}")?;
            cells.iter().try_for_each(|cell| write!(f, " {cell:>9}"))?;
            writeln!(f)
        };
        line(f, ["operation", "calls", "failed", "p50 ms", "p95 ms", "p99 ms", "per s"])?;
        for Row { name, calls, failed, percentiles } in &self.rows {
            let [p50, p95, p99] = percentiles.map(millis);
            let rate = self.per_second(*calls);
            line(f, [name, &count(*calls), &count(*failed), &p50, &p95, &p99, &rate])?;
        }
        let calls = self.rows.iter().map(|row| row.calls).sum();
        let failed = self.rows.iter().map(|row| row.failed).sum();
        line(f, ["all", &count(calls), &count(failed), "", "", "", &self.per_second(calls)])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n === SESSIONS LOAD TEST ===")?;
        writeln!(f, " service:  {}", self.service)?;
        writeln!(f, " scenario: {}", self.scenario)?;
        let sessions = counted(self.lifecycles, "session", "sessions");
        writeln!(f, " done:     {sessions} in {:.1} s", self.span.as_secs_f64())?;
        for file in &self.files {
            writeln!(f, " report:   {file}")?;
        }
        writeln!(f)?;
        if !self.rows.is_empty() {
            self.table(f)?;
            writeln!(f)?;
        }
        for Failures { operation, count: times, first } in self.failures.iter().take(SHOWN) {
            writeln!(f, " {operation}: {}, {}", first.name, counted(*times, "time", "times"))?;
            if let Some(example) = &first.example {
                writeln!(f, "   such as: {example}")?;
            }
        }
        if let Some(more) = self.failures.len().checked_sub(SHOWN + 1) {
            writeln!(f, " and {}", counted(more as u64 + 1, "other failure", "other failures"))?;
        }
        for note in &self.notes {
            writeln!(f, " {note}")?;
        }
        writeln!(f, " {}", self.verdict)
    }
}

/// The first of many ids, for a person to look for.
pub(crate) fn some_of(ids: &[String]) -> String {
    let shown = ids.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if ids.len() > SHOWN { format!("{shown}, …") } else { shown }
}

#[expect(clippy::cast_precision_loss, reason = "a time is shown with two decimals")]
fn millis(micros: u64) -> String {
    format!("{:.2}", micros as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_below_a_millisecond_are_seen() {
        assert_eq!([0, 128, 12_345].map(millis), ["0.00", "0.13", "12.35"]);
    }

    #[test]
    fn a_long_list_of_ids_is_cut() {
        let ids: Vec<String> = (0..9).map(|id| id.to_string()).collect();
        assert_eq!(some_of(&ids), "0, 1, 2, 3, 4, …");
        assert_eq!(some_of(&ids[..2]), "0, 1");
    }
}
