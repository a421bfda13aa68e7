//! The policies of `wiretrait` (retries, timeouts, deadlines), with this contract and a virtual clock.

mod budget;
mod limits;
mod retries;
mod retry_after;

use http::StatusCode;
use serde_json::json;
use sessions_client::policy::{Deadline, Retry, RetryPolicy, Timeout};
use sessions_client::test_kit::VirtualTime;
use sessions_client::{
    Call, CallOptions, Caller, CorrelationPlace, DynISessionsV1, Error, ErrorKind, ISessionsV1, Response,
    Result, SessionsHttpClientV1, Transport, Value,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A clock that starts at the date of the tests.
fn clock() -> VirtualTime {
    VirtualTime::starting_at(httpdate::parse_http_date("Mon, 23 Nov 2026 08:00:00 GMT").unwrap())
}

/// Returns the sleeps, in milliseconds.
fn slept(clock: &VirtualTime) -> Vec<u128> {
    clock.slept().iter().map(Duration::as_millis).collect()
}

/// The outcome of an attempt.
enum Step {
    Fails(ErrorKind),
    FailsWithDelay(ErrorKind, Duration),
    Responds(Response),
    RespondsAfter(Duration, Response),
    Hangs,
}
use Step::{Fails, FailsWithDelay, Hangs, Responds, RespondsAfter};

/// A transport with a list of outcomes, which records the calls.
struct Script {
    clock: VirtualTime,
    steps: Mutex<VecDeque<Step>>,
    calls: Mutex<Vec<Call>>,
}

impl Script {
    fn new(clock: &VirtualTime, steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        let steps = Mutex::new(steps.into_iter().collect());
        Arc::new(Self { clock: clock.clone(), steps, calls: Mutex::default() })
    }

    fn attempts(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Returns the limits of the attempts, in milliseconds.
    fn limits(&self) -> Vec<u128> {
        self.calls.lock().unwrap().iter().map(|call| call.limit.unwrap().as_millis()).collect()
    }
}

impl Transport for Script {
    async fn send(&self, call: Call) -> Result<Response> {
        self.calls.lock().unwrap().push(call);
        let step = self.steps.lock().unwrap().pop_front();
        match step.expect("the script has another outcome") {
            Fails(kind) => Err(Error::new(kind, "scripted")),
            FailsWithDelay(kind, delay) => Err(Error::new(kind, "scripted").with_retry_after(delay)),
            Responds(response) => Ok(response),
            RespondsAfter(time, response) => {
                self.clock.advance(time);
                Ok(response)
            }
            Hangs => std::future::pending().await,
        }
    }
}

fn status(status: u16) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn retry_after(status_code: u16, value: &str) -> Response {
    let mut response = status(status_code);
    response.headers_mut().insert("retry-after", value.parse().unwrap());
    response
}

fn nothing() -> Step {
    Responds(status(204))
}

fn times(count: usize, step: impl Fn() -> Step) -> Vec<Step> {
    std::iter::repeat_with(step).take(count).collect()
}

type Stack = Deadline<Retry<Timeout<Arc<Script>, VirtualTime>, VirtualTime>, VirtualTime>;

/// A client with a timeout of 1 s, a deadline of 10 s, and pauses of maximum length.
fn client(script: &Arc<Script>, policy: RetryPolicy) -> SessionsHttpClientV1<Value, Value, Stack> {
    let time = || script.clock.clone();
    let attempt = Timeout::new(script.clone(), ms(1000), time());
    let retry = Retry::with_random(attempt, policy, time(), || 1.0);
    SessionsHttpClientV1::new(Deadline::new(retry, ms(10_000), time()))
}

async fn get(client: &impl ISessionsV1) -> Result<()> {
    client.get_session_by_id(None, "1").await.map(|session| assert_eq!(session, None))
}

async fn open(client: &impl ISessionsV1) -> Error {
    client.open_session(None, "user-1", None, None, None, None, None).await.unwrap_err()
}
