//! The calls of a generated client, which are timed, counted and checked without a word of the scenario.
//!
//! The transport reads the clock around each request, and the observer of the client records the call after its
//! response was decoded. Between them the call does not wait, so that a variable of the thread can carry the times
//! from one to the other. Rejected alternative: the duration that the observer receives, because it includes
//! encoding and decoding.

use super::call::reason;
use super::rate_limit::{Delays, Next, On429};
use super::user_calls::UserCalls;
use crate::checks::violation::ViolationKind;
use crate::client::LoadPolicies;
use crate::metrics::ViolationExample;
use crate::metrics::call_groups::TimedCall;
use crate::telemetry::trace_context::{TRACEPARENT, TraceContext};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use wiretrait::telemetry::{CallObserver, CallOutcome, CallPhases, FinishedCall, measure_phases};
use wiretrait::{Call, Encoding, Error, ErrorKind, RawResponse, Response, Transport};

/// The caller of a virtual user, for [`LoadTest::new`](crate::LoadTest::new).
pub type Caller = wiretrait::Caller<LoadTransport>;

/// The transport of a virtual user's client.
///
/// All users share its connections. It has no retries, because a failure must be measured, but it sends calls again at
/// once that the service has certainly not processed.
#[derive(Clone)]
pub struct LoadTransport {
    inner: LoadPolicies,
    calls: Arc<UserCalls>,
}

impl fmt::Debug for LoadTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTransport").finish_non_exhaustive()
    }
}

/// The request of a call that ends in this thread.
#[derive(Clone, Copy)]
enum Sent {
    /// The run has ended before it could be sent, or sent again after a rejection by a rate limit.
    Never,
    At {
        due: Option<Instant>,
        start: Instant,
        end: Instant,
        trace: TraceContext,
        phases: CallPhases,
    },
}

thread_local! {
    static SENT: Cell<Option<Sent>> = const { Cell::new(None) };
}

/// Returns the caller of a virtual user over the transport that all users share.
pub(crate) fn caller(transport: &LoadPolicies, calls: &Arc<UserCalls>) -> Caller {
    let transport = LoadTransport { inner: transport.clone(), calls: Arc::clone(calls) };
    Caller::new(transport).with_observer(Arc::clone(calls) as Arc<dyn CallObserver>)
}

impl Transport for LoadTransport {
    async fn send(&self, mut call: Call) -> Result<Response, Error> {
        let Ok(due) = self.calls.start_call().await else { return run_ended() };
        let mut delays = Delays::new(&self.calls);
        loop {
            let trace = TraceContext::random(self.calls.shared.config.sampling);
            call.request.headers_mut().insert(TRACEPARENT, trace.header_value());
            let route = call.route;
            let (again, attempt) = match self.calls.shared.config.on_429 {
                On429::Count => (None, call),
                On429::Wait => (Some(call.clone()), call),
            };
            let start = Instant::now();
            let (response, phases) = measure_phases(self.inner.send(attempt)).await;
            let end = Instant::now();
            match (again, &response) {
                (Some(again), Ok(rejection)) if delays.applies_to(Some(rejection.status().as_u16())) => {
                    let error = RawResponse::new(route, rejection.clone()).err();
                    let requested = error.and_then(|error| error.retry_after());
                    // Boxed, so that each call does not have room for it.
                    if Box::pin(delays.wait(requested)).await == Next::RunEnded {
                        return run_ended();
                    }
                    call = again;
                }
                _ => {
                    SENT.set(Some(Sent::At { due, start, end, trace, phases }));
                    return response;
                }
            }
        }
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

/// The result of a call that is not sent, because the run has ended.
fn run_ended() -> Result<Response, Error> {
    SENT.set(Some(Sent::Never));
    Err(Error::new(ErrorKind::ConcurrencyLimit, "the run has ended"))
}

impl CallObserver for UserCalls {
    fn finished(&self, call: &FinishedCall<'_>) {
        let now = Instant::now();
        let (due, start, end, trace, phases) = match (call.outcome, SENT.take()) {
            // Calls in flight are given up a while after the end of the load.
            (CallOutcome::Cancelled, _) if self.is_ended() => {
                let start = now.checked_sub(call.duration).unwrap_or(now);
                return self.shared.recorder.interrupted(self.number, call.route, start);
            }
            (CallOutcome::Cancelled, _) | (_, None) => {
                let start = now.checked_sub(call.duration).unwrap_or(now);
                (None, start, now, None, CallPhases::default())
            }
            (_, Some(Sent::Never)) => return,
            (_, Some(Sent::At { due, start, end, trace, phases })) => {
                (due, start, end, Some(trace.trace_id()), phases)
            }
        };
        let status = call.status().map(|status| status.as_u16());
        let time = end.saturating_duration_since(start);
        let (reason, error, error_type) = match call.outcome {
            CallOutcome::Ok(_) => (None, None, None),
            CallOutcome::Failed(_) if status.is_some_and(|status| self.is_expected(status)) => {
                (None, None, None)
            }
            CallOutcome::Failed(error) => {
                (Some(reason(error, time)), Some(error.to_string()), Some(error.kind().as_str()))
            }
            _ => (Some("cancelled by the scenario".into()), None, Some("cancelled")),
        };
        let timed = TimedCall { route: call.route, due, start, end, status, error: error_type, phases };
        self.record(&timed, reason, error, trace);
        if let CallOutcome::Failed(failure) = call.outcome
            && failure.kind() == ErrorKind::Decode
            && status.is_some_and(|status| (200..300).contains(&status))
            && self.shared.config.checks_enabled
        {
            self.violation(ViolationKind::Undecodable.description(), [None, Some(failure.to_string())]);
        }
    }
}

impl UserCalls {
    /// Records a violation that the last call has shown, with the expected and the observed value.
    pub(crate) fn violation(&self, kind: &'static str, [expected, observed]: [Option<String>; 2]) {
        if !self.is_measured {
            return;
        }
        let (last, scenario) = (self.last(), self.scenario());
        let recorder = &self.shared.recorder;
        recorder.violation(kind, || ViolationExample {
            session_id: String::new(),
            operation: match last {
                Some(last) => last.operation.to_owned(),
                None => format!("scenario {scenario}, before its first call"),
            },
            correlation_id: None,
            trace_id: last.and_then(|last| last.trace_id).map(|id| id.to_string()),
            virtual_user: Some(self.number),
            time: recorder.date(Instant::now()),
            expected,
            observed,
        });
    }
}
