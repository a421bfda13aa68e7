//! The kinds of violations: successful responses with wrong content.
//!
//! Descriptions contain nothing variable, because each is a row in goose's tables. Ids are in the examples.

/// A kind of violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Violation {
    MissingId,
    ReusedId,
    OtherSession,
    OtherUser,
    Missing,
    ClosedEarly,
    UserNameDiffers,
    ClientDiffers,
    UserMissing,
    UserDiffers,
    UserOfOtherSession,
    StaleUser,
    UserNeverStored,
    DataMissing,
    DataOfOtherUser,
    DataOfOtherSession,
    StaleData,
    DataNeverStored,
    DataDiffers,
    RequestTimeDecreased,
    ActiveAfterClose,
    NoCloseTime,
    DataAfterClose,
    ExistsAfterDelete,
    ListedOfOtherUser,
    ListedTwice,
    ListedAgainstFilter,
    NotListed,
    ListedNeverOpened,
    TotalDiffers,
    Undecodable,
}

impl Violation {
    pub(crate) const ALL: [Self; 31] = [
        Self::MissingId,
        Self::ReusedId,
        Self::OtherSession,
        Self::OtherUser,
        Self::Missing,
        Self::ClosedEarly,
        Self::UserNameDiffers,
        Self::ClientDiffers,
        Self::UserMissing,
        Self::UserDiffers,
        Self::UserOfOtherSession,
        Self::StaleUser,
        Self::UserNeverStored,
        Self::DataMissing,
        Self::DataOfOtherUser,
        Self::DataOfOtherSession,
        Self::StaleData,
        Self::DataNeverStored,
        Self::DataDiffers,
        Self::RequestTimeDecreased,
        Self::ActiveAfterClose,
        Self::NoCloseTime,
        Self::DataAfterClose,
        Self::ExistsAfterDelete,
        Self::ListedOfOtherUser,
        Self::ListedTwice,
        Self::ListedAgainstFilter,
        Self::NotListed,
        Self::ListedNeverOpened,
        Self::TotalDiffers,
        Self::Undecodable,
    ];

    /// A sentence for reports.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::MissingId => "the session has no id",
            Self::ReusedId => "a session id was reused",
            Self::OtherSession => "another session was returned",
            Self::OtherUser => "another user's session was returned",
            Self::Missing => "session is missing",
            Self::ClosedEarly => "session was closed without a close call",
            Self::UserNameDiffers => "user_name differs",
            Self::ClientDiffers => "client differs",
            Self::UserMissing => "stored user is missing",
            Self::UserDiffers => "stored user differs",
            Self::UserOfOtherSession => "the stored user of another session was returned",
            Self::StaleUser => "a stale user was returned",
            Self::UserNeverStored => "a user that was never stored was returned",
            Self::DataMissing => "stored data is missing",
            Self::DataOfOtherUser => "another user's data was returned",
            Self::DataOfOtherSession => "another session's data was returned",
            Self::StaleData => "stale data was returned",
            Self::DataNeverStored => "data that was never stored was returned",
            Self::DataDiffers => "stored data differs",
            Self::RequestTimeDecreased => "request_time decreased",
            Self::ActiveAfterClose => "session is still active after close",
            Self::NoCloseTime => "closed session has no close_time",
            Self::DataAfterClose => "closed session still has its data",
            Self::ExistsAfterDelete => "session still exists after delete",
            Self::ListedOfOtherUser => "a session of another user is listed",
            Self::ListedTwice => "a session is listed twice",
            Self::ListedAgainstFilter => "a listed session does not match the filter",
            Self::NotListed => "a session is missing from a list",
            Self::ListedNeverOpened => "a listed session was never opened",
            Self::TotalDiffers => "total differs from the number of sessions",
            Self::Undecodable => "response cannot be decoded",
        }
    }
}

/// The result of checking a response.
pub(crate) type CheckResult = Result<(), Violation>;

/// Returns the violation unless the condition holds.
pub(crate) fn ensure(condition: bool, violation: Violation) -> CheckResult {
    if condition { Ok(()) } else { Err(violation) }
}
