//! A test of whether a percentile of latency is higher in one run than in another.
//!
//! It is a two-sample quantile test (Mood's test, with Yates' correction) with a variance that does not
//! assume independent calls:
//!
//! 1. Let θ be the latency that a share p of the calls exceed, where those of the second run are first
//!    divided by a ratio r, and both runs have the same weight. If the percentile of the second run is r times
//!    that of the first, both runs exceed θ equally often but for chance. The statistic is the difference of
//!    their shares.
//! 2. Calls of the same moment share the noise of the machine. The variance of a share is estimated from
//!    blocks of time, with the autocovariance of neighbouring blocks (Newey-West). It is never less than that
//!    of independent calls. With few blocks it is shrunk towards that.
//! 3. The lower confidence bound of the ratio is the smallest r that the test does not reject, by Student's t.
//! 4. A whole run may be slower than another for reasons that neither shows. That standard deviation of the
//!    logarithm of a percentile is added to the distance between ratio and bound, in quadrature.
//!
//! In a paired test both runs have the same blocks: the variance is that of their difference, so that noise
//! which affects both cancels.

use crate::metrics::{Blocks, Histogram};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::{BTreeMap, BTreeSet};

/// The weight of the variance of independent calls, in degrees of freedom, where there are few blocks.
const PRIOR_DF: f64 = 4.0;

/// Steps of a bisection: a range of e^40 is narrowed to 10^-7.
const STEPS: u32 = 28;

/// The natural logarithm of the highest ratio that the search for a bound tries.
const MAX_LN_RATIO: f64 = 20.0;

/// The latencies of an operation in one run, or in several.
#[derive(Debug)]
pub(super) struct Sample {
    all: Distribution,
    /// By their start.
    blocks: BTreeMap<u64, Distribution>,
}

/// Latencies that can be counted above any bound.
#[derive(Debug, Default)]
struct Distribution {
    /// The lower bound and the width of each bucket, and the number of latencies up to its end.
    buckets: Vec<(f64, f64, f64)>,
    count: f64,
}

#[expect(clippy::cast_precision_loss, reason = "latencies below 285 years, and numbers of calls")]
impl From<&Histogram> for Distribution {
    fn from(histogram: &Histogram) -> Self {
        let mut count = 0.0;
        let buckets = histogram.buckets().map(|(floor, width, more)| {
            count += more as f64;
            (floor as f64, width as f64, count)
        });
        let buckets = buckets.collect();
        Self { buckets, count }
    }
}

impl Distribution {
    /// The number of latencies above `bound`, if those of a bucket are evenly spread.
    fn above(&self, bound: f64) -> f64 {
        let index = self.buckets.partition_point(|(floor, width, _)| floor + width <= bound);
        let before = index.checked_sub(1).map_or(0.0, |index| self.buckets[index].2);
        let Some((floor, width, to)) = self.buckets.get(index) else { return 0.0 };
        let part = ((bound - floor) / width).max(0.0);
        self.count - before - part * (to - before)
    }

    fn share_above(&self, bound: f64) -> f64 {
        self.above(bound) / self.count
    }

    /// The lowest and the highest latency, which is above 0.
    fn range(&self) -> (f64, f64) {
        let from = self.buckets.first().map_or(0.0, |(floor, ..)| *floor);
        let to = self.buckets.last().map_or(1.0, |(floor, width, _)| floor + width);
        (from.max(0.5), to.max(1.0))
    }
}

impl Sample {
    /// Takes the blocks of several runs together.
    pub(super) fn new<'b>(runs: impl IntoIterator<Item = &'b Blocks>) -> Self {
        let mut all = Histogram::default();
        let mut blocks = BTreeMap::<u64, Histogram>::new();
        for (start, latencies) in runs.into_iter().flat_map(Blocks::iter) {
            all.merge(latencies);
            blocks.entry(start).or_default().merge(latencies);
        }
        let blocks = blocks.iter().map(|(start, latencies)| (*start, latencies.into())).collect();
        Self { all: (&all).into(), blocks }
    }

    /// The number of calls.
    fn count(&self) -> f64 {
        self.all.count
    }

    /// The latency that a share of the calls exceed.
    fn quantile(&self, share: f64) -> f64 {
        bisect(self.all.range(), |bound| self.all.share_above(bound) > share)
    }

    /// By how much the share of calls above the quantile differs in a block, as a part of all calls. The sum
    /// over all blocks is 0.
    fn deviation(&self, block: u64, quantile: f64, share: f64) -> f64 {
        let deviation = |block: &Distribution| (block.above(quantile) - share * block.count) / self.count();
        self.blocks.get(&block).map_or(0.0, deviation)
    }

    fn deviations(&self, share: f64) -> Vec<f64> {
        let quantile = self.quantile(share);
        let share = self.all.share_above(quantile);
        self.blocks.keys().map(|block| self.deviation(*block, quantile, share)).collect()
    }
}

/// A test of one percentile in two runs.
#[derive(Debug)]
pub(super) struct QuantileTest<'s> {
    before: &'s Sample,
    now: &'s Sample,
    /// The share of calls above the percentile.
    share: f64,
    /// The variance of the difference of two shares.
    variance: f64,
    degrees_of_freedom: f64,
}

impl<'s> QuantileTest<'s> {
    /// Prepares the test of a percentile, from 50 to below 100, in two runs that have calls.
    ///
    /// `is_paired` means that the runs took place at the same time, and have blocks of the same length.
    pub(super) fn new(before: &'s Sample, now: &'s Sample, percentile: f64, is_paired: bool) -> Self {
        let share = 1.0 - percentile / 100.0;
        let independent = share * (1.0 - share);
        let (variance, degrees_of_freedom) = if is_paired {
            let quantiles = [before, now].map(|run| run.quantile(share));
            let starts: BTreeSet<u64> = before.blocks.keys().chain(now.blocks.keys()).copied().collect();
            let differences: Vec<_> = starts
                .iter()
                .map(|start| {
                    now.deviation(*start, quantiles[1], share) - before.deviation(*start, quantiles[0], share)
                })
                .collect();
            let independent = independent * (1.0 / before.count() + 1.0 / now.count());
            moderated(&differences, independent)
        } else {
            let [before, now] =
                [before, now].map(|run| moderated(&run.deviations(share), independent / run.count()));
            (before.0 + now.0, before.1 + now.1 - PRIOR_DF)
        };
        Self { before, now, share, variance, degrees_of_freedom }
    }

    /// Returns whether the runs have enough calls to show any difference at a level of significance.
    pub(super) fn is_possible(&self, level: f64) -> bool {
        // At most, all calls above θ are of the second run.
        let greatest = 2.0 * self.share - self.continuity();
        greatest > self.critical(level) * self.variance.sqrt()
    }

    /// The lower confidence bound of the natural logarithm of the ratio, at a level of significance. `run_sd`
    /// is the standard deviation by which the logarithms of the percentiles of two whole runs differ.
    pub(super) fn lower_bound(&self, level: f64, run_sd: f64) -> Option<f64> {
        let critical = self.critical(level);
        let limit = critical * self.variance.sqrt() + self.continuity();
        let is_rejected = |ln_ratio: f64| self.difference(ln_ratio.exp()) > limit;
        let [before, now] = [self.before, self.now].map(|run| run.quantile(self.share).ln());
        let ratio = now - before;
        if !is_rejected(-MAX_LN_RATIO) {
            return None;
        }
        let (mut from, mut to) = (-MAX_LN_RATIO, MAX_LN_RATIO);
        for _ in 0..STEPS {
            let middle = f64::midpoint(from, to);
            if is_rejected(middle) { from = middle } else { to = middle }
        }
        Some(ratio - (ratio - from).max(0.0).hypot(critical * run_sd))
    }

    /// The difference of the shares of calls above θ, if those of the second run are divided by `ratio`.
    fn difference(&self, ratio: f64) -> f64 {
        let (before, now) = (&self.before.all, &self.now.all);
        let (from, to) = now.range();
        let range = before.range();
        let range = (range.0.min(from / ratio), range.1.max(to / ratio));
        let theta = bisect(range, |bound| {
            before.share_above(bound) + now.share_above(bound * ratio) > 2.0 * self.share
        });
        now.share_above(theta * ratio) - before.share_above(theta)
    }

    /// Shares change in steps, of which half is subtracted (Yates' correction).
    fn continuity(&self) -> f64 {
        0.5 / self.before.count() + 0.5 / self.now.count()
    }

    /// The quantile of Student's t distribution.
    fn critical(&self, level: f64) -> f64 {
        StudentsT::new(0.0, 1.0, self.degrees_of_freedom)
            .map_or(f64::INFINITY, |student| student.inverse_cdf(1.0 - level))
    }
}

/// Returns the lowest value in the range for which the condition does not hold.
fn bisect((mut from, mut to): (f64, f64), holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..STEPS {
        let middle = (from * to).sqrt();
        if holds(middle) { from = middle } else { to = middle }
    }
    to
}

/// The variance of the sum of consecutive deviations from 0, at least that of independent calls, and its
/// degrees of freedom.
fn moderated(deviations: &[f64], independent: f64) -> (f64, f64) {
    let between = count(deviations).max(1.0) - 1.0;
    let degrees_of_freedom = between + PRIOR_DF;
    let variance = (PRIOR_DF * independent + between * newey_west(deviations)) / degrees_of_freedom;
    (variance.max(independent), degrees_of_freedom)
}

/// The variance of the sum of consecutive deviations from 0, with autocovariances up to a lag of the square
/// root of their number.
fn newey_west(deviations: &[f64]) -> f64 {
    let blocks = count(deviations);
    if blocks < 2.0 {
        return 0.0;
    }
    let autocovariance =
        |lag: usize| deviations.iter().zip(&deviations[lag..]).map(|(one, other)| one * other).sum::<f64>();
    let lags = blocks.sqrt().floor();
    let weighted = (1..deviations.len()).zip(1_u32..).map_while(|(lag, number)| {
        let weight = 1.0 - f64::from(number) / (lags + 1.0);
        (weight > 0.0).then(|| weight * autocovariance(lag))
    });
    (autocovariance(0) + 2.0 * weighted.sum::<f64>()) * blocks / (blocks - 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a number of blocks")]
fn count(blocks: &[f64]) -> f64 {
    blocks.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of an eighth of a second with these latencies each.
    fn sample(blocks: impl IntoIterator<Item = Vec<u64>>) -> Sample {
        let mut all = Blocks::default();
        for (number, latencies) in (0..).zip(blocks) {
            all.add(number * 125, &latencies.into_iter().collect());
        }
        Sample::new([&all])
    }

    /// The same ten latencies in each of 40 blocks, times a factor for each block in percent.
    fn noisy(factor: u64, percent: impl Fn(u64) -> u64) -> Sample {
        sample(
            (0..40).map(|block| (1..=10).map(|time| 1_000 * time * factor * percent(block) / 100).collect()),
        )
    }

    fn bound(before: &Sample, now: &Sample, is_paired: bool) -> f64 {
        QuantileTest::new(before, now, 50.0, is_paired).lower_bound(0.01, 0.0).unwrap().exp()
    }

    #[test]
    fn critical_values_are_those_of_student() {
        let steady = noisy(1, |_| 100);
        for (degrees_of_freedom, level, expected) in
            [(4.0, 0.05, 2.132), (10.0, 0.005, 3.169), (30.0, 0.025, 2.042), (60.0, 0.001, 3.232)]
        {
            let test =
                QuantileTest { degrees_of_freedom, ..QuantileTest::new(&steady, &steady, 50.0, false) };
            assert!((test.critical(level) - expected).abs() < 1e-3, "{}", test.critical(level));
        }
    }

    #[test]
    fn the_lower_bound_is_below_the_ratio_and_rises_with_it() {
        let steady = noisy(1, |_| 100);
        let bounds = [1, 2, 4].map(|factor| bound(&steady, &noisy(factor, |_| 100), false));
        for (bound, factor) in bounds.iter().zip([1.0, 2.0, 4.0]) {
            assert!((0.7 * factor..factor).contains(bound), "{bound} of {factor}");
        }
    }

    #[test]
    fn neighbouring_blocks_that_are_alike_lower_the_bound() {
        let (alternating, phases) = (|block| 100 + block % 2 * 60, |block| 100 + block / 20 * 60);
        let bounds = [alternating, phases]
            .map(|noise: fn(u64) -> u64| bound(&noisy(1, noise), &noisy(2, noise), false));
        assert!(bounds[0] > 1.2 * bounds[1], "{bounds:?}");
    }

    #[test]
    fn noise_at_the_same_time_cancels_in_a_paired_test() {
        let noise = |block| 100 + block / 10 * 40;
        let (before, now) = (noisy(1, noise), noisy(2, noise));
        let [unpaired, paired] = [false, true].map(|is_paired| bound(&before, &now, is_paired));
        assert!(paired > 1.2 * unpaired, "{paired} {unpaired}");
    }

    #[test]
    fn the_variation_between_runs_lowers_the_bound() {
        let (before, now) = (noisy(1, |_| 100), noisy(2, |_| 100));
        let test = QuantileTest::new(&before, &now, 50.0, false);
        let [exact, noisy] = [0.0, 0.2].map(|run_sd| test.lower_bound(0.01, run_sd).unwrap());
        assert!(exact - noisy > 0.2, "{exact} {noisy}");
    }

    #[test]
    fn few_calls_cannot_show_a_high_percentile() {
        let (few, many) = (sample([vec![5; 100]]), noisy(1, |_| 100));
        let is_possible = |sample: &Sample, percentile| {
            QuantileTest::new(sample, sample, percentile, false).is_possible(0.003)
        };
        assert_eq!([50.0, 99.0].map(|percentile| is_possible(&few, percentile)), [true, false]);
        assert_eq!([50.0, 95.0].map(|percentile| is_possible(&many, percentile)), [true, true]);
        assert!(!is_possible(&sample([vec![5; 3]]), 50.0));
    }

    #[test]
    fn latencies_of_a_bucket_are_evenly_spread() {
        let distribution = Distribution::from(&Histogram::from_iter([3, 3, 8_192, 8_192]));
        let above = [0.0, 3.0, 3.25, 100.0, 8_224.0 + 32.0, 9_000.0].map(|bound| distribution.above(bound));
        assert_eq!(format!("{above:?}"), "[4.0, 4.0, 3.5, 2.0, 1.0, 0.0]");
    }
}
