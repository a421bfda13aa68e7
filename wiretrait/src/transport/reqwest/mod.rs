//! HTTP over the network with reqwest.

mod urls;

use self::urls::Urls;
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::runtime::{Call, Encoding, Request, Response, Transport};
use crate::transport::body::LimitedBody;
use crate::transport::default_headers::DefaultHeaders;
use crate::transport::failure::{
    invalid_request, no_connection, no_connection_in_time, root_cause, timed_out,
};
use crate::transport::permits::{Patience, Permits};
use crate::transport::protocol::{self, End, MAX_HEADERS};
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url, retry};
use std::error::Error as StdError;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Sends requests to one service with reqwest. All clones share a pool of connections.
///
/// Redirects are not followed, because that would turn a POST into a GET. Proxies are those of `HTTP_PROXY`,
/// `HTTPS_PROXY` and `NO_PROXY`, except for a service on the same machine.
///
/// Without [`Policies`](crate::Policies) it has the time and size limits of its configuration, but no
/// retries. Generated clients have the policies if they are created by `connect`, `from_config` or
/// `from_transport`.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    /// `None` if the user's own client is used.
    unpooled: Option<Arc<Unpooled>>,
    urls: Urls,
    /// The headers of the configuration, the credentials of the address, and for `http` its host, which avoids
    /// formatting the header for each request.
    headers: Arc<DefaultHeaders>,
    /// The address without path and credentials, for messages.
    origin: String,
    permits: Permits,
    timeout: Duration,
    max_response_bytes: usize,
    encoding: Encoding,
}

impl ReqwestTransport {
    /// Creates a transport with the settings of `config`. It does not open a connection yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is not [valid](ClientConfig::validate) or has no address,
    /// if the address cannot be used, or if TLS cannot be set up.
    pub fn new(config: &ClientConfig) -> Result<Self, Error> {
        let url = address(config)?;
        let settings = Settings::new(config, &url)?;
        let client = settings.build(usize::MAX).map_err(|error| {
            Error::new(ErrorKind::Config, "cannot set up the HTTP client").with_source(error)
        })?;
        let host = url.origin().ascii_serialization();
        let host = host.strip_prefix("http://").and_then(|host| HeaderValue::try_from(host).ok());
        let mut transport = Self::over(client, url, config, host)?;
        transport.unpooled = Some(Arc::new(Unpooled { settings, client: OnceLock::new() }));
        Ok(transport)
    }

    /// Creates a transport over a reqwest client, with its TLS, proxies, pool and user agent. All other
    /// settings are those of `config`, including its headers.
    ///
    /// The client should close idle connections before the service does (many servers do after 5 seconds): a
    /// request over a connection that is being closed fails, which costs an idempotent call a retry and any
    /// other call an error. It should not follow redirects.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is not [valid](ClientConfig::validate), or if its address
    /// cannot be used.
    pub fn with_client(client: Client, config: &ClientConfig) -> Result<Self, Error> {
        Self::over(client, address(config)?, config, None)
    }

    fn over(
        client: Client,
        url: Url,
        config: &ClientConfig,
        host: Option<HeaderValue>,
    ) -> Result<Self, Error> {
        // This request is never sent: the builder moves credentials from the URL into a header.
        let example = client
            .get(url)
            .build()
            .map_err(|error| Error::config("url", format_args!("cannot be used: {}", cause(&error))))?;
        let credentials = example.headers().get(AUTHORIZATION).map(|value| (AUTHORIZATION, value.clone()));
        let others = host.map(|host| (HOST, host)).into_iter().chain(credentials);
        let url = example.url().clone();
        Ok(Self {
            client,
            unpooled: None,
            headers: Arc::new(DefaultHeaders::new(config, others)),
            origin: url.origin().ascii_serialization(),
            urls: Urls::new(url),
            permits: Permits::new(config.concurrency_limit()),
            timeout: config.timeout(),
            max_response_bytes: config.max_response_bytes(),
            encoding: config.encoding(),
        })
    }

    /// Returns the address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn failure(&self, error: &reqwest::Error) -> Error {
        let Self { origin, timeout, .. } = self;
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => no_connection_in_time(origin),
            (true, false) => timed_out(origin, *timeout),
            (false, true) => no_connection(origin, cause(error)),
            (false, false) if error.is_builder() => invalid_request(cause(error)),
            (false, false) => protocol::failed(origin, error),
        }
    }
}

/// Validates `config`, and parses its address.
fn address(config: &ClientConfig) -> Result<Url, Error> {
    config.validate()?;
    Url::parse(config.required_url()?)
        .map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))
}

/// The settings that both clients of a transport share.
struct Settings {
    is_local: bool,
    connect_timeout: Duration,
    pool_idle_timeout: Option<Duration>,
    user_agent: HeaderValue,
}

impl Settings {
    fn new(config: &ClientConfig, url: &Url) -> Result<Self, Error> {
        // The pool adds it to the current instant, which may overflow.
        let idle =
            Some(config.pool_idle_timeout()).filter(|idle| Instant::now().checked_add(*idle).is_some());
        Ok(Self {
            is_local: is_on_this_machine(url),
            connect_timeout: config.connect_timeout(),
            pool_idle_timeout: idle,
            user_agent: config.user_agent_header()?,
        })
    }

    fn build(&self, idle_connections: usize) -> reqwest::Result<Client> {
        let mut client = Client::builder();
        if self.is_local {
            // A proxy would resolve the address to its own machine.
            client = client.no_proxy();
        }
        client
            .user_agent(self.user_agent.clone())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.pool_idle_timeout)
            .pool_max_idle_per_host(idle_connections)
            .redirect(Policy::none())
            // Another crate may enable HTTP/2, which would otherwise be chosen by ALPN.
            .http1_only()
            .http1_max_headers(MAX_HEADERS)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            // Another crate may enable these features. Decompression is not supported by the size limit.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            // reqwest's own retries are for HTTP/2, and copy each request.
            .retry(retry::never().max_retries_per_request(0))
            .build()
    }
}

/// A client that opens a connection for each request, for retries. It is created when it is needed first,
/// because most transports never need it and TLS is slow to set up.
struct Unpooled {
    settings: Settings,
    client: OnceLock<Client>,
}

impl Unpooled {
    /// Returns the client, or `pooled` if it cannot be set up.
    fn or(&self, pooled: &Client) -> &Client {
        self.client.get_or_init(|| self.settings.build(0).unwrap_or_else(|_| pooled.clone()))
    }
}

fn is_on_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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

impl ReqwestTransport {
    fn request(&self, request: Request, has_one_path: bool) -> reqwest::Request {
        let url = self.urls.of(request.uri(), has_one_path);
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        self.headers.add_to(request.headers_mut());
        *request.body_mut() = Some(body.into());
        request
    }

    async fn attempt(&self, request: reqwest::Request, is_first: bool) -> Result<Response, Error> {
        // Retries do not use the pool: if one connection of it is stale, the next one may be too.
        let client = match &self.unpooled {
            Some(unpooled) if !is_first => unpooled.or(&self.client),
            _ => &self.client,
        };
        let response = client.execute(request).await;
        let mut response = response.map_err(|error| self.failure(&error))?;
        let (status, version) = (response.status(), response.version());
        let announced = response.content_length();
        let end = match announced {
            Some(_) => End::Marked,
            None => protocol::end_of(&self.origin, version, response.headers())?,
        };
        if end == End::Close {
            protocol::check_close(&self.origin, version, response.headers())?;
        }
        let mut body = LimitedBody::new(status, announced.unwrap_or(0), self.max_response_bytes)?;
        while !body.is_too_large()
            && let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))?
        {
            body.push(chunk)?;
        }
        let mut head = http::Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = std::mem::take(response.headers_mut());
        let response = body.finish(head.into_parts().0)?;
        if end == End::Close {
            protocol::check_complete(&self.origin, version, &response)?;
        }
        Ok(response)
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let timeout = call.timeout().unwrap_or(self.timeout);
        let late = move || timed_out(&self.origin, timeout);
        let patience = Patience::of(&call, timeout);
        // The rest of the call is not kept, because this future is part of the future of each caller.
        let (is_first, has_one_path) = (call.attempt == 1, !call.route.path.contains('{'));
        let request = call.request;
        let start = move || self.attempt(self.request(request, has_one_path), is_first);
        self.permits.attempt(patience, late, start)
    }

    fn peer(&self) -> &str {
        &self.origin
    }

    fn encoding(&self) -> Encoding {
        self.encoding.clone()
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
