//! The queue of iterations that are due, in the open model.
//!
//! One thread puts each iteration into the queue when it is due, and any free virtual user takes it. An
//! iteration that finds no free user waits for one, and its latency counts from the moment when it was due.
//! Such delays are also counted separately, because they mean that the load generator has too few users.
//!
//! Rejected alternative: users that sleep until their next iteration, because tokio's timers have a
//! resolution of a millisecond, which would be part of every latency.

use super::POLL_INTERVAL;
use super::schedule::{Due, Schedule};
use super::stop::Stop;
use crate::metrics::counts::Phase;
use crate::metrics::rate_metrics::RateMetrics;
use crate::metrics::{CallMetrics, ExecutionSegment, Histogram, StepMetrics};
use crate::sync::{Mutex, lock};
use flume::{Receiver, Sender, TrySendError};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The maximum number of waiting iterations, which take some 50 bytes each. A service that is overloaded for
/// hours must not fill the memory of the load generator; further iterations are dropped.
const MAX_WAITING: usize = 1_000_000;

/// An iteration that is due.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) due: Instant,
    pub(crate) phase: Phase,
    /// The start of its step.
    pub(crate) step_start: Instant,
    /// The metrics of the current rate, in a breakpoint search.
    pub(crate) rate: Option<Arc<RateMetrics>>,
}

/// The phase that iterations are sent for.
#[derive(Clone, Debug)]
pub(crate) enum SendPhase {
    /// The warm-up.
    WarmUp,
    /// The steps of the schedule.
    Steps,
    /// One rate of a breakpoint search.
    Rate(Arc<RateMetrics>),
}

/// The iterations of one step of the rate.
#[derive(Debug, Default)]
struct StepCounts {
    due: AtomicU64,
    started: AtomicU64,
    ended: Mutex<Histogram>,
}

/// The receiving end of the queue, which all virtual users share.
#[derive(Debug)]
pub(crate) struct ArrivalQueue {
    waiting: Receiver<Arrival>,
    /// The number of free users, minus the number of waiting iterations.
    free_users: Arc<AtomicI64>,
    delayed: Arc<AtomicU64>,
    start_delay: Mutex<Histogram>,
    steps: Arc<[StepCounts]>,
}

/// The sending end of the queue. Dropping it ends the queue.
#[derive(Debug)]
pub(crate) struct ArrivalSender {
    queue: Sender<Arrival>,
    waiting: Receiver<Arrival>,
    free_users: Arc<AtomicI64>,
    delayed: Arc<AtomicU64>,
    steps: Arc<[StepCounts]>,
    segment: ExecutionSegment,
    stop: Stop,
}

/// Creates a queue for the iterations of one segment, at a rate of this number of steps.
pub(crate) fn queue(segment: ExecutionSegment, steps: usize, stop: Stop) -> (ArrivalSender, ArrivalQueue) {
    queue_for(MAX_WAITING, segment, steps, stop)
}

/// Creates a queue for a number of waiting iterations.
fn queue_for(
    max_waiting: usize,
    segment: ExecutionSegment,
    steps: usize,
    stop: Stop,
) -> (ArrivalSender, ArrivalQueue) {
    let steps: Arc<[StepCounts]> = (0..steps).map(|_| StepCounts::default()).collect();
    let (queue, waiting) = flume::bounded(max_waiting);
    let (free_users, delayed) = (Arc::<AtomicI64>::default(), Arc::<AtomicU64>::default());
    let sender = ArrivalSender {
        queue,
        waiting: waiting.clone(),
        free_users: Arc::clone(&free_users),
        delayed: Arc::clone(&delayed),
        steps: Arc::clone(&steps),
        segment,
        stop,
    };
    (sender, ArrivalQueue { waiting, free_users, delayed, start_delay: Mutex::default(), steps })
}

impl ArrivalSender {
    /// Sends all iterations of `schedule`, each when it is due. Returns false if the run ended before.
    ///
    /// It blocks its thread. Each worker takes every n-th iteration, so that together they make the load of
    /// one.
    pub(crate) fn send_all(&self, schedule: &Schedule, start: Instant, phase: &SendPhase) -> bool {
        let ExecutionSegment { index, of } = self.segment;
        let mut iteration = u64::from(index);
        while let Some(Due { step, step_start, offset }) = schedule.due(iteration) {
            let due = start + offset;
            if !self.sleep_until(due) {
                return false;
            }
            let is_delayed = self.free_users.fetch_sub(1, Ordering::Relaxed) <= 0;
            if is_delayed && !matches!(phase, SendPhase::WarmUp) {
                self.delayed.fetch_add(1, Ordering::Relaxed);
            }
            let (phase, rate) = match phase {
                SendPhase::WarmUp => (Phase::WarmUp, None),
                SendPhase::Steps => (Phase::Step(step), None),
                SendPhase::Rate(rate) => (Phase::ByTime, Some(Arc::clone(rate))),
            };
            if let Some(rate) = &rate {
                rate.iteration_due();
            }
            if let Some(counts) = of_phase(&self.steps, phase) {
                counts.due.fetch_add(1, Ordering::Relaxed);
            }
            let arrival = Arrival { due, phase, step_start: start + step_start, rate };
            match self.queue.try_send(arrival) {
                Ok(()) => (),
                Err(TrySendError::Full(_)) => {
                    self.free_users.fetch_add(1, Ordering::Relaxed);
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
            iteration += u64::from(of);
        }
        let end = start + Duration::try_from_secs_f64(schedule.seconds()).unwrap_or_default();
        self.sleep_until(end)
    }

    /// Sleeps until `time`. Returns false if the run ended before.
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

    /// Removes the waiting iterations.
    pub(crate) fn discard(&self) {
        for _ in self.waiting.drain() {
            self.free_users.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of free users.
    pub(crate) fn free_users(&self) -> usize {
        usize::try_from(self.free_users.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// The number of iterations that wait for a free user.
    pub(crate) fn backlog(&self) -> usize {
        self.waiting.len()
    }
}

impl ArrivalQueue {
    /// Waits for the next iteration. Returns `None` at the end of the queue.
    pub(crate) async fn next(&self) -> Option<Arrival> {
        self.free_users.fetch_add(1, Ordering::Relaxed);
        self.waiting.recv_async().await.ok()
    }

    /// Counts an iteration that starts.
    pub(crate) fn started(&self, arrival: &Arrival) {
        if arrival.phase != Phase::WarmUp {
            lock(&self.start_delay).record(micros_since(arrival.due));
        }
        if let Some(counts) = of_phase(&self.steps, arrival.phase) {
            counts.started.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an iteration that has ended.
    pub(crate) fn ended(&self, phase: Phase, step_start: Instant) {
        if let Some(counts) = of_phase(&self.steps, phase) {
            lock(&counts.ended).record(micros_since(step_start));
        }
    }

    /// The iterations of each step, with the calls of each.
    pub(crate) fn steps(&self, calls: Vec<CallMetrics>) -> Vec<StepMetrics> {
        let steps = self.steps.iter().zip(calls).map(|(counts, calls)| StepMetrics {
            due: counts.due.load(Ordering::Relaxed),
            started: counts.started.load(Ordering::Relaxed),
            ended: lock(&counts.ended).clone(),
            calls,
        });
        steps.collect()
    }

    /// The number of iterations that were due and have not started.
    pub(crate) fn dropped(&self) -> u64 {
        let sum = |count: fn(&StepCounts) -> &AtomicU64| -> u64 {
            self.steps.iter().map(|step| count(step).load(Ordering::Relaxed)).sum()
        };
        sum(|step| &step.due).saturating_sub(sum(|step| &step.started))
    }

    /// The number of iterations that had to wait for a free user.
    pub(crate) fn delayed(&self) -> u64 {
        self.delayed.load(Ordering::Relaxed)
    }

    /// The time between the moment when an iteration was due and its start.
    pub(crate) fn start_delay(&self) -> Histogram {
        lock(&self.start_delay).clone()
    }
}

fn of_phase(steps: &[StepCounts], phase: Phase) -> Option<&StepCounts> {
    match phase {
        Phase::Step(step) => steps.get(step),
        Phase::ByTime | Phase::WarmUp => None,
    }
}

fn micros_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::RateStep;

    /// The iterations that a worker sends of 100 within a tenth of a second.
    fn sent(segment: ExecutionSegment, free_users: usize) -> (Vec<Duration>, ArrivalQueue) {
        let schedule = Schedule::new(&[RateStep { from: 1_000.0, to: 1_000.0, seconds: 0.1 }]);
        let (sender, arrivals) = queue(segment, 1, Stop::default());
        arrivals.free_users.store(i64::try_from(free_users).unwrap(), Ordering::Relaxed);
        let start = Instant::now();
        assert!(sender.send_all(&schedule, start, &SendPhase::Steps));
        let dues = arrivals.waiting.drain().map(|arrival| arrival.due - start).collect();
        (dues, arrivals)
    }

    #[test]
    fn workers_send_every_iteration_once() {
        let mut all: Vec<_> =
            (0..3).flat_map(|index| sent(ExecutionSegment { index, of: 3 }, 100).0).collect();
        all.sort();
        let millis: Vec<_> = all.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn iterations_without_a_free_user_are_counted() {
        let (_, arrivals) = sent(ExecutionSegment::WHOLE, 60);
        assert_eq!(arrivals.delayed(), 40);
    }

    #[test]
    fn iterations_are_dropped_when_too_many_wait() {
        let schedule = Schedule::new(&[RateStep { from: 1_000.0, to: 1_000.0, seconds: 0.1 }]);
        let (sender, arrivals) = queue_for(10, ExecutionSegment::WHOLE, 1, Stop::default());
        assert!(sender.send_all(&schedule, Instant::now(), &SendPhase::Steps));
        assert_eq!((sender.backlog(), arrivals.dropped()), (10, 100));
        for arrival in arrivals.waiting.drain() {
            arrivals.started(&arrival);
        }
        assert_eq!(arrivals.dropped(), 90);
        assert_eq!(arrivals.free_users.load(Ordering::Relaxed), -10);
    }

    #[test]
    fn nothing_is_sent_after_the_run_ended() {
        let stop = Stop::default();
        let (sender, arrivals) = queue(ExecutionSegment::WHOLE, 1, stop.clone());
        stop.end();
        let schedule = Schedule::new(&[RateStep { from: 1.0, to: 1.0, seconds: 1e9 }]);
        assert!(!sender.send_all(&schedule, Instant::now(), &SendPhase::Steps));
        assert_eq!(arrivals.dropped(), 0);
    }

    #[tokio::test]
    async fn the_queue_ends_when_its_sender_is_dropped() {
        let (sender, arrivals) = queue(ExecutionSegment::WHOLE, 1, Stop::default());
        drop(sender);
        assert!(arrivals.next().await.is_none());
    }
}
