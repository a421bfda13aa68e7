//! A summary for a pull request or the page of a CI job.
//!
//! Strings of the service are code spans or escaped, so that they cannot contain links, mentions or markup.

use super::{Report, criteria, messages, summary};
use crate::format::{self, count, counted};
use crate::metrics::{BreakpointStep, Histogram, LoadModel};
use crate::thresholds::{Assessment, Status};
use std::fmt::Write;

pub(super) fn render(report: &Report) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(report, &mut page);
    page
}

fn write_page(report: &Report, page: &mut String) -> std::fmt::Result {
    let Report { results, verdict, .. } = report;
    writeln!(
        page,
        "## {} load test: {}\n",
        plain(&title(&results.contract.name)),
        criteria::verdict_word(verdict)
    )?;
    for failure in criteria::failures(verdict) {
        writeln!(page, "- **{}**", plain(&failure))?;
    }
    if criteria::failures(verdict).next().is_some() {
        writeln!(page)?;
    }
    writeln!(page, "{}\n", plain(&criteria::counts(results)))?;
    writeln!(page, "| | |\n|---|---|")?;
    let mut fact = |name: &str, value: &str| writeln!(page, "| {name} | {} |", plain(value));
    fact("service", &messages::service(results))?;
    fact("load", &messages::load(results))?;
    fact("scenario", &results.iteration)?;
    fact("completed", &messages::completed(results))?;
    fact("available", &messages::availability(results))?;
    if let Some(warm_up) = &results.warm_up {
        fact("warm-up", &messages::warm_up(warm_up))?;
    }
    if let Some(rate_limit) = messages::rate_limit(results) {
        fact("rate limit", &rate_limit)?;
    }
    messages::faults(results).iter().try_for_each(|fault| fact("fault", fault))?;
    fact("test run", &results.test_run_id)?;
    if let Some(tags) = messages::tags(results) {
        fact("tags", &tags)?;
    }
    operations(report, page)?;
    if let Some(phases) = messages::phases(results) {
        writeln!(page, "\nPhases of successful calls: {phases}")?;
    }
    steps(report, page)?;
    breakpoint_steps(report, page)?;
    violations(report, page)?;
    failures(report, page)?;
    comparison(report, page)?;
    criteria_table(report, page)?;
    let notes = messages::notes(results);
    if !notes.is_empty() {
        writeln!(page)?;
    }
    for note in notes {
        writeln!(page, "> {}  ", plain(&note))?;
    }
    writeln!(page, "\n{}", messages::latency(results))
}

/// The name of a contract as the first word of a title.
fn title(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn operations(report: &Report, page: &mut String) -> std::fmt::Result {
    let results = &report.results;
    if results.operations.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| operation | calls | failed | p50 | p95 | p99 | p99.9 | calls/s |")?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
    let mut row = |name: &str, calls, failed, latency: &Histogram| {
        write!(page, "| {name} | {} | {} |", count(calls), count(failed))?;
        for percent in summary::PERCENTILES {
            write!(page, " {} |", format::latency(latency.percentile(percent)))?;
        }
        writeln!(page, " {} |", format::rate(summary::per_second(results, calls)))
    };
    for (name, operation) in summary::operations(results) {
        row(&code(name), operation.calls, operation.failures, operation.latency())?;
    }
    row("**all**", results.calls(), results.failed_calls(), &results.latency())
}

fn steps(report: &Report, page: &mut String) -> std::fmt::Result {
    let steps = summary::steps(&report.results);
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| {} |", summary::STEP_HEADS.join(" | "))?;
    writeln!(page, "|{}", "--:|".repeat(summary::STEP_HEADS.len()))?;
    steps.iter().try_for_each(|step| writeln!(page, "| {} |", step.join(" | ")))
}

fn breakpoint_steps(report: &Report, page: &mut String) -> std::fmt::Result {
    let LoadModel::Breakpoint { steps, .. } = &report.results.load else { return Ok(()) };
    writeln!(page, "\n| iterations/s | completed/s | p99 | |\n|--:|--:|--:|---|")?;
    for step in steps {
        let BreakpointStep { rate, completed_rate, p99_us, failed_criterion, .. } = step;
        let outcome = step.outcome();
        let outcome = if failed_criterion.is_some() { code(&outcome) } else { outcome };
        let [rate, completed] = [rate, completed_rate].map(|rate| format::rate(Some(*rate)));
        writeln!(page, "| {rate} | {completed} | {} | {outcome} |", format::latency(*p99_us))?;
    }
    Ok(())
}

fn violations(report: &Report, page: &mut String) -> std::fmt::Result {
    let mut violations = summary::violations(&report.results).peekable();
    if violations.peek().is_none() {
        return Ok(());
    }
    writeln!(page, "\n### Violations\n")?;
    for violation in violations {
        let kind = messages::violation(&violation.kind);
        writeln!(page, "- **{}**, {}", plain(&kind), messages::times(violation))?;
        for example in &violation.examples {
            writeln!(page, "  - {}", code(&messages::example(example)))?;
        }
    }
    Ok(())
}

fn failures(report: &Report, page: &mut String) -> std::fmt::Result {
    let failures = summary::failures(&report.results);
    if failures.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n### Failed calls\n")?;
    for failure in failures {
        let times = counted(failure.count, "time", "times");
        let seen = messages::seen(failure);
        write!(page, "- {}: {}, {times}, {seen}", code(&failure.operation), plain(&failure.reason))?;
        match messages::failure_example(failure) {
            Some(example) => writeln!(page, ", example: {}", code(&example))?,
            None => writeln!(page)?,
        }
    }
    writeln!(page, "\n| failed calls | | p50 | p99 | max |\n|---|--:|--:|--:|--:|")?;
    for (name, failed, times) in summary::failure_times(&report.results) {
        writeln!(page, "| {} | {} | {} |", code(name), count(failed), times.join(" | "))?;
    }
    Ok(())
}

fn comparison(report: &Report, page: &mut String) -> std::fmt::Result {
    let Some(comparison) = &report.verdict.comparison else { return Ok(()) };
    writeln!(page, "\n### Compared with {}\n", code(&comparison.with.join(", ")))?;
    writeln!(page, "| operation | | baseline | current | change | |\n|---|---|--:|--:|--:|---|")?;
    for row in &comparison.rows {
        let assessment = match row.assessment {
            Assessment::WithinLimit => "",
            Assessment::Regressed => "**regressed**",
            Assessment::Inconclusive => "inconclusive",
            Assessment::TooFewCalls => "too few calls",
        };
        writeln!(
            page,
            "| {} | p{} | {} | {} | {} | {assessment} |",
            code(&row.operation),
            row.percentile,
            format::latency(Some(row.baseline_us)),
            format::latency(Some(row.current_us)),
            format::change(row.change_percent)
        )?;
    }
    Ok(())
}

fn criteria_table(report: &Report, page: &mut String) -> std::fmt::Result {
    let results = &report.verdict.criteria;
    let passed = results.iter().filter(|result| result.status == Status::Passed).count();
    writeln!(page, "\n<details><summary>{passed} of {} criteria passed</summary>\n", results.len())?;
    writeln!(page, "| criterion | observed | |\n|---|---|---|")?;
    for result in results {
        let status = match result.status {
            Status::Passed => "passed",
            Status::Failed => "**failed**",
            Status::Inconclusive => "inconclusive",
            Status::Skipped(_) => "skipped",
        };
        let (name, observed) = (criteria::name(&result.criterion), criteria::observed(result));
        writeln!(page, "| {} | {} | {status} |", plain(&name), plain(&observed))?;
    }
    writeln!(page, "\n</details>")
}

/// Escapes all markup.
///
/// GitHub turns bare addresses into links, unless their colon or full stop is a character reference. For `@`
/// a character reference does not help, because GitHub looks for mentions after it has resolved them.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (index, char) in text.char_indices() {
        match char {
            ':' if text[index..].starts_with("://") => plain.push_str("&#58;"),
            '.' if text[..index].to_ascii_lowercase().ends_with("www") => plain.push_str("&#46;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            // A zero-width space prevents mentions.
            '@' => plain.push_str("@&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => plain.extend(['\\', char]),
            char if char.is_control() => plain.push(' '),
            char => plain.push(char),
        }
    }
    plain
}

/// Formats a string as a code span, whatever backquotes and bars it contains.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let text = text.replace('|', "\\|");
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_service_contain_no_markup() {
        assert_eq!(plain("<b>*@ann* | [x](y)\n"), "&lt;b&gt;\\*@&#8203;ann\\* \\| \\[x\\](y) ");
        assert_eq!(
            plain("see https://a.b: WWW.a.b, x@a.b"),
            "see https&#58;//a.b: WWW&#46;a.b, x@&#8203;a.b"
        );
        assert_eq!(code("a ``|`` b\n<script>"), "``` a ``\\|`` b <script> ```");
        assert_eq!(code("plain"), "`plain`");
    }
}
