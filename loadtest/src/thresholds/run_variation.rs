//! By how much whole runs of the same thing differ.
//!
//! A machine has faster and slower phases. What a phase that is longer than a run does to all of its calls
//! cannot be seen in that run. Noise of computers is about as strong in long periods as in short ones, so
//! that the quarters of a run differ about as much as whole runs. Several runs show it directly.

use crate::metrics::{Blocks, Histogram, Results, add, sum};

/// The least standard deviation of the logarithm of a percentile between runs: 5%.
const LEAST: f64 = 0.05;

/// The standard deviation of a run that is too short to show it.
const OF_SHORT_RUNS: f64 = 0.25;

/// The least number of blocks that show the variation of a run: a second of time.
const MIN_BLOCKS: usize = 8;

/// Calls beyond a percentile in a quarter that suffice for an estimate of that percentile.
const MIN_CALLS_BEYOND: f64 = 10.0;

/// Estimates the standard deviation of the logarithm of a percentile between runs like this one.
pub(super) fn of_run(run: &Results, percentile: f64) -> f64 {
    let mut all = Blocks::default();
    run.operations.values().for_each(|operation| all.merge(&operation.blocks));
    if all.iter().count() < MIN_BLOCKS {
        return OF_SHORT_RUNS;
    }
    let quarters = quarters(&all);
    let is_known = |percentile: f64| {
        quarters.iter().all(|quarter| calls(quarter) * (1.0 - percentile / 100.0) >= MIN_CALLS_BEYOND)
    };
    // With too few calls beyond the percentile, the variation of the median is used.
    let percentile = if is_known(percentile) { percentile } else { 50.0 };
    if !is_known(percentile) {
        return LEAST;
    }
    deviation(quarters.iter().filter_map(|quarter| ln_percentile(quarter, percentile))).max(LEAST)
}

/// Estimates the standard deviation of the logarithm of a percentile between these runs, from the operations
/// that all of them have; `None` for a single run.
pub(super) fn between_runs(runs: &[&Results], percentile: f64) -> Option<f64> {
    let [first, _, ..] = runs else { return None };
    let of_operation = |name: &String| {
        let latencies: Option<Vec<_>> =
            runs.iter().map(|run| ln_percentile(run.operations.get(name)?.latency(), percentile)).collect();
        latencies.map(|latencies| deviation(latencies.into_iter()).powi(2))
    };
    let variances: Vec<f64> = first.operations.keys().filter_map(of_operation).collect();
    mean(&variances).map(f64::sqrt)
}

/// The latencies of four parts of a run with about as many calls.
fn quarters(blocks: &Blocks) -> [Histogram; 4] {
    let total = sum(blocks.iter().map(|(_, block)| block.count()));
    let mut quarters: [Histogram; 4] = Default::default();
    let mut before = 0_u64;
    for (_, block) in blocks.iter() {
        // The middle of the block decides.
        let middle = before.saturating_mul(2).saturating_add(block.count());
        let quarter = middle.saturating_mul(2) / total.max(1);
        add(&mut before, block.count());
        quarters[usize::try_from(quarter).unwrap_or(3).min(3)].merge(block);
    }
    quarters
}

#[expect(clippy::cast_precision_loss, reason = "a number of calls")]
fn calls(histogram: &Histogram) -> f64 {
    histogram.count() as f64
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
fn ln_percentile(histogram: &Histogram, percentile: f64) -> Option<f64> {
    histogram.percentile(percentile).map(|micros| (micros.max(1) as f64).ln())
}

/// The standard deviation of a sample.
fn deviation(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<_> = values.collect();
    let Some(mean) = mean(&values) else { return 0.0 };
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (number(&values) - 1.0).max(1.0)).sqrt()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / number(values))
}

#[expect(clippy::cast_precision_loss, reason = "a number of runs or operations")]
fn number(values: &[f64]) -> f64 {
    values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::{self, Call};

    /// Ten seconds, in which the calls of each quarter take as many percent as given.
    fn run(percent: [u64; 4], count: u64) -> Results {
        let calls: Vec<Call> = sample::calls(1, count, 10)
            .into_iter()
            .enumerate()
            .map(|(number, call)| {
                let quarter = number * 4 / usize::try_from(count).unwrap();
                Call { micros: call.micros * percent[quarter] / 100, ..call }
            })
            .collect();
        sample::results(&calls)
    }

    #[test]
    fn a_steady_run_has_the_least_variation() {
        for percentile in [50.0, 95.0] {
            assert!((of_run(&run([100; 4], 40_000), percentile) - LEAST).abs() < 1e-9);
        }
    }

    #[test]
    fn quarters_that_differ_show_their_variation() {
        let found = of_run(&run([100, 100, 150, 150], 40_000), 50.0);
        assert!((found - 0.234).abs() < 0.02, "{found}");
    }

    #[test]
    fn a_run_below_a_second_shows_no_variation() {
        let short = sample::results(&sample::calls(1, 1_000, 0));
        assert!((of_run(&short, 50.0) - OF_SHORT_RUNS).abs() < 1e-9);
    }

    #[test]
    fn several_runs_show_their_variation() {
        let runs = [100, 130, 100].map(|percent| run([percent; 4], 20_000));
        let runs: Vec<_> = runs.iter().collect();
        assert_eq!(between_runs(&runs[..1], 50.0), None);
        let found = between_runs(&runs, 50.0).unwrap();
        assert!((found - 0.151).abs() < 0.01, "{found}");
    }
}
