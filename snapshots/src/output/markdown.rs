//! The report as Markdown, for the page of a CI job or a comment of a pull request.

use super::escape::{cell, code, html, plain, sentence};
use super::summary::{Summary, Verdict, case_name, counted};
use crate::comparison::{Cause, Level};
use crate::deviations::DeviationState;
use std::fmt::{self, Write as _};

/// The length in bytes at which details end, so that a page fits in a comment: GitHub allows 65,536 characters.
const MAX_LENGTH: usize = 60_000;

/// The length in bytes at which the table of causes ends, so that there is room for details.
const MAX_TABLE_LENGTH: usize = 30_000;

/// The number of failed cases in their list.
const MAX_FAILURES: usize = 20;

/// The number of deviations in their list, expired and unused ones first.
const MAX_DEVIATIONS: usize = 50;

pub(super) fn render(summary: &Summary<'_>) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(summary, &mut page);
    page
}

fn write_page(summary: &Summary<'_>, page: &mut String) -> fmt::Result {
    let mark = match summary.verdict {
        Verdict::Passed => "✅",
        Verdict::Failed | Verdict::NotRun => "❌",
        Verdict::Stopped => "⏹️",
    };
    writeln!(page, "## {mark} Contract check: {}\n", summary.verdict.word())?;
    writeln!(page, "{}", sentence(&summary.result()))?;
    let failures = summary.failures();
    let problems: Vec<String> =
        summary.problems().into_iter().chain(failures.iter().take(MAX_FAILURES).cloned()).collect();
    if !problems.is_empty() {
        writeln!(page)?;
    }
    for problem in &problems {
        writeln!(page, "- **{}**", plain(problem))?;
    }
    if let Some(more @ 1..) = failures.len().checked_sub(MAX_FAILURES) {
        writeln!(page, "- and {more} more failed")?;
    }
    causes(summary, page)?;
    facts(summary, page)?;
    deviations(summary, page)?;
    not_run(summary, page)?;
    for (number, cause) in (1..).zip(&summary.causes) {
        if page.len() > MAX_LENGTH {
            let rest = summary.causes.len() + 1 - number;
            return writeln!(
                page,
                "\nThe details of {} are in the other reports.",
                counted(rest, "other cause")
            );
        }
        details(number, cause, page)?;
    }
    Ok(())
}

fn facts(summary: &Summary<'_>, page: &mut String) -> fmt::Result {
    let report = summary.report;
    writeln!(page, "\n| check | |\n|---|---|")?;
    let mut fact = |name: &str, value: &str| writeln!(page, "| {name} | {value} |");
    let service = &report.service;
    let name = service.name.as_ref().map_or_else(String::new, |name| format!(" ({})", plain(name)));
    fact("service", &format!("{}{name}", plain(&service.address)))?;
    fact(
        "version",
        &service.version.as_ref().map_or_else(|| "unknown".to_owned(), |version| plain(version)),
    )?;
    fact("contract", &code(summary.short_hash()))?;
    fact("started", &report.started.format("%Y-%m-%d %H:%M:%S UTC").to_string())?;
    fact("duration", &format!("{:.1} s", report.duration.as_secs_f64()))?;
    fact("fails from level", report.fail_on.name())
}

fn causes(summary: &Summary<'_>, page: &mut String) -> fmt::Result {
    if summary.causes.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| | difference | extent |\n|---|---|---|")?;
    let expired = summary.expired();
    for used in expired.iter().take(MAX_DEVIATIONS) {
        let extent = counted(used.differences, "difference");
        writeln!(page, "| 🔴 **expired** | {} | {extent} |", cell(&used.to_string()))?;
    }
    for (index, cause) in summary.causes.iter().enumerate() {
        if page.len() > MAX_TABLE_LENGTH {
            let rest = counted(summary.causes.len() - index, "other cause");
            return writeln!(page, "| | and {rest} | |");
        }
        writeln!(page, "| {} | {} | {} |", level(cause.level), cell(&cause.title), cell(&cause.scope()))?;
    }
    Ok(())
}

fn deviations(summary: &Summary<'_>, page: &mut String) -> fmt::Result {
    let deviations = summary.deviations();
    if deviations.is_empty() {
        return Ok(());
    }
    let count = |state| deviations.iter().filter(|used| used.state == state).count();
    let counts = [
        (DeviationState::Used, "used"),
        (DeviationState::Expired, "expired"),
        (DeviationState::Unused, "unused"),
    ];
    let counts = counts.map(|(state, word)| (count(state), word)).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    // Those that need attention must not be hidden.
    let open = if count(DeviationState::Used) == deviations.len() { "" } else { " open" };
    writeln!(page, "\n<details{open}><summary>deviations: {}</summary>\n", counts.join(", "))?;
    for used in deviations.iter().take(MAX_DEVIATIONS) {
        writeln!(page, "- {}", plain(&used.to_string()))?;
    }
    if let Some(more @ 1..) = deviations.len().checked_sub(MAX_DEVIATIONS) {
        writeln!(page, "- and {}", counted(more, "other deviation"))?;
    }
    writeln!(page, "\n</details>")
}

fn not_run(summary: &Summary<'_>, page: &mut String) -> fmt::Result {
    for (reason, cases) in summary.not_run() {
        let count = counted(cases.len(), "snapshot");
        writeln!(page, "\n<details><summary>{count} not run: {}</summary>\n", html(reason))?;
        let names: Vec<String> = cases.iter().map(|case| code(&case_name(case))).collect();
        writeln!(page, "{}\n\n</details>", names.join(", "))?;
    }
    Ok(())
}

fn details(number: usize, cause: &Cause<'_>, page: &mut String) -> fmt::Result {
    writeln!(page, "\n<details><summary>{number}. {}</summary>\n", html(&cause.title))?;
    writeln!(page, "{}: {}\n", level(cause.level), sentence(cause.reason))?;
    for (index, (case, finding)) in cause.findings.iter().enumerate() {
        if page.len() > MAX_LENGTH {
            let rest = cause.findings.len() - index;
            writeln!(page, "- and {} in the other reports", counted(rest, "other difference"))?;
            break;
        }
        let name = code(&case_name(case));
        writeln!(page, "- {name}: {}", sentence(&finding.difference.to_string()))?;
    }
    writeln!(page, "\n</details>")
}

fn level(level: Level) -> String {
    match level {
        Level::Breaking => "🔴 **breaking**".to_owned(),
        Level::Uncertain => "🟡 uncertain".to_owned(),
        Level::Harmless => "🔵 harmless".to_owned(),
    }
}
