//! HTTP over the network, by reqwest.

mod urls;

use self::urls::Urls;
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Response, Transport};
use crate::transport::body::LimitedBody;
use crate::transport::failure::{broken, late, no_connection, no_connection_in_time, root_cause, unsendable};
use crate::transport::permits::Permits;
use http::header::{HOST, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url, retry};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Sends requests to one service, over a pool of connections that all clones share.
///
/// Redirects are not followed: the service sends none, and following one would turn a POST into a GET.
/// Proxies are taken from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, but not for a service on the same machine.
///
/// By itself it has the limits of time and size of its configuration, and no repeats: those are the part of
/// [`Policies`](crate::Policies), which a client made by [`connect`](crate::SessionsHttpClientV1::connect) has.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    /// None where the user's own client has to do.
    unpooled: Option<Arc<Unpooled>>,
    urls: Urls,
    /// The credentials of the address, and where HTTP has no other place for it, its host: a header that is there need
    /// not be made for each request.
    headers: HeaderMap,
    /// The address for messages: without path and credentials.
    origin: String,
    permits: Permits,
    timeout: Duration,
    max_response_bytes: usize,
}

impl ReqwestTransport {
    /// A transport as `config` describes it. No connection is made yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the configuration is not [valid](ClientConfig::validate) or has no address, the
    /// address cannot be used, or TLS cannot be set up.
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        let url = address(config)?;
        let settings = Settings::new(config, &url);
        let client = settings.build(usize::MAX).map_err(|error| {
            Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_source(error)
        })?;
        let mut transport = Self::over(client, url, config)?;
        transport.unpooled = Some(Arc::new(Unpooled { settings, client: OnceLock::new() }));
        if transport.urls.base().scheme() == "http"
            && let Ok(host) = HeaderValue::try_from(&transport.origin["http://".len()..])
        {
            transport.headers.insert(HOST, host);
        }
        Ok(transport)
    }

    /// A transport over a reqwest client of your own, with its TLS, proxies and pool; only the address and
    /// the time and size limits of `config` are used.
    ///
    /// Let it keep idle connections for less than 5 seconds, which is when the service closes them: kept for longer,
    /// one that is about to close costs an idempotent call a repeat, which may meet the next such connection, and fails
    /// `open_session`. And let it follow no redirects.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the configuration is not [valid](ClientConfig::validate), or its address cannot be
    /// used.
    pub fn with_client(client: Client, config: &ClientConfig) -> Result<Self, Error> {
        Self::over(client, address(config)?, config)
    }

    fn over(client: Client, url: Url, config: &ClientConfig) -> Result<Self, Error> {
        // A request that is never sent: the builder moves credentials from the URL into a header.
        let example = client
            .get(url)
            .build()
            .map_err(|error| Error::config("url", format_args!("cannot be used: {}", cause(&error))))?;
        let headers = example.headers().clone();
        let url = example.url().clone();
        Ok(Self {
            client,
            unpooled: None,
            headers,
            origin: url.origin().ascii_serialization(),
            urls: Urls::new(url),
            permits: Permits::new(config.concurrency_limit()),
            timeout: config.timeout(),
            max_response_bytes: config.max_response_bytes(),
        })
    }

    /// The address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn failure(&self, error: &reqwest::Error, timeout: Duration) -> Error {
        let Self { origin, .. } = self;
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => no_connection_in_time(origin),
            (true, false) => late(origin, timeout),
            (false, true) => no_connection(origin, cause(error)),
            (false, false) if error.is_builder() => unsendable(cause(error)),
            (false, false) => broken(origin, cause(error)),
        }
    }
}

/// The address of a configuration that is sound.
fn address(config: &ClientConfig) -> Result<Url, Error> {
    config.validate()?;
    Url::parse(config.required_url()?)
        .map_err(|error| Error::config("url", format_args!("is no URL: {error}")))
}

/// What the clients of a transport have in common.
struct Settings {
    is_local: bool,
    connect_timeout: Duration,
    pool_idle_timeout: Option<Duration>,
}

impl Settings {
    fn new(config: &ClientConfig, url: &Url) -> Self {
        // The pool adds it to the time of day, which has an end.
        let idle =
            Some(config.pool_idle_timeout()).filter(|idle| Instant::now().checked_add(*idle).is_some());
        Self {
            is_local: is_on_this_machine(url),
            connect_timeout: config.connect_timeout(),
            pool_idle_timeout: idle,
        }
    }

    fn build(&self, idle_connections: usize) -> reqwest::Result<Client> {
        let mut client = Client::builder();
        if self.is_local {
            // A proxy would look for the service on its own machine.
            client = client.no_proxy();
        }
        client
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.pool_idle_timeout)
            .pool_max_idle_per_host(idle_connections)
            .redirect(Policy::none())
            // Where another crate has switched the features on, reqwest would ask for it, and so do less for more.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            // Its repeats are for HTTP/2, and cost a copy of each request.
            .retry(retry::never().max_retries_per_request(0))
            .build()
    }
}

/// A client that makes a connection for each request, for repeats. Most transports never need it, and TLS takes its
/// time to set up.
struct Unpooled {
    settings: Settings,
    client: OnceLock<Client>,
}

impl Unpooled {
    /// The client; or `pooled`, if it can no longer be set up.
    fn or(&self, pooled: &Client) -> &Client {
        self.client.get_or_init(|| self.settings.build(0).unwrap_or_else(|_| pooled.clone()))
    }
}

fn is_on_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn cause(error: &reqwest::Error) -> &dyn fmt::Display {
    match root_cause(error) {
        // Its text has the URL.
        cause if cause.is::<reqwest::Error>() => &"the HTTP client gives no reason",
        cause => cause,
    }
}

impl ReqwestTransport {
    fn request(&self, call: Call) -> reqwest::Request {
        let url = self.urls.of(call.route, call.request.uri());
        let (parts, body) = call.request.into_parts();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        for (name, value) in &self.headers {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        *request.body_mut() = Some(body.into());
        request
    }

    async fn attempt(&self, client: &Client, call: Call, timeout: Duration) -> Result<Response, Error> {
        let response = client.execute(self.request(call));
        let mut response = response.await.map_err(|error| self.failure(&error, timeout))?;
        let status = response.status();
        let announced = response.content_length().unwrap_or(0);
        let mut body = LimitedBody::new(status, announced, self.max_response_bytes)?;
        while !body.is_given_up()
            && let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error, timeout))?
        {
            body.push(chunk)?;
        }
        let mut head = http::Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = std::mem::take(response.headers_mut());
        Ok(body.finish(head.into_parts().0))
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let timeout = call.timeout().unwrap_or(self.timeout);
        // Where one connection of the pool is stale, so may the next one be.
        let client = match &self.unpooled {
            Some(unpooled) if call.attempt > 1 => unpooled.or(&self.client),
            _ => &self.client,
        };
        let is_late = move || late(&self.origin, timeout);
        self.permits.attempt(timeout, call.limit, is_late, move || self.attempt(client, call, timeout))
    }

    fn peer(&self) -> &str {
        &self.origin
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("origin", &self.origin)
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}
