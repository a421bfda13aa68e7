//! A regular register: the values that a read may return while several users write and read concurrently.
//!
//! 1. A value is stale for a read if another write started after the value was settled, and was acknowledged
//!    before the read started.
//! 2. A refused write was not executed. Its value must not be read.
//! 3. A rejected write may have been executed. Both states may be read until the next acknowledged write.
//! 4. A write without a response may be executed at any time. Its value may be read from then on.
//!
//! With one writer only the last value may be read. With several writers the register demands no more than
//! any service can guarantee.
//!
//! Moments are numbers of a logical clock, which the caller advances with each event.

/// The maximum number of writes that are kept, so that memory stays bounded if the service acknowledges none.
const MAX_WRITES: usize = 1_000;

/// The history of writes to one value of a session.
#[derive(Debug)]
pub(crate) struct Register {
    next: u64,
    /// The start of the latest acknowledged write.
    floor: u64,
    /// The writes whose values may still be read.
    writes: Vec<Write>,
    /// The floors of the reads in progress.
    reads: Vec<u64>,
    /// Values below this one are not checked: there were too many writes that were not acknowledged.
    unchecked_below: u64,
}

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    Acknowledged,
    /// It was not executed, and never will be.
    Refused,
    /// It was executed by now, or never will be.
    Rejected,
    /// It may be executed at any time.
    NoResponse,
}

#[derive(Debug)]
struct Write {
    sequence: u64,
    started: u64,
    settled: Option<u64>,
    state: WriteState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteState {
    /// In progress, or executed, or rejected.
    Ordinary,
    Refused,
    Unanswered,
}

impl Write {
    fn has_ended(&self) -> bool {
        self.settled.is_some() || self.state == WriteState::Unanswered
    }
}

/// The floor when a read started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read(u64);

/// The reason why a read must not return a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadAnomaly {
    /// It was overwritten before the read started.
    Stale,
    /// It was never written, or the service refused the write.
    NeverWritten,
}

impl Register {
    /// Creates a register with the settled value 0.
    pub(crate) fn new() -> Self {
        let first = Write { sequence: 0, started: 0, settled: Some(0), state: WriteState::Ordinary };
        Self { next: 1, floor: 0, writes: vec![first], reads: Vec::new(), unchecked_below: 0 }
    }

    /// Starts a write, and returns its sequence number.
    pub(crate) fn begin(&mut self, now: u64) -> u64 {
        let sequence = self.next;
        self.next += 1;
        self.writes.push(Write { sequence, started: now, settled: None, state: WriteState::Ordinary });
        sequence
    }

    /// Ends a write.
    pub(crate) fn settle(&mut self, sequence: u64, outcome: WriteOutcome, now: u64) {
        let Some(write) = self.writes.iter_mut().find(|write| write.sequence == sequence) else { return };
        match outcome {
            WriteOutcome::Acknowledged => {
                write.settled = Some(now);
                self.floor = self.floor.max(write.started);
                self.remove_unreadable();
            }
            WriteOutcome::Refused => {
                write.settled = Some(now);
                write.state = WriteState::Refused;
            }
            WriteOutcome::Rejected => write.settled = Some(now),
            WriteOutcome::NoResponse => write.state = WriteState::Unanswered,
        }
        self.limit_writes();
    }

    /// Returns whether a write may have been executed after `moment`: it ended later, is in progress, or got
    /// no response.
    pub(crate) fn may_change_after(&self, moment: u64) -> bool {
        self.unchecked_below > 0
            || self.writes.iter().any(|write| {
                write.state != WriteState::Refused && write.settled.is_none_or(|settled| settled > moment)
            })
    }

    /// Removes the oldest write that has ended if there are too many.
    fn limit_writes(&mut self) {
        if self.writes.len() > MAX_WRITES
            && let Some(oldest) = self.writes.iter().position(Write::has_ended)
        {
            self.unchecked_below = self.unchecked_below.max(self.writes.remove(oldest).sequence + 1);
        }
    }

    /// Starts a read.
    pub(crate) fn read(&mut self) -> Read {
        self.reads.push(self.floor);
        Read(self.floor)
    }

    /// Starts the read of the response to a write, which must not return earlier values.
    pub(crate) fn read_own(&mut self, sequence: u64) -> Read {
        let started =
            self.writes.iter().find(|write| write.sequence == sequence).map_or(0, |write| write.started);
        let floor = self.floor.max(started);
        self.reads.push(floor);
        Read(floor)
    }

    /// Ends a read.
    pub(crate) fn done(&mut self, read: Read) {
        if let Some(index) = self.reads.iter().position(|floor| *floor == read.0) {
            self.reads.swap_remove(index);
            self.remove_unreadable();
        }
    }

    /// Checks whether a read that has not ended may return this value.
    pub(crate) fn check(&self, read: Read, sequence: u64) -> Result<(), ReadAnomaly> {
        match self.writes.iter().find(|write| write.sequence == sequence) {
            Some(write) if write.state == WriteState::Refused => Err(ReadAnomaly::NeverWritten),
            Some(write) if write.settled.is_none_or(|settled| settled >= read.0) => Ok(()),
            Some(_) => Err(ReadAnomaly::Stale),
            None if sequence < self.unchecked_below => Ok(()),
            None if sequence < self.next => Err(ReadAnomaly::Stale),
            None => Err(ReadAnomaly::NeverWritten),
        }
    }

    /// The sequence numbers that a read that has not ended may return.
    pub(crate) fn readable(&self, read: Read) -> impl Iterator<Item = u64> {
        let sequences = self.writes.iter().map(|write| write.sequence);
        sequences.filter(move |sequence| self.check(read, *sequence).is_ok())
    }

    /// Removes writes whose values no read may return.
    fn remove_unreadable(&mut self) {
        let floor = self.reads.iter().copied().fold(self.floor, u64::min);
        self.writes.retain(|write| write.settled.is_none_or(|settled| settled >= floor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReadAnomaly::{NeverWritten, Stale};
    use WriteOutcome::{Acknowledged, NoResponse, Refused, Rejected};
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    /// The next moment.
    fn now() -> u64 {
        NOW.set(NOW.get() + 1);
        NOW.get()
    }

    /// The values that a read that starts now may return.
    fn readable(register: &mut Register) -> Vec<u64> {
        let read = register.read();
        let values = (0..10).filter(|sequence| register.check(read, *sequence).is_ok()).collect();
        register.done(read);
        values
    }

    fn write(register: &mut Register, outcome: WriteOutcome) {
        let sequence = register.begin(now());
        register.settle(sequence, outcome, now());
    }

    #[test]
    fn only_the_last_acknowledged_write_may_be_read() {
        let mut register = Register::new();
        assert_eq!(readable(&mut register), [0]);
        for sequence in 1..5 {
            write(&mut register, Acknowledged);
            assert_eq!(readable(&mut register), [sequence]);
            assert_eq!(register.writes.len(), 1, "old writes are kept");
        }
    }

    #[test]
    fn stale_values_differ_from_values_never_written() {
        let mut register = Register::new();
        write(&mut register, Acknowledged);
        let read = register.read();
        assert_eq!(register.check(read, 0), Err(Stale));
        assert_eq!(register.check(read, 2), Err(NeverWritten));
    }

    #[test]
    fn after_a_rejected_write_either_value_may_be_read() {
        let mut register = Register::new();
        write(&mut register, Acknowledged);
        write(&mut register, Rejected);
        write(&mut register, Rejected);
        assert_eq!(readable(&mut register), [1, 2, 3]);
        write(&mut register, Acknowledged);
        assert_eq!(readable(&mut register), [4]);
    }

    #[test]
    fn a_write_without_a_response_may_be_executed_late() {
        let mut register = Register::new();
        write(&mut register, NoResponse);
        write(&mut register, Acknowledged);
        write(&mut register, Acknowledged);
        assert_eq!(readable(&mut register), [1, 3]);
        assert!(register.may_change_after(now()));
    }

    #[test]
    fn the_value_of_a_refused_write_must_not_be_read() {
        let mut register = Register::new();
        write(&mut register, Acknowledged);
        write(&mut register, Refused);
        assert_eq!(readable(&mut register), [1]);
        let read = register.read();
        assert_eq!(register.check(read, 2), Err(NeverWritten));
    }

    #[test]
    fn a_write_may_change_the_value_until_it_is_settled() {
        let mut register = Register::new();
        let early = now();
        let sequence = register.begin(now());
        assert!(register.may_change_after(now()));
        register.settle(sequence, Acknowledged, now());
        assert!(register.may_change_after(early) && !register.may_change_after(now()));
        write(&mut register, Refused);
        assert!(!register.may_change_after(now() - 2));
    }

    #[test]
    fn the_number_of_writes_that_are_not_acknowledged_is_bounded() {
        for outcome in [NoResponse, Rejected, Refused] {
            let mut register = Register::new();
            for _ in 0..MAX_WRITES + 3 {
                write(&mut register, outcome);
            }
            assert_eq!(register.writes.len(), MAX_WRITES, "{outcome:?}");
            // The oldest are not checked any more.
            assert_eq!(readable(&mut register)[..4], [0, 1, 2, 3], "{outcome:?}");
            let acknowledged = register.begin(now());
            register.settle(acknowledged, Acknowledged, now());
            write(&mut register, Acknowledged);
            let read = register.read();
            assert_eq!(register.check(read, acknowledged), Err(Stale), "{outcome:?}");
        }
    }

    #[test]
    fn during_a_write_either_value_may_be_read() {
        let mut register = Register::new();
        let sequence = register.begin(now());
        assert_eq!(readable(&mut register), [0, 1]);
        register.settle(sequence, Acknowledged, now());
        assert_eq!(readable(&mut register), [1]);
    }

    #[test]
    fn either_of_two_concurrent_writes_may_be_the_last() {
        let mut register = Register::new();
        let (first, second) = (register.begin(now()), register.begin(now()));
        register.settle(first, Acknowledged, now());
        register.settle(second, Acknowledged, now());
        assert_eq!(readable(&mut register), [1, 2]);
    }

    #[test]
    fn a_read_that_started_before_a_write_may_return_old_values() {
        let mut register = Register::new();
        let early = register.read();
        write(&mut register, Acknowledged);
        write(&mut register, Acknowledged);
        assert_eq!(
            (0..4).map(|sequence| register.check(early, sequence)).collect::<Vec<_>>(),
            [Ok(()), Ok(()), Ok(()), Err(NeverWritten)]
        );
        register.done(early);
        assert_eq!(readable(&mut register), [2]);
        assert_eq!(register.writes.len(), 1, "unreadable writes are kept");
    }

    #[test]
    fn the_response_to_a_write_must_not_return_earlier_values() {
        let mut register = Register::new();
        let sequence = register.begin(now());
        let read = register.read_own(sequence);
        assert_eq!(register.check(read, 0), Err(Stale));
        assert_eq!(register.check(read, 1), Ok(()));
    }
}
