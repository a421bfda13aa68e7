//! One call of a virtual user: sent, classified, and recorded.
//!
//! The clock stops at the last byte of the body, and the response is checked before anything is recorded.
//! Rejected alternative: goose's HTTP client, because its clock stops at the headers, and correcting a
//! success that a check rejects takes a second message, while goose's request log keeps the first.

use super::shared::SharedState;
use crate::checks::known_session::KnownSession;
use crate::checks::violation::{CheckResult, Violation};
use crate::metrics::recorder::{StepMetrics, TimedCall};
use crate::metrics::{LOCAL_LIMIT, ViolationExample};
use goose::goose::{GooseUser, TransactionError};
use sessions_client::{Error, ErrorKind, Operation, RawResponse, Route};
use std::borrow::Cow;
use std::pin::pin;
use std::time::Instant;

/// The reason why an iteration ends before it completes.
#[derive(Debug)]
pub(crate) enum IterationError {
    /// A call failed. Its effect may have happened.
    Failed(&'static str),
    /// A response was wrong.
    Violation(Violation),
    /// The run has ended.
    RunEnded,
    /// goose has stopped this user.
    Goose(Box<TransactionError>),
}

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

/// The caller of a call.
pub(crate) struct CallContext<'c> {
    pub(crate) shared: &'c SharedState,
    pub(crate) user: &'c mut GooseUser,
    /// The number of the user.
    pub(crate) number: usize,
    /// The moment when the call was due, if it is the first of an iteration in the open model.
    pub(crate) due: Option<Instant>,
    /// The metrics of the current rate, in a breakpoint search.
    pub(crate) step: Option<&'c StepMetrics>,
}

/// A call with its response.
struct Sent {
    response: Result<RawResponse, Error>,
    status: Option<u16>,
    start: Instant,
    end: Instant,
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

/// Executes `operation` and checks its response. The name of its route is its name in all metrics.
///
/// `check` is also called after a failure, so that it can update the model. It returns an error if the call
/// failed or the response could not be decoded.
pub(crate) async fn call<O: Operation>(
    mut context: CallContext<'_>,
    subject: Subject<'_>,
    operation: O,
    check: impl FnOnce(Result<&RawResponse, Error>) -> Result<CheckResult, Error>,
) -> Result<(), IterationError> {
    throttle(context.user).await?;
    let sent = send(context.shared, operation).await;
    let (status, start, end) = (sent.status, sent.start, sent.end);
    let verdict = classify(sent, check, context.shared.config.checks_enabled);
    let failed = !matches!(verdict, CallVerdict::Passed);
    let timed = TimedCall { route: O::ROUTE, due: context.due, start, end, status, failed };
    record(&mut context, &timed, subject, &verdict).await?;
    match verdict {
        CallVerdict::Passed => Ok(()),
        CallVerdict::Violation { violation, decode_error: None } => Err(IterationError::Violation(violation)),
        CallVerdict::Violation { decode_error: Some(_), .. } | CallVerdict::Failed(_) => {
            Err(IterationError::Failed(O::ROUTE.name))
        }
    }
}

/// Waits for goose's throttle, as goose's own client does, so that `--throttle-requests` limits typed calls
/// as well.
async fn throttle(user: &mut GooseUser) -> Result<(), IterationError> {
    if let Some(throttle) = &user.throttle
        && let Err(source) = throttle.send_async(true).await
    {
        // It closes when the run ends. The calls after that clean up, and must not be slowed down.
        user.throttle = None;
        return Err(IterationError::Goose(Box::new(TransactionError::RequestCanceled { source })));
    }
    Ok(())
}

async fn send<O: Operation>(shared: &SharedState, operation: O) -> Sent {
    let sending = pin!(shared.client.caller().call_raw(operation));
    let start = Instant::now();
    let response = sending.await;
    let end = Instant::now();
    let status = match &response {
        Ok(response) => Some(response.response().status()),
        Err(error) => error.status(),
    };
    Sent { response, status: status.map(|status| status.as_u16()), start, end }
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
            CallVerdict::Violation { violation: Violation::Undecodable, decode_error: Some(error) }
        }
        Err(error) => CallVerdict::Failed(error),
    }
}

/// Records the call for the results, and with goose for its dashboard, logs and report.
async fn record(
    context: &mut CallContext<'_>,
    call: &TimedCall,
    subject: Subject<'_>,
    verdict: &CallVerdict,
) -> Result<(), IterationError> {
    let recorder = &context.shared.recorder;
    recorder.call(context.number, call);
    if let Some(step) = context.step {
        step.call(call);
    }
    let reason = match verdict {
        CallVerdict::Passed => None,
        CallVerdict::Violation { violation, decode_error } => {
            let detail = decode_error.as_ref().map(Error::to_string);
            recorder.violation(*violation, || example(call.route, subject, detail));
            Some(decode_error.as_ref().map_or(Cow::from(violation.description()), reason))
        }
        CallVerdict::Failed(error) => Some(reason(error)),
    };
    if let Some(reason) = &reason {
        let error = match verdict {
            CallVerdict::Failed(error) | CallVerdict::Violation { decode_error: Some(error), .. } => {
                Some(error.to_string())
            }
            CallVerdict::Passed | CallVerdict::Violation { decode_error: None, .. } => None,
        };
        recorder.failure(call.route.name, reason.clone(), error);
    }
    let goose_result = context
        .user
        .record_custom_request_duration(
            call.route.method.as_str(),
            call.route.name,
            call.latency(),
            reason.is_none(),
            call.status,
            reason.as_deref(),
        )
        .await;
    // goose returns an error for a failed call as well; only for a successful one it means that goose has
    // stopped.
    if reason.is_some() { Ok(()) } else { goose_result.map_err(IterationError::Goose) }
}

fn example(route: &Route, subject: Subject<'_>, detail: Option<String>) -> ViolationExample {
    ViolationExample {
        session_id: subject.session_id.to_owned(),
        operation: route.name.to_owned(),
        correlation_id: Some(subject.correlation_id.to_owned()),
        detail,
    }
}

/// A short reason without anything variable: each is a row in goose's tables.
fn reason(error: &Error) -> Cow<'static, str> {
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
        ErrorKind::Transport => "connection broke".into(),
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
    fn failures_have_a_reason_by_kind_and_status() {
        assert_eq!(reason(&Error::new(ErrorKind::Timeout, "took 10.3 s")), "timeout");
        assert_eq!(reason(&Error::new(ErrorKind::Connect, "refused")), "connection failed");
        let no_port = std::io::Error::from_raw_os_error(99);
        let exhausted = Error::new(ErrorKind::Connect, "no port").with_source(no_port);
        assert_eq!(reason(&exhausted), LOCAL_LIMIT);
        assert_eq!(reason(&Error::new(ErrorKind::ConcurrencyLimit, "no slot")), LOCAL_LIMIT);
        let unavailable = ServiceError::new("BUSY", "try later");
        let status = 503_u16.try_into().expect("a status code");
        assert_eq!(reason(&Error::from_service(status, unavailable)), "service error 503");
    }
}
