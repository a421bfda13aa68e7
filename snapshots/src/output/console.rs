//! The report for a person at a terminal: the causes in at most ten lines, the details, and the verdict.

use super::escape::printable;
use super::summary::{Summary, Verdict, case_name, counted, difference};
use crate::comparison::{Cause, Level};
use anstyle::{AnsiColor, Style};
use std::fmt::{self, Write as _};

/// The number of causes in the first lines, with the expired deviations.
const MAX_CAUSES: usize = 8;

/// The number of expired deviations in the first lines.
const MAX_EXPIRED: usize = 3;

/// The number of differences and of names that are shown of each group. Report files contain all.
const MAX_DETAILS: usize = 5;

/// The number of deviations that are shown, expired and unused ones first.
const MAX_DEVIATIONS: usize = 20;

/// Renders a report with colors, which the stream removes where nothing shows them.
pub(super) fn render(summary: &Summary<'_>, files: &[String]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(summary, files, &mut out);
    out
}

fn write_report(summary: &Summary<'_>, files: &[String], out: &mut String) -> fmt::Result {
    let service = printable(&summary.service());
    writeln!(out, "contract check of {service}, compared with contract {}", summary.short_hash())?;
    let expired = summary.expired();
    let max_expired = if expired.len() > MAX_EXPIRED { MAX_EXPIRED - 1 } else { expired.len() };
    for used in &expired[..max_expired] {
        let word = styled(AnsiColor::Red.on_default().bold(), &format!("{:<9}", "expired"));
        writeln!(out, "{word}  {}", printable(&used.to_string()))?;
    }
    if let Some(more @ 1..) = expired.len().checked_sub(max_expired) {
        writeln!(out, "and {}", counted(more, "other expired deviation"))?;
    }
    let max_causes = MAX_CAUSES - expired.len().min(MAX_EXPIRED);
    for cause in summary.causes.iter().take(max_causes) {
        writeln!(out, "{}  {}: {}", level(cause.level, 9), printable(&cause.title), cause.scope())?;
    }
    if let Some(more @ 1..) = summary.causes.len().checked_sub(max_causes) {
        writeln!(out, "and {}", counted(more, "other cause"))?;
    }
    for (number, cause) in (1..).zip(&summary.causes) {
        details(number, cause, out)?;
    }
    let deviations = summary.deviations();
    if !deviations.is_empty() {
        writeln!(out)?;
    }
    for deviation in deviations.iter().take(MAX_DEVIATIONS) {
        writeln!(out, "{}", printable(&deviation.to_string()))?;
    }
    if let Some(more @ 1..) = deviations.len().checked_sub(MAX_DEVIATIONS) {
        writeln!(out, "and {}", counted(more, "other deviation"))?;
    }
    let not_run = summary.not_run();
    if !not_run.is_empty() {
        writeln!(out)?;
    }
    for (reason, cases) in not_run {
        let names: Vec<String> = cases.iter().take(MAX_DETAILS).map(|case| case_name(case)).collect();
        let more = cases.len().saturating_sub(MAX_DETAILS);
        let more = if more > 0 { format!(" and {more} others") } else { String::new() };
        let count = counted(cases.len(), "snapshot");
        writeln!(out, "not run: {count}, {}: {}{more}", printable(reason), names.join(", "))?;
    }
    writeln!(out)?;
    let failures = summary.failures();
    for failure in failures.iter().take(MAX_DETAILS) {
        writeln!(out, "{}", printable(failure))?;
    }
    if let Some(more @ 1..) = failures.len().checked_sub(MAX_DETAILS) {
        writeln!(out, "and {more} more failed; --report FILE lists all")?;
    }
    for problem in summary.problems() {
        writeln!(out, "{}", printable(&problem))?;
    }
    for file in files {
        writeln!(out, "report: {}", printable(file))?;
    }
    let style = match summary.verdict {
        Verdict::Passed => AnsiColor::Green.on_default(),
        Verdict::Failed | Verdict::NotRun | Verdict::Stopped => AnsiColor::Red.on_default(),
    };
    let word = styled(style.bold(), summary.verdict.word());
    writeln!(out, "{word}: {}", printable(&summary.result()))
}

fn details(number: usize, cause: &Cause<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "\n{number}. {}", printable(&cause.title))?;
    writeln!(out, "   {}: {}", level(cause.level, 0), printable(cause.reason))?;
    for (case, finding) in cause.findings.iter().take(MAX_DETAILS) {
        writeln!(out, "   - {}", printable(&difference(case, finding)))?;
    }
    if let Some(more @ 1..) = cause.findings.len().checked_sub(MAX_DETAILS) {
        writeln!(out, "   - and {}; --report FILE lists all", counted(more, "other difference"))?;
    }
    Ok(())
}

/// A level in its color, at least `width` characters wide.
fn level(level: Level, width: usize) -> String {
    let style = match level {
        Level::Breaking => AnsiColor::Red.on_default().bold(),
        Level::Uncertain => AnsiColor::Yellow.on_default(),
        Level::Harmless => AnsiColor::Cyan.on_default(),
    };
    styled(style, &format!("{level:<width$}"))
}

fn styled(style: Style, value: &str) -> String {
    format!("{style}{value}{style:#}")
}
