//! HTTP over the network, by reqwest.

use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Response, Transport};
use crate::transport::body::LimitedBody;
use crate::transport::failure::{broken, late, no_connection, no_connection_in_time, root_cause, unsendable};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use std::fmt;
use std::net::IpAddr;
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
    /// Makes a connection for each request: repeats go through it.
    unpooled: Client,
    /// Scheme, host, port and path of the service, without a slash at the end.
    base: String,
    /// The same for messages: without path and credentials.
    origin: String,
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
        let (base, url) = address(config)?;
        // The pool adds it to the time of day, which has an end.
        let idle =
            Some(config.pool_idle_timeout()).filter(|idle| Instant::now().checked_add(*idle).is_some());
        let build = |idle_connections| {
            let mut client = Client::builder();
            if is_on_this_machine(&url) {
                // A proxy would look for the service on its own machine.
                client = client.no_proxy();
            }
            let client = client
                .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(config.connect_timeout())
                .pool_idle_timeout(idle)
                .pool_max_idle_per_host(idle_connections)
                .redirect(Policy::none());
            client.build().map_err(|error| {
                Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_source(error)
            })
        };
        Ok(Self::over(build(usize::MAX)?, build(0)?, base, &url, config))
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
        let (base, url) = address(config)?;
        Ok(Self::over(client.clone(), client, base, &url, config))
    }

    fn over(client: Client, unpooled: Client, base: String, url: &Url, config: &ClientConfig) -> Self {
        Self {
            client,
            unpooled,
            base,
            origin: url.origin().ascii_serialization(),
            timeout: config.timeout(),
            max_response_bytes: config.max_response_bytes(),
        }
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

/// The address of a configuration that is sound, as text and taken apart.
fn address(config: &ClientConfig) -> Result<(String, Url), Error> {
    config.validate()?;
    let base = config.required_url()?.to_owned();
    let url = Url::parse(&base).map_err(|error| Error::config("url", format_args!("is no URL: {error}")))?;
    Ok((base, url))
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

impl Transport for ReqwestTransport {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let timeout = call.timeout().unwrap_or(self.timeout);
        // A second timer for the same attempt would only cost.
        let is_limited = call.limit.is_some();
        let (parts, body) = call.request.into_parts();
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        // Where one connection of the pool is stale, so may the next one be.
        let client = if call.attempt > 1 { &self.unpooled } else { &self.client };
        let mut request =
            client.request(parts.method, format!("{}{target}", self.base)).headers(parts.headers).body(body);
        if !is_limited {
            request = request.timeout(timeout);
        }
        let mut response = request.send().await.map_err(|error| self.failure(&error, timeout))?;

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
