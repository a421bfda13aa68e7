//! The model of one session, and the check of responses against it.
//!
//! Each call is registered before its request is sent and after its response arrives. Between the two, its
//! effect may or may not have happened. The state that a response may show is determined when its call
//! starts, because a read may be older than a write that ends before it.

use super::payload::{DataPayload, Filler, Label, UserPayload, parse_payload};
use super::register::{Read, ReadAnomaly, Register, WriteOutcome};
use super::violation::{CheckResult, Violation, ensure};
use crate::sync::lock;
use sessions_client::{Error, ErrorKind, RawValue, SessionRef, Timestamp};
use std::sync::{Mutex, MutexGuard};

/// A session as decoded from a response. Payloads stay raw, so that those of other applications and damaged
/// ones can be checked.
pub(crate) type Session<'a> = SessionRef<'a, &'a RawValue, &'a RawValue>;

/// The `user_name` of all sessions.
pub(crate) const USER_NAME: &str = "Load test";

/// The `client` of all sessions.
pub(crate) const CLIENT: &str = "loadtest";

/// A session that the run has opened.
#[derive(Debug)]
pub(crate) struct KnownSession {
    /// The id that the service assigned.
    pub(crate) id: String,
    /// The owner, and the number of the session within the run.
    pub(crate) label: Label,
    /// The correlation id of all its calls.
    pub(crate) correlation: String,
    history: Mutex<History>,
}

#[derive(Debug)]
struct History {
    data: Register,
    user: Register,
    closed: Certainty,
    deleted: Certainty,
    /// The latest one returned.
    request_time: Timestamp,
    /// True after a violation, when the state of the session is unknown.
    checks_stopped: bool,
}

/// The certainty that an effect has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    No,
    Maybe,
    Yes,
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

/// The outcome of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallOutcome<'s> {
    /// An error response: the effect has happened by now, or never will.
    Rejected,
    /// No response: the effect may happen at any time.
    NoResponse,
    /// The service returned no session.
    NotFound,
    Session(&'s Session<'s>),
}

impl<'s> From<Result<&'s Option<Session<'s>>, &Error>> for CallOutcome<'s> {
    fn from(response: Result<&'s Option<Session<'s>>, &Error>) -> Self {
        match response {
            Ok(None) => Self::NotFound,
            Ok(Some(session)) => Self::Session(session),
            Err(error) if is_without_response(error) => Self::NoResponse,
            Err(_) => Self::Rejected,
        }
    }
}

/// Returns whether the service may still execute the call: it did not respond, or only a proxy did.
fn is_without_response(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Timeout | ErrorKind::Transport => true,
        _ => error.status().is_some_and(|status| matches!(status.as_u16(), 502 | 504)),
    }
}

/// A call that has started, with the state that its response must agree with.
#[derive(Debug)]
pub(crate) struct PendingCall {
    call: SessionCall,
    data: Read,
    user: Read,
    closed: Certainty,
    deleted: Certainty,
    request_time: Timestamp,
}

impl KnownSession {
    /// Creates the model of a session that was opened with the response `session`.
    pub(crate) fn new(session: &Session<'_>, label: Label, correlation: String) -> Self {
        let history = History {
            data: Register::new(),
            user: Register::new(),
            closed: Certainty::No,
            deleted: Certainty::No,
            request_time: session.request_time,
            checks_stopped: false,
        };
        Self { id: session.id.to_string(), label, correlation, history: Mutex::new(history) }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Returns the sequence number of the data that is stored next.
    pub(crate) fn next_data(&self) -> u64 {
        self.history().data.begin()
    }

    /// Returns the sequence number of the user that is stored next.
    pub(crate) fn next_user(&self) -> u64 {
        self.history().user.begin()
    }

    /// Registers the start of a call.
    pub(crate) fn begin(&self, call: SessionCall) -> PendingCall {
        let mut history = self.history();
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
            closed: history.closed,
            deleted: history.deleted,
            request_time: history.request_time,
        };
        match call {
            SessionCall::Close => history.closed = history.closed.attempted(),
            SessionCall::Delete => history.deleted = history.deleted.attempted(),
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
        let session = match outcome {
            CallOutcome::Session(session) => Some(session),
            CallOutcome::NotFound | CallOutcome::Rejected | CallOutcome::NoResponse => None,
        };
        let has_response = matches!(outcome, CallOutcome::NotFound | CallOutcome::Session(_));
        let checked = if has_response && !history.checks_stopped {
            history.check(self, pending, session, filler)
        } else {
            Ok(())
        };
        let acknowledged = session.is_some();
        let write = match outcome {
            CallOutcome::Session(_) => WriteOutcome::Acknowledged,
            CallOutcome::NotFound | CallOutcome::Rejected => WriteOutcome::Rejected,
            CallOutcome::NoResponse => WriteOutcome::NoResponse,
        };
        match pending.call {
            SessionCall::StoreData(sequence) => history.data.settle(sequence, write),
            SessionCall::UpdateUser(sequence) => history.user.settle(sequence, write),
            SessionCall::Close if acknowledged && checked.is_ok() => history.closed = Certainty::Yes,
            // The response contains no session if the id was unknown.
            SessionCall::Delete if has_response => history.deleted = Certainty::Yes,
            SessionCall::Read | SessionCall::Close | SessionCall::Delete => (),
        }
        history.data.done(pending.data);
        history.user.done(pending.user);
        if let Some(session) = session
            && session.id == self.id
        {
            history.request_time = history.request_time.max(session.request_time);
        }
        checked
    }

    /// Accepts any response from now on: the first violation of a session is the one to report.
    pub(crate) fn stop_checks(&self) {
        self.history().checks_stopped = true;
    }

    /// Returns whether the session certainly exists, so that a list must contain it.
    pub(crate) fn exists(&self) -> bool {
        self.history().deleted == Certainty::No
    }

    /// Returns whether the session is certainly deleted, so that no list may contain it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.history().deleted == Certainty::Yes
    }

    /// Returns whether the session is active; `None` if that is uncertain.
    pub(crate) fn is_active(&self) -> Option<bool> {
        match self.history().closed {
            Certainty::No => Some(true),
            Certainty::Maybe => None,
            Certainty::Yes => Some(false),
        }
    }

    /// Checks a session in a list.
    pub(crate) fn check_listed(&self, session: &Session<'_>) -> CheckResult {
        ensure(!self.is_deleted(), Violation::ExistsAfterDelete)?;
        if self.history().checks_stopped {
            return Ok(());
        }
        check_constants(session)?;
        match self.is_active() {
            Some(true) => ensure(session.active, Violation::ClosedEarly),
            Some(false) => ensure(!session.active, Violation::ActiveAfterClose),
            None => Ok(()),
        }
    }
}

impl Certainty {
    /// The certainty after an attempt.
    fn attempted(self) -> Self {
        if self == Self::Yes { self } else { Self::Maybe }
    }

    /// The certainty for a call that starts now and ends when it is `later`.
    fn until(self, later: Self) -> Self {
        if self == later { self } else { Self::Maybe }
    }
}

impl History {
    fn check(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        session: Option<&Session<'_>>,
        filler: &Filler,
    ) -> CheckResult {
        let closed = match pending.call {
            SessionCall::Close => Certainty::Yes,
            _ => pending.closed.until(self.closed),
        };
        let deleted = match pending.call {
            SessionCall::Delete => pending.deleted,
            _ => pending.deleted.until(self.deleted),
        };
        let Some(session) = session else {
            return ensure(deleted != Certainty::No, Violation::Missing);
        };
        ensure(session.user_id.as_deref() == Some(&known.label.owner), Violation::OtherUser)?;
        ensure(session.id == known.id, Violation::OtherSession)?;
        ensure(deleted != Certainty::Yes, Violation::ExistsAfterDelete)?;
        check_constants(session)?;
        ensure(session.request_time >= pending.request_time, Violation::RequestTimeDecreased)?;
        match closed {
            Certainty::No => {
                ensure(session.active, Violation::ClosedEarly)?;
                self.check_payloads(known, pending, session, filler)
            }
            Certainty::Maybe if session.active => self.check_payloads(known, pending, session, filler),
            Certainty::Maybe | Certainty::Yes => {
                ensure(!session.active, Violation::ActiveAfterClose)?;
                ensure(session.close_time.is_some(), Violation::NoCloseTime)?;
                // A closed session accepts writes, and one without a response may be executed late.
                let is_empty = (session.user.is_none() || self.user.may_change_late())
                    && (session.data.is_none() || self.data.may_change_late());
                ensure(is_empty, Violation::DataAfterClose)
            }
        }
    }

    fn check_payloads(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        session: &Session<'_>,
        filler: &Filler,
    ) -> CheckResult {
        let user = session.user.ok_or(Violation::UserMissing)?;
        let sequence = match known.label.sequence_of_user(user) {
            Some(sequence) => sequence,
            None => read_user(&known.label, user)?,
        };
        self.user.check(pending.user, sequence).map_err(|anomaly| match anomaly {
            ReadAnomaly::Stale => Violation::StaleUser,
            ReadAnomaly::NeverWritten => Violation::UserNeverStored,
        })?;
        let data = session.data.ok_or(Violation::DataMissing)?;
        let (sequence, is_whole) = match known.label.sequence_of_data(data, filler) {
            Some(sequence) => (sequence, true),
            None => read_data(&known.label, data, filler)?,
        };
        self.data.check(pending.data, sequence).map_err(|anomaly| match anomaly {
            ReadAnomaly::Stale => Violation::StaleData,
            ReadAnomaly::NeverWritten => Violation::DataNeverStored,
        })?;
        ensure(is_whole, Violation::DataDiffers)
    }
}

/// The sequence number of a user payload, which must belong to `label`.
fn read_user(label: &Label, user: &RawValue) -> Result<u64, Violation> {
    let user: UserPayload<'_> = parse_payload(user).ok_or(Violation::UserDiffers)?;
    ensure(user.owner == label.owner && user.session == label.session, Violation::UserOfOtherSession)?;
    Ok(user.sequence)
}

/// The sequence number of a data payload, which must belong to `label`, and whether its filler is intact.
fn read_data(label: &Label, data: &RawValue, filler: &Filler) -> Result<(u64, bool), Violation> {
    let data: DataPayload<'_> = parse_payload(data).ok_or(Violation::DataDiffers)?;
    ensure(data.owner == label.owner, Violation::DataOfOtherUser)?;
    ensure(data.session == label.session, Violation::DataOfOtherSession)?;
    Ok((data.sequence, filler.equals(data.filler)))
}

/// Checks the fields that no call changes.
fn check_constants(session: &Session<'_>) -> CheckResult {
    ensure(session.user_name.as_deref() == Some(USER_NAME), Violation::UserNameDiffers)?;
    ensure(session.client.as_deref() == Some(CLIENT), Violation::ClientDiffers)
}

/// Sessions for tests.
#[cfg(test)]
pub(crate) mod sample {
    use super::{CLIENT, RawValue, Session, USER_NAME};

    /// A session of `owner`, opened ten seconds after 1970.
    pub(crate) fn session<'a>(id: &'a str, owner: &'a str) -> Session<'a> {
        let time = "1970-01-01T00:00:10Z";
        let text =
            format!(r#"{{"id": "", "active": true, "open_time": "{time}", "request_time": "{time}"}}"#);
        let mut session: Session<'a> = serde_json::from_str(text.leak()).unwrap();
        session.id = id.into();
        session.user_id = Some(owner.into());
        session.user_name = Some(USER_NAME.into());
        session.client = Some(CLIENT.into());
        session
    }

    /// A payload as decoded from a response.
    pub(crate) fn received(payload: Box<RawValue>) -> &'static RawValue {
        Box::leak(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{received, session};
    use super::*;
    use crate::checks::payload::PayloadShape;
    use serde_json::value::to_raw_value;
    use sessions_client::ServiceError;

    fn filler() -> Filler {
        Filler::new(PayloadShape::Text, 10)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    /// Ann's session after it was opened.
    fn opened() -> (KnownSession, Session<'static>) {
        let mut session = session("id", "ann");
        let known = KnownSession::new(&session, Label::new("ann", 7), "ann-7".to_owned());
        session.user = Some(received(known.label.user(0)));
        session.data = Some(received(known.label.data(0, &filler())));
        (known, session)
    }

    fn other() -> &'static RawValue {
        serde_json::from_str(r#"{"cart": 1}"#).unwrap()
    }

    fn closed(mut session: Session<'_>) -> Session<'_> {
        session.active = false;
        session.close_time = Some(at(20));
        session.user = None;
        session.data = None;
        session
    }

    /// Checks the outcome of a call.
    fn call(known: &KnownSession, call: SessionCall, outcome: CallOutcome<'_>) -> CheckResult {
        let pending = known.begin(call);
        known.end(&pending, outcome, &filler())
    }

    fn read(known: &KnownSession, session: &Session<'_>) -> CheckResult {
        call(known, SessionCall::Read, CallOutcome::Session(session))
    }

    #[track_caller]
    fn assert_open(change: impl FnOnce(&mut Session<'static>), outcome: CheckResult) {
        let (known, mut session) = opened();
        change(&mut session);
        assert_eq!(read(&known, &session), outcome);
    }

    fn with_data(change: impl FnOnce(&mut DataPayload<'_>)) -> impl FnOnce(&mut Session<'static>) {
        |session| {
            let mut data = parse_payload(session.data.unwrap()).unwrap();
            change(&mut data);
            session.data = Some(received(to_raw_value(&data).unwrap()));
        }
    }

    fn with_user(change: impl FnOnce(&mut UserPayload<'_>)) -> impl FnOnce(&mut Session<'static>) {
        |session| {
            let mut user = parse_payload(session.user.unwrap()).unwrap();
            change(&mut user);
            session.user = Some(received(to_raw_value(&user).unwrap()));
        }
    }

    #[test]
    fn an_unchanged_open_session_passes() {
        assert_open(|_| (), Ok(()));
    }

    #[test]
    fn equivalent_json_passes() {
        fn spaced(payload: Option<&RawValue>) -> Option<&'static RawValue> {
            let value: serde_json::Value = serde_json::from_str(payload?.get()).unwrap();
            let text = serde_json::to_string_pretty(&value).unwrap();
            Some(received(RawValue::from_string(text).unwrap()))
        }
        assert_open(|session| session.user = spaced(session.user), Ok(()));
        assert_open(|session| session.data = spaced(session.data), Ok(()));
    }

    #[test]
    fn every_difference_of_an_open_session_has_a_violation() {
        assert_open(|session| session.id = "other".into(), Err(Violation::OtherSession));
        assert_open(|session| session.user_id = Some("bob".into()), Err(Violation::OtherUser));
        assert_open(|session| session.user_id = None, Err(Violation::OtherUser));
        assert_open(|session| session.active = false, Err(Violation::ClosedEarly));
        assert_open(|session| session.user_name = None, Err(Violation::UserNameDiffers));
        assert_open(|session| session.client = Some("other".into()), Err(Violation::ClientDiffers));
        assert_open(|session| session.request_time = at(9), Err(Violation::RequestTimeDecreased));
        assert_open(|session| session.user = None, Err(Violation::UserMissing));
        assert_open(|session| session.user = Some(other()), Err(Violation::UserDiffers));
        assert_open(with_user(|user| user.session = 6), Err(Violation::UserOfOtherSession));
        assert_open(with_user(|user| user.sequence = 1), Err(Violation::UserNeverStored));
        assert_open(|session| session.data = None, Err(Violation::DataMissing));
        assert_open(|session| session.data = Some(other()), Err(Violation::DataDiffers));
        assert_open(with_data(|data| data.owner = "bob".into()), Err(Violation::DataOfOtherUser));
        assert_open(with_data(|data| data.session = 6), Err(Violation::DataOfOtherSession));
        assert_open(with_data(|data| data.sequence = 1), Err(Violation::DataNeverStored));
        let filler: &RawValue = serde_json::from_str(r#""other""#).unwrap();
        assert_open(with_data(|data| data.filler = filler), Err(Violation::DataDiffers));
    }

    #[test]
    fn a_read_must_return_the_last_acknowledged_write() {
        let (known, mut session) = opened();
        let sequence = known.next_data();
        assert_eq!(
            call(&known, SessionCall::StoreData(sequence), CallOutcome::Session(&session)),
            Err(Violation::StaleData)
        );
        session.data = Some(received(known.label.data(sequence, &filler())));
        assert_eq!(read(&known, &session), Ok(()));
        session.data = Some(received(known.label.data(0, &filler())));
        assert_eq!(read(&known, &session), Err(Violation::StaleData));
    }

    #[test]
    fn after_a_failed_store_either_value_passes() {
        let (known, mut session) = opened();
        let sequence = known.next_data();
        assert_eq!(call(&known, SessionCall::StoreData(sequence), CallOutcome::Rejected), Ok(()));
        assert_eq!(read(&known, &session), Ok(()));
        session.data = Some(received(known.label.data(sequence, &filler())));
        assert_eq!(read(&known, &session), Ok(()));
    }

    #[test]
    fn a_store_without_a_response_may_be_executed_late() {
        let (known, mut session) = opened();
        let late = known.next_data();
        assert_eq!(call(&known, SessionCall::StoreData(late), CallOutcome::NoResponse), Ok(()));
        let sequence = known.next_data();
        session.data = Some(received(known.label.data(sequence, &filler())));
        assert_eq!(call(&known, SessionCall::StoreData(sequence), CallOutcome::Session(&session)), Ok(()));
        session.data = Some(received(known.label.data(late, &filler())));
        assert_eq!(read(&known, &session), Ok(()));
        let mut closed = closed(session.clone());
        assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&closed)), Ok(()));
        closed.data = session.data;
        assert_eq!(read(&known, &closed), Ok(()));
    }

    #[test]
    fn a_missing_response_differs_from_an_error_response() {
        let failed = |kind| CallOutcome::from(Err(&Error::new(kind, "")));
        assert!(matches!(failed(ErrorKind::Timeout), CallOutcome::NoResponse));
        assert!(matches!(failed(ErrorKind::Transport), CallOutcome::NoResponse));
        assert!(matches!(failed(ErrorKind::Connect), CallOutcome::Rejected));
        for (status, expected) in [(500_u16, false), (502, true), (503, false), (504, true)] {
            let error =
                Error::from_service(status.try_into().unwrap(), ServiceError::new("BUSY", "try later"));
            assert_eq!(
                matches!(CallOutcome::from(Err(&error)), CallOutcome::NoResponse),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn a_closed_session_is_inactive_and_empty() {
        let (known, open) = opened();
        assert_eq!(
            call(&known, SessionCall::Close, CallOutcome::Session(&open)),
            Err(Violation::ActiveAfterClose)
        );
        let mut session = closed(open.clone());
        session.close_time = None;
        assert_eq!(
            call(&known, SessionCall::Close, CallOutcome::Session(&session)),
            Err(Violation::NoCloseTime)
        );
        let mut session = closed(open.clone());
        session.data.clone_from(&open.data);
        assert_eq!(
            call(&known, SessionCall::Close, CallOutcome::Session(&session)),
            Err(Violation::DataAfterClose)
        );
        assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&closed(open.clone()))), Ok(()));
        assert_eq!(read(&known, &open), Err(Violation::ActiveAfterClose));
    }

    #[test]
    fn after_a_failed_close_the_session_may_be_open_or_closed() {
        let (known, session) = opened();
        assert_eq!(call(&known, SessionCall::Close, CallOutcome::Rejected), Ok(()));
        assert_eq!(read(&known, &session), Ok(()));
        assert_eq!(read(&known, &closed(session.clone())), Ok(()));
        let mut half = session;
        half.active = false;
        assert_eq!(read(&known, &half), Err(Violation::NoCloseTime));
    }

    #[test]
    fn a_session_exists_until_it_is_deleted() {
        let (known, session) = opened();
        assert_eq!(call(&known, SessionCall::Read, CallOutcome::NotFound), Err(Violation::Missing));
        assert_eq!(call(&known, SessionCall::Delete, CallOutcome::Session(&session)), Ok(()));
        assert_eq!(call(&known, SessionCall::Read, CallOutcome::NotFound), Ok(()));
        assert_eq!(read(&known, &session), Err(Violation::ExistsAfterDelete));
    }

    #[test]
    fn after_a_failed_delete_the_session_may_exist_or_not() {
        let (known, session) = opened();
        assert_eq!(call(&known, SessionCall::Delete, CallOutcome::Rejected), Ok(()));
        assert_eq!(read(&known, &session), Ok(()));
        assert_eq!(call(&known, SessionCall::Read, CallOutcome::NotFound), Ok(()));
        assert_eq!(call(&known, SessionCall::Delete, CallOutcome::NotFound), Ok(()));
    }

    #[test]
    fn a_read_during_a_close_may_return_either() {
        let (known, session) = opened();
        let reading = known.begin(SessionCall::Read);
        let closing = known.begin(SessionCall::Close);
        let closed = closed(session);
        assert_eq!(known.end(&closing, CallOutcome::Session(&closed), &filler()), Ok(()));
        assert_eq!(known.end(&reading, CallOutcome::Session(&closed), &filler()), Ok(()));
    }

    #[test]
    fn a_session_is_not_checked_after_a_violation() {
        let (known, mut session) = opened();
        known.stop_checks();
        session.data = None;
        assert_eq!(read(&known, &session), Ok(()));
    }
}
