//! The cache of tokens.
//!
//! A fetch is a separate task, which all calls that need its token wait for: a call that is cancelled does not
//! cancel it, and a token that expires soon is renewed while calls use it.

#[cfg(all(test, shuttle))]
mod interleavings;

#[cfg(all(test, shuttle))]
use self::interleavings::Handle;
use super::provider::DynProvider;
use super::token::Expiry;
use super::{Token, TokenProvider};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{Time, TokioTime};
use crate::runtime::TARGET;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::task_outcome::TaskOutcome;
use http::HeaderValue;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};
#[cfg(not(all(test, shuttle)))]
use tokio::runtime::Handle;
use tracing::Instrument;

/// The longest time of a fetch.
const FETCH_LIMIT: Duration = Duration::from_secs(30);

/// A fetch that has not ended this long after its limit belongs to a runtime that does not run.
const LOST_AFTER: Duration = Duration::from_secs(35);

/// The longest time before its expiry at which a token is renewed.
const MAX_MARGIN: Duration = Duration::from_secs(60);

/// The time for which a token is used that has expired already when it arrives: the service decides.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// The shortest time for which a token is used, so that the calls that have waited for it can send it.
const SHORTEST_USE: Duration = Duration::from_millis(100);

/// The first pause after a failed fetch, and after a new token was rejected. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

const MAX_PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

const MAX_PAUSE_AFTER_REJECTION: Duration = Duration::from_secs(60);

/// A cache of the tokens of a [`TokenProvider`]. Clones share it.
///
/// Its clients share it too: those of a configuration with
/// [`with_token_provider`](crate::ClientConfig::with_token_provider) and its clones, or those of several
/// configurations with [`with_tokens`](crate::ClientConfig::with_tokens). See [`auth`](crate::auth) for when a
/// token is fetched.
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    provider: Box<dyn DynProvider>,
    time: Box<dyn Clock>,
    state: Mutex<State>,
}

/// The dyn-compatible companion of [`Time`].
trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn wall_clock(&self) -> SystemTime;
    fn sleep_until(&self, moment: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<C: Time> Clock for C {
    fn now(&self) -> Instant {
        Time::now(self)
    }

    fn wall_clock(&self) -> SystemTime {
        Time::wall_clock(self)
    }

    fn sleep_until(&self, moment: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Time::sleep_until(self, moment))
    }
}

#[derive(Default)]
struct State {
    cached: Option<Arc<Cached>>,
    /// The fetch in progress.
    fetch: Option<InFlight>,
    failure: Option<(Failure, Pause)>,
    /// Until its end, a rejected token stays in the cache.
    rejections: Option<Pause>,
}

struct InFlight {
    started: Instant,
    outcome: TaskOutcome<Result<(), Failure>>,
}

/// A token with the times that matter for it.
pub(crate) struct Cached {
    token: Token,
    /// `None` if it is used until it is rejected.
    due: Option<Due>,
}

/// When a token is fetched again.
struct Due {
    renewal: Instant,
    /// Until then a token is used during its renewal, or if its renewal fails.
    expiry: Option<Instant>,
    /// `true` if calls wait for the renewal.
    is_awaited: bool,
}

/// The message of a failed fetch. [`Error`] cannot be cloned.
#[derive(Clone, Debug)]
struct Failure {
    message: Arc<str>,
    retry_after: Option<Duration>,
}

impl Failure {
    fn error(&self) -> Error {
        Error::new(ErrorKind::Credentials, self.message.to_string()).with_retry_after(self.retry_after)
    }
}

/// A pause, which is longer the more often its reason has occurred in a row.
#[derive(Clone, Copy)]
struct Pause {
    length: Duration,
    end: Option<Instant>,
}

impl Pause {
    fn after(previous: Option<Self>, longest: Duration, now: Instant) -> Self {
        let length = previous.map_or(FIRST_PAUSE, |previous| previous.length.saturating_mul(2)).min(longest);
        Self { length, end: now.checked_add(length) }
    }

    fn is_over(self, now: Instant) -> bool {
        self.end.is_some_and(|end| end <= now)
    }
}

impl Cached {
    pub(crate) fn header(&self) -> &HeaderValue {
        self.token.header()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.header() == other.header()
    }

    /// Creates an entry for a token whose fetch has `started` then.
    fn new(token: Token, started: Instant, clock: &dyn Clock) -> Self {
        let now = clock.now();
        let expiry = token.expiry().and_then(|expiry| match expiry {
            Expiry::After(lifetime) => started.checked_add(lifetime),
            Expiry::At(date) => match date.duration_since(clock.wall_clock()) {
                Ok(rest) => now.checked_add(rest),
                Err(_) => Some(now),
            },
        });
        let expiry = expiry
            .map(|expiry| if expiry > now { expiry.max(now + SHORTEST_USE) } else { now + MIN_LIFETIME });
        let renewal = expiry.map(|expiry| {
            let lifetime = expiry.saturating_duration_since(started.min(now));
            expiry.checked_sub((lifetime / 5).min(MAX_MARGIN)).unwrap_or(expiry).max(now)
        });
        let check = token.check_interval().and_then(|interval| now.checked_add(interval.max(SHORTEST_USE)));
        let is_awaited = match (check, renewal) {
            (Some(check), Some(renewal)) => check < renewal,
            (check, _) => check.is_some(),
        };
        let due = if is_awaited { check } else { renewal };
        Self { token, due: due.map(|renewal| Due { renewal, expiry, is_awaited }) }
    }
}

/// The next step of a call.
pub(super) enum Next {
    Use(Arc<Cached>),
    Wait(Waiting),
    Fail(Error),
}

/// A fetch that a call waits for.
pub(super) struct Waiting {
    outcome: TaskOutcome<Result<(), Failure>>,
    /// The time at which its runtime certainly does not run.
    lost: Instant,
    /// The token that is used if the fetch fails.
    otherwise: Option<Arc<Cached>>,
}

impl Tokens {
    /// Creates a cache of the tokens of `provider`.
    pub fn new(provider: impl TokenProvider + 'static) -> Self {
        Self::with_time(provider, TokioTime)
    }

    /// Creates a cache of the tokens of `provider` with the given clock.
    pub fn with_time(provider: impl TokenProvider + 'static, time: impl Time + 'static) -> Self {
        Self(Arc::new(Shared { provider: Box::new(provider), time: Box::new(time), state: Mutex::default() }))
    }

    /// Returns the cached token, or waits until one is fetched. It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`] if it cannot be fetched.
    pub async fn get(&self) -> Result<Token> {
        self.cached().await.map(|cached| cached.token.clone())
    }

    /// Returns what the provider is, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.provider.shown_name().into_owned()
    }

    pub(super) async fn cached(&self) -> Result<Arc<Cached>> {
        // A fetch ends without an outcome if its runtime shuts down, or if the provider panics.
        for _ in 0..3 {
            let waiting = match self.next() {
                Next::Use(cached) => return Ok(cached),
                Next::Fail(error) => return Err(error),
                Next::Wait(waiting) => waiting,
            };
            let lost = waiting.lost;
            let (mut end, mut lost) = (pin!(waiting.end()), self.0.time.sleep_until(lost));
            let outcome = poll_fn(|context| match end.as_mut().poll(context) {
                Poll::Pending => lost.as_mut().poll(context).map(|()| None),
                ready @ Poll::Ready(_) => ready,
            });
            if let Some(outcome) = outcome.await {
                return outcome;
            }
        }
        let message =
            format!("{} returned no token: it has panicked, or its runtime was shut down", self.name());
        Err(Error::new(ErrorKind::Credentials, message))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the token to use, and starts a fetch if one is due.
    pub(super) fn next(&self) -> Next {
        let mut state = self.state();
        let Some(cached) = &state.cached else { return self.wait(&mut state, None) };
        let Some(due) = &cached.due else { return Next::Use(Arc::clone(cached)) };
        let now = self.0.time.now();
        if now < due.renewal {
            return Next::Use(Arc::clone(cached));
        }
        let is_awaited = due.is_awaited;
        let usable = due.expiry.is_none_or(|expiry| now < expiry).then(|| Arc::clone(cached));
        match (self.wait(&mut state, usable.clone()), usable) {
            (Next::Wait(_), Some(usable)) if !is_awaited => Next::Use(usable),
            (Next::Fail(_), Some(usable)) => Next::Use(usable),
            (next, _) => next,
        }
    }

    /// Returns the fetch in progress, or starts one, unless the last one has just failed.
    fn wait(&self, state: &mut State, otherwise: Option<Arc<Cached>>) -> Next {
        let now = self.0.time.now();
        if let Some(fetch) = &state.fetch
            && now.saturating_duration_since(fetch.started) < LOST_AFTER
            && fetch.is_running()
        {
            let lost = fetch.started + LOST_AFTER;
            return Next::Wait(Waiting { outcome: fetch.outcome.clone(), lost, otherwise });
        }
        if let Some((failure, pause)) = &state.failure
            && !pause.is_over(now)
        {
            return Next::Fail(failure.error());
        }
        let Ok(runtime) = Handle::try_current() else {
            let message = "a token can only be fetched in a tokio runtime: make the call in one";
            return Next::Fail(Error::new(ErrorKind::Credentials, message));
        };
        let (publisher, outcome) = TaskOutcome::new();
        state.fetch = Some(InFlight { started: now, outcome: outcome.clone() });
        let span = tracing::debug_span!(
            target: TARGET,
            "token",
            wiretrait.token_provider = %self.0.provider.shown_name(),
            error.type = tracing::field::Empty,
        );
        let tokens = self.clone();
        let fetch = async move {
            let result = tokens.fetch(now).await;
            if let Err(failure) = &result {
                tracing::Span::current().record("error.type", ErrorKind::Credentials.as_str());
                tracing::debug!(target: TARGET, error = %failure.message, "no token");
            }
            publisher.publish(result);
        };
        drop(runtime.spawn(fetch.instrument(span)));
        Next::Wait(Waiting { outcome, lost: now + LOST_AFTER, otherwise })
    }

    /// Fetches a token into the cache.
    async fn fetch(&self, started: Instant) -> Result<(), Failure> {
        let Shared { provider, time, .. } = &*self.0;
        let outcome = self.within_limit(provider.fetch_boxed(), started).await;
        let mut state = self.state();
        match outcome {
            Ok(token) => {
                state.cached = Some(Arc::new(Cached::new(token, started, &**time)));
                state.failure = None;
                Ok(())
            }
            Err(error) => {
                let failure = self.failure(&error);
                let now = time.now();
                let previous = state.failure.as_ref().map(|(_, pause)| *pause);
                let mut pause = Pause::after(previous, MAX_PAUSE_AFTER_FAILURE, now);
                if let Some(requested) = failure.retry_after {
                    let requested = now.checked_add(requested.min(MAX_PAUSE_AFTER_FAILURE));
                    pause.end = pause.end.max(requested);
                }
                state.failure = Some((failure.clone(), pause));
                if state.cached.is_some() {
                    tracing::warn!(
                        target: TARGET,
                        error = %failure.message,
                        "the token cannot be renewed, and is used until it expires",
                    );
                }
                Err(failure)
            }
        }
    }

    async fn within_limit(&self, fetch: super::provider::Fetch<'_>, started: Instant) -> Result<Token> {
        let Some(end) = started.checked_add(FETCH_LIMIT) else { return fetch.await };
        let mut fetch = fetch;
        let mut late = self.0.time.sleep_until(end);
        poll_fn(|context| {
            let poll = fetch.as_mut().poll(context);
            if poll.is_pending() && late.as_mut().poll(context).is_ready() {
                let message = format!("{} has returned no token within {FETCH_LIMIT:?}", self.name());
                return Poll::Ready(Err(Error::new(ErrorKind::Credentials, message)));
            }
            poll
        })
        .await
    }

    fn failure(&self, error: &Error) -> Failure {
        let message = match error.kind() {
            ErrorKind::Credentials => error.to_string(),
            _ => format!("{} returned no token: {error}", self.name()),
        };
        Failure { message: message.into(), retry_after: error.retry_after() }
    }

    /// Returns whether a token has expired.
    pub(super) fn has_expired(&self, used: &Cached) -> bool {
        match used.token.expiry() {
            Some(Expiry::At(date)) => date <= self.0.time.wall_clock(),
            Some(Expiry::After(_)) => {
                let expiry = used.due.as_ref().and_then(|due| due.expiry);
                expiry.is_some_and(|expiry| expiry <= self.0.time.now())
            }
            None => false,
        }
    }

    /// Drops a token that the service has rejected, if it is still the cached one. Returns `false` if no other
    /// token can be expected.
    pub(super) fn reject(&self, used: &Cached) -> bool {
        let mut state = self.state();
        let is_cached = state.cached.as_ref().is_some_and(|cached| cached.is_same(used));
        if !is_cached {
            return true;
        }
        let now = self.0.time.now();
        if state.rejections.is_some_and(|pause| !pause.is_over(now)) {
            return false;
        }
        state.cached = None;
        true
    }

    /// Records that the token after a rejected one was rejected too.
    pub(super) fn reject_again(&self) {
        let mut state = self.state();
        let pause = Pause::after(state.rejections, MAX_PAUSE_AFTER_REJECTION, self.0.time.now());
        state.rejections = Some(pause);
    }

    /// Records that the token after a rejected one was accepted.
    pub(super) fn accept(&self) {
        self.state().rejections = None;
    }
}

impl InFlight {
    /// Returns whether the fetch has neither an outcome nor lost its task.
    fn is_running(&self) -> bool {
        self.outcome.is_pending()
    }
}

impl Waiting {
    /// Waits for the end of the fetch. Returns `None` if the cache has to be read again.
    async fn end(self) -> Option<Result<Arc<Cached>>> {
        match self.outcome.wait().await {
            Some(Err(failure)) => Some(self.otherwise.ok_or_else(|| failure.error())),
            _ => None,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("provider", &self.0.provider.shown_name()).finish_non_exhaustive()
    }
}
