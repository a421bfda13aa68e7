//! The faults that are in effect at one moment, all together.

use super::fault::{Fault, FaultKind};
use std::time::Duration;

/// The faults that are in effect.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Active {
    /// The delay of responses.
    pub(super) delay: Duration,
    /// The maximum by which a delay is shorter or longer.
    pub(super) jitter: Duration,
    /// The limit of each direction of a connection.
    pub(super) bytes_per_s: Option<u64>,
    /// True if nothing is forwarded.
    pub(super) is_blackhole: bool,
    /// True if connections are refused.
    pub(super) refuses: bool,
    /// The indices of these faults.
    pub(super) indices: Vec<usize>,
}

impl Active {
    /// Returns the faults in effect at a time from the start of the measured load. Delays add up, and the lowest
    /// limit applies.
    pub(super) fn at(faults: &[Fault], elapsed: Duration) -> Self {
        let mut active = Self::default();
        for (index, fault) in faults.iter().enumerate().filter(|(_, fault)| fault.is_active(elapsed)) {
            match fault.kind {
                FaultKind::Latency { delay, jitter } => {
                    active.delay += delay;
                    active.jitter += jitter;
                }
                FaultKind::Throttle { bytes_per_s } => {
                    active.bytes_per_s =
                        Some(active.bytes_per_s.map_or(bytes_per_s, |rate| rate.min(bytes_per_s)));
                }
                FaultKind::Blackhole => active.is_blackhole = true,
                FaultKind::Refuse => active.refuses = true,
                // Resets are events, which affect only the connections that they break: see `connections`.
                FaultKind::Reset(_) => continue,
            }
            active.indices.push(index);
        }
        active
    }

    /// Returns the next time at which a fault begins or ends.
    pub(super) fn next_change(faults: &[Fault], elapsed: Duration) -> Option<Duration> {
        let times = faults.iter().flat_map(|fault| [Some(fault.at), fault.end()]).flatten();
        times.filter(|time| *time > elapsed).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultSet;
    use super::*;

    fn faults(options: &[&str]) -> Vec<Fault> {
        options.iter().flat_map(|text| text.parse::<FaultSet>().unwrap().0).collect()
    }

    #[test]
    fn overlapping_faults_add_up() {
        let faults = faults(&[
            "latency=20ms,jitter=5ms",
            "latency=100ms,at=1s,for=2s",
            "throttle=500,at=2s,for=9s",
            "throttle=900",
            "blackhole,at=9s",
        ]);
        let active = |seconds| Active::at(&faults, Duration::from_secs(seconds));
        assert_eq!((active(0).delay, active(0).bytes_per_s), (Duration::from_millis(20), Some(900)));
        let overlap = Active {
            delay: Duration::from_millis(120),
            jitter: Duration::from_millis(5),
            bytes_per_s: Some(500),
            indices: vec![0, 1, 2, 3],
            ..Active::default()
        };
        assert_eq!(active(2), overlap);
        assert!(active(9).is_blackhole && active(3).delay == Duration::from_millis(20));
    }

    #[test]
    fn every_start_and_end_is_a_change() {
        let faults = faults(&["refuse,at=1s,for=2s", "latency=1s,at=2s"]);
        let mut changes = Vec::new();
        let mut elapsed = Duration::ZERO;
        while let Some(change) = Active::next_change(&faults, elapsed) {
            changes.push(change.as_secs());
            elapsed = change;
        }
        assert_eq!(changes, [1, 2, 3]);
    }
}
