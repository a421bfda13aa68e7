//! The seconds of a run in which calls succeeded, failed, or waited for a response.
//!
//! A share of failed calls hides an outage: users that wait for a response make hardly any calls while the
//! service is down. So outages are measured in time, in whole seconds since 1970, whose sets of several workers
//! add up exactly.

use super::sum;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A set of seconds since 1970, as ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct SecondSet {
    /// In ascending order, not empty, with gaps between them.
    ranges: Vec<Range<u64>>,
}

impl SecondSet {
    /// Adds a second.
    pub fn insert(&mut self, second: u64) {
        self.insert_range(second..second.saturating_add(1));
    }

    /// Adds consecutive seconds. It is fast at the end of the set.
    pub fn insert_range(&mut self, mut range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.ranges.partition_point(|known| known.end < range.start);
        let touching = self.ranges[first..].iter().take_while(|known| known.start <= range.end).count();
        for known in &self.ranges[first..first + touching] {
            range = range.start.min(known.start)..range.end.max(known.end);
        }
        self.ranges.splice(first..first + touching, [range]);
    }

    /// Adds all seconds of another set.
    pub fn merge(&mut self, other: &Self) {
        other.ranges.iter().for_each(|range| self.insert_range(range.clone()));
    }

    /// Returns these seconds without those of another set.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut rest = Vec::new();
        for range in &self.ranges {
            let mut start = range.start;
            let first = other.ranges.partition_point(|known| known.end <= start);
            for known in other.ranges[first..].iter().take_while(|known| known.start < range.end) {
                if start < known.start {
                    rest.push(start..known.start);
                }
                start = known.end;
            }
            if start < range.end {
                rest.push(start..range.end);
            }
        }
        Self { ranges: rest }
    }

    /// Returns the seconds of this set within a range.
    pub(super) fn within(&self, limits: &Range<u64>) -> Self {
        let cut = |range: &Range<u64>| range.start.max(limits.start)..range.end.min(limits.end);
        Self { ranges: self.ranges.iter().map(cut).filter(|range| !range.is_empty()).collect() }
    }

    /// The number of seconds.
    #[must_use]
    pub fn count(&self) -> u64 {
        sum(self.ranges.iter().map(seconds))
    }

    /// The ranges in ascending order, with gaps between them.
    #[must_use]
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = &Range<u64>> {
        self.ranges.iter()
    }

    /// The first second.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.ranges.first().map(|range| range.start)
    }
}

fn seconds(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// The JSON form of a set: its first second, then in turn the lengths of its ranges and of the gaps between
/// them, so that each takes a few bytes.
impl From<SecondSet> for Vec<u64> {
    fn from(set: SecondSet) -> Self {
        let mut lengths = Self::new();
        let mut end = 0;
        for range in set.ranges {
            lengths.extend([range.start - end, seconds(&range)]);
            end = range.end;
        }
        lengths
    }
}

impl TryFrom<Vec<u64>> for SecondSet {
    type Error = &'static str;

    fn try_from(lengths: Vec<u64>) -> Result<Self, &'static str> {
        let mut ranges = Vec::new();
        let mut end = 0_u64;
        let (pairs, rest) = lengths.as_chunks::<2>();
        for [gap, length] in pairs {
            let start = end.checked_add(*gap).ok_or("a second is too large")?;
            end = start.checked_add(*length).ok_or("a second is too large")?;
            if start == end || (*gap == 0 && !ranges.is_empty()) {
                return Err("a length is 0");
            }
            ranges.push(start..end);
        }
        if rest.is_empty() { Ok(Self { ranges }) } else { Err("the length of the last range is missing") }
    }
}

/// The calls that must have been expected in some seconds for their absence to be an outage, and no chance.
const EXPECTED_CALLS: f64 = 10.0;

/// The seconds in which calls succeeded, failed, or waited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Availability {
    /// Seconds in which a call succeeded.
    pub succeeded: SecondSet,
    /// Seconds in which a call failed.
    pub failed: SecondSet,
    /// Seconds through all of which a call waited for its response.
    pub waited: SecondSet,
}

impl Availability {
    /// Adds the seconds of another worker.
    pub fn merge(&mut self, other: &Self) {
        self.succeeded.merge(&other.succeeded);
        self.failed.merge(&other.failed);
        self.waited.merge(&other.waited);
    }

    /// Returns the whole seconds of a run in which calls failed or waited, and none succeeded.
    ///
    /// Consecutive ones count only if ten calls would have succeeded in them at the rate of the other seconds:
    /// users that pause, and a service whose calls take seconds, have seconds without a success by chance.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of calls and seconds")]
    pub fn outages(&self, run: &Range<u64>, successes: u64) -> SecondSet {
        let mut tried = self.failed.clone();
        tried.merge(&self.waited);
        let mut outages = tried.without(&self.succeeded).within(run);
        let other_seconds = seconds(run).saturating_sub(outages.count()).max(1);
        let rate = successes as f64 / other_seconds as f64;
        outages.ranges.retain(|range| successes == 0 || seconds(range) as f64 * rate >= EXPECTED_CALLS);
        outages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(seconds: impl IntoIterator<Item = u64>) -> SecondSet {
        let mut set = SecondSet::default();
        seconds.into_iter().for_each(|second| set.insert(second));
        set
    }

    #[test]
    fn a_set_has_the_same_ranges_in_whatever_order_it_was_filled() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut seconds: Vec<_> = (0..300).filter(|_| random.bool()).collect();
        let ascending = set(seconds.iter().copied());
        assert_eq!(ascending.count(), seconds.len() as u64);
        for _ in 0..20 {
            random.shuffle(&mut seconds);
            assert_eq!(set(seconds.iter().copied()), ascending);
        }
        assert_eq!(set([3, 1, 2, 7]).ranges, [1..4, 7..8]);
    }

    #[test]
    fn the_difference_of_two_sets_has_the_seconds_of_only_the_first() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..50 {
            let [one, other]: [Vec<u64>; 2] =
                [0, 1].map(|_| (0..60).filter(|_| random.u8(..3) > 0).collect());
            let rest = one.iter().copied().filter(|second| !other.contains(second));
            assert_eq!(set(one.iter().copied()).without(&set(other.iter().copied())), set(rest));
        }
    }

    #[test]
    fn a_set_survives_a_round_trip_through_json() {
        let seconds = set((1_764_072_000..1_764_075_600).filter(|second| second % 900 != 7));
        let json = serde_json::to_string(&seconds).unwrap();
        assert_eq!(json, "[1764072000,7,1,899,1,899,1,899,1,892]");
        assert_eq!(serde_json::from_str::<SecondSet>(&json).unwrap(), seconds);
    }

    #[test]
    fn invalid_sets_are_rejected() {
        for json in ["[1]", "[1,0]", "[1,2,0,3]", "[1,18446744073709551615]"] {
            assert!(serde_json::from_str::<SecondSet>(json).is_err(), "{json}");
        }
        assert_eq!(serde_json::from_str::<SecondSet>("[0,2]").unwrap(), set([0, 1]));
    }

    fn outages(availability: &Availability, successes: u64) -> SecondSet {
        availability.outages(&(100..108), successes)
    }

    #[test]
    fn seconds_without_a_success_are_an_outage_if_calls_failed_or_waited() {
        let succeeded = set([100, 101, 104, 105, 106, 107]);
        let failed = Availability { succeeded: succeeded.clone(), failed: set([103, 104]), waited: set([]) };
        assert_eq!(outages(&failed, 6_000), set(103..104));
        let waited = Availability { waited: set([102]), ..failed.clone() };
        assert_eq!(outages(&waited, 6_000), set(102..104));
        let idle = Availability { succeeded, ..Availability::default() };
        assert_eq!(outages(&idle, 6_000), set([]));
    }

    #[test]
    fn a_service_that_succeeds_seldom_has_no_outage_by_chance() {
        let succeeded = set([100, 103, 106]);
        let slow = Availability { waited: set([101, 102, 104, 105]), succeeded, failed: set([107]) };
        assert_eq!(outages(&slow, 3), set([]));
        // Two calls per second: a gap of five seconds is not a coincidence.
        let gap = Availability { succeeded: set([100, 101, 107]), failed: set(102..107), waited: set([]) };
        assert_eq!(outages(&gap, 6), set(102..107));
    }

    #[test]
    fn a_run_without_any_success_is_an_outage_as_a_whole() {
        let dead = Availability { failed: set([107]), waited: set(99..107), succeeded: set([]) };
        assert_eq!(outages(&dead, 0), set(100..108));
    }

    #[test]
    fn seconds_that_the_run_did_not_last_through_do_not_count() {
        let cut = Availability { failed: set([99, 108]), ..Availability::default() };
        assert_eq!(outages(&cut, 1_000), set([]));
    }
}
