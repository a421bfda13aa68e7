//! Options of single calls.

use std::time::Duration;

/// Limits and retries of single calls, which override those of the client. Options that are not set stay
/// unchanged.
///
/// They apply to the calls of a view that the client's `with` returns. The view implements the contract like
/// the client.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient};
/// use std::time::Duration;
/// use wiretrait::{CallOptions, Result, Transport};
///
/// async fn is_known(books: &BooksClient<impl Transport>, id: u64) -> Result<bool> {
///     // A user is waiting: an error is better than a late response.
///     let fast = CallOptions::new().deadline(Duration::from_millis(300)).retries(1);
///     Ok(books.with(fast).find(id).await?.is_some())
/// }
/// ```
///
/// They are applied by the [policies](crate::policy). A client over a transport without policies has no
/// retries, and limits only if the transport has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// Time limit for a whole call, including retries and pauses.
    pub deadline: Option<Duration>,
    /// Time limit for one attempt, including its response. It takes precedence over the route's timeout.
    pub timeout: Option<Duration>,
    /// Maximum number of retries. It does not change which failures can be retried safely.
    pub retries: Option<u32>,
}

impl CallOptions {
    /// Creates options that change nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { deadline: None, timeout: None, retries: None }
    }

    /// Sets the time limit for a whole call, including retries and pauses. It starts with each call.
    #[must_use]
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets the time limit for one attempt, including its response.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets the maximum number of retries; 0 disables them.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Returns these options, with the options of `base` where these are not set.
    #[must_use]
    pub fn or(self, base: Self) -> Self {
        Self {
            deadline: self.deadline.or(base.deadline),
            timeout: self.timeout.or(base.timeout),
            retries: self.retries.or(base.retries),
        }
    }
}
