//! The frame of a chart over the time of the run: axes, ticks, title and description.

use super::scale::{Scale, round_up};
use crate::format::{self, count};
use maud::{Markup, html};

/// The size of a chart in SVG units; it is scaled to the width of the page.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

/// The two axes of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Axes {
    /// A time axis, and a linear axis from 0.
    pub(super) fn amounts(seconds: f64, max: f64) -> Self {
        let step = round_up(max.max(1.0) / 4.0);
        let top = (max.max(1.0) / step).ceil() * step;
        Self { x: time(seconds), y: Scale::linear((0.0, top), (HEIGHT - BOTTOM, TOP)) }
    }

    /// A time axis, and a logarithmic axis of microseconds.
    pub(super) fn latencies(seconds: f64, (min, max): (f64, f64)) -> Self {
        let min = min.max(1.0);
        Self { x: time(seconds), y: Scale::logarithmic((min, max.max(min * 2.0)), (HEIGHT - BOTTOM, TOP)) }
    }
}

fn time(seconds: f64) -> Scale {
    Scale::linear((0.0, seconds.max(0.001)), (LEFT, WIDTH - RIGHT))
}

/// A chart of `content` with its axes.
pub(super) fn chart(
    id: &str,
    title: &str,
    description: &str,
    axes: Axes,
    unit: fn(f64) -> String,
    content: &Markup,
) -> Markup {
    let bottom = HEIGHT - BOTTOM;
    html! {
        div.chart tabindex="0" {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
                title id=(format!("{id}-t")) { (title) }
                desc id=(format!("{id}-d")) { (description) }
                @for tick in axes.y.ticks(4) {
                    @let y = axes.y.position(tick);
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(coordinate(y)) y2=(coordinate(y)) {}
                    text.y x=(LEFT - 8.0) y=(coordinate(y + 4.0)) { (unit(tick)) }
                }
                (content)
                line.axis x1=(LEFT) x2=(WIDTH - RIGHT) y1=(bottom) y2=(bottom) {}
                @for tick in axes.x.ticks(8) {
                    @let x = axes.x.position(tick);
                    line.axis x1=(coordinate(x)) x2=(coordinate(x)) y1=(bottom) y2=(bottom + 4.0) {}
                    text.x x=(coordinate(x)) y=(bottom + 18.0) { (clock(tick)) }
                }
            }
        }
    }
}

/// A coordinate with one decimal: screens show no more, and the page stays small.
pub(super) fn coordinate(position: f64) -> String {
    let text = format!("{position:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A tick in microseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ticks are whole and not negative"
)]
pub(super) fn micros(micros: f64) -> String {
    match micros {
        micros if micros < 1e3 => format!("{micros} µs"),
        micros if micros < 1e6 => format!("{} ms", micros / 1e3),
        micros if micros < 1e7 => format!("{} s", micros / 1e6),
        micros => format::latency(Some(micros as u64)),
    }
}

/// A tick in calls per second.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ticks are not negative")]
pub(super) fn amount(amount: f64) -> String {
    if amount.fract() == 0.0 { count(amount as u64) } else { format!("{}", (amount * 1e3).round() / 1e3) }
}

/// A tick in seconds since the start of the run.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ticks are not negative")]
fn clock(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{} s", (seconds * 1e3).round() / 1e3);
    }
    let whole = seconds.round() as u64;
    match (whole / 3_600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            [0.5, 2.0, 119.0, 150.0, 4_000.0].map(clock),
            ["0.5 s", "2 s", "119 s", "2:30", "1:06:40"]
        );
        assert_eq!([50.0, 2_000.0, 5e5, 2e6].map(micros), ["50 µs", "2 ms", "500 ms", "2 s"]);
        assert_eq!([0.0, 0.2, 2_500.0].map(amount), ["0", "0.2", "2,500"]);
        assert_eq!([1.0, 2.349].map(coordinate), ["1", "2.3"]);
    }
}
