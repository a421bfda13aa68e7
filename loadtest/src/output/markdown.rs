//! A summary for a pull request or the page of a job.
//!
//! What the service said stands in code spans: nothing in it is a link, a mention or markup.

use super::{Report, messages as words, summary as figures};
use crate::format::{self as text, count, counted};
use crate::metrics::LoadModel;
use crate::thresholds::{Meaning, Outcome};
use std::fmt::Write;

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    // A string takes everything that is written to it.
    let _ = write_page(report, &mut page);
    page
}

fn write_page(report: &Report, page: &mut String) -> std::fmt::Result {
    let Report { record, verdict, .. } = report;
    writeln!(page, "## Sessions load test: {}\n", verdict.word())?;
    for reason in verdict.reasons() {
        writeln!(page, "- **{}**", plain(reason))?;
    }
    if verdict.reasons().next().is_some() {
        writeln!(page)?;
    }
    writeln!(page, "{}\n", plain(verdict.counts()))?;
    writeln!(page, "| | |\n|---|---|")?;
    let mut fact = |name: &str, text: &str| writeln!(page, "| {name} | {} |", plain(text));
    fact("service", &words::service(record))?;
    fact("load", &words::load(record))?;
    fact("scenario", &record.plan)?;
    fact("done", &words::done(record))?;
    fact("run", &record.run)?;
    operations(report, page)?;
    limit(report, page)?;
    violations(report, page)?;
    failures(report, page)?;
    comparison(report, page)?;
    checks(report, page)?;
    let notes = words::notes(record);
    if !notes.is_empty() {
        writeln!(page)?;
    }
    for note in notes {
        writeln!(page, "> {}  ", plain(&note))?;
    }
    writeln!(page, "\n{}", words::latency(record))
}

fn operations(report: &Report, page: &mut String) -> std::fmt::Result {
    let record = &report.record;
    if record.operations.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| operation | calls | failed | p50 | p95 | p99 | p99.9 | per s |")?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
    let mut row = |name: &str, calls, failed, latency: &crate::metrics::Histogram| {
        write!(page, "| {name} | {} | {} |", count(calls), count(failed))?;
        for percent in figures::PERCENTILES {
            write!(page, " {} |", words::time(latency.percentile(percent)))?;
        }
        writeln!(page, " {} |", words::rate(figures::per_second(record, calls)))
    };
    for (name, operation) in figures::operations(record) {
        row(&code(name), operation.calls, operation.failures, operation.latency())?;
    }
    row("**all**", record.calls(), record.failed(), &record.latency())
}

fn limit(report: &Report, page: &mut String) -> std::fmt::Result {
    let LoadModel::FindLimit { steps, .. } = &report.record.load else { return Ok(()) };
    writeln!(page, "\n| due per s | done per s | p99 | |\n|--:|--:|--:|---|")?;
    for step in steps {
        let outcome = step.broke.as_ref().map_or("held".to_owned(), |rule| format!("broke {}", code(rule)));
        let (rate, achieved) = (words::rate(Some(step.rate)), words::rate(Some(step.achieved)));
        writeln!(page, "| {rate} | {achieved} | {} | {outcome} |", words::time(step.p99_us))?;
    }
    Ok(())
}

fn violations(report: &Report, page: &mut String) -> std::fmt::Result {
    let violations: Vec<_> =
        report.record.violations.iter().filter(|violation| violation.count > 0).collect();
    if violations.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n### Violations\n")?;
    for violation in violations {
        writeln!(page, "- **{}**, {}", plain(&violation.kind), counted(violation.count, "time", "times"))?;
        for example in &violation.examples {
            writeln!(page, "  - {}", code(&words::example(example)))?;
        }
    }
    Ok(())
}

fn failures(report: &Report, page: &mut String) -> std::fmt::Result {
    let mut failures: Vec<_> = report.record.failures.iter().collect();
    if failures.is_empty() {
        return Ok(());
    }
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    writeln!(page, "\n### Failed calls\n")?;
    for failure in failures {
        let times = counted(failure.count, "time", "times");
        write!(page, "- {}: {}, {times}", code(&failure.operation), plain(&failure.name))?;
        match &failure.example {
            Some(example) => writeln!(page, ", such as {}", code(example))?,
            None => writeln!(page)?,
        }
    }
    Ok(())
}

fn comparison(report: &Report, page: &mut String) -> std::fmt::Result {
    let Some(comparison) = &report.verdict.comparison else { return Ok(()) };
    writeln!(page, "\n### Compared with {}\n", code(&comparison.file))?;
    writeln!(page, "| operation | | before | now | change | |\n|---|---|--:|--:|--:|---|")?;
    for row in &comparison.rows {
        let meaning = match row.meaning {
            Meaning::Within => "",
            Meaning::Regressed => "**regressed**",
            Meaning::TooFewCalls => "too few calls to say",
        };
        writeln!(
            page,
            "| {} | p{} | {} | {} | {} | {meaning} |",
            code(&row.operation),
            row.percentile,
            words::time(Some(row.before_us)),
            words::time(Some(row.now_us)),
            text::change(row.change)
        )?;
    }
    Ok(())
}

fn checks(report: &Report, page: &mut String) -> std::fmt::Result {
    let checks = &report.verdict.checks;
    let passed = checks.iter().filter(|check| check.outcome == Outcome::Passed).count();
    writeln!(page, "\n<details><summary>{passed} of {} checks passed</summary>\n", checks.len())?;
    writeln!(page, "| check | observed | |\n|---|---|---|")?;
    for check in checks {
        let outcome = match check.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "**failed**",
            Outcome::Skipped => "skipped",
        };
        writeln!(page, "| {} | {} | {outcome} |", plain(&check.name), plain(&check.observed))?;
    }
    writeln!(page, "\n</details>")
}

/// A text in which nothing is markup.
///
/// GitHub makes links of addresses without being asked to, but not of those whose colon or full stop is written as a
/// number. With `@` that does not help: it looks for those when numbers are characters again.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (place, char) in text.char_indices() {
        match char {
            ':' if text[place..].starts_with("://") => plain.push_str("&#58;"),
            '.' if text[..place].to_ascii_lowercase().ends_with("www") => plain.push_str("&#46;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            // Nobody is called by what a service says.
            '@' => plain.push_str("@&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => plain.extend(['\\', char]),
            char if char.is_control() => plain.push(' '),
            char => plain.push(char),
        }
    }
    plain
}

/// A text as code, whatever backquotes and bars are in it.
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
    fn nothing_that_a_service_says_is_markup() {
        assert_eq!(plain("<b>*@ann* | [x](y)\n"), "&lt;b&gt;\\*@&#8203;ann\\* \\| \\[x\\](y) ");
        assert_eq!(
            plain("see https://a.b: WWW.a.b, x@a.b"),
            "see https&#58;//a.b: WWW&#46;a.b, x@&#8203;a.b"
        );
        assert_eq!(code("a ``|`` b\n<script>"), "``` a ``\\|`` b <script> ```");
        assert_eq!(code("plain"), "`plain`");
    }
}
