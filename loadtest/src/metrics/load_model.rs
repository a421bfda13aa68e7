//! The load model of a run: without it no latency in the results can be interpreted.

use super::CallMetrics;
use serde::{Deserialize, Serialize};

/// The way in which iterations are started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "model")]
pub enum LoadModel {
    /// A number of users, each of which waits for a response before its next call.
    Closed {
        /// The highest number of concurrent users.
        users: u64,
        /// goose's test plan, if there was one.
        test_plan: Option<String>,
    },
    /// Iterations that start at a rate, whether earlier ones have completed or not.
    Open {
        /// The rates, one after the other.
        steps: Vec<RateStep>,
        /// The highest number of concurrent iterations.
        pre_allocated_vus: u64,
    },
    /// A rate that is raised until a threshold is missed.
    Breakpoint {
        /// The rates that were tried, in that order.
        steps: Vec<BreakpointStep>,
        /// The duration of each rate, in seconds.
        step_seconds: f64,
        /// The highest number of concurrent iterations.
        pre_allocated_vus: u64,
        /// The highest rate at which all thresholds passed, in iterations per second.
        sustained_rate: Option<f64>,
    },
}

impl LoadModel {
    /// The name of the model.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::Breakpoint { .. } => "breakpoint search",
        }
    }

    /// Rates with their durations, such as `50/s for 10 s, 50 to 100/s in 5 s`.
    #[must_use]
    pub fn rates(steps: &[RateStep]) -> String {
        let step = |step: &RateStep| {
            let seconds = (step.seconds * 100.0).round() / 100.0;
            format!("{} {} {seconds} s", step.rate(), if step.is_constant() { "for" } else { "in" })
        };
        steps.iter().map(step).collect::<Vec<_>>().join(", ")
    }
}

/// A rate that is constant for some time, or changes linearly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateStep {
    /// Iterations per second at its start.
    pub from: f64,
    /// Iterations per second at its end.
    pub to: f64,
    /// Its duration in seconds.
    pub seconds: f64,
}

impl RateStep {
    /// The number of iterations.
    pub(crate) fn iterations(&self) -> f64 {
        self.mean() * self.seconds
    }

    /// The average rate.
    pub(crate) fn mean(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// The time from its start until an iteration, counted from 0, is due, in seconds.
    pub(crate) fn due(&self, iteration: f64) -> f64 {
        let Self { from, to, seconds } = *self;
        // The root of iteration = from·t + slope·t²/2 in the form without cancellation for a small slope.
        let slope = (to - from) / seconds;
        let root = from + (from * from + 2.0 * slope * iteration).max(0.0).sqrt();
        if root > 0.0 { 2.0 * iteration / root } else { 0.0 }
    }

    /// The rate with its unit, such as `50/s` or `10 to 200/s`.
    pub(crate) fn rate(&self) -> String {
        // A worker's part of a rate can have many digits.
        let [from, to] = [self.from, self.to].map(|number| (number * 100.0).round() / 100.0);
        if self.is_constant() { format!("{from}/s") } else { format!("{from} to {to}/s") }
    }

    fn is_constant(&self) -> bool {
        self.from.total_cmp(&self.to).is_eq()
    }

    /// Returns whether both rates are equal but for rounding: the parts of several workers may not add up
    /// exactly.
    pub(crate) fn is_close_to(&self, other: &Self) -> bool {
        let close = |one: f64, other: f64| (one - other).abs() <= 1e-6 * one.abs().max(other.abs());
        close(self.from, other.from) && close(self.to, other.to) && close(self.seconds, other.seconds)
    }
}

/// One rate of a breakpoint search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BreakpointStep {
    /// Iterations that were due, per second.
    pub rate: f64,
    /// Iterations that completed, per second.
    pub completed_rate: f64,
    /// The 99th percentile of the latency of all calls, in microseconds.
    pub p99_us: Option<u64>,
    /// The criterion that failed; `None` if the rate was sustained.
    pub failed_criterion: Option<String>,
    /// True if the rate failed, and was tried again before that counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_repeated: bool,
}

impl BreakpointStep {
    /// The outcome in words.
    pub(crate) fn outcome(&self) -> String {
        let failed = self.failed_criterion.as_deref().unwrap_or("sustained");
        if self.is_repeated { format!("{failed}; tried again") } else { failed.to_owned() }
    }
}

/// The iterations of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScenarioMetrics {
    /// Its name on the command line.
    pub name: String,
    /// Its weight.
    pub weight: u32,
    /// Iterations that were started.
    pub started: u64,
    /// Iterations that completed.
    pub completed: u64,
    /// Iterations that the end of the run interrupted. The others failed.
    pub interrupted: u64,
    /// Their calls, in a run of several scenarios.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallMetrics>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shown_with_their_durations() {
        let steps = [(10.0, 10.0), (10.0, 200.0)].map(|(from, to)| RateStep { from, to, seconds: 30.0 });
        assert_eq!(LoadModel::rates(&steps), "10/s for 30 s, 10 to 200/s in 30 s");
        let part = [RateStep { from: 100.0 / 3.0, to: 100.0 / 3.0, seconds: 5.0 }];
        assert_eq!(LoadModel::rates(&part), "33.33/s for 5 s");
    }
}
