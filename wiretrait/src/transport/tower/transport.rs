//! The adapter from tower services to transports.

use super::{BasePath, BoxError};
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind, one_line};
use crate::runtime::{Call, Encoding, Response, Transport};
use crate::transport::address::Address;
use crate::transport::body::LimitedBody;
use crate::transport::default_headers::DefaultHeaders;
use bytes::{Buf, Bytes};
use http::header::AUTHORIZATION;
use http::{Method, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use tower_service::Service;

/// Sends requests with a tower service: another HTTP client, an application in the same process, or layers
/// around one of them or around a transport ([`TransportService`](super::TransportService)).
///
/// Without [`Policies`](crate::Policies) around it, it has no retries and no time limit. The size limit of
/// responses is that of the configuration. Every request has the address of the configuration without its
/// credentials, which are in the header `authorization`.
///
/// An application in the same process, which can also be an axum router:
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use http_body_util::Full;
/// use library::{Books, BooksClient};
/// use tower::service_fn;
/// use wiretrait::bytes::Bytes;
/// use wiretrait::http::{Request, Response};
/// use wiretrait::{ClientConfig, Result, TowerTransport};
///
/// async fn application(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>> {
///     assert_eq!(request.uri(), "http://localhost/v1/books");
///     Ok(Response::new(Full::from("[]")))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let config = ClientConfig::from_url("http://localhost")?;
/// let transport = TowerTransport::new(service_fn(application), &config)?;
/// let client = BooksClient::from_transport(transport, &config)?;
/// assert_eq!(client.list().await?, []);
/// # Ok(())
/// # }
/// ```
///
/// # Requirements
///
/// Each attempt clones the service and waits until the clone is ready. So the service must be `Clone` and
/// `Sync`: use `BoxCloneSyncService` instead of `BoxCloneService`, or `Buffer` for a service that is not
/// `Clone`.
///
/// Layers find the [`Call`] in the extensions of the request, with the route, the number of the attempt and
/// the limits. The request of that call is empty.
///
/// # Errors
///
/// An [`Error`] that a layer returns is returned unchanged, so a layer can choose the kind. Timeouts of tower
/// and tokio become [`ErrorKind::Timeout`]. All other errors are [`ErrorKind::Transport`], since the request
/// may have been sent, so only idempotent calls are retried. If an error proves that no connection was made,
/// convert it to [`ErrorKind::Connect`]:
///
/// ```
/// use tower::ServiceBuilder;
/// use wiretrait::{ClientConfig, Error, ErrorKind, Result, TowerTransport, Transport};
///
/// fn transport(config: &ClientConfig) -> Result<impl Transport> {
///     use hyper_util::{client::legacy, rt::TokioExecutor};
///
///     let client = legacy::Client::builder(TokioExecutor::new()).build_http();
///     let service = ServiceBuilder::new()
///         .map_err(|error: legacy::Error| {
///             let kind = if error.is_connect() { ErrorKind::Connect } else { ErrorKind::Transport };
///             Error::new(kind, "the request failed").with_source(error)
///         })
///         .service(client);
///     TowerTransport::new(service, config)
/// }
/// ```
///
/// Errors of other types become the [source](StdError::source), unless their messages quote the path or the
/// query of the request, which contain arguments.
#[derive(Clone)]
pub struct TowerTransport<S> {
    service: S,
    /// Scheme, host and port.
    origin: String,
    base_path: BasePath,
    headers: Arc<DefaultHeaders>,
    max_response_bytes: usize,
    encoding: Encoding,
}

impl<S> TowerTransport<S> {
    /// Creates a transport over `service`, with the address, the encoding and the size limit of `config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is not [valid](ClientConfig::validate) or has no address, or
    /// if it has [fallbacks](ClientConfig::with_fallback_url), which the service would have to connect to.
    pub fn new(service: S, config: &ClientConfig) -> Result<Self, Error> {
        if !config.fallback_urls().is_empty() {
            let why = "is not supported by `TowerTransport`: use a service that balances between addresses";
            return Err(Error::config("with_fallback_url", why));
        }
        let Address { origin, base_path, authorization } = Address::of(config)?;
        let credentials = authorization.map(|value| (AUTHORIZATION, value));
        Ok(Self {
            service,
            origin,
            base_path: BasePath(base_path.into()),
            headers: Arc::new(DefaultHeaders::new(config, credentials)),
            max_response_bytes: config.max_response_bytes(),
            encoding: config.encoding(),
        })
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.service
    }

    /// Returns the address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the request for the service, with the call in its extensions.
    fn request(&self, mut call: Call) -> Result<http::Request<Full<Bytes>>, Error> {
        let (mut parts, body) = std::mem::take(&mut call.request).into_parts();
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let BasePath(base_path) = &self.base_path;
        parts.uri = Uri::try_from(format!("{}{base_path}{target}", self.origin)).map_err(|error| {
            Error::new(ErrorKind::Encode, format!("the request cannot be sent: {error}")).with_source(error)
        })?;
        self.headers.add_to(&mut parts.headers);
        parts.extensions.insert(call);
        parts.extensions.insert(self.base_path.clone());
        Ok(http::Request::from_parts(parts, Full::new(body)))
    }

    fn failure(&self, error: impl Into<BoxError>, uri: &Uri) -> Error {
        let error = match error.into().downcast::<Error>() {
            Ok(ours) => return *ours,
            Err(other) => other,
        };
        let chain: Vec<&(dyn StdError + 'static)> =
            std::iter::successors(Some(&*error as &(dyn StdError + 'static)), |error| (*error).source())
                .collect();
        let messages: Vec<String> = chain.iter().map(ToString::to_string).collect();
        let kind = match chain.iter().find_map(|cause| cause.downcast_ref::<Error>()) {
            Some(ours) => ours.kind(),
            None if messages.iter().any(|message| TIMEOUTS.contains(&&**message)) => ErrorKind::Timeout,
            None => ErrorKind::Transport,
        };
        let origin = &self.origin;
        if messages.iter().any(|message| quotes(message, uri)) {
            let message =
                format!("the request to {origin} failed; the cause is hidden because it quotes arguments");
            return Error::new(kind, message);
        }
        let cause = messages.last().map(|message| one_line(message)).unwrap_or_default();
        Error::new(kind, format!("the request to {origin} failed: {cause}")).with_source(error)
    }
}

/// The messages of the errors of `tower::timeout` and `tokio::time`. Their types depend on the user's
/// versions.
const TIMEOUTS: [&str; 2] = ["request timed out", "deadline has elapsed"];

/// Returns whether `message` contains the path, the query, or a value of the query.
fn quotes(message: &str, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
    message.contains(uri.path())
        || (!query.is_empty() && message.contains(query))
        || values.any(|(_, value)| message.contains(&*value))
}

impl<S, B> Transport for TowerTransport<S>
where
    S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync,
    B: Body<Error: Into<BoxError>> + Send,
{
    /// The future is boxed, because that of the service may have kilobytes.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        Box::pin(async move {
            let request = self.request(call)?;
            let (is_head, uri) = (request.method() == Method::HEAD, request.uri().clone());
            let mut service = self.service.clone();
            poll_fn(|context| service.poll_ready(context))
                .await
                .map_err(|error| self.failure(error, &uri))?;
            let response = service.call(request).await.map_err(|error| self.failure(error, &uri))?;

            let (parts, body) = response.into_parts();
            let announced = body.size_hint().lower();
            let mut whole = LimitedBody::new(is_head, parts.status, announced, self.max_response_bytes)?;
            let mut body = pin!(body);
            while !whole.is_too_large()
                && let Some(frame) = body.frame().await
            {
                // The other frames are trailers.
                if let Ok(mut data) = frame.map_err(|error| self.failure(error, &uri))?.into_data() {
                    whole.push(data.copy_to_bytes(data.remaining()))?;
                }
            }
            whole.finish(parts)
        })
    }

    fn peer(&self) -> &str {
        &self.origin
    }

    fn encoding(&self) -> Encoding {
        self.encoding.clone()
    }
}

impl<S> fmt::Debug for TowerTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerTransport")
            .field("origin", &self.origin)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}
