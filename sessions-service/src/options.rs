//! Options of the embedded service that make it slow or overloaded, which the real service does not have.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Options of an [`EmbeddedService`](super::EmbeddedService) for tests of clients. By default, the service has no
/// limit and no delay, like the real one.
///
/// ```
/// use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let options = ServiceOptions::new()
///     .with_response_delay(Duration::from_millis(20))
///     .with_max_concurrent_requests(NonZeroUsize::MIN.saturating_add(9));
/// let service = EmbeddedService::start_with_options("127.0.0.1:0", SessionStore::new(), options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceOptions {
    pub(super) max_concurrent_requests: Option<NonZeroUsize>,
    pub(super) response_delay: Duration,
}

impl ServiceOptions {
    /// Creates options without a limit and without a delay.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of requests at once beyond which requests are rejected with 503 and `Retry-After: 1`, as by a
    /// gateway in front of a service under overload. A request counts from its head until its response. `/heartbeat`
    /// and `/status` always respond. Commands take microseconds, so that few requests are at once without a
    /// [delay](Self::with_response_delay).
    #[must_use]
    pub fn with_max_concurrent_requests(mut self, limit: NonZeroUsize) -> Self {
        self.max_concurrent_requests = Some(limit);
        self
    }

    /// Sets the delay of each command whose arguments are valid, before it is executed.
    #[must_use]
    pub fn with_response_delay(mut self, delay: Duration) -> Self {
        self.response_delay = delay;
        self
    }
}
