//! Gateways and proxies, each in front of an embedded service.

use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
use staging::{Arrivals, Certificate, Certificates, Haproxy, Limiter, Nginx, Squid, TokenServer, free_port};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// A service with the gateway and the proxy in front of it.
#[derive(Debug)]
pub(crate) struct Front {
    /// The URL of the service for a client that goes the right way.
    pub(crate) url: String,
    pub(crate) sessions: SessionStore,
    pub(crate) service: EmbeddedService,
    pub(crate) nginx: Option<Nginx>,
    pub(crate) haproxy: Option<Haproxy>,
    pub(crate) squid: Option<Squid>,
    pub(crate) tokens: Option<TokenServer>,
    pub(crate) limiter: Option<Limiter>,
    /// The number of requests that the limiter rejects in each use.
    pub(crate) rejected: u64,
    pub(crate) certificates: Option<Trust>,
    /// An address at which nothing listens.
    pub(crate) closed: SocketAddr,
}

/// The certificates of a front.
#[derive(Debug)]
pub(crate) struct Trust {
    _folder: Certificates,
    /// The certificate that a client must trust.
    pub(crate) root: Certificate,
    /// That of the server.
    pub(crate) server: Certificate,
    /// That of a client, by the authority.
    pub(crate) client: Certificate,
    /// Another authority, with which neither the server nor a client has anything to do.
    pub(crate) stranger: Certificate,
}

impl Front {
    async fn new() -> io::Result<Self> {
        let sessions = SessionStore::new();
        let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await?;
        Self::of(service, sessions)
    }

    /// Starts a service that speaks gRPC.
    async fn grpc() -> io::Result<Self> {
        let sessions = SessionStore::new();
        let options = ServiceOptions::new();
        let service = EmbeddedService::start_grpc("127.0.0.1:0", sessions.clone(), options).await?;
        Self::of(service, sessions)
    }

    fn of(service: EmbeddedService, sessions: SessionStore) -> io::Result<Self> {
        Ok(Self {
            url: service.url(),
            sessions,
            service,
            nginx: None,
            haproxy: None,
            squid: None,
            tokens: None,
            limiter: None,
            rejected: 0,
            certificates: None,
            closed: (Ipv4Addr::LOCALHOST, free_port()?).into(),
        })
    }

    fn upstream(&self) -> SocketAddr {
        self.service.address()
    }

    fn with_nginx(mut self, scheme: &str, nginx: Nginx) -> Self {
        self.url = format!("{scheme}://{}", nginx.address());
        self.nginx = Some(nginx);
        self
    }

    /// Adds nginx with TLS in front of gRPC.
    async fn with_grpc_gateway(
        self,
        upstream: SocketAddr,
        listen: &str,
        trust: Trust,
        directives: &str,
        location: &str,
    ) -> io::Result<Self> {
        let directives = format!("{} {directives}", trust.directives());
        let nginx = Nginx::start_grpc(upstream, listen, &directives, location).await?;
        let mut front = self.with_nginx("https", nginx);
        front.certificates = Some(trust);
        Ok(front)
    }

    fn with_haproxy(mut self, scheme: &str, haproxy: Haproxy) -> Self {
        self.url = format!("{scheme}://{}", haproxy.address());
        self.haproxy = Some(haproxy);
        self
    }

    /// Returns what has arrived at the first of them since the start or the last call.
    pub(crate) async fn arrivals(&mut self) -> io::Result<Arrivals> {
        match self {
            Self { squid: Some(squid), .. } => squid.arrivals().await,
            Self { nginx: Some(nginx), .. } => nginx.arrivals().await,
            Self { haproxy: Some(haproxy), .. } => haproxy.arrivals().await,
            _ => Ok(Arrivals::default()),
        }
    }
}

/// A service without a gateway.
pub(crate) async fn nothing() -> io::Result<Front> {
    Front::new().await
}

/// The key that [`api_key`] requires.
pub(crate) const API_KEY: &str = "the-key-of-staging";

/// nginx that requires the header `x-api-key`.
pub(crate) async fn api_key() -> io::Result<Front> {
    let front = Front::new().await?;
    let check = format!("if ($http_x_api_key != {API_KEY}) {{ return 401; }}");
    let nginx = Nginx::start(front.upstream(), "", "", &check).await?;
    Ok(front.with_nginx("http", nginx))
}

/// nginx that requires a bearer token, which expires after two seconds.
pub(crate) async fn bearer() -> io::Result<Front> {
    let mut front = Front::new().await?;
    let tokens = TokenServer::start(Duration::from_secs(2)).await?;
    let nginx = Nginx::start(front.upstream(), "", &token_check(&tokens), "auth_request /check;").await?;
    front.tokens = Some(tokens);
    Ok(front.with_nginx("http", nginx))
}

/// Like [`bearer`], with TLS by a private authority, and tokens that expire after ten seconds.
pub(crate) async fn bearer_and_tls() -> io::Result<Front> {
    let mut front = Front::new().await?;
    let tokens = TokenServer::start(Duration::from_secs(10)).await?;
    let trust = Trust::new(Kind::Signed).await?;
    let directives = format!("{} {}", trust.directives(), token_check(&tokens));
    let nginx = Nginx::start(front.upstream(), "ssl", &directives, "auth_request /check;").await?;
    front.tokens = Some(tokens);
    front.certificates = Some(trust);
    Ok(front.with_nginx("https", nginx))
}

/// The location that asks the token server about the token of a request.
fn token_check(tokens: &TokenServer) -> String {
    format!(
        "location = /check {{ internal; proxy_pass http://{}/check; proxy_pass_request_body off; \
         proxy_set_header Content-Length \"\"; }}",
        tokens.address()
    )
}

/// nginx that responds with 429 to the first `rejected` requests of each use.
pub(crate) async fn rate_limit(retry_after: u64, rejected: u64) -> io::Result<Front> {
    let front = Front::new().await?;
    let limiter = Limiter::start().await?;
    let check = format!(
        "location = /check {{ internal; proxy_pass http://{}/; proxy_pass_request_body off; \
         proxy_set_header Content-Length \"\"; }}\n\
         error_page 403 = @limit;\n\
         location @limit {{ add_header Retry-After {retry_after} always; return 429; }}",
        limiter.address()
    );
    let nginx = Nginx::start(front.upstream(), "", &check, "auth_request /check;").await?;
    let mut front = front.with_nginx("http", nginx);
    front.limiter = Some(limiter);
    front.rejected = rejected;
    Ok(front)
}

/// nginx that closes connections after every third request.
pub(crate) async fn closing_nginx() -> io::Result<Front> {
    let front = Front::new().await?;
    let nginx = Nginx::start(front.upstream(), "", "keepalive_requests 3;", "").await?;
    Ok(front.with_nginx("http", nginx))
}

/// haproxy that serves the routes below `/acme/sessions`, and closes connections after each response.
pub(crate) async fn path_prefix() -> io::Result<Front> {
    let front = Front::new().await?;
    let routes = "option httpclose\n    \
                  http-request return status 404 content-type text/html string <h1>404</h1> \
                  unless { path_beg /acme/sessions/ }\n    \
                  http-request replace-path /acme/sessions/(.*) /v1/sessions/\\1";
    let haproxy = Haproxy::start(&[front.upstream()], "", routes).await?;
    Ok(front.with_haproxy("http", haproxy))
}

/// haproxy that only speaks HTTP/2, without TLS.
pub(crate) async fn http2_without_tls() -> io::Result<Front> {
    let front = Front::new().await?;
    let haproxy = Haproxy::start(&[front.upstream()], "proto h2", "").await?;
    Ok(front.with_haproxy("http", haproxy))
}

/// nginx in front of a port at which nothing listens.
pub(crate) async fn nginx_alone() -> io::Result<Front> {
    let front = Front::new().await?;
    let nginx = Nginx::start(front.closed, "", "", "").await?;
    Ok(front.with_nginx("http", nginx))
}

/// haproxy in front of a port at which nothing listens.
pub(crate) async fn haproxy_alone() -> io::Result<Front> {
    let front = Front::new().await?;
    let haproxy = Haproxy::start(&[front.closed], "", "").await?;
    Ok(front.with_haproxy("http", haproxy))
}

/// The names of a server certificate that is right for all fronts.
pub(crate) const NAMES: &str = "IP:127.0.0.1,DNS:localhost,DNS:staging.example";

/// Kinds of server certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By a private certificate authority.
    Signed,
    /// By a private certificate authority, expired.
    Expired,
    /// By a private certificate authority, for another host.
    OtherName,
    /// By `openssl req -x509`.
    SelfSigned,
    /// By `openssl req -x509`, with the name of the host as the common name only.
    SelfSignedWithoutNames,
    ExpiredSelfSigned,
    OtherNameSelfSigned,
}

impl Trust {
    async fn new(kind: Kind) -> io::Result<Self> {
        const OTHER: &str = "DNS:other.example";
        let folder = Certificates::new()?;
        let root = folder.authority("Staging CA").await?;
        let stranger = folder.authority("Another CA").await?;
        let client = folder.signed(&root, "client", "DNS:client").await?;
        let server = match kind {
            Kind::Signed => folder.signed(&root, "server", NAMES).await?,
            Kind::Expired => folder.expired(&root, "server", NAMES).await?,
            Kind::OtherName => folder.signed(&root, "server", OTHER).await?,
            Kind::SelfSigned => folder.self_signed("server", Some(NAMES)).await?,
            Kind::SelfSignedWithoutNames => folder.self_signed("127.0.0.1", None).await?,
            Kind::ExpiredSelfSigned => folder.expired_self_signed("server", NAMES).await?,
            Kind::OtherNameSelfSigned => folder.self_signed("server", Some(OTHER)).await?,
        };
        let is_signed = matches!(kind, Kind::Signed | Kind::Expired | Kind::OtherName);
        let root = if is_signed { root } else { server.clone() };
        Ok(Self { _folder: folder, root, server, client, stranger })
    }

    fn directives(&self) -> String {
        format!(
            "ssl_certificate \"{}\"; ssl_certificate_key \"{}\";",
            self.server.certificate.display(),
            self.server.key.display()
        )
    }

    /// Returns the directives that require a certificate of the client by the authority.
    fn client_directives(&self) -> String {
        format!("ssl_client_certificate \"{}\"; ssl_verify_client on;", self.root.certificate.display())
    }
}

/// nginx with TLS.
pub(crate) async fn tls(kind: Kind) -> io::Result<Front> {
    let front = Front::new().await?;
    let trust = Trust::new(kind).await?;
    let nginx = Nginx::start(front.upstream(), "ssl", &trust.directives(), "").await?;
    let mut front = front.with_nginx("https", nginx);
    front.certificates = Some(trust);
    Ok(front)
}

/// nginx with TLS that requires a certificate of the client by the same authority, and responds with 400 without one.
pub(crate) async fn client_certificates() -> io::Result<Front> {
    let front = Front::new().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let directives = format!("{} {}", trust.directives(), trust.client_directives());
    let nginx = Nginx::start(front.upstream(), "ssl", &directives, "").await?;
    let mut front = front.with_nginx("https", nginx);
    front.certificates = Some(trust);
    Ok(front)
}

/// haproxy with TLS that requires a certificate of the client by the same authority, and ends the handshake without one.
pub(crate) async fn strict_client_certificates() -> io::Result<Front> {
    let front = Front::new().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let bind = format!(
        "ssl crt \"{}\" ca-file \"{}\" verify required",
        trust.server.both.display(),
        trust.root.certificate.display()
    );
    let haproxy = Haproxy::start(&[front.upstream()], &bind, "").await?;
    let mut front = front.with_haproxy("https", haproxy);
    front.certificates = Some(trust);
    Ok(front)
}

/// haproxy that only speaks HTTP/2, with TLS.
pub(crate) async fn http2() -> io::Result<Front> {
    let front = Front::new().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let bind = format!("ssl crt \"{}\" alpn h2 proto h2", trust.server.both.display());
    let haproxy = Haproxy::start(&[front.upstream()], &bind, "").await?;
    let mut front = front.with_haproxy("https", haproxy);
    front.certificates = Some(trust);
    Ok(front)
}

/// nginx with TLS and HTTP/2 that ends connections after [`FEW_REQUESTS`].
pub(crate) async fn closing_http2() -> io::Result<Front> {
    let front = Front::new().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let directives = format!("{} keepalive_requests {FEW_REQUESTS};", trust.directives());
    let nginx = Nginx::start(front.upstream(), HTTP2, &directives, "").await?;
    let mut front = front.with_nginx("https", nginx);
    front.certificates = Some(trust);
    Ok(front)
}

/// squid with a password in front of the service.
pub(crate) async fn proxy() -> io::Result<Front> {
    let mut front = Front::new().await?;
    front.squid = Some(Squid::start().await?);
    front.url = format!("http://{}:{}", Squid::HOST, front.upstream().port());
    Ok(front)
}

/// squid with a password in front of nginx with TLS, to which clients connect with CONNECT.
pub(crate) async fn proxy_and_tls() -> io::Result<Front> {
    let mut front = tls(Kind::Signed).await?;
    front.squid = Some(Squid::start().await?);
    let port = front.nginx.as_ref().map_or(0, |nginx| nginx.address().port());
    front.url = format!("https://{}:{port}", Squid::HOST);
    Ok(front)
}

/// The parameters of the address of nginx for HTTP/2.
const HTTP2: &str = "ssl http2";

/// The number of requests after which nginx ends a connection, far fewer than the load test sends.
const FEW_REQUESTS: u32 = 100;

/// nginx with TLS in front of gRPC, which ends connections after [`FEW_REQUESTS`].
pub(crate) async fn grpc() -> io::Result<Front> {
    grpc_at(HTTP2, FEW_REQUESTS, "").await
}

/// Like [`grpc`], with HTTP/1.1 only.
pub(crate) async fn grpc_over_http1() -> io::Result<Front> {
    grpc_at("ssl", FEW_REQUESTS, "").await
}

/// Like [`grpc`], with the header `x-api-key` required.
pub(crate) async fn grpc_api_key() -> io::Result<Front> {
    let check = format!("if ($http_x_api_key != {API_KEY}) {{ return 401; }}");
    grpc_at(HTTP2, FEW_REQUESTS, &check).await
}

/// Like [`grpc`], with connections that end after ten requests.
pub(crate) async fn closing_grpc() -> io::Result<Front> {
    grpc_at(HTTP2, 10, "").await
}

async fn grpc_at(listen: &str, requests: u32, location: &str) -> io::Result<Front> {
    let front = Front::grpc().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let upstream = front.upstream();
    front
        .with_grpc_gateway(upstream, listen, trust, &format!("keepalive_requests {requests};"), location)
        .await
}

/// haproxy with TLS in front of gRPC.
pub(crate) async fn grpc_haproxy() -> io::Result<Front> {
    let front = Front::grpc().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let bind = format!("ssl crt \"{}\" alpn h2", trust.server.both.display());
    let haproxy = Haproxy::start_grpc(&[front.upstream()], &bind, "").await?;
    let mut front = front.with_haproxy("https", haproxy);
    front.certificates = Some(trust);
    Ok(front)
}

/// nginx without TLS and with HTTP/1.1 only, in front of gRPC.
pub(crate) async fn grpc_over_plain_http1() -> io::Result<Front> {
    let front = Front::grpc().await?;
    let nginx = Nginx::start_grpc(front.upstream(), "", "", "").await?;
    Ok(front.with_nginx("http", nginx))
}

/// nginx with TLS that requires a certificate of the client, in front of gRPC.
pub(crate) async fn grpc_client_certificates() -> io::Result<Front> {
    let front = Front::grpc().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let directives = format!("{} keepalive_requests {FEW_REQUESTS};", trust.client_directives());
    let upstream = front.upstream();
    front.with_grpc_gateway(upstream, HTTP2, trust, &directives, "").await
}

/// nginx with TLS that requires a bearer token, which expires after two seconds, in front of gRPC.
pub(crate) async fn grpc_bearer() -> io::Result<Front> {
    let mut front = Front::grpc().await?;
    let tokens = TokenServer::start(Duration::from_secs(2)).await?;
    let trust = Trust::new(Kind::Signed).await?;
    let directives = format!("{} keepalive_requests {FEW_REQUESTS};", token_check(&tokens));
    front.tokens = Some(tokens);
    let upstream = front.upstream();
    front.with_grpc_gateway(upstream, HTTP2, trust, &directives, "auth_request /check;").await
}

/// nginx with TLS for gRPC, in front of a port at which nothing listens.
pub(crate) async fn grpc_alone() -> io::Result<Front> {
    let front = Front::grpc().await?;
    let trust = Trust::new(Kind::Signed).await?;
    let closed = front.closed;
    front.with_grpc_gateway(closed, HTTP2, trust, "", "").await
}

/// squid with a password in front of gRPC, to which clients connect with CONNECT.
///
/// nginx ends no connection. squid closes a tunnel as soon as it cannot write to one side, without passing on what the
/// other side has sent last. This can be the `GOAWAY` that says which requests were not processed.
pub(crate) async fn grpc_proxy() -> io::Result<Front> {
    let mut front = grpc_at(HTTP2, u32::MAX, "").await?;
    front.squid = Some(Squid::start().await?);
    let port = front.nginx.as_ref().map_or(0, |nginx| nginx.address().port());
    front.url = format!("https://{}:{port}", Squid::HOST);
    Ok(front)
}
