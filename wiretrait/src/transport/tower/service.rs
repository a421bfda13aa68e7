//! The adapter from transports to tower services.

use super::BasePath;
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Transport};
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// A tower service that sends requests over a transport, so that layers can be put around it. A
/// [`TowerTransport`](super::TowerTransport) around the layers converts them to a transport:
///
/// ```
/// use tower::ServiceBuilder;
/// use wiretrait::http::{HeaderValue, Request};
/// use wiretrait::{ClientConfig, Policies, Result, TowerTransport, Transport, TransportService};
///
/// /// Limits concurrent requests to 20, and adds a header to each request.
/// fn with_layers(
///     transport: impl Transport + Clone + 'static,
///     config: &ClientConfig,
/// ) -> Result<impl Transport> {
///     let service = ServiceBuilder::new()
///         .concurrency_limit(20)
///         .map_request(|mut request: Request<_>| {
///             request.headers_mut().insert("x-tenant", HeaderValue::from_static("books"));
///             request
///         })
///         .service(TransportService::new(transport));
///     Ok(Policies::new(TowerTransport::new(service, config)?, config))
/// }
/// ```
///
/// For the network, `transport` is a `ReqwestTransport::new(&config)?`.
///
/// In this example the policies are around the layers, so that each attempt passes through the layers. With
/// `TransportService::new(Policies::new(…))`, each call passes through them once.
///
/// Layers see a request with the address of the outer configuration. The inner transport removes the path of
/// that address and sends the request to its own address. It finds the state of the policies in the
/// extensions of the request, so a layer that creates a new request must copy the extensions.
///
/// # Errors
///
/// Those of the transport, and [`ErrorKind::Config`] for a request without a [`Call`] in its extensions.
#[derive(Clone)]
pub struct TransportService<T>(T);

impl<T> TransportService<T> {
    /// Creates a service over `transport`. It is always ready.
    pub fn new(transport: T) -> Self {
        Self(transport)
    }

    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        &self.0
    }
}

impl<T: Transport + Clone + 'static> Service<http::Request<Full<Bytes>>> for TransportService<T> {
    type Response = http::Response<Full<Bytes>>;
    type Error = Error;
    // The type of the transport's future cannot be named.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Full<Bytes>>) -> Self::Future {
        let transport = self.0.clone();
        Box::pin(async move { Ok(transport.send(unpack(request)?).await?.map(Full::new)) })
    }
}

/// Restores the call of `request`, with the changes of the layers to the request.
fn unpack(request: http::Request<Full<Bytes>>) -> Result<Call, Error> {
    let (mut parts, body) = request.into_parts();
    let Some(mut call) = parts.extensions.remove::<Call>() else {
        let message = "the request has no `Call` in its extensions: send it with a client over a `TowerTransport`, and \
                       check that no layer drops the extensions";
        return Err(Error::new(ErrorKind::Config, message));
    };
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let target = parts
        .extensions
        .remove::<BasePath>()
        .and_then(|BasePath(base_path)| target.strip_prefix(&*base_path))
        .filter(|target| target.starts_with('/'))
        .unwrap_or(target);
    parts.uri = Uri::try_from(target).map_err(|error| {
        Error::new(ErrorKind::Encode, "a layer has set a path that is not valid in HTTP").with_source(error)
    })?;
    call.request = http::Request::from_parts(parts, body.into_inner().unwrap_or_default());
    Ok(call)
}

impl<T> fmt::Debug for TransportService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportService").finish_non_exhaustive()
    }
}
