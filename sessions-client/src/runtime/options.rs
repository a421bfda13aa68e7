//! What a single call may want otherwise than its client.

use std::time::Duration;

/// Limits and repeats of single calls, in place of the client's. What is not set stays the client's.
///
/// They hold for the calls of a view that the client's `with` gives; the view is an implementation of the
/// contract like the client itself.
///
/// ```
/// use sessions_client::{CallOptions, ISessionsV1, Result, SessionsHttpClientV1};
/// use std::time::Duration;
///
/// # #[cfg(feature = "reqwest")]
/// async fn greet(sessions: &SessionsHttpClientV1, id: &str) -> Result<bool> {
///     // A page is waiting: rather no session than a late one.
///     let hasty = CallOptions::new().deadline(Duration::from_millis(300)).retries(1);
///     Ok(sessions.with(hasty).get_session_by_id(None, id).await?.is_some())
/// }
/// ```
///
/// The policies of [`policy`](crate::policy) read them; a client over a bare transport has no repeats to
/// change, and its transport may know no limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// The longest that a call may take, repeats and pauses included.
    pub deadline: Option<Duration>,
    /// The longest that one attempt may take, its answer included; it goes before the route's own timeout.
    pub timeout: Option<Duration>,
    /// How often a call may be repeated. What is safe to repeat does not change.
    pub retries: Option<u32>,
}

impl CallOptions {
    /// Everything as the client has it.
    #[must_use]
    pub const fn new() -> Self {
        Self { deadline: None, timeout: None, retries: None }
    }

    /// The same options with a limit for a whole call, repeats and pauses included. It counts from the
    /// beginning of each call.
    #[must_use]
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// The same options with a limit for one attempt, its answer included.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The same options with another number of repeats, 0 for none.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// These options, and those of `base` where nothing is set here.
    #[must_use]
    pub fn or(self, base: Self) -> Self {
        Self {
            deadline: self.deadline.or(base.deadline),
            timeout: self.timeout.or(base.timeout),
            retries: self.retries.or(base.retries),
        }
    }
}
