//! When each iteration of an open load is due.
//!
//! The rate alone decides, never the service. Arrivals are spread evenly; in a step whose rate changes, evenly in the
//! number of arrivals so far, which is the integral of the rate.

use crate::metrics::RateStep;
use std::time::Duration;

/// Steps that follow each other without a gap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    steps: Vec<ScheduledStep>,
}

#[derive(Clone, Debug)]
struct ScheduledStep {
    step: RateStep,
    seconds_before: f64,
    arrivals_before: f64,
}

impl ScheduledStep {
    fn arrivals(&self) -> f64 {
        f64::midpoint(self.step.from, self.step.to) * self.step.seconds
    }
}

impl Schedule {
    pub(crate) fn new(steps: &[RateStep]) -> Self {
        let mut schedule = Self::default();
        for step in steps {
            let (seconds_before, arrivals_before) = (schedule.seconds(), schedule.arrivals());
            schedule.steps.push(ScheduledStep { step: step.clone(), seconds_before, arrivals_before });
        }
        schedule
    }

    /// How long it is, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.steps.last().map_or(0.0, |scheduled| scheduled.seconds_before + scheduled.step.seconds)
    }

    /// How many arrivals it has.
    pub(crate) fn arrivals(&self) -> f64 {
        self.steps.last().map_or(0.0, |scheduled| scheduled.arrivals_before + scheduled.arrivals())
    }

    /// The highest rate in it.
    pub(crate) fn highest(&self) -> f64 {
        self.steps.iter().map(|scheduled| scheduled.step.from.max(scheduled.step.to)).fold(0.0, f64::max)
    }

    /// How long after the start an arrival is due, counted from 0; none after the end.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 9,000 billion arrivals")]
    pub(crate) fn due(&self, arrival: u64) -> Option<Duration> {
        let arrival = arrival as f64;
        let scheduled =
            self.steps.iter().find(|scheduled| arrival < scheduled.arrivals_before + scheduled.arrivals())?;
        let RateStep { from, to, seconds } = scheduled.step;
        let inside = arrival - scheduled.arrivals_before;
        // The root of inside = from·t + slope·t²/2 that does not cancel where the slope is small.
        let slope = (to - from) / seconds;
        let root = from + (from * from + 2.0 * slope * inside).max(0.0).sqrt();
        let offset = if root > 0.0 { 2.0 * inside / root } else { 0.0 };
        Duration::try_from_secs_f64(scheduled.seconds_before + offset).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: f64, to: f64, seconds: f64) -> RateStep {
        RateStep { from, to, seconds }
    }

    fn dues(schedule: &Schedule) -> Vec<u64> {
        let dues = (0..).map_while(|arrival| schedule.due(arrival));
        dues.map(|due| u64::try_from(due.as_millis()).unwrap()).collect()
    }

    #[test]
    fn a_constant_rate_has_its_arrivals_evenly_from_the_start_on() {
        let schedule = Schedule::new(&[step(4.0, 4.0, 2.0)]);
        assert_eq!(dues(&schedule), [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
        assert_eq!((schedule.arrivals(), schedule.seconds()), (8.0, 2.0));
    }

    #[test]
    fn a_step_begins_where_the_one_before_ends() {
        let schedule = Schedule::new(&[step(2.0, 2.0, 1.0), step(4.0, 4.0, 1.0)]);
        assert_eq!(dues(&schedule), [0, 500, 1_000, 1_250, 1_500, 1_750]);
        assert!((schedule.highest() - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_ramp_has_as_many_arrivals_as_its_average_rate_and_most_of_them_where_it_is_high() {
        for ramp in [step(0.0, 100.0, 10.0), step(100.0, 0.0, 10.0)] {
            let dues = dues(&Schedule::new(std::slice::from_ref(&ramp)));
            assert_eq!(dues.len(), 500);
            assert!(dues.is_sorted());
            // A quarter of a triangle lies in its lower half.
            let early = dues.iter().filter(|due| **due < 5_000).count();
            let expected = if ramp.to > ramp.from { 125 } else { 375 };
            assert!(early.abs_diff(expected) <= 1, "{early} for {expected}");
        }
    }

    #[test]
    fn nothing_is_due_at_no_rate() {
        assert_eq!(dues(&Schedule::new(&[step(0.0, 0.0, 5.0)])), Vec::<u64>::new());
        let schedule = Schedule::new(&[step(0.0, 0.0, 5.0), step(1.0, 1.0, 1.0)]);
        assert_eq!(dues(&schedule), [5_000]);
    }

    #[test]
    fn a_rate_that_hardly_changes_has_hardly_other_arrivals_than_one_that_does_not() {
        let (still, slow) = (step(1_000.0, 1_000.0, 60.0), step(1_000.0, 1_000.000_000_1, 60.0));
        let due = |step| Schedule::new(&[step]).due(54_321).unwrap();
        assert!(due(still).abs_diff(due(slow)) < Duration::from_micros(1));
    }
}
