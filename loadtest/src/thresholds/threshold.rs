//! Thresholds in goose's syntax, evaluated on results.
//!
//! goose evaluates a threshold only for the run in progress, on its own metrics. Here the same threshold is
//! evaluated on the buckets of any results, including merged ones and those of a run in progress.
//!
//! `rps` is computed over the whole run, from the start of the first call to the end of the last, and not
//! only over the time in which all of goose's users are active: results have no counts for that time. So a
//! slow start and stragglers lower it, and it never overstates the rate.

use super::scope::{Scope, ScopeNames, Scoped};
use crate::error::LoadTestError;
use crate::metrics::Results;
use std::fmt;
use std::str::FromStr;

/// The minimum number of calls for which a threshold can abort a run.
const MIN_CALLS: u64 = 100;

/// A threshold such as `p95<50ms for POST open_session`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    text: String,
    metric: Metric,
    operator: Operator,
    /// Microseconds, percent, or calls per second.
    limit: f64,
    scope: Scope,
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
    InvalidThreshold(String),
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

impl FromStr for Threshold {
    type Err = LoadTestError;

    fn from_str(text: &str) -> Result<Self, LoadTestError> {
        let text = text.trim();
        let (condition, scope) = match text.split_once(" for ") {
            Some((condition, scope)) => (condition, Scope::parse(scope)),
            None => match text.strip_suffix(" for") {
                Some(condition) => (condition, Scope::parse("")),
                None => (text, Ok(Scope::Run)),
            },
        };
        let invalid = |why: String| LoadTestError::Threshold(format!("threshold {text:?}: {why}"));
        let scope = scope.map_err(invalid)?;
        let (metric, operator, limit) = parse_condition(condition).map_err(invalid)?;
        Ok(Self { text: text.to_owned(), metric, operator, limit, scope })
    }
}

/// Parses a threshold without its scope, such as `p95<50ms`.
fn parse_condition(condition: &str) -> Result<(Metric, Operator, f64), String> {
    const OPERATORS: &str = "<, <=, > or >=";
    let Some(at) = condition.find(['<', '>', '=']) else {
        return Err(format!("an operator is missing: expected {OPERATORS}, such as p95<50ms"));
    };
    let metric = Metric::parse(condition[..at].trim())?;
    let (operator, limit) = Operator::parse(&condition[at..])
        .filter(|(_, limit)| !limit.starts_with(['<', '>', '=']))
        .ok_or_else(|| format!("the operator is not valid: expected {OPERATORS}"))?;
    let limit = metric.parse_limit(limit.trim())?;
    let never = match (metric, operator) {
        (_, Operator::Less) | (Metric::CallsPerSecond, Operator::LessOrEqual) => limit <= 0.0,
        (Metric::ErrorRate, Operator::Greater) => limit >= 100.0,
        _ => false,
    };
    if never { Err("no run can meet this limit".to_owned()) } else { Ok((metric, operator, limit)) }
}

/// Parses digits with at most one decimal point, without sign and exponent.
fn parse_number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain)
}

impl Threshold {
    /// Checks that a run has calls that the threshold is about.
    pub(crate) fn check(&self, names: &ScopeNames) -> Result<(), LoadTestError> {
        self.scope
            .check(names)
            .map_err(|why| LoadTestError::Threshold(format!("threshold {:?}: {why}", self.text)))
    }

    /// Returns the observed value if a run in progress misses the threshold. A few calls prove nothing, and a rate
    /// of calls that is too low so far may still rise.
    pub(crate) fn missed_so_far(&self, results: &Results) -> Option<Observation> {
        let is_lower_bound = matches!(self.operator, Operator::Greater | Operator::GreaterOrEqual);
        if self.metric == Metric::CallsPerSecond && is_lower_bound {
            return None;
        }
        let scoped = self.scope.of(results).filter(|scoped| scoped.calls >= MIN_CALLS)?;
        let value = self.observe(&scoped)?;
        (!self.operator.compare(value, self.limit)).then(|| self.metric.observation(value))
    }

    /// Returns the observed value and whether the threshold passes. Without calls it fails.
    pub(super) fn evaluate(&self, results: &Results) -> (Observation, bool) {
        let value = self.scope.of(results).and_then(|scoped| self.observe(&scoped));
        value.map_or((Observation::NoCalls, false), |value| {
            (self.metric.observation(value), self.operator.compare(value, self.limit))
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
    fn observe(&self, scoped: &Scoped) -> Option<f64> {
        let Scoped { latency, calls, failures, seconds } = scoped;
        match self.metric {
            Metric::Percentile(percent) => latency.percentile(percent).map(|micros| micros as f64),
            Metric::Mean => latency.mean(),
            Metric::Max => latency.max().map(|micros| micros as f64),
            Metric::ErrorRate => (*calls > 0).then(|| *failures as f64 * 100.0 / *calls as f64),
            Metric::CallsPerSecond => (*calls > 0 && *seconds > 0.0).then(|| *calls as f64 / seconds),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Metric {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "avg" => Ok(Self::Mean),
            "max" => Ok(Self::Max),
            "error-rate" => Ok(Self::ErrorRate),
            "rps" => Ok(Self::CallsPerSecond),
            _ => {
                let percent = name.strip_prefix('p').and_then(parse_number).ok_or_else(|| {
                    format!(
                        "{name:?} is not a metric: expected pNN (p95, p99.9), avg, max, error-rate or rps"
                    )
                })?;
                if percent > 0.0 && percent < 100.0 {
                    Ok(Self::Percentile(percent))
                } else {
                    Err(format!(
                        "{name:?} is not a percentile: expected one between p0 and p100; max is the slowest call"
                    ))
                }
            }
        }
    }

    /// Parses a limit; a latency without a unit is in milliseconds.
    fn parse_limit(self, value: &str) -> Result<f64, String> {
        let (limit, expected) = match self {
            Self::ErrorRate => {
                let percent = parse_number(value.strip_suffix('%').unwrap_or(value));
                (percent.filter(|percent| *percent <= 100.0), "a percentage up to 100, such as 1%")
            }
            Self::CallsPerSecond => (parse_number(value), "a number of calls per second, such as 200"),
            Self::Percentile(_) | Self::Mean | Self::Max => {
                let (number, scale) = [("us", 1.0), ("ms", 1e3), ("s", 1e6)]
                    .iter()
                    .find_map(|(unit, scale)| Some((value.strip_suffix(unit)?, *scale)))
                    .unwrap_or((value, 1e3));
                (parse_number(number).map(|number| number * scale), "a time in us, ms or s, such as 50ms")
            }
        };
        limit.ok_or_else(|| format!("{value:?} is not a limit: expected {expected}"))
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
    /// Returns the operator that a text begins with, and the rest.
    fn parse(text: &str) -> Option<(Self, &str)> {
        [("<=", Self::LessOrEqual), (">=", Self::GreaterOrEqual), ("<", Self::Less), (">", Self::Greater)]
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
    }

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
    use crate::metrics::{CallMetrics, ExecutionSegment, LoadModel, RateStep, StepMetrics};
    use goose::threshold::Threshold as GooseThreshold;

    fn threshold(text: &str) -> Threshold {
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
        let (observation, passes) = threshold(text).evaluate(&results());
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
        assert_observed("p50<50ms", 48_000.0, true);
        assert_observed("p50<47.5ms", 48_000.0, false);
        assert_observed("p99.9<=95ms", 95_000.0, true);
        assert_observed("avg<=48ms", 48_000.0, true);
        assert_observed("avg<48ms", 48_000.0, false);
        assert_observed("max<0.095s", 95_000.0, false);
        assert_observed("error-rate<=5%", 5.0, true);
        assert_observed("error-rate<5", 5.0, false);
        assert_observed("rps>10", 10.1, true);
        assert_observed("rps>=11", 10.1, false);
    }

    #[test]
    fn a_threshold_for_a_request_ignores_other_requests() {
        assert_observed("max<100ms for POST close_session", 95_000.0, true);
        assert_observed("error-rate<5% for POST open_session", 6.0, false);
        assert_observed("rps<6 for POST open_session", 5.0, true);
    }

    #[test]
    fn fast_failures_do_not_lower_the_latency_that_is_judged() {
        let mut calls = sample::calls(1, 1_000, 10);
        for (number, call) in calls.iter_mut().enumerate() {
            (call.micros, call.failure) =
                if number % 2 == 0 { (100_000, None) } else { (10, Some("service error 502")) };
        }
        let results = sample::results(&calls);
        let (observed, passes) = threshold("p50<50ms").evaluate(&results);
        assert!(
            matches!(observed, Observation::Latency(micros) if micros > 99_000.0) && !passes,
            "{observed:?}"
        );
    }

    #[test]
    fn a_threshold_without_calls_fails() {
        for text in ["p99<1s for POST get_session", "p99<1s for GET open_session"] {
            assert_eq!(threshold(text).evaluate(&results()), (Observation::NoCalls, false));
        }
        let nothing = sample::results(&[]);
        for text in ["p99<1s", "avg<1s", "max<1s", "error-rate<=100%", "rps>=0"] {
            assert!(!threshold(text).evaluate(&nothing).1, "{text}");
        }
    }

    #[test]
    fn the_open_model_is_judged_by_its_response_time() {
        let mut results = results();
        let open = results.operations.get_mut("open_session").unwrap();
        open.response_time = Some([3_000_000; 50].into_iter().collect());
        assert!(!threshold("p50<1s for POST open_session").evaluate(&results).1);
    }

    #[test]
    fn thresholds_that_goose_accepts_are_accepted() {
        for metric in ["p50", "p99.95", "p0.1", "avg", "max", "error-rate", "rps"] {
            for operator in ["<", "<=", ">", ">=", " < ", " >="] {
                for value in ["1", "0.5", "10ms", "20us", "3s", "7%", ".5", "5."] {
                    for request in ["", " for POST open_session", "  for  GET a"] {
                        let text = format!(" {metric}{operator}{value}{request} ");
                        let goose =
                            GooseThreshold::from_str(&text).ok().map(|threshold| threshold.to_string());
                        assert_eq!(
                            Threshold::from_str(&text).ok().map(|threshold| threshold.to_string()),
                            goose,
                            "{text}"
                        );
                    }
                }
            }
        }
    }

    fn stepped() -> Results {
        let mut results = results();
        let calls = |micros: u64| CallMetrics { failures: 1, latency: [micros; 99].into_iter().collect() };
        let step = |calls| StepMetrics { calls, ..StepMetrics::default() };
        results.steps = vec![step(calls(5_000)), step(calls(80_000)), step(calls(7_000))];
        let rates = [(50.0, 50.0), (50.0, 200.0), (50.0, 50.0)];
        let steps = rates.map(|(from, to)| RateStep { from, to, seconds: 10.0 });
        results.load = LoadModel::Open { steps: steps.into(), pre_allocated_vus: 9 };
        let mut browse = results.scenarios[0].clone();
        browse.name = "browse".to_owned();
        browse.calls = Some(calls(30_000));
        results.scenarios.push(browse);
        results
    }

    #[test]
    fn thresholds_judge_a_scenario_a_step_or_a_rate() {
        let results = stepped();
        for (text, passes) in [
            ("p95<50ms for scenario browse", true),
            ("p95<20ms for scenario browse", false),
            ("p95<50ms for step 2", false),
            ("p95<6ms for step 1", true),
            ("max<6ms for rate 50", false),
            ("max<9ms for rate 50", true),
            ("p50>70ms for rate 50..200", true),
            ("error-rate<=1% for step 3", true),
            ("rps<11 for rate 50", true),
            ("max<100ms for open_session", true),
        ] {
            assert_eq!(threshold(text).evaluate(&results).1, passes, "{text}");
        }
    }

    #[test]
    fn the_rate_of_a_worker_is_its_part() {
        let mut results = stepped();
        results.execution_segment = Some(ExecutionSegment { index: 0, of: 4 });
        assert!(threshold("max<9ms for rate 200").evaluate(&results).1);
        assert_eq!(threshold("max<9ms for rate 50").evaluate(&results).0, Observation::NoCalls);
    }

    #[test]
    fn names_that_a_run_does_not_have_are_rejected() {
        let names = ScopeNames::of(&stepped());
        for (text, why) in [
            (
                "max<1s for POST open_sesion",
                "the run has no operation `open_sesion`; did you mean `open_session`?; it has",
            ),
            ("max<1s for GET open_session", "`open_session` has the method POST: write `for open_session`"),
            ("max<1s for nope", "the run has no operation `nope`; it has close_session, open_session"),
            (
                "max<1s for scenario brwose",
                "the run has no scenario `brwose`; did you mean `browse`?; it has lifecycle, browse",
            ),
            ("max<1s for step 4", "there is no step 4: --rate has 3"),
            ("max<1s for rate 60", "no step has this rate: --rate has 50/s, 50 to 200/s, 50/s"),
        ] {
            let error = threshold(text).check(&names).unwrap_err().to_string();
            assert!(error.starts_with(&format!("threshold {text:?}: {why}")), "{error}");
        }
        let closed = ScopeNames::of(&results());
        let error = threshold("max<1s for step 1").check(&closed).unwrap_err().to_string();
        assert!(error.ends_with("the run has no steps, which --rate 50,100,200 makes"), "{error}");
        for text in ["max<1s", "max<1s for open_session", "max<1s for scenario browse", "max<1s for step 3"] {
            threshold(text).check(&names).unwrap();
        }
    }

    #[test]
    fn a_threshold_aborts_a_run_after_a_minimum_of_calls() {
        let missed = |text, calls| {
            let results = sample::results(&sample::calls(1, calls, 10));
            threshold(text).missed_so_far(&results).is_some()
        };
        assert!(missed("p95<1us", 100));
        assert!(!missed("p95<1us", 99));
        assert!(!missed("p95<10s", 100));
        assert!(missed("rps<1", 100));
        assert!(!missed("rps>=1000", 100), "it may still rise");
        let stepped = stepped();
        assert!(threshold("p95<50ms for step 2").missed_so_far(&stepped).is_some());
        assert!(threshold("p95<20ms for scenario browse").missed_so_far(&stepped).is_some());
        assert!(threshold("max<1us for open_session").missed_so_far(&stepped).is_none(), "50 calls");
    }

    #[test]
    fn invalid_scopes_are_rejected_with_the_valid_ones() {
        for (text, why) in [
            ("max<1s for step 0", "must name a step by its number"),
            ("max<1s for rate fast", "must name a rate of --rate"),
            ("max<1s for the open calls", "expected `for open_session`, `for scenario browse`"),
            ("max<1s for scenario", "is not valid"),
            ("max<1s for", "is not valid"),
        ] {
            let error = Threshold::from_str(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn thresholds_that_goose_rejects_are_rejected_with_the_remedy() {
        for (text, why) in [
            ("", "an operator is missing"),
            ("p95", "an operator is missing: expected <, <=, > or >=, such as p95<50ms"),
            ("p95=1", "the operator is not valid: expected <, <=, > or >="),
            ("p95<<1", "the operator is not valid"),
            ("p95=<1", "the operator is not valid"),
            ("<1", "\"\" is not a metric: expected pNN"),
            ("p<1", "\"p\" is not a metric"),
            ("p9e1<1", "\"p9e1\" is not a metric"),
            ("p95x<1", "\"p95x\" is not a metric"),
            ("P95<1", "\"P95\" is not a metric"),
            ("p100<1", "\"p100\" is not a percentile"),
            ("p0<1", "\"p0\" is not a percentile"),
            ("p95<", "\"\" is not a limit: expected a time in us, ms or s, such as 50ms"),
            ("p95<-1", "\"-1\" is not a limit"),
            ("p95<+1", "\"+1\" is not a limit"),
            ("p95<1e3", "\"1e3\" is not a limit"),
            ("p95<inf", "\"inf\" is not a limit"),
            ("p95<NaN", "\"NaN\" is not a limit"),
            ("p95<.", "\".\" is not a limit"),
            ("p95<1.2.3", "\"1.2.3\" is not a limit"),
            ("p95<1m", "\"1m\" is not a limit"),
            ("p95<1 ms", "\"1 ms\" is not a limit"),
            ("avg<5%", "\"5%\" is not a limit"),
            ("error-rate<1ms", "\"1ms\" is not a limit: expected a percentage up to 100, such as 1%"),
            ("error-rate<101%", "\"101%\" is not a limit"),
            ("rps>many", "\"many\" is not a limit: expected a number of calls per second, such as 200"),
            ("max<0", "no run can meet this limit"),
            ("rps<=0", "no run can meet this limit"),
            ("error-rate>100", "no run can meet this limit"),
        ] {
            assert!(GooseThreshold::from_str(text).is_err(), "goose accepts {text:?}");
            let error = Threshold::from_str(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("threshold {text:?}: {why}")), "{error}");
        }
    }
}
