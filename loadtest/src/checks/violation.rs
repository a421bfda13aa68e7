//! Violations: successful responses with wrong content.
//!
//! Their kinds contain nothing variable, because each is a row in goose's tables. Ids and values are in the
//! examples.

use sessions_client::Value;
use std::fmt;
use wiretrait::is_displayed;

/// A violation, with the values that show it. It is built only when a check fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: ViolationKind,
    pub(crate) expected: Option<String>,
    pub(crate) observed: Option<String>,
    /// The session, if it is not the one that the call is about.
    pub(crate) session_id: Option<String>,
}

/// A kind of violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ViolationKind {
    MissingId,
    ReusedId,
    OtherSession,
    OtherUser,
    Missing,
    ClosedEarly,
    UserNameDiffers,
    ClientDiffers,
    AddressDiffers,
    OpenTimeDiffers,
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
    CloseTimeDiffers,
    CloseTimeBeforeClose,
    DataAfterClose,
    ExistsAfterDelete,
    ListedOfOtherUser,
    ListedTwice,
    PageTooLong,
    ListedWithPayload,
    ListedAgainstFilter,
    NotListed,
    ListedNeverOpened,
    TotalDiffers,
    Undecodable,
}

/// The violation that an error of the scenario itself is counted as.
pub(crate) const SCENARIO_ERROR: &str = "the scenario failed";

/// Returns whether a violation is the failure of a check that a scenario makes. The name of such a check is what
/// must be true; the other kinds are what must not happen.
pub(crate) fn is_own_check(kind: &str) -> bool {
    kind != SCENARIO_ERROR && ViolationKind::ALL.iter().all(|known| known.description() != kind)
}

impl ViolationKind {
    pub(crate) const ALL: [Self; 37] = [
        Self::MissingId,
        Self::ReusedId,
        Self::OtherSession,
        Self::OtherUser,
        Self::Missing,
        Self::ClosedEarly,
        Self::UserNameDiffers,
        Self::ClientDiffers,
        Self::AddressDiffers,
        Self::OpenTimeDiffers,
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
        Self::CloseTimeDiffers,
        Self::CloseTimeBeforeClose,
        Self::DataAfterClose,
        Self::ExistsAfterDelete,
        Self::ListedOfOtherUser,
        Self::ListedTwice,
        Self::PageTooLong,
        Self::ListedWithPayload,
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
            Self::AddressDiffers => "address differs",
            Self::OpenTimeDiffers => "open_time differs",
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
            Self::CloseTimeDiffers => "close_time differs",
            Self::CloseTimeBeforeClose => "an open session has a close_time",
            Self::DataAfterClose => "closed session still has its data",
            Self::ExistsAfterDelete => "session still exists after delete",
            Self::ListedOfOtherUser => "a session of another user is listed",
            Self::ListedTwice => "a session is listed twice",
            Self::PageTooLong => "a page has more sessions than requested",
            Self::ListedWithPayload => "a listed session contains its user or data",
            Self::ListedAgainstFilter => "a listed session does not match the filter",
            Self::NotListed => "a session is missing from a list",
            Self::ListedNeverOpened => "a listed session was never opened",
            Self::TotalDiffers => "total differs from the number of sessions",
            Self::Undecodable => "response cannot be decoded",
        }
    }
}

impl Violation {
    /// A violation without details.
    pub(crate) fn new(kind: ViolationKind) -> Self {
        Self { kind, expected: None, observed: None, session_id: None }
    }

    /// A violation with the expected and the observed value.
    pub(crate) fn with(
        kind: ViolationKind,
        expected: impl fmt::Display,
        observed: impl fmt::Display,
    ) -> Self {
        let [expected, observed] =
            [expected.to_string(), observed.to_string()].map(|value| Some(shortened(&value)));
        Self { expected, observed, ..Self::new(kind) }
    }

    /// Sets the session, unless it is set already.
    pub(crate) fn of_session(mut self, id: &str) -> Self {
        self.session_id.get_or_insert_with(|| shortened(id));
        self
    }
}

/// The result of checking a response.
pub(crate) type CheckResult = Result<(), Violation>;

/// Returns the violation unless the condition holds.
pub(crate) fn ensure(condition: bool, violation: impl FnOnce() -> Violation) -> CheckResult {
    if condition { Ok(()) } else { Err(violation()) }
}

/// Returns a violation unless a string of a response has the expected value.
pub(crate) fn ensure_string(kind: ViolationKind, expected: &str, observed: Option<&str>) -> CheckResult {
    ensure(observed == Some(expected), || {
        Violation::with(kind, Value::from(expected), observed.map_or(Value::Null, Value::from))
    })
}

/// The number of characters of a value in an example.
const SHOWN: usize = 120;

/// The beginning of a value, without characters that are not displayed as themselves.
fn shortened(value: &str) -> String {
    let mut characters = value.chars().map(|c| if is_displayed(c) { c } else { '\u{fffd}' });
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The context before the first difference of two values, in bytes.
const CONTEXT: usize = 20;

/// The parts of two JSON values from shortly before their first difference.
pub(crate) fn difference(expected: &str, observed: &str) -> [String; 2] {
    let [expected, observed] = [expected, observed].map(normalized);
    let common = expected.bytes().zip(observed.bytes()).take_while(|(left, right)| left == right).count();
    let part = |value: &str| {
        let mut start = common.saturating_sub(CONTEXT);
        while !value.is_char_boundary(start) {
            start -= 1;
        }
        if start > 0 { format!("…{}", &value[start..]) } else { value.to_owned() }
    };
    [part(&expected), part(&observed)]
}

/// JSON without optional white space, escapes and order.
fn normalized(json: &str) -> String {
    serde_json::from_str::<Value>(json).map_or_else(|_| json.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once_and_has_its_own_description() {
        let mut descriptions = ViolationKind::ALL.map(ViolationKind::description).to_vec();
        descriptions.sort_unstable();
        descriptions.dedup();
        assert_eq!(descriptions.len(), ViolationKind::ALL.len());
    }

    #[test]
    fn values_are_shortened_and_printable() {
        let violation = Violation::with(ViolationKind::DataDiffers, "a\u{1b}[31m\u{202e}\n", "ü".repeat(500));
        assert_eq!(violation.expected.as_deref(), Some("a\u{fffd}[31m\u{fffd}\u{fffd}"));
        assert_eq!(violation.observed.map(|value| value.chars().count()), Some(SHOWN + 1));
    }

    #[test]
    fn strings_are_quoted_and_absent_ones_are_null() {
        let violation = ensure_string(ViolationKind::ClientDiffers, "loadtest", None).unwrap_err();
        assert_eq!(violation.expected.as_deref(), Some("\"loadtest\""));
        assert_eq!(violation.observed.as_deref(), Some("null"));
        assert_eq!(ensure_string(ViolationKind::ClientDiffers, "loadtest", Some("loadtest")), Ok(()));
    }

    #[test]
    fn a_difference_is_shown_with_its_context() {
        let [expected, observed] =
            [r#"{"text":"a long string with ü1"}"#, r#"{ "text": "a long string with \u00fc2" }"#];
        assert_eq!(difference(expected, observed), ["… long string with ü1\"}", "… long string with ü2\"}"]);
        assert_eq!(difference("7", "null"), ["7", "null"]);
    }
}
