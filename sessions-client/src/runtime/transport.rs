//! Who moves requests, and who answers them.

use super::{Incoming, Request, Response, Route};
use crate::Error;
use std::fmt;
use std::sync::Arc;

/// A request on its way, with the route that it was made for.
#[non_exhaustive]
pub struct Call {
    /// The operation that the request belongs to.
    pub route: &'static Route,
    /// What is to be sent. Its target is path and query alone.
    pub request: Request,
}

impl Call {
    /// `request`, made for `route`.
    #[must_use]
    pub fn new(route: &'static Route, request: Request) -> Self {
        Self { route, request }
    }
}

/// Names the operation alone: target, headers and body are the caller's.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.route.name).finish_non_exhaustive()
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
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send;
}

impl<T: Transport + ?Sized> Transport for &T {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
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
