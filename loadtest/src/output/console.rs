//! What is printed at the end of a run: one table that fits on a screen, and the verdict as the last line.

use super::{Report, messages as words, summary as figures};
use crate::format::{count, counted};
use crate::metrics::{Histogram, LoadModel};
use std::fmt::{Formatter, Result};

/// Kinds of failures beyond this many are only counted.
const SHOWN: usize = 5;

pub(super) fn print(report: &Report, f: &mut Formatter<'_>) -> Result {
    let Report { record, verdict, files } = report;
    writeln!(f, "\n === SESSIONS LOAD TEST ===")?;
    let mut fact = |name: &str, text: &str| writeln!(f, " {name:<9} {}", printable(text));
    fact("service", &words::service(record))?;
    fact("load", &words::load(record))?;
    fact("scenario", &record.plan)?;
    fact("done", &words::done(record))?;
    if record.workers.len() > 1 {
        fact("workers", &record.workers.len().to_string())?;
    }
    files.iter().try_for_each(|file| fact("report", file))?;
    writeln!(f)?;
    if !record.operations.is_empty() {
        table(report, f)?;
        writeln!(f)?;
    }
    steps(report, f)?;
    failures(report, f)?;
    for note in words::notes(record) {
        writeln!(f, " note: {}", printable(&note))?;
    }
    writeln!(f, " {}", printable(&verdict.to_string()))
}

fn table(report: &Report, f: &mut Formatter<'_>) -> Result {
    let Report { record, .. } = report;
    let mut line = |name: &str, cells: [&str; 7]| {
        write!(f, " {name:<22}")?;
        cells.iter().try_for_each(|cell| write!(f, " {cell:>9}"))?;
        writeln!(f)
    };
    line("operation", ["calls", "failed", "p50", "p95", "p99", "p99.9", "per s"])?;
    let mut row = |name: &str, calls, failed, latency: &Histogram| {
        let [p50, p95, p99, p999] =
            figures::PERCENTILES.map(|percent| words::time(latency.percentile(percent)));
        let rate = words::rate(figures::per_second(record, calls));
        line(name, [&count(calls), &count(failed), &p50, &p95, &p99, &p999, &rate])
    };
    for (name, operation) in figures::operations(record) {
        row(name, operation.calls, operation.failures, operation.latency())?;
    }
    row("all", record.calls(), record.failed(), &record.latency())
}

/// The rates that a search for the limit tried.
fn steps(report: &Report, f: &mut Formatter<'_>) -> Result {
    let LoadModel::FindLimit { steps, .. } = &report.record.load else { return Ok(()) };
    for step in steps {
        let outcome = step.broke.as_ref().map_or("held".to_owned(), |rule| format!("broke {rule}"));
        let (rate, achieved) = (words::rate(Some(step.rate)), words::rate(Some(step.achieved)));
        writeln!(f, " {rate}/s: {achieved}/s done, p99 {}, {outcome}", words::time(step.p99_us))?;
    }
    if steps.is_empty() { Ok(()) } else { writeln!(f) }
}

fn failures(report: &Report, f: &mut Formatter<'_>) -> Result {
    let record = &report.record;
    let mut failures: Vec<_> = record.failures.iter().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    for failure in failures.iter().take(SHOWN) {
        let times = counted(failure.count, "time", "times");
        writeln!(f, " {}: {}, {times}", printable(&failure.operation), printable(&failure.name))?;
        if let Some(example) = &failure.example {
            writeln!(f, "   such as: {}", printable(example))?;
        }
    }
    if let Some(more) = failures.len().checked_sub(SHOWN + 1) {
        writeln!(f, " and {}", counted(more as u64 + 1, "other failure", "other failures"))?;
    }
    for violation in record.violations.iter().filter(|violation| violation.count > 0) {
        let times = counted(violation.count, "time", "times");
        writeln!(f, " violation: {}, {times}", printable(&violation.kind))?;
        for example in &violation.examples {
            writeln!(f, "   {}", printable(&words::example(example)))?;
        }
    }
    Ok(())
}

/// A text of the service without what would steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '�' } else { char }).collect()
}
