//! A limit for each attempt of a call.
//!
//! An attempt that hangs must leave time for another one, so its limit is its own, and shorter than the
//! deadline of the call. The limit is for the whole answer: a service that drips bytes is late as well, which
//! the official client does not notice.

use super::{Time, Within, deadline};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Response, Transport};
use std::fmt;
use std::time::Duration;

/// Gives an attempt up when its time has run out: its own limit, or what is left until the deadline of the
/// call.
///
/// The error is [`ErrorKind::Timeout`], and the service may have done its work.
#[derive(Clone)]
pub struct Timeout<T, C> {
    inner: T,
    limit: Duration,
    time: C,
}

impl<T, C> Timeout<T, C> {
    /// A limit of `limit` for each attempt over `inner`, where neither the
    /// [options](crate::CallOptions::timeout) of the call nor its route have another. [`Duration::MAX`] is
    /// none.
    pub fn new(inner: T, limit: Duration, time: C) -> Self {
        Self { inner, limit, time }
    }

    /// What the limit is around.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }
}

impl<T: Transport, C: Time> Transport for Timeout<T, C> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let limit = call.timeout().unwrap_or(self.limit);
        let now = self.time.now();
        let own = now.checked_add(limit);
        // At the same moment it is the deadline that counts: there is no time for another attempt.
        let deadline = call.deadline.filter(|deadline| own.is_none_or(|own| *deadline <= own));
        let total = call.total.filter(|_| deadline.is_some());
        let late = move || {
            if let Some(total) = total {
                return deadline::missed(self.peer(), total);
            }
            let message = format!("no complete answer from {} within {limit:?}", self.peer());
            Error::new(ErrorKind::Timeout, message)
        };
        let end = deadline.or(own);
        call.limit = end.map(|end| end.saturating_duration_since(now)).or(call.limit);
        let is_over = end.is_some_and(|end| end <= now);
        let answer = (!is_over).then(|| self.inner.send(call));
        Within::new(answer, end.map(|end| self.time.sleep_until(end)), late)
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn keeps_deadlines(&self) -> bool {
        true
    }
}

impl<T: fmt::Debug, C> fmt::Debug for Timeout<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("limit", &self.limit)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
