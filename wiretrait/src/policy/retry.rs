//! Retries of transient failures.
//!
//! Routes declare which operations are idempotent, because many APIs use POST for all operations. By default
//! GET, PUT and DELETE are, as HTTP defines. Pauses grow exponentially with full jitter, so that the clients
//! of a recovering service do not all send at the same time. A token budget, which all clones of a client
//! share, limits retries to a small part of the load during an outage.
//!
//! A request is cloned for its retry before it is sent. This costs two allocations, since bodies are shared,
//! and nothing if no retry can follow.
//!
//! A retry is logged at the level `debug` only, because the call is still in progress, and if it fails, its
//! error has the number of attempts. With `warn`, an outage would flood the logs of every client.

use super::{Time, error_type};
use crate::error::{Error, is_transient};
use crate::runtime::{Attempts, Call, Encoding, Response, TARGET, Transport, retry_after};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The rules for retries: which failures, how often, and after which pauses.
///
/// | failure | operation declared `idempotent`, or a GET, PUT or DELETE | any other |
/// |---|---|---|
/// | no connection: nothing was sent ([`ErrorKind::Connect`]) | retried | retried |
/// | no free slot: nothing was sent ([`ErrorKind::ConcurrencyLimit`]) | retried | retried |
/// | the request was refused before it was processed ([`Error::is_unprocessed`]) | retried | retried |
/// | the connection failed, including a stale one of the pool ([`ErrorKind::Transport`]) | retried | returned |
/// | an attempt took too long ([`ErrorKind::Timeout`]) | retried | returned |
/// | 408, 429, 502, 503 and 504 | retried | returned |
/// | 500 and any other status: a response to this request | returned | returned |
/// | a response that cannot be decoded or is too large ([`ErrorKind::Decode`]) | returned | returned |
/// | an argument that cannot be sent ([`ErrorKind::Encode`]) | returned | returned |
/// | a rejected certificate ([`ErrorKind::Tls`]), a proxy that refuses ([`ErrorKind::Proxy`]), a response that is not HTTP ([`ErrorKind::Protocol`]) | returned | returned |
///
/// [`ErrorKind::Connect`]: crate::ErrorKind::Connect
/// [`ErrorKind::ConcurrencyLimit`]: crate::ErrorKind::ConcurrencyLimit
/// [`ErrorKind::Transport`]: crate::ErrorKind::Transport
/// [`ErrorKind::Timeout`]: crate::ErrorKind::Timeout
/// [`ErrorKind::Decode`]: crate::ErrorKind::Decode
/// [`ErrorKind::Encode`]: crate::ErrorKind::Encode
/// [`ErrorKind::Tls`]: crate::ErrorKind::Tls
/// [`ErrorKind::Proxy`]: crate::ErrorKind::Proxy
/// [`ErrorKind::Protocol`]: crate::ErrorKind::Protocol
///
/// So a call of an operation that is not idempotent is never sent twice.
///
/// The pause before retry *n* is a random part of `backoff` · 2ⁿ⁻¹, limited to `max_backoff`. A
/// `Retry-After`, in seconds or as a date, makes it longer, up to `max_retry_after`. If the pause would not
/// end before the deadline of the call, or the budget is exhausted, there is no retry, and the last failure
/// is returned with the number of [`attempts`](Error::attempts).
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Maximum number of retries of a call; 2 by default, which is three attempts.
    pub retries: u32,
    /// Longest pause before the first retry; 100 ms by default. It doubles with each retry.
    pub backoff: Duration,
    /// Longest pause before any retry without a `Retry-After`; 2 s by default.
    pub max_backoff: Duration,
    /// Longest pause that a `Retry-After` can cause; 5 s by default.
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

    /// Sets the longest pause that a `Retry-After` can cause. Zero ignores `Retry-After`.
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
    fn pause(&self, attempt: u32, random: f64) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.backoff.saturating_mul(factor).min(self.max_backoff);
        Duration::try_from_secs_f64(longest.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(longest)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// Retries calls by the rules of a [`RetryPolicy`]. Clones share one budget.
///
/// Dropping the future cancels the call, during an attempt or a pause.
pub struct Retry<T, C> {
    inner: T,
    time: C,
    shared: Arc<Shared>,
}

struct Shared {
    policy: RetryPolicy,
    tokens: AtomicU32,
    random: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl<T, C> Retry<T, C> {
    /// Retries calls over `inner`, with random pauses.
    pub fn new(inner: T, policy: RetryPolicy, time: C) -> Self {
        Self::with_random(inner, policy, time, fastrand::f64)
    }

    /// Retries calls over `inner`, with pauses determined by `random`, which returns numbers from 0 to 1.
    pub fn with_random(
        inner: T,
        policy: RetryPolicy,
        time: C,
        random: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        let tokens = AtomicU32::new(policy.budget);
        Self { inner, time, shared: Arc::new(Shared { policy, tokens, random: Box::new(random) }) }
    }

    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// Returns the rules.
    pub fn policy(&self) -> &RetryPolicy {
        &self.shared.policy
    }
}

impl Shared {
    /// Takes the cost of a retry from the budget. Returns `false` if there are not enough tokens.
    fn withdraw(&self) -> bool {
        let cost = self.policy.cost;
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(cost))
            .is_ok()
    }

    /// Adds the refund for a response. A full budget, which is the common case, is not written to.
    fn refund(&self) {
        let RetryPolicy { budget, refund, .. } = self.policy;
        let filled = |tokens: u32| (tokens < budget).then(|| tokens.saturating_add(refund).min(budget));
        // An error means that the budget is full.
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, filled);
    }
}

impl<T: Transport, C: Time> Retry<T, C> {
    /// Returns a copy of `call` for a retry, if there can be one.
    fn copy_for_retry(&self, call: &Call) -> Option<Call> {
        let retries = call.options.retries.unwrap_or(self.shared.policy.retries);
        (call.attempt <= retries).then(|| call.clone())
    }

    /// Returns when to retry `call` after `failure`, and takes the cost from the budget; `None` if it is not
    /// retried.
    fn retry_at(&self, call: &Call, failure: &Result<Response, Error>) -> Option<Instant> {
        let Shared { policy, random, .. } = &*self.shared;
        let is_unprocessed = failure.as_ref().is_err_and(Error::is_unprocessed);
        if !is_unprocessed && !call.route.idempotent {
            return None;
        }
        let backoff = policy.pause(call.attempt, random());
        let requested = match failure {
            Ok(response) => retry_after(response.headers(), || Some(self.time.wall_clock())),
            Err(error) => error.retry_after(),
        };
        let pause = requested.unwrap_or_default().min(policy.max_retry_after).max(backoff);
        let moment = self.time.now().checked_add(pause)?;
        let in_time = call.deadline.is_none_or(|deadline| moment < deadline);
        (in_time && self.shared.withdraw()).then_some(moment)
    }

    /// Returns the retry after an attempt with this `outcome` and its time, if there is one.
    fn next_retry(&self, copy: Option<Call>, outcome: &Result<Response, Error>) -> Option<(Instant, Call)> {
        let is_transient = match outcome {
            Ok(response) => is_transient(response.status()),
            Err(error) => error.is_retryable(),
        };
        if !is_transient {
            if outcome.is_ok() {
                self.shared.refund();
            }
            return None;
        }
        let mut call = copy?;
        let moment = self.retry_at(&call, outcome)?;
        tracing::event!(
            target: TARGET,
            tracing::Level::DEBUG,
            wiretrait.contract = call.route.contract.name,
            wiretrait.operation = call.route.name,
            error.type = error_type(outcome).as_deref(),
            http.request.resend_count = call.attempt,
            pause = ?moment.saturating_duration_since(self.time.now()),
            "the attempt failed and is retried after a pause",
        );
        call.attempt += 1;
        Some((moment, call))
    }

    /// Retries `call` at `moment`, as often as necessary.
    async fn retry_from(&self, mut moment: Instant, mut call: Call) -> Result<Response, Error> {
        loop {
            self.time.sleep_until(moment).await;
            let (copy, attempt) = (self.copy_for_retry(&call), call.attempt);
            let outcome = self.inner.send(call).await;
            match self.next_retry(copy, &outcome) {
                Some(next) => (moment, call) = next,
                None => return with_attempts(outcome, attempt),
            }
        }
    }
}

impl<T: Transport, C: Time> Transport for Retry<T, C> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let (copy, number) = (self.copy_for_retry(&call), call.attempt);
        Retrying { retry: self, number, first: Some(self.inner.send(call)), copy, retries: None }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }
}

pin_project! {
    /// A call in its first attempt, or in one of its retries.
    ///
    /// It is not an `async fn`, because that would have room for a first attempt and for a retry.
    struct Retrying<'r, T, C, F> {
        retry: &'r Retry<T, C>,
        number: u32,
        // `None` after the first attempt.
        #[pin]
        first: Option<F>,
        copy: Option<Call>,
        retries: Option<Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'r>>>,
    }
}

impl<T: Transport, C: Time, F> Future for Retrying<'_, T, C, F>
where
    F: Future<Output = Result<Response, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            let outcome = ready!(first.poll(context));
            // Releases the resources of the attempt before the pause.
            this.first.set(None);
            match this.retry.next_retry(this.copy.take(), &outcome) {
                Some((moment, call)) => *this.retries = Some(Box::pin(this.retry.retry_from(moment, call))),
                None => return Poll::Ready(with_attempts(outcome, *this.number)),
            }
        }
        match this.retries {
            Some(retries) => retries.as_mut().poll(context),
            None => panic!("the call is polled after completion"),
        }
    }
}

/// Adds the number of attempts to an outcome. That of a response is needed if it becomes an error.
fn with_attempts(outcome: Result<Response, Error>, attempts: u32) -> Result<Response, Error> {
    match outcome {
        Ok(mut response) => {
            // One attempt is the default, so most responses need no extension.
            if attempts > 1 {
                response.extensions_mut().insert(Attempts(attempts));
            }
            Ok(response)
        }
        Err(error) => Err(error.with_attempts(attempts)),
    }
}

impl<T: Clone, C: Clone> Clone for Retry<T, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), time: self.time.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<T: fmt::Debug, C> fmt::Debug for Retry<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("policy", &self.shared.policy)
            .field("tokens", &self.shared.tokens.load(Ordering::Relaxed))
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
