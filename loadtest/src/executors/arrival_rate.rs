//! The arrival-rate executor: a thread that makes iterations due, and ends the run after the last one.

use super::POLL_INTERVAL;
use super::arrivals::{ArrivalSender, SendPhase};
use super::schedule::Schedule;
use super::shared::SharedState;
use crate::metrics::RateStep;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The maximum time until goose has started all users.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends iterations to the pre-allocated virtual users.
#[derive(Debug)]
pub(crate) struct ArrivalRateExecutor {
    pub(crate) arrivals: ArrivalSender,
    pub(crate) shared: Arc<SharedState>,
    pub(crate) pre_allocated_vus: usize,
    /// The maximum time for iterations in flight to end.
    pub(crate) graceful_stop: Duration,
    /// The executors of the run that have not ended. The last of them ends the run.
    pub(crate) running: Arc<AtomicUsize>,
}

impl ArrivalRateExecutor {
    /// Calls `run` in a new thread. Ends the run when it panics, and when it has returned for all executors: goose
    /// would not.
    pub(crate) fn start(self, run: impl FnOnce(&Self) + Send + 'static) {
        thread::spawn(move || {
            let stop = self.shared.stop.clone();
            let run_to_end = || {
                self.wait(SETUP_TIMEOUT, || self.arrivals.free_users() >= self.pre_allocated_vus);
                run(&self);
            };
            match catch_unwind(AssertUnwindSafe(run_to_end)) {
                Ok(()) if self.running.fetch_sub(1, Ordering::SeqCst) > 1 => (),
                Ok(()) => stop.end_as_planned(),
                Err(_) => stop.fail("the arrival-rate executor panicked"),
            }
        });
    }

    /// Sends iterations at a constant rate that no criterion judges.
    pub(crate) fn warm_up(&self, rate: f64, duration: Duration) -> bool {
        let step = RateStep { from: rate, to: rate, seconds: duration.as_secs_f64() };
        self.arrivals.send_all(&Schedule::new(&[step]), Instant::now(), &SendPhase::WarmUp)
    }

    /// Sends the iterations of all steps. Those that have not started at the end of the last step are dropped,
    /// unless a free user is about to take them.
    pub(crate) fn run_steps(&self, steps: &[RateStep]) {
        if self.arrivals.send_all(&Schedule::new(steps), Instant::now(), &SendPhase::Steps) {
            self.wait(POLL_INTERVAL, || self.arrivals.backlog() == 0 || self.arrivals.free_users() == 0);
        }
    }

    /// Removes waiting iterations, and waits until those in flight have ended.
    pub(crate) fn drain(&self) {
        self.arrivals.discard();
        self.wait(self.graceful_stop, || self.is_drained());
    }

    fn is_drained(&self) -> bool {
        self.shared.counters.in_flight() == 0
    }

    /// Waits until the condition holds, the timeout is over, or the run ends.
    pub(crate) fn wait(&self, timeout: Duration, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() && !self.shared.stop.is_due() {
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }
}
