//! The three charts: throughput, latency percentiles, and a heatmap of the latency.

use super::chart::{Axes, Words, amount, chart, coordinate, micros};
use super::marks::{Mark, marks};
use crate::format;
use crate::metrics::{Histogram, Results};
use crate::output::summary::{ChartInterval, intervals, per_second};
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The maximum number of intervals on line charts, and on the heatmap, whose cells must be visible.
const POINTS: u64 = 240;
const CELLS: u64 = 120;

/// Rows of the heatmap per doubling of the latency.
const ROWS: f64 = 4.0;

/// The percentiles that are drawn, with the CSS class of their line.
const LINES: [(f64, &str); 4] = [(50.0, "p50"), (95.0, "p95"), (99.0, "p99"), (99.9, "p999")];

/// All charts.
pub(super) fn charts(results: &Results) -> Markup {
    let marks = marks(results);
    let has = |class: &str| marks.iter().any(|mark| mark.class == class);
    html! {
        @if has("step odd") || has("fault") || has("outage") {
            p.lead {
                "Marked:"
                @if has("step odd") { (key("step odd", "steps of the rate")) }
                @if has("fault") { (key("fault", "injected fault")) }
                @if has("outage") { (key("outage", "no call succeeded")) }
            }
        }
        (throughput(results, &marks))
        (percentiles(results, &marks))
        (heatmap(results, &marks))
    }
}

/// Calls and failures per second.
fn throughput(results: &Results, marks: &[Mark]) -> Markup {
    let intervals = intervals(results, POINTS);
    let max = intervals.iter().map(ChartInterval::calls_per_second).fold(0.0, f64::max);
    let axes = Axes::amounts(results.duration().as_secs_f64(), max);
    let description = format!(
        "{} calls per second on average, {} of them failed.",
        format::rate(per_second(results, results.calls())),
        format::percent(results.error_rate().unwrap_or(0.0))
    );
    let calls = steps(&intervals, axes, ChartInterval::calls_per_second);
    let failures = steps(&intervals, axes, ChartInterval::failures_per_second);
    let content = html! {
        path.calls d=(calls) {}
        @if results.failed_calls() > 0 { path.failures d=(failures) {} }
    };
    html! {
        figure {
            figcaption {
                b { "Throughput" } " calls per second"
                (key("calls", "calls"))
                @if results.failed_calls() > 0 { (key("failures", "failed")) }
            }
            (chart(Words { id: "throughput", title: "Throughput over time", description: &description }, axes, amount,
                marks, &content))
        }
    }
}

/// An area with a constant height in each interval.
fn steps(intervals: &[ChartInterval], axes: Axes, height: fn(&ChartInterval) -> f64) -> String {
    let mut path = String::new();
    let Some(first) = intervals.first() else { return path };
    // Writing to a string cannot fail.
    let _ = write!(path, "M{} {}", coordinate(axes.x.position(first.from)), coordinate(axes.y.position(0.0)));
    for interval in intervals {
        let (from, to) =
            (coordinate(axes.x.position(interval.from)), coordinate(axes.x.position(interval.to)));
        let y = coordinate(axes.y.position(height(interval)));
        let _ = write!(path, "L{from} {y}L{to} {y}");
    }
    let last = intervals.last().unwrap_or(first);
    let _ = write!(path, "L{} {}Z", coordinate(axes.x.position(last.to)), coordinate(axes.y.position(0.0)));
    path
}

/// The percentiles of the latency in each interval.
fn percentiles(results: &Results, marks: &[Mark]) -> Markup {
    let intervals = intervals(results, POINTS);
    let all = results.latency();
    let axes = Axes::latencies(results.duration().as_secs_f64(), latency_range(&all));
    let lines = LINES.map(|(percent, class)| (class, line(&intervals, axes, percent)));
    let described = LINES
        .map(|(percent, _)| format!("p{percent} {}", format::latency(all.percentile(percent))))
        .join(", ");
    let content = html! {
        @for (class, path) in &lines { path class=(format!("line {class}")) d=(path) {} }
    };
    html! {
        figure {
            figcaption {
                b { "Latency" } " percentiles of all calls in each interval"
                @for (percent, class) in LINES { (key(class, &format!("p{percent}"))) }
            }
            (chart(Words { id: "percentiles", title: "Latency percentiles over time",
                description: &format!("Over the whole run: {described}.") }, axes, micros, marks, &content))
        }
    }
}

/// A line through the intervals with calls, with a gap where there are none.
fn line(intervals: &[ChartInterval], axes: Axes, percent: f64) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for interval in intervals {
        let Some(time) = interval.latency.percentile(percent) else {
            pen = 'M';
            continue;
        };
        let (x, y) =
            (axes.x.position(f64::midpoint(interval.from, interval.to)), axes.y.position(float(time)));
        if pen == 'M' {
            // The line of a single point is a dot.
            let _ = write!(path, "M{0} {1}L{0} {1}", coordinate(x), coordinate(y));
        } else {
            let _ = write!(path, "L{} {}", coordinate(x), coordinate(y));
        }
        pen = 'L';
    }
    path
}

/// The distribution of the latency in each interval.
fn heatmap(results: &Results, marks: &[Mark]) -> Markup {
    let intervals = intervals(results, CELLS);
    let axes = Axes::latencies(results.duration().as_secs_f64(), latency_range(&results.latency()));
    let columns: Vec<_> = intervals.iter().map(|interval| rows(&interval.latency)).collect();
    let max = columns.iter().flat_map(BTreeMap::values).max().copied().unwrap_or(1);
    let content = html! {
        @for (interval, column) in intervals.iter().zip(&columns) {
            @let (left, right) = (axes.x.position(interval.from), axes.x.position(interval.to));
            @for (row, count) in column {
                @let (top, bottom) = (axes.y.position(row_start(row + 1)), axes.y.position(row_start(*row)));
                @if bottom > top {
                    // Slightly larger than the cell, so that there are no seams.
                    rect class=(format!("h{}", heat(*count, max))) x=(coordinate(left)) y=(coordinate(top - 0.5))
                        width=(coordinate(right - left + 0.5)) height=(coordinate(bottom - top + 0.5)) {}
                }
            }
        }
    };
    html! {
        figure {
            figcaption {
                b { "Distribution" } " of the latency: a stronger colour means more calls"
            }
            (chart(Words { id: "heatmap", title: "Heatmap of the latency over time", description:
                "Each column is an interval of the run, each row a range of latencies. A stronger colour means more calls." },
                axes, micros, marks, &content))
        }
    }
}

/// The number of calls in each row.
fn rows(latency: &Histogram) -> BTreeMap<i32, u64> {
    let mut rows = BTreeMap::new();
    for (floor, width, count) in latency.buckets() {
        *rows.entry(row(floor + width / 2)).or_default() += count;
    }
    rows
}

#[expect(clippy::cast_possible_truncation, reason = "a row is at most 4 times the bits of a latency")]
fn row(micros: u64) -> i32 {
    (float(micros.max(1)).log2() * ROWS).floor() as i32
}

/// The lower bound of a row in microseconds.
fn row_start(row: i32) -> f64 {
    (f64::from(row) / ROWS).exp2()
}

/// The colour of a cell, from 1 to 9, on a logarithmic scale, so that a single slow call is visible next to
/// thousands.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 9")]
fn heat(count: u64, max: u64) -> u8 {
    1 + (8.0 * float(count).ln_1p() / float(max).ln_1p()).round() as u8
}

/// The range of the latency axis.
fn latency_range(latency: &Histogram) -> (f64, f64) {
    (row_start(row(latency.min().unwrap_or(1))), row_start(row(latency.max().unwrap_or(1_000)) + 1))
}

#[expect(clippy::cast_precision_loss, reason = "precise enough for a chart")]
fn float(number: u64) -> f64 {
    number as f64
}

/// An entry of the legend.
fn key(class: &str, name: &str) -> Markup {
    html! { span.key { i class=(class) {} (name) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    /// Three seconds with calls, three without, four with calls.
    fn with_a_pause() -> Results {
        let mut calls = sample::calls(1, 2_000, 10);
        calls.retain(|call| !(3_000_000..6_000_000).contains(&call.at_us));
        sample::results(&calls)
    }

    #[test]
    fn a_line_has_gaps_where_there_are_no_calls() {
        let results = with_a_pause();
        let axes = Axes::latencies(10.0, (100.0, 1e5));
        let path = line(&intervals(&results, POINTS), axes, 50.0);
        assert_eq!(path.matches('M').count(), 2, "{path}");
    }

    #[test]
    fn the_throughput_is_zero_where_there_are_no_calls() {
        let results = with_a_pause();
        let axes = Axes::amounts(10.0, 200.0);
        let path = steps(&intervals(&results, POINTS), axes, ChartInterval::calls_per_second);
        let bottom = format!(" {}L", coordinate(axes.y.position(0.0)));
        // At the start, and at both ends of both intervals without calls.
        assert_eq!(path.matches(&bottom).count(), 1 + 4, "{path}");
    }

    #[test]
    fn a_single_slow_call_is_visible_next_to_a_million() {
        assert_eq!((heat(1, 1), heat(1_000_000, 1_000_000)), (9, 9));
        assert_eq!([1, 1_000, 1_000_000].map(|count| heat(count, 1_000_000)), [1, 5, 9]);
    }

    #[test]
    fn calls_are_counted_in_the_row_of_their_latency() {
        for micros in [1, 2, 127, 128, 900, 65_536, 3_000_000] {
            let rows = rows(&[micros].into_iter().collect());
            let (row, count) = rows.first_key_value().unwrap();
            assert_eq!(*count, 1);
            let (from, to) = (row_start(*row), row_start(row + 1));
            // The middle of its bucket may belong to the next row.
            assert!(from * 0.99 <= float(micros) && float(micros) <= to * 1.01, "{micros}: {from} to {to}");
        }
    }
}
