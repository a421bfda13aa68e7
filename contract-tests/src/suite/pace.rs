//! A transport with limits for the requests of a whole run.

use super::progress::Counts;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use wiretrait::{Call, Encoding, Error, ErrorKind, Response, Transport};

/// A transport that sends a limited number of requests at a time, and a limited number each second. Clones share
/// the limits. Waiting requests are sent in their order.
#[derive(Clone, Debug)]
pub(super) struct Paced<T> {
    transport: T,
    permits: Arc<Semaphore>,
    /// The time between two requests; `None` without a limit.
    interval: Option<Duration>,
    /// The earliest time of the next request.
    next: Arc<Mutex<Option<Instant>>>,
    counts: Arc<Counts>,
}

impl<T> Paced<T> {
    /// Sends at most `jobs` requests of `transport` at a time, and at most `rate` each second. Counts them.
    pub(super) fn new(transport: T, jobs: usize, rate: Option<f64>, counts: Arc<Counts>) -> Self {
        let permits = Arc::new(Semaphore::new(jobs.clamp(1, Semaphore::MAX_PERMITS)));
        let interval = rate.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok());
        Self { transport, permits, interval, next: Arc::default(), counts }
    }

    /// Returns the time at which the rate allows a request that is ready `now`; `None` without a limit.
    fn turn(&self, now: Instant) -> Option<Instant> {
        let interval = self.interval?;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = turn.checked_add(interval);
        Some(turn)
    }
}

impl<T: Transport> Transport for Paced<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|error| Error::new(ErrorKind::ConcurrencyLimit, error.to_string()))?;
        if let Some(turn) = self.turn(Instant::now()) {
            sleep_until(turn).await;
        }
        self.counts.add_request();
        self.transport.send(call).await
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }
}

#[cfg(test)]
mod tests {
    use super::Paced;
    use crate::notes::notes_v1;
    use futures_util::future::join_all;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::Instant;
    use wiretrait::{Call, Request, Response, Transport as _, transport_fn};

    /// Sends 20 requests, and returns the largest number at a time.
    async fn most_at_a_time(jobs: usize) -> usize {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let highest = most.clone();
        let transport = transport_fn(move |_| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // All others that may start do so.
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(Response::default())
            }
        });
        let paced = Paced::new(Arc::new(transport), jobs, None, Arc::default());
        let calls = (0..20).map(|_| paced.send(Call::new(notes_v1::ROUTES[0], Request::default())));
        assert!(join_all(calls).await.iter().all(Result::is_ok));
        highest.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn requests_at_a_time_are_limited() {
        assert_eq!(most_at_a_time(4).await, 4);
        assert_eq!(most_at_a_time(0).await, 1);
        assert_eq!(most_at_a_time(usize::MAX).await, 20);
    }

    #[test]
    fn requests_a_second_are_limited_without_catching_up() {
        let paced = Paced::new((), 1, Some(4.0), Arc::default());
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(paced.turn(at(0)), Some(at(0)));
        assert_eq!(paced.turn(at(10)), Some(at(250)));
        assert_eq!(paced.turn(at(20)), Some(at(500)));
        assert_eq!(paced.turn(at(2000)), Some(at(2000)));
        assert_eq!(paced.turn(at(2000)), Some(at(2250)));
        assert_eq!(Paced::new((), 1, None, Arc::default()).turn(start), None);
    }
}
