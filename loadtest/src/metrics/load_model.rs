//! How a load was made: what is to be known before any time in the record can be understood.

use serde::{Deserialize, Serialize};

/// How the calls came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "model")]
pub enum LoadModel {
    /// A number of users, each of whom waits for an answer before the next call.
    Closed {
        /// The most at the same time.
        users: u64,
        /// The steps, in the words of goose, if there were any.
        test_plan: Option<String>,
    },
    /// Iterations of scenarios that begin at a rate, whether those before are done or not.
    Open {
        /// One after the other.
        steps: Vec<RateStep>,
        /// How many could be under way at the same time.
        lanes: u64,
    },
    /// A rate that rises until a threshold breaks.
    FindLimit {
        /// What was tried, in that order.
        steps: Vec<LimitStep>,
        /// How long each rate was kept up, in seconds.
        seconds: f64,
        /// How many iterations could be under way at the same time.
        lanes: u64,
        /// The highest rate at which all thresholds held, in iterations a second.
        limit: Option<f64>,
    },
}

impl LoadModel {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::FindLimit { .. } => "a search for the limit",
        }
    }

    /// Rates and how long each was kept up, in words.
    #[must_use]
    pub fn rates(steps: &[RateStep]) -> String {
        let step = |step: &RateStep| {
            // A worker's share of a rate has many digits that nobody asked for.
            let [from, to, seconds] =
                [step.from, step.to, step.seconds].map(|number| (number * 100.0).round() / 100.0);
            if step.is_steady() {
                format!("{from}/s for {seconds} s")
            } else {
                format!("{from} to {to}/s in {seconds} s")
            }
        };
        steps.iter().map(step).collect::<Vec<_>>().join(", ")
    }
}

/// A rate that was kept up for a time, or that changed evenly during it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateStep {
    /// Iterations a second at its start.
    pub from: f64,
    /// Iterations a second at its end.
    pub to: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl RateStep {
    fn is_steady(&self) -> bool {
        self.from.total_cmp(&self.to).is_eq()
    }

    /// Whether it is the same rate, though it may have been put together of the shares of workers.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let alike = |one: f64, other: f64| (one - other).abs() <= 1e-6 * one.abs().max(other.abs());
        alike(self.from, other.from) && alike(self.to, other.to) && alike(self.seconds, other.seconds)
    }
}

/// A rate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitStep {
    /// Iterations a second that were due.
    pub rate: f64,
    /// Iterations a second that came to their end.
    pub achieved: f64,
    /// The 99th percentile of the latency of all calls, in microseconds.
    pub p99_us: Option<u64>,
    /// The rule that broke; none if all held.
    pub broke: Option<String>,
}

/// What some of the users did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: String,
    /// Its part of the mix.
    pub weight: u32,
    /// How often it was begun.
    pub begun: u64,
    /// How often it went through to its end.
    pub iterations: u64,
}
