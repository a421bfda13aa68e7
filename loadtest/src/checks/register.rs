//! Which of the values that were written may be read, when several write and read at the same time.
//!
//! A value is old once a later write that was acknowledged had begun after it was settled, if that
//! acknowledgement came before the reading began. A write that failed may have been done all the same: either state may be
//! read until the next acknowledged write. One that got no answer may still be on its way, so that its value may be read from
//! then on. For one writer this comes down to the last value; for many it asks no more than any service can promise.

/// Writes without an answer whose values are told from others: a service that answers nothing must not cost ever more.
const MOST_UNANSWERED: usize = 1_000;

/// One value of a session, as its history of writes is known.
#[derive(Debug)]
pub(crate) struct Register {
    /// Counts what happens, so that it has an order.
    now: u64,
    next: u64,
    /// When the latest write began that was acknowledged.
    floor: u64,
    /// Those that may still be read.
    writes: Vec<Write>,
    /// The floors of those that are reading.
    readings: Vec<u64>,
    /// Values below this one are not called old any more: there were too many without an answer.
    pardoned: u64,
}

/// How a write has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    Acknowledged,
    /// It was refused, which may have been after it was done.
    Refused,
    /// No answer has come: it may be done at any time.
    Unanswered,
}

#[derive(Debug)]
struct Write {
    sequence: u64,
    began: u64,
    settled: Option<u64>,
    /// Its call has ended, and no answer has come.
    is_unanswered: bool,
}

/// What was certain when a reading began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading(u64);

/// Why a value cannot be what a reading found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadAnomaly {
    /// It was replaced before the reading began.
    Stale,
    /// Nobody has written it.
    Unwritten,
}

impl Register {
    /// Holds the value 0, which nobody doubts.
    pub(crate) fn new() -> Self {
        let first = Write { sequence: 0, began: 0, settled: Some(0), is_unanswered: false };
        Self { now: 0, next: 1, floor: 0, writes: vec![first], readings: Vec::new(), pardoned: 0 }
    }

    /// Begins to write a value, whose number is returned.
    pub(crate) fn begin(&mut self) -> u64 {
        self.now += 1;
        let sequence = self.next;
        self.next += 1;
        self.writes.push(Write { sequence, began: self.now, settled: None, is_unanswered: false });
        sequence
    }

    /// Takes note of the outcome of a write.
    pub(crate) fn settle(&mut self, sequence: u64, outcome: WriteOutcome) {
        self.now += 1;
        let Some(write) = self.writes.iter_mut().find(|write| write.sequence == sequence) else { return };
        match outcome {
            WriteOutcome::Acknowledged => {
                write.settled = Some(self.now);
                self.floor = self.floor.max(write.began);
                self.forget();
            }
            WriteOutcome::Refused => write.settled = Some(self.now),
            WriteOutcome::Unanswered => {
                write.is_unanswered = true;
                self.pardon();
            }
        }
    }

    /// Whether a write may still be on its way.
    pub(crate) fn has_unanswered(&self) -> bool {
        self.pardoned > 0 || self.writes.iter().any(|write| write.is_unanswered)
    }

    /// Forgets the oldest write without an answer if there are too many.
    fn pardon(&mut self) {
        if self.writes.iter().filter(|write| write.is_unanswered).count() > MOST_UNANSWERED
            && let Some(oldest) = self.writes.iter().position(|write| write.is_unanswered)
        {
            self.pardoned = self.writes.remove(oldest).sequence + 1;
        }
    }

    /// Begins to read.
    pub(crate) fn read(&mut self) -> Reading {
        self.readings.push(self.floor);
        Reading(self.floor)
    }

    /// Begins to read what the write of `sequence` answers: nothing from before it.
    pub(crate) fn read_own(&mut self, sequence: u64) -> Reading {
        let began =
            self.writes.iter().find(|write| write.sequence == sequence).map_or(0, |write| write.began);
        let floor = self.floor.max(began);
        self.readings.push(floor);
        Reading(floor)
    }

    /// Ends a reading.
    pub(crate) fn done(&mut self, reading: Reading) {
        if let Some(place) = self.readings.iter().position(|floor| *floor == reading.0) {
            self.readings.swap_remove(place);
            self.forget();
        }
    }

    /// Whether a reading that has not ended may have found this value.
    pub(crate) fn check(&self, reading: Reading, sequence: u64) -> Result<(), ReadAnomaly> {
        match self.writes.iter().find(|write| write.sequence == sequence) {
            Some(write) if write.settled.is_none_or(|settled| settled >= reading.0) => Ok(()),
            Some(_) => Err(ReadAnomaly::Stale),
            None if sequence < self.pardoned => Ok(()),
            None if sequence < self.next => Err(ReadAnomaly::Stale),
            None => Err(ReadAnomaly::Unwritten),
        }
    }

    /// Forgets what no reading may find any more.
    fn forget(&mut self) {
        let floor = self.readings.iter().copied().fold(self.floor, u64::min);
        self.writes.retain(|write| write.settled.is_none_or(|settled| settled >= floor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReadAnomaly::{Stale, Unwritten};
    use WriteOutcome::{Acknowledged, Refused, Unanswered};

    /// Which of the values a reading that begins now may find.
    fn readable(register: &mut Register) -> Vec<u64> {
        let reading = register.read();
        let found = (0..10).filter(|sequence| register.check(reading, *sequence).is_ok()).collect();
        register.done(reading);
        found
    }

    fn write(register: &mut Register, outcome: WriteOutcome) {
        let sequence = register.begin();
        register.settle(sequence, outcome);
    }

    #[test]
    fn after_each_acknowledged_write_its_value_alone_may_be_read() {
        let mut register = Register::new();
        assert_eq!(readable(&mut register), [0]);
        for sequence in 1..5 {
            write(&mut register, Acknowledged);
            assert_eq!(readable(&mut register), [sequence]);
            assert_eq!(register.writes.len(), 1, "it grows");
        }
    }

    #[test]
    fn what_was_replaced_is_told_from_what_was_never_written() {
        let mut register = Register::new();
        write(&mut register, Acknowledged);
        let reading = register.read();
        assert_eq!(register.check(reading, 0), Err(Stale));
        assert_eq!(register.check(reading, 2), Err(Unwritten));
    }

    #[test]
    fn after_a_failed_write_either_may_be_read_until_the_next_that_is_acknowledged() {
        let mut register = Register::new();
        write(&mut register, Acknowledged);
        write(&mut register, Refused);
        write(&mut register, Refused);
        assert_eq!(readable(&mut register), [1, 2, 3]);
        write(&mut register, Acknowledged);
        assert_eq!(readable(&mut register), [4]);
    }

    #[test]
    fn a_write_without_an_answer_may_be_done_after_others_that_were_acknowledged() {
        let mut register = Register::new();
        write(&mut register, Unanswered);
        write(&mut register, Acknowledged);
        write(&mut register, Acknowledged);
        assert_eq!(readable(&mut register), [1, 3]);
        assert!(register.has_unanswered());
    }

    #[test]
    fn of_too_many_writes_without_an_answer_the_oldest_are_pardoned_and_forgotten() {
        let mut register = Register::new();
        for _ in 0..MOST_UNANSWERED + 3 {
            write(&mut register, Unanswered);
        }
        write(&mut register, Acknowledged);
        assert_eq!(register.writes.len(), MOST_UNANSWERED + 1);
        assert_eq!(readable(&mut register), (0..10).collect::<Vec<_>>());
        write(&mut register, Acknowledged);
        let reading = register.read();
        assert_eq!(register.check(reading, MOST_UNANSWERED as u64 + 4), Err(Stale));
    }

    #[test]
    fn while_a_write_is_under_way_both_may_be_read() {
        let mut register = Register::new();
        let sequence = register.begin();
        assert_eq!(readable(&mut register), [0, 1]);
        register.settle(sequence, Acknowledged);
        assert_eq!(readable(&mut register), [1]);
    }

    #[test]
    fn of_two_writes_at_the_same_time_either_may_have_been_the_last() {
        let mut register = Register::new();
        let (first, second) = (register.begin(), register.begin());
        register.settle(first, Acknowledged);
        register.settle(second, Acknowledged);
        assert_eq!(readable(&mut register), [1, 2]);
    }

    #[test]
    fn a_reading_that_began_before_a_write_may_find_what_was_there() {
        let mut register = Register::new();
        let early = register.read();
        write(&mut register, Acknowledged);
        write(&mut register, Acknowledged);
        assert_eq!(
            (0..4).map(|sequence| register.check(early, sequence)).collect::<Vec<_>>(),
            [Ok(()), Ok(()), Ok(()), Err(Unwritten)]
        );
        register.done(early);
        assert_eq!(readable(&mut register), [2]);
        assert_eq!(register.writes.len(), 1, "what no reading may find is kept");
    }

    #[test]
    fn the_answer_to_a_write_shows_nothing_from_before_it() {
        let mut register = Register::new();
        let sequence = register.begin();
        let reading = register.read_own(sequence);
        assert_eq!(register.check(reading, 0), Err(Stale));
        assert_eq!(register.check(reading, 1), Ok(()));
    }
}
