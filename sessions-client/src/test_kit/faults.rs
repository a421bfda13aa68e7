//! Failures and latency, by chance that can be had again.
//!
//! One draw decides on the fault of an attempt and one on its latency, whatever comes of them: so the n-th attempt
//! has the same fate whether or not a latency was asked for.

use super::lock;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Time;
use crate::runtime::{Call, Response, Transport};
use fastrand::Rng;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use std::fmt;
use std::future;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What can happen to an attempt on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There is no connection: the request never leaves ([`ErrorKind::Connect`]).
    NoConnection,
    /// The connection breaks, and the request is lost ([`ErrorKind::Transport`]).
    LostRequest,
    /// The connection breaks after the service has done its work, and the answer is lost
    /// ([`ErrorKind::Transport`] again: a caller cannot tell the two).
    LostAnswer,
    /// Something on the way answers with this status, and perhaps a `Retry-After` in whole seconds. The request is
    /// not handed on.
    Status(StatusCode, Option<Duration>),
    /// The service has done its work, and its answer arrives as something that cannot be read.
    Garbage,
}

/// Puts [`Fault`]s and latency between a client and any transport, by probabilities and a seed.
///
/// Each attempt meets one fault at most. The same seed brings the same faults to the same sequence of attempts,
/// with the same version of this crate; attempts that run at the same time are in the sequence as they begin. The
/// seed is in `Debug` and in the message of each error, so that a test that fails can be repeated. Clones share the
/// sequence.
///
/// ```
/// use sessions_client::policy::{Retry, RetryPolicy};
/// use sessions_client::test_kit::{Fault, Faults, VirtualTime};
/// use sessions_client::{ISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, sessions_v1};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// let service = InProcessTransport::new(sessions_v1::Handler::new(SessionsMemoryClientV1::new()));
/// let time = VirtualTime::new();
/// let faults = Faults::new(service, 42, time.clone())
///     .with(Fault::LostRequest, 0.2)
///     .with(Fault::LostAnswer, 0.1)
///     .with(Fault::Status(http::StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_secs(1))), 0.1)
///     .with_latency(Duration::from_millis(5)..=Duration::from_millis(500));
/// let policy = RetryPolicy::new().with_retries(9);
/// let client = SessionsHttpClientV1::new(Retry::new(faults, policy, time));
///
/// // Reads are idempotent, and come through.
/// for _ in 0..20 {
///     assert_eq!(client.get_session_by_id(None, "1").await?, None);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Faults<T, C> {
    inner: T,
    time: C,
    seed: u64,
    chances: Vec<(Fault, f64)>,
    latency: RangeInclusive<Duration>,
    sequence: Arc<Mutex<Sequence>>,
}

struct Sequence {
    random: Rng,
    attempts: u64,
}

/// What the draws have decided for one attempt.
struct Fate {
    fault: Option<Fault>,
    latency: Duration,
    number: u64,
}

impl<T, C> Faults<T, C> {
    /// A way to `inner` without faults and latency yet. `time` is what latency is slept in.
    pub fn new(inner: T, seed: u64, time: C) -> Self {
        let sequence = Sequence { random: Rng::with_seed(seed), attempts: 0 };
        Self {
            inner,
            time,
            seed,
            chances: Vec::new(),
            latency: Duration::ZERO..=Duration::ZERO,
            sequence: Arc::new(Mutex::new(sequence)),
        }
    }

    /// The same way, on which an attempt meets `fault` with `probability`, from 0 for never to 1 for always.
    ///
    /// # Panics
    ///
    /// When the probabilities of all faults are more than 1 together, or this one is none.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, fault: Fault, probability: f64) -> Self {
        assert!((0.0..=1.0).contains(&probability), "{probability} is no probability: it is from 0 to 1");
        self.chances.push((fault, probability));
        let sum: f64 = self.chances.iter().map(|(_, probability)| probability).sum();
        // A tenth ten times is a little more than one.
        assert!(sum < 1.0 + 1e-9, "the probabilities of all faults are {sum} together, which is more than 1");
        self
    }

    /// The same way, on which every attempt takes a time from `range` before anything else happens to it. One that
    /// is longer than the clock can tell never ends.
    ///
    /// # Panics
    ///
    /// When the range is empty.
    #[must_use]
    #[track_caller]
    pub fn with_latency(mut self, range: RangeInclusive<Duration>) -> Self {
        assert!(!range.is_empty(), "no latency is in {range:?}: the shorter end comes first");
        self.latency = range;
        self
    }

    /// What the faults are on the way to.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    fn draw(&self) -> Fate {
        let (mut fault, latency, number) = {
            let mut sequence = lock(&self.sequence);
            sequence.attempts += 1;
            (sequence.random.f64(), sequence.random.f64(), sequence.attempts)
        };
        let met = self.chances.iter().find(|(_, probability)| {
            fault -= probability;
            fault < 0.0
        });
        let (least, most) = (self.latency.start().as_secs_f64(), self.latency.end().as_secs_f64());
        let latency = Duration::try_from_secs_f64(least + (most - least) * latency);
        // Only a range without end is beyond what fits.
        Fate { fault: met.map(|(fault, _)| *fault), latency: latency.unwrap_or(Duration::MAX), number }
    }

    fn broken(&self, kind: ErrorKind, what: &str, number: u64) -> Error {
        Error::new(kind, format!("{what} (a fault of attempt {number}, by seed {})", self.seed))
    }
}

impl<T: Transport, C: Time> Transport for Faults<T, C> {
    async fn send(&self, call: Call) -> Result<Response> {
        let Fate { fault, latency, number } = self.draw();
        if !latency.is_zero() {
            match self.time.now().checked_add(latency) {
                Some(end) => self.time.sleep_until(end).await,
                None => future::pending().await,
            }
        }
        match fault {
            None => self.inner.send(call).await,
            Some(Fault::NoConnection) => {
                Err(self.broken(ErrorKind::Connect, "no connection could be made", number))
            }
            Some(Fault::LostRequest) => Err(self.broken(ErrorKind::Transport, LOST, number)),
            Some(Fault::LostAnswer) => {
                self.inner.send(call).await?;
                Err(self.broken(ErrorKind::Transport, LOST, number))
            }
            Some(Fault::Status(status, retry_after)) => Ok(answer(status, retry_after)),
            Some(Fault::Garbage) => {
                self.inner.send(call).await?;
                Ok(garbage())
            }
        }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }
}

const LOST: &str = "the connection broke before the whole answer was there";

fn answer(status: StatusCode, retry_after: Option<Duration>) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    if let Some(pause) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, pause.as_secs().into());
    }
    response
}

fn garbage() -> Response {
    let mut response = Response::new("<html><body>It works!</body></html>".into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

impl<T: fmt::Debug, C> fmt::Debug for Faults<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("seed", &self.seed)
            .field("attempts", &lock(&self.sequence).attempts)
            .field("chances", &self.chances)
            .field("latency", &self.latency)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
