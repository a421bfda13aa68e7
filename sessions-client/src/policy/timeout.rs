//! A limit for each attempt of a call.
//!
//! An attempt that hangs must leave time for another one, so its limit is its own, and shorter than the
//! deadline of the call. The limit is for the whole answer: a service that drips bytes is late as well, which
//! the official client does not notice.

use super::{Time, deadline, within};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Response, Transport};
use std::fmt;
use std::pin::pin;
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
    async fn send(&self, mut call: Call) -> Result<Response, Error> {
        let limit = call.timeout().unwrap_or(self.limit);
        let now = self.time.now();
        let own = now.checked_add(limit);
        // At the same moment it is the deadline that counts: there is no time for another attempt.
        let deadline = call.deadline.filter(|deadline| own.is_none_or(|own| *deadline <= own));
        let late = |peer: &str, total: Option<Duration>| match (deadline, total) {
            (Some(_), Some(total)) => deadline::missed(peer, total),
            _ => Error::new(ErrorKind::Timeout, format!("no complete answer from {peer} within {limit:?}")),
        };
        let total = call.total;
        let Some(end) = deadline.or(own) else { return self.inner.send(call).await };
        if end <= now {
            return Err(late(self.peer(), total));
        }
        call.limit = Some(end - now);
        let answer = pin!(self.inner.send(call));
        match within(answer, pin!(self.time.sleep_until(end))).await {
            Some(outcome) => outcome,
            None => Err(late(self.peer(), total)),
        }
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
