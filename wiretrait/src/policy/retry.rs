//! Retries of calls, by the rules of a [`RetryPolicy`].
//!
//! A request is cloned for its retry before it is sent. This costs two allocations, since bodies are shared,
//! and nothing if no retry can follow. With a token provider, one can always follow: the one after a rejected
//! token.
//!
//! Tokens are added here, because a retry may need another one, and because a response with 401 means that the
//! call has had no effect, so that it can be sent again. That does not count as a retry: it has no pause, and
//! neither the maximum of retries nor the budget applies.
//!
//! A call whose connection ended before it was processed, which happens over HTTP/2, is sent again in the same way:
//! gateways end connections after a number of requests, and the service is not overloaded then.
//!
//! A retry is logged at the level `debug` only, because the call is still in progress, and if it fails, its
//! error has the number of attempts. With `warn`, an outage would flood the logs of every client.

#[cfg(all(test, shuttle))]
mod interleavings;

#[cfg(not(feature = "tokio"))]
use super::no_authorization::{Attached, Authorization, UsedToken};
use super::retry_policy::RetryPolicy;
use super::{Time, error_type};
#[cfg(feature = "tokio")]
use crate::auth::{Attached, Authorization, Tokens, UsedToken};
use crate::error::{Error, ErrorKind, Unprocessed, is_transient};
use crate::runtime::{
    Advice, Attempts, Call, Encoding, RequestedDelay, Response, TARGET, Transport, forbids_retry, retry_after,
};
use crate::sync::atomic::{AtomicU32, Ordering};
use http::StatusCode;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Context, Poll};
use std::time::{Duration, Instant};

/// Retries calls by the rules of a [`RetryPolicy`]. Clones share one budget.
///
/// Dropping the future cancels the call, during an attempt or a pause.
pub struct Retry<T, C> {
    inner: T,
    time: C,
    shared: Arc<Shared>,
    authorization: Option<Arc<Authorization>>,
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
        let shared = Arc::new(Shared { policy, tokens, random: Box::new(random) });
        Self { inner, time, shared, authorization: None }
    }

    /// Adds a token of `tokens` to each attempt, unless the request has its own `Authorization`. If the inner
    /// transport's [peer](Transport::peer) is plain HTTP to another machine, calls fail, see
    /// [`with_http_credentials_allowed`](crate::ClientConfig::with_http_credentials_allowed).
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn with_tokens(self, tokens: Tokens) -> Self
    where
        T: Transport,
    {
        let authorization = Authorization::new(tokens, self.inner.peer());
        self.with_authorization(Some(authorization))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn with_authorization(mut self, authorization: Option<Authorization>) -> Self {
        self.authorization = authorization.map(Arc::new);
        self
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

/// The maximum number of times that a call is sent again at once because its connection ended before a byte was written.
const MAX_UNSENT: u32 = 10;

/// The maximum number of times that a call is sent again at once because the service announced the end of the connection
/// before it. A gateway that ends connections after fewer requests than it accepts at a time leaves some of them behind
/// several times. One that ends each new connection may be overloaded.
const MAX_EXCLUDED: u32 = 3;

/// An attempt that follows another one.
struct Next {
    call: Call,
    past: Past,
    /// `None` for at once.
    moment: Option<Instant>,
    /// The response to a rejected token.
    rejected: Option<(Response, UsedToken)>,
}

/// The earlier attempts of a call.
#[derive(Clone, Copy, Default)]
struct Past {
    /// `true` if the token was rejected, and the call was sent again with another one.
    is_renewed: bool,
    /// The number of times that the call was sent again because its connection ended before a byte was written.
    unsent: u32,
    /// The number of times that the call was sent again because the service announced the end of the connection before it.
    excluded: u32,
    /// `true` if the call was sent again because the service refused its stream.
    is_refused: bool,
}

impl Past {
    /// Returns the number of attempts that do not count as retries.
    fn sent_again(self) -> u32 {
        u32::from(self.is_renewed) + self.unsent + self.excluded + u32::from(self.is_refused)
    }

    /// Returns the number of an attempt among those that count as retries.
    fn number(self, attempt: u32) -> u32 {
        attempt.saturating_sub(self.sent_again()).max(1)
    }

    /// Returns the past of the next attempt if a request that was not processed is sent again at once.
    fn after(self, unprocessed: Unprocessed) -> Option<Self> {
        match unprocessed {
            Unprocessed::Unsent => {
                (self.unsent < MAX_UNSENT).then(|| Self { unsent: self.unsent + 1, ..self })
            }
            Unprocessed::Excluded => {
                (self.excluded < MAX_EXCLUDED).then(|| Self { excluded: self.excluded + 1, ..self })
            }
            // A service that refuses streams may be overloaded, so that the second time is a retry with a pause.
            Unprocessed::StreamRefused => (!self.is_refused).then_some(Self { is_refused: true, ..self }),
        }
    }
}

impl<T: Transport, C: Time> Retry<T, C> {
    /// Returns a copy of `call` for another attempt, if there can be one.
    fn copy(&self, call: &Call, past: Past) -> Option<Call> {
        let has_tokens = self.authorization.as_ref().is_some_and(|it| it.has_tokens());
        let by_token = has_tokens && !past.is_renewed;
        (by_token || self.has_retries(call, past) || self.inner.is_multiplexed()).then(|| call.clone())
    }

    fn has_retries(&self, call: &Call, past: Past) -> bool {
        past.number(call.attempt) <= call.options.retries.unwrap_or(self.shared.policy.retries)
    }

    /// Returns when to retry `call` after `failure`, and takes the cost from the budget; `None` if it is not
    /// retried.
    fn retry_at(&self, call: &Call, past: Past, failure: &Result<Response, Error>) -> Option<Instant> {
        let Shared { policy, random, .. } = &*self.shared;
        let is_unprocessed = match failure {
            Ok(response) => response.status() == StatusCode::TOO_MANY_REQUESTS,
            Err(error) => error.is_unprocessed(),
        };
        if !is_unprocessed && !call.route.idempotent {
            return None;
        }
        let backoff = policy.pause(past.number(call.attempt), random());
        let requested = match failure {
            Ok(response) => RequestedDelay::of(response),
            Err(error) => error.retry_after(),
        };
        let requested = requested.filter(|_| policy.max_retry_after > Duration::ZERO).unwrap_or_default();
        if requested > policy.max_retry_after {
            // A retry before that would be rejected, and some services then ask for a longer delay.
            return None;
        }
        let pause = requested.max(backoff);
        let moment = self.time.now().checked_add(pause)?;
        let in_time = call.deadline.is_none_or(|deadline| moment < deadline);
        (in_time && self.shared.withdraw()).then_some(moment)
    }

    /// Returns the attempt that follows one with this `outcome`, if there is one. `token` is the one that was
    /// sent.
    fn next(
        &self,
        copy: Option<Call>,
        token: Option<UsedToken>,
        past: Past,
        outcome: &mut Result<Response, Error>,
    ) -> Option<Next> {
        if let (Some(authorization), Some(token), Ok(response)) = (&self.authorization, token, &mut *outcome)
        {
            if response.status() == StatusCode::UNAUTHORIZED {
                return self.after_rejection(authorization, copy, token, past, response);
            }
            if past.is_renewed {
                authorization.renewed(false);
            }
        }
        if let Ok(response) = &mut *outcome
            && is_transient(response.status())
            // Over gRPC, the delay in the metadata of gRPC precedes that of a gateway.
            && RequestedDelay::of(response).is_none()
            && let Some(delay) = retry_after(response.headers(), || Some(self.time.wall_clock()))
        {
            response.extensions_mut().insert(RequestedDelay(delay));
        }
        if let Err(error) = outcome
            && let Some(reason) = error.unprocessed()
            && let Some(past) = past.after(reason)
            && let Some(call) = copy
        {
            return Some(sent_again(call, past, error, reason));
        }
        self.next_retry(copy, past, outcome)
    }

    /// Returns the attempt that follows the rejection of `token`. Otherwise it adds advice to the
    /// response.
    fn after_rejection(
        &self,
        authorization: &Authorization,
        copy: Option<Call>,
        token: UsedToken,
        past: Past,
        response: &mut Response,
    ) -> Option<Next> {
        self.shared.refund();
        if past.is_renewed {
            authorization.renewed(true);
            advise(response, authorization, &token, Rejection::Twice);
            return None;
        }
        let Some(mut call) = copy.filter(|_| authorization.reject(&token)) else {
            advise(response, authorization, &token, Rejection::Once);
            return None;
        };
        tracing::event!(
            target: TARGET,
            tracing::Level::DEBUG,
            wiretrait.contract = call.route.contract.name,
            wiretrait.operation = call.route.name,
            error.type = "401",
            http.request.resend_count = call.attempt,
            "the token was rejected, and the call is sent again with a new one",
        );
        call.attempt += 1;
        let past = Past { is_renewed: true, ..past };
        Some(Next { call, past, moment: None, rejected: Some((std::mem::take(response), token)) })
    }

    /// Returns the retry after an attempt with this `outcome`, if there is one.
    fn next_retry(&self, copy: Option<Call>, past: Past, outcome: &Result<Response, Error>) -> Option<Next> {
        let is_transient = match outcome {
            // A status that means `None` is a value.
            Ok(response) => {
                let means_none = |call: &Call| call.route.none.contains(&response.status());
                is_transient(response.status())
                    && !copy.as_ref().is_some_and(means_none)
                    && !forbids_retry(response)
            }
            Err(error) => error.is_retryable() && !error.forbids_retry(),
        };
        if !is_transient {
            if outcome.is_ok() {
                self.shared.refund();
            }
            return None;
        }
        let mut call = copy.filter(|call| self.has_retries(call, past))?;
        let moment = self.retry_at(&call, past, outcome)?;
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
        Some(Next { call, past, moment: Some(moment), rejected: None })
    }

    /// Makes the attempt `next`, and those that follow.
    async fn continue_with(&self, mut next: Next) -> Result<Response, Error> {
        loop {
            let Next { mut call, past, moment, rejected } = next;
            if let Some(moment) = moment {
                self.time.sleep_until(moment).await;
            }
            let attempt = call.attempt;
            let copy = self.copy(&call, past);
            let token = match self.attach(&mut call).await {
                Ok(token) => token,
                Err(error) if rejected.is_some() => {
                    return Err(not_renewed(&error).with_attempts(attempt - 1));
                }
                Err(error) => return Err(error.with_attempts(attempt)),
            };
            if let (Some(authorization), Some((mut response, old)), Some(new)) =
                (&self.authorization, rejected, &token)
                && old.is_same(new)
            {
                authorization.renewed(true);
                advise(&mut response, authorization, &old, Rejection::Unchanged);
                return with_attempts(Ok(response), attempt - 1, Past { is_renewed: false, ..past });
            }
            let mut outcome = self.inner.send(call).await;
            match self.next(copy, token, past, &mut outcome) {
                Some(following) => next = following,
                None => return with_attempts(outcome, attempt, past),
            }
        }
    }

    /// Adds a token to the request of `call`, and waits for one if necessary, until the deadline of the call.
    async fn attach(&self, call: &mut Call) -> Result<Option<UsedToken>, Error> {
        let Some(authorization) = &self.authorization else { return Ok(None) };
        loop {
            match authorization.attach(call) {
                Attached::Nothing => return Ok(None),
                Attached::Token(token) => return Ok(Some(token)),
                Attached::Refused(error) => return Err(error),
                Attached::Waiting => self.token_in_time(authorization, call).await?,
            }
        }
    }

    async fn token_in_time(&self, authorization: &Authorization, call: &Call) -> Result<(), Error> {
        let Some(deadline) = call.deadline else { return authorization.ready().await };
        let (mut fetched, mut late) = (pin!(authorization.ready()), pin!(self.time.sleep_until(deadline)));
        poll_fn(|context| {
            let poll = fetched.as_mut().poll(context);
            if poll.is_pending() && late.as_mut().poll(context).is_ready() {
                let total = call.total.unwrap_or_default();
                let message = format!(
                    "{} has returned no token before the deadline of {total:?}",
                    authorization.source()
                );
                return Poll::Ready(Err(Error::new(ErrorKind::Credentials, message)));
            }
            poll
        })
        .await
    }
}

/// Returns the attempt that follows one which the service has certainly not processed.
fn sent_again(mut call: Call, past: Past, error: &Error, reason: Unprocessed) -> Next {
    tracing::event!(
        target: TARGET,
        tracing::Level::DEBUG,
        wiretrait.contract = call.route.contract.name,
        wiretrait.operation = call.route.name,
        error.type = error.error_type(),
        reason = ?reason,
        http.request.resend_count = call.attempt,
        "the attempt was not processed, and the call is sent again",
    );
    call.attempt += 1;
    Next { call, past, moment: None, rejected: None }
}

/// Returns the error for a rejected token that cannot be replaced.
fn not_renewed(error: &Error) -> Error {
    let message = format!("the service has rejected the token, and a new one cannot be obtained: {error}");
    Error::new(ErrorKind::Credentials, message).with_retry_after(error.retry_after())
}

/// The circumstances in which the service has rejected a token.
#[derive(Clone, Copy)]
enum Rejection {
    Once,
    /// It has rejected the token that replaced it too.
    Twice,
    /// The provider has returned the same token again.
    Unchanged,
}

/// Adds advice to the response to a rejected token, for the error that it becomes.
fn advise(response: &mut Response, authorization: &Authorization, token: &UsedToken, rejection: Rejection) {
    let source = authorization.source();
    let advice = match rejection {
        _ if authorization.has_expired(token) => format!("the token from {source} has expired: replace it"),
        Rejection::Once => format!("the token from {source} was rejected: check {RIGHTS}"),
        Rejection::Twice => format!("two tokens from {source} were rejected: check {RIGHTS}"),
        Rejection::Unchanged => {
            format!("the token from {source} was rejected, and its source returned it again: replace it")
        }
    };
    response.extensions_mut().insert(Advice(advice.into()));
}

/// The properties of a token that the service may not accept.
const RIGHTS: &str = "its audience, scopes and expiry";

impl<T: Transport, C: Time> Transport for Retry<T, C> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let number = call.attempt;
        let copy = self.copy(&call, Past::default());
        let attached = match &self.authorization {
            Some(authorization) => authorization.attach(&mut call),
            None => Attached::Nothing,
        };
        let token = match attached {
            Attached::Nothing => None,
            Attached::Token(token) => Some(token),
            Attached::Waiting => {
                let following = Box::pin(self.continue_with(Next {
                    call,
                    past: Past::default(),
                    moment: None,
                    rejected: None,
                }));
                return Retrying::after(self, number, following);
            }
            Attached::Refused(error) => {
                return Retrying::after(self, number, Box::pin(ready(Err(error.with_attempts(number)))));
            }
        };
        Retrying { retry: self, number, first: Some(self.inner.send(call)), copy, state: State::First(token) }
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

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}

pin_project! {
    /// A call in its first attempt, or in what follows or precedes it: retries, and waiting for a token.
    ///
    /// It is not an `async fn`, because that would have room for a first attempt and for a retry.
    struct Retrying<'r, T, C, F> {
        retry: &'r Retry<T, C>,
        number: u32,
        // `None` after the first attempt.
        #[pin]
        first: Option<F>,
        copy: Option<Call>,
        state: State<'r>,
    }
}

/// The part of a call that depends on whether it is in its first attempt.
enum State<'r> {
    /// The first attempt, with this token.
    First(Option<UsedToken>),
    Following(Following<'r>),
}

/// The attempts after the first one, or after waiting for a token.
type Following<'r> = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'r>>;

impl<'r, T, C, F> Retrying<'r, T, C, F> {
    fn after(retry: &'r Retry<T, C>, number: u32, following: Following<'r>) -> Self {
        Self { retry, number, first: None, copy: None, state: State::Following(following) }
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
            let mut outcome = task::ready!(first.poll(context));
            // Releases the resources of the attempt before the pause.
            this.first.set(None);
            let token = match this.state {
                State::First(token) => token.take(),
                State::Following(_) => None,
            };
            match this.retry.next(this.copy.take(), token, Past::default(), &mut outcome) {
                Some(next) => *this.state = State::Following(Box::pin(this.retry.continue_with(next))),
                None => return Poll::Ready(with_attempts(outcome, *this.number, Past::default())),
            }
        }
        match this.state {
            State::Following(following) => following.as_mut().poll(context),
            State::First(_) => panic!("the call is polled after completion"),
        }
    }
}

/// Adds the number of attempts to an outcome. That of a response is needed if it becomes an error.
fn with_attempts(outcome: Result<Response, Error>, attempts: u32, past: Past) -> Result<Response, Error> {
    let sent_again = past.sent_again();
    match outcome {
        Ok(mut response) => {
            // One attempt is the default, so most responses need no extension.
            if attempts > 1 {
                response.extensions_mut().insert(Attempts { number: attempts, sent_again });
            }
            Ok(response)
        }
        Err(error) => Err(error.with_attempts(attempts).with_sent_again(sent_again)),
    }
}

impl<T: Clone, C: Clone> Clone for Retry<T, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            time: self.time.clone(),
            shared: Arc::clone(&self.shared),
            authorization: self.authorization.clone(),
        }
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
