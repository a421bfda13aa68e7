//! The limit of concurrent calls, and so of connections, since each call over HTTP/1.1 needs one.
//!
//! Further calls wait in the order of their arrival, within their time limits.

use crate::error::Error;
use crate::policy::{Time, TokioTime, Within};
use crate::runtime::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A semaphore, or no limit. Clones share the permits.
#[derive(Clone)]
pub(super) struct Permits(Option<Arc<Semaphore>>);

impl Permits {
    /// Creates `count` permits. A count that is too large for a semaphore sets no limit.
    pub(super) fn new(count: usize) -> Self {
        Self((count <= Semaphore::MAX_PERMITS).then(|| Arc::new(Semaphore::new(count))))
    }

    /// Waits for a permit and runs the attempt that `start` returns. The time limit `timeout` includes the
    /// wait; it is not enforced if a policy around the transport enforces a `limit`.
    pub(super) fn attempt<F>(
        &self,
        timeout: Duration,
        limit: Option<Duration>,
        late: impl Fn() -> Error + Send,
        start: impl FnOnce() -> F + Send,
    ) -> impl Future<Output = Result<Response, Error>> + Send
    where
        F: Future<Output = Result<Response, Error>> + Send,
    {
        // Avoids a second timer for the same attempt.
        let end = if limit.is_none() { TokioTime.now().checked_add(timeout) } else { None };
        Within::new(Some(self.hold(start)), end.map(|end| TokioTime.sleep_until(end)), late)
    }

    #[expect(clippy::manual_async_fn, reason = "an `async fn` would have room for `start` twice")]
    fn hold<F: Future>(&self, start: impl FnOnce() -> F) -> impl Future<Output = F::Output> {
        async move {
            let _permit = match &self.0 {
                // The semaphore is never closed.
                Some(permits) => permits.acquire().await.ok(),
                None => None,
            };
            // Boxed only after the wait: the future has kilobytes, which would be part of the future of each
            // call, and thousands of waiting calls would exceed the CPU caches.
            Box::pin(start()).await
        }
    }
}
