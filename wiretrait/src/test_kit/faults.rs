//! Seeded injection of failures and latency.
//!
//! For each attempt there are always two random numbers, one for the fault and one for the latency, so that
//! the faults do not depend on whether there is latency.

use super::lock;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Time;
use crate::runtime::{Call, Encoding, Response, Transport};
use fastrand::Rng;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use std::fmt;
use std::future;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A fault that can be injected into an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No connection is made, so the request is not sent ([`ErrorKind::Connect`]).
    NoConnection,
    /// The connection fails and the request is lost ([`ErrorKind::Transport`]).
    LostRequest,
    /// The connection fails after the service has processed the request, and the response is lost
    /// ([`ErrorKind::Transport`] too, because a caller cannot distinguish them).
    LostAnswer,
    /// A proxy responds with this status, and optionally a `Retry-After` in whole seconds. The service does
    /// not receive the request.
    Status(StatusCode, Option<Duration>),
    /// The service processes the request, but its response is replaced by one that cannot be decoded.
    Garbage,
}

/// A transport that injects [`Fault`]s and latency in front of another one, with probabilities and a seed.
///
/// Each attempt has at most one fault. With the same version of this crate, the same seed causes the same
/// faults in the same sequence of attempts, which is ordered by their start. The seed is in `Debug` and in
/// the message of each error, so that a failed test can be reproduced. Clones share the sequence.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient, Library, books};
/// use std::time::Duration;
/// use wiretrait::InProcessTransport;
/// use wiretrait::policy::{Retry, RetryPolicy};
/// use wiretrait::test_kit::{Fault, Faults, VirtualTime};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// let service = InProcessTransport::new(books::Handler::new(Library::default()));
/// let time = VirtualTime::new();
/// let faults = Faults::new(service, 42, time.clone())
///     .with(Fault::LostRequest, 0.2)
///     .with(Fault::LostAnswer, 0.1)
///     .with(Fault::Status(http::StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_secs(1))), 0.1)
///     .with_latency(Duration::from_millis(5)..=Duration::from_millis(500));
/// let policy = RetryPolicy::new().with_retries(9);
/// let client = BooksClient::new(Retry::new(faults, policy, time));
///
/// // Reads are idempotent, so they are retried until they succeed.
/// for _ in 0..20 {
///     assert_eq!(client.find(1).await?, None);
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

/// The fault and the latency of one attempt.
struct Injection {
    fault: Option<Fault>,
    latency: Duration,
    number: u64,
}

impl<T, C> Faults<T, C> {
    /// Creates a transport to `inner`, without faults and latency. `time` is the clock for latency.
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

    /// Injects `fault` into attempts with `probability`, from 0 for none to 1 for all.
    ///
    /// # Panics
    ///
    /// If `probability` is not from 0 to 1, or if the sum of all probabilities is greater than 1.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, fault: Fault, probability: f64) -> Self {
        assert!((0.0..=1.0).contains(&probability), "the probability {probability} must be from 0 to 1");
        self.chances.push((fault, probability));
        let sum: f64 = self.chances.iter().map(|(_, probability)| probability).sum();
        // Allows rounding errors, such as that of ten times a tenth.
        assert!(sum < 1.0 + 1e-9, "the sum of all probabilities is {sum}, which is greater than 1");
        self
    }

    /// Delays each attempt by a random duration from `range`. A duration that the clock cannot represent
    /// never ends.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[must_use]
    #[track_caller]
    pub fn with_latency(mut self, range: RangeInclusive<Duration>) -> Self {
        assert!(
            !range.is_empty(),
            "the latency range {range:?} is empty: its start must not be greater than its end"
        );
        self.latency = range;
        self
    }

    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    fn draw(&self) -> Injection {
        let (mut draw, latency, number) = {
            let mut sequence = lock(&self.sequence);
            sequence.attempts += 1;
            (sequence.random.f64(), sequence.random.f64(), sequence.attempts)
        };
        let fault = self.chances.iter().find(|(_, probability)| {
            draw -= probability;
            draw < 0.0
        });
        let (least, most) = (self.latency.start().as_secs_f64(), self.latency.end().as_secs_f64());
        let latency = Duration::try_from_secs_f64(least + (most - least) * latency);
        // Only an unlimited range causes an error.
        Injection { fault: fault.map(|(fault, _)| *fault), latency: latency.unwrap_or(Duration::MAX), number }
    }

    fn error(&self, kind: ErrorKind, what: &str, number: u64) -> Error {
        Error::new(kind, format!("{what} (injected into attempt {number}, seed {})", self.seed))
    }
}

impl<T: Transport, C: Time> Transport for Faults<T, C> {
    async fn send(&self, call: Call) -> Result<Response> {
        let Injection { fault, latency, number } = self.draw();
        if !latency.is_zero() {
            match self.time.now().checked_add(latency) {
                Some(end) => self.time.sleep_until(end).await,
                None => future::pending().await,
            }
        }
        match fault {
            None => self.inner.send(call).await,
            Some(Fault::NoConnection) => {
                Err(self.error(ErrorKind::Connect, "no connection could be made", number))
            }
            Some(Fault::LostRequest) => Err(self.error(ErrorKind::Transport, LOST, number)),
            Some(Fault::LostAnswer) => {
                self.inner.send(call).await?;
                Err(self.error(ErrorKind::Transport, LOST, number))
            }
            Some(Fault::Status(status, retry_after)) => Ok(response(status, retry_after)),
            Some(Fault::Garbage) => {
                self.inner.send(call).await?;
                Ok(garbage())
            }
        }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}

const LOST: &str = "the connection failed before the response was complete";

fn response(status: StatusCode, retry_after: Option<Duration>) -> Response {
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
