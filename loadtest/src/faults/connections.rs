//! The open connections of all relays, which faults reset and count.

use super::fault::ResetRate;
use crate::sync::{Mutex, lock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

/// The time between two draws of the connections that are reset.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);

/// The open connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// Each with the sender that resets it, once.
    open: Mutex<Vec<(u64, Option<oneshot::Sender<()>>)>>,
    next_id: AtomicU64,
    closed: Notify,
    /// The number of connections that each fault has affected.
    affected: Vec<AtomicU64>,
}

impl Connections {
    pub(super) fn new(faults: usize) -> Self {
        Self { affected: (0..faults).map(|_| AtomicU64::new(0)).collect(), ..Self::default() }
    }

    /// Adds a connection that is opened while some faults are in effect.
    pub(super) fn opened(&self, faults: &[usize]) -> (u64, oneshot::Receiver<()>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.open).push((id, Some(sender)));
        for fault in faults {
            self.affect(*fault, 1);
        }
        (id, receiver)
    }

    /// Removes a connection.
    pub(super) fn closed(&self, id: u64) {
        lock(&self.open).retain(|(open, _)| *open != id);
        self.closed.notify_waiters();
    }

    /// Counts all open connections as affected by a fault.
    pub(super) fn affect_open(&self, fault: usize) {
        let open = lock(&self.open).len();
        self.affect(fault, open as u64);
    }

    fn affect(&self, fault: usize, connections: u64) {
        if let Some(affected) = self.affected.get(fault) {
            affected.fetch_add(connections, Ordering::Relaxed);
        }
    }

    /// The number of connections that a fault has affected.
    pub(super) fn affected(&self, fault: usize) -> u64 {
        self.affected.get(fault).map_or(0, |affected| affected.load(Ordering::Relaxed))
    }

    /// Resets all open connections.
    pub(super) fn reset_all(&self) {
        self.reset_if(|_| true);
    }

    /// Resets all connections and waits until they are closed, or for a second.
    pub(super) async fn close(&self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        self.reset_all();
        loop {
            let closed = self.closed.notified();
            if lock(&self.open).is_empty() {
                return;
            }
            if tokio::time::timeout_at(deadline, closed).await.is_err() {
                return;
            }
        }
    }

    /// Resets the connections that a function chooses. Returns their number.
    fn reset_if(&self, mut chosen: impl FnMut(usize) -> bool) -> u64 {
        let mut open = lock(&self.open);
        let mut reset = 0;
        for (index, (_, sender)) in open.iter_mut().enumerate() {
            if sender.is_some() && chosen(index) {
                reset += u64::from(sender.take().is_some_and(|sender| sender.send(()).is_ok()));
            }
        }
        reset
    }

    /// Resets connections at a rate from one moment to another.
    pub(super) async fn reset_at_rate(
        &self,
        fault: usize,
        rate: ResetRate,
        [from, to]: [Option<Instant>; 2],
        mut random: fastrand::Rng,
    ) {
        let Some(mut next) = from else { return };
        loop {
            next += match rate {
                ResetRate::PerSecond(rate) => Duration::from_secs_f64(1.0 / rate),
                ResetRate::Share(_) => DRAW_INTERVAL,
            };
            if to.is_some_and(|to| next >= to) {
                return;
            }
            sleep_until(next).await;
            let reset = match rate {
                ResetRate::PerSecond(_) => {
                    let open = lock(&self.open).len();
                    let one = if open > 0 { random.usize(..open) } else { 0 };
                    self.reset_if(|index| index == one)
                }
                ResetRate::Share(share) => {
                    // The same share of those that are left, in each draw.
                    let share = 1.0 - (1.0 - share).powf(DRAW_INTERVAL.as_secs_f64());
                    self.reset_if(|_| random.f64() < share)
                }
            };
            self.affect(fault, reset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens connections, resets them for two seconds, and returns how many were.
    async fn resets(rate: ResetRate) -> u64 {
        let connections = Connections::new(1);
        let open: Vec<_> = (0..1_000).map(|_| connections.opened(&[]).1).collect();
        let start = Instant::now();
        let window = [Some(start), Some(start + Duration::from_secs(2))];
        connections.reset_at_rate(0, rate, window, fastrand::Rng::with_seed(1)).await;
        let reset = open.into_iter().filter_map(|mut reset| reset.try_recv().ok()).count() as u64;
        assert_eq!(connections.affected(0), reset);
        reset
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_reset_at_a_rate() {
        // Few of them are drawn twice.
        assert!((18..20).contains(&resets(ResetRate::PerSecond(10.0)).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_of_the_connections_is_reset_in_each_second() {
        let reset = resets(ResetRate::Share(0.1)).await;
        assert!((120..230).contains(&reset), "{reset}");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_counted_for_the_faults_that_they_meet() {
        let connections = Connections::new(2);
        let (id, _first) = connections.opened(&[]);
        let (_, mut second) = connections.opened(&[1]);
        connections.affect_open(0);
        assert_eq!([0, 1].map(|fault| connections.affected(fault)), [2, 1]);
        connections.closed(id);
        connections.reset_all();
        assert_eq!(second.try_recv(), Ok(()));
    }
}
