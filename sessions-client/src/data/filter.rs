//! The filter of a list of sessions.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Conditions on the sessions to list, all of which must hold.
///
/// On the wire it is a map of strings: booleans travel as strings, times in UTC with milliseconds. The
/// service supports `id`, `user_id`, `active`, `from_time` and `to_time`, and ignores all other keys.
///
/// ```
/// use sessions_client::FilterParams;
///
/// let filter = FilterParams::new().user_id("user-1").active(true);
/// assert_eq!(serde_json::to_string(&filter)?, r#"{"user_id":"user-1","active":"true"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilterParams(pip_services::FilterParams);

impl FilterParams {
    /// Creates a filter without conditions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists only the session with this id.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        self.set("id", Some(id.into()))
    }

    /// Lists only sessions of this user.
    #[must_use]
    pub fn user_id(self, user_id: impl Into<String>) -> Self {
        self.set("user_id", Some(user_id.into()))
    }

    /// Lists only open sessions, or only closed ones.
    #[must_use]
    pub fn active(self, active: bool) -> Self {
        self.set("active", Some(active.to_string()))
    }

    /// Lists only sessions last changed at this time or later.
    ///
    /// **The service's in-memory persistence has this swapped:** it lists the sessions last changed *before*
    /// this time. Its MongoDB persistence is correct. A client cannot know which one the service uses, so it
    /// does not correct the filter.
    #[must_use]
    pub fn from_time(self, time: Timestamp) -> Self {
        Self(self.0.set_time("from_time", time))
    }

    /// Lists only sessions last changed before this time.
    ///
    /// **The service's in-memory persistence has this swapped:** it lists the sessions last changed *at this
    /// time or later*. Its MongoDB persistence is correct.
    #[must_use]
    pub fn to_time(self, time: Timestamp) -> Self {
        Self(self.0.set_time("to_time", time))
    }

    /// Sets a condition by its key, for services that support more. `None` travels as `null`, which services
    /// ignore.
    #[must_use]
    pub fn set(self, key: impl Into<String>, value: Option<String>) -> Self {
        Self(self.0.set_optional(key, value))
    }

    /// Returns the value of a condition, if it has one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }
}

/// Shows the keys of the conditions, without their values.
impl fmt::Debug for FilterParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
