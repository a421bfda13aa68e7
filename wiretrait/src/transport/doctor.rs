//! Checks of each step on the way to a service, for programs that explain why it cannot be reached.
//!
//! [`diagnose`] makes the steps that a network transport makes for its first call, with the same settings: it
//! reads certificates, chooses the proxy, looks up the name, connects, makes the TLS handshake, and gets a token.
//! It sends no request to the service.
//!
//! ```no_run
//! use wiretrait::{ClientConfig, doctor};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> wiretrait::Result<()> {
//! let config = ClientConfig::from_url("https://books.staging")?;
//! for step in doctor::diagnose(&config).await {
//!     println!("{step}");
//! }
//! # Ok(())
//! # }
//! ```

use super::address::origin_of;
#[cfg(feature = "rustls")]
use super::dial::handshake;
use super::dial::{BoxStream, Dial};
use super::failure::{Peer, ProxyFailure};
use super::proxy::host_and_port;
#[cfg(feature = "rustls")]
use super::tls::{Facts, Tls, date};
use crate::config::ClientConfig;
use crate::error::Error;
use http::Uri;
use std::error::Error as StdError;
#[cfg(feature = "rustls")]
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use std::{fmt, io};
#[cfg(feature = "rustls")]
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// One step on the way to a service, and its result.
///
/// `Display` writes one line, such as `connection: 10.0.0.1:443 accepts connections`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step {
    /// The address of the service, without path and credentials.
    pub address: String,
    /// The kind of step.
    pub check: Check,
    /// A description of the finding, in one line, or the error with its remedy.
    pub result: Result<String, Error>,
}

/// The steps on the way to a service, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// The settings: limits, certificates and the choice of the proxy.
    Configuration,
    /// The lookup of the name of the service, or of that of the proxy.
    Name,
    /// The connection to the service, through the proxy if there is one.
    Connection,
    /// The TLS handshake with the service.
    Tls,
    /// The bearer token, if the configuration has a [source](ClientConfig::with_token_provider) of tokens.
    Token,
}

impl Check {
    /// Returns the name of the step, such as `connection`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Tls => "TLS",
            Self::Token => "token",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.check.as_str();
        match &self.result {
            Ok(found) => write!(f, "{name}: {found}"),
            Err(error) => write!(f, "{name}: failed: {error}"),
        }
    }
}

/// Makes the steps to the service of `config`, and to its fallbacks. For each address, the first step that fails
/// is the last one. Each step ends within the time limit for opening a connection, or for a token within the time
/// limit of its source.
///
/// There is no step [`Check::Tls`] for an address without TLS, and for the transport over reqwest in a build
/// without the feature `rustls`.
pub async fn diagnose(config: &ClientConfig) -> Vec<Step> {
    let url = config.validate().and_then(|()| config.required_url());
    let url = match url {
        Ok(url) => url,
        Err(error) => {
            let address = config.base_url().map(address).unwrap_or_default();
            return vec![Step { address, check: Check::Configuration, result: Err(error) }];
        }
    };
    let mut steps = Vec::new();
    for url in std::iter::once(url).chain(config.fallback_urls().iter().map(|url| &**url)) {
        let mut way = Way { address: address(url), limit: config.connect_timeout(), steps: &mut steps };
        // The steps after a failure are not made.
        let _ = way.follow(config).await;
    }
    steps
}

/// Returns a URL without path and credentials.
fn address(url: &str) -> String {
    url.parse().map(|uri: Uri| origin_of(&uri)).unwrap_or_default()
}

/// The way to one address.
struct Way<'s> {
    address: String,
    /// The time limit of a step.
    limit: Duration,
    steps: &'s mut Vec<Step>,
}

impl Way<'_> {
    /// Makes all steps. Returns `None` after one that failed.
    async fn follow(&mut self, config: &ClientConfig) -> Option<()> {
        let (address, direct) = (self.address.clone(), Peer::new(self.address.clone()));
        let dial = std::future::ready(prepare(config, &address));
        let (peer, dial) = self.step(Check::Configuration, &direct, dial).await?;
        let addresses = self.step(Check::Name, &peer, look_up(&dial, &peer)).await?;
        let stream =
            self.step(Check::Connection, &peer, connect(&dial, &peer, &addresses, self.limit)).await?;
        #[cfg(feature = "rustls")]
        if let Some(tls) = dial.tls.as_ref().filter(|_| dial.origin.scheme_str() == Some("https")) {
            self.step(Check::Tls, &peer, shake_hands(tls, &dial, &peer, stream)).await?;
        } else {
            drop(stream);
        }
        #[cfg(not(feature = "rustls"))]
        drop(stream);
        if let Some(tokens) = config.tokens() {
            // The source of tokens has a time limit.
            let result = tokens.get().await.map(|_| format!("{} has a token", tokens.name()));
            self.add(Check::Token, result)?;
        }
        Some(())
    }

    /// Makes one step, which returns what it found and a value for the next steps.
    async fn step<T>(
        &mut self,
        check: Check,
        peer: &Peer,
        step: impl Future<Output = Result<(String, T), Error>>,
    ) -> Option<T> {
        let outcome = tokio::time::timeout(self.limit, step).await;
        match outcome.unwrap_or_else(|_| Err(peer.not_connected_in_time())) {
            Ok((found, value)) => self.add(check, Ok(found)).map(|()| value),
            Err(error) => {
                self.add(check, Err(error));
                None
            }
        }
    }

    /// Adds a step, and returns `None` if it failed.
    fn add(&mut self, check: Check, result: Result<String, Error>) -> Option<()> {
        let is_ok = result.is_ok();
        self.steps.push(Step { address: self.address.clone(), check, result });
        is_ok.then_some(())
    }
}

/// Reads the certificates and chooses the proxy.
fn prepare(config: &ClientConfig, address: &str) -> Result<(String, (Peer, Dial)), Error> {
    let origin = address.parse();
    let origin = origin.map_err(|error| Error::config("url", format_args!("is not a valid URL: {error}")))?;
    let dial = Dial::new(config, origin)?;
    let peer = dial.peer(address.to_owned());
    let way = match &dial.proxy {
        Some(proxy) => format!("through the proxy {proxy}"),
        None => "without a proxy".to_owned(),
    };
    let insecure = if config.tls().is_insecure() { ", certificates are NOT verified" } else { "" };
    Ok((format!("{address} {way}{insecure}"), (peer, dial)))
}

/// Looks up the name of the proxy, or else that of the service.
async fn look_up(dial: &Dial, peer: &Peer) -> Result<(String, Vec<SocketAddr>), Error> {
    let uri = dial.proxy.as_ref().map_or(&dial.origin, |proxy| &proxy.uri);
    let (host, port) = host_and_port(uri);
    if let Some(address) = dial.connect_to(uri) {
        return Ok((format!("`{host}` is connected to at {address}"), vec![address]));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok((format!("`{host}` is an address"), vec![(address, port).into()]));
    }
    let mut addresses = dial.resolver.lookup(host).await.map_err(|error| unreachable(dial, peer, &error))?;
    for address in &mut addresses {
        address.set_port(port);
    }
    let list: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    Ok((format!("`{host}` has the address {}", list.join(", ")), addresses))
}

fn unreachable(dial: &Dial, peer: &Peer, error: &(dyn StdError + 'static)) -> Error {
    match &dial.proxy {
        Some(proxy) => peer.not_connected(&ProxyFailure::unreachable(proxy, error)),
        None => peer.not_connected(error),
    }
}

/// Connects to each of `addresses`, and through the proxy if there is one.
async fn connect(
    dial: &Dial,
    peer: &Peer,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<(String, BoxStream), Error> {
    // A part for each address, and one for the handshake with the proxy.
    let share = limit / u32::try_from(addresses.len() + 1).unwrap_or(u32::MAX);
    let (mut found, mut first) =
        (Vec::new(), Err(unreachable(dial, peer, &io::Error::other("it has no address"))));
    for address in addresses {
        let outcome = tokio::time::timeout(share, TcpStream::connect(address)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "timed out")));
        match outcome {
            Ok(stream) => {
                found.push(format!("{address} accepts connections"));
                first = first.or(Ok(stream));
            }
            Err(error) => {
                found.push(format!("{address}: {error}"));
                first = first.map_err(|_| unreachable(dial, peer, &error));
            }
        }
    }
    let stream: BoxStream = Box::new(first?);
    let Some(proxy) = &dial.proxy else { return Ok((found.join(", "), stream)) };
    drop(stream);
    let stream = dial.through(proxy).await.map_err(|error| peer.not_connected(&*error))?;
    let (host, port) = host_and_port(&dial.origin);
    let does = if proxy.forwards(&dial.origin) { "forwards requests" } else { "connects" };
    Ok((format!("{}, the proxy {proxy} {does} to {host}:{port}", found.join(", ")), stream))
}

/// Makes the TLS handshake, and describes the certificate of the service.
#[cfg(feature = "rustls")]
async fn shake_hands(tls: &Tls, dial: &Dial, peer: &Peer, stream: BoxStream) -> Result<(String, ()), Error> {
    let mut stream =
        handshake(tls, &dial.origin, stream).await.map_err(|error| peer.not_connected(&error))?;
    let asks = tls.client_auth.is_requested();
    if asks {
        // In TLS 1.3, the service rejects the client's certificate after the handshake.
        let read = tokio::time::timeout(PATIENCE, stream.read_u8()).await;
        if let Ok(Err(error)) = read
            && let Some(rejected) = peer.rejected_certificate(&error)
        {
            return Err(rejected);
        }
    }
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS",
    };
    let mut found = version.to_owned();
    if let Some(facts) = session.peer_certificates().and_then(|chain| Facts::of(chain.first()?)) {
        let Facts { subject, issuer, not_after, .. } = &facts;
        let _ = write!(
            found,
            ", the certificate {} (subject `{subject}`, issuer `{issuer}`, valid until {})",
            facts.purpose(),
            date(*not_after)
        );
    }
    if asks {
        found.push_str(match tls.client_auth.description() {
            Some(_) => ", the client certificate is sent",
            None => ", the service asks for a client certificate, but none is set",
        });
    }
    if let Some(protocol) = session.alpn_protocol() {
        let _ = write!(found, ", protocol {}", String::from_utf8_lossy(protocol));
    }
    Ok((found, ()))
}

/// The time to wait for the rejection of a client's certificate.
#[cfg(feature = "rustls")]
const PATIENCE: Duration = Duration::from_millis(300);
