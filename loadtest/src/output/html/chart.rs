//! The frame of a chart over the time of the run: axes, ticks, marks, title and description.
//!
//! The drawing is stretched to the size that the page gives it, and its labels are HTML around it, so that they
//! have the same size on every screen.

use super::marks::Mark;
use super::scale::{Scale, round_up};
use crate::format::{self, count};
use maud::{Markup, html};

/// The size of a drawing in SVG units.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 200.0;

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
        Self { x: time(seconds), y: Scale::linear((0.0, top), (HEIGHT, 0.0)) }
    }

    /// A time axis, and a logarithmic axis of microseconds.
    pub(super) fn latencies(seconds: f64, (min, max): (f64, f64)) -> Self {
        let min = min.max(1.0);
        Self { x: time(seconds), y: Scale::logarithmic((min, max.max(min * 2.0)), (HEIGHT, 0.0)) }
    }
}

fn time(seconds: f64) -> Scale {
    Scale::linear((0.0, seconds.max(0.001)), (0.0, WIDTH))
}

/// The words of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'w> {
    pub(super) id: &'w str,
    pub(super) title: &'w str,
    pub(super) description: &'w str,
}

/// A chart of `content` with its axes, and the marks of the run.
pub(super) fn chart(
    words: Words<'_>,
    axes: Axes,
    unit: fn(f64) -> String,
    marks: &[Mark],
    content: &Markup,
) -> Markup {
    let Words { id, title, description } = words;
    let top = |y: f64| format!("top:{}%", coordinate(axes.y.position(y) * 100.0 / HEIGHT));
    let left = |x: f64| format!("left:{}%", coordinate(axes.x.position(x) * 100.0 / WIDTH));
    html! {
        div.chart {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img"
                aria-labelledby=(format!("{id}-t {id}-d"))
            {
                title id=(format!("{id}-t")) { (title) }
                desc id=(format!("{id}-d")) { (description) }
                @for Mark { from, to, class, .. } in marks {
                    @let (from, to) = (axes.x.position(*from), axes.x.position(*to));
                    rect class=(class) x=(coordinate(from)) y="0" width=(coordinate((to - from).max(1.0))) height=(HEIGHT) {}
                }
                @for tick in axes.y.ticks(4) {
                    @let y = coordinate(axes.y.position(tick));
                    line.grid x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                }
                (content)
                line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
            }
            @for tick in axes.y.ticks(4) { span.y style=(top(tick)) { (unit(tick)) } }
            @for tick in axes.x.ticks(8) { span.x style=(left(tick)) { (clock(tick)) } }
            @for Mark { from, label, row, .. } in marks {
                @if let Some(label) = label {
                    span.mark style=(format!("{};top:{}px", left(*from), 4 + 17 * row)) { (label) }
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
