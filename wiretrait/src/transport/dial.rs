//! The opening of connections: name lookup, TCP, proxy and TLS.

use super::failure::{Peer, ProxyFailure, root_cause};
#[cfg(all(feature = "hyper", feature = "rustls"))]
use super::phases;
use super::proxy::{ProxyKind, ProxyRoute, host_and_port};
use super::resolver::Resolver;
#[cfg(feature = "rustls")]
use super::tls::Tls;
use super::tunnel;
use crate::config::ClientConfig;
#[cfg(feature = "rustls")]
use crate::config::HttpVersion;
use crate::error::Error;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error as StdError;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(feature = "rustls")]
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Everything that the connections to one service have in common.
#[derive(Clone)]
pub(super) struct Dial {
    /// Scheme, host and port of the service.
    pub(super) origin: Uri,
    pub(super) resolver: Resolver,
    pub(super) proxy: Option<ProxyRoute>,
    tcp: HttpConnector<Resolver>,
    /// The addresses that replace those of a host and port.
    connect_to: Vec<((String, u16), SocketAddr)>,
    user_agent: HeaderValue,
    /// The connection to the service, if a token could be read on it and that is not allowed.
    exposed: Option<String>,
    /// `None` if neither the service nor the proxy is reached over TLS.
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Tls>,
}

/// An open connection to a service.
#[cfg(feature = "hyper")]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "rustls")]
    Tls(Box<TlsStream<TcpStream>>),
    /// Through a proxy.
    Proxied(BoxStream),
    #[cfg(feature = "rustls")]
    ProxiedTls(Box<TlsStream<BoxStream>>),
}

pub(super) type BoxStream = Box<dyn ReadWrite>;

/// A byte stream whose type is erased.
pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for S {}

impl Dial {
    /// Prepares connections to `origin` with the settings of `config`. Certificates are read now.
    pub(super) fn new(config: &ClientConfig, origin: Uri) -> Result<Self, Error> {
        let proxy = ProxyRoute::of(config, &origin)?;
        let hosts = [Some(host_and_port(&origin)), proxy.as_ref().map(ProxyRoute::host_and_port)];
        let replaced =
            |(host, port): (&str, u16)| Some(((host.to_owned(), port), config.connect_to(host, port)?));
        let connect_to = hosts.iter().copied().flatten().filter_map(replaced).collect();
        let resolver = Resolver::new(config, hosts.into_iter().flatten());
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.set_nodelay(true);
        // The schemes of proxies are others.
        tcp.enforce_http(false);
        // hyper-util divides it among the addresses of the host, so that one that drops packets leaves time
        // for the others.
        tcp.set_connect_timeout(Some(config.connect_timeout()));
        Ok(Self {
            #[cfg(feature = "rustls")]
            tls: tls(config, &origin, proxy.as_ref())?,
            origin,
            resolver,
            proxy,
            tcp,
            connect_to,
            user_agent: config.user_agent_header()?,
            exposed: config.exposed_origin(),
        })
    }

    /// Replaces the resolver.
    #[cfg(test)]
    pub(super) fn with_resolver(mut self, resolver: Resolver) -> Self {
        self.tcp = HttpConnector::new_with_resolver(resolver.clone());
        self.resolver = resolver;
        self
    }

    /// Returns the other end of the connections, for messages.
    pub(super) fn peer(&self, origin: String) -> Peer {
        Peer {
            proxy: self.proxy.clone(),
            exposed: self.exposed.clone(),
            resolver: Some(self.resolver.clone()),
            #[cfg(feature = "rustls")]
            client_auth: self.tls.as_ref().map(|tls| tls.client_auth.clone()).unwrap_or_default(),
            ..Peer::new(origin)
        }
    }

    /// Opens a connection to the service.
    #[cfg(feature = "hyper")]
    pub(super) async fn connect(&self) -> Result<Stream, BoxError> {
        let Some(proxy) = &self.proxy else {
            let tcp = self.tcp(&self.origin).await?;
            #[cfg(feature = "rustls")]
            if let Some(tls) = &self.tls {
                phases::connected();
                return Ok(Stream::Tls(Box::new(handshake(tls, &self.origin, tcp).await?)));
            }
            return Ok(Stream::Tcp(tcp));
        };
        let stream = self.through(proxy).await?;
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls
            && self.origin.scheme_str() == Some("https")
        {
            phases::connected();
            return Ok(Stream::ProxiedTls(Box::new(handshake(tls, &self.origin, stream).await?)));
        }
        Ok(Stream::Proxied(stream))
    }

    /// Opens a connection to the service that does not use TLS yet, or to the proxy if that forwards requests.
    pub(super) async fn open(&self) -> Result<BoxStream, BoxError> {
        match &self.proxy {
            Some(proxy) => self.through(proxy).await,
            None => Ok(Box::new(self.tcp(&self.origin).await?)),
        }
    }

    /// Opens such a connection through `proxy`.
    pub(super) async fn through(&self, proxy: &ProxyRoute) -> Result<BoxStream, BoxError> {
        let tcp = self
            .tcp(&proxy.uri)
            .await
            .map_err(|error| ProxyFailure::unreachable(proxy, root_cause(&*error)))?;
        let stream: BoxStream = match proxy.kind {
            #[cfg(feature = "rustls")]
            ProxyKind::Https => {
                let Some(tls) = &self.tls else { return Err("TLS is not set up".into()) };
                // The proxy speaks HTTP/1.1, whatever the service speaks.
                let tls = tls.without_alpn();
                let stream = handshake(&tls, &proxy.uri, tcp)
                    .await
                    .map_err(|error| ProxyFailure::unreachable_over_tls(proxy, &error, &tls.client_auth))?;
                Box::new(stream)
            }
            _ => Box::new(tcp),
        };
        if proxy.forwards(&self.origin) { Ok(stream) } else { self.tunnel(stream, proxy).await }
    }

    /// Asks the proxy at the other end of `stream` for a connection to the service.
    pub(super) async fn tunnel(
        &self,
        mut stream: BoxStream,
        proxy: &ProxyRoute,
    ) -> Result<BoxStream, BoxError> {
        let (host, port) = host_and_port(&self.origin);
        let target_host = self.origin.host().unwrap_or_default();
        let host: String = match proxy.kind {
            ProxyKind::Http | ProxyKind::Https => {
                tunnel::connect(&mut stream, proxy, (target_host, port), &self.user_agent).await?;
                return Ok(stream);
            }
            ProxyKind::Socks4a | ProxyKind::Socks5h => target_host.to_owned(),
            ProxyKind::Socks4 | ProxyKind::Socks5 => match self.resolver.lookup(host).await?.first() {
                Some(address) if address.is_ipv6() => format!("[{}]", address.ip()),
                Some(address) => address.ip().to_string(),
                None => target_host.to_owned(),
            },
        };
        let target = format!("http://{host}:{port}").parse()?;
        Ok(tunnel::socks(stream, proxy, target).await?)
    }

    /// Opens a TCP connection.
    async fn tcp(&self, uri: &Uri) -> Result<TcpStream, BoxError> {
        let uri = match self.connect_to(uri) {
            Some(address) => format!("http://{address}").parse()?,
            None => uri.clone(),
        };
        // The connector is always ready.
        Ok(self.tcp.clone().call(uri).await?.into_inner())
    }

    /// Returns the address that replaces those of the host and port of `uri`.
    pub(super) fn connect_to(&self, uri: &Uri) -> Option<SocketAddr> {
        let of_uri = host_and_port(uri);
        let found = self.connect_to.iter().find(|((host, port), _)| (host.as_str(), *port) == of_uri);
        found.map(|(_, address)| *address)
    }
}

/// Asks the proxy of `config` at the other end of `stream` for a connection to the service.
#[cfg(all(fuzzing, feature = "hyper"))]
pub(crate) async fn tunnel_over(
    config: &ClientConfig,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<impl AsyncRead + AsyncWrite + Unpin, Error> {
    let url = config.required_url()?;
    let origin: Uri = url.parse().map_err(|_| Error::config("url", "is not a valid URL"))?;
    let dial = Dial::new(config, origin)?;
    let peer = dial.peer(url.to_owned());
    let proxy = dial.proxy.as_ref().ok_or_else(|| Error::config("proxy", "is missing"))?;
    dial.tunnel(Box::new(stream), proxy).await.map_err(|error| peer.not_connected(&*error))
}

/// Returns the TLS settings if they are needed on the way to `origin`.
#[cfg(feature = "rustls")]
fn tls(config: &ClientConfig, origin: &Uri, proxy: Option<&ProxyRoute>) -> Result<Option<Tls>, Error> {
    let is_https = origin.scheme_str() == Some("https");
    if !is_https && proxy.is_none_or(|proxy| proxy.kind != ProxyKind::Https) {
        return Ok(None);
    }
    let alpn: &[&str] = match config.http_version() {
        HttpVersion::Http1 => &["http/1.1"],
        HttpVersion::Http2 => &["h2"],
    };
    Tls::new(config.tls(), alpn).map(Some)
}

/// Makes the TLS handshake with the host of `uri`.
#[cfg(feature = "rustls")]
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &Tls,
    uri: &Uri,
    stream: S,
) -> Result<TlsStream<S>, std::io::Error> {
    use rustls::pki_types::ServerName;

    let (host, _) = host_and_port(uri);
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    TlsConnector::from(tls.config.clone()).connect(name, stream).await
}
