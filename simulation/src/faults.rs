//! The faults of a run, with the times at which they are active.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A fault that is active from `from` until `to`, counted from the start of the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FaultKind {
    /// Packets between the client and a host are lost, and sent again afterwards.
    Partition { host: usize, direction: Direction },
    /// The latency is `factor` times as long.
    SlowNetwork { factor: u32 },
    /// The process of a host is killed, and started again at the end.
    Killed { host: usize },
    /// A host loses its power: open connections are not closed, and packets are lost until the end.
    PowerLoss { host: usize },
    /// The name of the service moves to a host, and stays there.
    NameMoves { host: usize },
    /// Name lookups fail.
    LookupFails,
    /// Name lookups have no result until the end.
    LookupHangs,
    /// New connections are cut after a number of bytes.
    Cuts { direction: Direction, how: Cut, after: RangeInclusive<u64> },
    /// A gateway in front of a host responds with an error to `percent` of the requests.
    Rejects { host: usize, rejection: Rejection, percent: u8 },
    /// Responses of a host are late.
    Stalls { host: usize, by: Duration },
    /// The tokens issued so far are revoked at the start.
    TokensRevoked,
    /// The token server returns errors.
    TokenServerFails,
    /// The token server does not respond until the end.
    TokenServerHangs,
    /// The wall clock of the client jumps at the start, and stays changed.
    ClockJumps { seconds: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToHost,
    ToClient,
    Both,
}

impl Direction {
    pub(crate) fn includes(self, other: Self) -> bool {
        self == Self::Both || self == other
    }
}

/// The end of a connection in the middle of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Both ends receive a reset.
    Reset,
    /// The receiver sees an ordinary end.
    Closed,
    /// Nothing arrives any more in either direction, and no end learns of it.
    Silent,
}

/// An error response of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) status: u16,
    pub(crate) retry_after: RetryAfter,
    /// The service executes the request although the gateway responds with an error.
    pub(crate) is_executed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    Absent,
    Seconds(u64),
    /// A date, so many seconds after the `Date` of the response.
    Date(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, kind } = self;
        write!(f, "{:.3}..{:.3} s: {kind:?}", from.as_secs_f64(), to.as_secs_f64())
    }
}

/// The faults of a run that has started.
#[derive(Clone)]
pub(crate) struct Schedule {
    start: Instant,
    faults: Arc<[Fault]>,
}

impl Schedule {
    /// Starts the run now.
    pub(crate) fn start(faults: &[Fault]) -> Self {
        Self { start: Instant::now(), faults: faults.into() }
    }

    /// Returns the time since the start of the run.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn instant(&self, time: Duration) -> Instant {
        self.start + time
    }

    /// Returns the faults that are active at `time`, each with its end.
    pub(crate) fn active(&self, time: Duration) -> impl Iterator<Item = (&FaultKind, Duration)> {
        let is_active = move |fault: &&Fault| fault.from <= time && time < fault.to;
        self.faults.iter().filter(is_active).map(|fault| (&fault.kind, fault.to))
    }

    /// Returns all faults that have begun at `time`.
    pub(crate) fn begun(&self, time: Duration) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(move |fault| fault.from <= time)
    }

    /// Returns when a packet that would arrive at `time` does arrive: after the partitions, with the delay `resent`
    /// of its retransmission.
    pub(crate) fn passes(
        &self,
        host: usize,
        direction: Direction,
        time: Duration,
        resent: Duration,
    ) -> Duration {
        let mut arrival = time;
        loop {
            let end = self.active(arrival).filter_map(|(kind, end)| match kind {
                FaultKind::Partition { host: of, direction: lost } => {
                    (*of == host && lost.includes(direction)).then_some(end)
                }
                FaultKind::PowerLoss { host: of } => (*of == host).then_some(end),
                _ => None,
            });
            match end.max() {
                Some(end) => arrival = end + resent,
                None => return arrival,
            }
        }
    }

    /// Returns the next outage of a host from `time` on: its start, its end, and whether its power is lost.
    pub(crate) fn next_outage(&self, host: usize, time: Duration) -> Option<(Duration, Duration, bool)> {
        let outages = self.faults.iter().filter_map(|fault| {
            let (of, is_power_loss) = match fault.kind {
                FaultKind::Killed { host } => (host, false),
                FaultKind::PowerLoss { host } => (host, true),
                _ => return None,
            };
            (of == host && fault.to > time).then_some((fault.from, fault.to, is_power_loss))
        });
        outages.min_by_key(|(from, ..)| *from)
    }

    /// Returns the host that the name of the service has at `time`.
    pub(crate) fn host_of_name(&self, time: Duration) -> usize {
        let moves = self.begun(time).filter_map(|fault| match fault.kind {
            FaultKind::NameMoves { host } => Some((fault.from, host)),
            _ => None,
        });
        moves.max_by_key(|(from, _)| *from).map_or(0, |(_, host)| host)
    }

    /// Returns the seconds by which the wall clock of the client is ahead at `time`.
    pub(crate) fn clock_offset(&self, time: Duration) -> i64 {
        let jumps = self.begun(time).filter_map(|fault| match fault.kind {
            FaultKind::ClockJumps { seconds } => Some(seconds),
            _ => None,
        });
        jumps.sum()
    }

    /// Returns how often tokens were revoked after `from` and until `to`.
    pub(crate) fn revocations(&self, from: Duration, to: Duration) -> usize {
        let within =
            |fault: &&Fault| fault.kind == FaultKind::TokensRevoked && from < fault.from && fault.from <= to;
        self.faults.iter().filter(within).count()
    }
}
