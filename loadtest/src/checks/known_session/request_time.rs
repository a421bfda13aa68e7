//! The `request_time` of a session, which each write sets to the current time.
//!
//! 1. After a write that overlapped no other one, reads show its time, because reads do not change it.
//! 2. The instances of a service have clocks that differ. So a write may set an earlier time than the one
//!    before it, by [`CLOCK_TOLERANCE`] at most.
//! 3. A write without a response may be executed at any time, and may have read the clock when it started.
//!
//! Only decreases are checked: a proxy may execute a write twice, the second time after the response.

use super::check::{CLOCK_PRECISION, CLOCK_TOLERANCE};
use chrono::TimeDelta;
use sessions_client::Timestamp;

/// The times that responses showed, and the writes that may change them.
#[derive(Debug)]
pub(super) struct RequestTime {
    latest: Timestamp,
    /// True if `latest` is the time of a write that overlapped no other one, and none has started since.
    is_settled: bool,
    /// The number of writes that were started.
    started: u64,
    in_progress: u32,
    /// True if some of the writes in progress overlapped.
    overlapped: bool,
    /// The latest time when the first write without a response started.
    unanswered_since: Option<Timestamp>,
}

/// The state when a call started.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAtStart {
    pub(super) latest: Timestamp,
    is_settled: bool,
    started: u64,
}

impl RequestTime {
    pub(super) fn new(opened: Timestamp) -> Self {
        Self {
            latest: opened,
            is_settled: true,
            started: 0,
            in_progress: 0,
            overlapped: false,
            unanswered_since: None,
        }
    }

    /// Starts a call.
    pub(super) fn start(&mut self, is_write: bool) -> TimeAtStart {
        if is_write {
            self.started += 1;
            self.in_progress = self.in_progress.saturating_add(1);
            self.overlapped |= self.in_progress > 1;
            self.is_settled = false;
        }
        TimeAtStart { latest: self.latest, is_settled: self.is_settled, started: self.started }
    }

    /// The earliest time that the response may show.
    pub(super) fn earliest(&self, start: TimeAtStart) -> Timestamp {
        let latest = self.unanswered_since.map_or(start.latest, |since| since.min(start.latest));
        latest - self.tolerance(start)
    }

    fn tolerance(&self, start: TimeAtStart) -> TimeDelta {
        let is_unchanged =
            start.is_settled && start.started == self.started && self.unanswered_since.is_none();
        if is_unchanged { CLOCK_PRECISION } else { CLOCK_TOLERANCE }
    }

    /// Ends a call whose response showed a time, if it had one.
    pub(super) fn end(&mut self, is_write: bool, start: TimeAtStart, shown: Option<Timestamp>) {
        if let Some(shown) = shown {
            self.latest = self.latest.max(shown);
        }
        if is_write {
            self.in_progress = self.in_progress.saturating_sub(1);
            self.is_settled = shown == Some(self.latest) && !self.overlapped && start.started == self.started;
            self.overlapped &= self.in_progress > 0;
        }
    }

    /// Registers that a write may be executed at any time.
    pub(super) fn unanswered(&mut self, start: TimeAtStart) {
        self.unanswered_since.get_or_insert(start.latest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_000_000 + millis).unwrap()
    }

    fn write(time: &mut RequestTime, shown: Option<i64>) {
        let start = time.start(true);
        time.end(true, start, shown.map(at));
    }

    /// The earliest time that a read that starts now may show.
    fn earliest(time: &mut RequestTime) -> Timestamp {
        let start = time.start(false);
        time.earliest(start)
    }

    #[test]
    fn reads_after_a_write_show_its_time() {
        let mut time = RequestTime::new(at(0));
        assert_eq!(earliest(&mut time), at(-1));
        write(&mut time, Some(50));
        assert_eq!(earliest(&mut time), at(49));
    }

    #[test]
    fn a_write_may_show_the_time_of_a_slower_clock() {
        let mut time = RequestTime::new(at(0));
        let start = time.start(true);
        assert_eq!(time.earliest(start), at(0) - CLOCK_TOLERANCE);
        time.end(true, start, Some(at(-20)));
        assert_eq!(earliest(&mut time), at(0) - CLOCK_TOLERANCE);
    }

    #[test]
    fn either_of_two_overlapping_writes_may_be_the_last() {
        let mut time = RequestTime::new(at(0));
        let [first, second] = [time.start(true), time.start(true)];
        time.end(true, first, Some(at(90)));
        time.end(true, second, Some(at(80)));
        assert_eq!(earliest(&mut time), at(90) - CLOCK_TOLERANCE);
        write(&mut time, Some(100));
        assert_eq!(earliest(&mut time), at(99));
    }

    #[test]
    fn a_write_during_a_read_may_set_a_time_of_a_slower_clock() {
        let mut time = RequestTime::new(at(0));
        let reading = time.start(false);
        write(&mut time, Some(-20));
        assert_eq!(time.earliest(reading), at(0) - CLOCK_TOLERANCE);
    }

    #[test]
    fn a_write_without_a_response_may_set_the_time_of_its_start() {
        let mut time = RequestTime::new(at(0));
        let start = time.start(true);
        time.end(true, start, None);
        time.unanswered(start);
        write(&mut time, Some(5_000));
        assert_eq!(earliest(&mut time), at(0) - CLOCK_TOLERANCE);
    }
}
