//! Checks of each step of connecting to a service, for programs that explain why it cannot be reached.
//!
//! [`diagnose`] makes the steps that a network transport makes for its first call, with the same settings: it
//! reads certificates, chooses the proxy, looks up the name, connects, makes the TLS handshake, finds out which protocol the
//! service speaks, and gets a token. Of HTTP, it sends only `OPTIONS /` or `HEAD /` without credentials, and the start of a connection.
//! [`explain`] makes only the step of the protocol, for programs that could not call a service.
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

mod first_bytes;
mod protocol;

use self::first_bytes::Spoken;
use self::protocol::{Connections, Finding, Questions, Silence, Unknown, ask_proxy};
use super::address::origin_of;
#[cfg(feature = "rustls")]
use super::dial::handshake;
use super::dial::{BoxStream, Dial};
use super::failure::{CHECK_GRPC_PORT, Peer, ProxyFailure};
use super::proxy::{ProxyRoute, host_and_port};
#[cfg(feature = "rustls")]
use super::tls::{Facts, Tls, date, is_no_version, is_without_tls};
use super::tunnel;
use crate::config::{ClientConfig, HttpVersion};
use crate::error::{Error, ErrorKind};
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
use tokio::time::Instant;

/// One step of connecting to a service, and its result.
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

/// The steps of connecting to a service, in their order.
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
    /// The protocol that the service speaks, as far as its first bytes are certain: HTTP/1.1, HTTP/2, TLS or another one. The step
    /// fails if that is certainly not the protocol of the configuration, and not if it is unknown.
    Protocol,
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
            Self::Protocol => "protocol",
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
/// is the last one, but for [`Check::Protocol`] after a service that does not complete a TLS handshake. Each step ends
/// within the time limit for opening a connection, or for a token within the time limit of its source.
///
/// There is no step [`Check::Tls`] for an address without TLS, and for the transport over reqwest in a build
/// without the feature `rustls`, which has no step [`Check::Protocol`] for `https` either.
pub async fn diagnose(config: &ClientConfig) -> Vec<Step> {
    let url = config.validate().and_then(|()| config.required_url());
    let url = match url {
        Ok(url) => url,
        Err(error) => {
            let address = config.base_url().map(address).unwrap_or_default();
            return vec![Step { address, check: Check::Configuration, result: Err(error) }];
        }
    };
    let limit = config.connect_timeout();
    let mut steps = Vec::new();
    for url in std::iter::once(url).chain(config.fallback_urls().iter().map(|url| &**url)) {
        let mut way = Way { address: address(url), limit, end: None, steps: &mut steps };
        // The steps after a failure are not made.
        if way.reach(config).await.is_some() {
            way.get_token(config).await;
        }
    }
    steps
}

/// Adds its cause to the `failure` of a call, if the service certainly speaks another protocol than that of `config`: the
/// error of the first step [`Check::Protocol`] becomes the advice, or the message if the TLS handshake failed, and the
/// kind is [`ErrorKind::Protocol`]. If there are fallbacks, each must speak another protocol too, since one that is starting
/// may still serve.
///
/// # Errors
///
/// Returns the failure unchanged if the service speaks the protocol of the configuration, if that is not certain within
/// `limit`, or if the failure has another cause, such as the proxy, a certificate or a time limit.
pub async fn explain(config: &ClientConfig, failure: Error, limit: Duration) -> Result<Error, Error> {
    use ErrorKind::{Connect, Protocol, Tls, Transport};

    // The steps end before that of the protocol if the certificate is rejected.
    let is_doubtful = matches!(failure.kind(), Connect | Transport | Protocol | Tls)
        // The status is that of a proxy.
        && failure.status().is_none()
        && !failure.is_local_limit()
        && !failure.is_proxy_failure()
        && !limit.is_zero();
    if is_doubtful && let Some(cause) = protocol_mismatch(config, limit).await {
        return Ok(failure.with_protocol_mismatch(&cause));
    }
    Err(failure)
}

async fn protocol_mismatch(config: &ClientConfig, limit: Duration) -> Option<Error> {
    let url = config.validate().and_then(|()| config.required_url()).ok()?;
    let end = after(limit);
    let search = async {
        let mut first = None;
        for url in std::iter::once(url).chain(config.fallback_urls().iter().map(|url| &**url)) {
            let mut steps = Vec::new();
            let limit = limit.min(config.connect_timeout());
            let mut way = Way { address: address(url), limit, end: Some(end), steps: &mut steps };
            let _ = way.reach(config).await;
            let last = steps.pop().filter(|step| step.check == Check::Protocol)?;
            first = first.or(Some(last.result.err()?));
        }
        first
    };
    tokio::time::timeout(limit, search).await.ok().flatten()
}

/// Returns the moment after `limit`, which has no upper bound.
fn after(limit: Duration) -> Instant {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    Instant::now() + limit.min(DAY)
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
    /// The end of all steps, if there is one.
    end: Option<Instant>,
    steps: &'s mut Vec<Step>,
}

impl Way<'_> {
    /// Makes the steps to the service. Returns `None` after one that failed.
    async fn reach(&mut self, config: &ClientConfig) -> Option<()> {
        let (address, direct) = (self.address.clone(), Peer::new(self.address.clone()));
        let dial = std::future::ready(prepare(config, &address));
        let (peer, dial) = self.step(Check::Configuration, &direct, dial).await?;
        let addresses = self.step(Check::Name, &peer, look_up(&dial, &peer)).await?;
        let stream =
            self.step(Check::Connection, &peer, connect(&dial, &peer, &addresses, self.limit)).await?;
        let is_https = dial.origin.scheme_str() == Some("https");
        #[cfg(feature = "rustls")]
        if let Some(tls) = dial.tls.as_ref().filter(|_| is_https) {
            let mut may_lack_tls = false;
            let handshake = shake_hands(config, tls, &dial, &peer, stream, &mut may_lack_tls);
            if self.step(Check::Tls, &peer, handshake).await.is_none() {
                if may_lack_tls {
                    self.find_protocol_without_tls(config, &dial, &peer).await;
                }
                return None;
            }
        } else {
            drop(stream);
        }
        #[cfg(not(feature = "rustls"))]
        drop(stream);
        if is_https && cfg!(not(feature = "rustls")) {
            return Some(());
        }
        let until = self.end_of_questions();
        let found = match dial.proxy.as_ref().filter(|proxy| proxy.forwards(&dial.origin)) {
            Some(proxy) => protocol_of_proxy(&dial, proxy, &peer, until).await,
            None => protocol(config, &dial, &peer, is_https, until).await,
        };
        self.add(Check::Protocol, found)
    }

    /// Returns the end of the questions about the protocol that begin now.
    fn end_of_questions(&self) -> Instant {
        let end = after(self.limit);
        self.end.map_or(end, |last| last.min(end))
    }

    /// Adds a step if a service that does not complete a TLS handshake speaks another protocol.
    #[cfg(feature = "rustls")]
    async fn find_protocol_without_tls(&mut self, config: &ClientConfig, dial: &Dial, peer: &Peer) {
        let chosen = config.http_version();
        // A second handshake would fail like the first one.
        let questions = Questions { hello: None, ..questions(config, dial, false, self.end_of_questions()) };
        let error = match questions.ask().await {
            Finding::NotHttp(name) => not_http(peer, name),
            Finding::AsChosen => peer.speaks_without_tls(shown(chosen)),
            Finding::OtherVersion => {
                let other = protocol::other(chosen);
                peer.speaks_without_tls(shown(other)).with_advice(Some(advice(config, other).into()))
            }
            Finding::Unknown(Unknown { also: Some(Spoken::Http(version)), .. }) => {
                peer.speaks_without_tls(shown(version))
            }
            Finding::NeedsTls | Finding::Unknown(_) => return,
        };
        self.add(Check::Protocol, Err(error));
    }

    /// Makes the step of the token.
    async fn get_token(&mut self, config: &ClientConfig) {
        if let Some(tokens) = config.tokens() {
            // The source of tokens has a time limit.
            let result = tokens.get().await.map(|_| format!("{} has a token", tokens.name()));
            self.add(Check::Token, result);
        }
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
    let given = if dial.resolver.is_given(host) { "given " } else { "" };
    Ok((format!("`{host}` has the {given}address {}", list.join(", ")), addresses))
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
async fn shake_hands(
    config: &ClientConfig,
    tls: &Tls,
    dial: &Dial,
    peer: &Peer,
    stream: BoxStream,
    may_lack_tls: &mut bool,
) -> Result<(String, ()), Error> {
    let mut stream = handshake(tls, &dial.origin, stream).await.map_err(|error| {
        *may_lack_tls = match rustls_error(&error) {
            Some(error) => is_without_tls(error),
            None => true,
        };
        let has_no_version = rustls_error(&error).is_some_and(is_no_version);
        let advice = (has_no_version && config.is_for_grpc()).then(|| CHECK_GRPC_PORT.into());
        peer.not_connected(&error).with_advice(advice)
    })?;
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

/// Returns the error of rustls in that of a connection.
#[cfg(feature = "rustls")]
fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Returns the questions to a service, over TLS if `is_tls`.
fn questions<'d>(
    config: &ClientConfig,
    dial: &'d Dial,
    is_tls: bool,
    deadline: Instant,
) -> Questions<Dialed<'d>> {
    Questions {
        connections: Dialed { dial, is_tls },
        version: config.http_version(),
        authority: dial.origin.authority().map(ToString::to_string).unwrap_or_default(),
        is_plain: !is_tls,
        hello: if is_tls { None } else { hello(&dial.origin) },
        deadline,
    }
}

/// Finds out whether the service speaks the protocol of the configuration.
async fn protocol(
    config: &ClientConfig,
    dial: &Dial,
    peer: &Peer,
    is_tls: bool,
    deadline: Instant,
) -> Result<String, Error> {
    let chosen = shown(config.http_version());
    match questions(config, dial, is_tls, deadline).ask().await {
        Finding::AsChosen => Ok(format!("the service speaks {chosen}")),
        Finding::OtherVersion => {
            let other = protocol::other(config.http_version());
            let (origin, advice) = (&peer.origin, advice(config, other));
            let message = format!("the service at {origin} speaks only {}: {advice}", shown(other));
            Err(Error::new(ErrorKind::Protocol, message))
        }
        Finding::NeedsTls => Err(peer.needs_tls()),
        Finding::NotHttp(name) => Err(not_http(peer, name)),
        Finding::Unknown(Unknown { reason, also }) => {
            let reason = match reason {
                Silence::Closed => "it closes connections without a response".to_owned(),
                Silence::Late(limit) => format!("no response came within {:.1} s", limit.as_secs_f64()),
                Silence::NoConnection(why) => format!("no further connection was made: {why}"),
            };
            Ok(match also {
                Some(Spoken::Http(other)) => {
                    format!("the service speaks {}; {chosen} is unknown: {reason}", shown(other))
                }
                Some(Spoken::Tls) => {
                    format!("the service speaks TLS; {chosen} without TLS is unknown: {reason}")
                }
                Some(Spoken::Other(_)) | None => format!("unknown: {reason}"),
            })
        }
    }
}

/// Finds out whether a proxy that forwards requests speaks HTTP/1.1.
async fn protocol_of_proxy(
    dial: &Dial,
    proxy: &ProxyRoute,
    peer: &Peer,
    deadline: Instant,
) -> Result<String, Error> {
    let authority = proxy.uri.authority().map(ToString::to_string).unwrap_or_default();
    let connecting = async { dial.through(proxy).await.map_err(io::Error::other) };
    let limit = deadline.saturating_duration_since(Instant::now());
    match ask_proxy(connecting, &authority, limit).await {
        Some(Spoken::Http(HttpVersion::Http1)) => Ok(format!(
            "the proxy {proxy} speaks HTTP/1.1, and forwards requests: what the service speaks is unknown"
        )),
        Some(_) => Err(peer.not_connected(&tunnel::not_http(proxy))),
        None => Ok(format!("unknown: the proxy {proxy} does not respond to `OPTIONS *`")),
    }
}

/// Returns the name of a version of HTTP.
fn shown(version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::Http1 => "HTTP/1.1",
        HttpVersion::Http2 => "HTTP/2",
    }
}

/// Returns the remedy for a service that speaks only this version of HTTP.
fn advice(config: &ClientConfig, version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::Http1 if config.is_for_grpc() => CHECK_GRPC_PORT,
        HttpVersion::Http1 => "choose it with `options.http_version: 1.1` (`HttpVersion::Http1`)",
        HttpVersion::Http2 => {
            "choose it with `options.http_version: 2` (`HttpVersion::Http2`), or a client over gRPC if the service speaks gRPC"
        }
    }
}

/// Returns the error for a service that does not speak HTTP.
fn not_http(peer: &Peer, name: Option<&str>) -> Error {
    let origin = &peer.origin;
    let message = match name {
        Some(name) => format!("the service at {origin} speaks {name}, not HTTP: check the host and the port"),
        None => format!("the response from {origin} is not HTTP: check the host and the port"),
    };
    Error::new(ErrorKind::Protocol, message)
}

/// Returns the first message of a TLS handshake with the host of `uri`.
#[cfg(feature = "rustls")]
fn hello(uri: &Uri) -> Option<Vec<u8>> {
    let name = host_and_port(uri).0.to_owned().try_into().ok()?;
    let mut handshake = rustls::ClientConnection::new(Tls::unused().ok()?.config, name).ok()?;
    let mut bytes = Vec::new();
    handshake.write_tls(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(not(feature = "rustls"))]
fn hello(_uri: &Uri) -> Option<Vec<u8>> {
    None
}

/// Connections for questions about the protocol of a service.
struct Dialed<'d> {
    dial: &'d Dial,
    #[cfg_attr(not(feature = "rustls"), expect(dead_code, reason = "only rustls makes handshakes"))]
    is_tls: bool,
}

impl Connections for Dialed<'_> {
    #[cfg_attr(not(feature = "rustls"), expect(unused_variables, reason = "only TLS negotiates the version"))]
    async fn open(&self, version: HttpVersion) -> io::Result<BoxStream> {
        let stream = self.dial.open().await.map_err(io::Error::other)?;
        #[cfg(feature = "rustls")]
        if let Some(tls) = self.dial.tls.as_ref().filter(|_| self.is_tls) {
            let offered: &[u8] = match version {
                HttpVersion::Http1 => b"http/1.1",
                HttpVersion::Http2 => b"h2",
            };
            return Ok(Box::new(handshake(&tls.with_alpn(offered), &self.dial.origin, stream).await?));
        }
        Ok(stream)
    }

    #[cfg(feature = "rustls")]
    fn is_rejection(&self, error: &io::Error) -> bool {
        rustls_error(error).is_some_and(is_no_version)
    }

    #[cfg(not(feature = "rustls"))]
    fn is_rejection(&self, _error: &io::Error) -> bool {
        false
    }
}
