//! The report for people: one HTML file without scripts that loads nothing.
//!
//! It must be readable from a disk, in a mail, and among the artefacts of a CI pipeline, where scripts do not
//! run. So its charts are inline SVG, drawn here in about 370 lines. They use the CSS classes of the
//! page, which gives them dark mode and print colours, and have titles and descriptions for screen readers.
//!
//! Rejected alternatives for the charts:
//!
//! - `plotters` with its SVG backend, because it writes fixed colours and fonts into every element, so that
//!   dark mode and printing would need a second set of charts, and because its SVG has no titles and
//!   descriptions. The heatmap, the percentile gaps and the tick labels would still be ours.
//! - `poloto`, because it has neither logarithmic axes nor heatmaps.
//! - `charming`, because its SVG is rendered by a JavaScript engine, and its HTML is a script.
//!
//! The content security policy makes browsers ignore anything that a service may have injected; `maud`
//! escapes all strings.

mod chart;
mod charts;
mod scale;

use super::{Report, criteria, messages, summary};
use crate::format::{self, count, counted};
use crate::metrics::{BreakpointStep, Histogram, LoadGenerator, LoadModel, Results};
use crate::thresholds::{
    Assessment, Comparison, CriterionKind, CriterionResult, ExitCode, PercentileChange, Status, Verdict,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The percentiles in the table of operations.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];

pub(super) fn render(report: &Report) -> String {
    let Report { results, verdict, .. } = report;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (criteria::verdict_word(verdict)) ": load test of " (results.service.address) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (banner(results, verdict))
                main {
                    (tiles(results))
                    (notes(results))
                    (violations(results))
                    (failures(results))
                    (breakpoint(results))
                    (operations(results))
                    (over_time(results))
                    @if let Some(comparison) = &verdict.comparison { (baseline(comparison)) }
                    (pass_criteria(verdict))
                    (load(results))
                    (sessions(results))
                    (load_generators(results))
                }
                footer { "loadtest " (results.program_version) ", test run " (results.test_run_id) }
            }
        }
    };
    page.into_string()
}

/// The verdict, in words as well as in colour.
fn banner(results: &Results, verdict: &Verdict) -> Markup {
    let class = match verdict.exit_code {
        ExitCode::Passed => "pass",
        ExitCode::Stopped => "stopped",
        ExitCode::Failed | ExitCode::WrongData | ExitCode::CouldNotRun => "fail",
    };
    let failures: Vec<_> = criteria::failures(verdict).collect();
    html! {
        header class=(class) {
            div {
                p.what { "Load test of " (messages::service(results)) }
                h1 { (criteria::verdict_word(verdict)) }
                p { (criteria::counts(results)) }
                @if !failures.is_empty() {
                    ul { @for failure in failures { li { (failure) } } }
                }
                p.when { (messages::load(results)) }
                p.when {
                    (results.started.format("%Y-%m-%d %H:%M:%S UTC")) ", "
                    (format!("{:.1} s", results.duration().as_secs_f64()))
                    ", exit code " (verdict.exit_code.code())
                }
            }
        }
    }
}

/// The most important numbers.
fn tiles(results: &Results) -> Markup {
    let latency = results.latency();
    let tile = |name: &str, value: &str| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.tiles {
            (tile("calls/s", &format::rate(summary::per_second(results, results.calls()))))
            @for percent in summary::PERCENTILES {
                (tile(&format!("p{percent}"), &format::latency(latency.percentile(percent))))
            }
            (tile("failed", &results.error_rate().map_or_else(|| "-".to_owned(), format::percent)))
            (tile("violations", &count(results.violation_count())))
        }
    }
}

fn notes(results: &Results) -> Markup {
    let notes = messages::notes(results);
    html! {
        @if !notes.is_empty() {
            aside { ul { @for note in notes { li { (note) } } } }
        }
    }
}

fn violations(results: &Results) -> Markup {
    let found: Vec<_> = summary::violations(results).collect();
    html! {
        @if !found.is_empty() {
            section {
                h2 { "Violations" }
                p.lead { "Successful responses with wrong content." }
                @for violation in found {
                    h3 { (violation.kind) ", " (counted(violation.count, "time", "times")) }
                    (table(&["session", "operation", "correlation id", "detail"], &html! {
                        @for example in &violation.examples {
                            tr {
                                td { code { (example.session_id) } }
                                td { code { (example.operation) } }
                                td { @if let Some(id) = &example.correlation_id { code { (id) } } }
                                td.wide { @if let Some(detail) = &example.detail { (detail) } }
                            }
                        }
                    }))
                }
            }
        }
    }
}

fn failures(results: &Results) -> Markup {
    let failures = summary::failures(results);
    html! {
        @if !failures.is_empty() {
            section {
                h2 { "Failed calls" }
                (table(&["operation", "reason", "#times", "example"], &html! {
                    @for failure in failures {
                        tr {
                            td { code { (failure.operation) } }
                            td { (failure.reason) }
                            td.n { (count(failure.count)) }
                            td.wide { @if let Some(example) = &failure.example { code.message { (example) } } }
                        }
                    }
                }))
            }
        }
    }
}

fn operations(results: &Results) -> Markup {
    let row = |name: &Markup, calls: u64, failed: u64, latency: &Histogram, statuses: &str| {
        html! {
            th scope="row" { (name) }
            td.n { (count(calls)) }
            td class=(if failed > 0 { "n bad" } else { "n" }) { (count(failed)) }
            td.n { (format::rate(summary::per_second(results, calls))) }
            @for percent in PERCENTILES { td.n { (format::latency(latency.percentile(percent))) } }
            td.n { (format::latency(latency.max())) }
            td.statuses { (statuses) }
        }
    };
    let heads = [
        "operation",
        "#calls",
        "#failed",
        "#calls/s",
        "#p50",
        "#p90",
        "#p95",
        "#p99",
        "#p99.9",
        "#max",
        "statuses",
    ];
    html! {
        section {
            h2 { "Operations" }
            p.lead { (messages::latency(results)) " The error of a percentile is at most 0.8%." }
            (table(&heads, &html! {
                @for (name, operation) in summary::operations(results) {
                    @let statuses: Vec<_> =
                        operation.statuses.iter().map(|(status, calls)| format!("{status}: {}", count(*calls))).collect();
                    tr {
                        (row(&html! { code { (name) } }, operation.calls, operation.failures, operation.latency(),
                            &statuses.join(", ")))
                    }
                }
                tr.all { (row(&html! { "all" }, results.calls(), results.failed_calls(), &results.latency(), "")) }
            }))
        }
    }
}

fn over_time(results: &Results) -> Markup {
    html! {
        section {
            h2 { "Over time" }
            p.lead { "A call counts in the interval in which it ended." }
            (charts::throughput(results))
            (charts::percentiles(results))
            (charts::heatmap(results))
        }
    }
}

fn breakpoint(results: &Results) -> Markup {
    let LoadModel::Breakpoint { steps, sustained_rate, .. } = &results.load else { return html! {} };
    html! {
        section {
            h2 { "Breakpoint search" }
            p.lead {
                @match sustained_rate {
                    Some(rate) => { "The highest rate that passed all criteria is " b { (format::rate(Some(*rate))) } " iterations/s." }
                    None => "No rate passed all criteria.",
                }
            }
            (table(&["#iterations/s", "#completed/s", "#p99", "outcome"], &html! {
                @for BreakpointStep { rate, completed_rate, p99_us, failed_criterion } in steps {
                    tr {
                        td.n { (format::rate(Some(*rate))) }
                        td.n { (format::rate(Some(*completed_rate))) }
                        td.n { (format::latency(*p99_us)) }
                        td { @match failed_criterion { Some(failed) => span.bad { (failed) }, None => "sustained" } }
                    }
                }
            }))
        }
    }
}

fn baseline(comparison: &Comparison) -> Markup {
    html! {
        section {
            h2 { "Comparison with the baseline" }
            p.lead { "The baseline is " code { (comparison.file) } "." }
            (table(&["operation", "percentile", "#baseline", "#current", "#change", "assessment"], &html! {
                @for PercentileChange { operation, percentile, baseline_us, current_us, change_percent, assessment }
                    in &comparison.rows
                {
                    tr {
                        td { code { (operation) } }
                        td { "p" (percentile) }
                        td.n { (format::latency(Some(*baseline_us))) }
                        td.n { (format::latency(Some(*current_us))) }
                        td.n { (format::change(*change_percent)) }
                        td {
                            @match assessment {
                                Assessment::WithinLimit => "within the limit",
                                Assessment::Regressed => span.bad { "regressed" },
                                Assessment::TooFewCalls => span.faint { "too few calls" },
                            }
                        }
                    }
                }
            }))
        }
    }
}

fn pass_criteria(verdict: &Verdict) -> Markup {
    let count_of =
        |is: fn(Status) -> bool| verdict.criteria.iter().filter(|result| is(result.status)).count();
    let passed = count_of(|status| status == Status::Passed);
    let failed = count_of(|status| status == Status::Failed);
    let skipped = count_of(|status| matches!(status, Status::Skipped(_)));
    // There are many kinds of violations; those that were not found need no row each.
    let (not_found, shown): (Vec<_>, Vec<_>) = verdict.criteria.iter().partition(|result| {
        result.criterion.kind() == CriterionKind::Consistency && result.status == Status::Passed
    });
    html! {
        section {
            h2 { "Pass criteria" }
            p.lead { (passed) " passed, " (failed) " failed, " (skipped) " skipped." }
            (table(&["criterion", "kind", "observed", "status"], &html! {
                @for result in shown { (criterion_row(result)) }
            }))
            @if !not_found.is_empty() {
                details {
                    summary { (counted(not_found.len() as u64, "kind", "kinds")) " of violations checked for and not found" }
                    ul { @for result in not_found { li { (criteria::name(&result.criterion)) } } }
                }
            }
        }
    }
}

fn criterion_row(result: &CriterionResult) -> Markup {
    html! {
        tr {
            td { (criteria::name(&result.criterion)) }
            td { (criteria::kind_name(result.criterion.kind())) }
            td { (criteria::observed(result)) }
            td {
                @match result.status {
                    Status::Passed => span.good { "passed" },
                    Status::Failed => span.bad { "failed" },
                    Status::Skipped(_) => span.faint { "skipped" },
                }
            }
        }
    }
}

fn load(results: &Results) -> Markup {
    html! {
        section {
            h2 { "Load" }
            dl.facts {
                (fact("model", &messages::load(results)))
                (fact("iterations", &results.iteration))
                (fact("service", &messages::service(results)))
                @for scenario in &results.scenarios {
                    (fact(&scenario.name, &format!(
                        "{} iterations started, {} completed", count(scenario.started), count(scenario.completed),
                    )))
                }
                (fact("checks", if results.checks_enabled { "enabled" } else { "disabled" }))
            }
        }
    }
}

fn sessions(results: &Results) -> Markup {
    let sessions = &results.sessions;
    let left_behind = match &sessions.check_error {
        Some(error) => format!("unknown: {error}"),
        None => count(sessions.left_behind.count),
    };
    html! {
        section {
            h2 { "Sessions" }
            dl.facts {
                (fact("opened", &count(sessions.opened)))
                (fact("closed by users", &count(sessions.closed)))
                (fact("deleted by users", &count(sessions.deleted)))
                (fact("deleted after the run", &count(sessions.cleaned_up)))
                (fact("left behind", &left_behind))
                (fact("of other users, listed", &count(sessions.foreign.count)))
            }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn load_generators(results: &Results) -> Markup {
    let earliest = results.load_generators.iter().map(|generator| generator.started).min();
    let heads = [
        "worker",
        "#started after",
        "#duration",
        "#CPU",
        "#of its cores",
        "#memory",
        "#start delay p50",
        "#p99",
        "#delayed",
        "#dropped",
    ];
    html! {
        section {
            h2 { "Load generators" }
            p.lead {
                "Whether the load was as planned. A delayed iteration had to wait for a free VU, and its latency \
                 includes that. A dropped iteration never started, and is in no latency."
            }
            (table(&heads, &html! {
                @for generator in &results.load_generators {
                    @let after = earliest.and_then(|earliest| {
                        u64::try_from((generator.started - earliest).num_microseconds()?).ok()
                    });
                    (load_generator_row(generator, after))
                }
            }))
        }
    }
}

fn load_generator_row(generator: &LoadGenerator, started_after: Option<u64>) -> Markup {
    let cpu_share = generator.cpu_share().map(|share| format::percent((share * 100.0).round()));
    html! {
        tr {
            th scope="row" { (generator.worker) }
            td.n { (format::latency(started_after)) }
            td.n { (format::latency(Some(generator.duration_us))) }
            td.n { (format::latency(Some(generator.cpu_us))) }
            td.n { (cpu_share.as_deref().unwrap_or("-")) " of " (generator.cores) }
            td.n { (generator.peak_memory_bytes >> 20) " MiB" }
            td.n { (format::latency(generator.start_delay.percentile(50.0))) }
            td.n { (format::latency(generator.start_delay.percentile(99.0))) }
            td.n { (count(generator.delayed_iterations)) }
            td.n { (count(generator.dropped_iterations)) }
        }
    }
}

/// A table that scrolls horizontally where the page is too narrow. Headings of numbers begin with `#`.
fn table(heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.table tabindex="0" {
            table {
                thead {
                    tr {
                        @for head in heads {
                            @match head.strip_prefix('#') {
                                Some(head) => th.n scope="col" { (head) },
                                None => th scope="col" { (head) },
                            }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}
