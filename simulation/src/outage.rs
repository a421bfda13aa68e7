//! An outage of a minute, with three policies of retries: requests, failed calls and recovery.

use fastrand::Rng;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use sessions_client::policy::{Deadline, Retry, RetryPolicy, Timeout, TokioTime};
use sessions_client::{Call, Error, ISessionsV1, Response, SessionsHttpClientV1, Transport, Value};
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// The start and the end of the outage.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(90));

/// The time in which calls are started.
const LENGTH: Duration = Duration::from_secs(180);

/// The time between the starts of two calls.
const INTERVAL: Duration = Duration::from_millis(50);

/// The time of the service for a request.
const LATENCY: Duration = Duration::from_millis(20);

/// The attempts of a call under each policy.
const ATTEMPTS: u32 = 3;

/// The values of `Retry-After` in seconds.
const DELAYS: [Option<u64>; 3] = [None, Some(5), Some(60)];

/// Returns a table in Markdown: this client's default policy, the standard mode of the AWS SDKs, and retries without a
/// budget, each with several values of `Retry-After`.
///
/// # Errors
///
/// If no runtime can be created.
pub fn outage_table() -> io::Result<String> {
    let mut table = "\
| policy | `Retry-After` | requests in the outage | for each call | sent too early | failed calls | longest call | last failure after the outage |
|---|---|---|---|---|---|---|---|
"
    .to_owned();
    for delay in DELAYS {
        for policy in [Policy::Own, Policy::AwsStandard, Policy::Plain] {
            let results = simulate(policy, delay)?;
            let delay = delay.map_or("none".to_owned(), |delay| format!("{delay} s"));
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {} | {delay} | {results} |", policy.name());
        }
    }
    Ok(table)
}

#[derive(Clone, Copy)]
enum Policy {
    Own,
    AwsStandard,
    Plain,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Self::Own => "this client",
            Self::AwsStandard => "AWS SDK, standard mode",
            Self::Plain => "3 attempts, exponential backoff",
        }
    }
}

/// The counts of one simulation.
#[derive(Default)]
struct Results {
    calls: u32,
    requests: u32,
    /// Retries before the requested delay has passed.
    early: u32,
    failed: u32,
    longest_call: Duration,
    /// The time from the end of the outage to that of the last call that failed.
    last_failure: Option<Duration>,
}

impl std::fmt::Display for Results {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let for_each_call = f64::from(self.requests) / f64::from(self.calls.max(1));
        let (longest, last) =
            (self.longest_call.as_secs_f64(), self.last_failure.unwrap_or_default().as_secs_f64());
        let Self { requests, early, failed, .. } = self;
        write!(f, "{requests} | {for_each_call:.2} | {early} | {failed} | {longest:.1} s | {last:.1} s")
    }
}

fn simulate(policy: Policy, delay: Option<u64>) -> io::Result<Results> {
    fastrand::seed(0);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(async {
        let service = Service { start: Instant::now(), delay, results: Arc::default() };
        match policy {
            Policy::Own => {
                let attempt = Timeout::new(service.clone(), Duration::from_secs(10), TokioTime);
                let retry = Retry::new(attempt, RetryPolicy::new(), TokioTime);
                make_calls(&service, Deadline::new(retry, Duration::from_secs(30), TokioTime)).await;
            }
            Policy::AwsStandard => make_calls(&service, AwsStandard::new(service.clone())).await,
            Policy::Plain => make_calls(&service, Plain { inner: service.clone(), random: random() }).await,
        }
        std::mem::take(&mut *service.results())
    }))
}

/// Starts a call in each interval, whether or not the others have ended.
async fn make_calls(service: &Service, transport: impl Transport + 'static) {
    let client: Arc<SessionsHttpClientV1<Value, Value, _>> = Arc::new(SessionsHttpClientV1::new(transport));
    let mut calls = JoinSet::new();
    let mut next = service.start;
    while next < service.start + LENGTH {
        sleep_until(next).await;
        next += INTERVAL;
        let (client, service) = (client.clone(), service.clone());
        calls.spawn(async move {
            let started_at = Instant::now();
            let is_in_outage = service.is_down();
            let outcome = client.get_session_by_id(None, "1").await;
            let after = service.start.elapsed().saturating_sub(OUTAGE.1);
            let mut results = service.results();
            results.calls += u32::from(is_in_outage);
            results.longest_call = results.longest_call.max(started_at.elapsed());
            if outcome.is_err() {
                results.failed += 1;
                results.last_failure = results.last_failure.max(Some(after));
            }
        });
    }
    while calls.join_next().await.is_some() {}
}

/// A service that responds with 503 during the outage.
#[derive(Clone)]
struct Service {
    start: Instant,
    delay: Option<u64>,
    results: Arc<Mutex<Results>>,
}

impl Service {
    fn is_down(&self) -> bool {
        (OUTAGE.0..OUTAGE.1).contains(&self.start.elapsed())
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Service {
    async fn send(&self, _: Call) -> Result<Response, Error> {
        sleep(LATENCY).await;
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.is_down() {
            self.results().requests += 1;
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            let delay = self.delay.map(|delay| (RETRY_AFTER, HeaderValue::from(delay)));
            response.headers_mut().extend(delay);
        }
        Ok(response)
    }
}

fn random() -> Mutex<Rng> {
    Mutex::new(Rng::with_seed(1))
}

fn draw(random: &Mutex<Rng>) -> f64 {
    random.lock().unwrap_or_else(PoisonError::into_inner).f64()
}

/// The rules of the standard mode: backoff with full jitter up to 20 s, and a bucket of 500 tokens, of which a retry
/// costs 5 until it succeeds. `Retry-After` has no effect.
struct AwsStandard {
    inner: Service,
    random: Mutex<Rng>,
    tokens: Mutex<u32>,
}

impl AwsStandard {
    const CAPACITY: u32 = 500;
    const COST: u32 = 5;

    fn new(inner: Service) -> Self {
        Self { inner, random: random(), tokens: Mutex::new(Self::CAPACITY) }
    }

    fn tokens(&self) -> MutexGuard<'_, u32> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for AwsStandard {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            let outcome = self.inner.send(call.clone()).await;
            attempt += 1;
            if !is_failure(&outcome) {
                let refund = if attempt > 1 { Self::COST } else { 1 };
                let mut tokens = self.tokens();
                *tokens = (*tokens + refund).min(Self::CAPACITY);
                return outcome;
            }
            let paid = {
                let mut tokens = self.tokens();
                let rest = tokens.checked_sub(Self::COST).filter(|_| attempt < ATTEMPTS);
                rest.map(|rest| *tokens = rest)
            };
            if paid.is_none() {
                return outcome;
            }
            let longest = f64::from(1_u32 << (attempt - 1)).min(20.0);
            pause(&self.inner, longest * draw(&self.random)).await;
        }
    }
}

/// Retries as a common middleware does: from 1 s, doubled, with full jitter, and without a budget.
struct Plain {
    inner: Service,
    random: Mutex<Rng>,
}

impl Transport for Plain {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            let outcome = self.inner.send(call.clone()).await;
            attempt += 1;
            if attempt == ATTEMPTS || !is_failure(&outcome) {
                return outcome;
            }
            pause(&self.inner, f64::from(1_u32 << (attempt - 1)) * draw(&self.random)).await;
        }
    }
}

fn is_failure(outcome: &Result<Response, Error>) -> bool {
    outcome.as_ref().is_ok_and(|response| response.status().is_server_error())
}

/// Waits before a retry.
async fn pause(service: &Service, seconds: f64) {
    let is_early = service.delay.is_some_and(|delay| seconds < Duration::from_secs(delay).as_secs_f64());
    service.results().early += u32::from(is_early);
    sleep(Duration::from_secs_f64(seconds)).await;
}
