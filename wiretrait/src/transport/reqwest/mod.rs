//! HTTP over the network with reqwest.

mod clients;
mod opening;
mod proxy_cause;
mod urls;

use self::clients::Clients;
use self::opening::OpeningLayer;
use self::proxy_cause::ProxyCause;
use self::urls::Urls;
use crate::config::{ClientConfig, HttpVersion};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Encoding, Request, Response, Transport};
use crate::transport::body::LimitedBody;
use crate::transport::default_headers::DefaultHeaders;
use crate::transport::dial::Dial;
use crate::transport::failover::Failover;
use crate::transport::failure::{Peer, ProxyFailure, invalid_request, root_cause, timed_out};
use crate::transport::keep_alive::idle_limit;
use crate::transport::permits::{Patience, Permits};
#[cfg(feature = "http2")]
use crate::transport::protocol::http2::{
    CONNECTION_WINDOW, MAX_HEADER_LIST_BYTES, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW,
};
use crate::transport::protocol::{self, End, MAX_HEADERS};
#[cfg(feature = "http2")]
use crate::transport::proxy::ProxyRoute;
#[cfg(feature = "rustls")]
use crate::transport::tls::Tls;
use http::Method;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url, retry};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sends requests to one service with reqwest. All clones share a pool of connections.
///
/// Redirects are not followed, because that would turn a POST into a GET. Proxies and certificates are those of
/// the [configuration](ClientConfig::with_proxy); without the feature `rustls`, TLS is reqwest's own.
///
/// Without [`Policies`](crate::Policies) it has the time and size limits of its configuration, but no
/// retries. Generated clients have the policies if they are created by `connect`, `from_config` or
/// `from_transport`.
///
/// # Responses
///
/// Malformed header lines are skipped, and up to 1,500 headers with 400 KiB are read. Since reading more than 100
/// headers costs a fifth of the instructions of a call, the first response with more is an error, which is
/// retried for idempotent operations, and all later ones are read. reqwest does not report skipped lines, so a
/// success over HTTP/1.1 without a valid length is only accepted with `Connection: close`, and the body of an error
/// without one ends after half a second without data. A malformed `Transfer-Encoding : chunked` (with a space
/// before the colon) next to a valid `Content-Length` is not detected: the body then ends after that length, so
/// that it contains the sizes of chunks and is an error of decoding. `HyperTransport` rejects such a response.
/// If a service rejects a request that is still being sent, and closes the connection, its response may be lost:
/// `HyperTransport` (feature `hyper`) reads it.
///
/// # Connections
///
/// The reqwest client behind the transport is replaced when it is
/// [too old](ClientConfig::with_max_connection_age), when a response announces with `Keep-Alive: timeout=5` that
/// the service closes idle connections sooner than expected, and in each other runtime, since a connection
/// belongs to the runtime that it was opened in. Calls in progress finish on the former client. A client that
/// is passed to [`with_client`](Self::with_client) is not replaced: it keeps connections according to its settings,
/// and should be used in one runtime only.
#[derive(Clone)]
pub struct ReqwestTransport {
    targets: Arc<Failover<Target>>,
    permits: Permits,
    timeout: Duration,
    max_response_bytes: usize,
    encoding: Encoding,
    is_multiplexed: bool,
}

/// The time for the next bytes of an error response whose end is unknown: its `Content-Length` may have been
/// skipped as malformed, and the connection then stays open.
const LENGTHLESS_ERROR_PATIENCE: Duration = Duration::from_millis(500);

/// One address of the service, with its clients.
struct Target {
    clients: Clients,
    urls: Urls,
    /// The headers of the configuration, the credentials of the address, and for `http` its host, which avoids
    /// formatting the header for each request.
    headers: DefaultHeaders,
    peer: Peer,
    /// For messages.
    timeout: Duration,
}

impl ReqwestTransport {
    /// Creates a transport with the settings of `config`. It does not open a connection yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is not [valid](ClientConfig::validate) or has no address,
    /// if the address cannot be used, or if TLS cannot be set up.
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        config.reject_connect_to("ReqwestTransport")?;
        let has_fallbacks = !config.fallback_urls().is_empty();
        Self::over(config, |config| {
            let url = address(config)?;
            let settings = Settings { has_fallbacks, ..Settings::new(config, &url)? };
            let host = url.origin().ascii_serialization();
            let host = host.strip_prefix("http://").and_then(|host| HeaderValue::try_from(host).ok());
            // HTTP/2 has a field for it.
            let host = host.filter(|_| config.http_version() == HttpVersion::Http1);
            let peer = settings.dial.peer(url.origin().ascii_serialization());
            let clients = Clients::new(settings, config.max_connection_age())?;
            Target::new(clients, url, config, host, peer)
        })
    }

    /// Creates a transport over a client of reqwest 0.13, with its TLS, proxies, pool and user agent. All other
    /// settings are those of `config`, including its headers.
    ///
    /// The client should close idle connections before the service does (many servers do after 5 seconds): a
    /// request over a connection that is being closed fails, which costs an idempotent call a retry and any
    /// other call an error. It should not follow redirects. If it speaks HTTP/2,
    /// [`with_http_version`](ClientConfig::with_http_version) should say so: otherwise calls without retries are not sent
    /// again when a connection ends.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is not [valid](ClientConfig::validate), or if its address
    /// cannot be used.
    pub fn with_client(client: Client, config: &ClientConfig) -> Result<Self, Error> {
        Self::over(config, move |config| {
            let url = address(config)?;
            let peer = Peer::new(url.origin().ascii_serialization());
            Target::new(Clients::Users(client.clone()), url, config, None, peer)
        })
    }

    fn over(
        config: &ClientConfig,
        target: impl Fn(&ClientConfig) -> Result<Target, Error>,
    ) -> Result<Self, Error> {
        Ok(Self {
            targets: Arc::new(Failover::new(config, target, |target| &target.peer.origin)?),
            permits: Permits::new(config),
            timeout: config.timeout(),
            max_response_bytes: config.max_response_bytes(),
            encoding: config.encoding(),
            is_multiplexed: config.http_version() == HttpVersion::Http2,
        })
    }

    /// Returns the address of the service, without credentials: the first one, if it has several.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.targets.first().peer.origin
    }
}

impl Target {
    fn new(
        clients: Clients,
        url: Url,
        config: &ClientConfig,
        host: Option<HeaderValue>,
        peer: Peer,
    ) -> Result<Self, Error> {
        // This request is never sent: the builder moves credentials from the URL into a header.
        let example = clients
            .any()?
            .get(url)
            .build()
            .map_err(|error| Error::config("url", format_args!("cannot be used: {}", cause(&error))))?;
        let credentials = example.headers().get(AUTHORIZATION).map(|value| (AUTHORIZATION, value.clone()));
        let others = host.map(|host| (HOST, host)).into_iter().chain(credentials);
        let url = example.url().clone();
        Ok(Self {
            clients,
            headers: DefaultHeaders::new(config, others),
            peer,
            urls: Urls::new(url),
            timeout: config.timeout(),
        })
    }

    /// Returns the error of an attempt that has `started` then, if there is a proxy.
    async fn failure(&self, error: &reqwest::Error, started: Option<Instant>) -> Error {
        let Self { peer, timeout, .. } = self;
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => peer.not_connected_in_time(),
            (true, false) => timed_out(&peer.origin, *timeout),
            (false, true) => self.not_connected(error, started).await,
            (false, false) if error.is_builder() => invalid_request(cause(error)),
            (false, false) => {
                let rejected = peer.rejected_certificate(error);
                rejected.unwrap_or_else(|| protocol::failed(&peer.origin, error))
            }
        }
    }

    /// Returns the error if the response has begun, but its body cannot be read.
    fn failure_of_body(&self, error: &reqwest::Error) -> Error {
        let Self { peer, timeout, .. } = self;
        if error.is_timeout() {
            return timed_out(&peer.origin, *timeout);
        }
        let rejected = peer.rejected_certificate(error);
        rejected.unwrap_or_else(|| protocol::failed_body(&peer.origin, error))
    }

    /// Returns the error if no connection was made. If reqwest hides what a proxy responded, the connection is
    /// opened again up to the service to find out, within what is left of the time limit.
    async fn not_connected(&self, error: &reqwest::Error, started: Option<Instant>) -> Error {
        let failure = self.peer.not_connected(error);
        if failure.kind() == ErrorKind::Connect
            && let Some(started) = started
            && let Some(settings) = self.clients.settings()
            && let Some(proxy) = &settings.dial.proxy
        {
            match ProxyCause::of(error, proxy, proxy.forwards(&settings.dial.origin)) {
                ProxyCause::Known(failure) => return self.peer.not_connected(&failure),
                ProxyCause::Hidden => {
                    let rest = settings.connect_timeout.saturating_sub(started.elapsed());
                    match tokio::time::timeout(rest, settings.dial.through(proxy)).await {
                        Ok(Err(error)) => return self.peer.not_connected(&*error),
                        Ok(Ok(_)) if proxy.is_http() => {
                            return self.peer.not_connected(&ProxyFailure::transient(proxy, OPENS_NOW));
                        }
                        Ok(Ok(_)) | Err(_) => {}
                    }
                }
                ProxyCause::Other => {}
            }
        }
        failure
    }
}

/// The end of a sentence: why reqwest may have no connection although another one was opened. It rejects malformed and
/// interim responses of a proxy as it rejects an error status.
const OPENS_NOW: &str = "did not open a connection to the service, but does now: if that happens again, its response has \
                         a form that reqwest rejects; use `HyperTransport`";

/// Validates `config`, and parses its address.
fn address(config: &ClientConfig) -> Result<Url, Error> {
    config.validate()?;
    Url::parse(config.required_url()?)
        .map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))
}

/// The settings that both clients of a transport share.
struct Settings {
    dial: Dial,
    /// True if the service has other addresses.
    has_fallbacks: bool,
    connect_timeout: Duration,
    pool_idle_timeout: Option<Duration>,
    user_agent: HeaderValue,
    #[cfg(feature = "rustls")]
    tls: rustls::ClientConfig,
    #[cfg(feature = "http2")]
    http_version: HttpVersion,
}

impl Settings {
    fn new(config: &ClientConfig, url: &Url) -> Result<Self, Error> {
        // The pool adds it to the current instant, which may overflow.
        let idle =
            Some(config.pool_idle_timeout()).filter(|idle| Instant::now().checked_add(*idle).is_some());
        let origin = url.origin().ascii_serialization().parse();
        let origin =
            origin.map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))?;
        check_tls(config)?;
        let dial = Dial::new(config, origin)?;
        #[cfg(feature = "http2")]
        if config.http_version() == HttpVersion::Http2
            && url.scheme() == "http"
            && dial.proxy.as_ref().is_some_and(ProxyRoute::is_http)
        {
            // reqwest would speak HTTP/2 to the proxy.
            let why = "cannot use HTTP/2 without TLS through an HTTP proxy over reqwest: use `https`, HTTP/1.1, a \
                       SOCKS proxy or `HyperTransport`";
            return Err(Error::config("with_http_version", why));
        }
        #[cfg(feature = "rustls")]
        let tls = match &dial.tls {
            Some(tls) => tls.clone(),
            // reqwest would otherwise read the certificate store, which may be missing.
            None => Tls::unused()?,
        };
        Ok(Self {
            dial,
            has_fallbacks: false,
            #[cfg(feature = "rustls")]
            tls: (*tls.config).clone(),
            connect_timeout: config.connect_timeout(),
            pool_idle_timeout: idle,
            user_agent: config.user_agent_header()?,
            #[cfg(feature = "http2")]
            http_version: config.http_version(),
        })
    }

    #[cfg(feature = "http2")]
    fn with_version(&self, client: ClientBuilder) -> ClientBuilder {
        if self.http_version == HttpVersion::Http1 {
            return client.http1_only();
        }
        client
            .http2_prior_knowledge()
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_keep_alive_while_idle(true)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
    }

    /// Another crate may enable HTTP/2, which would otherwise be chosen by ALPN.
    #[cfg(not(feature = "http2"))]
    #[expect(clippy::unused_self, reason = "with the feature `http2` it is used")]
    fn with_version(&self, client: ClientBuilder) -> ClientBuilder {
        client.http1_only()
    }

    /// Creates a client that keeps at most `idle_connections`, each for `idle_timeout` or without a limit. It
    /// reads `FEW_HEADERS` of a response unless `max_headers` is set, with which each response costs two
    /// allocations and twelve instructions per header.
    fn build(
        &self,
        idle_timeout: Option<Duration>,
        idle_connections: usize,
        max_headers: Option<usize>,
    ) -> reqwest::Result<Client> {
        // The proxy is chosen already.
        let mut client = Client::builder().no_proxy().dns_resolver(self.dial.resolver.clone());
        if let Some(proxy) = &self.dial.proxy {
            client = client.proxy(proxy.for_reqwest()?);
        }
        #[cfg(feature = "rustls")]
        {
            client = client.tls_backend_preconfigured(self.tls.clone());
        }
        client = client
            .user_agent(self.user_agent.clone())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(idle_timeout)
            .pool_max_idle_per_host(idle_connections)
            .redirect(Policy::none())
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            // Another crate may enable these features. Decompression is not supported by the size limit.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            // reqwest's own retries are for HTTP/2, and copy each request.
            .retry(retry::never().max_retries_per_request(0));
        if self.has_fallbacks {
            // Each call clones the connector several times, and a layer makes that an allocation.
            client = client.connector_layer(OpeningLayer);
        }
        if let Some(max_headers) = max_headers {
            client = client.http1_max_headers(max_headers);
        }
        self.with_version(client).build()
    }
}

/// Rejects settings of TLS that reqwest's own TLS would not have.
fn check_tls(config: &ClientConfig) -> Result<(), Error> {
    let tls = config.tls();
    let is_default = tls.ca().is_empty() && tls.client_certificate().is_none() && !tls.is_insecure();
    if cfg!(feature = "rustls") || is_default {
        return Ok(());
    }
    Err(Error::config("with_tls", "needs the feature `rustls` of wiretrait: enable it"))
}

fn cause(error: &reqwest::Error) -> &(dyn StdError + 'static) {
    match root_cause(error) {
        // Its message contains the URL.
        cause if cause.is::<reqwest::Error>() => &NoCause,
        cause => cause,
    }
}

/// The cause of an error of reqwest that has no source.
#[derive(Debug)]
struct NoCause;

impl fmt::Display for NoCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reqwest reports no cause")
    }
}

impl StdError for NoCause {}

impl Target {
    fn request(&self, request: Request, has_one_path: bool) -> reqwest::Request {
        let url = self.urls.of(request.uri(), has_one_path);
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        self.headers.add_to(request.headers_mut());
        *request.body_mut() = Some(body.into());
        request
    }

    async fn attempt(
        &self,
        request: Request,
        has_one_path: bool,
        is_first: bool,
        max_response_bytes: usize,
    ) -> Result<Response, Error> {
        self.peer.check_request(request.headers())?;
        let client = self.clients.client(is_first)?;
        let is_head = request.method() == Method::HEAD;
        let request = self.request(request, has_one_path);
        let has_authorization = request.headers().contains_key(AUTHORIZATION);
        let started = self.peer.proxy.is_some().then(Instant::now);
        let response = client.execute(request).await;
        let mut response = match response {
            Ok(response) => response,
            Err(error) if is_first && protocol::has_many_headers(&error) => {
                return Err(self.clients.read_many_headers(&self.peer.origin));
            }
            Err(error) => return Err(self.failure(&error, started).await),
        };
        if let Some(limit) = idle_limit(response.headers()) {
            self.clients.shorten_idle_time(limit);
        }
        let (status, version) = (response.status(), response.version());
        let announced = response.content_length();
        let end = match announced {
            Some(_) => End::Marked,
            None => protocol::end_of(&self.peer.origin, version, response.headers())?,
        };
        let mut patience = None;
        if end == End::Close
            && let Err(error) = protocol::check_close(&self.peer.origin, version, response.headers())
        {
            if status.is_success() {
                return Err(error);
            }
            patience = Some(LENGTHLESS_ERROR_PATIENCE);
        }
        let mut body = LimitedBody::new(is_head, status, announced.unwrap_or(0), max_response_bytes)?;
        while !body.is_too_large() {
            let chunk = match patience {
                None => response.chunk().await,
                Some(patience) => match Box::pin(tokio::time::timeout(patience, response.chunk())).await {
                    Ok(chunk) => chunk,
                    Err(_) => break,
                },
            };
            match chunk {
                Ok(Some(chunk)) => body.push(chunk)?,
                Ok(None) => break,
                Err(error) => return Err(self.failure_of_body(&error)),
            }
        }
        let mut head = http::Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = std::mem::take(response.headers_mut());
        let response = body.finish(head.into_parts().0)?;
        if end == End::Close {
            protocol::check_complete(&self.peer.origin, version, &response)?;
        }
        self.peer.check(response, has_authorization)
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let timeout = call.timeout().unwrap_or(self.timeout);
        let late = move || timed_out(self.peer(), timeout);
        let patience = Patience::of(&call, timeout);
        // The rest of the call is not kept, because this future is part of the future of each caller.
        let (is_first, has_one_path) = (call.attempt == 1, !call.route.path.contains('{'));
        let request = call.request;
        let start = move |end| {
            self.targets.attempt(request, end, move |target, request| {
                Box::pin(target.attempt(request, has_one_path, is_first, self.max_response_bytes))
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

    fn is_multiplexed(&self) -> bool {
        self.is_multiplexed
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("origin", &self.peer())
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Proxy;
    use crate::transport::resolver::Resolver;

    #[tokio::test(start_paused = true)]
    async fn a_name_service_that_does_not_respond_is_named_in_time() {
        let config = ClientConfig::from_url("http://service.test").unwrap().with_proxy(Proxy::none());
        let url = address(&config).unwrap();
        let mut settings = Settings::new(&config, &url).unwrap();
        settings.dial = settings.dial.with_resolver(Resolver::hanging());
        let peer = settings.dial.peer("http://service.test".to_owned());
        let clients = Clients::new(settings, config.max_connection_age()).unwrap();
        let target = Target::new(clients, url, &config, None, peer).unwrap();
        let started_at = tokio::time::Instant::now();
        let error = target.attempt(Request::default(), true, true, 0).await.unwrap_err();
        assert_eq!(started_at.elapsed().as_secs(), 5);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connect, true));
        assert!(error.to_string().contains(": the name service did not respond in time: "), "{error}");
    }
}
