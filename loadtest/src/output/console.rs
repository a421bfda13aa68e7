//! The console report: one table that fits on a screen, and the verdict as the last line.

use super::{Report, criteria, messages, summary};
use crate::format::{self, count, counted};
use crate::metrics::{BreakpointStep, Histogram, LoadModel};
use std::fmt::{Formatter, Result};

/// The number of failure reasons that are shown; the others are only counted.
const MAX_FAILURES: usize = 5;

pub(super) fn print(report: &Report, f: &mut Formatter<'_>) -> Result {
    let Report { results, verdict, files } = report;
    writeln!(f, "\n === SESSIONS LOAD TEST ===")?;
    let mut fact = |name: &str, value: &str| writeln!(f, " {name:<9} {}", printable(value));
    fact("service", &messages::service(results))?;
    fact("load", &messages::load(results))?;
    fact("scenario", &results.iteration)?;
    fact("completed", &messages::completed(results))?;
    fact("test run", &results.test_run_id)?;
    if results.load_generators.len() > 1 {
        fact("workers", &results.load_generators.len().to_string())?;
    }
    files.iter().try_for_each(|file| fact("report", file))?;
    writeln!(f)?;
    if !results.operations.is_empty() {
        table(report, f)?;
        writeln!(f)?;
    }
    breakpoint_steps(report, f)?;
    failures(report, f)?;
    violations(report, f)?;
    for note in messages::notes(results) {
        writeln!(f, " note: {}", printable(&note))?;
    }
    writeln!(f, " {}", printable(&criteria::verdict_line(results, verdict)))
}

fn table(report: &Report, f: &mut Formatter<'_>) -> Result {
    let results = &report.results;
    let mut line = |name: &str, cells: [&str; 7]| {
        write!(f, " {name:<22}")?;
        cells.iter().try_for_each(|cell| write!(f, " {cell:>9}"))?;
        writeln!(f)
    };
    line("operation", ["calls", "failed", "p50", "p95", "p99", "p99.9", "calls/s"])?;
    let mut row = |name: &str, calls, failed, latency: &Histogram| {
        let [p50, p95, p99, p999] =
            summary::PERCENTILES.map(|percent| format::latency(latency.percentile(percent)));
        let rate = format::rate(summary::per_second(results, calls));
        line(name, [&count(calls), &count(failed), &p50, &p95, &p99, &p999, &rate])
    };
    for (name, operation) in summary::operations(results) {
        row(name, operation.calls, operation.failures, operation.latency())?;
    }
    row("all", results.calls(), results.failed_calls(), &results.latency())
}

/// The rates that a breakpoint search tried.
fn breakpoint_steps(report: &Report, f: &mut Formatter<'_>) -> Result {
    let LoadModel::Breakpoint { steps, .. } = &report.results.load else { return Ok(()) };
    for BreakpointStep { rate, completed_rate, p99_us, failed_criterion } in steps {
        let outcome = failed_criterion.as_deref().unwrap_or("sustained");
        let [rate, completed] = [rate, completed_rate].map(|rate| format::rate(Some(*rate)));
        let p99 = format::latency(*p99_us);
        writeln!(f, " {rate}/s: {completed}/s completed, p99 {p99}, {outcome}")?;
    }
    if steps.is_empty() { Ok(()) } else { writeln!(f) }
}

fn failures(report: &Report, f: &mut Formatter<'_>) -> Result {
    let failures = summary::failures(&report.results);
    for failure in failures.iter().take(MAX_FAILURES) {
        let times = counted(failure.count, "time", "times");
        writeln!(f, " {}: {}, {times}", printable(&failure.operation), printable(&failure.reason))?;
        if let Some(example) = &failure.example {
            writeln!(f, "   example: {}", printable(example))?;
        }
    }
    if let Some(more) = failures.len().checked_sub(MAX_FAILURES + 1) {
        writeln!(f, " and {}", counted(more as u64 + 1, "other failure", "other failures"))?;
    }
    Ok(())
}

fn violations(report: &Report, f: &mut Formatter<'_>) -> Result {
    for violation in summary::violations(&report.results) {
        let times = counted(violation.count, "time", "times");
        writeln!(f, " violation: {}, {times}", printable(&violation.kind))?;
        for example in &violation.examples {
            writeln!(f, "   {}", printable(&messages::example(example)))?;
        }
    }
    Ok(())
}

/// Replaces control characters, which a service could use to steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '�' } else { char }).collect()
}
