//! A service of tower as a transport.

use super::{BasePath, BoxError};
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind, one_line};
use crate::runtime::{Call, Response, Transport};
use crate::transport::address::Address;
use crate::transport::body::LimitedBody;
use bytes::{Buf, Bytes};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use tower_service::Service;

/// Sends requests through a service of tower: another HTTP client, an application in the same process, or layers
/// around either of them or around a transport ([`TransportService`](super::TransportService)).
///
/// By itself it has no repeats and no limit of time: those are for [`Policies`](crate::Policies) around it. The
/// limit for the size of an answer is that of the configuration. The address of the configuration is in every
/// request, without its credentials, which are in the header `authorization` instead.
///
/// An application in the same process, here an axum router:
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// use sessions_client::{
///     ClientConfig, ISessionsV1, Policies, SessionsHttpClientV1, SessionsMemoryClientV1, TowerTransport, server,
/// };
///
/// let config = ClientConfig::from_url("http://localhost")?;
/// let router = server::router(SessionsMemoryClientV1::new());
/// let transport = Policies::new(TowerTransport::new(router, &config)?, &config);
/// let client = SessionsHttpClientV1::new(transport);
/// assert_eq!(client.get_session_by_id(None, "some id").await?, None);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
///
/// # The service
///
/// Each attempt takes a clone of the service and waits until it is ready. So it must be `Clone`, and `Sync`, which
/// `BoxCloneSyncService` is and `BoxCloneService` is not; `Buffer` makes any service `Clone`.
///
/// A layer finds the [`Call`] in the extensions of a request, and so the route, the attempt and the limits, for a
/// metric say. The request of that call is empty: it is the one that the layer has in hand.
///
/// # Errors
///
/// An [`Error`] that a layer returns comes out as it is, so a layer can decide the kind by itself. The time limits
/// of tower and tokio become [`ErrorKind::Timeout`]; anything else is [`ErrorKind::Transport`], since nobody knows
/// whether the request was sent. That matters for repeats: where a connection provably failed, say so.
///
/// ```
/// use sessions_client::{ClientConfig, Error, ErrorKind, Result, TowerTransport, Transport};
/// use tower::ServiceBuilder;
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
/// An error of another type is kept as the [source](StdError::source), unless it quotes the path or the query of
/// the request, where arguments are.
#[derive(Clone)]
pub struct TowerTransport<S> {
    service: S,
    /// Scheme, host and port.
    origin: String,
    base_path: BasePath,
    authorization: Option<HeaderValue>,
    max_response_bytes: usize,
}

impl<S> TowerTransport<S> {
    /// A transport over `service`, to the address and with the size limit of `config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the configuration is not [valid](ClientConfig::validate) or has no address.
    pub fn new(service: S, config: &ClientConfig) -> Result<Self, Error> {
        let Address { origin, base_path, authorization } = Address::of(config)?;
        Ok(Self {
            service,
            origin,
            base_path: BasePath(base_path.into()),
            authorization,
            max_response_bytes: config.max_response_bytes(),
        })
    }

    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.service
    }

    /// The address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The request as a service gets it, with the call in its extensions.
    fn request(&self, mut call: Call) -> Result<http::Request<Full<Bytes>>, Error> {
        let (mut parts, body) = std::mem::take(&mut call.request).into_parts();
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let BasePath(base_path) = &self.base_path;
        parts.uri = Uri::try_from(format!("{}{base_path}{target}", self.origin)).map_err(|error| {
            Error::new(ErrorKind::Encode, format!("the request cannot be sent: {error}")).with_source(error)
        })?;
        if let Some(value) = &self.authorization {
            parts.headers.entry(AUTHORIZATION).or_insert_with(|| value.clone());
        }
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
        let texts: Vec<String> = chain.iter().map(ToString::to_string).collect();
        let kind = match chain.iter().find_map(|cause| cause.downcast_ref::<Error>()) {
            Some(ours) => ours.kind(),
            None if texts.iter().any(|text| TOO_LATE.contains(&&**text)) => ErrorKind::Timeout,
            None => ErrorKind::Transport,
        };
        let origin = &self.origin;
        if texts.iter().any(|text| quotes(text, uri)) {
            let message = format!("the request to {origin} failed, for a reason that quotes its arguments");
            return Error::new(kind, message);
        }
        let reason = texts.last().map(|text| one_line(text)).unwrap_or_default();
        Error::new(kind, format!("the request to {origin} failed: {reason}")).with_source(error)
    }
}

/// What the errors of `tower::timeout` and `tokio::time` say of themselves. Their types belong to whichever
/// version the user has.
const TOO_LATE: [&str; 2] = ["request timed out", "deadline has elapsed"];

fn quotes(text: &str, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
    text.contains(uri.path())
        || (!query.is_empty() && text.contains(query))
        || values.any(|(_, value)| text.contains(&*value))
}

impl<S, B> Transport for TowerTransport<S>
where
    S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync,
    B: Body<Error: Into<BoxError>> + Send,
{
    /// Boxed: the service may have kilobytes.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        Box::pin(async move {
            let request = self.request(call)?;
            let uri = request.uri().clone();
            let mut service = self.service.clone();
            poll_fn(|context| service.poll_ready(context))
                .await
                .map_err(|error| self.failure(error, &uri))?;
            let answer = service.call(request).await.map_err(|error| self.failure(error, &uri))?;

            let (parts, body) = answer.into_parts();
            let mut whole =
                LimitedBody::new(parts.status, body.size_hint().lower(), self.max_response_bytes)?;
            let mut body = pin!(body);
            while !whole.is_given_up()
                && let Some(frame) = body.frame().await
            {
                // The other frames are trailers.
                if let Ok(mut data) = frame.map_err(|error| self.failure(error, &uri))?.into_data() {
                    whole.push(data.copy_to_bytes(data.remaining()))?;
                }
            }
            Ok(whole.finish(parts))
        })
    }

    fn peer(&self) -> &str {
        &self.origin
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
