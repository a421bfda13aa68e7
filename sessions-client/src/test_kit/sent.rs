//! A request that was sent, and the way back to what it was made of.

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Call, Incoming, Received, Request, Route};
use std::fmt;

/// One attempt of a call, as it reached a [`ScriptedTransport`](super::ScriptedTransport).
#[derive(Clone)]
pub struct Sent(Call);

impl Sent {
    pub(super) fn new(call: Call) -> Self {
        Self(call)
    }

    /// The operation that was called.
    #[must_use]
    pub fn route(&self) -> &'static Route {
        self.0.route
    }

    /// Which attempt of its call this was, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// The request as a network would have carried it. Its target is path and query alone.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// All that came along: limits, deadline and options too.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.0
    }

    /// The arguments of the call, with their types: `sent.operation::<sessions_v1::received::OpenSession<U, D>>()`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when another operation was called, and what a service would answer when the arguments
    /// are not of these types.
    pub fn operation<R: Received>(&self) -> Result<R> {
        let other = |error: Error| error.with_operation(self.route().name);
        if *self.route() != *R::ROUTE {
            let message = format!("this was sent, and not `{}`", R::ROUTE.name);
            return Err(other(Error::new(ErrorKind::Decode, message)));
        }
        let received = Incoming::from(self.request().clone()).receive::<R>();
        received.unwrap_or_else(|| {
            let message = format!("the target that was sent is not that of `{}`", self.route());
            Err(other(Error::new(ErrorKind::Decode, message)))
        })
    }
}

/// Without the request, which holds the caller's arguments.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("operation", &self.route().name)
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}
