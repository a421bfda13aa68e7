//! Thresholds in goose's syntax, evaluated on results.
//!
//! goose's parser is public, but it evaluates a threshold only for the run in progress. Here the same
//! threshold is evaluated on the buckets of any results, including merged ones. goose's parser decides what
//! is valid, since goose also aborts runs by these thresholds; then ours reads the parts.
//!
//! `rps` is computed over the whole run, from the start of the first call to the end of the last, and not
//! only over the time in which all of goose's users are active: results have no counts for that time. So a
//! slow start and stragglers lower it, and it never overstates the rate.

use crate::error::LoadTestError;
use crate::metrics::{Histogram, Results};
use goose::GooseError;
use goose::threshold::Threshold as GooseThreshold;
use std::fmt;
use std::str::FromStr;

/// A threshold such as `p95<50ms for POST open_session`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    text: String,
    metric: Metric,
    operator: Operator,
    /// Microseconds, percent, or calls per second.
    limit: f64,
    /// Method and name of a route; `None` for all calls.
    request: Option<String>,
}

/// The observed value of a threshold's metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Microseconds.
    Latency(f64),
    /// Percent of calls.
    ErrorRate(f64),
    /// Calls per second.
    CallsPerSecond(f64),
    /// There were no calls to measure.
    NoCalls,
    /// The threshold in the results is not valid.
    InvalidRule(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    Percentile(f64),
    Mean,
    Max,
    ErrorRate,
    CallsPerSecond,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl FromStr for Rule {
    type Err = LoadTestError;

    fn from_str(text: &str) -> Result<Self, LoadTestError> {
        GooseThreshold::from_str(text).map_err(|error| match error {
            GooseError::InvalidOption { detail, .. } => LoadTestError::Threshold(detail),
            other => LoadTestError::Threshold(other.to_string()),
        })?;
        let text = text.trim();
        Self::parse_valid(text)
            .ok_or_else(|| LoadTestError::Threshold(format!("threshold {text:?} is not supported")))
    }
}

impl Rule {
    /// Parses a threshold that goose accepts.
    fn parse_valid(text: &str) -> Option<Self> {
        let at = text.find(['<', '>'])?;
        let metric = match text[..at].trim() {
            "avg" => Metric::Mean,
            "max" => Metric::Max,
            "error-rate" => Metric::ErrorRate,
            "rps" => Metric::CallsPerSecond,
            percentile => Metric::Percentile(percentile.strip_prefix('p')?.parse().ok()?),
        };
        let (operator, rest) = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ]
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text[at..].strip_prefix(sign)?)))?;
        let (value, request) = match rest.split_once(" for ") {
            Some((value, request)) => (value.trim(), Some(request.trim().to_owned())),
            None => (rest.trim(), None),
        };
        let limit = metric.parse_limit(value)?;
        Some(Self { text: text.to_owned(), metric, operator, limit, request })
    }

    /// The method and name of the route, such as `POST open_session`; `None` for all calls.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// Returns the observed value and whether the threshold passes. Without calls it fails.
    pub(super) fn evaluate(&self, results: &Results) -> (Observation, bool) {
        let value = match &self.request {
            None => self.observe(results, &results.latency(), results.calls(), results.failed_calls()),
            Some(request) => results
                .operations
                .iter()
                .find(|(name, operation)| request.split_once(' ') == Some((&operation.method, name)))
                .and_then(|(_, operation)| {
                    self.observe(results, operation.latency(), operation.calls, operation.failures)
                }),
        };
        value.map_or((Observation::NoCalls, false), |value| {
            (self.metric.observation(value), self.operator.compare(value, self.limit))
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
    fn observe(&self, results: &Results, latency: &Histogram, calls: u64, failures: u64) -> Option<f64> {
        match self.metric {
            Metric::Percentile(percent) => latency.percentile(percent).map(|micros| micros as f64),
            Metric::Mean => latency.mean(),
            Metric::Max => latency.max().map(|micros| micros as f64),
            Metric::ErrorRate => (calls > 0).then(|| failures as f64 * 100.0 / calls as f64),
            Metric::CallsPerSecond => (calls > 0 && results.duration_us > 0)
                .then(|| calls as f64 / results.duration().as_secs_f64()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Metric {
    /// Parses a limit as goose does; a latency without a unit is in milliseconds.
    fn parse_limit(self, value: &str) -> Option<f64> {
        let (number, scale) = match self {
            Self::ErrorRate => (value.strip_suffix('%').unwrap_or(value), 1.0),
            Self::CallsPerSecond => (value, 1.0),
            Self::Percentile(_) | Self::Mean | Self::Max => [("us", 1.0), ("ms", 1e3), ("s", 1e6)]
                .iter()
                .find_map(|(unit, scale)| Some((value.strip_suffix(unit)?, *scale)))
                .unwrap_or((value, 1e3)),
        };
        Some(number.parse::<f64>().ok()? * scale)
    }

    fn observation(self, value: f64) -> Observation {
        match self {
            Self::ErrorRate => Observation::ErrorRate(value),
            Self::CallsPerSecond => Observation::CallsPerSecond(value),
            Self::Percentile(_) | Self::Mean | Self::Max => Observation::Latency(value),
        }
    }
}

impl Operator {
    fn compare(self, observed: f64, limit: f64) -> bool {
        match self {
            Self::Less => observed < limit,
            Self::LessOrEqual => observed <= limit,
            Self::Greater => observed > limit,
            Self::GreaterOrEqual => observed >= limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::{self, Call};

    fn rule(text: &str) -> Rule {
        text.parse().unwrap()
    }

    /// A hundred calls of 1 to 100 ms over ten seconds, five of which failed.
    fn results() -> Results {
        let call = |number: u64| Call {
            operation: if number.is_multiple_of(2) { "open_session" } else { "close_session" },
            at_us: number * 100_000 - number * 1_000,
            micros: number * 1_000,
            failure: (number > 95).then_some("timeout"),
        };
        sample::results(&(1..=100).map(call).collect::<Vec<_>>())
    }

    #[track_caller]
    fn assert_observed(text: &str, expected: f64, expected_to_pass: bool) {
        let (observation, passes) = rule(text).evaluate(&results());
        let (Observation::Latency(value)
        | Observation::ErrorRate(value)
        | Observation::CallsPerSecond(value)) = observation
        else {
            panic!("{text}: {observation:?}")
        };
        assert!((value - expected).abs() <= expected * 0.01, "{text}: {value}");
        assert_eq!(passes, expected_to_pass, "{text}: {value}");
    }

    #[test]
    fn every_metric_is_observed_and_compared() {
        assert_observed("p50<50ms", 49_900.0, true);
        assert_observed("p50<49.5ms", 49_900.0, false);
        assert_observed("p99.9<=100ms", 100_000.0, true);
        assert_observed("avg<=50500us", 50_500.0, true);
        assert_observed("avg<50500us", 50_500.0, false);
        assert_observed("max<0.1s", 100_000.0, false);
        assert_observed("error-rate<=5%", 5.0, true);
        assert_observed("error-rate<5", 5.0, false);
        assert_observed("rps>10", 10.1, true);
        assert_observed("rps>=11", 10.1, false);
    }

    #[test]
    fn a_threshold_for_a_request_ignores_other_requests() {
        assert_observed("max<100ms for POST close_session", 99_000.0, true);
        assert_observed("error-rate<5% for POST open_session", 6.0, false);
        assert_observed("rps<6 for POST open_session", 5.0, true);
    }

    #[test]
    fn a_threshold_without_calls_fails() {
        for text in ["p99<1s for POST get_session", "p99<1s for GET open_session"] {
            assert_eq!(rule(text).evaluate(&results()), (Observation::NoCalls, false));
        }
        let nothing = sample::results(&[]);
        for text in ["p99<1s", "avg<1s", "max<1s", "error-rate<=100%", "rps>=0"] {
            assert!(!rule(text).evaluate(&nothing).1, "{text}");
        }
    }

    #[test]
    fn the_open_model_is_judged_by_its_response_time() {
        let mut results = results();
        let open = results.operations.get_mut("open_session").unwrap();
        open.response_time = Some([3_000_000; 50].into_iter().collect());
        assert!(!rule("p50<1s for POST open_session").evaluate(&results).1);
    }

    #[test]
    fn thresholds_that_goose_accepts_are_accepted() {
        for metric in ["p50", "p99.95", "p0.1", "avg", "max", "error-rate", "rps"] {
            for operator in ["<", "<=", ">", ">=", " < ", " >="] {
                for value in ["1", "0.5", "10ms", "20us", "3s", "7%", ".5", "5."] {
                    for request in ["", " for POST open_session", "  for  GET a for b"] {
                        let text = format!(" {metric}{operator}{value}{request} ");
                        let goose = GooseThreshold::from_str(&text).ok().map(|rule| rule.to_string());
                        assert_eq!(Rule::from_str(&text).ok().map(|rule| rule.to_string()), goose, "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn thresholds_that_goose_rejects_are_rejected_with_its_message() {
        let error = Rule::from_str("p95=1").unwrap_err().to_string();
        assert_eq!(error, "threshold \"p95=1\": the operator must be <, <=, > or >=.");
    }
}
