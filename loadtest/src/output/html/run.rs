//! The sections of the verdict and of the run: comparison, pass criteria, load, sessions, load generators.

use super::{Cell, table};
use crate::format::{self, count, counted};
use crate::metrics::{ClockOffset, LoadGenerator, Results};
use crate::output::{criteria, messages, summary};
use crate::thresholds::{
    Assessment, Comparison, CriterionKind, CriterionResult, PercentileChange, Status, Verdict,
};
use maud::{Markup, html};

pub(super) fn comparison(comparison: &Comparison) -> Markup {
    html! {
        p.lead { "The baseline is " code { (comparison.with.join(", ")) } "." }
        (table("", &["operation", "#percentile", "#baseline", "#current", "#change", "assessment"], &html! {
            @for row in &comparison.rows { (comparison_row(row)) }
        }))
    }
}

fn comparison_row(row: &PercentileChange) -> Markup {
    html! {
        tr {
            th scope="row" { code { (row.operation) } }
            td.n { "p" (row.percentile) }
            td.n { (format::latency(Some(row.baseline_us))) }
            td.n { (format::latency(Some(row.current_us))) }
            td.n { (format::change(row.change_percent)) }
            td {
                @match row.assessment {
                    Assessment::WithinLimit => "within the limit",
                    Assessment::Regressed => span.bad { "regressed" },
                    Assessment::Inconclusive => span.faint { "inconclusive" },
                    Assessment::TooFewCalls => span.faint { "too few calls" },
                }
            }
        }
    }
}

pub(super) fn pass_criteria(verdict: &Verdict) -> Markup {
    let count_of =
        |is: fn(Status) -> bool| verdict.criteria.iter().filter(|result| is(result.status)).count();
    let passed = count_of(|status| status == Status::Passed);
    let failed = count_of(|status| status == Status::Failed);
    let inconclusive = count_of(|status| status == Status::Inconclusive);
    let skipped = count_of(|status| matches!(status, Status::Skipped(_)));
    // There are many kinds of violations; those that were not found need no row each.
    let (not_found, shown): (Vec<_>, Vec<_>) = verdict.criteria.iter().partition(|result| {
        result.criterion.kind() == CriterionKind::Consistency && result.status == Status::Passed
    });
    html! {
            p.lead {
                (passed) " passed, " (failed) " failed, "
                @if inconclusive > 0 { (inconclusive) " inconclusive, " }
                (skipped) " skipped."
            }
            (table("cards", &["criterion", "kind", "observed", "status"], &html! {
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

fn criterion_row(result: &CriterionResult) -> Markup {
    html! {
        tr {
            (Cell("criterion").of(&html! { (criteria::name(&result.criterion)) }))
            (Cell("kind").of(&html! { span.nowrap { (criteria::kind_name(result.criterion.kind())) } }))
            (Cell("observed").of(&html! { (criteria::observed(result)) }))
            (Cell("status").of(&html! {
                @match result.status {
                    Status::Passed => span.good { "passed" },
                    Status::Failed => span.bad { "failed" },
                    Status::Inconclusive => span.faint { "inconclusive" },
                    Status::Skipped(_) => span.faint { "skipped" },
                }
            }))
        }
    }
}

pub(super) fn load(results: &Results) -> Markup {
    html! {
        dl.facts {
            (fact("model", &messages::load(results)))
            (fact("iterations", &results.iteration))
            (fact("service", &messages::service(results)))
            (fact("completed", &messages::completed(results)))
            @if let Some(rate_limit) = messages::rate_limit(results) { (fact("rate limit", &rate_limit)) }
            (fact("checks", if results.checks_enabled { "enabled" } else { "disabled" }))
            @if let Some(requests) = summary::by_operation(&results.sent_again) {
                (fact("requests sent again at once", &requests))
            }
            @for (purpose, calls) in summary::other_calls(results) {
                (fact(&format!("calls for the {purpose}"), &calls))
            }
        }
    }
}

pub(super) fn sessions(results: &Results) -> Markup {
    let sessions = &results.sessions;
    let left_behind = match &sessions.check_error {
        Some(error) => format!("unknown: {error}"),
        None => count(sessions.left_behind.count),
    };
    let some = |name: &str, number: u64| html! { @if number > 0 { (fact(name, &count(number))) } };
    html! {
        dl.facts {
            (fact("opened", &count(sessions.opened)))
            (some("closed by users", sessions.closed))
            (some("deleted by users", sessions.deleted))
            (some("deleted after the run", sessions.cleaned_up))
            (fact("left behind", &left_behind))
            (some("of other users, listed", sessions.foreign.count))
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// The cells of a column of load generators, with its heading.
type Column = (&'static str, Vec<String>);

/// The columns of the table of load generators, without those that are empty.
fn columns(generators: &[LoadGenerator]) -> Vec<Column> {
    let earliest = generators.iter().map(|generator| generator.started).min();
    let after =
        |generator: &LoadGenerator| u64::try_from((generator.started - earliest?).num_microseconds()?).ok();
    let column =
        |head, cell: &dyn Fn(&LoadGenerator) -> String| (head, generators.iter().map(cell).collect());
    let start_delay =
        |percent| move |generator: &LoadGenerator| format::latency(generator.start_delay.percentile(percent));
    let mut columns: Vec<Column> = vec![
        column("#started after", &|it| format::latency(after(it))),
        column("#duration", &|it| format::latency(Some(it.duration_us))),
        column("#clock ahead", &|it| it.clock_offset.map_or_else(|| "-".to_owned(), clock_offset)),
        column("#CPU", &|it| format::latency(Some(it.cpu_us))),
        column("#of its cores", &|it| {
            let share = it.cpu_share().map(|share| format::percent((share * 100.0).round()));
            format!("{} of {}", share.as_deref().unwrap_or("-"), it.cores)
        }),
        column("#memory", &|it| format!("{} MiB", it.peak_memory_bytes >> 20)),
        column("#start delay p50", &start_delay(50.0)),
        column("#start delay p99", &start_delay(99.0)),
        column("#delayed", &|it| count(it.delayed_iterations)),
        column("#dropped", &|it| count(it.dropped_iterations)),
    ];
    let is_empty = |cell: &String| cell == "-" || cell == "0";
    columns.retain(|(head, cells)| {
        !cells.iter().all(is_empty) && (*head != "#started after" || generators.len() > 1)
    });
    columns
}

pub(super) fn load_generators(results: &Results) -> Markup {
    let generators = &results.load_generators;
    let columns = columns(generators);
    let heads: Vec<_> = std::iter::once("worker").chain(columns.iter().map(|(head, _)| *head)).collect();
    html! {
        p.lead { "Whether the load was as planned." }
        (table("", &heads, &html! {
            @for (index, generator) in generators.iter().enumerate() {
                tr {
                    th scope="row" { (generator.worker) }
                    @for (_, cells) in &columns { td.n { (cells[index]) } }
                }
            }
        }))
        @if generators.iter().any(|generator| generator.delayed_iterations + generator.dropped_iterations > 0) {
            p.lead {
                "A delayed iteration had to wait for a free VU, and its latency includes that. A dropped iteration \
                 never started, and is in no latency."
            }
        }
    }
}

/// The time by which a clock is ahead of that of the service.
fn clock_offset(offset: ClockOffset) -> String {
    let sign = if offset.offset_us < 0 { "-" } else { "" };
    let [ahead, uncertainty] =
        [offset.offset_us.unsigned_abs(), offset.uncertainty_us].map(|us| format::latency(Some(us)));
    format!("{sign}{ahead} ± {uncertainty}")
}
