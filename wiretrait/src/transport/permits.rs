//! The limit of concurrent calls, and so of connections, since each call over HTTP/1.1 needs one.
//!
//! Further calls wait in the order of their arrival, within their time limits. The limit is a number, or is found by a
//! [`Search`] that each call informs when it ends.

#[cfg(all(test, shuttle))]
mod interleavings;

#[cfg(all(test, shuttle))]
use self::interleavings::{Semaphore, SemaphorePermit};
use super::adaptive_limit::{CallOutcome, Search};
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::policy::{Time, TokioTime, Within};
use crate::runtime::{Call, Response};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use http::StatusCode;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
#[cfg(not(all(test, shuttle)))]
use tokio::sync::{Semaphore, SemaphorePermit};

/// A semaphore, or no limit. Clones share the permits.
#[derive(Clone)]
pub(super) struct Permits(Option<Arc<Limited>>);

struct Limited {
    semaphore: Semaphore,
    limit: Limit,
}

enum Limit {
    Fixed(usize),
    Adaptive(Box<Mutex<Adaptive>>),
}

/// A limit that changes.
struct Adaptive {
    search: Search,
    /// The number of permits, including those that are in use.
    count: usize,
    /// The number of permits that are in use, but will not be returned.
    surplus: usize,
}

/// The permit of a call. When it is dropped, a call that waits takes it.
struct Slot<'p> {
    limited: &'p Limited,
    permit: Option<SemaphorePermit<'p>>,
    end: Option<Instant>,
    /// `None` if the call was given up.
    outcome: Option<CallOutcome>,
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
    /// Creates the permits of `config`. A count that is too large for a semaphore sets no limit.
    pub(super) fn new(config: &ClientConfig) -> Self {
        let limit = if config.has_adaptive_concurrency_limit() {
            let search = Search::new();
            Limit::Adaptive(Box::new(Mutex::new(Adaptive { count: search.limit(), search, surplus: 0 })))
        } else {
            Limit::Fixed(config.concurrency_limit())
        };
        let limited = Limited { semaphore: Semaphore::new(limit.count().min(Semaphore::MAX_PERMITS)), limit };
        Self((limited.limit.count() <= Semaphore::MAX_PERMITS).then(|| Arc::new(limited)))
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
            let permit = match self.semaphore.try_acquire() {
                Ok(permit) => Some(permit),
                // Boxed, because a free permit is the common case.
                Err(_) => Box::pin(self.wait(end)).await?,
            };
            // Created only after the wait: it has kilobytes, and with those of thousands of waiting calls the CPU
            // caches would be exceeded.
            let mut slot = Slot { limited: self, permit, end, outcome: None };
            let outcome = start(end).await;
            slot.outcome = Some(outcome_of(&outcome));
            outcome
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
        let count = self.limit.count();
        let calls = if count == 1 { "call" } else { "calls" };
        let (adaptive, remedy) = match self.limit {
            Limit::Fixed(_) => ("", "raise it, or make fewer calls at once"),
            Limit::Adaptive(_) => {
                ("the adaptive ", "make fewer calls at once, or set a number that the service can process")
            }
        };
        let message = format!(
            "not sent, because {adaptive}`concurrency_limit` allows {count} {calls} at once and none ended in time: {remedy}"
        );
        Error::new(ErrorKind::ConcurrencyLimit, message)
    }

    /// Returns the permit of a call that has ended, and changes the number of permits if the search says so.
    ///
    /// Permits are released and added without the lock, because that wakes waiting calls. Another call may lower the
    /// limit meanwhile, and does not find them. So afterwards those that are surplus and free are removed. A waiting call
    /// that has received one starts, and its permit is removed when it ends.
    fn release(&self, adaptive: &Mutex<Adaptive>, permit: SemaphorePermit<'_>, outcome: CallOutcome) {
        if lock(adaptive).is_surplus() {
            permit.forget();
        } else {
            drop(permit);
        }
        let added = {
            let mut adaptive = lock(adaptive);
            let running = adaptive.in_use(self.semaphore.available_permits());
            adaptive.search.ended(TokioTime.now(), outcome, running);
            let added = adaptive.resize();
            adaptive.remove_surplus(&self.semaphore);
            added
        };
        if added > 0 {
            self.semaphore.add_permits(added);
            lock(adaptive).remove_surplus(&self.semaphore);
        }
    }
}

impl Adaptive {
    /// Returns whether a permit that is returned is not needed any more.
    fn is_surplus(&mut self) -> bool {
        let rest = self.surplus.checked_sub(1);
        self.surplus = rest.unwrap_or(0);
        rest.is_some()
    }

    fn in_use(&self, available: usize) -> usize {
        (self.count + self.surplus).saturating_sub(available)
    }

    /// Changes the count to the limit of the search. Returns the number of permits to add.
    fn resize(&mut self) -> usize {
        let before = self.count + self.surplus;
        self.count = self.search.limit();
        self.surplus = before.saturating_sub(self.count);
        self.count.saturating_sub(before)
    }

    /// Removes surplus permits that are not in use.
    fn remove_surplus(&mut self, semaphore: &Semaphore) {
        if self.surplus > 0 {
            self.surplus -= semaphore.forget_permits(self.surplus);
        }
    }
}

impl Limit {
    fn count(&self) -> usize {
        match self {
            Self::Fixed(count) => *count,
            Self::Adaptive(adaptive) => lock(adaptive).count,
        }
    }
}

/// Ignores poisoning, because the numbers are valid after a panic too.
fn lock(adaptive: &Mutex<Adaptive>) -> MutexGuard<'_, Adaptive> {
    adaptive.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Limit::Adaptive(adaptive) = &self.limited.limit
            && let Some(permit) = self.permit.take()
        {
            let outcome = self.outcome.unwrap_or_else(|| {
                // A policy around the transport gives a call up at its end.
                let is_late = self.end.is_some_and(|end| end <= TokioTime.now());
                if is_late { CallOutcome::Overload } else { CallOutcome::Other }
            });
            self.limited.release(adaptive, permit, outcome);
        }
    }
}

/// Returns the outcome of an attempt for the adaptive limit.
fn outcome_of(outcome: &Result<Response, Error>) -> CallOutcome {
    match outcome {
        Ok(response) => match response.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                CallOutcome::Overload
            }
            status if status.is_server_error() => CallOutcome::Other,
            _ => CallOutcome::Success,
        },
        Err(error) if error.is_timeout() || error.is_local_limit() => CallOutcome::Overload,
        Err(_) => CallOutcome::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
    use tokio::task::JoinSet;
    use tokio::time::sleep;

    fn permits(configure: impl FnOnce(ClientConfig) -> ClientConfig) -> Permits {
        Permits::new(&configure(ClientConfig::from_url("http://localhost").unwrap()))
    }

    fn response(status: StatusCode) -> Response {
        let mut response = Response::default();
        *response.status_mut() = status;
        response
    }

    fn is_late() -> Error {
        Error::new(ErrorKind::Timeout, "late")
    }

    const NO_END: Patience = Patience { end: None, own_end: None };

    /// Returns the number of calls in a minute by 64 callers of a database that processes eight calls at once, and
    /// spends its time on locks beyond that.
    #[expect(clippy::cast_precision_loss, reason = "numbers of a model")]
    async fn calls_of_a_database(permits: Permits) -> usize {
        let (running, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..64 {
            let (permits, running, ended) = (permits.clone(), running.clone(), ended.clone());
            callers.spawn(async move {
                loop {
                    let call = permits.attempt(NO_END, is_late, |_| {
                        Box::pin(async {
                            let at_once = (running.fetch_add(1, Ordering::Relaxed) + 1) as f64;
                            let rate =
                                800.0 * (at_once / 8.0).min(1.0) / (1.0 + (at_once - 8.0).max(0.0) / 16.0);
                            sleep(Duration::from_secs_f64(at_once / rate)).await;
                            running.fetch_sub(1, Ordering::Relaxed);
                            Ok(response(StatusCode::OK))
                        })
                    });
                    call.await.unwrap();
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        sleep(Duration::from_secs(30)).await;
        let before = ended.load(Ordering::Relaxed);
        sleep(Duration::from_secs(60)).await;
        ended.load(Ordering::Relaxed) - before
    }

    #[tokio::test(start_paused = true)]
    async fn an_adaptive_limit_is_nearly_as_good_as_the_best_fixed_one() {
        let mut best = 0;
        for limit in [1, 4, 8, 12, 16, 32, 64] {
            best = best.max(calls_of_a_database(permits(|it| it.with_concurrency_limit(limit))).await);
        }
        let without = calls_of_a_database(permits(|it| it)).await;
        let adaptive = calls_of_a_database(permits(ClientConfig::with_adaptive_concurrency_limit)).await;
        assert!(adaptive * 10 >= best * 9 && without * 2 < best, "{adaptive}, {best}, {without}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_permit_is_lost_when_the_limit_changes() {
        let permits = permits(ClientConfig::with_adaptive_concurrency_limit);
        let running = Arc::new(AtomicU32::new(0));
        let mut calls = JoinSet::new();
        for number in 0..8_000_u64 {
            let (permits, running) = (permits.clone(), running.clone());
            calls.spawn(async move {
                let patience =
                    Patience { end: Some(TokioTime.now() + Duration::from_secs(3600)), own_end: None };
                let call = permits.attempt(patience, is_late, |_| {
                    Box::pin(async move {
                        // For a while, twice as many calls at once take four times as long.
                        let at_once = running.fetch_add(1, Ordering::Relaxed) + 1;
                        let factor = if number < 4_000 { at_once * at_once } else { 1 };
                        sleep(Duration::from_micros(100) * factor).await;
                        running.fetch_sub(1, Ordering::Relaxed);
                        Ok(response(StatusCode::OK))
                    })
                });
                // Every tenth call is given up.
                let limit = Duration::from_millis(if number.is_multiple_of(10) { 50 } else { 3_600_000 });
                let _ = tokio::time::timeout(limit, call).await;
            });
        }
        let mut counts = std::collections::BTreeSet::new();
        while calls.join_next().await.is_some() {
            counts.insert(permits.0.as_ref().unwrap().limit.count());
        }
        let limited = permits.0.as_ref().unwrap();
        let Limit::Adaptive(adaptive) = &limited.limit else { panic!("it is adaptive") };
        assert!(counts.len() > 3 && counts.first() < Some(&8), "{counts:?}");
        let (count, surplus) = (limited.limit.count(), lock(adaptive).surplus);
        assert_eq!((surplus, limited.semaphore.available_permits()), (0, count));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_a_permit_of_an_adaptive_limit_is_not_sent() {
        let permits = permits(ClientConfig::with_adaptive_concurrency_limit);
        let mut holders = JoinSet::new();
        for _ in 0..32 {
            let permits = permits.clone();
            holders.spawn(async move {
                permits.attempt(NO_END, is_late, |_| Box::pin(std::future::pending())).await
            });
        }
        tokio::task::yield_now().await;
        let end = Some(TokioTime.now() + Duration::from_secs(1));
        let patience = Patience { end, own_end: end };
        let call = permits.attempt(patience, is_late, |_| panic!("the call is sent"));
        let error = call.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConcurrencyLimit);
        assert_eq!(
            error.to_string(),
            "not sent, because the adaptive `concurrency_limit` allows 32 calls at once and none ended in time: make \
             fewer calls at once, or set a number that the service can process"
        );
    }
}
