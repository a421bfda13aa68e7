//! What is known about one session, and what an answer about it must therefore say.
//!
//! A call that changes the session is noted before it is sent and after it is answered; what lies between may or may not
//! have happened. What an answer must say is settled when its call begins, since a reading may be older than a write
//! that ends before it.

use super::payload::{Data, Filler, Label, Profile, ours};
use super::register::{ReadAnomaly, Reading, Register, WriteOutcome};
use super::violation::{Checked, Violation, must};
use sessions_client::{Error, ErrorKind, RawValue, SessionRef, Timestamp};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A session as an answer has it: one of somebody else, or a damaged one, is to be judged like any other.
pub(crate) type Session<'a> = SessionRef<'a, &'a RawValue, &'a RawValue>;

/// What the load test says every user is called.
pub(crate) const USER_NAME: &str = "Load test";

/// What the load test calls itself.
pub(crate) const CLIENT: &str = "loadtest";

/// A session that the run has opened.
#[derive(Debug)]
pub(crate) struct KnownSession {
    /// What the service calls it.
    pub(crate) id: String,
    /// Whose it is, and which session of the run.
    pub(crate) label: Label,
    /// What all its calls are labelled with.
    pub(crate) correlation: String,
    history: Mutex<History>,
}

#[derive(Debug)]
struct History {
    data: Register,
    user: Register,
    closed: Certainty,
    deleted: Certainty,
    /// The latest that an answer has shown.
    request_time: Timestamp,
    /// Whether an answer about it was wrong, so that nobody knows what it is like.
    distrusted: bool,
}

/// Whether something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    No,
    Maybe,
    Yes,
}

/// A call that changes a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Data(u64),
    User(u64),
    Close,
    Delete,
}

/// What has become of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'s> {
    /// A refusal: what was asked for is done by now, or never.
    Failure,
    /// None has come: what was asked for may be done at any time.
    Unanswered,
    /// No such session.
    Nothing,
    Session(&'s Session<'s>),
}

impl<'s> From<Result<&'s Option<Session<'s>>, &Error>> for Answer<'s> {
    fn from(answer: Result<&'s Option<Session<'s>>, &Error>) -> Self {
        match answer {
            Ok(None) => Self::Nothing,
            Ok(Some(session)) => Self::Session(session),
            Err(error) if is_unanswered(error) => Self::Unanswered,
            Err(_) => Self::Failure,
        }
    }
}

/// Whether the service may still be about to do what was asked for: it has said nothing, or a proxy has given up on it.
fn is_unanswered(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Timeout | ErrorKind::Transport => true,
        _ => error.status().is_some_and(|status| matches!(status.as_u16(), 502 | 504)),
    }
}

/// A call about a session that has begun: what its answer has to agree with.
#[derive(Debug)]
pub(crate) struct PendingCall {
    change: Change,
    data: Reading,
    user: Reading,
    closed: Certainty,
    deleted: Certainty,
    request_time: Timestamp,
}

impl KnownSession {
    /// The session that was opened and answered with `session`.
    pub(crate) fn new(session: &Session<'_>, label: Label, correlation: String) -> Self {
        let history = History {
            data: Register::new(),
            user: Register::new(),
            closed: Certainty::No,
            deleted: Certainty::No,
            request_time: session.request_time,
            distrusted: false,
        };
        Self { id: session.id.to_string(), label, correlation, history: Mutex::new(history) }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the data that is to be stored next.
    pub(crate) fn next_data(&self) -> u64 {
        self.history().data.begin()
    }

    /// The number of the user that is to be stored next.
    pub(crate) fn next_user(&self) -> u64 {
        self.history().user.begin()
    }

    /// Notes that a call is about to be made.
    pub(crate) fn begin(&self, change: Change) -> PendingCall {
        let mut history = self.history();
        let data = match change {
            Change::Data(sequence) => history.data.read_own(sequence),
            _ => history.data.read(),
        };
        let user = match change {
            Change::User(sequence) => history.user.read_own(sequence),
            _ => history.user.read(),
        };
        let pending = PendingCall {
            change,
            data,
            user,
            closed: history.closed,
            deleted: history.deleted,
            request_time: history.request_time,
        };
        match change {
            Change::Close => history.closed = history.closed.tried(),
            Change::Delete => history.deleted = history.deleted.tried(),
            _ => (),
        }
        pending
    }

    /// Notes how a call has ended, and compares its answer with what is known if there is one.
    pub(crate) fn end(&self, pending: &PendingCall, answer: Answer<'_>, filler: &Filler) -> Checked {
        let mut history = self.history();
        let session = match answer {
            Answer::Session(session) => Some(session),
            Answer::Nothing | Answer::Failure | Answer::Unanswered => None,
        };
        let answered = matches!(answer, Answer::Nothing | Answer::Session(_));
        let checked = if answered && !history.distrusted {
            history.check(self, pending, session, filler)
        } else {
            Ok(())
        };
        let acknowledged = session.is_some();
        let outcome = match answer {
            Answer::Session(_) => WriteOutcome::Acknowledged,
            Answer::Nothing | Answer::Failure => WriteOutcome::Refused,
            Answer::Unanswered => WriteOutcome::Unanswered,
        };
        match pending.change {
            Change::Data(sequence) => history.data.settle(sequence, outcome),
            Change::User(sequence) => history.user.settle(sequence, outcome),
            Change::Close if acknowledged && checked.is_ok() => history.closed = Certainty::Yes,
            // That nothing was there to delete is as good an answer.
            Change::Delete if answered => history.deleted = Certainty::Yes,
            Change::Nothing | Change::Close | Change::Delete => (),
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

    /// Expects nothing of its answers any more: what is wrong with it has been told.
    pub(crate) fn distrust(&self) {
        self.history().distrusted = true;
    }

    /// Whether the session is there for certain, so that a list must have it.
    pub(crate) fn is_there(&self) -> bool {
        self.history().deleted == Certainty::No
    }

    /// Whether the session is deleted for certain, so that no list may have it.
    pub(crate) fn is_gone(&self) -> bool {
        self.history().deleted == Certainty::Yes
    }

    /// Whether the session is active, if that is certain.
    pub(crate) fn is_active(&self) -> Option<bool> {
        match self.history().closed {
            Certainty::No => Some(true),
            Certainty::Maybe => None,
            Certainty::Yes => Some(false),
        }
    }

    /// Compares what a list says with what is known.
    pub(crate) fn check_listed(&self, session: &Session<'_>) -> Checked {
        must(!self.is_gone(), Violation::DeleteLeftIt)?;
        if self.history().distrusted {
            return Ok(());
        }
        as_opened(session)?;
        match self.is_active() {
            Some(true) => must(session.active, Violation::Inactive),
            Some(false) => must(!session.active, Violation::CloseLeftActive),
            None => Ok(()),
        }
    }
}

impl Certainty {
    /// What it is once somebody has tried it.
    fn tried(self) -> Self {
        if self == Self::Yes { self } else { Self::Maybe }
    }

    /// What it is for a call that began now and ended when it was `later`.
    fn until(self, later: Self) -> Self {
        if self == later { self } else { Self::Maybe }
    }
}

impl History {
    fn check(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        answer: Option<&Session<'_>>,
        filler: &Filler,
    ) -> Checked {
        let closed = match pending.change {
            Change::Close => Certainty::Yes,
            _ => pending.closed.until(self.closed),
        };
        let deleted = match pending.change {
            Change::Delete => pending.deleted,
            _ => pending.deleted.until(self.deleted),
        };
        let Some(session) = answer else {
            return must(deleted != Certainty::No, Violation::Lost);
        };
        must(session.user_id.as_deref() == Some(&known.label.owner), Violation::OtherUser)?;
        must(session.id == known.id, Violation::OtherSession)?;
        must(deleted != Certainty::Yes, Violation::DeleteLeftIt)?;
        as_opened(session)?;
        must(session.request_time >= pending.request_time, Violation::TimeWentBack)?;
        match closed {
            Certainty::No => {
                must(session.active, Violation::Inactive)?;
                self.check_payloads(known, pending, session, filler)
            }
            Certainty::Maybe if session.active => self.check_payloads(known, pending, session, filler),
            Certainty::Maybe | Certainty::Yes => {
                must(!session.active, Violation::CloseLeftActive)?;
                must(session.close_time.is_some(), Violation::CloseSetNoTime)?;
                // A closed session accepts writes, and one may have been on its way.
                let is_empty = (session.user.is_none() || self.user.has_unanswered())
                    && (session.data.is_none() || self.data.has_unanswered());
                must(is_empty, Violation::CloseKeptData)
            }
        }
    }

    fn check_payloads(
        &self,
        known: &KnownSession,
        pending: &PendingCall,
        session: &Session<'_>,
        filler: &Filler,
    ) -> Checked {
        let user = session.user.ok_or(Violation::ProfileGone)?;
        let sequence = match known.label.number_of_user(user) {
            Some(sequence) => sequence,
            None => read_user(&known.label, user)?,
        };
        self.user.check(pending.user, sequence).map_err(|why| match why {
            ReadAnomaly::Stale => Violation::StaleProfile,
            ReadAnomaly::Unwritten => Violation::ProfileUnwritten,
        })?;
        let data = session.data.ok_or(Violation::DataGone)?;
        let (sequence, is_whole) = match known.label.number_of_data(data, filler) {
            Some(sequence) => (sequence, true),
            None => read_data(&known.label, data, filler)?,
        };
        self.data.check(pending.data, sequence).map_err(|why| match why {
            ReadAnomaly::Stale => Violation::StaleData,
            ReadAnomaly::Unwritten => Violation::DataUnwritten,
        })?;
        must(is_whole, Violation::DataDiffers)
    }
}

/// The number of what was read, which is said about the user of `label`.
fn read_user(label: &Label, user: &RawValue) -> Result<u64, Violation> {
    let user: Profile<'_> = ours(user).ok_or(Violation::ProfileDiffers)?;
    must(user.owner == label.owner && user.session == label.session, Violation::ProfileOfOthers)?;
    Ok(user.sequence)
}

/// The number of what was read, which was stored in the session of `label`, and whether all of it is there.
fn read_data(label: &Label, data: &RawValue, filler: &Filler) -> Result<(u64, bool), Violation> {
    let data: Data<'_> = ours(data).ok_or(Violation::DataDiffers)?;
    must(data.owner == label.owner, Violation::DataOfOtherUser)?;
    must(data.session == label.session, Violation::DataOfOtherSession)?;
    Ok((data.sequence, filler.is(data.filler)))
}

/// Whether what nothing changes is as it was sent.
fn as_opened(session: &Session<'_>) -> Checked {
    must(session.user_name.as_deref() == Some(USER_NAME), Violation::NameDiffers)?;
    must(session.client.as_deref() == Some(CLIENT), Violation::ClientDiffers)
}

/// Sessions as tests have them.
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

    /// A payload as an answer has it, for as long as the tests run.
    pub(crate) fn answered(payload: Box<RawValue>) -> &'static RawValue {
        Box::leak(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{answered, session};
    use super::*;
    use crate::checks::payload::Shape;
    use serde_json::value::to_raw_value;
    use sessions_client::ServiceError;

    fn filler() -> Filler {
        Filler::new(Shape::Text, 10)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    /// Ann's session as it was opened.
    fn opened() -> (KnownSession, Session<'static>) {
        let mut session = session("id", "ann");
        let known = KnownSession::new(&session, Label::new("ann", 7), "ann-7".to_owned());
        session.user = Some(answered(known.label.user(0)));
        session.data = Some(answered(known.label.data(0, &filler())));
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

    /// What is said of this answer to a call.
    fn call(known: &KnownSession, change: Change, answer: Answer<'_>) -> Checked {
        let pending = known.begin(change);
        known.end(&pending, answer, &filler())
    }

    fn read(known: &KnownSession, session: &Session<'_>) -> Checked {
        call(known, Change::Nothing, Answer::Session(session))
    }

    #[track_caller]
    fn assert_open(change: impl FnOnce(&mut Session<'static>), outcome: Checked) {
        let (known, mut session) = opened();
        change(&mut session);
        assert_eq!(read(&known, &session), outcome);
    }

    fn with_data(change: impl FnOnce(&mut Data<'_>)) -> impl FnOnce(&mut Session<'static>) {
        |session| {
            let mut data = ours(session.data.unwrap()).unwrap();
            change(&mut data);
            session.data = Some(answered(to_raw_value(&data).unwrap()));
        }
    }

    fn with_user(change: impl FnOnce(&mut Profile<'_>)) -> impl FnOnce(&mut Session<'static>) {
        |session| {
            let mut user = ours(session.user.unwrap()).unwrap();
            change(&mut user);
            session.user = Some(answered(to_raw_value(&user).unwrap()));
        }
    }

    #[test]
    fn an_open_session_is_right_when_everything_is_as_it_was_sent() {
        assert_open(|_| (), Ok(()));
    }

    #[test]
    fn payloads_that_are_written_otherwise_are_as_right() {
        fn spaced(payload: Option<&RawValue>) -> Option<&'static RawValue> {
            let value: serde_json::Value = serde_json::from_str(payload?.get()).unwrap();
            let text = serde_json::to_string_pretty(&value).unwrap();
            Some(answered(RawValue::from_string(text).unwrap()))
        }
        assert_open(|session| session.user = spaced(session.user), Ok(()));
        assert_open(|session| session.data = spaced(session.data), Ok(()));
    }

    #[test]
    fn an_open_session_is_wrong_by_the_name_of_what_differs() {
        assert_open(|session| session.id = "other".into(), Err(Violation::OtherSession));
        assert_open(|session| session.user_id = Some("bob".into()), Err(Violation::OtherUser));
        assert_open(|session| session.user_id = None, Err(Violation::OtherUser));
        assert_open(|session| session.active = false, Err(Violation::Inactive));
        assert_open(|session| session.user_name = None, Err(Violation::NameDiffers));
        assert_open(|session| session.client = Some("other".into()), Err(Violation::ClientDiffers));
        assert_open(|session| session.request_time = at(9), Err(Violation::TimeWentBack));
        assert_open(|session| session.user = None, Err(Violation::ProfileGone));
        assert_open(|session| session.user = Some(other()), Err(Violation::ProfileDiffers));
        assert_open(with_user(|user| user.session = 6), Err(Violation::ProfileOfOthers));
        assert_open(with_user(|user| user.sequence = 1), Err(Violation::ProfileUnwritten));
        assert_open(|session| session.data = None, Err(Violation::DataGone));
        assert_open(|session| session.data = Some(other()), Err(Violation::DataDiffers));
        assert_open(with_data(|data| data.owner = "bob".into()), Err(Violation::DataOfOtherUser));
        assert_open(with_data(|data| data.session = 6), Err(Violation::DataOfOtherSession));
        assert_open(with_data(|data| data.sequence = 1), Err(Violation::DataUnwritten));
        let filler: &RawValue = serde_json::from_str(r#""other""#).unwrap();
        assert_open(with_data(|data| data.filler = filler), Err(Violation::DataDiffers));
    }

    #[test]
    fn what_was_stored_is_what_must_be_read() {
        let (known, mut session) = opened();
        let sequence = known.next_data();
        assert_eq!(
            call(&known, Change::Data(sequence), Answer::Session(&session)),
            Err(Violation::StaleData)
        );
        session.data = Some(answered(known.label.data(sequence, &filler())));
        assert_eq!(read(&known, &session), Ok(()));
        session.data = Some(answered(known.label.data(0, &filler())));
        assert_eq!(read(&known, &session), Err(Violation::StaleData));
    }

    #[test]
    fn after_a_store_that_failed_the_session_may_have_either() {
        let (known, mut session) = opened();
        let sequence = known.next_data();
        assert_eq!(call(&known, Change::Data(sequence), Answer::Failure), Ok(()));
        assert_eq!(read(&known, &session), Ok(()));
        session.data = Some(answered(known.label.data(sequence, &filler())));
        assert_eq!(read(&known, &session), Ok(()));
    }

    #[test]
    fn a_store_without_an_answer_may_be_done_late() {
        let (known, mut session) = opened();
        let late = known.next_data();
        assert_eq!(call(&known, Change::Data(late), Answer::Unanswered), Ok(()));
        let sequence = known.next_data();
        session.data = Some(answered(known.label.data(sequence, &filler())));
        assert_eq!(call(&known, Change::Data(sequence), Answer::Session(&session)), Ok(()));
        session.data = Some(answered(known.label.data(late, &filler())));
        assert_eq!(read(&known, &session), Ok(()));
        let mut closed = closed(session.clone());
        assert_eq!(call(&known, Change::Close, Answer::Session(&closed)), Ok(()));
        closed.data = session.data;
        assert_eq!(read(&known, &closed), Ok(()));
    }

    #[test]
    fn no_answer_is_told_from_a_refusal() {
        let failed = |kind| Answer::from(Err(&Error::new(kind, "")));
        assert!(matches!(failed(ErrorKind::Timeout), Answer::Unanswered));
        assert!(matches!(failed(ErrorKind::Transport), Answer::Unanswered));
        assert!(matches!(failed(ErrorKind::Connect), Answer::Failure));
        for (status, unanswered) in [(500_u16, false), (502, true), (503, false), (504, true)] {
            let error =
                Error::from_service(status.try_into().unwrap(), ServiceError::new("BUSY", "try later"));
            assert_eq!(matches!(Answer::from(Err(&error)), Answer::Unanswered), unanswered, "{status}");
        }
    }

    #[test]
    fn a_closed_session_is_inactive_and_empty() {
        let (known, open) = opened();
        assert_eq!(call(&known, Change::Close, Answer::Session(&open)), Err(Violation::CloseLeftActive));
        let mut session = closed(open.clone());
        session.close_time = None;
        assert_eq!(call(&known, Change::Close, Answer::Session(&session)), Err(Violation::CloseSetNoTime));
        let mut session = closed(open.clone());
        session.data.clone_from(&open.data);
        assert_eq!(call(&known, Change::Close, Answer::Session(&session)), Err(Violation::CloseKeptData));
        assert_eq!(call(&known, Change::Close, Answer::Session(&closed(open.clone()))), Ok(()));
        assert_eq!(read(&known, &open), Err(Violation::CloseLeftActive));
    }

    #[test]
    fn after_a_close_that_failed_the_session_may_be_open_or_closed() {
        let (known, session) = opened();
        assert_eq!(call(&known, Change::Close, Answer::Failure), Ok(()));
        assert_eq!(read(&known, &session), Ok(()));
        assert_eq!(read(&known, &closed(session.clone())), Ok(()));
        let mut half = session;
        half.active = false;
        assert_eq!(read(&known, &half), Err(Violation::CloseSetNoTime));
    }

    #[test]
    fn a_deleted_session_is_not_there_and_another_is() {
        let (known, session) = opened();
        assert_eq!(call(&known, Change::Nothing, Answer::Nothing), Err(Violation::Lost));
        assert_eq!(call(&known, Change::Delete, Answer::Session(&session)), Ok(()));
        assert_eq!(call(&known, Change::Nothing, Answer::Nothing), Ok(()));
        assert_eq!(read(&known, &session), Err(Violation::DeleteLeftIt));
    }

    #[test]
    fn after_a_delete_that_failed_the_session_may_be_there_or_not() {
        let (known, session) = opened();
        assert_eq!(call(&known, Change::Delete, Answer::Failure), Ok(()));
        assert_eq!(read(&known, &session), Ok(()));
        assert_eq!(call(&known, Change::Nothing, Answer::Nothing), Ok(()));
        assert_eq!(call(&known, Change::Delete, Answer::Nothing), Ok(()));
    }

    #[test]
    fn a_reading_during_a_close_may_find_either() {
        let (known, session) = opened();
        let reading = known.begin(Change::Nothing);
        let closing = known.begin(Change::Close);
        let closed = closed(session);
        assert_eq!(known.end(&closing, Answer::Session(&closed), &filler()), Ok(()));
        assert_eq!(known.end(&reading, Answer::Session(&closed), &filler()), Ok(()));
    }

    #[test]
    fn nothing_is_expected_of_a_session_that_was_wrong_before() {
        let (known, mut session) = opened();
        known.distrust();
        session.data = None;
        assert_eq!(read(&known, &session), Ok(()));
    }
}
