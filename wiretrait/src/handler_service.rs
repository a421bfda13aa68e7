//! The adapter from handlers to servers.

use crate::runtime::{Handler, Incoming, Response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// The default of [`HandlerService::with_max_request_bytes`].
const MAX_REQUEST_BYTES: usize = 2 << 20;

/// A tower service that serves a [`Handler`], for hyper, axum and every other server of tower services.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient, Library, books};
/// use tokio::net::TcpListener;
/// use tower::Service;
/// use wiretrait::HandlerService;
///
/// # #[cfg(feature = "reqwest")]
/// async fn serve(listener: TcpListener) -> std::io::Result<()> {
///     use hyper::{server::conn::http1, service::service_fn};
///     use hyper_util::rt::TokioIo;
///
///     let service = HandlerService::new(books::Handler::new(Library::default()));
///     loop {
///         let (stream, _) = listener.accept().await?;
///         let service = service.clone();
///         let service = service_fn(move |request| service.clone().call(request));
///         tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
///     }
/// }
///
/// # #[cfg(feature = "reqwest")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let client = BooksClient::connect(&format!("http://{}", listener.local_addr()?))?;
/// tokio::spawn(serve(listener));
/// assert_eq!(client.add("Emma").await?.id, 1);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "reqwest"))]
/// # fn main() {}
/// ```
///
/// In axum, `Router::new().fallback_service(service)` serves all paths that the router itself does not have, so
/// that several contracts and other routes are one application. `TowerToHyperService` of hyper-util adapts it to
/// hyper too.
///
/// # Responses
///
/// All errors are in the format of the contract: 404 for an unknown path, 405 with `Allow`, 400 with all arguments
/// that cannot be read, 413 for a body over the [limit](Self::with_max_request_bytes). If the contract has no
/// operation for them, the response to `HEAD` is that to `GET` without its body, and the response to `OPTIONS` lists
/// the methods of the path.
pub struct HandlerService<H> {
    handler: Arc<H>,
    max_request_bytes: usize,
}

impl<H: Handler> HandlerService<H> {
    /// Creates a service that serves `handler`. It is always ready.
    pub fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler), max_request_bytes: MAX_REQUEST_BYTES }
    }

    /// Sets the maximum size of a request body; 2 MiB by default.
    #[must_use]
    pub fn with_max_request_bytes(mut self, bytes: usize) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// Returns the handler.
    #[must_use]
    pub fn get_ref(&self) -> &H {
        &self.handler
    }

    async fn respond<B>(self, request: Request<B>) -> Response
    where
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let (parts, body) = request.into_parts();
        match parts.method {
            Method::HEAD => self.head(parts).await,
            Method::OPTIONS => self.options(self.read(parts, body).await).await,
            _ => with_own_methods(self.handler.handle(self.read(parts, body).await).await),
        }
    }

    /// Reads the body. One that is too large or incomplete is left to the handler, which knows the format of errors.
    async fn read<B>(&self, parts: Parts, body: B) -> Incoming
    where
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let limit = self.max_request_bytes;
        let without_body = |parts| Incoming::from(Request::from_parts(parts, Bytes::new()));
        if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > limit) {
            return without_body(parts).with_body_too_large(limit);
        }
        match Limited::new(body, limit).collect().await {
            Ok(body) => Incoming::from(Request::from_parts(parts, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => without_body(parts).with_body_too_large(limit),
            Err(_) => without_body(parts).with_incomplete_body(),
        }
    }

    async fn head(&self, mut parts: Parts) -> Response {
        let request = Request::from_parts(parts.clone(), Bytes::new());
        let mut response = self.handler.handle(request.into()).await;
        if has_method(&response, &Method::GET) {
            parts.method = Method::GET;
            response = self.handler.handle(Request::from_parts(parts, Bytes::new()).into()).await;
        }
        let mut response = with_own_methods(response);
        let length = response.body().len();
        if length > 0 {
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
            *response.body_mut() = Bytes::new();
        }
        response
    }

    async fn options(&self, request: Incoming) -> Response {
        let response = with_own_methods(self.handler.handle(request).await);
        if !has_method(&response, &Method::OPTIONS) {
            return response;
        }
        let mut options = Response::new(Bytes::new());
        *options.status_mut() = StatusCode::NO_CONTENT;
        if let Some(allow) = response.headers().get(ALLOW) {
            options.headers_mut().insert(ALLOW, allow.clone());
        }
        options
    }
}

/// Returns whether the response is 405, and `Allow` has `method`.
fn has_method(response: &Response, method: &Method) -> bool {
    let allow = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok());
    response.status() == StatusCode::METHOD_NOT_ALLOWED
        && allow.is_some_and(|allow| allow.split(',').any(|allowed| allowed.trim() == method.as_str()))
}

/// Adds the methods that the service itself responds to, to `Allow` of a 405.
fn with_own_methods(mut response: Response) -> Response {
    let is_get = has_method(&response, &Method::GET);
    let own = [(Method::HEAD, is_get), (Method::OPTIONS, true)];
    let own = own.into_iter().filter(|(method, is_served)| *is_served && !has_method(&response, method));
    let own: Vec<Method> = own.map(|(method, _)| method).collect();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok())
    {
        let all = own.iter().fold(allow.to_owned(), |all, method| format!("{all}, {method}"));
        if let Ok(all) = HeaderValue::try_from(all) {
            response.headers_mut().insert(ALLOW, all);
        }
    }
    response
}

impl<H, B> Service<Request<B>> for HandlerService<H>
where
    H: Handler + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    // The type of the handler's future cannot be named.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.respond(request).await.map(Full::new)) })
    }
}

impl<H> Clone for HandlerService<H> {
    fn clone(&self) -> Self {
        Self { handler: Arc::clone(&self.handler), max_request_bytes: self.max_request_bytes }
    }
}

impl<H> fmt::Debug for HandlerService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerService")
            .field("max_request_bytes", &self.max_request_bytes)
            .finish_non_exhaustive()
    }
}
