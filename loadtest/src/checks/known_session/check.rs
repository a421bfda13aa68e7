//! The comparison of a session in a response with the model.
//!
//! Some things cannot be checked, because the contract does not promise them:
//!
//! - additional keys of a session: clients must ignore them, such as `_id` of a database
//! - a key that is left out instead of `null`: both mean the same
//! - that a write sets `request_time` and `close_time` to now: the clock of the service is not known. They are
//!   checked against each other, and against what earlier responses showed
//! - the order of sessions in a list

use super::effect::Certainty;
use super::request_time::TimeAtStart;
use super::{History, KnownSession, PendingCall, Session, SessionCall};
use crate::checks::call_outcome::CallOutcome;
use crate::checks::payload::{Filler, Label, ReadPayload};
use crate::checks::register::{Read, ReadAnomaly, Register};
use crate::checks::violation::{CheckResult, Violation, ViolationKind, difference, ensure, ensure_string};
use chrono::{SecondsFormat, TimeDelta};
use sessions_client::{RawValue, Timestamp};
use std::time::Instant;

/// The precision of times: a service may keep them less precisely than it returns them first.
pub(super) const CLOCK_PRECISION: TimeDelta = TimeDelta::milliseconds(1);

/// The maximum difference between the clocks of the instances of a service.
pub(super) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::milliseconds(500);

/// The time that a proxy may take to pass a response on, while it executes the call again.
const PROXY_DELAY: TimeDelta = TimeDelta::milliseconds(100);

/// The `close_time` that the service returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseTime {
    shown: Timestamp,
    /// The latest time at which a proxy may have executed the call again.
    latest: Timestamp,
}

impl CloseTime {
    /// The time in the response to a close call that was `started` and has ended now.
    pub(super) fn new(session: &Session<'_>, started: Option<Instant>) -> Option<Self> {
        let shown = session.close_time?;
        let elapsed = started.and_then(|started| TimeDelta::from_std(started.elapsed()).ok());
        let latest = shown.checked_add_signed(elapsed.unwrap_or_default() + PROXY_DELAY)?;
        Some(Self { shown, latest })
    }
}

impl History {
    pub(super) fn check(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        outcome: CallOutcome<'_>,
        filler: &Filler,
    ) -> CheckResult {
        let closed = match pending.call {
            SessionCall::Close => Certainty::Yes,
            _ => pending.closed.until(self.closed.certainty()),
        };
        let deleted = match pending.call {
            SessionCall::Delete => pending.deleted,
            _ => pending.deleted.until(self.deleted.certainty()),
        };
        let Some(session) = outcome.session() else {
            // A proxy that retries a delete call whose response was lost returns the response of the second
            // execution, which finds no session. A session that was lost is missing in earlier reads, one
            // that still exists is found by later ones, and both by lists.
            let is_retried_delete = pending.call == SessionCall::Delete
                && matches!(outcome, CallOutcome::NotFound { has_body: false });
            return ensure(deleted != Certainty::No || is_retried_delete, || {
                Violation::with(ViolationKind::Missing, "a session", "no session")
            });
        };
        ensure_string(ViolationKind::OtherUser, &known.label.owner, session.user_id.as_deref())?;
        ensure_string(ViolationKind::OtherSession, &known.id, Some(&session.id))?;
        ensure(deleted != Certainty::Yes, || {
            Violation::with(ViolationKind::ExistsAfterDelete, "no session after delete", "a session")
        })?;
        check_constants(known, session)?;
        match closed {
            Certainty::No => ensure(session.active, || closed_early(session))?,
            Certainty::Yes => ensure(!session.active, || active_after_close(session))?,
            Certainty::Maybe => (),
        }
        let is_known = pending.closed == Certainty::Yes && pending.call != SessionCall::Close;
        self.check_close_time(session, is_known)?;
        if session.active {
            self.check_payloads(known, pending, session, filler)?;
        } else {
            self.check_no_payloads(known, pending, session, filler)?;
        }
        self.check_request_time(session, pending.request_time)
    }

    /// Checks a session in a list.
    pub(super) fn check_listed(&mut self, known: &KnownSession, session: &Session<'_>) -> CheckResult {
        check_constants(known, session)?;
        let closed = self.closed.certainty();
        match closed {
            Certainty::No => ensure(session.active, || closed_early(session))?,
            Certainty::Yes => ensure(!session.active, || active_after_close(session))?,
            Certainty::Maybe => (),
        }
        self.check_close_time(session, closed == Certainty::Yes)?;
        let start = self.request_time.start(false);
        self.check_request_time(session, start)
    }

    fn check_request_time(&self, session: &Session<'_>, start: TimeAtStart) -> CheckResult {
        let earliest = self.request_time.earliest(start);
        check_time(ViolationKind::RequestTimeDecreased, session.request_time, earliest, None)
    }

    /// Checks the `close_time`, which is known if the only close call was acknowledged before.
    fn check_close_time(&self, session: &Session<'_>, is_known: bool) -> CheckResult {
        let Some(shown) = session.close_time else {
            return ensure(session.active, || {
                Violation::with(ViolationKind::NoCloseTime, "a close_time", "null")
            });
        };
        ensure(!session.active, || {
            Violation::with(ViolationKind::CloseTimeBeforeClose, "null", written(shown))
        })?;
        let kind = ViolationKind::CloseTimeDiffers;
        if let Some(CloseTime { shown: first, latest }) = self.close_time
            && is_known
            && self.closed.is_sole()
        {
            return check_time(kind, shown, first - CLOCK_PRECISION, Some(latest));
        }
        let latest = session.request_time + CLOCK_TOLERANCE;
        check_time(kind, shown, session.open_time - CLOCK_TOLERANCE, Some(latest))
    }

    /// Checks the payloads of a closed session. It has none, except from writes that were executed after the
    /// close.
    fn check_no_payloads(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        session: &Session<'_>,
        filler: &Filler,
    ) -> CheckResult {
        let is_late = |register: &Register| register.may_change_after(self.close_started);
        let still_there = |name: &str, payload: &RawValue| {
            let observed = format!("{name} {}", payload.get());
            Violation::with(ViolationKind::DataAfterClose, "no user and no data", observed)
        };
        if let Some(user) = session.user {
            ensure(is_late(&self.user), || still_there("user", user))?;
            self.check_user(known, pending, user)?;
        }
        if let Some(data) = session.data {
            ensure(is_late(&self.data), || still_there("data", data))?;
            self.check_data(known, pending, data, filler)?;
        }
        Ok(())
    }

    fn check_payloads(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        session: &Session<'_>,
        filler: &Filler,
    ) -> CheckResult {
        let missing =
            |kind, register: &Register, read| Violation::with(kind, readable(register, read), "null");
        let user =
            session.user.ok_or_else(|| missing(ViolationKind::UserMissing, &self.user, pending.user))?;
        self.check_user(known, pending, user)?;
        let data =
            session.data.ok_or_else(|| missing(ViolationKind::DataMissing, &self.data, pending.data))?;
        self.check_data(known, pending, data, filler)
    }

    fn check_user(&self, known: &KnownSession, pending: &PendingCall, user: &RawValue) -> CheckResult {
        let sequence = match known.label.sequence_of_user(user) {
            Some(sequence) => sequence,
            None => read_user(&known.label, user)?,
        };
        let kinds = [ViolationKind::StaleUser, ViolationKind::UserNeverStored];
        check_sequence(&self.user, pending.user, sequence, kinds)
    }

    fn check_data(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        data: &RawValue,
        filler: &Filler,
    ) -> CheckResult {
        let (sequence, is_whole) = match known.label.sequence_of_data(data, filler) {
            Some(sequence) => (sequence, true),
            None => read_data(&known.label, data, filler)?,
        };
        let kinds = [ViolationKind::StaleData, ViolationKind::DataNeverStored];
        check_sequence(&self.data, pending.data, sequence, kinds)?;
        ensure(is_whole, || data_differs(&known.label, sequence, data, filler))
    }
}

/// Checks what the response to an open call shows in addition.
pub(super) fn check_opened(session: &Session<'_>) -> CheckResult {
    let (opened, changed) = (session.open_time, session.request_time);
    let [earliest, latest] = [changed - CLOCK_TOLERANCE, changed + CLOCK_TOLERANCE];
    check_time(ViolationKind::OpenTimeDiffers, opened, earliest, Some(latest))
}

/// Checks the fields that no call changes.
fn check_constants(known: &KnownSession, session: &Session<'_>) -> CheckResult {
    let [user_name, address, client] = known.label.constants();
    ensure_string(ViolationKind::UserNameDiffers, user_name, session.user_name.as_deref())?;
    ensure_string(ViolationKind::ClientDiffers, client, session.client.as_deref())?;
    ensure_string(ViolationKind::AddressDiffers, address, session.address.as_deref())?;
    let [earliest, latest] = [known.open_time - CLOCK_PRECISION, known.open_time + CLOCK_PRECISION];
    check_time(ViolationKind::OpenTimeDiffers, session.open_time, earliest, Some(latest))
}

/// Checks that a time is in a range.
fn check_time(
    kind: ViolationKind,
    observed: Timestamp,
    earliest: Timestamp,
    latest: Option<Timestamp>,
) -> CheckResult {
    ensure(observed >= earliest && latest.is_none_or(|latest| observed <= latest), || {
        let expected = match latest {
            None => format!("{} or later", written(earliest)),
            Some(latest) => format!("{} to {}", written(earliest), written(latest)),
        };
        Violation::with(kind, expected, written(observed))
    })
}

fn written(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn closed_early(session: &Session<'_>) -> Violation {
    let close_time = session.close_time.map_or("no close_time".to_owned(), written);
    Violation::with(ViolationKind::ClosedEarly, "an active session", format!("a closed one, {close_time}"))
}

fn active_after_close(session: &Session<'_>) -> Violation {
    let changed = written(session.request_time);
    let observed = format!("an active one, request_time {changed}");
    Violation::with(ViolationKind::ActiveAfterClose, "a closed session", observed)
}

/// Checks the sequence number of a payload. The kinds are those of the anomalies.
fn check_sequence(register: &Register, read: Read, sequence: u64, kinds: [ViolationKind; 2]) -> CheckResult {
    register.check(read, sequence).map_err(|anomaly| {
        let [stale, never_written] = kinds;
        let kind = match anomaly {
            ReadAnomaly::Stale => stale,
            ReadAnomaly::NeverWritten => never_written,
        };
        Violation::with(kind, readable(register, read), format!("sequence {sequence}"))
    })
}

/// The number of sequence numbers in an example.
const SEQUENCES: usize = 5;

/// The sequence numbers of the writes that a read may return, in words.
fn readable(register: &Register, read: Read) -> String {
    let mut sequences = register.readable(read);
    let shown: Vec<_> = sequences.by_ref().take(SEQUENCES).map(|sequence| sequence.to_string()).collect();
    let more = if sequences.next().is_some() { " or another" } else { "" };
    format!("sequence {}{more}", shown.join(" or "))
}

/// The sequence number of a user payload, which must belong to `label`.
fn read_user(label: &Label, user: &RawValue) -> Result<u64, Violation> {
    let differs = |sequence| {
        let [expected, observed] = difference(label.user(sequence).get(), user.get());
        Violation::with(ViolationKind::UserDiffers, expected, observed)
    };
    let Some(ReadPayload { owner, session, sequence, is_whole }) = label.read_user(user) else {
        return Err(differs(0));
    };
    ensure(owner == label.owner && session == label.session, || {
        let observed = format!("session number {session} of {owner}");
        Violation::with(ViolationKind::UserOfOtherSession, label, observed)
    })?;
    ensure(is_whole, || differs(sequence))?;
    Ok(sequence)
}

/// The sequence number of a data payload, which must belong to `label`, and whether its filler is intact.
fn read_data(label: &Label, data: &RawValue, filler: &Filler) -> Result<(u64, bool), Violation> {
    let Some(ReadPayload { owner, session, sequence, is_whole }) = label.read_data(data, filler) else {
        return Err(data_differs(label, 0, data, filler));
    };
    let observed = || format!("session number {session} of {owner}");
    ensure(owner == label.owner, || Violation::with(ViolationKind::DataOfOtherUser, label, observed()))?;
    ensure(session == label.session, || {
        Violation::with(ViolationKind::DataOfOtherSession, label, observed())
    })?;
    Ok((sequence, is_whole))
}

fn data_differs(label: &Label, sequence: u64, data: &RawValue, filler: &Filler) -> Violation {
    let [expected, observed] = difference(label.data(sequence, filler).get(), data.get());
    Violation::with(ViolationKind::DataDiffers, expected, observed)
}
