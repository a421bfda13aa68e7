//! The parts of a run that are measured separately: its warm-up, its scenarios, and the steps of its rate.

use super::{FailureSummary, Histogram, RateStep, add};
use serde::{Deserialize, Serialize};

/// The calls of a part of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CallMetrics {
    /// The number of failed calls.
    pub failures: u64,
    /// The latency of successful calls, see [`OperationMetrics::latency`](super::OperationMetrics::latency).
    pub latency: Histogram,
}

impl CallMetrics {
    /// The number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.latency.count().saturating_add(self.failures)
    }

    pub(crate) fn record(&mut self, micros: u64, failed: bool) {
        if failed {
            self.failures += 1;
        } else {
            self.latency.record(micros);
        }
    }

    /// Adds all calls of another part.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.failures, other.failures);
        self.latency.merge(&other.latency);
    }
}

/// The calls before the measured part of a run. No criterion judges them, except for violations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WarmUp {
    /// Its duration in seconds.
    pub seconds: f64,
    /// Its calls.
    pub calls: CallMetrics,
    /// Its failed calls by operation and reason.
    pub failures: Vec<FailureSummary>,
}

/// The iterations that were due in one step of the rate, and their calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepMetrics {
    /// Iterations that were due.
    pub due: u64,
    /// Iterations that were started.
    pub started: u64,
    /// The time from the start of the step to the end of each iteration, in microseconds.
    pub ended: Histogram,
    /// Their calls.
    pub calls: CallMetrics,
}

/// The share of its iterations by whose ends the rate of a step is measured. The first and the last ones are
/// left out, so that neither the duration of an iteration nor a single slow one has an effect.
const MEASURED: [f64; 2] = [0.05, 0.95];

/// The minimum number of iterations for which [`MEASURED`] is not a matter of chance.
const MIN_ITERATIONS: u64 = 20;

/// The highest share of dropped iterations, in percent.
pub(crate) const MAX_DROPPED_PERCENT: f64 = 1.0;

/// The maximum lag as a share of the duration of a step.
const MAX_LAG: f64 = 0.05;

/// A lag in seconds that is never too much: every machine pauses at times.
const MIN_LAG_S: f64 = 1.0;

/// The error of a time in a histogram.
const PRECISION: f64 = 0.02;

impl StepMetrics {
    /// Iterations that were due and never started.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.due.saturating_sub(self.started)
    }

    /// The time by which the iterations ended later than at the rate of `step`, in seconds, while they ended;
    /// `None` if there are too few of them. The duration of an iteration does not count, and those that the end
    /// of the run interrupted are the last ones.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "times of at most 30 days")]
    pub fn lag_s(&self, step: &RateStep) -> Option<f64> {
        if self.ended.count() < MIN_ITERATIONS {
            return None;
        }
        let [from, to] = MEASURED.map(|share| self.ended.percentile(share * 100.0));
        Some((to?.saturating_sub(from?)) as f64 / 1e6 - self.due_span(step))
    }

    /// The rate at which the iterations ended, and at most that at which they started: an average, if the rate changed.
    /// `None` if nothing was due.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
    pub fn held_rate(&self, step: &RateStep) -> Option<f64> {
        if self.due == 0 {
            return None;
        }
        let started = step.mean() * self.started.min(self.due) as f64 / self.due as f64;
        let span = self.due_span(step);
        Some(match self.lag_s(step) {
            Some(lag) if lag > span * PRECISION => started.min(step.mean() * span / (span + lag)),
            _ => started,
        })
    }

    /// The time in which the [`MEASURED`] share of the ended iterations was due, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
    fn due_span(&self, step: &RateStep) -> f64 {
        let ended = step.iterations() * self.ended.count() as f64 / self.due.max(1) as f64;
        let [from, to] = MEASURED.map(|share| step.due(share * ended));
        to - from
    }

    /// Returns whether the service kept up with the rate of `step`: almost all iterations started, and they
    /// ended at about the same rate.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of iterations")]
    pub fn kept_up(&self, step: &RateStep) -> bool {
        let is_dropped = self.dropped() as f64 * 100.0 > self.due as f64 * MAX_DROPPED_PERCENT;
        let max_lag = (step.seconds * MAX_LAG).max(MIN_LAG_S);
        !is_dropped && self.lag_s(step).is_none_or(|lag| lag <= max_lag)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.due, other.due);
        add(&mut self.started, other.started);
        self.ended.merge(&other.ended);
        self.calls.merge(&other.calls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(rate: f64, seconds: f64) -> RateStep {
        RateStep { from: rate, to: rate, seconds }
    }

    /// A step whose iterations take `lasts` seconds and end at `rate`.
    fn ended(due: u64, rate: f64, lasts: f64) -> StepMetrics {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let ended = (0..due).map(|number| ((number as f64 / rate + lasts) * 1e6) as u64).collect();
        StepMetrics { due, started: due, ended, calls: CallMetrics::default() }
    }

    #[test]
    fn a_rate_is_held_however_long_an_iteration_takes() {
        for lasts in [0.001, 1.0, 3.0] {
            let (step, metrics) = (constant(100.0, 10.0), ended(1_000, 100.0, lasts));
            let (lag, held) = (metrics.lag_s(&step).unwrap(), metrics.held_rate(&step).unwrap());
            assert!(lag.abs() < 0.4 && held > 99.0 && held <= 100.0, "{lag} {held}");
            assert!(metrics.kept_up(&step));
        }
    }

    #[test]
    fn a_queue_that_drains_after_the_step_lowers_the_held_rate() {
        let (step, metrics) = (constant(200.0, 10.0), ended(2_000, 100.0, 0.1));
        assert!((metrics.held_rate(&step).unwrap() - 100.0).abs() < 3.0, "{metrics:?}");
        assert!(!metrics.kept_up(&step));
        assert!((metrics.lag_s(&step).unwrap() - 9.0).abs() < 0.4);
    }

    #[test]
    fn dropped_iterations_lower_the_held_rate() {
        let step = constant(200.0, 10.0);
        let metrics = StepMetrics { due: 2_000, ..ended(1_000, 100.0, 0.1) };
        assert!((metrics.held_rate(&step).unwrap() - 100.0).abs() < 3.0, "{metrics:?}");
        assert!(!metrics.kept_up(&step));
        assert_eq!(metrics.dropped(), 1_000);
    }

    #[test]
    fn iterations_that_never_start_are_not_held() {
        let step = constant(200.0, 10.0);
        // The service hangs after five seconds.
        let hangs = StepMetrics { due: 2_000, ..ended(1_000, 200.0, 0.1) };
        // Too few end for a lag.
        let few = StepMetrics { due: 2_000, ..ended(10, 200.0, 0.1) };
        for (metrics, held) in [(hangs, 100.0), (few, 1.0)] {
            assert!((metrics.held_rate(&step).unwrap() - held).abs() < 0.01, "{metrics:?}");
            assert!(!metrics.kept_up(&step));
        }
    }

    #[test]
    fn a_ramp_whose_iterations_end_when_they_are_due_has_no_lag() {
        let step = RateStep { from: 0.0, to: 100.0, seconds: 10.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let ended = (0..500).map(|number| (step.due(f64::from(number)) * 1e6) as u64).collect();
        let metrics = StepMetrics { due: 500, started: 500, ended, calls: CallMetrics::default() };
        assert!(metrics.lag_s(&step).unwrap().abs() < 0.2, "{:?}", metrics.lag_s(&step));
        assert!(metrics.held_rate(&step).unwrap() > 49.0 && metrics.kept_up(&step));
    }

    #[test]
    fn iterations_that_the_end_of_the_run_interrupts_hide_no_lag() {
        let step = constant(200.0, 5.0);
        let interrupted =
            |rate, lasts, count: u64| StepMetrics { due: 1_000, started: 1_000, ..ended(count, rate, lasts) };
        // At the end 500 iterations are in flight, because the service completes only 100 per second.
        let slow = interrupted(100.0, 0.0, 500);
        assert!((slow.held_rate(&step).unwrap() - 100.0).abs() < 3.0 && !slow.kept_up(&step), "{slow:?}");
        // The same number is in flight, because an iteration takes 2.5 seconds.
        let long = interrupted(200.0, 2.5, 500);
        assert!((long.held_rate(&step).unwrap() - 200.0).abs() < 3.0 && long.kept_up(&step), "{long:?}");
    }

    #[test]
    fn few_iterations_have_no_lag() {
        assert_eq!(ended(10, 1.0, 0.1).lag_s(&constant(100.0, 0.1)), None);
    }

    #[test]
    fn steps_of_several_workers_add_up() {
        let mut merged = ended(500, 50.0, 0.1);
        merged.merge(&StepMetrics { due: 700, ..ended(500, 50.0, 0.2) });
        assert_eq!((merged.due, merged.dropped(), merged.ended.count()), (1_200, 200, 1_000));
    }
}
