//! What an answer must say, given what was sent.
//!
//! Payloads name their owner, the session and their place in its history, so that foreign and old data are
//! told from damaged data. The texts of [`Mismatch`] hold nothing that varies: each is a row in the tables
//! of goose, and a text with an id in it would make a row for every session.

use serde::{Deserialize, Serialize};
use sessions_client::SessionV1;
use std::fmt;

/// A session as the load test keeps it.
pub(crate) type Session = SessionV1<Profile, Data>;

/// What the load test says every user is called.
pub(crate) const USER_NAME: &str = "Load test";

/// What the load test calls itself.
pub(crate) const CLIENT: &str = "loadtest";

/// What the load test says about a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) owner: String,
}

/// What the load test stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Data {
    pub(crate) owner: String,
    /// Which of the owner's sessions it is for.
    pub(crate) session: u64,
    /// How many were stored in this session before it.
    pub(crate) sequence: u32,
    /// As much text as the payload is to have.
    pub(crate) filler: String,
}

/// What can be wrong with an answer that arrived well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    NoId,
    IdInUse,
    OtherSession,
    OtherUser,
    Gone,
    Inactive,
    NameDiffers,
    ClientDiffers,
    ProfileDiffers,
    DataGone,
    DataOfOtherUser,
    DataOfOtherSession,
    StaleData,
    DataDiffers,
    CloseLeftActive,
    CloseSetNoTime,
    CloseKeptData,
    DeleteLeftIt,
}

impl Mismatch {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoId => "the session has no id",
            Self::IdInUse => "the id of an open session was given out again",
            Self::OtherSession => "another session was returned",
            Self::OtherUser => "another user's session was returned",
            Self::Gone => "session is gone",
            Self::Inactive => "session is closed already",
            Self::NameDiffers => "user name differs",
            Self::ClientDiffers => "client differs",
            Self::ProfileDiffers => "stored user differs",
            Self::DataGone => "stored data is gone",
            Self::DataOfOtherUser => "another user's data was returned",
            Self::DataOfOtherSession => "another session's data was returned",
            Self::StaleData => "stale data was returned",
            Self::DataDiffers => "stored data differs",
            Self::CloseLeftActive => "close left it active",
            Self::CloseSetNoTime => "close set no close time",
            Self::CloseKeptData => "close kept its data",
            Self::DeleteLeftIt => "delete left it there",
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

type Checked = Result<(), Mismatch>;

fn must(holds: bool, mismatch: Mismatch) -> Checked {
    if holds { Ok(()) } else { Err(mismatch) }
}

/// Whether what nothing changes is as it was sent.
fn as_opened(session: &Session) -> Checked {
    must(session.user_name.as_deref() == Some(USER_NAME), Mismatch::NameDiffers)?;
    must(session.client.as_deref() == Some(CLIENT), Mismatch::ClientDiffers)
}

/// What is known about a session that was opened.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'e> {
    pub(crate) id: &'e str,
    pub(crate) profile: &'e Profile,
    /// What was stored last.
    pub(crate) data: &'e Data,
}

/// What state a session must be in, by what was done to it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Open, and with what was stored last.
    Open,
    /// There, but inactive and empty.
    Closed,
    /// There.
    Any,
    /// Not there.
    Gone,
}

impl Expected<'_> {
    pub(crate) fn check(&self, session: Option<&Session>, state: State) -> Checked {
        match state {
            State::Open => {
                let session = self.same(session)?;
                must(session.active, Mismatch::Inactive)?;
                as_opened(session)?;
                must(session.user.as_ref() == Some(self.profile), Mismatch::ProfileDiffers)?;
                self.stored(session.data.as_ref())
            }
            State::Closed => {
                let session = self.same(session)?;
                must(!session.active, Mismatch::CloseLeftActive)?;
                as_opened(session)?;
                must(session.close_time.is_some(), Mismatch::CloseSetNoTime)?;
                must(session.user.is_none() && session.data.is_none(), Mismatch::CloseKeptData)
            }
            State::Any => self.same(session).map(|_| ()),
            State::Gone => must(session.is_none(), Mismatch::DeleteLeftIt),
        }
    }

    fn same<'s>(&self, session: Option<&'s Session>) -> Result<&'s Session, Mismatch> {
        let session = session.ok_or(Mismatch::Gone)?;
        must(session.user_id.as_deref() == Some(&self.profile.owner), Mismatch::OtherUser)?;
        must(session.id == self.id, Mismatch::OtherSession)?;
        Ok(session)
    }

    fn stored(&self, found: Option<&Data>) -> Checked {
        let found = found.ok_or(Mismatch::DataGone)?;
        must(found.owner == self.data.owner, Mismatch::DataOfOtherUser)?;
        must(found.session == self.data.session, Mismatch::DataOfOtherSession)?;
        must(found.sequence >= self.data.sequence, Mismatch::StaleData)?;
        must(found == self.data, Mismatch::DataDiffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::Timestamp;

    fn profile() -> Profile {
        Profile { owner: "ann".to_owned() }
    }

    fn data() -> Data {
        Data { owner: "ann".to_owned(), session: 7, sequence: 2, filler: "xx".to_owned() }
    }

    fn session() -> Session {
        let mut session = Session::new("id", Timestamp::default());
        session.user_id = Some("ann".to_owned());
        session.user_name = Some(USER_NAME.to_owned());
        session.client = Some(CLIENT.to_owned());
        session.user = Some(profile());
        session.data = Some(data());
        session
    }

    #[track_caller]
    fn assert_check(state: State, session: Option<&Session>, outcome: Checked) {
        let expected = Expected { id: "id", profile: &profile(), data: &data() };
        assert_eq!(expected.check(session, state), outcome);
    }

    #[track_caller]
    fn assert_open(change: impl FnOnce(&mut Session), outcome: Checked) {
        let mut session = session();
        change(&mut session);
        assert_check(State::Open, Some(&session), outcome);
    }

    fn with_data(change: impl FnOnce(&mut Data)) -> impl FnOnce(&mut Session) {
        |session| change(session.data.as_mut().unwrap())
    }

    #[test]
    fn an_open_session_is_right_when_everything_is_as_it_was_sent() {
        assert_open(|_| (), Ok(()));
    }

    #[test]
    fn an_open_session_is_wrong_by_the_name_of_what_differs() {
        assert_open(|session| session.id = "other".to_owned(), Err(Mismatch::OtherSession));
        assert_open(|session| session.user_id = Some("bob".to_owned()), Err(Mismatch::OtherUser));
        assert_open(|session| session.user_id = None, Err(Mismatch::OtherUser));
        assert_open(|session| session.active = false, Err(Mismatch::Inactive));
        assert_open(|session| session.user_name = None, Err(Mismatch::NameDiffers));
        assert_open(|session| session.client = Some("other".to_owned()), Err(Mismatch::ClientDiffers));
        assert_open(|session| session.user = None, Err(Mismatch::ProfileDiffers));
        assert_open(|session| session.data = None, Err(Mismatch::DataGone));
        assert_open(with_data(|data| data.owner = "bob".to_owned()), Err(Mismatch::DataOfOtherUser));
        assert_open(with_data(|data| data.session = 6), Err(Mismatch::DataOfOtherSession));
        assert_open(with_data(|data| data.sequence = 1), Err(Mismatch::StaleData));
        assert_open(with_data(|data| data.filler.clear()), Err(Mismatch::DataDiffers));
    }

    #[test]
    fn a_session_that_is_not_there_is_gone() {
        for state in [State::Open, State::Closed, State::Any] {
            assert_check(state, None, Err(Mismatch::Gone));
        }
        assert_check(State::Gone, None, Ok(()));
    }

    #[test]
    fn a_closed_session_is_inactive_and_empty() {
        let mut session = session();
        assert_check(State::Closed, Some(&session), Err(Mismatch::CloseLeftActive));
        session.active = false;
        assert_check(State::Closed, Some(&session), Err(Mismatch::CloseSetNoTime));
        session.close_time = Some(Timestamp::default());
        assert_check(State::Closed, Some(&session), Err(Mismatch::CloseKeptData));
        session.data = None;
        assert_check(State::Closed, Some(&session), Err(Mismatch::CloseKeptData));
        session.user = None;
        assert_check(State::Closed, Some(&session), Ok(()));
        session.client = None;
        assert_check(State::Closed, Some(&session), Err(Mismatch::ClientDiffers));
    }

    #[test]
    fn a_deleted_session_is_not_there() {
        assert_check(State::Gone, Some(&session()), Err(Mismatch::DeleteLeftIt));
    }
}
