//! The moments when iterations of the open model are due.
//!
//! They depend only on the rate, never on the service. At a constant rate iterations are evenly spaced; while
//! the rate changes linearly, iteration n is due when the integral of the rate reaches n.

use crate::metrics::RateStep;
use std::time::Duration;

/// Consecutive steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    steps: Vec<ScheduledStep>,
}

#[derive(Clone, Debug)]
struct ScheduledStep {
    step: RateStep,
    seconds_before: f64,
    iterations_before: f64,
}

impl Schedule {
    pub(crate) fn new(steps: &[RateStep]) -> Self {
        let mut schedule = Self::default();
        for step in steps {
            let (seconds_before, iterations_before) = (schedule.seconds(), schedule.iterations());
            schedule.steps.push(ScheduledStep { step: step.clone(), seconds_before, iterations_before });
        }
        schedule
    }

    /// The duration in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.steps.last().map_or(0.0, |scheduled| scheduled.seconds_before + scheduled.step.seconds)
    }

    /// The number of iterations.
    pub(crate) fn iterations(&self) -> f64 {
        self.steps.last().map_or(0.0, |scheduled| scheduled.iterations_before + scheduled.step.iterations())
    }

    /// The highest rate.
    pub(crate) fn highest_rate(&self) -> f64 {
        self.steps.iter().map(|scheduled| scheduled.step.from.max(scheduled.step.to)).fold(0.0, f64::max)
    }

    /// The step of an iteration, counted from 0, and when it is due; `None` after the last one.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 9,000 billion iterations")]
    pub(crate) fn due(&self, iteration: u64) -> Option<Due> {
        let iteration = iteration as f64;
        let (step, scheduled) =
            self.steps.iter().enumerate().find(|(_, scheduled)| {
                iteration < scheduled.iterations_before + scheduled.step.iterations()
            })?;
        let offset = scheduled.step.due(iteration - scheduled.iterations_before);
        Some(Due {
            step,
            step_start: Duration::try_from_secs_f64(scheduled.seconds_before).ok()?,
            offset: Duration::try_from_secs_f64(scheduled.seconds_before + offset).ok()?,
        })
    }
}

/// The moment when an iteration is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// The number of its step, counted from 0.
    pub(crate) step: usize,
    /// The time from the start of the schedule to that of the step.
    pub(crate) step_start: Duration,
    /// The time from the start of the schedule to the moment when the iteration is due.
    pub(crate) offset: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: f64, to: f64, seconds: f64) -> RateStep {
        RateStep { from, to, seconds }
    }

    fn dues(schedule: &Schedule) -> Vec<u64> {
        let dues = (0..).map_while(|iteration| schedule.due(iteration));
        dues.map(|due| u64::try_from(due.offset.as_millis()).unwrap()).collect()
    }

    #[test]
    fn iterations_at_a_constant_rate_are_evenly_spaced() {
        let schedule = Schedule::new(&[step(4.0, 4.0, 2.0)]);
        assert_eq!(dues(&schedule), [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
        assert_eq!((schedule.iterations(), schedule.seconds()), (8.0, 2.0));
    }

    #[test]
    fn steps_are_consecutive() {
        let schedule = Schedule::new(&[step(2.0, 2.0, 1.0), step(4.0, 4.0, 1.0)]);
        assert_eq!(dues(&schedule), [0, 500, 1_000, 1_250, 1_500, 1_750]);
        let second =
            Due { step: 1, step_start: Duration::from_secs(1), offset: Duration::from_millis(1_250) };
        assert_eq!(schedule.due(3), Some(second));
        assert!((schedule.highest_rate() - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_ramp_has_most_iterations_where_its_rate_is_high() {
        for ramp in [step(0.0, 100.0, 10.0), step(100.0, 0.0, 10.0)] {
            let dues = dues(&Schedule::new(std::slice::from_ref(&ramp)));
            assert_eq!(dues.len(), 500);
            assert!(dues.is_sorted());
            // The lower half of a triangle is a quarter of its area.
            let early = dues.iter().filter(|due| **due < 5_000).count();
            let expected = if ramp.to > ramp.from { 125 } else { 375 };
            assert!(early.abs_diff(expected) <= 1, "{early} for {expected}");
        }
    }

    #[test]
    fn nothing_is_due_at_rate_zero() {
        assert_eq!(dues(&Schedule::new(&[step(0.0, 0.0, 5.0)])), Vec::<u64>::new());
        let schedule = Schedule::new(&[step(0.0, 0.0, 5.0), step(1.0, 1.0, 1.0)]);
        assert_eq!(dues(&schedule), [5_000]);
    }

    #[test]
    fn a_tiny_change_of_the_rate_changes_due_times_little() {
        let (constant, ramp) = (step(1_000.0, 1_000.0, 60.0), step(1_000.0, 1_000.000_000_1, 60.0));
        let due = |step| Schedule::new(&[step]).due(54_321).unwrap().offset;
        assert!(due(constant).abs_diff(due(ramp)) < Duration::from_micros(1));
    }
}
