//! The page for people: one file, no script, no other host.
//!
//! A library of charts was refused: it would be a megabyte of script in a page that has to open from a disk, a
//! mail and the artefacts of a pipeline, where scripts do not run. The policy in its head makes a browser refuse
//! whatever a service might have smuggled in; that nothing of it is markup is what `maud` takes care of.

mod chart;
mod charts;
mod scale;

use super::{Report, messages as words, summary as figures};
use crate::format::{self as text, count, counted};
use crate::metrics::{Histogram, LimitStep, LoadModel, Record, WorkerHealth};
use crate::thresholds::{Check, Comparison, Exit, Group, Meaning, Outcome, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The percentiles that the page has room for.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];

pub(super) fn page(report: &Report) -> String {
    let Report { record, verdict, .. } = report;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (verdict.word()) ": load test of " (record.service.address) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (banner(record, verdict))
                main {
                    (tiles(record))
                    (notes(record))
                    (violations(record))
                    (failures(record))
                    (limit(record))
                    (operations(record))
                    (over_time(record))
                    @if let Some(comparison) = &verdict.comparison { (compared(comparison)) }
                    (checks(verdict))
                    (about(record))
                    (sessions(record))
                    (generator(record))
                }
                footer { "loadtest " (record.program) ", run " (record.run) }
            }
        }
    };
    page.into_string()
}

/// The verdict before everything else, in words as well as in colour.
fn banner(record: &Record, verdict: &Verdict) -> Markup {
    let class = match verdict.exit {
        Exit::Passed => "pass",
        Exit::Stopped => "stopped",
        Exit::Failed | Exit::WrongData | Exit::CouldNotRun => "fail",
    };
    html! {
        header class=(class) {
            div {
                p.what { "Load test of " (words::service(record)) }
                h1 { (verdict.word()) }
                p { (verdict.counts()) }
                @if verdict.reasons().next().is_some() {
                    ul { @for reason in verdict.reasons() { li { (reason) } } }
                }
                p.when { (words::load(record)) }
                p.when {
                    (record.started.format("%Y-%m-%d %H:%M:%S UTC")) ", " (format!("{:.1} s", record.span().as_secs_f64()))
                    ", exit code " (verdict.exit.code())
                }
            }
        }
    }
}

/// The figures that are asked for first.
fn tiles(record: &Record) -> Markup {
    let latency = record.latency();
    let tile = |name: &str, value: &str| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.tiles {
            (tile("calls/s", &words::rate(figures::per_second(record, record.calls()))))
            @for percent in figures::PERCENTILES {
                (tile(&format!("p{percent}"), &words::time(latency.percentile(percent))))
            }
            (tile("failed", &figures::error_rate(record).map_or_else(|| "-".to_owned(), text::percent)))
            (tile("violations", &count(record.violated())))
        }
    }
}

fn notes(record: &Record) -> Markup {
    let notes = words::notes(record);
    html! {
        @if !notes.is_empty() {
            aside { ul { @for note in notes { li { (note) } } } }
        }
    }
}

fn violations(record: &Record) -> Markup {
    let found: Vec<_> = record.violations.iter().filter(|violation| violation.count > 0).collect();
    html! {
        @if !found.is_empty() {
            section {
                h2 { "Violations" }
                p.lead { "Answers that arrived well and are wrong." }
                @for violation in found {
                    h3 { (violation.kind) ", " (counted(violation.count, "time", "times")) }
                    (table(&["session", "operation", "correlation id", "what was wrong"], &html! {
                        @for example in &violation.examples {
                            tr {
                                td { code { (example.session) } }
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

fn failures(record: &Record) -> Markup {
    let mut failures: Vec<_> = record.failures.iter().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    html! {
        @if !failures.is_empty() {
            section {
                h2 { "Failed calls" }
                (table(&["operation", "why", "#times", "such as"], &html! {
                    @for failure in failures {
                        tr {
                            td { code { (failure.operation) } }
                            td { (failure.name) }
                            td.n { (count(failure.count)) }
                            td.wide { @if let Some(example) = &failure.example { code.said { (example) } } }
                        }
                    }
                }))
            }
        }
    }
}

fn operations(record: &Record) -> Markup {
    let row = |name: &Markup, calls: u64, failed: u64, latency: &Histogram, statuses: &str| {
        html! {
            th scope="row" { (name) }
            td.n { (count(calls)) }
            td class=(if failed > 0 { "n bad" } else { "n" }) { (count(failed)) }
            td.n { (words::rate(figures::per_second(record, calls))) }
            @for percent in PERCENTILES { td.n { (words::time(latency.percentile(percent))) } }
            td.n { (words::time(latency.max())) }
            td { (statuses) }
        }
    };
    html! {
        section {
            h2 { "Operations" }
            p.lead { (words::latency(record)) " Percentiles are at most 0.8% off." }
            (table(
                &["operation", "#calls", "#failed", "#per s", "#p50", "#p90", "#p95", "#p99", "#p99.9", "#max", "statuses"],
                &html! {
                    @for (name, operation) in figures::operations(record) {
                        @let statuses: Vec<_> =
                            operation.statuses.iter().map(|(status, calls)| format!("{status}: {}", count(*calls))).collect();
                        tr {
                            (row(&html! { code { (name) } }, operation.calls, operation.failures, operation.latency(),
                                &statuses.join(", ")))
                        }
                    }
                    tr.all { (row(&html! { "all" }, record.calls(), record.failed(), &record.latency(), "")) }
                },
            ))
        }
    }
}

fn over_time(record: &Record) -> Markup {
    html! {
        section {
            h2 { "Over time" }
            p.lead { "A call stands where it ended." }
            (charts::throughput(record))
            (charts::percentiles(record))
            (charts::heatmap(record))
        }
    }
}

fn limit(record: &Record) -> Markup {
    let LoadModel::FindLimit { steps, limit, .. } = &record.load else { return html! {} };
    html! {
        section {
            h2 { "Limit" }
            p.lead {
                @match limit {
                    Some(limit) => { "The highest rate at which every threshold held is " b { (words::rate(Some(*limit))) } " iterations/s." }
                    None => "At none of these rates did every threshold hold.",
                }
            }
            (table(&["#due per s", "#done per s", "#p99", "outcome"], &html! {
                @for LimitStep { rate, achieved, p99_us, broke } in steps {
                    tr {
                        td.n { (words::rate(Some(*rate))) }
                        td.n { (words::rate(Some(*achieved))) }
                        td.n { (words::time(*p99_us)) }
                        td { @match broke { Some(rule) => span.bad { "broke " (rule) }, None => "held" } }
                    }
                }
            }))
        }
    }
}

fn compared(comparison: &Comparison) -> Markup {
    html! {
        section {
            h2 { "Compared with an earlier run" }
            p.lead { "Against " code { (comparison.file) } "." }
            (table(&["operation", "percentile", "#before", "#now", "#change", "meaning"], &html! {
                @for row in &comparison.rows {
                    tr {
                        td { code { (row.operation) } }
                        td { "p" (row.percentile) }
                        td.n { (words::time(Some(row.before_us))) }
                        td.n { (words::time(Some(row.now_us))) }
                        td.n { (text::change(row.change)) }
                        td {
                            @match row.meaning {
                                Meaning::Within => "within bounds",
                                Meaning::Regressed => span.bad { "regressed" },
                                Meaning::TooFewCalls => span.faint { "too few calls to say" },
                            }
                        }
                    }
                }
            }))
        }
    }
}

fn checks(verdict: &Verdict) -> Markup {
    let of = |outcome| verdict.checks.iter().filter(|check| check.outcome == outcome).count();
    // There are many kinds of wrong answers; those that never came are of use only to know that they were looked for.
    let (unseen, shown): (Vec<_>, Vec<_>) = verdict
        .checks
        .iter()
        .partition(|check| check.group == Group::Invariant && check.outcome == Outcome::Passed);
    html! {
        section {
            h2 { "Checks" }
            p.lead {
                (of(Outcome::Passed)) " passed, " (of(Outcome::Failed)) " failed, " (of(Outcome::Skipped)) " skipped."
            }
            (table(&["what must hold", "kind", "observed", "outcome"], &html! {
                @for check in shown { (row_of_check(check)) }
            }))
            @if !unseen.is_empty() {
                details {
                    summary { (counted(unseen.len() as u64, "kind", "kinds")) " of wrong answers that never came" }
                    ul { @for check in unseen { li { (check.name) } } }
                }
            }
        }
    }
}

fn row_of_check(check: &Check) -> Markup {
    let Check { group, name, observed, outcome, .. } = check;
    html! {
        tr {
            td { (name) }
            td {
                @match group {
                    Group::Invariant => "invariant",
                    Group::Guard => "guard",
                    Group::Threshold => "threshold",
                    Group::Regression => "regression",
                }
            }
            td { (observed) }
            td {
                @match outcome {
                    Outcome::Passed => span.good { "passed" },
                    Outcome::Failed => span.bad { "failed" },
                    Outcome::Skipped => span.faint { "skipped" },
                }
            }
        }
    }
}

fn about(record: &Record) -> Markup {
    let fact = |name: &str, text: &str| html! { div { dt { (name) } dd { (text) } } };
    html! {
        section {
            h2 { "Load" }
            dl.facts {
                (fact("model", &words::load(record)))
                (fact("iterations", &record.plan))
                (fact("service", &words::service(record)))
                @for scenario in &record.scenarios {
                    (fact(&scenario.name, &format!(
                        "{} begun, {} went through to the end", count(scenario.begun), count(scenario.iterations),
                    )))
                }
                (fact("answers", if record.verified { "verified" } else { "not verified" }))
            }
        }
    }
}

fn sessions(record: &Record) -> Markup {
    let audit = &record.audit;
    let left = match &audit.unknown {
        Some(why) => format!("not known: {why}"),
        None => count(audit.left_behind.count),
    };
    let row = |name: &str, text: &str| html! { div { dt { (name) } dd { (text) } } };
    html! {
        section {
            h2 { "Sessions" }
            dl.facts {
                (row("opened", &count(audit.opened)))
                (row("closed", &count(audit.closed)))
                (row("deleted by users", &count(audit.deleted)))
                (row("deleted after the run", &count(audit.removed)))
                (row("left behind", &left))
                (row("of others, listed", &count(audit.foreign.count)))
            }
        }
    }
}

fn generator(record: &Record) -> Markup {
    let earliest = record.workers.iter().map(|worker| worker.started).min();
    html! {
        section {
            h2 { "Generator" }
            p.lead { "Whether the load was made as it should have been. An arrival that begins late has been counted from when it was due." }
            (table(
                &["worker", "#began after", "#ran", "#CPU", "#of its cores", "#memory", "#late p50", "#late p99", "#no free lane", "#never began"],
                &html! {
                    @for worker in &record.workers {
                        @let WorkerHealth { index, started, span_us, cpu_us, cores, peak_memory, lateness, without_lane, never_begun } = worker;
                        @let after = earliest.and_then(|earliest| u64::try_from((*started - earliest).num_microseconds()?).ok());
                        tr {
                            th scope="row" { (index) }
                            td.n { (words::time(after)) }
                            td.n { (words::time(Some(*span_us))) }
                            td.n { (words::time(Some(*cpu_us))) }
                            td.n {
                                (worker.cpu_share().map_or_else(|| "-".to_owned(), |share| text::percent((share * 100.0).round())))
                                " of " (cores)
                            }
                            td.n { (peak_memory >> 20) " MiB" }
                            td.n { (words::time(lateness.percentile(50.0))) }
                            td.n { (words::time(lateness.percentile(99.0))) }
                            td.n { (count(*without_lane)) }
                            td.n { (count(*never_begun)) }
                        }
                    }
                },
            ))
        }
    }
}

/// A table that scrolls by itself where the page is too narrow for it. Heads of numbers begin with `#`.
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
