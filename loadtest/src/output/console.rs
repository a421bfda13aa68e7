//! The console report: one table that fits on a screen, and the verdict as the last line.

use super::{Report, criteria, messages, summary};
use crate::format::{self, count, counted};
use crate::metrics::{BreakpointStep, Histogram, LoadModel, Results};
use crate::thresholds::{Assessment, PercentileChange};
use std::fmt::{Formatter, Result};
use wiretrait::is_displayed;

/// The number of failure reasons that are shown; the others are only counted.
const MAX_FAILURES: usize = 5;

pub(super) fn print(report: &Report, f: &mut Formatter<'_>) -> Result {
    let Report { results, verdict, files, .. } = report;
    let contract = results.contract.name.to_uppercase();
    writeln!(f, "\n === {} LOAD TEST ===", printable(&contract))?;
    let mut fact = |name: &str, value: &str| writeln!(f, " {name:<9} {}", printable(value));
    fact("service", &messages::service(results))?;
    fact("load", &messages::load(results))?;
    fact("scenario", &results.iteration)?;
    fact("completed", &messages::completed(results))?;
    if results.seconds_with_failures().count() > 0 || results.outages().count() > 0 {
        fact("available", &messages::availability(results))?;
    }
    if let Some(warm_up) = &results.warm_up {
        fact("warm-up", &messages::warm_up(warm_up))?;
    }
    if let Some(rate_limit) = messages::rate_limit(results) {
        fact("limited", &rate_limit)?;
    }
    messages::faults(results).iter().try_for_each(|fault| fact("fault", fault))?;
    fact("test run", &results.test_run_id)?;
    if let Some(tags) = messages::tags(results) {
        fact("tags", &tags)?;
    }
    match results.workers() {
        [complete, all] if complete < all => fact("workers", &format!("partial: {complete} of {all}"))?,
        [_, all] if all > 1 => fact("workers", &all.to_string())?,
        _ => (),
    }
    files.iter().try_for_each(|file| fact("report", file))?;
    writeln!(f)?;
    if !results.operations.is_empty() {
        table(report, f)?;
        if let Some(phases) = messages::phases(results) {
            writeln!(f, " phases: {phases}")?;
        }
        writeln!(f)?;
    }
    steps(report, f)?;
    comparison(report, f)?;
    breakpoint_steps(report, f)?;
    failures(results, f)?;
    violations(results, f)?;
    if let Some(against) = &results.against
        && !against.failures.is_empty()
    {
        writeln!(f, " the other service, {}:", printable(&messages::service(against)))?;
        failures(against, f)?;
        violations(against, f)?;
    }
    for note in messages::notes(results) {
        writeln!(f, " note: {}", printable(&note))?;
    }
    writeln!(f, " {}", printable(&criteria::verdict_line(results, verdict)))
}

fn table(report: &Report, f: &mut Formatter<'_>) -> Result {
    let results = &report.results;
    let heads = ["operation", "calls", "failed", "p50", "p95", "p99", "p99.9", "calls/s"];
    let mut rows = vec![heads.map(str::to_owned)];
    let mut row = |name: &str, calls, failed, latency: &Histogram| {
        let [p50, p95, p99, p999] =
            summary::PERCENTILES.map(|percent| format::latency(latency.percentile(percent)));
        let rate = format::rate(summary::per_second(results, calls));
        rows.push([printable(name), count(calls), count(failed), p50, p95, p99, p999, rate]);
    };
    for (name, operation) in summary::operations(results) {
        row(name, operation.calls, operation.failures, operation.latency());
    }
    row("all", results.calls(), results.failed_calls(), &results.latency());
    columns(&rows, f)
}

/// Rows whose columns are as wide as their content, so that they fit a narrow terminal. The first column is
/// aligned to the left.
fn columns<const N: usize>(rows: &[[String; N]], f: &mut Formatter<'_>) -> Result {
    let widths: Vec<_> =
        (0..N).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    for row in rows {
        write!(f, " {:<1$}", row[0], widths[0])?;
        row.iter().zip(&widths).skip(1).try_for_each(|(cell, width)| write!(f, " {cell:>width$}"))?;
        writeln!(f)?;
    }
    Ok(())
}

/// The steps of the rate.
fn steps(report: &Report, f: &mut Formatter<'_>) -> Result {
    let steps = summary::steps(&report.results);
    if steps.is_empty() {
        return Ok(());
    }
    let mut rows = vec![summary::STEP_HEADS.map(str::to_owned)];
    rows.extend(steps);
    columns(&rows, f)?;
    writeln!(f)
}

/// The changes of all percentiles, with a mark at those that do not pass.
fn comparison(report: &Report, f: &mut Formatter<'_>) -> Result {
    let Some(comparison) =
        report.verdict.comparison.as_ref().filter(|comparison| !comparison.rows.is_empty())
    else {
        return Ok(());
    };
    writeln!(f, " compared with {}", printable(&comparison.with.join(", ")))?;
    for rows in comparison.rows.chunk_by(|one, other| one.operation == other.operation) {
        let mut line = format!(" {:<22}", printable(&rows[0].operation));
        for PercentileChange { percentile, change_percent, assessment, .. } in rows {
            let mark = match assessment {
                Assessment::WithinLimit => "",
                Assessment::Regressed => " regressed",
                Assessment::Inconclusive => " inconclusive",
                Assessment::TooFewCalls => " too few calls",
            };
            let change = format!("{}{mark}", format::change(*change_percent));
            line = format!("{line} p{percentile} {change:<19}");
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    writeln!(f)
}

/// The rates that a breakpoint search tried.
fn breakpoint_steps(report: &Report, f: &mut Formatter<'_>) -> Result {
    let LoadModel::Breakpoint { steps, .. } = &report.results.load else { return Ok(()) };
    for step in steps {
        let BreakpointStep { rate, completed_rate, p99_us, .. } = step;
        let outcome = step.outcome();
        let [rate, completed] = [rate, completed_rate].map(|rate| format::rate(Some(*rate)));
        let p99 = format::latency(*p99_us);
        writeln!(f, " {rate}/s: {completed}/s completed, p99 {p99}, {outcome}")?;
    }
    if steps.is_empty() { Ok(()) } else { writeln!(f) }
}

fn failures(results: &Results, f: &mut Formatter<'_>) -> Result {
    let failures = summary::failures(results);
    for failure in failures.iter().take(MAX_FAILURES) {
        let times = counted(failure.count, "time", "times");
        let seen = messages::seen(failure);
        writeln!(f, " {}: {}, {times}, {seen}", printable(&failure.operation), printable(&failure.reason))?;
        if let Some(example) = messages::failure_example(failure) {
            writeln!(f, "   example: {}", printable(&example))?;
        }
    }
    if let Some((_, _, [p50, p99, max])) = summary::failure_times(results).last() {
        writeln!(f, " latency of failed calls: p50 {p50}, p99 {p99}, max {max}")?;
    }
    if let Some(more) = failures.len().checked_sub(MAX_FAILURES + 1) {
        writeln!(f, " and {}", counted(more as u64 + 1, "other failure", "other failures"))?;
    }
    Ok(())
}

fn violations(results: &Results, f: &mut Formatter<'_>) -> Result {
    for violation in summary::violations(results) {
        let (kind, times) = (messages::violation(&violation.kind), messages::times(violation));
        writeln!(f, " violation: {}, {times}", printable(&kind))?;
        for example in &violation.examples {
            writeln!(f, "   {}", printable(&messages::example(example)))?;
        }
    }
    Ok(())
}

/// Replaces characters that are not displayed as themselves, which a service could use to steer the terminal.
fn printable(text: &str) -> String {
    text.replace(|char| !is_displayed(char), "\u{fffd}")
}
