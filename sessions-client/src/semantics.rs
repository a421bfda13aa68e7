//! The meaning of the service's data, as plain functions: falsy values, the times of a session, filters.
//!
//! The in-memory client and the embedded service both use them, so they cannot differ. The module is public
//! for the crate `sessions-service` only, which must have the same version as this crate. It is hidden from
//! the documentation, and may change in any release.

use crate::{Error, FilterParams, SessionV1, Timestamp};
use chrono::TimeDelta;
use http::StatusCode;
use pip_services::{PipErrors, timestamp};
use wiretrait::{ErrorFormat, ServiceError};

/// The default and largest page size of a list.
pub const PAGE_SIZE: usize = 100;

/// The default time without changes after which `close_expired_sessions` closes a session.
pub const EXPIRE_TIMEOUT: TimeDelta = TimeDelta::days(1);

/// Returns whether the service stores a payload as `null`: JavaScript treats `null`, `false`, zero and the
/// empty string as false. `json` must have no white space around it.
#[must_use]
pub fn is_falsy(json: &[u8]) -> bool {
    matches!(json, b"null" | b"false" | b"0" | b"-0" | b"0.0" | b"-0.0" | b"\"\"")
}

/// Returns a string argument as the service stores it: `None` if it is empty.
#[must_use]
pub fn non_empty(string: Option<&str>) -> Option<&str> {
    string.filter(|string| !string.is_empty())
}

/// Returns a time as the service stores it: truncated to milliseconds.
#[must_use]
pub fn stored(time: Timestamp) -> Timestamp {
    timestamp::truncate_to_millis(time)
}

/// Returns the error for invalid arguments. The service prints each problem as `[object Object]`.
#[must_use]
pub fn invalid_arguments(problems: &[String]) -> ServiceError {
    let results = vec!["[object Object]"; problems.len()].join(",");
    PipErrors.invalid_arguments(problems).with_detail("results", results)
}

/// Returns the error for a required payload that is `null`.
#[must_use]
pub fn null_payload(argument: &str) -> Error {
    let error = invalid_arguments(&[format!("{argument} must not be null")]);
    Error::from_service(StatusCode::BAD_REQUEST, error)
}

/// The state of a session: whether it is open, and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// `true` until the session is closed.
    pub active: bool,
    /// When it was opened.
    pub open_time: Timestamp,
    /// When it was last changed; reading does not count.
    pub request_time: Timestamp,
    /// When it was closed; the latest time if that happened more than once.
    pub close_time: Option<Timestamp>,
}

impl State {
    /// Returns the state of a session.
    #[must_use]
    pub fn of<U, D>(session: &SessionV1<U, D>) -> Self {
        let &SessionV1 { active, open_time, request_time, close_time, .. } = session;
        Self { active, open_time, request_time, close_time }
    }

    /// Sets the state of `session`.
    pub fn apply_to<U, D>(self, session: &mut SessionV1<U, D>) {
        let Self { active, open_time, request_time, close_time } = self;
        (session.active, session.open_time) = (active, open_time);
        (session.request_time, session.close_time) = (request_time, close_time);
    }

    /// Returns the state of a session that is opened at `now`.
    #[must_use]
    pub fn opened(now: Timestamp) -> Self {
        Self { active: true, open_time: now, request_time: now, close_time: None }
    }

    /// Returns the state after a change of user or data. Times never decrease, even if the clock does.
    #[must_use]
    pub fn changed(self, now: Timestamp) -> Self {
        Self { request_time: now.max(self.request_time), ..self }
    }

    /// Returns the state after closing, which also removes user and data. A closed session can be closed
    /// again.
    #[must_use]
    pub fn closed(self, now: Timestamp) -> Self {
        let changed = self.changed(now);
        Self { active: false, close_time: Some(changed.request_time), ..changed }
    }

    /// Returns whether the session is open and had no change for longer than `timeout`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp, timeout: TimeDelta) -> bool {
        // `None`: the timeout is longer than all time before `now`, so no session is that old.
        self.active && now.checked_sub_signed(timeout).is_some_and(|oldest| self.request_time < oldest)
    }
}

/// The conditions of a list that the service supports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'f> {
    /// The id of the only session to list.
    pub id: Option<&'f str>,
    /// The user whose sessions to list.
    pub user_id: Option<&'f str>,
    active: Option<bool>,
    from_time: Option<Timestamp>,
    to_time: Option<Timestamp>,
}

impl<'f> Filter<'f> {
    /// Reads the conditions of `params`, times with `read_time`. Empty and unreadable values are ignored.
    #[must_use]
    pub fn new(params: Option<&'f FilterParams>, read_time: fn(&str) -> Option<Timestamp>) -> Self {
        let Some(params) = params else { return Self::default() };
        let value = |key| non_empty(params.get(key));
        Self {
            id: value("id"),
            user_id: value("user_id"),
            active: value("active").and_then(parse_flag),
            from_time: value("from_time").and_then(read_time),
            to_time: value("to_time").and_then(read_time),
        }
    }

    /// Returns whether the conditions on the state hold. `from_time` and `to_time` are swapped, as in the
    /// service's in-memory persistence.
    #[must_use]
    pub fn holds_for(&self, state: &State) -> bool {
        self.active.is_none_or(|active| state.active == active)
            && self.from_time.is_none_or(|time| state.request_time < time)
            && self.to_time.is_none_or(|time| state.request_time >= time)
    }
}

fn parse_flag(value: &str) -> Option<bool> {
    match &*value.to_ascii_lowercase() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}
