//! The arrival-rate executor: the thread that makes an open load, from the first arrival to the last answer.

use crate::executors::arrivals::ArrivalSender;
use crate::executors::breakpoint::Search;
use crate::executors::schedule::Schedule;
use crate::executors::shared::Load;
use crate::format as text;
use crate::metrics::recorder::Window;
use crate::metrics::{LimitStep, LoadModel, Operation, RateStep};
use crate::run::plan::Pacing;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The pause between two looks at what is still in flight.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Samples of the queue in each step of a search for the limit: four in a quarter.
const SAMPLES: u32 = 16;

/// The longest wait for the lanes to be there.
const SETTING_UP: Duration = Duration::from_secs(10);

/// The part of what was due without which a rate is not held, whatever the thresholds say.
const ENOUGH: f64 = 0.95;

/// Which rule the calls of a step have broken, if any; told its length and how many iterations went through.
pub(crate) type Judge = dyn Fn(&BTreeMap<String, Operation>, Duration, u64) -> Option<String> + Send + Sync;

/// Sends the arrivals at their rate, or at the rates of a search for the limit.
pub(crate) struct ArrivalRateExecutor {
    pub(crate) arrivals: ArrivalSender,
    pub(crate) pacing: Pacing,
    pub(crate) load: Arc<Load>,
    pub(crate) judge: Arc<Judge>,
    /// What the search for the limit has found so far.
    pub(crate) search_result: Arc<Mutex<SearchResult>>,
    pub(crate) lanes: usize,
    /// How long what is in flight may take to its end.
    pub(crate) graceful_stop: Duration,
}

/// The rates that were tried, and the highest that was held.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchResult {
    steps: Vec<LimitStep>,
    limit: Option<f64>,
}

impl SearchResult {
    /// Completes the load model of a search for the limit.
    pub(crate) fn complete(self, model: &mut LoadModel) {
        if let LoadModel::FindLimit { steps, limit, .. } = model {
            *steps = self.steps;
            *limit = self.limit;
        }
    }
}

impl ArrivalRateExecutor {
    /// Starts now, in a thread of its own, and ends the run, whatever becomes of that thread: nobody else would.
    pub(crate) fn start(self) {
        thread::spawn(move || {
            let stop = self.load.stop.clone();
            match catch_unwind(AssertUnwindSafe(|| self.run())) {
                Ok(()) => stop.end_as_planned(),
                Err(_) => stop.break_off("the thread that makes the arrivals has panicked"),
            }
        });
    }

    fn run(self) {
        self.wait(SETTING_UP, || self.arrivals.idle() >= self.lanes);
        match &self.pacing {
            Pacing::Closed => (),
            Pacing::Open(steps) => {
                if self.arrivals.send_all(&Schedule::new(steps), Instant::now(), None) {
                    self.wait(self.graceful_stop, || self.arrivals.backlog() == 0 && self.is_drained());
                }
            }
            Pacing::FindLimit { from, step } => self.find_limit(*from, *step),
        }
    }

    fn is_drained(&self) -> bool {
        self.load.in_flight.load(Ordering::SeqCst) == 0
    }

    /// Waits until `done`, or for as long as `timeout`, or until the run is over.
    fn wait(&self, timeout: Duration, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() && start.elapsed() < timeout && !self.load.stop.is_due() {
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn find_limit(&self, from: f64, step: Duration) {
        let mut search = Search::from(from);
        while let Some(rate) = search.next() {
            let Some(tried) = self.try_rate(rate, step) else { return };
            search.tried(tried.broke.is_none());
            text::tell(described(&tried));
            let mut result = self.search_result.lock().unwrap_or_else(PoisonError::into_inner);
            result.steps.push(tried);
            result.limit = search.limit();
            drop(result);
            // The next rate is not to suffer from this one.
            self.arrivals.discard();
            self.wait(self.graceful_stop, || self.is_drained());
        }
    }

    /// How many iterations are outstanding, again and again during a step.
    fn sample(&self, start: Instant, step: Duration, window: &Window) -> Vec<u64> {
        let samples = (1..=SAMPLES).map_while(|sample| {
            let left = (start + step * sample / SAMPLES).saturating_duration_since(Instant::now());
            self.wait(left, || false);
            (!self.load.stop.is_due()).then(|| window.outstanding())
        });
        samples.collect()
    }

    /// Keeps up a rate, and tells what has become of it; nothing if the run is over before.
    fn try_rate(&self, rate: f64, step: Duration) -> Option<LimitStep> {
        let window = Arc::new(Window::default());
        let schedule = Schedule::new(&[RateStep { from: rate, to: rate, seconds: step.as_secs_f64() }]);
        let start = Instant::now();
        let (sent, outstanding) = thread::scope(|scope| {
            let samples = scope.spawn(|| self.sample(start, step, &window));
            let sent = self.arrivals.send_all(&schedule, start, Some(&window));
            (sent, samples.join().unwrap_or_default())
        });
        if !sent {
            return None;
        }
        // What takes as long again has not been held.
        self.wait(step, || window.outstanding() == 0);
        if self.load.stop.is_due() {
            return None;
        }
        let completed = window.completed();
        let (operations, latency) = window.operations();
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown with one decimal")]
        let achieved = completed as f64 / step.as_secs_f64();
        let broke = (self.judge)(&operations, step, completed)
            .or_else(|| grows(&outstanding, schedule.arrivals()))
            .or_else(|| {
                (achieved < rate * ENOUGH)
                    .then(|| format!("only {achieved:.1}/s of {rate:.1}/s came to their end"))
            });
        Some(LimitStep { rate, achieved, p99_us: latency.percentile(99.0), broke })
    }
}

/// Whether more iterations were outstanding in the last quarter of a step than in the second, by more than chance: then
/// the service falls behind, however well it did so far. The least of a quarter counts, since every service has its pauses.
fn grows(outstanding: &[u64], arrivals: f64) -> Option<String> {
    let quarter = outstanding.len() / 4;
    let least = |place: usize| outstanding.get(place * quarter..(place + 1) * quarter)?.iter().copied().min();
    let (early, late) = (least(1)?, least(3)?);
    #[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
    let growth = late as f64 - early as f64;
    (growth > (arrivals / 2.0 * (1.0 - ENOUGH)).max(2.0))
        .then(|| format!("the queue grew from {early} to {late} iterations"))
}

fn described(LimitStep { rate, achieved, p99_us, broke }: &LimitStep) -> String {
    let p99 = text::latency(*p99_us);
    let outcome = broke.as_ref().map_or_else(|| "held".to_owned(), |rule| format!("broke: {rule}"));
    format!("{rate:.1}/s: {achieved:.1}/s done, p99 {p99}, {outcome}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_grows_by_more_than_chance_breaks_a_rate() {
        assert_eq!(grows(&[5; 16], 1_000.0), None);
        assert_eq!(grows(&[0, 1, 2, 2], 10.0), None);
        let grown = grows(&[0, 5, 10, 15, 20, 25, 30, 35], 100.0).unwrap();
        assert_eq!(grown, "the queue grew from 10 to 30 iterations");
    }

    #[test]
    fn a_pause_of_the_service_is_no_growing_queue() {
        assert_eq!(grows(&[0, 0, 0, 0, 0, 0, 0, 60], 100.0), None);
        assert_eq!(grows(&[0, 90, 60, 0, 0, 0, 40, 0], 100.0), None);
    }
}
