//! The comparison of the percentiles of two runs: within the limit, regressed, or inconclusive.
//!
//! A percentile has *regressed* only if its increase is above the limit even at the lower end of what chance
//! explains (see [`QuantileTest`]). If no percentile of any operation increased by more than the limit, the
//! probability that any is called regressed is at most 5%: the percentiles of all operations are tested
//! together (Holm's method). It is *within the limit* if the measured increase is. Everything else is
//! *inconclusive*: the increase is above the limit, and may be chance.
//!
//! The error of 5% assumes that runs of the same thing vary as [`run_variation`] estimates. The test
//! `error_rates` counts the errors with noise of several kinds.

use super::quantile_test::{QuantileTest, Sample};
use super::run_variation;
use crate::metrics::{Blocks, Histogram, OperationMetrics, Results};
use serde::Serialize;
use std::collections::BTreeSet;

/// The percentiles that are compared. Beyond p99 only very long runs have enough calls.
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// The probability of any regression being reported although no percentile increased by more than the limit.
const ERROR: f64 = 0.05;

/// The name of all operations together.
const ALL: &str = "all operations";

/// The part of the calls that may be of other operations than in the other run, if all operations are compared
/// together.
const MAX_OTHER_CALLS: f64 = 0.1;

/// The percentiles of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Comparison {
    /// The files of the baseline, or the other service.
    pub with: Vec<String>,
    /// By operation, then by percentile.
    pub rows: Vec<PercentileChange>,
    /// The operations that only one run called successfully.
    pub unmatched: Vec<UnmatchedOperation>,
}

/// An operation that only one run called successfully.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnmatchedOperation {
    /// The name of the route.
    pub operation: String,
    /// True if it is in the baseline.
    pub in_baseline: bool,
}

/// A percentile of an operation in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PercentileChange {
    /// The name of the route, or `all operations`.
    pub operation: String,
    /// Such as 99.0.
    pub percentile: f64,
    /// The value in the baseline, in microseconds.
    pub baseline_us: u64,
    /// The value in this run, in microseconds.
    pub current_us: u64,
    /// The increase in percent of the baseline.
    pub change_percent: f64,
    /// The least increase in percent that is not explained by chance; `None` with too few calls.
    pub at_least_percent: Option<f64>,
    /// The assessment of the change.
    pub assessment: Assessment,
}

/// The assessment of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Assessment {
    /// Not more than allowed.
    WithinLimit,
    /// More than allowed, and more than chance explains.
    Regressed,
    /// More than allowed, but possibly by chance.
    Inconclusive,
    /// There are too few calls for an assessment, and no sign of an increase.
    TooFewCalls,
}

impl Comparison {
    /// Returns whether the runs have enough calls to assess any percentile.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.rows.iter().any(|row| row.at_least_percent.is_some())
    }
}

/// A percentile of an operation before it is assessed.
struct Candidate<'s> {
    change: PercentileChange,
    test: QuantileTest<'s>,
    /// The standard deviation by which the logarithms differ between whole runs.
    run_sd: f64,
    /// The slowest call of the baseline.
    slowest_before_us: u64,
    is_possible: bool,
}

/// The calls of one operation in both runs.
struct Operation<'r> {
    name: &'r str,
    before: Histogram,
    now: Histogram,
    samples: [Sample; 2],
}

/// Compares the percentiles of a run with those of one or several earlier runs, or, if `is_paired`, with those
/// of a run of another service at the same time.
pub(super) fn compare(
    with: Vec<String>,
    before: &[&Results],
    now: &Results,
    max_regression: f64,
    is_paired: bool,
) -> Comparison {
    let operations: Vec<_> = operations(before, now, is_paired);
    let run_sds = PERCENTILES.map(|percentile| if is_paired { 0.0 } else { run_sd(before, now, percentile) });
    let mut candidates: Vec<_> = operations
        .iter()
        .flat_map(|operation| {
            let percentiles = PERCENTILES.iter().zip(run_sds);
            percentiles
                .filter_map(|(percentile, run_sd)| candidate(operation, *percentile, is_paired, run_sd))
        })
        .collect();
    assess(&mut candidates, max_regression);
    let rows = candidates.into_iter().map(|candidate| candidate.change).collect();
    Comparison { with, rows, unmatched: unmatched(before, now) }
}

/// The operations that all runs called, and all operations together.
fn operations<'r>(before: &[&'r Results], now: &'r Results, is_paired: bool) -> Vec<Operation<'r>> {
    let names = now.operations.keys().filter(|name| !calls_of(before, name).is_empty());
    let mut operations: Vec<_> = names
        .filter_map(|name| {
            let metrics = now.operations.get(name).filter(|operation| operation.latency().count() > 0)?;
            Some(operation(name, &calls_of(before, name), &[metrics], is_paired))
        })
        .collect();
    if operations.len() > 1 && has_same_shares(&operations) {
        let [before, now] = [before, &[now]].map(|runs| {
            let all = operations.iter().flat_map(|operation| calls_of(runs, operation.name));
            all.collect::<Vec<_>>()
        });
        operations.push(operation(ALL, &before, &now, is_paired));
    }
    operations
}

/// The successful calls of an operation in all runs.
fn calls_of<'r>(runs: &[&'r Results], name: &str) -> Vec<&'r OperationMetrics> {
    let operations = runs.iter().filter_map(|run| run.operations.get(name));
    operations.filter(|operation| operation.latency().count() > 0).collect()
}

fn operation<'r>(
    name: &'r str,
    before: &[&OperationMetrics],
    now: &[&OperationMetrics],
    is_paired: bool,
) -> Operation<'r> {
    let histogram = |runs: &[&OperationMetrics]| {
        let mut all = Histogram::default();
        for run in runs {
            all.merge(run.latency());
        }
        all
    };
    let blocks = |runs: &[&OperationMetrics]| {
        let mut all = Blocks::default();
        for run in runs {
            all.merge(&run.blocks);
        }
        all
    };
    let samples = if is_paired {
        let [before, now] = [before, now].map(blocks);
        [before.aligned_with(&now), now.aligned_with(&before)].map(|blocks| Sample::new([&blocks]))
    } else {
        [before, now].map(|runs| Sample::new(runs.iter().map(|run| &run.blocks)))
    };
    Operation { name, before: histogram(before), now: histogram(now), samples }
}

/// Returns whether each operation has the same share of all calls in both runs. Otherwise the percentiles of
/// all operations would differ for that reason.
#[expect(clippy::cast_precision_loss, reason = "numbers of calls")]
fn has_same_shares(operations: &[Operation<'_>]) -> bool {
    let shares = |calls: Vec<u64>| {
        let total = calls.iter().sum::<u64>() as f64;
        calls.into_iter().map(move |calls| calls as f64 / total)
    };
    let before = operations.iter().map(|operation| operation.before.count()).collect();
    let now = operations.iter().map(|operation| operation.now.count()).collect();
    let pairs = shares(before).zip(shares(now));
    pairs.map(|(before, now)| (before - now).abs()).sum::<f64>() / 2.0 <= MAX_OTHER_CALLS
}

/// The standard deviation by which the logarithms of a percentile differ between whole runs.
fn run_sd(before: &[&Results], now: &Results, percentile: f64) -> f64 {
    let of_runs = |runs: &[&Results]| {
        let greatest = runs.iter().map(|run| run_variation::of_run(run, percentile)).fold(0.0, f64::max);
        greatest.max(run_variation::between_runs(runs, percentile).unwrap_or_default())
    };
    let (earlier, now) = (of_runs(before), of_runs(&[now]).max(of_runs(before)));
    let runs = u32::try_from(before.len()).unwrap_or(u32::MAX).max(1);
    now.hypot(earlier / f64::from(runs).sqrt())
}

#[expect(clippy::cast_precision_loss, reason = "a change is shown in percent")]
fn candidate<'s>(
    operation: &'s Operation<'_>,
    percentile: f64,
    is_paired: bool,
    run_sd: f64,
) -> Option<Candidate<'s>> {
    let Operation { name, before, now, samples: [sample_before, sample_now] } = operation;
    let (baseline_us, current_us) = (before.percentile(percentile)?, now.percentile(percentile)?);
    let change = PercentileChange {
        operation: (*name).to_owned(),
        percentile,
        baseline_us,
        current_us,
        change_percent: (current_us as f64 / baseline_us.max(1) as f64 - 1.0) * 100.0,
        at_least_percent: None,
        assessment: Assessment::TooFewCalls,
    };
    let test = QuantileTest::new(sample_before, sample_now, percentile, is_paired);
    Some(Candidate { change, test, run_sd, slowest_before_us: before.max()?, is_possible: false })
}

/// Assesses all changes. The levels of significance are those of Holm: a test counts among the others only
/// until it has found a regression, and not at all if the runs have too few calls for it.
fn assess(candidates: &mut [Candidate<'_>], max_regression: f64) {
    let level = ERROR / number(candidates.len());
    for candidate in &mut *candidates {
        candidate.is_possible = candidate.test.is_possible(level);
        candidate.change.assessment = candidate.without_test(max_regression);
    }
    loop {
        let is_open = |candidate: &&mut Candidate<'_>| {
            candidate.is_possible && candidate.change.assessment != Assessment::Regressed
        };
        let open = candidates.iter_mut().filter(is_open);
        let mut open: Vec<_> = open.collect();
        let level = ERROR / number(open.len());
        let mut has_found = false;
        for candidate in &mut open {
            has_found |= candidate.test(level, max_regression);
        }
        if !has_found {
            break;
        }
    }
}

impl Candidate<'_> {
    /// Tests the change, and returns whether it is a regression.
    fn test(&mut self, level: f64, max_regression: f64) -> bool {
        let Some(bound) = self.test.lower_bound(level, self.run_sd) else { return false };
        let at_least = (bound.exp() - 1.0) * 100.0;
        self.change.at_least_percent = Some(at_least);
        if at_least > max_regression && self.change.change_percent > max_regression {
            self.change.assessment = Assessment::Regressed;
        }
        self.change.assessment == Assessment::Regressed
    }

    /// The assessment if the test finds no regression.
    fn without_test(&self, max_regression: f64) -> Assessment {
        let PercentileChange { percentile, baseline_us, current_us, .. } = self.change;
        // A high percentile of few calls is that of a single call.
        let limited_us =
            if self.is_possible || percentile <= 50.0 { baseline_us } else { self.slowest_before_us };
        match exceeds(limited_us, current_us, max_regression) {
            true => Assessment::Inconclusive,
            false if self.is_possible => Assessment::WithinLimit,
            false => Assessment::TooFewCalls,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "latencies below 285 years")]
fn exceeds(before_us: u64, now_us: u64, max_regression: f64) -> bool {
    now_us as f64 > before_us.max(1) as f64 * (1.0 + max_regression / 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a number of operations and percentiles")]
fn number(tests: usize) -> f64 {
    tests.max(1) as f64
}

fn unmatched(before: &[&Results], now: &Results) -> Vec<UnmatchedOperation> {
    let before_names = before.iter().flat_map(|run| run.operations.keys());
    let names: BTreeSet<&String> = before_names.chain(now.operations.keys()).collect();
    let unmatched = names.into_iter().filter_map(|name| {
        let [before, now] = [before, &[now]].map(|runs| !calls_of(runs, name).is_empty());
        (before != now).then(|| UnmatchedOperation { operation: name.clone(), in_baseline: before })
    });
    unmatched.collect()
}
