//! The traits for sending requests and for responding to them.

use super::{CallOptions, Encoding, Incoming, Request, Response, Route, correlation};
use crate::error::Error;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request to send, with its route and the state that policies share.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// The operation.
    pub route: &'static Route,
    /// The request. Its target is only path and query.
    pub request: Request,
    /// Options that override the settings of the client.
    pub options: CallOptions,
    /// The number of this attempt, starting at 1.
    pub attempt: u32,
    /// The deadline of the whole call, if an outer policy sets one.
    pub deadline: Option<Instant>,
    /// The duration from the start of the call to its deadline, for messages.
    pub total: Option<Duration>,
    /// The time limit of this attempt, if an outer policy enforces one. Then the transport does not need to
    /// enforce its own.
    pub limit: Option<Duration>,
    /// The end of this attempt, if an outer policy enforces one.
    pub end: Option<Instant>,
}

impl Call {
    /// Creates the first attempt of a call of `route`.
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
            end: None,
        }
    }

    /// Returns the correlation id in the request, which a client with `encoding` has encoded, for transports that send it
    /// in another form.
    #[must_use]
    pub fn correlation_id(&self, encoding: &Encoding) -> Option<String> {
        let target = self.request.uri().path_and_query().map_or("", |target| target.as_str());
        correlation::written(self.route, encoding, target, self.request.headers())
    }

    /// Returns the time limit of an attempt from the options of the call, or else from the route.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.options.timeout.or(self.route.timeout)
    }
}

/// Omits the request, which contains the caller's arguments.
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

/// The start of the body of an error response that was too large to be read, in its extensions.
#[derive(Clone)]
pub(crate) struct BodyTooLarge(pub(crate) Bytes);

/// Marks a response whose compressed body is damaged or truncated, in its extensions.
#[derive(Clone, Copy)]
pub(crate) struct BodyDamaged;

/// The attempts until a response, in its extensions; absent for one attempt.
#[derive(Clone, Copy)]
pub(crate) struct Attempts {
    pub(crate) number: u32,
    /// The number of those that followed an attempt without effect at once.
    pub(crate) sent_again: u32,
}

impl Attempts {
    pub(crate) fn of(response: &Response) -> Self {
        response.extensions().get().copied().unwrap_or(Self { number: 1, sent_again: 0 })
    }
}

/// The `Retry-After` delay of a response that was received by a policy with a clock, in its extensions.
#[derive(Clone, Copy)]
pub(crate) struct RequestedDelay(pub(crate) Duration);

impl RequestedDelay {
    pub(crate) fn of(response: &Response) -> Option<Duration> {
        response.extensions().get().map(|&Self(delay)| delay)
    }
}

/// Advice about an error response, for the error that it becomes; in the extensions of the response.
#[derive(Clone)]
pub(crate) struct Advice(pub(crate) Cow<'static, str>);

/// The trailers of a response over HTTP/2, in its extensions.
///
/// `HyperTransport` adds them, and so must a custom transport below a `GrpcChannel`.
#[cfg(feature = "grpc")]
#[derive(Clone, Debug)]
pub struct Trailers(pub http::HeaderMap);

/// Marks a response after which the service asks for no retry, in its extensions.
#[cfg(feature = "grpc")]
#[derive(Clone, Copy)]
pub(crate) struct DoNotRetry;

/// Returns whether the service asks for no retry after this response.
pub(crate) fn forbids_retry(response: &Response) -> bool {
    #[cfg(feature = "grpc")]
    return response.extensions().get::<DoNotRetry>().is_some();
    #[cfg(not(feature = "grpc"))]
    {
        let _ = response;
        false
    }
}

/// The proxy that has forwarded a response, or may have made it itself; in the extensions of an error response.
#[derive(Clone)]
pub(crate) struct Forwarder(pub(crate) String);

/// A function from requests to responses.
///
/// A response with an error status is still a response; an error means that there is no response. Policies
/// are transports that wrap a transport, and tests use transports without a network.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    label = "does not implement `Transport`",
    note = "`transport_fn` creates a transport from an async function from `Call` to `Result<Response, Error>`"
)]
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the complete response. Dropping the future cancels the call.
    ///
    /// Time limits may start here, before the future is polled. The future is part of the future of each
    /// call, so box it if it is larger than a kilobyte.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send;

    /// Returns the address of the service for messages, without credentials. A policy returns that of the
    /// inner transport.
    #[expect(clippy::unnecessary_literal_bound, reason = "implementations return their own strings")]
    fn peer(&self) -> &str {
        "the service"
    }

    /// Returns how requests are encoded: the base route, and the place and the name of correlation ids, of the
    /// configuration that the transport was created from. Clients use it by default. A transport around another one
    /// must return that of the inner transport, or the settings are lost.
    fn encoding(&self) -> Encoding {
        Encoding::default()
    }

    /// Returns whether the transport enforces the [deadline](Call::deadline) of calls, so that outer policies
    /// do not need a timer for it. `false` by default.
    fn keeps_deadlines(&self) -> bool {
        false
    }

    /// Returns whether requests share connections, as over HTTP/2, so that the end of a connection leaves requests
    /// behind that were not processed. Then retries keep a copy of each request, to send it again at once. `false` by
    /// default, as for tower services, so that calls without retries are then not sent again; a transport around another
    /// one should return that of the inner transport.
    fn is_multiplexed(&self) -> bool {
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

    fn encoding(&self) -> Encoding {
        (**self).encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        (**self).keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        (**self).is_multiplexed()
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }

    fn peer(&self) -> &str {
        (**self).peer()
    }

    fn encoding(&self) -> Encoding {
        (**self).encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        (**self).keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        (**self).is_multiplexed()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        (**self).send(call)
    }

    fn peer(&self) -> &str {
        (**self).peer()
    }

    fn encoding(&self) -> Encoding {
        (**self).encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        (**self).keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        (**self).is_multiplexed()
    }
}

/// Creates a transport from a function, for tests and adapters.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient};
/// use wiretrait::{Response, transport_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// let no_content = transport_fn(|_call| async {
///     let mut response = Response::default();
///     *response.status_mut() = http::StatusCode::NO_CONTENT;
///     Ok(response)
/// });
/// let client = BooksClient::new(no_content);
/// assert_eq!(client.find(1).await?, None);
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

/// The transport that [`transport_fn`] returns.
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

/// A function from received requests to responses: a service that can be put behind any HTTP server.
pub trait Handler: Send + Sync {
    /// Responds to `request`. Failures are responses too.
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
