//! The three charts: how much, how fast, and how the times are spread.

use super::chart::{Axes, amount, chart, micros, place};
use crate::format as text;
use crate::metrics::{Histogram, Record};
use crate::output::messages as words;
use crate::output::summary::{Interval, error_rate, intervals, per_second};
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Parts of the run on a chart of lines, and on the heatmap, whose cells are to be seen.
const POINTS: u64 = 240;
const CELLS: u64 = 120;

/// Rows of the heatmap to each doubling of the time.
const ROWS: f64 = 4.0;

/// What lines show, with the class that has their colour.
const LINES: [(f64, &str); 4] = [(50.0, "p50"), (95.0, "p95"), (99.0, "p99"), (99.9, "p999")];

/// Calls and failures a second.
pub(super) fn throughput(record: &Record) -> Markup {
    let intervals = intervals(record, POINTS);
    let most = intervals.iter().map(Interval::calls_per_second).fold(0.0, f64::max);
    let axes = Axes::amounts(record.span().as_secs_f64(), most);
    let description = format!(
        "{} calls a second on the whole, {} of them failed.",
        words::rate(per_second(record, record.calls())),
        text::percent(error_rate(record).unwrap_or(0.0))
    );
    let calls = steps(&intervals, axes, Interval::calls_per_second);
    let failures = steps(&intervals, axes, Interval::failures_per_second);
    let inside = html! {
        path.calls d=(calls) {}
        @if record.failed() > 0 { path.failures d=(failures) {} }
    };
    html! {
        figure {
            figcaption {
                b { "Throughput" } " calls a second"
                (key("calls", "calls"))
                @if record.failed() > 0 { (key("failures", "failed")) }
            }
            (chart("throughput", "Throughput over time", &description, axes, amount, &inside))
        }
    }
}

/// An area whose height is the same from the start of an interval to its end.
fn steps(intervals: &[Interval], axes: Axes, height: fn(&Interval) -> f64) -> String {
    let mut path = String::new();
    let Some(first) = intervals.first() else { return path };
    // A string takes everything that is written to it.
    let _ = write!(path, "M{} {}", place(axes.x.at(first.from)), place(axes.y.at(0.0)));
    for interval in intervals {
        let (from, to) = (place(axes.x.at(interval.from)), place(axes.x.at(interval.to)));
        let y = place(axes.y.at(height(interval)));
        let _ = write!(path, "L{from} {y}L{to} {y}");
    }
    let last = intervals.last().unwrap_or(first);
    let _ = write!(path, "L{} {}Z", place(axes.x.at(last.to)), place(axes.y.at(0.0)));
    path
}

/// The percentiles of the latency in each part of the run.
pub(super) fn percentiles(record: &Record) -> Markup {
    let intervals = intervals(record, POINTS);
    let all = record.latency();
    let axes = Axes::latencies(record.span().as_secs_f64(), range(&all));
    let lines = LINES.map(|(percent, class)| (class, line(&intervals, axes, percent)));
    let described =
        LINES.map(|(percent, _)| format!("p{percent} {}", words::time(all.percentile(percent)))).join(", ");
    let inside = html! {
        @for (class, path) in &lines { path class=(format!("line {class}")) d=(path) {} }
    };
    html! {
        figure {
            figcaption {
                b { "Latency" } " percentiles of all calls in each part of the run"
                @for (percent, class) in LINES { (key(class, &format!("p{percent}"))) }
            }
            (chart("percentiles", "Latency percentiles over time", &format!("Over the whole run: {described}."), axes, micros, &inside))
        }
    }
}

/// A line through the intervals that have calls; where there are none it is broken.
fn line(intervals: &[Interval], axes: Axes, percent: f64) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for interval in intervals {
        let Some(time) = interval.latency.percentile(percent) else {
            pen = 'M';
            continue;
        };
        let (x, y) = (axes.x.at(f64::midpoint(interval.from, interval.to)), axes.y.at(float(time)));
        if pen == 'M' {
            // A line of one point is a dot.
            let _ = write!(path, "M{0} {1}L{0} {1}", place(x), place(y));
        } else {
            let _ = write!(path, "L{} {}", place(x), place(y));
        }
        pen = 'L';
    }
    path
}

/// How the times are spread in each part of the run.
pub(super) fn heatmap(record: &Record) -> Markup {
    let intervals = intervals(record, CELLS);
    let axes = Axes::latencies(record.span().as_secs_f64(), range(&record.latency()));
    let columns: Vec<_> = intervals.iter().map(|interval| rows(&interval.latency)).collect();
    let most = columns.iter().flat_map(BTreeMap::values).max().copied().unwrap_or(1);
    let inside = html! {
        @for (interval, column) in intervals.iter().zip(&columns) {
            @let (left, right) = (axes.x.at(interval.from), axes.x.at(interval.to));
            @for (row, count) in column {
                @let (top, bottom) = (axes.y.at(floor(row + 1)), axes.y.at(floor(*row)));
                @if bottom > top {
                    // Wider and higher than it has to be, so that no seam shows between two.
                    rect class=(format!("h{}", heat(*count, most))) x=(place(left)) y=(place(top - 0.5))
                        width=(place(right - left + 0.5)) height=(place(bottom - top + 0.5)) {}
                }
            }
        }
    };
    html! {
        figure {
            figcaption {
                b { "Spread" } " of the latency: the stronger the colour, the more calls took so long"
            }
            (chart("heatmap", "Heatmap of the latency over time",
                "Each column is a part of the run, each row a range of times; cells of a strong colour hold many calls.",
                axes, micros, &inside))
        }
    }
}

/// How many calls there are in each row.
fn rows(latency: &Histogram) -> BTreeMap<i32, u64> {
    let mut rows = BTreeMap::new();
    for (floor, width, count) in latency.buckets() {
        *rows.entry(row(floor + width / 2)).or_default() += count;
    }
    rows
}

#[expect(clippy::cast_possible_truncation, reason = "a row is at most 4 times the bits of a time")]
fn row(micros: u64) -> i32 {
    (float(micros.max(1)).log2() * ROWS).floor() as i32
}

/// The shortest time of a row.
fn floor(row: i32) -> f64 {
    (f64::from(row) / ROWS).exp2()
}

/// How strong the colour of a cell is, from 1 to 9: by the logarithm of the count, so that a single slow call is
/// seen beside thousands.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 9")]
fn heat(count: u64, most: u64) -> u8 {
    1 + (8.0 * float(count).ln_1p() / float(most).ln_1p()).round() as u8
}

/// The times that a chart is to have room for.
fn range(latency: &Histogram) -> (f64, f64) {
    (floor(row(latency.min().unwrap_or(1))), floor(row(latency.max().unwrap_or(1_000)) + 1))
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn")]
fn float(number: u64) -> f64 {
    number as f64
}

/// What a colour means.
fn key(class: &str, name: &str) -> Markup {
    html! { span.key { i class=(class) {} (name) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    /// Three seconds of calls, three of silence, four of calls.
    fn with_a_pause() -> Record {
        let mut calls = sample::calls(1, 2_000, 10);
        calls.retain(|call| !(3_000_000..6_000_000).contains(&call.at_us));
        sample::record(&calls)
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_call() {
        let record = with_a_pause();
        let axes = Axes::latencies(10.0, (100.0, 1e5));
        let path = line(&intervals(&record, POINTS), axes, 50.0);
        assert_eq!(path.matches('M').count(), 2, "{path}");
    }

    #[test]
    fn the_throughput_falls_to_nothing_where_there_is_no_call() {
        let record = with_a_pause();
        let axes = Axes::amounts(10.0, 200.0);
        let path = steps(&intervals(&record, POINTS), axes, Interval::calls_per_second);
        let bottom = format!(" {}L", place(axes.y.at(0.0)));
        // At its beginning, and at both ends of both silent seconds.
        assert_eq!(path.matches(&bottom).count(), 1 + 4, "{path}");
    }

    #[test]
    fn a_single_slow_call_is_seen_beside_a_million() {
        assert_eq!((heat(1, 1), heat(1_000_000, 1_000_000)), (9, 9));
        assert_eq!([1, 1_000, 1_000_000].map(|count| heat(count, 1_000_000)), [1, 5, 9]);
    }

    #[test]
    fn every_call_is_in_the_row_of_its_time() {
        for micros in [1, 2, 127, 128, 900, 65_536, 3_000_000] {
            let rows = rows(&[micros].into_iter().collect());
            let (row, count) = rows.first_key_value().unwrap();
            assert_eq!(*count, 1);
            let (from, to) = (floor(*row), floor(row + 1));
            // The middle of its bucket may lie in the next row.
            assert!(from * 0.99 <= float(micros) && float(micros) <= to * 1.01, "{micros}: {from} to {to}");
        }
    }
}
