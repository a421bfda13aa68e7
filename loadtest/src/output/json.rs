//! The results with their statistics and their verdict as JSON. Readers of results ignore statistics and verdict.
//!
//! Its schema is `docs/loadtest-report.schema.json`, which a test derives from the types.

use super::{Report, criteria, summary};
use crate::metrics::{CallMetrics, Histogram, Results};
use crate::thresholds::{Comparison, CriterionKind, CriterionResult, Status};
use serde::Serialize;
use std::collections::BTreeMap;

/// The report of a run of the load test.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Report of a load test"))]
pub(super) struct JsonReport<'r> {
    #[serde(flatten)]
    results: &'r Results,
    /// Numbers computed from the results.
    statistics: Statistics<'r>,
    /// The verdict on the results.
    verdict: JsonVerdict<'r>,
}

/// Numbers computed from the results.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Statistics<'r> {
    /// All calls.
    all: CallStatistics,
    /// The calls of each operation.
    operations: BTreeMap<&'r str, CallStatistics>,
    /// The calls of each step of the rate.
    steps: Vec<CallStatistics>,
    /// The calls of the warm-up, which are in no other number.
    warm_up: Option<CallStatistics>,
    /// The times of successful calls by phase, in milliseconds.
    phases: BTreeMap<&'static str, Latency>,
}

/// The number and the latency of calls.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CallStatistics {
    /// The number of calls, including failed ones.
    calls: u64,
    /// The number of failed calls.
    failed: u64,
    /// The failed calls in percent of all calls; `null` without calls.
    error_rate_percent: Option<f64>,
    /// Calls per second of the time in which load was made; `null` for steps and the warm-up.
    calls_per_second: Option<f64>,
    /// The latency of successful calls, in milliseconds.
    latency_ms: Latency,
}

/// Percentiles, mean and maximum in milliseconds; `null` without a successful call.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Latency {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    #[serde(rename = "p99.9")]
    p99_9: Option<f64>,
    max: Option<f64>,
}

impl Latency {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    fn of(latency: &Histogram) -> Self {
        let millis = |micros: u64| micros as f64 / 1e3;
        let percentile = |percent| latency.percentile(percent).map(millis);
        Self {
            mean: latency.mean().map(|micros| micros / 1e3),
            p50: percentile(50.0),
            p90: percentile(90.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            p99_9: percentile(99.9),
            max: latency.max().map(millis),
        }
    }
}

impl CallStatistics {
    #[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
    fn new(calls: u64, failed: u64, calls_per_second: Option<f64>, latency: &Histogram) -> Self {
        let error_rate_percent = (calls > 0).then(|| failed as f64 * 100.0 / calls as f64);
        Self { calls, failed, error_rate_percent, calls_per_second, latency_ms: Latency::of(latency) }
    }

    fn of_part(part: &CallMetrics) -> Self {
        Self::new(part.calls(), part.failures, None, &part.latency)
    }
}

impl<'r> Statistics<'r> {
    fn of(results: &'r Results) -> Self {
        let new = |calls, failed, latency: &Histogram| {
            CallStatistics::new(calls, failed, summary::per_second(results, calls), latency)
        };
        let operations = results.operations.iter().map(|(name, operation)| {
            (name.as_str(), new(operation.calls, operation.failures, operation.latency()))
        });
        Self {
            all: new(results.calls(), results.failed_calls(), &results.latency()),
            operations: operations.collect(),
            steps: results.steps.iter().map(|step| CallStatistics::of_part(&step.calls)).collect(),
            warm_up: results.warm_up.as_ref().map(|warm_up| CallStatistics::of_part(&warm_up.calls)),
            phases: summary::phases(results)
                .into_iter()
                .map(|(name, times)| (name, Latency::of(times)))
                .collect(),
        }
    }
}

/// The verdict on the results.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonVerdict<'r> {
    /// The exit code of the program.
    exit_code: u8,
    /// `PASS`, `FAIL`, `STOPPED` or `INCONCLUSIVE`.
    word: &'static str,
    /// The last line of the console report.
    line: String,
    /// All criteria.
    criteria: Vec<JsonCriterion>,
    /// The comparison with a baseline or with another service.
    comparison: Option<&'r Comparison>,
}

/// A criterion of the verdict.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JsonCriterion {
    /// Its kind.
    kind: CriterionKind,
    /// Its name with its limit.
    name: String,
    /// The observed value.
    observed: String,
    /// Its outcome.
    status: JsonStatus,
}

/// The outcome of a criterion.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum JsonStatus {
    Passed,
    Failed,
    Inconclusive,
    Skipped,
}

impl From<&CriterionResult> for JsonCriterion {
    fn from(result: &CriterionResult) -> Self {
        Self {
            kind: result.criterion.kind(),
            name: criteria::name(&result.criterion),
            observed: criteria::observed(result),
            status: match result.status {
                Status::Passed => JsonStatus::Passed,
                Status::Failed => JsonStatus::Failed,
                Status::Inconclusive => JsonStatus::Inconclusive,
                Status::Skipped(_) => JsonStatus::Skipped,
            },
        }
    }
}

pub(super) fn render(report: &Report) -> Result<String, String> {
    let Report { results, verdict, .. } = report;
    let json = JsonReport {
        results,
        statistics: Statistics::of(results),
        verdict: JsonVerdict {
            exit_code: verdict.exit_code.code(),
            word: criteria::verdict_word(verdict),
            line: criteria::verdict_line(results, verdict),
            criteria: verdict.criteria.iter().map(JsonCriterion::from).collect(),
            comparison: verdict.comparison.as_ref(),
        },
    };
    serde_json::to_string(&json)
        .map(|text| text + "\n")
        .map_err(|error| format!("the results cannot be written as JSON: {error}"))
}
