//! The sections of violations, failed calls, and outages.

use super::{Cell, table};
use crate::format::{count, counted};
use crate::metrics::{Results, ViolationExample};
use crate::output::{messages, summary};
use chrono::DateTime;
use maud::{Markup, html};

/// The number of outages that are listed.
const MAX_OUTAGES: usize = 20;

pub(super) fn violations(results: &Results) -> Markup {
    html! {
        p.lead { "Successful responses with wrong content." }
        @for violation in summary::violations(results) {
            h3 { (messages::violation(&violation.kind)) ", " (counted(violation.count, "time", "times")) }
            @if (violation.examples.len() as u64) < violation.count {
                p.lead { "The first " (violation.examples.len()) " of them:" }
            }
            (table("cards", &["time", "call", "session", "expected", "observed", "ids"], &html! {
                @for example in &violation.examples { (violation_row(example)) }
            }))
        }
    }
}

fn violation_row(example: &ViolationExample) -> Markup {
    let ids = [("correlation", &example.correlation_id), ("trace", &example.trace_id)];
    let ids: Vec<_> = ids.into_iter().filter_map(|(name, id)| Some((name, id.as_ref()?))).collect();
    let value = |value: &Option<String>| {
        html! { @if let Some(value) = value { code.message { (value) } } @else { "-" } }
    };
    html! {
        tr {
            (Cell("time").of(&html! { span.nowrap { (example.time.format("%H:%M:%S%.3f")) } }))
            (Cell("call").of(&html! {
                code { (example.operation) }
                span.sub {
                    @match example.virtual_user { Some(user) => { "virtual user " (user) }, None => "after the run" }
                }
            }))
            (Cell("session").of(&html! {
                @if example.session_id.is_empty() { "-" } @else { code.message { (example.session_id) } }
            }))
            (Cell("expected").of(&value(&example.expected)))
            (Cell("observed").of(&value(&example.observed)))
            (Cell("ids").of(&html! {
                @if ids.is_empty() { "-" }
                @for (name, id) in ids { span.id { (name) " " code.message { (id) } } }
            }))
        }
    }
}

pub(super) fn failures(results: &Results) -> Markup {
    html! {
        (table("cards", &["operation", "reason", "#times", "first", "last", "example"], &html! {
            @for failure in summary::failures(results) {
                @let [first, last] = failure.seen.map(|time| time.format("%H:%M:%S%.3f"));
                tr {
                    (Cell("operation").of(&html! { code { (failure.operation) } }))
                    (Cell("reason").of(&html! { (failure.reason) }))
                    (Cell("#times").of(&html! { (count(failure.count)) }))
                    (Cell("first").of(&html! { span.nowrap { (first) } }))
                    (Cell("last").of(&html! { span.nowrap { (last) } }))
                    (Cell("example").of(&html! {
                        @match messages::failure_example(failure) { Some(example) => code.message { (example) }, None => "-" }
                    }))
                }
            }
        }))
        @if results.failed_calls() > 0 {
            h3 { "Latency of failed calls" }
            p.lead { "It is in no other latency of this report, and no threshold judges it." }
            (table("", &["operation", "#failed", "#p50", "#p99", "#max"], &html! {
                @for (name, failed, times) in summary::failure_times(results) {
                    tr {
                        th scope="row" { code { (name) } }
                        td.n { (count(failed)) }
                        @for time in times { td.n { (time) } }
                    }
                }
            }))
        }
    }
}

pub(super) fn faults(results: &Results) -> Markup {
    html! {
        p.lead {
            @if results.pass_criteria.counts_faults { "Calls that fail during faults count like all others." }
            @else { "Calls that fail during faults are expected: only wrong data fails the run." }
        }
        (table("", &["fault", "from", "to", "#connections", "#failed calls"], &html! {
            @for window in &results.faults {
                tr {
                    th scope="row" { code { (window.fault) } }
                    td { (window.from.format("%H:%M:%S%.3f")) }
                    td { (window.to.format("%H:%M:%S%.3f")) }
                    td.n { (count(window.connections)) }
                    td.n { (count(window.failed_calls)) }
                }
            }
        }))
    }
}

pub(super) fn availability(results: &Results) -> Markup {
    let outages = results.outages();
    let time = |second: u64| {
        let time = DateTime::from_timestamp(i64::try_from(second).ok()?, 0)?;
        Some(time.format("%H:%M:%S").to_string())
    };
    html! {
        p.lead { (messages::availability(results)) "." }
        @if outages.count() > 0 {
            (table("", &["no call succeeded from", "to", "#seconds"], &html! {
                @for range in outages.ranges().take(MAX_OUTAGES) {
                    tr {
                        th scope="row" { (time(range.start).unwrap_or_default()) }
                        td { (time(range.end).unwrap_or_default()) }
                        td.n { (count(range.end - range.start)) }
                    }
                }
            }))
            @if let Some(more) = outages.ranges().count().checked_sub(MAX_OUTAGES).filter(|more| *more > 0) {
                p.lead { "And " (counted(more as u64, "other outage", "other outages")) "." }
            }
        }
    }
}
