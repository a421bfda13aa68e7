//! The rules for retries.
//!
//! Routes declare which operations are idempotent, because many APIs use POST for all operations. By default
//! GET, PUT, DELETE, HEAD and OPTIONS are, as HTTP defines. Pauses grow exponentially with full jitter, so that the clients
//! of a recovering service do not all send at the same time. A token budget, which all clones of a client
//! share, limits retries to a small part of the load during an outage.

use crate::config::Limit;
use std::fmt;
use std::time::Duration;

/// The rules for retries: which failures, how often, and after which pauses.
///
/// | failure | operation declared `idempotent`, or a GET, PUT, DELETE, HEAD or OPTIONS | any other |
/// |---|---|---|
/// | no connection: nothing was sent ([`ErrorKind::Connect`]) | retried | retried |
/// | no free slot: nothing was sent ([`ErrorKind::ConcurrencyLimit`]) | retried | retried |
/// | over HTTP/2 and gRPC: the connection ended before the request was processed, or the service refused its stream | sent again at once | sent again at once |
/// | the service refused the request before it was processed for another reason ([`Error::is_unprocessed`](crate::Error::is_unprocessed)) | retried | retried |
/// | the connection failed, including a stale one of the pool ([`ErrorKind::Transport`]) | retried | returned |
/// | an attempt took too long ([`ErrorKind::Timeout`]) | retried | returned |
/// | 429: a rate limit rejects a request before it is processed | retried | retried |
/// | 408, 502, 503 and 504 | retried | returned |
/// | 401, if a [token provider](crate::ClientConfig::with_token_provider) is set: nothing was done | sent once more with a new token | sent once more with a new token |
/// | no token can be obtained: nothing was sent ([`ErrorKind::Credentials`]) | returned | returned |
/// | 500 and any other status, and one that the operation declares as `none`: a response to this request | returned | returned |
/// | a response that cannot be decoded or is too large ([`ErrorKind::Decode`]) | returned | returned |
/// | an argument that cannot be sent ([`ErrorKind::Encode`]) | returned | returned |
/// | a rejected certificate ([`ErrorKind::Tls`]), a proxy that refuses ([`ErrorKind::Proxy`]), a response that is not HTTP ([`ErrorKind::Protocol`]) | returned | returned |
///
/// [`ErrorKind::Connect`]: crate::ErrorKind::Connect
/// [`ErrorKind::ConcurrencyLimit`]: crate::ErrorKind::ConcurrencyLimit
/// [`ErrorKind::Credentials`]: crate::ErrorKind::Credentials
/// [`ErrorKind::Transport`]: crate::ErrorKind::Transport
/// [`ErrorKind::Timeout`]: crate::ErrorKind::Timeout
/// [`ErrorKind::Decode`]: crate::ErrorKind::Decode
/// [`ErrorKind::Encode`]: crate::ErrorKind::Encode
/// [`ErrorKind::Tls`]: crate::ErrorKind::Tls
/// [`ErrorKind::Proxy`]: crate::ErrorKind::Proxy
/// [`ErrorKind::Protocol`]: crate::ErrorKind::Protocol
///
/// So the service never processes a call of an operation that is not idempotent twice: it is only sent again if
/// nothing was sent, or if the service says that nothing was done.
///
/// A call that is sent again at once does not use up a retry: it does not pause, and neither `retries` nor the budget
/// applies. In a call, that happens at most ten times for a request of which nothing was written, three times if the
/// service announced the end of the connection before the request, and once after a refused stream. Further failures
/// are retried.
///
/// The pause before retry *n* is a random part of `backoff` · 2ⁿ⁻¹, limited to `max_backoff`. A
/// `Retry-After`, in seconds or as a date, makes it longer. If it is longer than `max_retry_after`, if the pause
/// would not end before the deadline of the call, or if the budget is exhausted, there is no retry, and the last
/// failure is returned at once, with the number of [`attempts`](crate::Error::attempts) and the
/// [requested delay](crate::Error::retry_after).
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// # #[cfg(any(feature = "hyper", feature = "reqwest"))] {
/// use library::BooksClient;
/// use std::time::Duration;
/// use wiretrait::ClientConfig;
/// use wiretrait::policy::RetryPolicy;
///
/// let policy = RetryPolicy::new()
///     .with_retries(5)
///     .with_backoff(Duration::from_millis(250), Duration::from_secs(4));
/// let config = ClientConfig::from_url("http://localhost:8080")?
///     .with_retry_policy(policy)
///     .with_deadline(Duration::from_secs(60));
/// let books = BooksClient::from_config(&config)?;
/// # }
/// # Ok::<_, wiretrait::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Maximum number of retries of a call; 2 by default, which is three attempts.
    pub retries: u32,
    /// Longest pause before the first retry; 100 ms by default. It doubles with each retry.
    pub backoff: Duration,
    /// Longest pause before any retry without a `Retry-After`; 2 s by default.
    pub max_backoff: Duration,
    /// Longest `Retry-After` that is waited for; 5 s by default. A call for which the service requests a longer
    /// delay is not retried, because services reject calls that come too early, or delay them even longer.
    pub max_retry_after: Duration,
    /// Number of tokens in a full budget, which is the initial state; 500 by default.
    pub budget: u32,
    /// Number of tokens that a retry costs; 5 by default, so that a full budget allows 100 retries. 0
    /// disables the budget: then the retries of many calls are not limited.
    pub cost: u32,
    /// Number of tokens that a response adds; 1 by default, so that an exhausted budget allows one retry per
    /// five responses.
    pub refund: u32,
}

impl RetryPolicy {
    /// Creates a policy with the default of each field.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            retries: 2,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            max_retry_after: Duration::from_secs(5),
            budget: 500,
            cost: 5,
            refund: 1,
        }
    }

    /// Creates a policy without retries.
    #[must_use]
    pub const fn none() -> Self {
        Self::new().with_retries(0)
    }

    /// Sets the maximum number of retries.
    #[must_use]
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the longest pause before the first retry, and the longest pause before any retry.
    #[must_use]
    pub const fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = first;
        self.max_backoff = longest;
        self
    }

    /// Sets the longest `Retry-After` that is waited for. Zero ignores `Retry-After`.
    #[must_use]
    pub const fn with_max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// Sets the budget: its number of tokens, the cost of a retry, and the refund of a response.
    #[must_use]
    pub const fn with_budget(mut self, tokens: u32, cost: u32, refund: u32) -> Self {
        self.budget = tokens;
        self.cost = cost;
        self.refund = refund;
        self
    }

    /// Returns the pause after `attempt` without a `Retry-After`, at the fraction `random` of its range.
    pub(super) fn pause(&self, attempt: u32, random: f64) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.backoff.saturating_mul(factor).min(self.max_backoff);
        Duration::try_from_secs_f64(longest.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(longest)
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("retries", &self.retries)
            .field("backoff", &self.backoff)
            .field("max_backoff", &Limit(self.max_backoff, Duration::MAX))
            .field("max_retry_after", &Limit(self.max_retry_after, Duration::MAX))
            .field("budget", &self.budget)
            .field("cost", &self.cost)
            .field("refund", &self.refund)
            .finish()
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}
