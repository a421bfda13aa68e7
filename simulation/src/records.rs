//! The records of each call at the client and at the service, and the invariants of calls.

use crate::faults::Schedule;
use crate::log::Log;
use sessions_client::policy::RetryPolicy;
use sessions_client::{Call, Error, ErrorKind, Response, Transport};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::task_local;

/// The tolerance of time limits: timers have a resolution of a millisecond.
const RESOLUTION: Duration = Duration::from_millis(2);

task_local! {
    /// The number of the call that the current task makes.
    pub(crate) static CALL: usize;
}

/// The most attempts of a call that follow at once on those that were not processed over HTTP/2: ten that were not sent,
/// three on connections that the service ended before them, and a refused stream.
const MAX_SENT_AGAIN: u32 = 14;

/// The records of all calls of a run. Clones share them.
#[derive(Clone)]
pub(crate) struct Records(Arc<Shared>);

struct Shared {
    log: Log,
    schedule: Schedule,
    retry: RetryPolicy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: Vec<Record>,
    /// The greatest number of tokens that the budget of retries can have.
    tokens: u64,
    /// Calls whose last attempt has ended, and that may have withdrawn tokens for the next one.
    undecided: u64,
    /// Attempts that may have been followed by a retry.
    failures: u64,
    in_flight: usize,
    most_in_flight: usize,
    /// The requests in flight when the count began.
    abandoned: usize,
    outcomes: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Record {
    operation: &'static str,
    started_at: Duration,
    limit: Duration,
    /// The most retries that the options of the call allow.
    retries: u32,
    attempts: u32,
    renewals: u32,
    /// The attempts that were made at once, because the one before was certainly not processed.
    sent_again: u32,
    /// The end of the last attempt, and what it means for the next one.
    last: Option<(Duration, Last)>,
    arrivals: u32,
    /// The arrivals to which the service responded that it did nothing.
    refusals: u32,
    executions: u32,
    ending: Option<Ending>,
}

#[derive(Clone, Copy)]
enum Last {
    TokenRejected,
    Delayed(Duration),
    /// The service has certainly not processed the request.
    Unprocessed,
    Other,
}

/// The end of a call as the caller sees it.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Succeeded,
    /// The error says that the service has done nothing.
    NotExecuted(ErrorKind),
    Failed,
    Canceled,
}

impl State {
    /// Removes a call from those that may have withdrawn tokens for their next attempt.
    fn decided(&mut self, was_undecided: bool, retry: &RetryPolicy) {
        self.undecided -= u64::from(was_undecided);
        self.cap(retry);
    }

    /// Limits the tokens to a full budget, without those that undecided calls may have withdrawn.
    fn cap(&mut self, retry: &RetryPolicy) {
        let most = u64::from(retry.budget) + self.undecided * u64::from(retry.cost);
        self.tokens = self.tokens.min(most);
    }
}

impl Records {
    pub(crate) fn new(log: Log, schedule: Schedule, retry: RetryPolicy) -> Self {
        let state = State { tokens: retry.budget.into(), ..State::default() };
        Self(Arc::new(Shared { log, schedule, retry, state: Mutex::new(state) }))
    }

    /// Records the start of a call. Returns its number.
    pub(crate) fn begin(&self, operation: &'static str, limit: Duration, retries: Option<u32>) -> usize {
        let started_at = self.0.schedule.now();
        let retries = retries.unwrap_or(self.0.retry.retries);
        let mut state = self.state();
        state.calls.push(Record { operation, started_at, limit, retries, ..Record::default() });
        let number = state.calls.len() - 1;
        drop(state);
        self.0.log.event(|| format!("call {number} {operation} starts, deadline {limit:?}"));
        number
    }

    /// Records the outcome of a call.
    pub(crate) fn end(&self, number: usize, outcome: Result<(), &Error>) {
        let now = self.0.schedule.now();
        let mut state = self.state();
        let call = &mut state.calls[number];
        let (time, limit, attempts) = (now.saturating_sub(call.started_at), call.limit, call.attempts);
        let ending = match outcome {
            Ok(()) => Ending::Succeeded,
            Err(error) if is_unexecuted(error) => Ending::NotExecuted(error.kind()),
            Err(_) => Ending::Failed,
        };
        call.ending = Some(ending);
        let (operation, was_undecided) = (call.operation, call.last.is_some());
        // Without a budget that is certainly sufficient, any attempt may be the last one.
        let RetryPolicy { max_backoff, max_retry_after, budget, cost, .. } = self.0.retry;
        let requested = match call.last {
            Some((_, Last::Delayed(delay))) => delay,
            _ => Duration::ZERO,
        };
        let most = call.retries + 1 + call.renewals;
        let has_budget = state.failures * u64::from(cost) <= u64::from(budget);
        let most = if has_budget && requested <= max_retry_after { most } else { 0 };
        let chances = (attempts, most, requested.max(max_backoff));
        *state.outcomes.entry(outcome.err().map_or("ok", |error| error.kind().as_str())).or_default() += 1;
        state.decided(was_undecided, &self.0.retry);
        drop(state);
        let log = &self.0.log;
        match outcome {
            Ok(()) => log.event(|| format!("call {number} {operation} succeeds after {time:?}")),
            Err(error) => {
                log.event(|| format!("call {number} {operation} fails after {time:?}: {error}"));
                let reported = error.attempts();
                log.check(reported == attempts || error.kind() == ErrorKind::Credentials, || {
                    format!("call {number} made {attempts} attempts, but its error reports {reported}")
                });
            }
        }
        if let Err(error) = outcome {
            let (attempts, most, pause) = chances;
            log.check(attempts >= most || !is_retried(operation, error) || time + pause >= limit, || {
                format!("call {number} {operation} gives up after {attempts} of {most} attempts and {time:?}: {error}")
            });
        }
        log.check(time <= limit.saturating_add(RESOLUTION), || {
            format!("call {number} {operation} took {time:?}, longer than its deadline of {limit:?}")
        });
    }

    pub(crate) fn cancel(&self, number: usize) {
        let mut state = self.state();
        let call = &mut state.calls[number];
        call.ending = Some(Ending::Canceled);
        let was_undecided = call.last.is_some();
        state.decided(was_undecided, &self.0.retry);
        drop(state);
        *self.state().outcomes.entry("cancelled").or_default() += 1;
        self.0.log.event(|| format!("call {number} is cancelled"));
    }

    fn attempt_started(&self, number: usize, attempt: u32) {
        let now = self.0.schedule.now();
        let log = &self.0.log;
        log.event(|| format!("call {number} attempt {attempt}"));
        let mut state = self.state();
        let call = &mut state.calls[number];
        call.attempts += 1;
        let attempts = call.attempts;
        let last = call.last.take();
        let is_renewal = matches!(last, Some((_, Last::TokenRejected)));
        call.renewals += u32::from(is_renewal);
        // A retry has a pause.
        let is_sent_again = matches!(last, Some((ended_at, Last::Unprocessed)) if ended_at == now);
        call.sent_again += u32::from(is_sent_again);
        let (renewals, retries, sent_again) = (call.renewals, call.retries, call.sent_again);
        let is_retry = attempts > 1 && !is_renewal && !is_sent_again;
        let (tokens, cost) = (state.tokens, u64::from(self.0.retry.cost));
        if is_retry {
            state.tokens = tokens.saturating_sub(cost);
        }
        state.decided(last.is_some(), &self.0.retry);
        drop(state);
        log.check(!is_retry || cost <= tokens, || {
            format!("call {number} is retried for {cost} tokens, although the budget has {tokens} at most")
        });
        let is_allowed = renewals <= 1 && sent_again <= MAX_SENT_AGAIN;
        log.check(is_allowed && attempts <= 1 + retries + renewals + sent_again, || {
            format!(
                "call {number} makes attempt {attempts}: {retries} retries are allowed, {renewals} tokens were renewed, \
                 {sent_again} attempts were not processed"
            )
        });
        if let Some((ended_at, Last::Delayed(delay))) = last {
            let pause = now.saturating_sub(ended_at);
            log.check(pause >= delay, || {
                format!("call {number} is retried after {pause:?}, although the service requested {delay:?}")
            });
        }
    }

    fn attempt_ended(&self, number: usize, outcome: &Result<Response, Error>) {
        let now = self.0.schedule.now();
        self.0.log.event(|| match outcome {
            Ok(response) => format!("call {number} receives {}", response.status()),
            Err(error) => format!("call {number} attempt fails: {error}"),
        });
        let mut state = self.state();
        let last = match outcome {
            Ok(response) if response.status() == 401 => Last::TokenRejected,
            Ok(response) => match requested_delay(response) {
                Some(delay) if self.0.retry.max_retry_after > Duration::ZERO => Last::Delayed(delay),
                _ => Last::Other,
            },
            Err(error) if error.is_unprocessed() => Last::Unprocessed,
            Err(_) => Last::Other,
        };
        state.calls[number].last = Some((now, last));
        state.undecided += 1;
        let refills = outcome.as_ref().is_ok_and(|response| !is_transient(response.status().as_u16()));
        if refills {
            state.tokens += u64::from(self.0.retry.refund);
            state.cap(&self.0.retry);
        }
        state.failures += u64::from(!refills);
    }

    /// Records that a request of a call has arrived at the service.
    pub(crate) fn arrived(&self, number: usize, host: usize) {
        self.0.log.event(|| format!("call {number} arrives at host {host}"));
        let mut state = self.state();
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        let Some(call) = state.calls.get_mut(number) else { return };
        let is_safe = call.operation != OPEN || call.arrivals == call.refusals;
        call.arrivals += 1;
        drop(state);
        self.0.log.check(is_safe, || {
            format!("call {number} {OPEN} was sent again, although the service may have executed it")
        });
    }

    /// Records that the service does not process a request any more.
    pub(crate) fn left(&self) {
        self.state().in_flight -= 1;
    }

    pub(crate) fn refused(&self, number: usize, status: u16) {
        self.0.log.event(|| format!("call {number} is refused with {status}"));
        if let Some(call) = self.state().calls.get_mut(number) {
            call.refusals += 1;
        }
    }

    pub(crate) fn executed(&self, number: usize) {
        self.0.log.event(|| format!("call {number} is executed"));
        if let Some(call) = self.state().calls.get_mut(number) {
            call.executions += 1;
        }
    }

    /// Starts to count the requests that the service processes at once. Those that it processes now have no connection
    /// any more, and are not counted.
    pub(crate) fn count_in_flight(&self) {
        let mut state = self.state();
        state.abandoned = state.in_flight;
        state.most_in_flight = state.in_flight;
    }

    /// Returns the highest number of requests that the service processed at once since the count began.
    pub(crate) fn most_in_flight(&self) -> usize {
        let state = self.state();
        state.most_in_flight - state.abandoned
    }

    /// Checks the records of the whole run.
    pub(crate) fn check_executions(&self) {
        let state = self.state();
        for (number, call) in state.calls.iter().enumerate().filter(|(_, call)| call.operation == OPEN) {
            let executions = call.executions;
            let allowed = match call.ending {
                Some(Ending::Succeeded) => 1..=1,
                Some(Ending::NotExecuted(_)) => 0..=0,
                Some(Ending::Failed | Ending::Canceled) | None => 0..=1,
            };
            self.0.log.check(allowed.contains(&executions), || {
                let ending = match call.ending {
                    Some(Ending::Succeeded) => "has succeeded".to_owned(),
                    Some(Ending::NotExecuted(kind)) => format!("has failed with {kind:?}"),
                    _ => "has no known result".to_owned(),
                };
                format!("call {number} {OPEN} {ending}, but was executed {executions} times")
            });
        }
        for (number, call) in state.calls.iter().enumerate() {
            self.0
                .log
                .check(call.ending.is_some(), || format!("call {number} {} never ended", call.operation));
        }
    }

    /// Returns how often calls ended in each way.
    pub(crate) fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        self.state().outcomes.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The operation that is not idempotent.
pub(crate) const OPEN: &str = "open_session";

/// Returns whether `error` says that the service has not executed the call.
fn is_unexecuted(error: &Error) -> bool {
    let by_kind = matches!(
        error.kind(),
        ErrorKind::Config
            | ErrorKind::Encode
            | ErrorKind::Credentials
            | ErrorKind::ConcurrencyLimit
            | ErrorKind::Connect
    );
    by_kind
        || error.is_unprocessed()
        || error.status().is_some_and(|status| matches!(status.as_u16(), 401 | 429))
}

/// Returns whether a failure of `operation` has to be retried if it can.
fn is_retried(operation: &str, error: &Error) -> bool {
    let is_unprocessed = error.is_unprocessed() || error.status().is_some_and(|status| status == 429);
    error.is_retryable() && (operation != OPEN || is_unprocessed)
}

fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
}

/// Returns the `Retry-After` of a response, relative to its `Date`. Reads only the forms that the simulated service sends.
/// The client's own function is private, and its result is what these records check.
fn requested_delay(response: &Response) -> Option<Duration> {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let value: &str = header("retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |value: &str| -> Option<SystemTime> { httpdate::parse_http_date(value).ok() };
    date(value)?.duration_since(date(header("date")?)?).ok()
}

/// A transport that records the attempts of calls.
#[derive(Clone, Debug)]
pub(crate) struct Recorder<T> {
    pub(crate) inner: T,
    pub(crate) records: Records,
}

impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let Ok(number) = CALL.try_with(|number| *number) else { return self.inner.send(call).await };
        self.records.attempt_started(number, call.attempt);
        let outcome = Box::pin(self.inner.send(call)).await;
        self.records.attempt_ended(number, &outcome);
        outcome
    }

    /// Is not an address, to which a token could not be sent over plain HTTP.
    fn peer(&self) -> &'static str {
        "the simulated service"
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
