//! Which of the values that were written may be read, when several write and read at the same time.
//!
//! A value is old once a later write that was acknowledged had begun after it was settled, if that
//! acknowledgement came before the reading began. A write that failed or got no answer may have been done all the same: either
//! state may be read until the next acknowledged write. For one writer this comes down to the last value; for many it asks
//! no more than any service can promise.

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
}

#[derive(Debug)]
struct Write {
    sequence: u64,
    began: u64,
    settled: Option<u64>,
}

/// What was certain when a reading began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading(u64);

/// Why a value cannot be what a reading found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It was replaced before the reading began.
    Stale,
    /// Nobody has written it.
    Unwritten,
}

impl Register {
    /// Holds the value 0, which nobody doubts.
    pub(crate) fn new() -> Self {
        let first = Write { sequence: 0, began: 0, settled: Some(0) };
        Self { now: 0, next: 1, floor: 0, writes: vec![first], readings: Vec::new() }
    }

    /// Begins to write a value, whose number is returned.
    pub(crate) fn begin(&mut self) -> u64 {
        self.now += 1;
        let sequence = self.next;
        self.next += 1;
        self.writes.push(Write { sequence, began: self.now, settled: None });
        sequence
    }

    /// Takes note of the outcome of a write.
    pub(crate) fn settle(&mut self, sequence: u64, acknowledged: bool) {
        self.now += 1;
        let Some(write) = self.writes.iter_mut().find(|write| write.sequence == sequence) else { return };
        write.settled = Some(self.now);
        if acknowledged {
            self.floor = self.floor.max(write.began);
            self.forget();
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
    pub(crate) fn check(&self, reading: Reading, sequence: u64) -> Result<(), Unreadable> {
        match self.writes.iter().find(|write| write.sequence == sequence) {
            Some(write) if write.settled.is_none_or(|settled| settled >= reading.0) => Ok(()),
            Some(_) => Err(Unreadable::Stale),
            None if sequence < self.next => Err(Unreadable::Stale),
            None => Err(Unreadable::Unwritten),
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
    use Unreadable::{Stale, Unwritten};

    /// Which of the values a reading that begins now may find.
    fn readable(register: &mut Register) -> Vec<u64> {
        let reading = register.read();
        let found = (0..10).filter(|sequence| register.check(reading, *sequence).is_ok()).collect();
        register.done(reading);
        found
    }

    fn write(register: &mut Register, acknowledged: bool) {
        let sequence = register.begin();
        register.settle(sequence, acknowledged);
    }

    #[test]
    fn after_each_acknowledged_write_its_value_alone_may_be_read() {
        let mut register = Register::new();
        assert_eq!(readable(&mut register), [0]);
        for sequence in 1..5 {
            write(&mut register, true);
            assert_eq!(readable(&mut register), [sequence]);
            assert_eq!(register.writes.len(), 1, "it grows");
        }
    }

    #[test]
    fn what_was_replaced_is_told_from_what_was_never_written() {
        let mut register = Register::new();
        write(&mut register, true);
        let reading = register.read();
        assert_eq!(register.check(reading, 0), Err(Stale));
        assert_eq!(register.check(reading, 2), Err(Unwritten));
    }

    #[test]
    fn after_a_failed_write_either_may_be_read_until_the_next_that_is_acknowledged() {
        let mut register = Register::new();
        write(&mut register, true);
        write(&mut register, false);
        write(&mut register, false);
        assert_eq!(readable(&mut register), [1, 2, 3]);
        write(&mut register, true);
        assert_eq!(readable(&mut register), [4]);
    }

    #[test]
    fn while_a_write_is_under_way_both_may_be_read() {
        let mut register = Register::new();
        let sequence = register.begin();
        assert_eq!(readable(&mut register), [0, 1]);
        register.settle(sequence, true);
        assert_eq!(readable(&mut register), [1]);
    }

    #[test]
    fn of_two_writes_at_the_same_time_either_may_have_been_the_last() {
        let mut register = Register::new();
        let (first, second) = (register.begin(), register.begin());
        register.settle(first, true);
        register.settle(second, true);
        assert_eq!(readable(&mut register), [1, 2]);
    }

    #[test]
    fn a_reading_that_began_before_a_write_may_find_what_was_there() {
        let mut register = Register::new();
        let early = register.read();
        write(&mut register, true);
        write(&mut register, true);
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
