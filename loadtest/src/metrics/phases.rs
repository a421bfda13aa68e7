//! The times of successful calls by phase.

use super::Histogram;
use super::call_groups::micros;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use wiretrait::telemetry::CallPhases;

/// The times of successful calls by phase, in microseconds. Together they are the service time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PhaseMetrics {
    /// Waiting for a connection: until a pooled one was taken, or a new one was dialed.
    pub blocked: Histogram,
    /// Opening a connection, including the lookup of the name; only calls that opened one.
    pub connecting: Histogram,
    /// TLS handshake; only calls that opened a connection over TLS.
    pub tls: Histogram,
    /// Writing the request.
    pub sending: Histogram,
    /// From the request to the first byte of the response.
    pub waiting: Histogram,
    /// From the first to the last byte of the response.
    pub receiving: Histogram,
}

impl PhaseMetrics {
    /// Records a call, unless its transport does not report the phases.
    pub(crate) fn record(&mut self, [start, end]: [Instant; 2], phases: &CallPhases) {
        let (Some(acquired), Some(sent), Some(first_byte)) =
            (phases.acquired, phases.sent, phases.first_byte)
        else {
            return;
        };
        let time = |from: Instant, to: Instant| micros(to.saturating_duration_since(from));
        let dialed = phases.dialed.unwrap_or(acquired);
        self.blocked.record(time(start, dialed));
        if phases.dialed.is_some() {
            self.connecting.record(time(dialed, phases.connected.unwrap_or(acquired)));
        }
        if let Some(connected) = phases.connected {
            self.tls.record(time(connected, acquired));
        }
        self.sending.record(time(acquired, sent));
        self.waiting.record(time(sent, first_byte));
        self.receiving.record(time(first_byte, end));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let Self { blocked, connecting, tls, sending, waiting, receiving } = self;
        blocked.merge(&other.blocked);
        connecting.merge(&other.connecting);
        tls.merge(&other.tls);
        sending.merge(&other.sending);
        waiting.merge(&other.waiting);
        receiving.merge(&other.receiving);
    }

    /// The phases with their names, in the order of a call.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &Histogram); 6] {
        let Self { blocked, connecting, tls, sending, waiting, receiving } = self;
        [
            ("blocked", blocked),
            ("connecting", connecting),
            ("TLS", tls),
            ("sending", sending),
            ("waiting", waiting),
            ("receiving", receiving),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn phases(moments: [Option<u64>; 5]) -> (Instant, CallPhases) {
        let start = Instant::now();
        let mut phases = CallPhases::default();
        let moment = |micros: Option<u64>| micros.map(|micros| start + Duration::from_micros(micros));
        [phases.dialed, phases.connected, phases.acquired, phases.sent, phases.first_byte] =
            moments.map(moment);
        (start, phases)
    }

    fn recorded(moments: [Option<u64>; 5]) -> Vec<(&'static str, u64)> {
        let (start, phases) = phases(moments);
        let mut metrics = PhaseMetrics::default();
        metrics.record([start, start + Duration::from_micros(100)], &phases);
        metrics.all().into_iter().filter_map(|(name, times)| Some((name, times.max()?))).collect()
    }

    #[test]
    fn the_phases_of_a_call_are_its_whole_time() {
        let times = recorded([Some(1), Some(11), Some(31), Some(41), Some(91)]);
        let names = ["blocked", "connecting", "TLS", "sending", "waiting", "receiving"];
        assert_eq!(times, names.into_iter().zip([1, 10, 20, 10, 50, 9]).collect::<Vec<_>>());
    }

    #[test]
    fn a_pooled_connection_has_no_connecting_time() {
        let times = recorded([None, None, Some(2), Some(5), Some(95)]);
        assert_eq!(times, [("blocked", 2), ("sending", 3), ("waiting", 90), ("receiving", 5)]);
    }

    #[test]
    fn the_phases_of_two_workers_add_up() {
        let (start, phases) = phases([Some(1), Some(11), Some(31), Some(41), Some(91)]);
        let mut one = PhaseMetrics::default();
        one.record([start, start + Duration::from_micros(100)], &phases);
        let mut merged = one.clone();
        merged.merge(&one);
        for (name, times) in merged.all() {
            let single = one.all().into_iter().find(|(known, _)| *known == name).unwrap().1;
            assert_eq!((times.count(), times.sum()), (2, 2 * single.sum()), "{name}");
        }
    }

    #[test]
    fn a_call_without_a_response_has_no_phases() {
        assert_eq!(recorded([Some(1), None, Some(2), Some(5), None]), []);
    }
}
