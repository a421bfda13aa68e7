//! The breakpoint search: the highest arrival rate that passes all criteria.
//!
//! The rate is doubled until a criterion fails; then the gap is halved until it is below 5%. A first rate that
//! fails is halved until one is sustained. A rate fails only if it fails twice, because every machine pauses at
//! times, and the first rate comes after a warm-up.

use super::arrival_rate::ArrivalRateExecutor;
use super::arrivals::SendPhase;
use super::schedule::Schedule;
use crate::format;
use crate::metrics::rate_metrics::RateMetrics;
use crate::metrics::{BreakpointStep, LoadModel, RateStep};
use crate::status;
use crate::sync::{Mutex, lock};
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Samples of the queue at each rate: four in each quarter.
const SAMPLES: u32 = 16;

/// The share of due iterations that must complete.
const MIN_COMPLETED: f64 = 0.95;

/// The gap between the highest sustained rate and the lowest failed one at which the search ends.
const MAX_GAP: f64 = 0.05;

/// The search ends without a result below this rate, in iterations per second.
const MIN_RATE: f64 = 0.1;

/// Evaluates the criteria of one rate from its metrics and its duration. Returns the first criterion that
/// failed, in words.
pub(crate) type EvaluateRate = dyn Fn(&RateMetrics, Duration) -> Option<String> + Send + Sync;

/// The rates tried so far, and the highest sustained one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchOutcome {
    steps: Vec<BreakpointStep>,
    sustained_rate: Option<f64>,
}

impl SearchOutcome {
    /// Writes the outcome to the load model of a breakpoint search.
    pub(crate) fn complete(self, model: &mut LoadModel) {
        if let LoadModel::Breakpoint { steps, sustained_rate, .. } = model {
            *steps = self.steps;
            *sustained_rate = self.sustained_rate;
        }
    }
}

/// A breakpoint search, run by an arrival-rate executor.
pub(crate) struct BreakpointSearch {
    /// The first rate, in iterations per second.
    pub(crate) from: f64,
    pub(crate) warm_up: Duration,
    /// The duration of each rate.
    pub(crate) step: Duration,
    /// The number of scenarios.
    pub(crate) scenarios: usize,
    pub(crate) evaluate: Arc<EvaluateRate>,
    pub(crate) outcome: Arc<Mutex<SearchOutcome>>,
}

impl fmt::Debug for BreakpointSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakpointSearch")
            .field("from", &self.from)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

impl BreakpointSearch {
    pub(crate) fn run(&self, executor: &ArrivalRateExecutor) {
        if !self.warm_up.is_zero() {
            if !executor.warm_up(self.from, self.warm_up) {
                return;
            }
            executor.drain();
        }
        search(
            self.from,
            |rate| {
                let step = self.try_rate(executor, rate)?;
                status::log(description(&step));
                // Left-over iterations must not slow down the next rate.
                executor.drain();
                Some(step)
            },
            |outcome| *lock(&self.outcome) = outcome,
        );
    }

    /// Runs one rate. Returns `None` if the run ended before.
    fn try_rate(&self, executor: &ArrivalRateExecutor, rate: f64) -> Option<BreakpointStep> {
        let metrics = Arc::new(RateMetrics::new(self.scenarios));
        let schedule = Schedule::new(&[RateStep { from: rate, to: rate, seconds: self.step.as_secs_f64() }]);
        let start = Instant::now();
        let (sent, outstanding) = thread::scope(|scope| {
            let samples = scope.spawn(|| self.sample_outstanding(executor, start, &metrics));
            let phase = SendPhase::Rate(Arc::clone(&metrics));
            let sent = executor.arrivals.send_all(&schedule, start, &phase);
            (sent, samples.join().unwrap_or_default())
        });
        if !sent {
            return None;
        }
        // A rate whose iterations take as long again to end is not sustained.
        executor.wait(self.step, || metrics.outstanding() == 0);
        if executor.shared.stop.is_due() {
            return None;
        }
        let completed = metrics.completed();
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown with one decimal")]
        let completed_rate = completed as f64 / self.step.as_secs_f64();
        let failed_criterion = (self.evaluate)(&metrics, self.step)
            .or_else(|| growing_queue(&outstanding, schedule.iterations()))
            .or_else(|| incomplete(rate, completed_rate));
        let p99_us = metrics.latency().percentile(99.0);
        Some(BreakpointStep { rate, completed_rate, p99_us, failed_criterion, is_repeated: false })
    }

    /// Samples the number of outstanding iterations during a step.
    fn sample_outstanding(
        &self,
        executor: &ArrivalRateExecutor,
        start: Instant,
        metrics: &RateMetrics,
    ) -> Vec<u64> {
        let samples = (1..=SAMPLES).map_while(|sample| {
            let left = (start + self.step * sample / SAMPLES).saturating_duration_since(Instant::now());
            executor.wait(left, || false);
            (!executor.shared.stop.is_due()).then(|| metrics.outstanding())
        });
        samples.collect()
    }
}

/// Tries rates until the search ends, or until `try_rate` returns `None`. Reports each outcome.
fn search(
    from: f64,
    mut try_rate: impl FnMut(f64) -> Option<BreakpointStep>,
    report: impl Fn(SearchOutcome),
) {
    let mut bisection = Bisection::from(from);
    let mut outcome = SearchOutcome::default();
    while let Some(rate) = bisection.next() {
        let Some(mut step) = try_rate(rate) else { return };
        if step.failed_criterion.is_some() {
            step.is_repeated = true;
            outcome.steps.push(step);
            report(outcome.clone());
            let Some(again) = try_rate(rate) else { return };
            step = again;
        }
        bisection.record(step.failed_criterion.is_none());
        outcome.steps.push(step);
        outcome.sustained_rate = bisection.sustained();
        report(outcome.clone());
    }
}

/// Fails a rate if more iterations were outstanding in the last quarter than in the second, by more than
/// chance: the service falls behind, even if no threshold is missed yet. The minimum of each quarter counts,
/// because every service pauses at times.
fn growing_queue(outstanding: &[u64], iterations: f64) -> Option<String> {
    let quarter = outstanding.len() / 4;
    let minimum =
        |index: usize| outstanding.get(index * quarter..(index + 1) * quarter)?.iter().copied().min();
    let (early, late) = (minimum(1)?, minimum(3)?);
    #[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
    let growth = late as f64 - early as f64;
    (growth > (iterations / 2.0 * (1.0 - MIN_COMPLETED)).max(2.0))
        .then(|| format!("the queue grew from {early} to {late} iterations"))
}

fn incomplete(rate: f64, completed_rate: f64) -> Option<String> {
    (completed_rate < rate * MIN_COMPLETED)
        .then(|| format!("only {completed_rate:.1}/s of {rate:.1}/s completed"))
}

fn description(step: &BreakpointStep) -> String {
    let BreakpointStep { rate, completed_rate, p99_us, failed_criterion, .. } = step;
    let p99 = format::latency(*p99_us);
    let outcome = failed_criterion.as_deref().unwrap_or("sustained");
    format!("{rate:.1}/s: {completed_rate:.1}/s completed, p99 {p99}, {outcome}")
}

/// The choice of rates. It is pure, so that it can be tested with known limits.
#[derive(Clone, Debug)]
struct Bisection {
    /// The highest sustained rate.
    sustained: Option<f64>,
    /// The lowest failed rate.
    failed: Option<f64>,
    next: f64,
}

impl Bisection {
    /// Starts with this rate.
    fn from(rate: f64) -> Self {
        Self { sustained: None, failed: None, next: rate }
    }

    /// The next rate to try; `None` at the end of the search.
    fn next(&self) -> Option<f64> {
        let is_found = match (self.sustained, self.failed) {
            (Some(sustained), Some(failed)) => failed - sustained <= failed * MAX_GAP,
            (None, Some(failed)) => failed <= MIN_RATE,
            _ => false,
        };
        (!is_found).then_some(self.next)
    }

    /// Records whether the last rate was sustained.
    fn record(&mut self, sustained: bool) {
        if sustained {
            self.sustained = Some(self.next);
        } else {
            self.failed = Some(self.next);
        }
        self.next = match (self.sustained, self.failed) {
            (Some(sustained), Some(failed)) => f64::midpoint(sustained, failed),
            (Some(sustained), None) => sustained * 2.0,
            (None, Some(failed)) => failed / 2.0,
            (None, None) => self.next,
        };
    }

    /// The highest sustained rate.
    fn sustained(&self) -> Option<f64> {
        self.sustained
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// The outcome for a service of which `fails` says whether it fails at a rate, when that is tried for the
    /// n-th time in the search.
    fn outcome(from: f64, fails: impl Fn(f64, usize) -> bool) -> SearchOutcome {
        let (tried, outcome) = (Cell::new(0), RefCell::new(SearchOutcome::default()));
        let try_rate = |rate| {
            tried.set(tried.get() + 1);
            let failed_criterion = fails(rate, tried.get()).then(|| "too slow".to_owned());
            Some(BreakpointStep {
                rate,
                completed_rate: rate,
                p99_us: None,
                failed_criterion,
                is_repeated: false,
            })
        };
        search(from, try_rate, |found| *outcome.borrow_mut() = found);
        outcome.into_inner()
    }

    /// The result for a service that sustains `limit`, and the number of rates tried.
    fn search_limit(from: f64, limit: f64) -> (Option<f64>, usize) {
        let outcome = outcome(from, |rate, _| rate > limit);
        (outcome.sustained_rate, outcome.steps.len())
    }

    #[test]
    fn a_rate_that_fails_once_is_tried_again_before_it_counts() {
        let noisy = outcome(50.0, |rate, tried| rate > 400.0 || tried == 2);
        assert!((noisy.sustained_rate.unwrap() - 400.0).abs() < 21.0, "{noisy:?}");
        let [_, failed, again, ..] = &noisy.steps[..] else { panic!("{noisy:?}") };
        assert!(failed.is_repeated && failed.failed_criterion.is_some(), "{failed:?}");
        assert!(!again.is_repeated && again.failed_criterion.is_none(), "{again:?}");
    }

    #[test]
    fn the_sustained_rate_is_one_of_the_rates_that_passed() {
        for (from, limit) in [(50.0, 3_210.0), (800.0, 7.0), (10_000.0, 19.2)] {
            let outcome = outcome(from, |rate, _| rate > limit);
            let sustained = outcome.sustained_rate.unwrap();
            let passed = outcome.steps.iter().filter(|step| step.failed_criterion.is_none());
            let highest = passed.map(|step| step.rate).fold(0.0, f64::max);
            assert!((sustained - highest).abs() < f64::EPSILON, "{sustained} {highest}");
        }
    }

    #[test]
    fn the_limit_is_found_from_below_and_from_above() {
        for (from, limit) in [(50.0, 3_210.0), (50.0, 50.0), (800.0, 7.0), (1.0, 90_000.0)] {
            let (found, tried) = search_limit(from, limit);
            let found = found.unwrap();
            assert!(found <= limit && found >= limit * 0.94, "{found} for {limit}");
            assert!(tried <= 45, "{tried}");
        }
    }

    #[test]
    fn a_service_that_sustains_no_rate_has_no_result() {
        let (found, tried) = search_limit(50.0, 0.0);
        assert_eq!(found, None);
        assert!(tried <= 20, "{tried}");
    }

    #[test]
    fn a_growing_queue_fails_a_rate() {
        assert_eq!(growing_queue(&[5; 16], 1_000.0), None);
        assert_eq!(growing_queue(&[0, 1, 2, 2], 10.0), None);
        let grown = growing_queue(&[0, 5, 10, 15, 20, 25, 30, 35], 100.0).unwrap();
        assert_eq!(grown, "the queue grew from 10 to 30 iterations");
    }

    #[test]
    fn a_pause_of_the_service_does_not_fail_a_rate() {
        assert_eq!(growing_queue(&[0, 0, 0, 0, 0, 0, 0, 60], 100.0), None);
        assert_eq!(growing_queue(&[0, 90, 60, 0, 0, 0, 40, 0], 100.0), None);
    }
}
