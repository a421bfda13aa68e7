//! Recorded requests.

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

    /// Returns the operation.
    #[must_use]
    pub fn route(&self) -> &'static Route {
        self.0.route
    }

    /// Returns the number of the attempt, starting at 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Returns the encoded request. Its target is only path and query.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Returns the call with its limits, deadline and options.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.0
    }

    /// Decodes the arguments of the call, such as `sent.operation::<books::received::Find>()`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] if another operation was called, and the error of a service if the arguments do
    /// not have these types.
    pub fn operation<R: Received>(&self) -> Result<R> {
        let with_operation = |error: Error| error.with_operation(self.route().name);
        if *self.route() != *R::ROUTE {
            let message = format!("another operation than `{}` was called", R::ROUTE.name);
            return Err(with_operation(Error::new(ErrorKind::Decode, message)));
        }
        let received = Incoming::from(self.request().clone()).receive::<R>();
        received.unwrap_or_else(|| {
            let message = format!("the path of the request does not match `{}`", self.route());
            Err(with_operation(Error::new(ErrorKind::Decode, message)))
        })
    }
}

/// Omits the request, which contains the caller's arguments.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("operation", &self.route().name)
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}
