//! A typed call as a request of goose's.
//!
//! The call is timed until the last byte of the body is there, and whether it is a success is decided before it is
//! recorded. That goose's client is the way for each call was refused: its clock stops at the headers, and
//! the correction of a success that turns out to be none is a second message, while the request log keeps the
//! first.

use crate::checks::known_session::KnownSession;
use crate::checks::violation::{Checked, Violation};
use crate::client::UserClient;
use crate::metrics::Example;
use crate::metrics::recorder::{Recorder, TimedCall, Window};
use goose::goose::{GooseUser, TransactionError};
use sessions_client::{Error, ErrorKind, Operation, RawResponse};
use std::borrow::Cow;
use std::pin::pin;
use std::time::Instant;

/// Why a user cannot go on as planned.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The call has failed, and may have been done all the same.
    Failed(&'static str),
    /// The answer was wrong.
    Wrong(Violation),
    /// goose has ended the run.
    Over(Box<TransactionError>),
}

impl From<CallError> for Box<TransactionError> {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed(operation) => {
                Self::new(TransactionError::Custom(format!("{operation} failed")))
            }
            CallError::Wrong(violation) => Self::new(TransactionError::Custom(violation.text().to_owned())),
            CallError::Over(ended) => ended,
        }
    }
}

/// What a call is about, for the examples of violations.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'s> {
    pub(crate) session: &'s str,
    pub(crate) correlation: &'s str,
}

impl<'s> From<&'s KnownSession> for Subject<'s> {
    fn from(known: &'s KnownSession) -> Self {
        Self { session: &known.id, correlation: &known.correlation }
    }
}

/// Who makes a call, by which client, when it was due, and where it is counted.
pub(crate) struct CallContext<'s> {
    pub(crate) recorder: &'s Recorder,
    /// Whether an answer that cannot be read counts as wrong.
    pub(crate) verify: bool,
    pub(crate) user: &'s mut GooseUser,
    pub(crate) number: usize,
    pub(crate) client: &'s UserClient,
    pub(crate) due: Option<Instant>,
    pub(crate) window: Option<&'s Window>,
}

/// Calls `operation`, checks its answer, and records both under the route's name.
///
/// `check` is told of a failure as well, and fails itself if the answer cannot be read.
pub(crate) async fn call<O: Operation>(
    context: CallContext<'_>,
    subject: Subject<'_>,
    operation: O,
    check: impl FnOnce(Result<&RawResponse, Error>) -> Result<Checked, Error>,
) -> Result<(), CallError> {
    let CallContext { recorder, verify, user, number, client, due, window } = context;
    // What goose does for requests of its own client, so that `--throttle-requests` holds here too.
    if let UserClient::Own(_) = client
        && let Some(throttle) = &user.throttle
        && let Err(source) = throttle.send_async(true).await
    {
        // It closes when the run is over; what is still to be done is cleaning up, which nothing slows down.
        user.throttle = None;
        return Err(CallError::Over(Box::new(TransactionError::RequestCanceled { source })));
    }
    let sending = pin!(client.caller().call_raw(operation));
    let start = Instant::now();
    let (answer, counted) = match client {
        UserClient::Own(_) => (sending.await, None),
        UserClient::Goose(_, driver) => driver.drive(user, sending).await,
    };
    let end = Instant::now();
    let status = match &answer {
        Ok(answer) => Some(answer.response().status()),
        Err(error) => error.status(),
    };
    let checked = match answer {
        Ok(ref answer) => check(Ok(answer)),
        Err(error) => check(Err(error)),
    };
    let route = O::ROUTE;
    let wrong = |violation, detail| {
        recorder.violation(violation, || Example {
            session: subject.session.to_owned(),
            operation: route.name.to_owned(),
            correlation_id: Some(subject.correlation.to_owned()),
            detail,
        });
    };
    let failure = match &checked {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => {
            wrong(*violation, None);
            Some((Cow::from(violation.text()), None))
        }
        Err(error) => {
            if verify && error.kind() == ErrorKind::Decode && status.is_some_and(|status| status.is_success())
            {
                wrong(Violation::Unreadable, Some(error.to_string()));
            }
            Some((name(error), Some(error.to_string())))
        }
    };
    let status = status.map(|status| status.as_u16());
    let timed = TimedCall { route, due, start, end, status, failed: failure.is_some() };
    recorder.call(number, &timed);
    if let Some(window) = window {
        window.call(&timed);
    }
    let tag = failure.map(|(name, example)| {
        recorder.failure(route.name, name.clone(), example);
        name
    });
    let told = match (client, counted) {
        (UserClient::Goose(..), Some(mut metric)) => match &tag {
            Some(tag) if metric.success => user.set_failure(tag, &mut metric, None, None),
            _ => Ok(()),
        },
        _ => {
            user.record_custom_request_duration(
                route.method.as_str(),
                route.name,
                timed.latency(),
                tag.is_none(),
                status,
                tag.as_deref(),
            )
            .await
        }
    };
    match checked {
        Err(_) => Err(CallError::Failed(route.name)),
        Ok(Err(violation)) => Err(CallError::Wrong(violation)),
        // `set_failure` answers with the failure; any other error is that goose is gone.
        Ok(Ok(())) => told.map_err(CallError::Over),
    }
}

fn name(error: &Error) -> Cow<'static, str> {
    match error.kind() {
        ErrorKind::Timeout => "timeout".into(),
        ErrorKind::Connect => "no connection".into(),
        ErrorKind::Transport => "connection broke".into(),
        ErrorKind::Decode => "unreadable answer".into(),
        ErrorKind::Service => match error.status() {
            Some(status) => format!("service {}", status.as_u16()).into(),
            None => "service".into(),
        },
        _ => "not sent".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::ServiceError;

    #[test]
    fn errors_are_named_by_their_kind_and_status() {
        assert_eq!(name(&Error::new(ErrorKind::Timeout, "took 10.3 s")), "timeout");
        assert_eq!(name(&Error::new(ErrorKind::Connect, "refused")), "no connection");
        let unavailable = ServiceError::new("BUSY", "try later");
        let status = 503_u16.try_into().expect("a status code");
        assert_eq!(name(&Error::from_service(status, unavailable)), "service 503");
    }
}
