//! One limit for a whole call.
//!
//! Limits of attempts add up, and pauses come on top: what a caller waits for is the call. So the deadline is
//! set before the first attempt and goes along in the [`Call`], where [`Retry`](super::Retry) sees that a
//! pause would be in vain, and [`Timeout`](super::Timeout) cuts the last attempt short. Around a transport that does not
//! look at it, it holds by itself.
//!
//! A deadline as an instant in the options was refused: the options belong to a view of the client, which may
//! make many calls.

use super::{Time, Within};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Response, Transport};
use std::fmt;
use std::time::Duration;

/// Gives a call up when its time has run out, repeats and pauses included.
///
/// The error is [`ErrorKind::Timeout`], and the service may have done its work. How many attempts there were it knows
/// where [`Timeout`](super::Timeout) is inside, which ends the last one in time to be counted.
#[derive(Clone)]
pub struct Deadline<T, C> {
    inner: T,
    limit: Duration,
    time: C,
}

impl<T, C> Deadline<T, C> {
    /// A limit of `limit` for each call over `inner` that has none in its
    /// [options](crate::CallOptions::deadline). [`Duration::MAX`] is none.
    pub fn new(inner: T, limit: Duration, time: C) -> Self {
        Self { inner, limit, time }
    }

    /// What the deadline is around.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }
}

impl<T: Transport, C: Time> Transport for Deadline<T, C> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let limit = call.options.deadline.unwrap_or(self.limit);
        let end = self.time.now().checked_add(limit);
        // One that is set further out and comes sooner stays, and sees to itself.
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

    /// Its own it does; one that is set further out it leaves to others.
    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }
}

pub(super) fn missed(peer: &str, limit: Duration) -> Error {
    let message = format!("no complete answer from {peer} before the deadline of {limit:?}");
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
