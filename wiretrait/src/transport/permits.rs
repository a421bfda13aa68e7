//! The limit of concurrent calls, and so of connections, since each call over HTTP/1.1 needs one.
//!
//! Further calls wait in the order of their arrival, within their time limits.

use crate::error::{Error, ErrorKind};
use crate::policy::{Time, TokioTime, Within};
use crate::runtime::{Call, Response};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A semaphore, or no limit. Clones share the permits.
#[derive(Clone)]
pub(super) struct Permits(Option<Arc<Limited>>);

struct Limited {
    semaphore: Semaphore,
    /// The number of permits, for messages.
    count: usize,
}

/// An attempt. It is boxed, because it has kilobytes, and the policies around the transport move it several times.
pub(super) type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'a>>;

/// The end of the time in which a call waits for a permit.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// The end of the attempt or of the call, whichever is first.
    end: Option<Instant>,
    /// The end of the attempt, if no policy around the transport enforces one.
    own_end: Option<Instant>,
}

impl Patience {
    /// Returns that of a call whose attempt is limited to `timeout`, unless a policy around the transport
    /// enforces another limit.
    pub(super) fn of(call: &Call, timeout: Duration) -> Self {
        // Avoids a second timer for the same attempt.
        let own_end = if call.limit.is_none() { TokioTime.now().checked_add(timeout) } else { None };
        let end = own_end.or(call.end);
        let sooner = call.deadline.filter(|deadline| end.is_none_or(|end| *deadline < end));
        Self { end: sooner.or(end), own_end }
    }
}

impl Permits {
    /// Creates `count` permits. A count that is too large for a semaphore sets no limit.
    pub(super) fn new(count: usize) -> Self {
        let limited = || Arc::new(Limited { semaphore: Semaphore::new(count), count });
        Self((count <= Semaphore::MAX_PERMITS).then(limited))
    }

    /// Waits for a permit and runs the attempt that `start` returns for its end.
    pub(super) fn attempt<'p>(
        &'p self,
        patience: Patience,
        late: impl Fn() -> Error + Send,
        start: impl FnOnce(Option<Instant>) -> Attempt<'p> + Send + 'p,
    ) -> impl Future<Output = Result<Response, Error>> + Send {
        let attempt = match &self.0 {
            Some(limited) => Box::pin(limited.hold(patience.end, start)),
            None => start(patience.end),
        };
        Within::new(Some(attempt), patience.own_end.map(|end| TokioTime.sleep_until(end)), late)
    }
}

impl Limited {
    #[expect(clippy::manual_async_fn, reason = "an `async fn` would have room for `start` twice")]
    fn hold<'p>(
        &'p self,
        end: Option<Instant>,
        start: impl FnOnce(Option<Instant>) -> Attempt<'p> + Send + 'p,
    ) -> impl Future<Output = Result<Response, Error>> + Send + 'p {
        async move {
            let _permit = match self.semaphore.try_acquire() {
                Ok(permit) => Some(permit),
                // Boxed, because a free permit is the common case.
                Err(_) => Box::pin(self.wait(end)).await?,
            };
            // Created only after the wait: it has kilobytes, and with those of thousands of waiting calls the CPU
            // caches would be exceeded.
            start(end).await
        }
    }

    /// Waits for a permit until `end`.
    ///
    /// It has no timer: the one that enforces the end polls this future once more when it expires.
    async fn wait(&self, end: Option<Instant>) -> Result<Option<SemaphorePermit<'_>>, Error> {
        let mut permit = pin!(self.semaphore.acquire());
        poll_fn(|context| {
            // The semaphore is never closed.
            let poll = permit.as_mut().poll(context).map(|permit| Ok(permit.ok()));
            let is_over = end.is_some_and(|end| end <= TokioTime.now());
            if is_over { Poll::Ready(Err(self.exhausted())) } else { poll }
        })
        .await
    }

    fn exhausted(&self) -> Error {
        let calls = if self.count == 1 { "call" } else { "calls" };
        let message = format!(
            "not sent, because `concurrency_limit` allows {} {calls} at once and none ended in time: raise it, or make \
             fewer calls at once",
            self.count
        );
        Error::new(ErrorKind::ConcurrencyLimit, message)
    }
}
