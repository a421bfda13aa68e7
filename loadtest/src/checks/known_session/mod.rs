//! The model of one session, and the check of responses against it.
//!
//! Each call is registered before its request is sent and after its response arrives. Between the two, its
//! effect may or may not have happened. The state that a response may show is determined when its call
//! starts, because a read may be older than a write that ends before it.

mod check;
mod effect;
#[cfg(all(test, shuttle))]
mod interleavings;
mod request_time;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use super::call_outcome::CallOutcome;
use super::payload::{Filler, Label};
use super::register::{Read, Register};
use super::violation::{CheckResult, Violation, ViolationKind, ensure};
use crate::sync::{Mutex, MutexGuard, lock};
use check::CloseTime;
use effect::{Certainty, Effect};
use request_time::{RequestTime, TimeAtStart};
use sessions_client::{RawValue, SessionRef, Timestamp};
use std::time::Instant;

/// A session as decoded from a response. Payloads stay raw, so that those of other applications and damaged
/// ones can be checked.
pub(crate) type Session<'a> = SessionRef<'a, &'a RawValue, &'a RawValue>;

/// A session that the run has opened, with the history of its calls.
#[derive(Debug)]
pub struct KnownSession {
    /// The id that the service assigned.
    pub(crate) id: String,
    /// The owner, and the number of the session within the run.
    pub(crate) label: Label,
    /// The correlation id of all its calls.
    pub(crate) correlation: String,
    open_time: Timestamp,
    history: Mutex<History>,
}

#[derive(Debug)]
struct History {
    /// A logical clock that orders the starts and the ends of calls.
    now: u64,
    data: Register,
    user: Register,
    request_time: RequestTime,
    closed: Effect,
    /// The start of the first close call.
    close_started: u64,
    /// The time that the service returned for an acknowledged close.
    close_time: Option<CloseTime>,
    deleted: Effect,
    /// True after a violation, when the state of the session is unknown.
    checks_stopped: bool,
}

/// A call about a session, with the sequence number of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionCall {
    Read,
    StoreData(u64),
    UpdateUser(u64),
    Close,
    Delete,
}

impl SessionCall {
    /// Returns whether the call sets `request_time`.
    fn is_write(self) -> bool {
        matches!(self, Self::StoreData(_) | Self::UpdateUser(_) | Self::Close)
    }
}

/// A call that has started, with the state that its response must agree with.
#[derive(Debug)]
pub(crate) struct PendingCall {
    call: SessionCall,
    data: Read,
    user: Read,
    request_time: TimeAtStart,
    closed: Certainty,
    deleted: Certainty,
    /// The start of a close call.
    started: Option<Instant>,
}

impl KnownSession {
    /// The id that the service assigned.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Creates the model of a session that was opened with the response `session`.
    pub(crate) fn new(session: &Session<'_>, label: Label, correlation: String) -> Self {
        let history = History {
            now: 0,
            data: Register::new(),
            user: Register::new(),
            request_time: RequestTime::new(session.request_time),
            closed: Effect::default(),
            close_started: 0,
            close_time: None,
            deleted: Effect::default(),
            checks_stopped: false,
        };
        let open_time = session.open_time;
        Self { id: session.id.to_string(), label, correlation, open_time, history: Mutex::new(history) }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Returns the sequence number of the data that is stored next.
    pub(crate) fn next_data(&self) -> u64 {
        let mut history = self.history();
        let now = history.tick();
        history.data.begin(now)
    }

    /// Returns the sequence number of the user that is stored next.
    pub(crate) fn next_user(&self) -> u64 {
        let mut history = self.history();
        let now = history.tick();
        history.user.begin(now)
    }

    /// Checks the response to the open call, and everything that is known of the session from then on.
    pub(crate) fn check_opened(&self, session: &Session<'_>, filler: &Filler) -> CheckResult {
        let pending = self.begin(SessionCall::Read);
        self.end(&pending, CallOutcome::Session(session), filler)?;
        check::check_opened(session)
    }

    /// Registers the start of a call that is sent once.
    pub(crate) fn begin(&self, call: SessionCall) -> PendingCall {
        self.begin_attempts(call, 1)
    }

    /// Registers the start of a call that is sent up to `times` times. Each attempt may be executed, even
    /// after the response to another one.
    pub(crate) fn begin_attempts(&self, call: SessionCall, times: u32) -> PendingCall {
        let mut history = self.history();
        let now = history.tick();
        let data = match call {
            SessionCall::StoreData(sequence) => history.data.read_own(sequence),
            _ => history.data.read(),
        };
        let user = match call {
            SessionCall::UpdateUser(sequence) => history.user.read_own(sequence),
            _ => history.user.read(),
        };
        let pending = PendingCall {
            call,
            data,
            user,
            request_time: history.request_time.start(call.is_write()),
            closed: history.closed.certainty(),
            deleted: history.deleted.certainty(),
            started: (call == SessionCall::Close).then(Instant::now),
        };
        match call {
            SessionCall::Close => {
                if history.close_started == 0 {
                    history.close_started = now;
                }
                history.closed.attempt(times);
            }
            SessionCall::Delete => history.deleted.attempt(times),
            _ => (),
        }
        pending
    }

    /// Registers the end of a call, and checks its response if there is one.
    pub(crate) fn end(
        &self,
        pending: &PendingCall,
        outcome: CallOutcome<'_>,
        filler: &Filler,
    ) -> CheckResult {
        let mut history = self.history();
        let now = history.tick();
        let checked = if outcome.is_success() && !history.checks_stopped {
            history.check(self, pending, outcome, filler)
        } else {
            Ok(())
        };
        match pending.call {
            SessionCall::StoreData(sequence) => history.data.settle(sequence, outcome.of_write(), now),
            SessionCall::UpdateUser(sequence) => history.user.settle(sequence, outcome.of_write(), now),
            SessionCall::Close => history.end_close(pending, outcome, checked.is_ok()),
            SessionCall::Delete if matches!(outcome, CallOutcome::Refused) => history.deleted.refuse(),
            SessionCall::Delete if outcome.is_success() => history.deleted.happen(),
            SessionCall::Read | SessionCall::Delete => (),
        }
        if matches!(outcome, CallOutcome::NotFound { .. }) && history.deleted.certainty() == Certainty::Maybe
        {
            // It was deleted late, and is not opened again.
            history.deleted.happen();
        }
        let shown = outcome.session().filter(|session| session.id == self.id);
        let is_write = pending.call.is_write();
        history.request_time.end(is_write, pending.request_time, shown.map(|session| session.request_time));
        if is_write && matches!(outcome, CallOutcome::NoResponse) {
            history.request_time.unanswered(pending.request_time);
        }
        history.data.done(pending.data);
        history.user.done(pending.user);
        checked
    }

    /// Accepts any response from now on: the first violation of a session is the one to report.
    pub(crate) fn stop_checks(&self) {
        self.history().checks_stopped = true;
    }

    /// Returns whether the session certainly exists, so that a list must contain it.
    pub(crate) fn exists(&self) -> bool {
        self.history().deleted.certainty() == Certainty::No
    }

    /// Returns whether the session is certainly deleted, so that no list may contain it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.history().deleted.certainty() == Certainty::Yes
    }

    /// Returns whether the session is active; `None` if that is uncertain.
    pub(crate) fn is_active(&self) -> Option<bool> {
        match self.history().closed.certainty() {
            Certainty::No => Some(true),
            Certainty::Maybe => None,
            Certainty::Yes => Some(false),
        }
    }

    /// Checks a session in a list. The user of the session changes nothing meanwhile.
    pub(crate) fn check_listed(&self, session: &Session<'_>) -> CheckResult {
        let mut history = self.history();
        ensure(history.deleted.certainty() != Certainty::Yes, || {
            Violation::with(ViolationKind::ExistsAfterDelete, "no session after delete", "a listed session")
        })?;
        if history.checks_stopped {
            return Ok(());
        }
        history.check_listed(self, session)
    }
}

impl History {
    /// The next moment of the logical clock.
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn end_close(&mut self, pending: &PendingCall, outcome: CallOutcome<'_>, is_correct: bool) {
        match outcome {
            CallOutcome::Refused => self.closed.refuse(),
            CallOutcome::Session(session) if is_correct => {
                self.closed.happen();
                self.close_time = CloseTime::new(session, pending.started);
            }
            _ => (),
        }
    }
}
