//! A typed call as a request of goose's.
//!
//! The whole call is timed, until the last byte of the body is there and decoded, and whether it is a
//! success is decided before it is recorded. Sending through `GooseUser::request` and correcting it
//! afterwards was refused: the correction is a second message, and the request log keeps the first.

use crate::check::Mismatch;
use crate::tally::{Failure, Tally};
use goose::goose::{GooseUser, TransactionError};
use sessions_client::{Error, ErrorKind, Route};
use std::borrow::Cow;
use std::time::Instant;

/// Makes `call`, checks its answer, and records both with goose and in `tally` under the route's name.
///
/// The answer is returned if it is right; otherwise the error says what the tables say.
pub(crate) async fn call<T>(
    user: &mut GooseUser,
    tally: &Tally,
    route: &'static Route,
    call: impl Future<Output = Result<T, Error>>,
    check: impl FnOnce(&T) -> Result<(), Mismatch>,
) -> Result<T, Box<TransactionError>> {
    // What goose does for requests of its own client, so that `--throttle-requests` holds here too.
    if let Some(throttle) = &user.throttle
        && let Err(source) = throttle.send_async(true).await
    {
        // It closes when the run is over; what is still to be done is cleaning up, which nothing slows down.
        user.throttle = None;
        return Err(Box::new(TransactionError::RequestCanceled { source }));
    }
    let start = Instant::now();
    let answer = call.await;
    let end = Instant::now();
    let (failure, status) = match &answer {
        Ok(answer) => (check(answer).err().map(wrong), None),
        Err(error) => (Some(failed(error)), error.status()),
    };
    let name = failure.as_ref().map(|failure| failure.name.clone());
    tally.call(route.name, start, end, failure);
    user.record_custom_request_duration(
        route.method.as_str(),
        route.name,
        end - start,
        name.is_none(),
        status.map(|status| status.as_u16()),
        name.as_deref(),
    )
    .await?;
    match (answer, name) {
        (Ok(answer), None) => Ok(answer),
        (_, name) => Err(Box::new(TransactionError::Custom(name.unwrap_or_default().into_owned()))),
    }
}

fn wrong(mismatch: Mismatch) -> Failure {
    Failure { name: mismatch.text().into(), mismatch: true, example: None }
}

fn failed(error: &Error) -> Failure {
    let name: Cow<'static, str> = match error.kind() {
        ErrorKind::Timeout => "timeout".into(),
        ErrorKind::Connect => "no connection".into(),
        ErrorKind::Transport => "connection broke".into(),
        ErrorKind::Decode => "unreadable answer".into(),
        ErrorKind::Service => match error.status() {
            Some(status) => format!("service {}", status.as_u16()).into(),
            None => "service".into(),
        },
        _ => "not sent".into(),
    };
    Failure { name, mismatch: false, example: Some(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::ServiceError;

    #[test]
    fn errors_are_named_by_their_kind_and_status() {
        let name = |error: &Error| failed(error).name.into_owned();
        assert_eq!(name(&Error::new(ErrorKind::Timeout, "took 10.3 s")), "timeout");
        assert_eq!(name(&Error::new(ErrorKind::Connect, "refused")), "no connection");
        let unavailable = ServiceError::new("BUSY", "try later");
        let status = 503_u16.try_into().expect("a status code");
        assert_eq!(name(&Error::from_service(status, unavailable)), "service 503");
    }
}
