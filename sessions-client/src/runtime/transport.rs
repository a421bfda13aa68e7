//! Who moves requests, and who answers them.

use super::{CallOptions, Incoming, Request, Response, Route};
use crate::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request on its way, with the route that it was made for and what the policies on its way need to know.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// The operation that the request belongs to.
    pub route: &'static Route,
    /// What is to be sent. Its target is path and query alone.
    pub request: Request,
    /// What the caller wants otherwise than the client.
    pub options: CallOptions,
    /// Which attempt of the call this is, from 1.
    pub attempt: u32,
    /// When the whole call is over, if a policy around this transport sees to that.
    pub deadline: Option<Instant>,
    /// How far off the deadline was in the beginning, for messages.
    pub total: Option<Duration>,
    /// How long this attempt may take, if a policy around this transport sees to that. A transport with a
    /// limit of its own has no use for it then.
    pub limit: Option<Duration>,
}

impl Call {
    /// `request`, made for `route`, in its first attempt.
    #[must_use]
    pub fn new(route: &'static Route, request: Request) -> Self {
        Self {
            route,
            request,
            options: CallOptions::new(),
            attempt: 1,
            deadline: None,
            total: None,
            limit: None,
        }
    }

    /// The longest that an attempt may take as the caller wants it, or else the route; none if neither says.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.options.timeout.or(self.route.timeout)
    }
}

/// Without the request, which holds the caller's arguments.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.route.name)
            .field("options", &self.options)
            .field("attempt", &self.attempt)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// In the extensions of an error answer whose body was too large to be read.
#[derive(Clone, Copy)]
pub(crate) struct BodyGivenUp;

/// How many attempts a response took, in its extensions; absent for one.
#[derive(Clone, Copy)]
pub(crate) struct Attempts(pub(crate) u32);

impl Attempts {
    pub(crate) fn of(response: &Response) -> u32 {
        response.extensions().get().map_or(1, |&Self(attempts)| attempts)
    }
}

/// One function from request to response.
///
/// Whatever status a response has, it is a response: an error means that there is none. Policies are
/// transports around a transport, and tests are transports without a network.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no transport",
    label = "not a `Transport`",
    note = "`transport_fn` makes one of an async function from `Call` to `Result<Response, Error>`"
)]
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the whole response. Dropping the future gives the call up.
    ///
    /// Limits of time may count from here on, whenever the future is polled first. It is moved through the policies and is a
    /// part of every call: one of kilobytes is better boxed.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send;

    /// Who is at the other end, for messages; without credentials. A policy asks what it wraps.
    #[expect(clippy::unnecessary_literal_bound, reason = "others answer with what they hold")]
    fn peer(&self) -> &str {
        "the service"
    }

    /// Whether a call over it is over at its [deadline](Call::deadline), whatever happens: then nobody around it needs a
    /// timer for that. By default it may not be.
    fn keeps_deadlines(&self) -> bool {
        false
    }
}

impl<T: Transport + ?Sized> Transport for &T {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }

    fn peer(&self) -> &str {
        (**self).peer()
    }

    fn keeps_deadlines(&self) -> bool {
        (**self).keeps_deadlines()
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }

    fn peer(&self) -> &str {
        (**self).peer()
    }

    fn keeps_deadlines(&self) -> bool {
        (**self).keeps_deadlines()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }

    fn peer(&self) -> &str {
        (**self).peer()
    }

    fn keeps_deadlines(&self) -> bool {
        (**self).keeps_deadlines()
    }
}

/// A transport made of a function, for tests and adapters.
///
/// ```
/// use sessions_client::{ISessionsV1, Response, SessionsHttpClientV1, transport_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// let nothing_there = transport_fn(|_call| async {
///     let mut response = Response::default();
///     *response.status_mut() = http::StatusCode::NO_CONTENT;
///     Ok(response)
/// });
/// let client = SessionsHttpClientV1::new(nothing_there);
/// assert_eq!(client.get_session_by_id(None, "some id").await?, None);
/// # Ok(())
/// # }
/// ```
pub fn transport_fn<F, Fut>(function: F) -> FnTransport<F>
where
    F: Fn(Call) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response, Error>> + Send,
{
    FnTransport(function)
}

/// What [`transport_fn`] returns.
#[derive(Clone, Copy)]
pub struct FnTransport<F>(F);

impl<F> fmt::Debug for FnTransport<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnTransport").finish_non_exhaustive()
    }
}

impl<F, Fut> Transport for FnTransport<F>
where
    F: Fn(Call) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response, Error>> + Send,
{
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (self.0)(call)
    }
}

/// One function from a received request to its response: a contract's service, whatever server it is behind.
pub trait Handler: Send + Sync {
    /// Answers `request`. There is no error: what cannot be answered is answered by saying so.
    fn handle(&self, request: Incoming) -> impl Future<Output = Response> + Send;
}

impl<H: Handler + ?Sized> Handler for &H {
    fn handle(&self, request: Incoming) -> impl Future<Output = Response> + Send {
        (**self).handle(request)
    }
}

impl<H: Handler + ?Sized> Handler for Box<H> {
    fn handle(&self, request: Incoming) -> impl Future<Output = Response> + Send {
        (**self).handle(request)
    }
}

impl<H: Handler + ?Sized> Handler for Arc<H> {
    fn handle(&self, request: Incoming) -> impl Future<Output = Response> + Send {
        (**self).handle(request)
    }
}
