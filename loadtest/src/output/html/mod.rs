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
mod marks;
mod measurements;
mod problems;
mod run;
mod scale;

use super::{Report, criteria, messages, summary};
use crate::format::{self, count};
use crate::metrics::{LoadModel, Results};
use crate::thresholds::{ExitCode, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

pub(super) fn render(report: &Report) -> String {
    let Report { results, verdict, .. } = report;
    let sections = sections(report);
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
                nav aria-label="Sections" {
                    ul { @for Section { id, title, .. } in &sections { li { a href=(format!("#{id}")) { (title) } } } }
                }
                main {
                    (tiles(results))
                    (notes(results))
                    @for Section { id, title, content } in &sections {
                        section id=(id) {
                            h2 { (title) }
                            (content)
                        }
                    }
                }
                footer { "loadtest " (results.program_version) ", test run " (results.test_run_id) }
            }
        }
    };
    page.into_string()
}

/// A section with the id of its anchor.
struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

/// The sections that are not empty: problems first, then measurements, then the run.
fn sections(report: &Report) -> Vec<Section> {
    let Report { results, verdict, .. } = report;
    let mut sections = Vec::new();
    let mut add = |is_shown: bool, id, title, content: &dyn Fn() -> Markup| {
        if is_shown {
            sections.push(Section { id, title, content: content() });
        }
    };
    let has_calls = results.calls() > 0;
    let has_failures = !results.failures.is_empty();
    let is_search = matches!(results.load, LoadModel::Breakpoint { .. });
    let has_outages = results.outages().count() > 0 || results.seconds_with_failures().count() > 0;
    let has_sessions = results.contract.has_sessions;
    add(results.violation_count() > 0, "violations", "Violations", &|| problems::violations(results));
    add(has_failures, "failures", "Failed calls", &|| problems::failures(results));
    add(!results.faults.is_empty(), "faults", "Injected faults", &|| problems::faults(results));
    add(has_outages, "availability", "Availability", &|| problems::availability(results));
    add(!results.steps.is_empty(), "steps", "Steps", &|| measurements::steps(results));
    add(is_search, "breakpoint", "Breakpoint search", &|| measurements::breakpoint(results));
    add(!results.operations.is_empty(), "operations", "Operations", &|| measurements::operations(results));
    add(has_calls, "time", "Over time", &|| over_time(results));
    add(!summary::phases(results).is_empty(), "phases", "Phases of calls", &|| measurements::phases(results));
    add(results.scenarios.len() > 1, "scenarios", "Scenarios", &|| measurements::scenarios(results));
    if let Some(warm_up) = &results.warm_up {
        add(true, "warm-up", "Warm-up", &|| measurements::warm_up(warm_up));
    }
    if let Some(comparison) = &verdict.comparison {
        add(true, "comparison", "Comparison with the baseline", &|| run::comparison(comparison));
    }
    add(true, "criteria", "Pass criteria", &|| run::pass_criteria(verdict));
    add(true, "load", "Load", &|| run::load(results));
    add(has_sessions, "sessions", "Sessions", &|| run::sessions(results));
    add(!results.load_generators.is_empty(), "generators", "Load generators", &|| {
        run::load_generators(results)
    });
    sections
}

/// The verdict, in words as well as in colour.
fn banner(results: &Results, verdict: &Verdict) -> Markup {
    let class = match verdict.exit_code {
        ExitCode::Passed => "pass",
        ExitCode::Stopped | ExitCode::Inconclusive => "stopped",
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
                @if let Some(tags) = messages::tags(results) { p.when { (tags) } }
                p.when {
                    (results.started.format("%Y-%m-%d %H:%M:%S UTC")) ", "
                    (format!("{:.1} s", results.load_duration().as_secs_f64()))
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

fn over_time(results: &Results) -> Markup {
    html! {
        p.lead {
            "A call counts in the interval in which it ended."
            @if let Some(warm_up) = &results.warm_up { " The warm-up of " (warm_up.seconds) " s before is not shown." }
        }
        (charts::charts(results))
    }
}

/// A table that scrolls horizontally where the page is too narrow. Headings of numbers begin with `#`.
///
/// With the class `cards`, it becomes a list on a narrow page: its cells must be made with [`Cell`].
fn table(class: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.table tabindex="0" {
            table class=[(!class.is_empty()).then_some(class)] {
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

/// A cell with the heading of its column, which precedes it where the table is a list.
struct Cell(&'static str);

impl Cell {
    fn of(&self, content: &Markup) -> Markup {
        html! {
            @match self.0.strip_prefix('#') {
                Some(head) => td.n data-head=(head) { (content) },
                None => td data-head=(self.0) { (content) },
            }
        }
    }
}
