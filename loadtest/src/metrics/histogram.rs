//! Latencies in buckets with fixed bounds, so that adding the buckets of two runs is exact.
//!
//! The bounds are goose's: one bucket for each microsecond below 128, then 64 buckets per power of two, so
//! that the error of a reported latency is at most 1/128.
//!
//! Rejected alternative: averaging percentiles, because the percentile of a whole cannot be computed from
//! those of its parts. Rejected alternative: a library's histogram, because its buckets differ from those of
//! goose's report.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Buckets per power of two.
const STEPS: u64 = 64;

/// Below this number of microseconds each has a dedicated bucket.
const EXACT: u64 = 2 * STEPS;

/// The width of the bucket that contains `micros`, as a power of two.
fn width(micros: u64) -> u32 {
    if micros < EXACT { 0 } else { micros.ilog2() - STEPS.ilog2() }
}

#[expect(clippy::cast_possible_truncation, reason = "no more than 3,776 buckets cover all of u64")]
fn index(micros: u64) -> usize {
    let width = width(micros);
    (STEPS * u64::from(width) + (micros >> width)) as usize
}

fn bounds(index: usize) -> (u64, u64) {
    let index = index as u64;
    if index < EXACT {
        return (index, 1);
    }
    let width = index / STEPS - 1;
    ((STEPS + index % STEPS) << width, 1 << width)
}

/// The number of times that each latency was measured, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Buckets", into = "Buckets")]
pub struct Histogram {
    /// By [`index`], up to the slowest latency.
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    /// 0 while the histogram is empty.
    min: u64,
    max: u64,
}

impl Histogram {
    /// Counts a latency.
    pub fn record(&mut self, micros: u64) {
        self.add(index(micros), 1);
        self.min = if self.count == 0 { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.sum = self.sum.saturating_add(micros);
        self.count += 1;
    }

    /// Adds all latencies of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.cover(other.counts.len());
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            *sum = sum.saturating_add(*count);
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
        self.count = self.count.saturating_add(other.count);
    }

    fn add(&mut self, index: usize, count: u64) {
        self.cover(index + 1);
        self.counts[index] = self.counts[index].saturating_add(count);
    }

    /// Adds empty buckets up to this number of them, without spare capacity: a run keeps hundreds of histograms.
    fn cover(&mut self, buckets: usize) {
        if let Some(missing) = buckets.checked_sub(self.counts.len()) {
            self.counts.reserve_exact(missing);
            self.counts.resize(buckets, 0);
        }
    }

    /// The number of latencies.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact sum in microseconds.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The exact minimum in microseconds.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The exact maximum in microseconds.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The exact mean in microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The latency in microseconds that `percent` of all latencies do not exceed, with an error of at most
    /// 1/128.
    ///
    /// The rank is computed as in goose, so that its report shows the same percentiles.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the count")]
        #[expect(clippy::cast_precision_loss, reason = "exact up to 9,000 billion latencies")]
        let rank = (self.count as f64 * percent / 100.0).round() as u64;
        if self.count == 0 || rank <= 1 {
            return self.min();
        }
        if rank >= self.count {
            return self.max();
        }
        let mut passed = 0;
        let found = self.counts.iter().position(|count| {
            passed = count.saturating_add(passed);
            passed >= rank
        })?;
        let (floor, width) = bounds(found);
        Some((floor + width / 2).clamp(self.min, self.max))
    }

    /// The lower bound, the width and the count of each bucket that is not empty.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, count)| {
            let (floor, width) = bounds(index);
            (floor, width, *count)
        })
    }
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(micros: I) -> Self {
        let mut histogram = Self::default();
        micros.into_iter().for_each(|micros| histogram.record(micros));
        histogram
    }
}

/// The JSON form of a histogram: the buckets by their lower bound, as in `raw_data.times_us` of goose.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Buckets {
    count: u64,
    sum_us: u64,
    min_us: u64,
    max_us: u64,
    times_us: BTreeMap<u64, u64>,
}

impl From<Histogram> for Buckets {
    fn from(histogram: Histogram) -> Self {
        Self {
            count: histogram.count,
            sum_us: histogram.sum,
            min_us: histogram.min,
            max_us: histogram.max,
            times_us: histogram.buckets().map(|(floor, _, count)| (floor, count)).collect(),
        }
    }
}

/// The reason why a histogram is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HistogramError {
    reason: &'static str,
    number: u64,
}

impl fmt::Display for HistogramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid histogram: {} {}", self.reason, self.number)
    }
}

impl TryFrom<Buckets> for Histogram {
    type Error = HistogramError;

    fn try_from(buckets: Buckets) -> Result<Self, HistogramError> {
        let Buckets { count, sum_us: sum, min_us: min, max_us: max, times_us } = buckets;
        let mut histogram = Self { counts: Vec::new(), count, sum, min, max };
        let mut sum_of_counts = 0_u64;
        for (floor, count) in times_us {
            let index = index(floor);
            if bounds(index).0 != floor {
                return Err(HistogramError { reason: "no bucket has the lower bound", number: floor });
            }
            sum_of_counts = sum_of_counts.saturating_add(count);
            histogram.add(index, count);
        }
        if sum_of_counts != count {
            return Err(HistogramError { reason: "the buckets do not add up to the count", number: count });
        }
        let mut buckets = histogram.buckets().map(|(floor, ..)| floor);
        let (first, last) = (buckets.next(), buckets.last());
        let contains = |bucket, micros| bounds(index(micros)).0 == bucket;
        if first.is_some_and(|first| !contains(first, min)) {
            return Err(HistogramError { reason: "no bucket contains the minimum", number: min });
        }
        if last.or(first).is_some_and(|last| !contains(last, max)) || min > max {
            return Err(HistogramError { reason: "no bucket contains the maximum", number: max });
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goose::metrics::GooseRequestMetricTimingData;

    /// Seeded latencies from a microsecond to hours, most of them short.
    fn times(seed: u64, count: usize) -> Vec<u64> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..count)
            .map(|_| {
                let bits = random.u32(1..34);
                random.u64(..1 << bits)
            })
            .collect()
    }

    #[test]
    fn buckets_are_those_of_goose() {
        // goose exposes its bounds only when it reads an old report with whole milliseconds.
        let times: Vec<u64> = times(5, 9_000).into_iter().map(|millis| millis % (1 << 24)).collect();
        let mut millis = BTreeMap::<u64, u64>::new();
        for time in &times {
            *millis.entry(*time).or_default() += 1;
        }
        let goose: GooseRequestMetricTimingData =
            serde_json::from_value(serde_json::json!({ "times": millis, "counter": times.len() })).unwrap();
        let ours: Histogram = times.iter().map(|millis| millis * 1_000).collect();
        assert_eq!(json(goose.times_us), json(&Buckets::from(ours).times_us));
    }

    fn json(value: impl Serialize) -> serde_json::Value {
        serde_json::to_value(value).unwrap()
    }

    /// The same histogram in goose's type.
    fn in_goose(histogram: &Histogram) -> GooseRequestMetricTimingData {
        let buckets = Buckets::from(histogram.clone());
        let data = serde_json::json!({
            "times_us": buckets.times_us,
            "minimum_time_us": buckets.min_us,
            "maximum_time_us": buckets.max_us,
            "total_time_us": buckets.sum_us,
            "counter": buckets.count,
        });
        serde_json::from_value(data).unwrap()
    }

    #[test]
    fn buckets_contain_their_latencies_and_are_at_most_a_64th_wide() {
        for micros in times(1, 10_000).into_iter().chain([0, 127, 128, 255, 256, u64::MAX]) {
            let (floor, width) = bounds(index(micros));
            assert!(floor <= micros && micros - floor < width, "{micros}: {floor} + {width}");
            assert!(width == 1 || width * STEPS <= floor, "{micros}: {floor} + {width}");
        }
    }

    #[test]
    fn there_are_no_gaps_between_buckets() {
        let last = index(u64::MAX);
        for index in 0..last {
            let (floor, width) = bounds(index);
            assert_eq!(floor + width, bounds(index + 1).0);
        }
    }

    #[test]
    fn a_merged_histogram_equals_one_of_all_latencies() {
        let times = times(2, 9_000);
        let mut merged = Histogram::default();
        for part in times.chunks(3_000) {
            merged.merge(&part.iter().copied().collect());
        }
        merged.merge(&Histogram::default());
        assert_eq!(merged, times.into_iter().collect());
    }

    #[test]
    fn percentiles_are_those_of_goose() {
        for count in [1, 2, 3, 10, 999, 20_000] {
            let histogram: Histogram = times(3, count).into_iter().collect();
            let goose = in_goose(&histogram);
            for percent in [0.1_f32, 50.0, 90.0, 95.0, 99.0, 99.9] {
                let ours = histogram.percentile(percent.to_string().parse().unwrap());
                assert_eq!(ours, Some(goose.percentile_us(percent / 100.0)), "p{percent} of {count}");
            }
        }
    }

    #[test]
    fn an_empty_histogram_has_no_percentile() {
        let empty = Histogram::default();
        assert_eq!(
            (empty.percentile(50.0), empty.mean(), empty.min(), empty.max()),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_histogram_survives_a_round_trip_through_json() {
        let histogram: Histogram = times(4, 500).into_iter().collect();
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
    }

    #[test]
    fn invalid_histograms_are_rejected() {
        for (min, max, times, why) in [
            (129, 129, r#"{"129": 1}"#, "no bucket has the lower bound 129"),
            (129, 129, r#"{"128": 2}"#, "the buckets do not add up to the count 1"),
            (130, 130, r#"{"128": 1}"#, "no bucket contains the minimum 130"),
            (128, 150, r#"{"128": 1}"#, "no bucket contains the maximum 150"),
            (129, 128, r#"{"128": 1}"#, "no bucket contains the maximum 128"),
        ] {
            let text = format!(
                r#"{{"count": 1, "sum_us": 129, "min_us": {min}, "max_us": {max}, "times_us": {times}}}"#
            );
            let error = serde_json::from_str::<Histogram>(&text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("invalid histogram: {why}")), "{error}");
        }
    }
}
