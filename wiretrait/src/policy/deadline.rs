//! The time limit of a whole call.
//!
//! The deadline is set before the first attempt and stored in the [`Call`]. [`Retry`](super::Retry) skips a
//! retry whose pause would end after it, and [`Timeout`](super::Timeout) shortens the last attempt. If the
//! inner transport does not enforce the deadline, this policy does.
//!
//! Rejected alternative: a deadline in the options as an instant, because the options belong to a view of the
//! client, which may make many calls.

use super::{Time, Within};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Encoding, Response, Transport};
use std::fmt;
use std::time::Duration;

/// Limits the duration of a whole call, including retries and pauses.
///
/// The error is [`ErrorKind::Timeout`], and the service may have processed the request. The error has the
/// number of attempts only if [`Timeout`](super::Timeout) is an inner policy, which ends the last attempt in
/// time to be counted.
#[derive(Clone)]
pub struct Deadline<T, C> {
    inner: T,
    limit: Duration,
    time: C,
}

impl<T, C> Deadline<T, C> {
    /// Limits each call over `inner` to `limit`, unless its [options](crate::CallOptions::deadline) have a
    /// deadline. [`Duration::MAX`] disables the limit.
    pub fn new(inner: T, limit: Duration, time: C) -> Self {
        Self { inner, limit, time }
    }

    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }
}

impl<T: Transport, C: Time> Transport for Deadline<T, C> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let limit = call.options.deadline.unwrap_or(self.limit);
        let end = self.time.now().checked_add(limit);
        // An earlier deadline of an outer policy is kept. That policy enforces it.
        let end = end.filter(|end| call.deadline.is_none_or(|outer| *end < outer));
        if let Some(end) = end {
            call.deadline = Some(end);
            call.total = Some(limit);
        }
        let own = end.filter(|_| !self.inner.keeps_deadlines());
        let late = move || missed(self.peer(), limit);
        Within::new(Some(self.inner.send(call)), own.map(|end| self.time.sleep_until(end)), late)
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    /// `true` only if the inner transport enforces deadlines, because this policy does not enforce those of
    /// outer policies.
    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}

pub(super) fn missed(peer: &str, limit: Duration) -> Error {
    let message = format!("no complete response from {peer} before the deadline of {limit:?}");
    Error::new(ErrorKind::Timeout, message)
}

impl<T: fmt::Debug, C> fmt::Debug for Deadline<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline")
            .field("limit", &self.limit)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
