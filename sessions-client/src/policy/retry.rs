//! Repeats of calls that failed for a moment.
//!
//! What may be repeated is declared on the route, since every operation of the sessions service is a POST; only
//! GET, PUT and DELETE need no declaration, being idempotent by HTTP's own. Pauses grow exponentially with full
//! jitter, so that the clients of a service that comes back do not arrive together; a budget of tokens, which all
//! clones of a client share, keeps repeats a small part of the load when nothing comes back. The rules of the
//! official clients were refused: one waits 70 s until it reports a refused connection, another repeats whatever
//! it sent.
//!
//! A request is kept for its repeat before it is sent: two allocations, since bodies are shared, and none if no
//! repeat may follow.
//!
//! A repeat is worth an event at the level `debug`, no more: the call goes on, and if it fails after all, its error
//! says how many attempts there were. At `warn` an outage would fill the logs of every client.

use super::{Time, error_type};
use crate::error::{Error, ErrorKind, may_pass};
use crate::runtime::{Attempts, Call, Response, TARGET, Transport, retry_after};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// What is repeated, how often, and after which pauses.
///
/// | failure | operation declared `idempotent`, or a GET, PUT or DELETE | any other |
/// |---|---|---|
/// | no connection: the request never left ([`ErrorKind::Connect`]) | repeated | repeated |
/// | the connection broke, a stale one of the pool too ([`ErrorKind::Transport`]) | repeated | returned |
/// | an attempt took too long ([`ErrorKind::Timeout`]) | repeated | returned |
/// | 408, 429, 502, 503 and 504 | repeated | returned |
/// | 500 and any other status: an answer to this very request | returned | returned |
/// | an answer that cannot be read, or is too large ([`ErrorKind::Decode`]) | returned | returned |
/// | an argument that cannot be sent ([`ErrorKind::Encode`]) | returned | returned |
///
/// So `open_session` is never sent twice: it is repeated only where no connection was made at all.
///
/// The pause before repeat *n* is a random part of `backoff` · 2ⁿ⁻¹, at most of `max_backoff`. A `Retry-After`,
/// in seconds or as a date, makes it longer, up to `max_retry_after`. There is no repeat if its pause would not
/// end before the deadline of the call, or if the budget has run dry: the last failure is returned then, with
/// the number of [`attempts`](Error::attempts).
///
/// ```
/// use sessions_client::{ClientConfig, SessionsHttpClientV1, policy::RetryPolicy};
/// use std::time::Duration;
///
/// let patient = RetryPolicy::new()
///     .with_retries(5)
///     .with_backoff(Duration::from_millis(250), Duration::from_secs(4));
/// let config = ClientConfig::from_url("http://localhost:8080")?
///     .with_retry_policy(patient)
///     .with_deadline(Duration::from_secs(60));
/// # #[cfg(feature = "reqwest")]
/// let sessions = SessionsHttpClientV1::from_config(&config)?;
/// # Ok::<_, sessions_client::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a call is repeated at most, 0 for never; 2 by default, which makes three attempts.
    pub retries: u32,
    /// The longest pause before the first repeat; 100 ms by default. It doubles with each repeat.
    pub backoff: Duration,
    /// The longest pause before any repeat, where the service asks for none; 2 s by default.
    pub max_backoff: Duration,
    /// The longest pause that a `Retry-After` can bring about; 5 s by default.
    pub max_retry_after: Duration,
    /// The tokens of a full budget, which a client begins with; 500 by default.
    pub budget: u32,
    /// The tokens that a repeat costs; 5 by default: a hundred repeats from a full budget. 0 is no budget at
    /// all, and leaves repeats without bound over many calls.
    pub cost: u32,
    /// The tokens that a call brings back when it is answered; 1 by default: while the budget is dry, one
    /// repeat for five answers.
    pub refund: u32,
}

impl RetryPolicy {
    /// The defaults, as they are written at each field.
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

    /// No repeats.
    #[must_use]
    pub const fn none() -> Self {
        Self::new().with_retries(0)
    }

    /// The same policy with another number of repeats.
    #[must_use]
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The same policy with another longest pause before the first repeat, and before any.
    #[must_use]
    pub const fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = first;
        self.max_backoff = longest;
        self
    }

    /// The same policy with another longest pause at the service's wish. Zero ignores the wish.
    #[must_use]
    pub const fn with_max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// The same policy with another budget: its tokens, what a repeat costs, and what an answer brings back.
    #[must_use]
    pub const fn with_budget(mut self, tokens: u32, cost: u32, refund: u32) -> Self {
        self.budget = tokens;
        self.cost = cost;
        self.refund = refund;
        self
    }

    /// The pause after `attempt`, at `random` of its range, if the service has no wish.
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

/// Repeats calls as a [`RetryPolicy`] says. Its clones share one budget.
///
/// Dropping the future ends the call wherever it is, in an attempt or in a pause.
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
    /// Repeats of calls over `inner`, with pauses of a random length.
    pub fn new(inner: T, policy: RetryPolicy, time: C) -> Self {
        Self::with_random(inner, policy, time, fastrand::f64)
    }

    /// The same, with pauses of a length that `random` tells by numbers from 0 to 1.
    pub fn with_random(
        inner: T,
        policy: RetryPolicy,
        time: C,
        random: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        let tokens = AtomicU32::new(policy.budget);
        Self { inner, time, shared: Arc::new(Shared { policy, tokens, random: Box::new(random) }) }
    }

    /// What the repeats are of.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// What is repeated, and when.
    pub fn policy(&self) -> &RetryPolicy {
        &self.shared.policy
    }
}

impl Shared {
    /// Takes the price of a repeat, if it is there.
    fn withdraw(&self) -> bool {
        let cost = self.policy.cost;
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(cost))
            .is_ok()
    }

    /// Puts the refund for an answer back. A full budget, which is the usual one, is only looked at.
    fn refund(&self) {
        let RetryPolicy { budget, refund, .. } = self.policy;
        let filled = |tokens: u32| (tokens < budget).then(|| tokens.saturating_add(refund).min(budget));
        // An error means that there was nothing to do.
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, filled);
    }
}

impl<T: Transport, C: Time> Retry<T, C> {
    /// `call` for a repeat, if one may follow.
    fn kept(&self, call: &Call) -> Option<Call> {
        let retries = call.options.retries.unwrap_or(self.shared.policy.retries);
        (call.attempt <= retries).then(|| call.clone())
    }

    /// When to repeat `call`, whose attempt ended as `failure`; never is `None`. A repeat is paid for.
    fn repeat_at(&self, call: &Call, failure: &Result<Response, Error>) -> Option<Instant> {
        let Shared { policy, random, .. } = &*self.shared;
        let never_left = matches!(failure, Err(error) if error.kind() == ErrorKind::Connect);
        if !never_left && !call.route.idempotent {
            return None;
        }
        let backoff = policy.pause(call.attempt, random());
        let wish = match failure {
            Ok(response) => retry_after(response.headers(), || Some(self.time.wall_clock())),
            Err(error) => error.retry_after(),
        };
        let pause = wish.unwrap_or_default().min(policy.max_retry_after).max(backoff);
        let moment = self.time.now().checked_add(pause)?;
        let in_time = call.deadline.is_none_or(|deadline| moment < deadline);
        (in_time && self.shared.withdraw()).then_some(moment)
    }

    /// The repeat that follows on an attempt that ended as `outcome`, and its moment.
    fn repeat(&self, kept: Option<Call>, outcome: &Result<Response, Error>) -> Option<(Instant, Call)> {
        let passing = match outcome {
            Ok(response) => may_pass(response.status()),
            Err(error) => error.is_retryable(),
        };
        if !passing {
            if outcome.is_ok() {
                self.shared.refund();
            }
            return None;
        }
        let mut call = kept?;
        let moment = self.repeat_at(&call, outcome)?;
        tracing::event!(
            target: TARGET,
            tracing::Level::DEBUG,
            sessions_client.operation = call.route.name,
            error.type = error_type(outcome).as_deref(),
            http.request.resend_count = call.attempt,
            pause = ?moment.saturating_duration_since(self.time.now()),
            "the attempt failed and is repeated after a pause",
        );
        call.attempt += 1;
        Some((moment, call))
    }

    /// Repeats `call` at `moment`, and again if need be.
    async fn repeated(&self, mut moment: Instant, mut call: Call) -> Result<Response, Error> {
        loop {
            self.time.sleep_until(moment).await;
            let (kept, attempt) = (self.kept(&call), call.attempt);
            let outcome = self.inner.send(call).await;
            match self.repeat(kept, &outcome) {
                Some(next) => (moment, call) = next,
                None => return counted(outcome, attempt),
            }
        }
    }
}

impl<T: Transport, C: Time> Transport for Retry<T, C> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let (kept, number) = (self.kept(&call), call.attempt);
        Repeating { retry: self, number, first: Some(self.inner.send(call)), kept, repeated: None }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }
}

pin_project! {
    /// A call in its first attempt, which is the last one of most, or in those that follow.
    ///
    /// A future of its own, since an `async fn` would have room for a first attempt and for a repeat.
    struct Repeating<'r, T, C, F> {
        retry: &'r Retry<T, C>,
        number: u32,
        // None once it is over.
        #[pin]
        first: Option<F>,
        kept: Option<Call>,
        repeated: Option<Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'r>>>,
    }
}

impl<T: Transport, C: Time, F> Future for Repeating<'_, T, C, F>
where
    F: Future<Output = Result<Response, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            let outcome = ready!(first.poll(context));
            // Of one that is late, all that it holds is free during the pause.
            this.first.set(None);
            match this.retry.repeat(this.kept.take(), &outcome) {
                Some((moment, call)) => *this.repeated = Some(Box::pin(this.retry.repeated(moment, call))),
                None => return Poll::Ready(counted(outcome, *this.number)),
            }
        }
        match this.repeated {
            Some(repeated) => repeated.as_mut().poll(context),
            None => panic!("a call is polled after its end"),
        }
    }
}

/// The outcome with the number of attempts, for the error that it may become.
fn counted(outcome: Result<Response, Error>, attempts: u32) -> Result<Response, Error> {
    match outcome {
        Ok(mut response) => {
            // Most calls take one attempt, and need no note.
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
