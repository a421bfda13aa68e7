//! One call of a virtual user: sent, classified, and recorded.
//!
//! The clock stops at the last byte of the body, and the response is checked before anything is recorded.
//! Rejected alternative: goose's HTTP client, because its clock stops at the headers, and correcting a
//! success that a check rejects takes a second message.

use super::rate_limit::{Delays, Next};
use super::user::{IterationError, IterationResult};
use super::user_calls::UserCalls;
use crate::checks::known_session::KnownSession;
use crate::checks::violation::{CheckResult, Violation, ViolationKind};
use crate::metrics::call_groups::{TimedCall, VIOLATION};
use crate::metrics::{LOCAL_LIMIT, STALE_CONNECTION, ViolationExample};
use crate::telemetry::trace_context::{TraceContext, TraceId, Traced};
use sessions_client::{Caller, Error, ErrorKind, Operation, RawResponse, Route, Transport};
use std::borrow::Cow;
use std::pin::pin;
use std::time::{Duration, Instant};
use wiretrait::telemetry::{CallPhases, measure_phases};

/// The session that a call is about, for the examples of violations.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'s> {
    pub(crate) session_id: &'s str,
    pub(crate) correlation_id: &'s str,
}

impl<'s> From<&'s KnownSession> for Subject<'s> {
    fn from(known: &'s KnownSession) -> Self {
        Self { session_id: &known.id, correlation_id: &known.correlation }
    }
}

/// A call with its response.
struct Sent {
    response: Result<RawResponse, Error>,
    status: Option<u16>,
    start: Instant,
    end: Instant,
    phases: CallPhases,
}

/// The classification of a call.
enum CallVerdict {
    Passed,
    Violation {
        violation: Violation,
        /// The message of the decoder, if the response could not be decoded.
        decode_error: Option<Error>,
    },
    Failed(Error),
}

impl CallVerdict {
    /// The kind of error, for metrics.
    fn error_type(&self) -> Option<&'static str> {
        match self {
            Self::Passed => None,
            Self::Violation { .. } => Some(VIOLATION),
            Self::Failed(error) => Some(error.kind().as_str()),
        }
    }
}

/// Executes `operation` and checks its response. The name of its route is its name in all metrics.
///
/// `check` is also called after a failure, so that it can update the model. It returns an error if the call
/// failed or the response could not be decoded. [`IterationError::RunEnded`] means that nothing was sent, or only
/// requests that the service rejected because of its rate limit, and `check` is not called.
pub(crate) async fn call<O: Operation>(
    calls: &UserCalls,
    caller: &Caller<impl Transport>,
    subject: Subject<'_>,
    operation: O,
    check: impl FnOnce(Result<&RawResponse, Error>) -> Result<CheckResult, Error>,
) -> IterationResult {
    let due = calls.start_call().await?;
    let mut delays = Delays::new(calls);
    let (trace, sent) = loop {
        let trace = TraceContext::random(calls.shared.config.sampling);
        let in_flight = InFlightCall { calls, route: O::ROUTE, start: Instant::now() };
        let sent = send(caller, Traced { operation: &operation, context: trace }, in_flight.start).await;
        in_flight.end();
        if !delays.applies_to(sent.status) {
            break (trace, sent);
        }
        let requested = sent.response.as_ref().err().and_then(Error::retry_after);
        // Boxed, so that each call does not have room for it.
        if Box::pin(delays.wait(requested)).await == Next::RunEnded {
            return Err(IterationError::RunEnded);
        }
    };
    let (status, start, end, phases) = (sent.status, sent.start, sent.end, sent.phases);
    let verdict = classify(sent, check, calls.shared.config.checks_enabled);
    let timed = TimedCall { route: O::ROUTE, due, start, end, status, error: verdict.error_type(), phases };
    record(calls, &timed, subject, trace.trace_id(), &verdict);
    match verdict {
        CallVerdict::Passed => Ok(()),
        CallVerdict::Violation { violation, decode_error: None } => {
            Err(IterationError::Violation(violation.kind.description()))
        }
        CallVerdict::Violation { decode_error: Some(_), .. } | CallVerdict::Failed(_) => {
            Err(IterationError::Failed(O::ROUTE.name))
        }
    }
}

/// Counts a call as interrupted if it is dropped in flight.
struct InFlightCall<'c> {
    calls: &'c UserCalls,
    route: &'static Route,
    start: Instant,
}

impl InFlightCall<'_> {
    fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for InFlightCall<'_> {
    fn drop(&mut self) {
        self.calls.shared.recorder.interrupted(self.calls.number, self.route, self.start);
    }
}

async fn send<O: Operation>(caller: &Caller<impl Transport>, operation: O, start: Instant) -> Sent {
    let (response, phases) = pin!(measure_phases(caller.call_raw(operation))).await;
    let end = Instant::now();
    let status = match &response {
        Ok(response) => Some(response.response().status()),
        Err(error) => error.status(),
    };
    Sent { response, status: status.map(|status| status.as_u16()), start, end, phases }
}

fn classify(
    sent: Sent,
    check: impl FnOnce(Result<&RawResponse, Error>) -> Result<CheckResult, Error>,
    checks_enabled: bool,
) -> CallVerdict {
    let is_success = sent.status.is_some_and(|status| (200..300).contains(&status));
    let checked = match sent.response {
        Ok(ref response) => check(Ok(response)),
        Err(error) => check(Err(error)),
    };
    match checked {
        Ok(Ok(())) => CallVerdict::Passed,
        Ok(Err(violation)) => CallVerdict::Violation { violation, decode_error: None },
        Err(error) if checks_enabled && is_success && error.kind() == ErrorKind::Decode => {
            let violation = Violation::new(ViolationKind::Undecodable);
            CallVerdict::Violation { violation, decode_error: Some(error) }
        }
        Err(error) => CallVerdict::Failed(error),
    }
}

/// Records the call for the results, and for goose's dashboard, logs and report.
fn record(
    calls: &UserCalls,
    call: &TimedCall,
    subject: Subject<'_>,
    trace_id: TraceId,
    verdict: &CallVerdict,
) {
    let recorder = &calls.shared.recorder;
    let reason_of = |error: &Error| reason(error, call.service_time());
    let (reason, error) = match verdict {
        CallVerdict::Passed => (None, None),
        CallVerdict::Violation { violation, decode_error } => {
            let Violation { kind, expected, observed, session_id } = violation;
            let detail = decode_error.as_ref().map(Error::to_string);
            recorder.violation(kind.description(), || ViolationExample {
                session_id: session_id.as_deref().unwrap_or(subject.session_id).to_owned(),
                operation: call.route.name.to_owned(),
                correlation_id: Some(subject.correlation_id.to_owned()),
                trace_id: Some(trace_id.to_string()),
                virtual_user: Some(calls.number),
                time: recorder.date(call.end),
                expected: expected.clone(),
                observed: observed.clone().or_else(|| detail.clone()),
            });
            (Some(decode_error.as_ref().map_or(Cow::from(kind.description()), reason_of)), detail)
        }
        CallVerdict::Failed(error) => (Some(reason_of(error)), Some(error.to_string())),
    };
    calls.record(call, reason, error, Some(trace_id));
}

/// The reason of calls whose connection broke.
pub(crate) const BROKEN: &str = "connection broke";

/// The longest time in which a request can meet the end of its idle connection, which is already on its way then.
/// A connection that ends later was closed while the service processed the request.
const MAX_STALE_TIME: Duration = Duration::from_secs(1);

/// A short reason without anything variable, for an error after some time: each is a row in goose's tables.
pub(crate) fn reason(error: &Error, time: Duration) -> Cow<'static, str> {
    if error.is_stale_connection() && time < MAX_STALE_TIME {
        return STALE_CONNECTION.into();
    }
    if error.is_local_limit() || error.kind() == ErrorKind::ConcurrencyLimit {
        return LOCAL_LIMIT.into();
    }
    match error.kind() {
        ErrorKind::Credentials => "no credentials".into(),
        ErrorKind::Protocol => "response is not HTTP".into(),
        ErrorKind::Proxy => "proxy failed".into(),
        ErrorKind::Tls => "TLS failed".into(),
        ErrorKind::Timeout => "timeout".into(),
        ErrorKind::Connect => "connection failed".into(),
        ErrorKind::Transport => BROKEN.into(),
        ErrorKind::Decode => "response cannot be decoded".into(),
        ErrorKind::Service => match error.status() {
            Some(status) => format!("service error {}", status.as_u16()).into(),
            None => "service error".into(),
        },
        _ => "not sent".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::ServiceError;

    #[test]
    fn a_connection_that_ends_late_was_not_stale() {
        let stale = Error::new(ErrorKind::Transport, "closed").with_stale_connection();
        assert_eq!(reason(&stale, MAX_STALE_TIME), "connection broke");
    }

    #[test]
    fn failures_have_a_reason_by_kind_and_status() {
        let reason = |error: &Error| reason(error, Duration::from_millis(5));
        assert_eq!(reason(&Error::new(ErrorKind::Timeout, "took 10.3 s")), "timeout");
        assert_eq!(reason(&Error::new(ErrorKind::Connect, "refused")), "connection failed");
        let no_port = std::io::Error::from_raw_os_error(99);
        let exhausted = Error::new(ErrorKind::Connect, "no port").with_source(no_port);
        assert_eq!(reason(&exhausted), LOCAL_LIMIT);
        assert_eq!(reason(&Error::new(ErrorKind::ConcurrencyLimit, "no slot")), LOCAL_LIMIT);
        let stale = Error::new(ErrorKind::Transport, "closed").with_stale_connection();
        assert_eq!(reason(&stale), STALE_CONNECTION);
        let unavailable = ServiceError::new("BUSY", "try later");
        let status = 503_u16.try_into().expect("a status code");
        assert_eq!(reason(&Error::from_service(status, unavailable)), "service error 503");
    }
}
