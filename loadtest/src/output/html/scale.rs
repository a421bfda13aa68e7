//! The axes of a chart: positions of values, and round values for ticks.

/// The scale of an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
    /// The positions of `from` and `to`.
    start: f64,
    end: f64,
}

impl Scale {
    pub(super) fn linear((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        Self { from, to, logarithmic: false, start, end }
    }

    pub(super) fn logarithmic((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        Self { from, to, logarithmic: true, start, end }
    }

    /// The position of a value, clamped to the axis.
    pub(super) fn position(&self, value: f64) -> f64 {
        let value = value.clamp(self.from, self.to);
        let part = if self.logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.start + part * (self.end - self.start)
    }

    /// Round values for ticks, `max` at most on a linear axis.
    pub(super) fn ticks(&self, max: u32) -> Vec<f64> {
        if self.logarithmic { self.powers() } else { self.multiples(max) }
    }

    fn multiples(&self, max: u32) -> Vec<f64> {
        let step = round_up((self.to - self.from) / f64::from(max));
        let mut ticks = Vec::new();
        let mut tick = (self.from / step).ceil() * step;
        while tick <= self.to + step * 1e-9 {
            ticks.push(tick);
            tick += step;
        }
        ticks
    }

    /// Powers of ten, with 2 and 5 times a power if there are few.
    fn powers(&self) -> Vec<f64> {
        let factors: &[f64] = if self.to / self.from > 2_000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let mut ticks = Vec::new();
        let mut power = 10_f64.powf(self.from.log10().floor());
        while power <= self.to {
            ticks.extend(factors.iter().map(|factor| factor * power));
            power *= 10.0;
        }
        ticks.retain(|tick| (self.from..=self.to).contains(tick));
        ticks
    }
}

/// The next number that is 1, 2 or 5 times a power of ten.
pub(super) fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|round| *round >= number * (1.0 - 1e-9))
        .unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let linear = |to| Scale::linear((0.0, to), (0.0, 1.0)).ticks(5);
        assert_eq!(linear(10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(linear(1_234.0), [0.0, 500.0, 1_000.0]);
        let powers = |from, to| Scale::logarithmic((from, to), (0.0, 1.0)).ticks(5);
        assert_eq!(powers(30.0, 700.0), [50.0, 100.0, 200.0, 500.0]);
        assert_eq!(powers(100.0, 1e6), [100.0, 1e3, 1e4, 1e5, 1e6]);
    }

    #[test]
    fn positions_follow_differences_or_ratios() {
        let close = |position: f64, expected: f64| assert!((position - expected).abs() < 1e-9, "{position}");
        close(Scale::linear((0.0, 10.0), (100.0, 0.0)).position(2.5), 75.0);
        let ratio = Scale::logarithmic((1.0, 100.0), (0.0, 10.0));
        close(ratio.position(10.0), 5.0);
        close(ratio.position(0.0), 0.0);
    }
}
