//! The event log of a run.

use crate::faults::Schedule;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The events of a run, in order, and the violations of its invariants. Clones share them.
#[derive(Clone)]
pub(crate) struct Log(Arc<Shared>);

struct Shared {
    schedule: Schedule,
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    events: Vec<Event>,
    violations: Vec<String>,
}

/// An event at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The virtual time since the start of the run.
    pub at: Duration,
    /// A description for people.
    pub what: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  {}", self.at.as_secs_f64(), self.what)
    }
}

impl Log {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self(Arc::new(Shared { schedule, recorded: Mutex::default() }))
    }

    pub(crate) fn event(&self, what: impl FnOnce() -> String) {
        let at = self.0.schedule.now();
        self.recorded().events.push(Event { at, what: what() });
    }

    /// Records that an invariant does not hold.
    pub(crate) fn violation(&self, what: String) {
        self.event(|| format!("VIOLATION: {what}"));
        self.recorded().violations.push(what);
    }

    /// Records a violation unless `holds`.
    pub(crate) fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.violation(what());
        }
    }

    /// Takes all events and violations.
    pub(crate) fn take(&self) -> (Vec<Event>, Vec<String>) {
        let Recorded { events, violations } = std::mem::take(&mut *self.recorded());
        (events, violations)
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
