//! HTTP over the network, by hyper itself.
//!
//! hyper-util's pooled client was refused: it costs a third more instructions a call than hyper alone, for a pool of
//! many hosts and a task for each connection.

mod connection;
mod connector;
mod pool;

use self::connection::{Connection, Unanswered};
use self::connector::{BoxError, Connector};
use self::pool::Pool;
use crate::config::ClientConfig;
use crate::error::Error;
use crate::runtime::{Call, Response, Transport};
use crate::transport::address::Address;
use crate::transport::failure::{broken, late, no_connection, no_connection_in_time, root_cause, unsendable};
use crate::transport::permits::Permits;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use hyper::rt::{Read, Write};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::yield_now;
use tower_service::Service;

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));

/// Sends requests to one service by HTTP/1.1, over a pool of connections that all clones share: what
/// [`ReqwestTransport`](crate::ReqwestTransport) does, at two thirds of its CPU time.
///
/// ```
/// use sessions_client::{ClientConfig, HyperTransport, Policies, Result, SessionsHttpClientV1, Value};
///
/// type Client = SessionsHttpClientV1<Value, Value, Policies<HyperTransport>>;
///
/// fn client(url: &str) -> Result<Client> {
///     let config = ClientConfig::from_url(url)?;
///     Ok(SessionsHttpClientV1::new(Policies::new(HyperTransport::new(&config)?, &config)))
/// }
/// ```
///
/// Errors are those of the reqwest transport, word for word. Redirects are not followed. **Proxies are not used**,
/// whatever `HTTP_PROXY` and its like say: where there has to be one, take the reqwest transport, or a
/// [connector](Self::with_connector) that goes through it.
///
/// By itself it has the limits of time and size of its configuration, and no repeats: those are the part of
/// [`Policies`](crate::Policies).
///
/// # Connections
///
/// A connection serves one call at a time; its task drives it. A call that is given up closes its connection. One of
/// the pool that turns out to be closed before anything is written is replaced silently; so a call that fails has
/// perhaps been sent, and is for [`Retry`](crate::policy::Retry) to judge. A repeat has a new connection.
///
/// A connection belongs to the runtime that it was made in, as with every client over tokio: calls from several runtimes
/// that run at the same time, or one after the other while the first one stands still, want a transport for each.
#[derive(Clone)]
pub struct HyperTransport {
    connector: Connector,
    pool: Arc<Pool>,
    permits: Permits,
    address: Arc<Address>,
    host: HeaderValue,
    connect_timeout: Duration,
    timeout: Duration,
    max_response_bytes: usize,
}

impl HyperTransport {
    /// A transport as `config` describes it: over TCP, and for `https` over TLS by rustls with the platform's verifier
    /// of certificates (feature `rustls`). No connection is made yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the configuration is not [valid](ClientConfig::validate) or
    /// has no address, the address cannot be used, or TLS cannot be set up.
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        let address = Address::of(config)?;
        let connector = Connector::of_scheme(origin(&address)?, config)?;
        Self::over(connector, address, config)
    }

    /// A transport with connections by a connector of your own: TLS with other roots or a client certificate, by
    /// another library, through a proxy, or to a Unix socket. A connector is what hyper-util's clients take: a service
    /// of tower from the address of the service, without path and credentials, to an open connection.
    ///
    /// What `config` says holds, the limit for getting a connection too. An error of the connector is
    /// [`ErrorKind::Connect`](crate::ErrorKind::Connect), and its root cause is shown in the message.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the configuration is not [valid](ClientConfig::validate) or
    /// has no address, or its address cannot be used.
    pub fn with_connector<S>(connector: S, config: &ClientConfig) -> Result<Self, Error>
    where
        S: Service<Uri, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
        S::Response: Read + Write + Unpin + Send,
    {
        let address = Address::of(config)?;
        Self::over(Connector::new(connector, origin(&address)?), address, config)
    }

    fn over(connector: Connector, address: Address, config: &ClientConfig) -> Result<Self, Error> {
        let host = address.origin.split_once("://").map_or("", |(_, host)| host);
        let host = HeaderValue::try_from(host)
            .map_err(|error| Error::config("url", format_args!("has a host that is none: {error}")))?;
        Ok(Self {
            connector,
            pool: Arc::new(Pool::new(config.pool_idle_timeout(), usize::MAX)),
            permits: Permits::new(config.concurrency_limit()),
            address: Arc::new(address),
            host,
            connect_timeout: config.connect_timeout(),
            timeout: config.timeout(),
            max_response_bytes: config.max_response_bytes(),
        })
    }

    /// The same transport with at most `connections` in its pool, which keeps as many as were in use at once by default.
    /// What is idle already is closed.
    #[must_use]
    pub fn with_max_idle(mut self, connections: usize) -> Self {
        self.pool = Arc::new(self.pool.with_most(connections));
        self
    }

    /// The address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.address.origin
    }

    /// The request as it is sent: the target and the headers are complete then.
    fn request(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, Error> {
        let (mut parts, body) = request.into_parts();
        let Address { base_path, authorization, .. } = &*self.address;
        if !base_path.is_empty() {
            let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
            parts.uri = Uri::try_from(format!("{base_path}{target}")).map_err(unsendable)?;
        }
        parts.headers.entry(HOST).or_insert_with(|| self.host.clone());
        parts.headers.entry(USER_AGENT).or_insert(AGENT);
        if let Some(value) = authorization {
            parts.headers.entry(AUTHORIZATION).or_insert_with(|| value.clone());
        }
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    /// One attempt, with no limit of time but that for getting a connection.
    async fn attempt(
        &self,
        request: Result<Request<Full<Bytes>>, Error>,
        is_first: bool,
    ) -> Result<Response, Error> {
        let mut request = request?;
        // Whoever has an answer reads it first: so requests leave together, and the service is woken once for many. And
        // the runtime looks at its sockets, so that a connection that was closed is seen before it is written to.
        yield_now().await;
        // Where one connection of the pool is stale, so may the next one be.
        while is_first && let Some(mut connection) = self.pool.take() {
            match connection.exchange(request, self.max_response_bytes).await {
                Err(Unanswered::Unsent(unsent, _)) => request = *unsent,
                outcome => return self.settle(outcome, connection),
            }
        }
        let mut connection = self.connect().await?;
        let outcome = connection.exchange(request, self.max_response_bytes).await;
        self.settle(outcome, connection)
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let origin = self.origin();
        match tokio::time::timeout(self.connect_timeout, self.connector.connect()).await {
            Ok(outcome) => outcome.map_err(|error| {
                let cause = root_cause(&*error);
                if is_late(cause) { no_connection_in_time(origin) } else { no_connection(origin, cause) }
            }),
            Err(_) => Err(no_connection_in_time(origin)),
        }
    }

    /// The answer, whose connection is kept; or the error, whose connection is not.
    fn settle(
        &self,
        outcome: Result<Response, Unanswered>,
        mut connection: Connection,
    ) -> Result<Response, Error> {
        let failure = match outcome {
            Ok(response) => {
                if connection.rest() {
                    self.pool.put(connection);
                }
                return Ok(response);
            }
            Err(failure) => failure,
        };
        Err(match failure {
            Unanswered::Refused(error) => error,
            Unanswered::Unsent(_, error) | Unanswered::Broken(error) => {
                broken(self.origin(), root_cause(&error))
            }
        })
    }
}

impl Transport for HyperTransport {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let timeout = call.timeout().unwrap_or(self.timeout);
        let (request, is_first) = (self.request(call.request), call.attempt == 1);
        let is_late = move || late(self.origin(), timeout);
        self.permits.attempt(timeout, call.limit, is_late, move || self.attempt(request, is_first))
    }

    fn peer(&self) -> &str {
        self.origin()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("origin", &self.origin())
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// Where connections go.
fn origin(address: &Address) -> Result<Uri, Error> {
    address.origin.parse().map_err(|error| Error::config("url", format_args!("is no URL: {error}")))
}

/// Whether a connector has its own limit of time, which is over.
fn is_late(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}
