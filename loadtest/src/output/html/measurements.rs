//! The sections of latencies: operations, phases, scenarios, warm-up, steps, breakpoint search.

use super::{Cell, table};
use crate::format::{self, count};
use crate::metrics::{BreakpointStep, CallMetrics, Histogram, LoadModel, Results, ScenarioMetrics, WarmUp};
use crate::output::{messages, summary};
use maud::{Markup, html};

/// The percentiles in tables.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];

/// The number of failed calls, marked if there are any.
fn failed(calls: u64) -> Markup {
    html! { td class=(if calls > 0 { "n bad" } else { "n" }) { (count(calls)) } }
}

/// The percentiles and the maximum of a latency.
fn percentiles(latency: &Histogram) -> Markup {
    html! {
        @for percent in PERCENTILES { td.n { (format::latency(latency.percentile(percent))) } }
        td.n { (format::latency(latency.max())) }
    }
}

/// Headings of a table that ends with [`percentiles`].
fn with_percentiles<'h>(heads: &[&'h str]) -> Vec<&'h str> {
    [heads, &["#p50", "#p90", "#p95", "#p99", "#p99.9", "#max"]].concat()
}

pub(super) fn operations(results: &Results) -> Markup {
    let row = |name: &Markup, calls: u64, failures: u64, latency: &Histogram, statuses: &Markup| {
        html! {
            th scope="row" { (name) }
            td.n { (count(calls)) }
            (failed(failures))
            td.n { (format::rate(summary::per_second(results, calls))) }
            (percentiles(latency))
            td { (statuses) }
        }
    };
    let mut heads = with_percentiles(&["operation", "#calls", "#failed", "#calls/s"]);
    heads.push("statuses");
    html! {
        p.lead { (messages::latency(results)) " The error of a percentile is at most 0.8%." }
        (table("", &heads, &html! {
            @for (name, operation) in summary::operations(results) {
                @let statuses = html! {
                    @for (status, calls) in &operation.statuses { span.status { (status) " × " (count(*calls)) } }
                };
                tr {
                    (row(&html! { code { (name) } }, operation.calls, operation.failures, operation.latency(), &statuses))
                }
            }
            tr.all { (row(&html! { "all" }, results.calls(), results.failed_calls(), &results.latency(), &html! {})) }
        }))
    }
}

pub(super) fn phases(results: &Results) -> Markup {
    html! {
        p.lead { "Together the phases of a call are its time from sending the request to the last byte of the response." }
        (table("", &with_percentiles(&["phase", "#calls"]), &html! {
            @for (name, times) in summary::phases(results) {
                tr {
                    th scope="row" { (name) }
                    td.n { (count(times.count())) }
                    (percentiles(times))
                }
            }
        }))
    }
}

pub(super) fn scenarios(results: &Results) -> Markup {
    html! {
        (table("", &with_percentiles(&["scenario", "#weight", "#started", "#completed", "#calls", "#failed"]), &html! {
            @for ScenarioMetrics { name, weight, started, completed, calls, .. } in &results.scenarios {
                @let calls = calls.clone().unwrap_or_default();
                tr {
                    th scope="row" { code { (name) } }
                    td.n { (weight) }
                    td.n { (count(*started)) }
                    td.n { (count(*completed)) }
                    (call_cells(&calls))
                }
            }
        }))
    }
}

/// The calls of a part of the run.
fn call_cells(calls: &CallMetrics) -> Markup {
    html! {
        td.n { (count(calls.calls())) }
        (failed(calls.failures))
        (percentiles(&calls.latency))
    }
}

pub(super) fn warm_up(warm_up: &WarmUp) -> Markup {
    let WarmUp { seconds, calls, failures } = warm_up;
    html! {
        p.lead {
            "The first " (seconds) " s. Their calls are in no other number of this report, and only violations in them count."
        }
        (table("", &with_percentiles(&["#calls", "#failed"]), &html! { tr { (call_cells(calls)) } }))
        @if !failures.is_empty() {
            (table("cards", &["operation", "reason", "#times"], &html! {
                @for failure in failures {
                    tr {
                        (Cell("operation").of(&html! { code { (failure.operation) } }))
                        (Cell("reason").of(&html! { (failure.reason) }))
                        (Cell("#times").of(&html! { (count(failure.count)) }))
                    }
                }
            }))
        }
    }
}

pub(super) fn steps(results: &Results) -> Markup {
    let heads = summary::STEP_HEADS.map(|head| format!("#{head}"));
    html! {
        p.lead {
            "The rate that was asked for, and the rate at which the iterations of the step ended. Latency counts \
             from the moment when a call was due."
        }
        (table("", &heads.each_ref().map(String::as_str), &html! {
            @for step in summary::steps(results) {
                @let [number, cells @ ..] = step;
                tr {
                    th.n scope="row" { (number) }
                    @for cell in cells { td.n { (cell) } }
                }
            }
        }))
    }
}

pub(super) fn breakpoint(results: &Results) -> Markup {
    let LoadModel::Breakpoint { steps, sustained_rate, .. } = &results.load else { return html! {} };
    html! {
        p.lead {
            @match sustained_rate {
                Some(rate) => { "The highest rate that passed all criteria is " b { (format::rate(Some(*rate))) } " iterations/s." }
                None => "No rate passed all criteria.",
            }
        }
        (table("", &["#iterations/s", "#completed/s", "#p99", "outcome"], &html! {
            @for step in steps {
                @let BreakpointStep { rate, completed_rate, p99_us, failed_criterion, .. } = step;
                tr {
                    td.n { (format::rate(Some(*rate))) }
                    td.n { (format::rate(Some(*completed_rate))) }
                    td.n { (format::latency(*p99_us)) }
                    td { @match failed_criterion { Some(_) => span.bad { (step.outcome()) }, None => (step.outcome()) } }
                }
            }
        }))
    }
}
