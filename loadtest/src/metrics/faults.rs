//! The faults that were injected in a run, and the calls that failed meanwhile.

use super::{Results, SecondSet, add};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A fault that was injected on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FaultWindow {
    /// The kind, such as `latency`.
    pub kind: String,
    /// The kind with its parameters, such as `latency=200ms`.
    pub fault: String,
    /// The start.
    pub from: DateTime<Utc>,
    /// The end, or that of the load if it is earlier.
    pub to: DateTime<Utc>,
    /// The time after the end in which calls may still fail because of it, in milliseconds.
    pub grace_ms: u64,
    /// The number of connections that it affected.
    pub connections: u64,
    /// The number of calls that failed meanwhile. Calls that met several faults count for each.
    pub failed_calls: u64,
}

/// The calls that failed while faults lasted, without violations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExpectedFailures {
    /// The number of calls.
    pub calls: u64,
    /// The seconds from the start of each of them to its end.
    pub seconds: SecondSet,
}

impl FaultWindow {
    /// Adds the same fault of another worker.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        add(&mut self.connections, other.connections);
        add(&mut self.failed_calls, other.failed_calls);
    }

    /// Moves the window to the clock of another worker.
    pub(crate) fn shift(&mut self, ahead: TimeDelta) {
        let shifted = |time: DateTime<Utc>| time.checked_sub_signed(ahead).unwrap_or(time);
        (self.from, self.to) = (shifted(self.from), shifted(self.to));
    }
}

impl ExpectedFailures {
    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.calls, other.calls);
        self.seconds.merge(&other.seconds);
    }
}

impl Results {
    /// The failed calls that no criterion judges, because a fault was injected.
    #[must_use]
    pub fn expected_failed_calls(&self) -> u64 {
        if self.pass_criteria.counts_faults { 0 } else { self.expected_failures.calls }
    }

    /// The outages that are judged: those without the seconds of injected faults.
    #[must_use]
    pub fn unexpected_outages(&self) -> SecondSet {
        let outages = self.outages();
        if self.pass_criteria.counts_faults {
            return outages;
        }
        let mut faults = self.expected_failures.seconds.clone();
        for window in &self.faults {
            let grace = TimeDelta::milliseconds(window.grace_ms.try_into().unwrap_or(i64::MAX));
            let end = window.to.checked_add_signed(grace).unwrap_or(window.to);
            let [from, to] =
                [window.from, end].map(|time| u64::try_from(time.timestamp()).unwrap_or_default());
            faults.insert_range(from..to.saturating_add(1));
        }
        outages.without(&faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    /// Ten seconds of calls, which all fail in the seconds from 3 to 5 and from 8 to 9.
    fn results() -> Results {
        let mut calls = sample::calls(1, 2_000, 10);
        for call in &mut calls {
            if (2_750_000..4_750_000).contains(&call.at_us) || (7_750_000..8_750_000).contains(&call.at_us) {
                (call.micros, call.failure) = (0, Some("timeout"));
            }
        }
        sample::results(&calls)
    }

    fn window(from_ms: i64, to_ms: i64) -> FaultWindow {
        let [from, to] = [from_ms, to_ms].map(|millis| sample::started() + TimeDelta::milliseconds(millis));
        FaultWindow {
            kind: "blackhole".to_owned(),
            fault: "blackhole".to_owned(),
            from,
            to,
            grace_ms: 0,
            connections: 8,
            failed_calls: 0,
        }
    }

    #[test]
    fn seconds_of_faults_count_as_outage_only_if_they_are_judged() {
        let mut results = results();
        assert_eq!(results.unexpected_outages().count(), 3);
        results.faults = vec![window(2_750, 4_700)];
        assert_eq!(results.unexpected_outages().count(), 1);
        results.pass_criteria.counts_faults = true;
        assert_eq!(results.unexpected_outages().count(), 3);
    }

    #[test]
    fn a_call_that_waits_beyond_a_fault_does_not_count_as_outage() {
        let mut results = results();
        let second = results.outages().first().unwrap();
        results.expected_failures.seconds.insert_range(second..second + 2);
        assert_eq!(results.unexpected_outages().count(), 1);
    }

    #[test]
    fn windows_of_workers_are_united() {
        let mut one = window(0, 2_000);
        one.merge(&FaultWindow { failed_calls: 3, ..window(-100, 1_900) });
        let expected =
            FaultWindow { from: window(-100, 0).from, connections: 16, failed_calls: 3, ..window(0, 2_000) };
        assert_eq!(one, expected);
    }
}
