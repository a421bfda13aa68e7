//! What can be wrong with an answer that arrived well.
//!
//! The texts hold nothing that varies: each is a row in the tables of goose, and a text with an id in it would make a
//! row for every session. The ids are in the examples.

use std::fmt;

/// A kind of wrong answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Violation {
    NoId,
    IdGivenTwice,
    OtherSession,
    OtherUser,
    Lost,
    Inactive,
    NameDiffers,
    ClientDiffers,
    ProfileGone,
    ProfileDiffers,
    ProfileOfOthers,
    StaleProfile,
    ProfileUnwritten,
    DataGone,
    DataOfOtherUser,
    DataOfOtherSession,
    StaleData,
    DataUnwritten,
    DataDiffers,
    TimeWentBack,
    CloseLeftActive,
    CloseSetNoTime,
    CloseKeptData,
    DeleteLeftIt,
    ListedForeign,
    ListedTwice,
    ListedUnasked,
    NotListed,
    ListedUnopened,
    TotalDiffers,
    Unreadable,
}

impl Violation {
    pub(crate) const ALL: [Self; 31] = [
        Self::NoId,
        Self::IdGivenTwice,
        Self::OtherSession,
        Self::OtherUser,
        Self::Lost,
        Self::Inactive,
        Self::NameDiffers,
        Self::ClientDiffers,
        Self::ProfileGone,
        Self::ProfileDiffers,
        Self::ProfileOfOthers,
        Self::StaleProfile,
        Self::ProfileUnwritten,
        Self::DataGone,
        Self::DataOfOtherUser,
        Self::DataOfOtherSession,
        Self::StaleData,
        Self::DataUnwritten,
        Self::DataDiffers,
        Self::TimeWentBack,
        Self::CloseLeftActive,
        Self::CloseSetNoTime,
        Self::CloseKeptData,
        Self::DeleteLeftIt,
        Self::ListedForeign,
        Self::ListedTwice,
        Self::ListedUnasked,
        Self::NotListed,
        Self::ListedUnopened,
        Self::TotalDiffers,
        Self::Unreadable,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoId => "the session has no id",
            Self::IdGivenTwice => "the id of another session was given out again",
            Self::OtherSession => "another session was returned",
            Self::OtherUser => "another user's session was returned",
            Self::Lost => "session is gone",
            Self::Inactive => "session is closed already",
            Self::NameDiffers => "user name differs",
            Self::ClientDiffers => "client differs",
            Self::ProfileGone => "stored user is gone",
            Self::ProfileDiffers => "stored user differs",
            Self::ProfileOfOthers => "the stored user of another session was returned",
            Self::StaleProfile => "a stale user was returned",
            Self::ProfileUnwritten => "a user that nobody stored was returned",
            Self::DataGone => "stored data is gone",
            Self::DataOfOtherUser => "another user's data was returned",
            Self::DataOfOtherSession => "another session's data was returned",
            Self::StaleData => "stale data was returned",
            Self::DataUnwritten => "data that nobody stored was returned",
            Self::DataDiffers => "stored data differs",
            Self::TimeWentBack => "request time went back",
            Self::CloseLeftActive => "close left it active",
            Self::CloseSetNoTime => "close set no close time",
            Self::CloseKeptData => "close kept its data",
            Self::DeleteLeftIt => "delete left it there",
            Self::ListedForeign => "sessions of other users are listed",
            Self::ListedTwice => "a session is listed twice",
            Self::ListedUnasked => "a session is listed that the filter excludes",
            Self::NotListed => "a session is not listed",
            Self::ListedUnopened => "a session is listed that nobody opened",
            Self::TotalDiffers => "the total is not the number of sessions",
            Self::Unreadable => "the answer cannot be read",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What a check comes to.
pub(crate) type Checked = Result<(), Violation>;

pub(crate) fn must(holds: bool, violation: Violation) -> Checked {
    if holds { Ok(()) } else { Err(violation) }
}
