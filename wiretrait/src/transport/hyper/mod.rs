//! HTTP over the network with hyper.
//!
//! Rejected alternative: hyper-util's pooled client, because its pool for many hosts and its task for each
//! connection cost a third more instructions per call.

mod connection;
mod connector;
mod head;
#[cfg(feature = "http2")]
mod http2;
mod io;
mod pool;

use self::connection::{Connection, ExchangeError};
use self::connector::{BoxError, Connector};
use self::io::Stream;
use self::pool::{Pool, Pooled};
use crate::config::ClientConfig;
use crate::error::Error;
use crate::runtime::{Call, Encoding, Response, Transport};
use crate::transport::address::Address;
use crate::transport::connecting;
use crate::transport::default_headers::DefaultHeaders;
use crate::transport::dial::Dial;
use crate::transport::failover::Failover;
use crate::transport::failure::{Peer, invalid_request, stale_connection, timed_out};
use crate::transport::keep_alive::idle_limit;
use crate::transport::permits::{Attempt, Patience, Permits};
use crate::transport::phases;
use crate::transport::protocol;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use hyper::rt::{Read, Write};
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::yield_now;
use tower_service::Service;

/// Sends requests to one service with hyper, over HTTP/1.1 or [by choice](ClientConfig::with_http_version)
/// HTTP/2. All clones share a pool of connections.
///
/// It needs about 30 % less CPU time than [`ReqwestTransport`](crate::ReqwestTransport).
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::BooksClient;
/// use wiretrait::{ClientConfig, HyperTransport, Policies, Result};
///
/// fn client(url: &str) -> Result<BooksClient<Policies<HyperTransport>>> {
///     let config = ClientConfig::from_url(url)?;
///     BooksClient::from_transport(HyperTransport::new(&config)?, &config)
/// }
/// ```
///
/// Errors have the same messages as those of the reqwest transport, except those of
/// [stale connections](Error::is_stale_connection) and of heads that end with the connection. Redirects are not
/// followed. Proxies and certificates are those of the [configuration](ClientConfig::with_proxy).
///
/// Without [`Policies`](crate::Policies) it has the time and size limits of its configuration, but no
/// retries.
///
/// # Responses
///
/// A response is read wherever its bytes are: also if the service rejects a request that is still being sent,
/// and closes the connection. Malformed header lines are skipped, except those that determine the end of the
/// response. Up to 1,500 headers with 400 KiB are read.
///
/// # Connections
///
/// Over HTTP/1.1, a connection processes one call at a time, in the task of the call. A cancelled call closes its
/// connection. If a pooled connection turns out to be closed before anything is written, another one is used
/// without an error, so a call that fails may have been sent. A retry always uses a new connection.
///
/// Over HTTP/2, all calls share a connection, and a further one is opened when it has as many requests as the
/// service accepts at a time. Requests that the service has certainly not processed, because their connection ended
/// before, are marked as such, and [sent again](crate::policy::RetryPolicy) by the policies. A connection on which
/// nothing is received is tested by pings while calls wait, and not used for other calls meanwhile.
///
/// A connection is used until it is [too old](ClientConfig::with_max_connection_age), or has been
/// [idle](ClientConfig::with_pool_idle_timeout) for too long. A `Keep-Alive: timeout=5` in a response shortens
/// the idle time of its connection, with a margin of a second, so that the client closes it before the service
/// does.
///
/// A connection belongs to the runtime that it was opened in, and is used only there. A transport that several
/// runtimes share has connections for each of them.
#[derive(Clone)]
pub struct HyperTransport {
    targets: Arc<Failover<Target>>,
    permits: Permits,
    timeout: Duration,
    max_response_bytes: usize,
    encoding: Encoding,
}

/// One address of the service, with its connections.
#[derive(Clone)]
struct Target {
    connector: Connector,
    peer: Arc<Peer>,
    pool: Arc<Pool<Connection>>,
    /// `None` for HTTP/1.1.
    #[cfg(feature = "http2")]
    http2: Option<Arc<http2::Shared>>,
    address: Address,
    headers: DefaultHeaders,
    connect_timeout: Duration,
}

impl HyperTransport {
    /// Creates a transport with the settings of `config`. For `https` it uses rustls (feature `rustls`) with the
    /// certificates of the platform and those of [`TlsConfig`](crate::TlsConfig). It does not open a connection
    /// yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the configuration is not
    /// [valid](ClientConfig::validate) or has no address, if the address cannot be used, or if TLS cannot be
    /// set up.
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        Self::over(config, |config| {
            let mut address = Address::of(config)?;
            let origin = origin(&address)?;
            #[cfg(not(feature = "rustls"))]
            if origin.scheme_str() == Some("https") {
                let why = "has the scheme `https`, which this build does not support: enable the feature `rustls` of \
                           wiretrait, or use `HyperTransport::with_connector` with a connector for TLS";
                return Err(Error::config("url", why));
            }
            let dial = Dial::new(config, origin)?;
            let peer = dial.peer(address.origin.clone());
            let forwarding = dial.proxy.as_ref().filter(|proxy| proxy.forwards(&dial.origin));
            if forwarding.is_some() {
                address.base_path.insert_str(0, &address.origin);
            }
            let proxy_authorization = forwarding.and_then(|proxy| proxy.authorization.clone());
            Target::new(Connector::over(dial), peer, address, proxy_authorization, config)
        })
    }

    /// Creates a transport that opens connections with `connector`, for example with other root certificates,
    /// a client certificate or another TLS library, through a proxy, or to a Unix socket. It is a connector
    /// as for hyper-util's clients: a tower service from the address of the service, without path and
    /// credentials, to an open connection.
    ///
    /// The settings of `config` apply, including the time limit for opening a connection, but not those of TLS,
    /// proxies and addresses, which are the connector's. An error of the
    /// connector is [`ErrorKind::Connect`](crate::ErrorKind::Connect), with the root cause in its message.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the configuration is not
    /// [valid](ClientConfig::validate) or has no address, or if the address cannot be used.
    pub fn with_connector<S>(connector: S, config: &ClientConfig) -> Result<Self, Error>
    where
        S: Service<Uri, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
        S::Response: Read + Write + Unpin + Send,
    {
        Self::over(config, move |config| {
            let address = Address::of(config)?;
            let peer = Peer::new(address.origin.clone());
            let connector = Connector::new(connector.clone(), origin(&address)?);
            Target::new(connector, peer, address, None, config)
        })
    }

    fn over(
        config: &ClientConfig,
        target: impl Fn(&ClientConfig) -> Result<Target, Error>,
    ) -> Result<Self, Error> {
        Ok(Self {
            targets: Arc::new(Failover::new(config, target, Target::origin)?),
            permits: Permits::new(config),
            timeout: config.timeout(),
            max_response_bytes: config.max_response_bytes(),
            encoding: config.encoding(),
        })
    }

    /// Sets the maximum number of idle connections in the pool, which is unlimited by default. Closes the
    /// connections that are idle now.
    ///
    /// Several tokio runtimes share the limit. The idle connections of a runtime that has ended count until they
    /// [expire](ClientConfig::with_pool_idle_timeout).
    #[must_use]
    pub fn with_max_idle(mut self, connections: usize) -> Self {
        self.targets = Arc::new(self.targets.map(|target| target.with_max_idle(connections)));
        self
    }

    /// Returns the address of the service, without credentials: the first one, if it has several.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.targets.first().origin()
    }
}

impl Target {
    fn new(
        connector: Connector,
        peer: Peer,
        address: Address,
        proxy_authorization: Option<HeaderValue>,
        config: &ClientConfig,
    ) -> Result<Self, Error> {
        let host = address.origin.split_once("://").map_or("", |(_, host)| host);
        let host = HeaderValue::try_from(host)
            .map_err(|error| Error::config("url", format_args!("does not have a valid host: {error}")))?;
        let others = [(HOST, host), (USER_AGENT, config.user_agent_header()?)];
        let credentials =
            [(AUTHORIZATION, address.authorization.clone()), (PROXY_AUTHORIZATION, proxy_authorization)];
        let credentials = credentials.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let pool = Pool::new(config.pool_idle_timeout(), config.max_connection_age(), usize::MAX);
        Ok(Self {
            connector,
            peer: Arc::new(peer),
            #[cfg(feature = "http2")]
            http2: http2::Shared::of(config).map(Arc::new),
            pool: Arc::new(pool),
            headers: DefaultHeaders::new(config, others.into_iter().chain(credentials)),
            address,
            connect_timeout: config.connect_timeout(),
        })
    }

    fn origin(&self) -> &str {
        &self.address.origin
    }

    /// Returns a copy with an empty pool of at most `connections`.
    fn with_max_idle(&self, connections: usize) -> Self {
        Self { pool: Arc::new(self.pool.with_max_idle(connections)), ..self.clone() }
    }

    /// Completes the target and the headers of a request.
    fn complete(&self, request: &mut Request<Bytes>) -> Result<(), Error> {
        let Address { base_path, .. } = &self.address;
        if !base_path.is_empty() {
            let target = request.uri().path_and_query().map_or("", |target| target.as_str());
            *request.uri_mut() = Uri::try_from(format!("{base_path}{target}")).map_err(invalid_request)?;
        }
        self.peer.check_request(request.headers())?;
        self.headers.add_to(request.headers_mut());
        Ok(())
    }

    /// Returns one attempt, without a time limit except that for opening a connection.
    fn attempt(&self, mut request: Request<Bytes>, is_first: bool, max_response_bytes: usize) -> Attempt<'_> {
        if let Err(error) = self.complete(&mut request) {
            return Box::pin(ready(Err(error)));
        }
        let has_authorization = request.headers().contains_key(AUTHORIZATION);
        #[cfg(feature = "http2")]
        if let Some(http2) = &self.http2 {
            return Box::pin(async move {
                let connect = || self.clone().connect_http2();
                let response = http2.exchange(request, connect, &self.peer, max_response_bytes).await?;
                self.peer.check(response, has_authorization)
            });
        }
        Box::pin(self.attempt_http1(request.map(Full::new), is_first, has_authorization, max_response_bytes))
    }

    // Not an `async fn`, whose future would have room for its arguments and for copies of them. The same is true of
    // other functions that take requests.
    #[expect(clippy::manual_async_fn, reason = "explained above")]
    fn attempt_http1(
        &self,
        mut request: Request<Full<Bytes>>,
        is_first: bool,
        has_authorization: bool,
        max_response_bytes: usize,
    ) -> impl Future<Output = Result<Response, Error>> + Send {
        async move {
            // Yields for two reasons:
            // 1. Tasks with a response run first, so that many requests are sent together and the service is
            //    woken once.
            // 2. The runtime polls its sockets, so that a closed connection is detected before it is written to.
            yield_now().await;
            // Retries do not use the pool: if one connection of it is stale, the next one may be too.
            while is_first && let Some(mut pooled) = self.pool.take() {
                phases::acquired();
                match pooled.connection.exchange(request, self.origin(), max_response_bytes).await {
                    Err(ExchangeError::Unsent(unsent, _)) => request = *unsent,
                    Err(ExchangeError::Closed(failure)) => {
                        return Err(stale_connection(self.origin(), &failure));
                    }
                    outcome => return self.finish(outcome, pooled, has_authorization),
                }
            }
            let connection = Connection::over(self.connect().await?).await;
            let connection = connection.map_err(|error| protocol::failed(self.origin(), &error))?;
            let mut pooled = self.pool.adopt(connection);
            phases::acquired();
            let outcome = pooled.connection.exchange(request, self.origin(), max_response_bytes).await;
            self.finish(outcome, pooled, has_authorization)
        }
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Error> {
        phases::dialed();
        match connecting::open(self.connect_timeout, self.connector.connect()).await {
            Ok(outcome) => outcome.map_err(|error| self.peer.not_connected(&*error)),
            Err(_) => Err(self.peer.not_connected_in_time()),
        }
    }

    /// Opens a connection that speaks HTTP/2, within the time limit for opening a connection.
    #[cfg(feature = "http2")]
    async fn connect_http2(self) -> Result<http2::Multiplexed, Error> {
        let started_at = tokio::time::Instant::now();
        let stream = self.connect().await?;
        let rest = self.connect_timeout.saturating_sub(started_at.elapsed());
        let (idle_timeout, max_age) = self.pool.limits();
        http2::Multiplexed::connect(stream, &self.peer, rest, idle_timeout, max_age).await
    }

    /// Returns the connection of a response to the pool, and converts errors.
    fn finish(
        &self,
        outcome: Result<Response, ExchangeError>,
        mut pooled: Pooled<Connection>,
        has_authorization: bool,
    ) -> Result<Response, Error> {
        let failure = match outcome {
            Ok(response) => {
                if pooled.connection.make_idle() {
                    self.pool.put(pooled, idle_limit(response.headers()));
                }
                return self.peer.check(response, has_authorization);
            }
            Err(failure) => failure,
        };
        Err(match failure {
            ExchangeError::Rejected(error) => error,
            ExchangeError::Unsent(_, error) | ExchangeError::Closed(error) | ExchangeError::Failed(error) => {
                let rejected = self.peer.rejected_certificate(&error);
                rejected.unwrap_or_else(|| protocol::failed(self.origin(), &error))
            }
        })
    }
}

impl Transport for HyperTransport {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let timeout = call.timeout().unwrap_or(self.timeout);
        let patience = Patience::of(&call, timeout);
        let (request, is_first) = (call.request, call.attempt == 1);
        let late = move || timed_out(self.peer(), timeout);
        let start = move |end| {
            self.targets.attempt(request, end, move |target, request| {
                target.attempt(request, is_first, self.max_response_bytes)
            })
        };
        self.permits.attempt(patience, late, start)
    }

    fn peer(&self) -> &str {
        self.targets.peer()
    }

    fn encoding(&self) -> Encoding {
        self.encoding.clone()
    }

    #[cfg(feature = "http2")]
    fn is_multiplexed(&self) -> bool {
        self.targets.first().http2.is_some()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("origin", &self.peer())
            .field("connect_timeout", &self.targets.first().connect_timeout)
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// Returns the address of connections.
fn origin(address: &Address) -> Result<Uri, Error> {
    address.origin.parse().map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlainErrors;
    use crate::config::Proxy;
    use crate::error::ErrorKind;
    use crate::runtime::{Contract, Route};
    use crate::transport::resolver::Resolver;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncWriteExt, duplex, sink, split};
    use tower::service_fn;

    const CONTRACT: Contract = Contract::new("Things", "things", &PlainErrors);

    const ROUTE: Route = Route {
        contract: &CONTRACT,
        name: "find",
        doc: "",
        method: http::Method::GET,
        path: "/",
        prefix: "",
        idempotent: true,
        timeout: None,
        has_body: false,
        content_type: "application/json",
        accept: "application/json",
        none: &[],
        constants: &[],
        params: &[],
    };

    /// Calls a service that sends `response` in segments of `size` bytes, and closes the connection.
    async fn outcome(response: &'static [u8], size: usize) -> Result<Bytes, (ErrorKind, String)> {
        let connector = service_fn(move |_: Uri| {
            let (client, service) = duplex(size);
            let (mut requests, mut responses) = split(service);
            tokio::spawn(async move { tokio::io::copy(&mut requests, &mut sink()).await });
            tokio::spawn(async move {
                let _ = responses.write_all(response).await;
                let _ = responses.shutdown().await;
            });
            ready(Ok::<_, BoxError>(TokioIo::new(client)))
        });
        let config = ClientConfig::from_url("http://service.test").unwrap();
        let transport = HyperTransport::with_connector(connector, &config).unwrap();
        let response = transport.send(Call::new(&ROUTE, Request::default())).await;
        response.map(Response::into_body).map_err(|error| (error.kind(), error.to_string()))
    }

    #[tokio::test]
    async fn the_error_of_an_incomplete_head_does_not_depend_on_its_segments() {
        for (response, kind) in [
            (&b"SSH-2.0-OpenSSH_9.6\r\n"[..], ErrorKind::Protocol),
            (b"HTTP/1.1 20", ErrorKind::Transport),
            (b"HTTP/1.1 200 OK\r\nA: 1\r\n", ErrorKind::Transport),
            (b"HTTP/1.1 200 OK\r\nBad header\r\n", ErrorKind::Transport),
            (b"HTTP/1.1 2x0 OK\r\nA: 1\r\n", ErrorKind::Protocol),
            (b"HTTP/1.x 200 OK\r\nA: 1\r\n", ErrorKind::Protocol),
            (b"\r\rHTTP/1.1 2x0 OK\r\n", ErrorKind::Protocol),
            (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2x0 OK\r\n", ErrorKind::Protocol),
        ] {
            let whole = outcome(response, 1 << 16).await.unwrap_err();
            assert_eq!(whole.0, kind, "{}", response.escape_ascii());
            for size in [1, 5] {
                let parts = outcome(response, size).await.unwrap_err();
                assert_eq!(parts, whole, "{} in {size}", response.escape_ascii());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_service_that_does_not_respond_is_named_in_time() {
        let config = ClientConfig::from_url("http://service.test").unwrap().with_proxy(Proxy::none());
        let address = Address::of(&config).unwrap();
        let dial = Dial::new(&config, origin(&address).unwrap()).unwrap().with_resolver(Resolver::hanging());
        let peer = dial.peer(address.origin.clone());
        let target = Target::new(Connector::over(dial), peer, address, None, &config).unwrap();
        let started_at = tokio::time::Instant::now();
        let error = target.attempt(Request::default(), true, 0).await.unwrap_err();
        assert_eq!(started_at.elapsed().as_secs(), 5);
        assert_eq!(
            error.to_string(),
            "cannot connect to http://service.test: the name service did not respond in time: check the DNS servers of \
             this machine, or set the address with `connection.resolve` or `ClientConfig::with_resolved`"
        );
    }
}
