//! Open load: iterations that begin when they are due, whether those before are done or not.
//!
//! One thread keeps the time and hands each arrival to whichever lane waits; a lane is a user of goose. Lanes that slept until
//! their own next arrival were refused: tokio's timers are a millisecond wide, which would be in every latency. An
//! arrival that finds no lane waits for one, and its latency counts from when it was due; that there was no lane is
//! told apart, since it is the generator that had too few.

use super::schedule::Schedule;
use super::stop::Stop;
use crate::metrics::recorder::Window;
use crate::metrics::{Histogram, Worker};
use flume::{Receiver, Sender};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest sleep before somebody looks whether the run is over.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// An iteration that is to begin.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) due: Instant,
    /// Where its calls are counted as well, in a run that looks for the limit.
    pub(crate) window: Option<Arc<Window>>,
}

/// The arrivals of a run, and how the lanes keep up with them.
#[derive(Debug)]
pub(crate) struct Arrivals {
    waiting: Receiver<Arrival>,
    /// How many lanes wait, less the arrivals that wait for a lane.
    idle: Arc<AtomicI64>,
    without_lane: Arc<AtomicU64>,
    lateness: Mutex<Histogram>,
}

/// Sends arrivals to the lanes; when it is dropped, there are no more.
#[derive(Debug)]
pub(crate) struct ArrivalSender {
    queue: Sender<Arrival>,
    waiting: Receiver<Arrival>,
    idle: Arc<AtomicI64>,
    without_lane: Arc<AtomicU64>,
    share: Worker,
    stop: Stop,
}

/// The two ends of a queue of arrivals, of which this worker has its share.
pub(crate) fn arrivals(share: Worker, stop: Stop) -> (ArrivalSender, Arrivals) {
    let (queue, waiting) = flume::unbounded();
    let (idle, without_lane) = (Arc::<AtomicI64>::default(), Arc::<AtomicU64>::default());
    let sender = ArrivalSender {
        queue,
        waiting: waiting.clone(),
        idle: Arc::clone(&idle),
        without_lane: Arc::clone(&without_lane),
        share,
        stop,
    };
    (sender, Arrivals { waiting, idle, without_lane, lateness: Mutex::default() })
}

impl ArrivalSender {
    /// Sends all arrivals of `schedule`, each when it is due after `start`; whether it came to the end.
    ///
    /// It blocks its thread. Each worker takes every n-th arrival, so that together they make the load of one.
    pub(crate) fn send_all(&self, schedule: &Schedule, start: Instant, window: Option<&Arc<Window>>) -> bool {
        let Worker { index, of } = self.share;
        let mut arrival = u64::from(index);
        while let Some(offset) = schedule.due(arrival) {
            let due = start + offset;
            if !self.sleep_until(due) {
                return false;
            }
            if self.idle.fetch_sub(1, Ordering::Relaxed) <= 0 {
                self.without_lane.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(window) = window {
                window.due();
            }
            if self.queue.send(Arrival { due, window: window.cloned() }).is_err() {
                return false;
            }
            arrival += u64::from(of);
        }
        let end = start + Duration::try_from_secs_f64(schedule.seconds()).unwrap_or_default();
        self.sleep_until(end)
    }

    /// Whether the run goes on until `time`.
    fn sleep_until(&self, time: Instant) -> bool {
        loop {
            if self.stop.is_due() {
                return false;
            }
            let left = time.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }

    /// Takes back the arrivals that wait for a lane.
    pub(crate) fn discard(&self) {
        for _ in self.waiting.drain() {
            self.idle.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lanes wait for an arrival.
    pub(crate) fn idle(&self) -> usize {
        usize::try_from(self.idle.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// How many arrivals wait for a lane.
    pub(crate) fn backlog(&self) -> usize {
        self.waiting.len()
    }
}

impl Arrivals {
    /// The next arrival for a lane; none if there will be no more.
    pub(crate) async fn next(&self) -> Option<Arrival> {
        self.idle.fetch_add(1, Ordering::Relaxed);
        let arrival = self.waiting.recv_async().await.ok()?;
        let late = u64::try_from(arrival.due.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner).record(late);
        Some(arrival)
    }

    /// Arrivals that were due and have found no lane to the end.
    pub(crate) fn never_begun(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(crate) fn without_lane(&self) -> u64 {
        self.without_lane.load(Ordering::Relaxed)
    }

    pub(crate) fn lateness(&self) -> Histogram {
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::RateStep;

    /// What a worker sends of 100 arrivals within a tenth of a second.
    fn sent(share: Worker, lanes: usize) -> (Vec<Duration>, Arrivals) {
        let schedule = Schedule::new(&[RateStep { from: 1_000.0, to: 1_000.0, seconds: 0.1 }]);
        let (sender, arrivals) = arrivals(share, Stop::default());
        arrivals.idle.store(i64::try_from(lanes).unwrap(), Ordering::Relaxed);
        let start = Instant::now();
        assert!(sender.send_all(&schedule, start, None));
        let dues = arrivals.waiting.drain().map(|arrival| arrival.due - start).collect();
        (dues, arrivals)
    }

    #[test]
    fn the_workers_together_have_each_arrival_once() {
        let mut all: Vec<_> = (0..3).flat_map(|index| sent(Worker { index, of: 3 }, 100).0).collect();
        all.sort();
        let millis: Vec<_> = all.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn an_arrival_that_finds_no_lane_is_counted() {
        let (_, arrivals) = sent(Worker { index: 0, of: 1 }, 60);
        assert_eq!(arrivals.without_lane(), 40);
    }

    #[test]
    fn nothing_is_sent_once_the_run_is_over() {
        let stop = Stop::default();
        let (sender, arrivals) = arrivals(Worker { index: 0, of: 1 }, stop.clone());
        stop.end();
        let schedule = Schedule::new(&[RateStep { from: 1.0, to: 1.0, seconds: 1e9 }]);
        assert!(!sender.send_all(&schedule, Instant::now(), None));
        assert_eq!(arrivals.never_begun(), 0);
    }

    #[tokio::test]
    async fn lanes_learn_that_there_are_no_more_arrivals() {
        let (sender, arrivals) = arrivals(Worker { index: 0, of: 1 }, Stop::default());
        drop(sender);
        assert!(arrivals.next().await.is_none());
    }
}
