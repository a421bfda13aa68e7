//! The times of workers: whether their clocks agree, and whether they loaded the service together.
//!
//! Two halves of a run, one after the other, would add up to a load that the service never had.

use crate::metrics::{ClockOffset, Ending, Results};
use chrono::{DateTime, TimeDelta, Utc};

/// The highest difference between two clocks beyond the uncertainty of their measurement.
const MAX_SKEW: TimeDelta = TimeDelta::seconds(1);

/// The part of the run that all workers must have in common, in percent.
const MIN_OVERLAP_PERCENT: i64 = 90;

/// The time that workers may always be apart: processes do not start at the same moment.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(250);

/// Checks that all workers ran together, and returns the time by which the clock of each is certainly ahead of
/// the first.
pub(super) fn check(workers: &[(String, Results)]) -> Result<Vec<TimeDelta>, String> {
    check_clocks(workers)?;
    let first = workers.first().and_then(|(_, results)| clock(results));
    let ahead = |(_, results): &(String, Results)| match (clock(results), first) {
        (Some(clock), Some(first)) => clock.ahead_of(first),
        _ => TimeDelta::zero(),
    };
    let shifts: Vec<_> = workers.iter().map(ahead).collect();
    let spans = workers.iter().zip(&shifts).map(|((file, results), shift)| Span::of(file, results, *shift));
    check_overlap(&spans.collect::<Vec<_>>())?;
    Ok(shifts)
}

fn clock(results: &Results) -> Option<ClockOffset> {
    results.load_generators.first()?.clock_offset
}

fn check_clocks(workers: &[(String, Results)]) -> Result<(), String> {
    let clocks = workers.iter().filter_map(|(file, results)| Some((file, clock(results)?)));
    let clocks: Vec<_> = clocks.collect();
    for (file, clock) in &clocks {
        for (other_file, other) in &clocks {
            if clock.ahead_of(*other) > MAX_SKEW {
                let difference = clock.offset_us.saturating_sub(other.offset_us);
                let uncertainty = clock.uncertainty_with(*other);
                return Err(format!(
                    "the clock of {file} is {} ahead of that of {other_file} (± {}): synchronize the clocks of \
                     the workers (NTP), and run again",
                    seconds(difference.unsigned_abs()),
                    seconds(uncertainty)
                ));
            }
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a time is shown with few digits")]
fn seconds(micros: u64) -> String {
    format!("{:.2} s", micros as f64 / 1e6)
}

/// The time in which a worker loaded the service, on the clock of the first.
#[derive(Debug)]
struct Span<'f> {
    file: &'f str,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// True if the end was planned. Otherwise it depends on the service, or the results say why it was early.
    is_planned: bool,
}

impl<'f> Span<'f> {
    fn of(file: &'f str, results: &Results, shift: TimeDelta) -> Self {
        let planned = results.load_generators.first().and_then(|generator| generator.planned_us);
        let planned = planned.filter(|_| results.ending == Ending::Planned);
        // The last calls may take longer than planned, or begin long before the end, depending on the service.
        let duration = i64::try_from(planned.unwrap_or(results.duration_us)).unwrap_or(i64::MAX);
        let started = results.load_generators.first().and_then(|generator| generator.executor_started);
        let started = started.unwrap_or(results.started);
        let start = started.checked_sub_signed(shift).unwrap_or(started);
        let end = start.checked_add_signed(TimeDelta::microseconds(duration));
        let end = end.unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { file, start, end, is_planned: planned.is_some() }
    }

    fn describe(&self) -> String {
        let time = |time: DateTime<Utc>| time.format("%H:%M:%S%.3f").to_string();
        format!("{} from {} to {}", self.file, time(self.start), time(self.end))
    }
}

fn check_overlap(spans: &[Span<'_>]) -> Result<(), String> {
    let (Some(first), Some(last)) =
        (spans.iter().min_by_key(|span| span.start), spans.iter().max_by_key(|span| span.start))
    else {
        return Ok(());
    };
    let run_end = spans.iter().map(|span| span.end).max().unwrap_or(first.end);
    let shortest = spans.iter().filter(|span| span.is_planned).min_by_key(|span| span.end);
    let common_end = shortest.map_or(run_end, |span| span.end);
    let [run, common] = [run_end - first.start, common_end - last.start];
    let is_enough = common.num_milliseconds() * 100 >= run.num_milliseconds() * MIN_OVERLAP_PERCENT;
    if is_enough || run - common <= TOLERANCE {
        return Ok(());
    }
    let percent = common.num_milliseconds().max(0) * 100 / run.num_milliseconds().max(1);
    let spans: Vec<_> = spans.iter().map(Span::describe).collect();
    Err(format!(
        "the workers did not load the service together: they have {percent}% of the run in common, and \
         {MIN_OVERLAP_PERCENT}% are needed ({}). Give all of them the same --start-at and the same duration",
        spans.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{LoadGenerator, sample};

    /// The results of workers that began so many milliseconds after the first, and ran for 10 seconds.
    fn workers(starts: &[i64]) -> Vec<(String, Results)> {
        let worker = |(index, start): (usize, &i64)| {
            let mut results = sample::results_of_worker(u32::try_from(index).unwrap(), 9, &[]);
            results.started += TimeDelta::milliseconds(*start);
            results.duration_us = 9_990_000;
            generator(&mut results).planned_us = Some(10_000_000);
            (format!("worker-{index}.json"), results)
        };
        starts.iter().enumerate().map(worker).collect()
    }

    fn generator(results: &mut Results) -> &mut LoadGenerator {
        &mut results.load_generators[0]
    }

    fn set_clock(results: &mut Results, offset_us: i64) {
        generator(results).clock_offset = Some(ClockOffset { offset_us, uncertainty_us: 20_000 });
    }

    #[test]
    fn two_halves_of_a_run_are_not_added_up() {
        let error = check(&workers(&[0, 45_000])).unwrap_err();
        assert_eq!(
            error,
            "the workers did not load the service together: they have 0% of the run in common, and 90% are needed \
             (worker-0.json from 12:00:00.250 to 12:00:10.250, worker-1.json from 12:00:45.250 to 12:00:55.250). \
             Give all of them the same --start-at and the same duration"
        );
    }

    #[test]
    fn workers_must_have_most_of_the_run_in_common() {
        assert!(check(&workers(&[0, 500, 300])).is_ok());
        let error = check(&workers(&[0, 700, 300])).unwrap_err();
        assert!(error.contains("they have 86% of the run in common"), "{error}");
    }

    #[test]
    fn at_a_low_rate_the_first_calls_may_be_far_apart() {
        let mut workers = workers(&[0, 6_000]);
        for (_, results) in &mut workers {
            generator(results).executor_started = Some(sample::started());
        }
        assert!(check(&workers).is_ok());
    }

    #[test]
    fn a_short_run_may_start_a_quarter_of_a_second_apart() {
        let mut short = workers(&[0, 100]);
        for (_, results) in &mut short {
            generator(results).planned_us = Some(500_000);
        }
        assert!(check(&short).is_ok());
        short[1].1.started += TimeDelta::milliseconds(40);
        assert!(check(&short).unwrap_err().contains("have 56% of"));
    }

    #[test]
    fn workers_with_different_durations_are_not_added_up() {
        let mut workers = workers(&[0, 0]);
        generator(&mut workers[1].1).planned_us = Some(5_000_000);
        assert!(check(&workers).unwrap_err().contains("have 50% of"));
    }

    #[test]
    fn a_slow_last_call_is_not_a_longer_run() {
        let mut workers = workers(&[0, 0]);
        workers[1].1.duration_us = 30_000_000;
        assert!(check(&workers).is_ok());
    }

    #[test]
    fn workers_that_end_after_their_iterations_must_start_together() {
        let by_iterations = |starts: &[i64]| {
            let mut workers = workers(starts);
            for (_, results) in &mut workers {
                generator(results).planned_us = None;
            }
            workers[1].1.duration_us = 6_000_000;
            check(&workers)
        };
        assert!(by_iterations(&[0, 0]).is_ok());
        assert!(by_iterations(&[0, 3_000]).is_err());
    }

    #[test]
    fn a_stopped_worker_may_end_early() {
        let mut workers = workers(&[0, 0]);
        workers[1].1.ending = Ending::Signal { signal: "SIGTERM".to_owned() };
        workers[1].1.duration_us = 2_000_000;
        assert!(check(&workers).is_ok());
    }

    #[test]
    fn clocks_more_than_a_second_apart_are_rejected() {
        let mut workers = workers(&[0, 3_000]);
        set_clock(&mut workers[0].1, -1_000);
        set_clock(&mut workers[1].1, 2_999_000);
        let error = check(&workers).unwrap_err();
        assert_eq!(
            error,
            "the clock of worker-1.json is 3.00 s ahead of that of worker-0.json (± 0.04 s): synchronize the clocks \
             of the workers (NTP), and run again"
        );
        set_clock(&mut workers[1].1, 1_038_000);
        workers[1].1.started -= TimeDelta::milliseconds(1_962);
        let shifts = check(&workers).unwrap();
        assert_eq!(shifts, [TimeDelta::zero(), TimeDelta::microseconds(999_000)]);
    }

    #[test]
    fn the_overlap_is_that_of_one_clock() {
        // All say that they started at the same time, and one did so 0.9 s earlier than the others.
        let mut workers = workers(&[0, 0, 0]);
        for (worker, offset_us) in [0, 900_000, 0].into_iter().enumerate() {
            set_clock(&mut workers[worker].1, offset_us);
            generator(&mut workers[worker].1).planned_us = Some(5_000_000);
        }
        let error = check(&workers).unwrap_err();
        assert!(error.contains("worker-1.json from 11:59:59.390"), "{error}");
    }

    #[test]
    fn unknown_clocks_are_not_compared() {
        let mut workers = workers(&[0, 0]);
        set_clock(&mut workers[1].1, 60_000_000);
        assert_eq!(check(&workers), Ok(vec![TimeDelta::zero(); 2]));
    }
}
