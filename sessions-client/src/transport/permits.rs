//! How many calls are under way at once. Over HTTP/1.1 each has a connection, so there are no more of those.
//!
//! Calls beyond that wait for their turn, in the order in which they came, within the limits of time that they have
//! anyway.

use crate::error::Error;
use crate::policy::{Time, TokioTime, Within};
use crate::runtime::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Its clones share the permits.
#[derive(Clone)]
pub(super) struct Permits(Option<Arc<Semaphore>>);

impl Permits {
    /// `most` of them; as many as anybody wants where that is more than can be counted.
    pub(super) fn new(most: usize) -> Self {
        Self((most <= Semaphore::MAX_PERMITS).then(|| Arc::new(Semaphore::new(most))))
    }

    /// The attempt that `start` begins once it has one. The wait included, it is over after `timeout`, unless a policy around
    /// the transport has a `limit` for it.
    pub(super) fn attempt<F>(
        &self,
        timeout: Duration,
        limit: Option<Duration>,
        is_late: impl Fn() -> Error + Send,
        start: impl FnOnce() -> F + Send,
    ) -> impl Future<Output = Result<Response, Error>> + Send
    where
        F: Future<Output = Result<Response, Error>> + Send,
    {
        // A second timer for the same attempt would only cost.
        let end = if limit.is_none() { TokioTime.now().checked_add(timeout) } else { None };
        Within::new(Some(self.hold(start)), end.map(|end| TokioTime.sleep_until(end)), is_late)
    }

    #[expect(clippy::manual_async_fn, reason = "it would have room for `start` twice")]
    fn hold<F: Future>(&self, start: impl FnOnce() -> F) -> impl Future<Output = F::Output> {
        async move {
            let _permit = match &self.0 {
                // It is never closed.
                Some(permits) => permits.acquire().await.ok(),
                None => None,
            };
            // Boxed, and not before: it has kilobytes, which would be in every future that awaits a call, and of a
            // thousand that wait for their turn no cache would hold them.
            Box::pin(start()).await
        }
    }
}
