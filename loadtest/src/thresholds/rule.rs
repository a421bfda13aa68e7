//! Thresholds in the words of goose, judged on a record.
//!
//! goose reads a rule in public and judges it in private, and only the one run that it is making. Here the same
//! rule is judged on the buckets of any record, merged ones included. What can be written is goose's to decide,
//! so its parser goes first and ours reads what is left of the freedom.
//!
//! `rps` is over the whole run, from the start of the first call to the end of the last, and not over the time alone
//! in which goose holds its users: that time has no counts in a record. So a slow start and a straggler at the end
//! count against it; it never says more than was there.

use crate::format as text;
use crate::metrics::{Histogram, Record};
use goose::GooseError;
use goose::threshold::Threshold;
use std::fmt;
use std::str::FromStr;

/// A rule such as `p95<50ms for POST open_session`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    text: String,
    metric: Metric,
    operator: Operator,
    /// Microseconds, percent, or calls a second.
    limit: f64,
    /// Method and name of a route; none for all calls together.
    request: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    Percentile(f64),
    Mean,
    Slowest,
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

/// Why a rule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRule(String);

impl fmt::Display for NoRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoRule {}

impl FromStr for Rule {
    type Err = NoRule;

    fn from_str(text: &str) -> Result<Self, NoRule> {
        Threshold::from_str(text).map_err(|error| match error {
            GooseError::InvalidOption { detail, .. } => NoRule(detail),
            other => NoRule(other.to_string()),
        })?;
        let text = text.trim();
        Self::read(text).ok_or_else(|| NoRule(format!("threshold {text:?} cannot be judged here")))
    }
}

impl Rule {
    /// Reads a rule that goose has found to be one.
    fn read(text: &str) -> Option<Self> {
        let at = text.find(['<', '>'])?;
        let metric = match text[..at].trim() {
            "avg" => Metric::Mean,
            "max" => Metric::Slowest,
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
        let limit = metric.limit(value)?;
        Some(Self { text: text.to_owned(), metric, operator, limit, request })
    }

    /// The method and name of the route that is judged, such as `POST open_session`; none for all together.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// What the rule looks at, in words, and whether it holds. Without calls it does not.
    pub(super) fn judge(&self, record: &Record) -> (String, bool) {
        let observed = match &self.request {
            None => self.observe(record, &record.latency(), record.calls(), record.failed()),
            Some(request) => record
                .operations
                .iter()
                .find(|(name, operation)| request.split_once(' ') == Some((&operation.method, name)))
                .and_then(|(_, operation)| {
                    self.observe(record, operation.latency(), operation.calls, operation.failures)
                }),
        };
        match observed {
            Some(observed) => (self.metric.shown(observed), self.operator.holds(observed, self.limit)),
            None => ("nothing to measure".to_owned(), false),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
    fn observe(&self, record: &Record, times: &Histogram, calls: u64, failures: u64) -> Option<f64> {
        match self.metric {
            Metric::Percentile(percent) => times.percentile(percent).map(|micros| micros as f64),
            Metric::Mean => times.mean(),
            Metric::Slowest => times.max().map(|micros| micros as f64),
            Metric::ErrorRate => (calls > 0).then(|| failures as f64 * 100.0 / calls as f64),
            Metric::CallsPerSecond => {
                (calls > 0 && record.span_us > 0).then(|| calls as f64 / record.span().as_secs_f64())
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Metric {
    /// A value of this metric as goose reads it; a bare number of a time is in milliseconds.
    fn limit(self, value: &str) -> Option<f64> {
        let (number, scale) = match self {
            Self::ErrorRate => (value.strip_suffix('%').unwrap_or(value), 1.0),
            Self::CallsPerSecond => (value, 1.0),
            Self::Percentile(_) | Self::Mean | Self::Slowest => [("us", 1.0), ("ms", 1e3), ("s", 1e6)]
                .iter()
                .find_map(|(unit, scale)| Some((value.strip_suffix(unit)?, *scale)))
                .unwrap_or((value, 1e3)),
        };
        Some(number.parse::<f64>().ok()? * scale)
    }

    fn shown(self, observed: f64) -> String {
        match self {
            Self::ErrorRate => text::percent(observed),
            Self::CallsPerSecond => format!("{observed:.1} calls/s"),
            Self::Percentile(_) | Self::Mean | Self::Slowest => text::micros(observed),
        }
    }
}

impl Operator {
    fn holds(self, observed: f64, limit: f64) -> bool {
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
    fn record() -> Record {
        let call = |number: u64| Call {
            operation: if number.is_multiple_of(2) { "open_session" } else { "close_session" },
            at_us: number * 100_000 - number * 1_000,
            micros: number * 1_000,
            failure: (number > 95).then_some("timeout"),
        };
        sample::record(&(1..=100).map(call).collect::<Vec<_>>())
    }

    #[track_caller]
    fn assert_judged(text: &str, observed: &str, holds: bool) {
        assert_eq!(rule(text).judge(&record()), (observed.to_owned(), holds), "{text}");
    }

    #[test]
    fn every_metric_is_observed_and_compared() {
        assert_judged("p50<50ms", "49.9 ms", true);
        assert_judged("p50<49.5ms", "49.9 ms", false);
        assert_judged("p99.9<=100ms", "100 ms", true);
        assert_judged("avg<=50500us", "50.5 ms", true);
        assert_judged("avg<50500us", "50.5 ms", false);
        assert_judged("max<0.1s", "100 ms", false);
        assert_judged("error-rate<=5%", "5%", true);
        assert_judged("error-rate<5", "5%", false);
        assert_judged("rps>10", "10.1 calls/s", true);
        assert_judged("rps>=11", "10.1 calls/s", false);
    }

    #[test]
    fn a_rule_for_a_request_judges_that_one_alone() {
        assert_judged("max<100ms for POST close_session", "99.0 ms", true);
        assert_judged("error-rate<5% for POST open_session", "6%", false);
        assert_judged("rps<6 for POST open_session", "5.0 calls/s", true);
    }

    #[test]
    fn a_rule_for_what_was_not_called_does_not_hold() {
        assert_judged("p99<1s for POST get_session", "nothing to measure", false);
        assert_judged("p99<1s for GET open_session", "nothing to measure", false);
        let nothing = sample::record(&[]);
        for text in ["p99<1s", "avg<1s", "max<1s", "error-rate<=100%", "rps>=0"] {
            assert!(!rule(text).judge(&nothing).1, "{text}");
        }
    }

    #[test]
    fn what_is_due_at_a_moment_is_judged_from_there() {
        let mut record = record();
        let open = record.operations.get_mut("open_session").unwrap();
        open.from_due = Some([3_000_000; 50].into_iter().collect());
        assert!(!rule("p50<1s for POST open_session").judge(&record).1);
    }

    #[test]
    fn whatever_goose_reads_is_read() {
        for metric in ["p50", "p99.95", "p0.1", "avg", "max", "error-rate", "rps"] {
            for operator in ["<", "<=", ">", ">=", " < ", " >="] {
                for value in ["1", "0.5", "10ms", "20us", "3s", "7%", ".5", "5."] {
                    for request in ["", " for POST open_session", "  for  GET a for b"] {
                        let text = format!(" {metric}{operator}{value}{request} ");
                        let goose = Threshold::from_str(&text).ok().map(|rule| rule.to_string());
                        assert_eq!(Rule::from_str(&text).ok().map(|rule| rule.to_string()), goose, "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_goose_refuses_is_refused_in_its_words() {
        let error = Rule::from_str("p95=1").unwrap_err().to_string();
        assert_eq!(error, "threshold \"p95=1\": the operator must be <, <=, > or >=.");
    }
}
