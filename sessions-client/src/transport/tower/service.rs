//! A transport as a service of tower.

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

/// A service of tower that sends requests over a transport, for layers of one's own around it. With a
/// [`TowerTransport`](super::TowerTransport) around the layers, it is a transport again:
///
/// ```
/// use http::{HeaderName, HeaderValue};
/// use sessions_client::{ClientConfig, Policies, Result, TowerTransport, Transport, TransportService};
/// use tower::ServiceBuilder;
/// use tower_http::set_header::SetRequestHeaderLayer;
///
/// /// At most 20 requests at a time, each with a header, around whatever sends them.
/// fn layered(
///     transport: impl Transport + Clone + 'static,
///     config: &ClientConfig,
/// ) -> Result<impl Transport> {
///     let tenant = HeaderName::from_static("x-tenant");
///     let service = ServiceBuilder::new()
///         .concurrency_limit(20)
///         .layer(SetRequestHeaderLayer::overriding(tenant, HeaderValue::from_static("books")))
///         .service(TransportService::new(transport));
///     Ok(Policies::new(TowerTransport::new(service, config)?, config))
/// }
/// ```
///
/// For the network, `transport` is a `ReqwestTransport::new(&config)?`.
///
/// Policies are around the layers here, so that each attempt passes through them. `TransportService::new` takes a
/// `Policies` as well: then layers are passed once a call.
///
/// The layers see the address of the outer configuration in the request; where it is sent, the transport decides.
/// It gets the path without that of the outer address, and everything that the policies said, from the extensions
/// of the request. A layer that makes a new request must keep them.
///
/// # Errors
///
/// Those of the transport, and [`ErrorKind::Config`] for a request whose extensions hold no [`Call`], which is one
/// that no client has made.
#[derive(Clone)]
pub struct TransportService<T>(T);

impl<T> TransportService<T> {
    /// A service over `transport`. It is always ready.
    pub fn new(transport: T) -> Self {
        Self(transport)
    }

    /// The transport inside.
    pub fn get_ref(&self) -> &T {
        &self.0
    }
}

impl<T: Transport + Clone + 'static> Service<http::Request<Full<Bytes>>> for TransportService<T> {
    type Response = http::Response<Full<Bytes>>;
    type Error = Error;
    // The future of a transport has no name.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Full<Bytes>>) -> Self::Future {
        let transport = self.0.clone();
        Box::pin(async move { Ok(transport.send(unpack(request)?).await?.map(Full::new)) })
    }
}

/// The call that `request` was made of, with what the layers have made of the request.
fn unpack(request: http::Request<Full<Bytes>>) -> Result<Call, Error> {
    let (mut parts, body) = request.into_parts();
    let Some(mut call) = parts.extensions.remove::<Call>() else {
        let message = "the request has no `Call` in its extensions: \
                       it comes from no client over a `TowerTransport`, or a layer has dropped them";
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
        Error::new(ErrorKind::Encode, "a layer has made a path that HTTP does not allow").with_source(error)
    })?;
    call.request = http::Request::from_parts(parts, body.into_inner().unwrap_or_default());
    Ok(call)
}

impl<T> fmt::Debug for TransportService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportService").finish_non_exhaustive()
    }
}
