//! What is printed after goose's tables: one table that fits on a screen, and the verdict.
//!
//! goose rounds times to whole milliseconds and rates to whole seconds, and ends without a word on whether
//! the run was good. The percentiles here come from its buckets of microseconds, which are exact to 0.8%.

use crate::Exit;
use crate::judge::{Baseline, Verdict, judge};
use crate::record::{Failure, Operation, Record};
use crate::text::{count, counted};
use std::fmt;

/// Ids and failures beyond this many are only counted.
const SHOWN: usize = 5;

/// The closing section of a run.
#[derive(Debug)]
pub struct Report {
    record: Record,
    verdict: Verdict,
}

impl Report {
    pub(crate) fn of(record: Record, baseline: Option<&Baseline>) -> Self {
        Self { verdict: judge(&record, baseline), record }
    }

    /// What was observed.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
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
        let rate = calls as f64 / self.record.span().as_secs_f64();
        if rate.is_finite() { format!("{rate:.1}") } else { "-".to_owned() }
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, [name, cells @ ..]: [&str; 7]| {
            write!(f, " {name:<22}")?;
            cells.iter().try_for_each(|cell| write!(f, " {cell:>9}"))?;
            writeln!(f)
        };
        line(f, ["operation", "calls", "failed", "p50 ms", "p95 ms", "p99 ms", "per s"])?;
        for (name, operation) in &self.record.operations {
            let Operation { calls, failures, .. } = operation;
            let [p50, p95, p99] = [50.0, 95.0, 99.0]
                .map(|percent| millis(operation.latency().percentile(percent).unwrap_or(0)));
            let rate = self.per_second(*calls);
            line(f, [name, &count(*calls), &count(*failures), &p50, &p95, &p99, &rate])?;
        }
        let (calls, failed) = (self.record.calls(), self.record.failed());
        line(f, ["all", &count(calls), &count(failed), "", "", "", &self.per_second(calls)])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        writeln!(f, "\n === SESSIONS LOAD TEST ===")?;
        writeln!(f, " {:?}\n {:?}", record.load, record.scenarios)?;
        self.table(f)?;
        for Failure { operation, name, count: times, example } in record.failures.iter().take(SHOWN) {
            writeln!(f, " {operation}: {name}, {}", counted(*times, "time", "times"))?;
            if let Some(example) = example {
                writeln!(f, "   such as: {example}")?;
            }
        }
        for violation in record.violations.iter().filter(|violation| violation.count > 0) {
            writeln!(f, " {violation:?}")?;
        }
        writeln!(f, " {:?}", record.audit)?;
        writeln!(f, " {}", self.verdict)
    }
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
}
