//! The time limit of each attempt of a call.
//!
//! An attempt that hangs must leave time for a retry, so it has a limit that is shorter than the deadline of
//! the call. The limit includes the whole response, so that a response that arrives byte by byte times out
//! too.

use super::{Time, Within, deadline};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Encoding, Response, Transport};
use std::fmt;
use std::time::Duration;

/// Limits the duration of each attempt to its own limit, or to the remaining time until the deadline of the
/// call.
///
/// The error is [`ErrorKind::Timeout`], and the service may have processed the request.
#[derive(Clone)]
pub struct Timeout<T, C> {
    inner: T,
    limit: Duration,
    time: C,
}

impl<T, C> Timeout<T, C> {
    /// Limits each attempt over `inner` to `limit`, unless the [options](crate::CallOptions::timeout) of the
    /// call or its route have a timeout. [`Duration::MAX`] disables the limit.
    pub fn new(inner: T, limit: Duration, time: C) -> Self {
        Self { inner, limit, time }
    }

    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }
}

impl<T: Transport, C: Time> Transport for Timeout<T, C> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let limit = call.timeout().unwrap_or(self.limit);
        let now = self.time.now();
        let own = now.checked_add(limit);
        // If both end at the same time, the error is that of the deadline, because there is no time for a
        // retry.
        let deadline = call.deadline.filter(|deadline| own.is_none_or(|own| *deadline <= own));
        let total = call.total.filter(|_| deadline.is_some());
        let late = move || {
            if let Some(total) = total {
                return deadline::missed(self.peer(), total);
            }
            let message = format!("no complete response from {} within {limit:?}", self.peer());
            Error::new(ErrorKind::Timeout, message)
        };
        let end = deadline.or(own);
        call.limit = end.map(|end| end.saturating_duration_since(now)).or(call.limit);
        // An outer policy may end the attempt sooner.
        call.end = end.map(|end| call.end.map_or(end, |outer| outer.min(end))).or(call.end);
        let is_over = end.is_some_and(|end| end <= now);
        let response = (!is_over).then(|| self.inner.send(call));
        Within::new(response, end.map(|end| self.time.sleep_until(end)), late)
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        true
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
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
