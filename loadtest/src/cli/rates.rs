//! The syntax of rates: `50`, `50,100,200`, `10..200`.

use crate::metrics::RateStep;
use std::str::FromStr;

/// Consecutive rates, each of which may change linearly to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates(Vec<(f64, f64)>);

/// More than a load generator can make.
const MAX_RATE: f64 = 1_000_000.0;

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rate = |text: &str| {
            text.trim().parse().ok().filter(|rate| (0.0..=MAX_RATE).contains(rate)).ok_or_else(|| {
                format!("`{text}` is not a valid rate: expected iterations per second, such as 50, 50,100,200 or 10..200")
            })
        };
        let steps: Vec<_> = text
            .split(',')
            .map(|part| match part.split_once("..") {
                Some((from, to)) => Ok((rate(from)?, rate(to)?)),
                None => rate(part).map(|rate| (rate, rate)),
            })
            .collect::<Result<_, String>>()?;
        if steps.iter().all(|(from, to)| *from == 0.0 && *to == 0.0) {
            return Err("a rate of 0 makes no load: expected iterations per second, such as 50".to_owned());
        }
        Ok(Self(steps))
    }
}

impl Rates {
    /// The number of steps, at least one.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The rate, if there is only one and it is constant.
    pub(crate) fn single(&self) -> Option<f64> {
        match *self.0 {
            [(from, to)] if (from - to).abs() < f64::EPSILON => Some(from),
            _ => None,
        }
    }

    /// The steps, each of this many seconds.
    pub(crate) fn steps(&self, seconds: f64) -> Vec<RateStep> {
        self.0.iter().map(|(from, to)| RateStep { from: *from, to: *to, seconds }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_rates_steps_and_ramps_are_valid() {
        let steps = |text: &str| text.parse::<Rates>().unwrap().0;
        assert_eq!(steps("50"), [(50.0, 50.0)]);
        assert_eq!(steps("50, 100,0.5"), [(50.0, 50.0), (100.0, 100.0), (0.5, 0.5)]);
        assert_eq!(steps("10..200,200"), [(10.0, 200.0), (200.0, 200.0)]);
        assert_eq!("50".parse::<Rates>().unwrap().single(), Some(50.0));
        assert_eq!("10..200".parse::<Rates>().unwrap().single(), None);
    }

    #[test]
    fn an_invalid_rate_is_named() {
        for (text, named) in [("fast", "fast"), ("50,,60", ""), ("-1", "-1"), ("NaN", "NaN"), ("1..x", "x")] {
            let error = text.parse::<Rates>().unwrap_err();
            assert!(error.starts_with(&format!("`{named}` is not a valid rate")), "{error}");
        }
        assert!("0".parse::<Rates>().unwrap_err().contains("makes no load"));
    }
}
