//! The step of `doctor` that finds out which protocol a service speaks, for many services and configurations.

use crate::proxy::{self, TestProxy};
use h2::server;
use http::StatusCode;
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use sessions_client::doctor::{Check, diagnose, explain};
use sessions_client::{
    ClientConfig, Error, ErrorKind, HttpVersion, ISessionsV1, Proxy, SessionsHttpClientV1,
    SessionsNetworkTransportV1, TlsConfig,
};
use sessions_service::{EmbeddedService, SessionStore};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The behaviour of a service on a connection.
#[derive(Clone)]
enum Behaviour {
    /// Sends these bytes at once.
    Greets(&'static [u8]),
    /// Responds to the first bytes with these, and closes the connection.
    Responds(&'static [u8]),
    /// Closes the connection, unless the first bytes are these; then it responds with the others.
    Expects(&'static [u8], &'static [u8]),
    /// Closes the connection before it reads.
    Closes,
    /// Resets the connection after it has read.
    Resets,
    /// Sends the settings of HTTP/2 before it reads, as most servers do.
    Http2AtOnce,
    /// Speaks HTTP/2, or closes the connection.
    Http2,
    /// Speaks HTTP/1.1 over TLS, or closes the connection without an alert.
    Tls(Arc<ServerConfig>),
    /// Speaks HTTP/2 over TLS, or closes the connection.
    Http2OverTls(Arc<ServerConfig>),
}

const HTTP1: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Starts a service, and returns its port.
async fn start(behaviour: Behaviour) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(behaviour.clone().serve(stream));
        }
    });
    port
}

impl Behaviour {
    async fn serve(self, mut stream: TcpStream) {
        match self {
            Self::Greets(greeting) => {
                let _ = stream.write_all(greeting).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return;
            }
            Self::Http2AtOnce => {
                accept(stream).await;
                return;
            }
            Self::Closes => return,
            _ => {}
        }
        let mut first = [0; 8];
        let length = stream.peek(&mut first).await.unwrap_or(0);
        let first = &first[..length];
        let is_hello = first.starts_with(b"\x16\x03");
        match self {
            Self::Responds(response) => respond(stream, response).await,
            Self::Expects(start, response) if first.starts_with(start) => respond(stream, response).await,
            Self::Resets => stream.set_zero_linger().unwrap(),
            Self::Http2 if first.starts_with(b"PRI") => accept(stream).await,
            Self::Tls(config) if is_hello => {
                if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                    respond(stream, HTTP1).await;
                }
            }
            Self::Http2OverTls(config) if is_hello => {
                let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    accept(stream).await;
                }
            }
            _ => {}
        }
    }
}

/// Reads what the client sends first, responds, and closes the connection without a reset.
async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, response: &[u8]) {
    let _ = stream.read(&mut [0; 4096]).await;
    let _ = stream.write_all(response).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn accept(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut requests) = server::handshake(stream).await else { return };
    while requests.accept().await.is_some() {}
}

/// Returns settings with a new certificate that accept these protocols, or any if the list is empty.
fn tls(protocols: &[&str]) -> Arc<ServerConfig> {
    let certified = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(certified.signing_key.serialize_pem().as_bytes()).unwrap();
    let chain = vec![certified.cert.der().clone()];
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

type Choice = fn(ClientConfig) -> ClientConfig;

/// The configurations of a client: names, schemes and settings.
const CONFIGURATIONS: [(&str, &str, Choice); 6] = [
    ("http, HTTP/1.1", "http", |config| config),
    ("http, HTTP/2", "http", |config| config.with_http_version(HttpVersion::Http2)),
    ("http, gRPC", "http", ClientConfig::with_grpc),
    ("https, HTTP/1.1", "https", |config| config),
    ("https, HTTP/2", "https", |config| config.with_http_version(HttpVersion::Http2)),
    ("https, gRPC", "https", ClientConfig::with_grpc),
];

/// Far above what any service needs.
const LIMIT: Duration = Duration::from_secs(60);

fn config(scheme: &str, port: u16, choose: Choice) -> ClientConfig {
    let config = ClientConfig::from_url(&format!("{scheme}://127.0.0.1:{port}")).unwrap();
    choose(config.with_tls(TlsConfig::new().with_insecure(true)).with_connect_timeout(LIMIT))
}

#[tokio::test]
async fn each_protocol_is_compared_with_the_configuration() {
    let hyper = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let mut table = String::new();
    for (name, port) in [
        ("HTTP/1.1 (hyper)", hyper.address().port()),
        ("HTTP/1.1, responds with 400 to all", start(Behaviour::Responds(BAD)).await),
        ("HTTP/1.1, closes the connection of others", start(Behaviour::Expects(b"OPTIONS", HTTP1)).await),
        ("HTTP/2, sends settings at once", start(Behaviour::Http2AtOnce).await),
        ("HTTP/2, closes the connection of others", start(Behaviour::Http2).await),
        ("HTTP/1.1 over TLS", start(Behaviour::Tls(tls(&["http/1.1"]))).await),
        ("HTTP/1.1 over TLS, without ALPN", start(Behaviour::Tls(tls(&[]))).await),
        ("HTTP/2 over TLS", start(Behaviour::Http2OverTls(tls(&["h2"]))).await),
        (
            "HTTP/2 over TLS, closes the connection of others",
            start(Behaviour::Http2OverTls(tls(&["h2", "http/1.1"]))).await,
        ),
        ("an alert of TLS", start(Behaviour::Responds(b"\x15\x03\x03\x00\x02\x02\x0a")).await),
        ("SSH", start(Behaviour::Greets(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")).await),
        ("SMTP", start(Behaviour::Greets(b"220 mail.example ESMTP Postfix\r\n")).await),
        ("MySQL", start(Behaviour::Greets(b"J\0\0\0\x0a8.0.36\0")).await),
        (
            "Redis",
            start(Behaviour::Expects(
                b"PRI",
                b"-ERR unknown command 'PRI', with args beginning with: '*'\r\n",
            ))
            .await,
        ),
        ("bytes of an unknown protocol", start(Behaviour::Responds(b"\x01\x02\x03\x04\x05")).await),
        ("nothing, closes connections after reading", start(Behaviour::Expects(b"never", b"")).await),
        ("nothing, closes connections at once", start(Behaviour::Closes).await),
        ("nothing, resets connections", start(Behaviour::Resets).await),
    ] {
        writeln!(table, "{name}").unwrap();
        for (chosen, scheme, choose) in CONFIGURATIONS {
            let config = config(scheme, port, choose);
            let steps = diagnose(&config).await;
            let found = steps.iter().rev().take(2).rev().filter(|step| {
                step.check == Check::Protocol || (step.check == Check::Tls && step.result.is_err())
            });
            let found: Vec<_> =
                found.map(|step| step.to_string().replace(&port.to_string(), "PORT")).collect();
            writeln!(table, "    {chosen}: {}", found.join("\n        ")).unwrap();

            // Programs get the same error of the same step.
            let last = steps.last().filter(|step| step.check == Check::Protocol);
            let expected = last.and_then(|step| Some(step.result.as_ref().err()?.to_string()));
            let explained = explain(&config, failed(), LIMIT).await;
            assert_eq!(explained.is_ok(), expected.is_some(), "{name}, {chosen}: {explained:?}");
            let (Ok(error) | Err(error)) = explained;
            assert_eq!(error.is_retryable(), expected.is_none(), "{name}, {chosen}: {error:?}");
            let [other, handshake] = match expected {
                Some(cause) => [format!("{FAILED}; {cause}"), cause],
                None => [FAILED.to_owned(), FAILED.to_owned()],
            };
            assert_eq!(error.to_string(), other, "{name}, {chosen}");
            if scheme == "https" {
                let (Ok(error) | Err(error)) =
                    explain(&config, Error::new(ErrorKind::Tls, FAILED), LIMIT).await;
                assert_eq!(error.to_string(), handshake, "{name}, {chosen}");
            }
        }
    }
    insta::assert_snapshot!("protocols", table);
}

#[tokio::test]
async fn a_failure_of_another_cause_is_not_explained_by_the_protocol() {
    let port = start(Behaviour::Http2).await;
    let config = config("http", port, |config| config);
    let is_explained = async |failure, limit| match explain(&config, failure, limit).await {
        Ok(_) => true,
        Err(unchanged) => {
            assert_eq!(unchanged.to_string(), FAILED);
            false
        }
    };
    assert!(is_explained(failed(), LIMIT).await);
    assert!(!is_explained(failed(), Duration::ZERO).await);
    let of_proxy = failed().with_status(StatusCode::BAD_GATEWAY);
    let of_proxy = explain(&config, of_proxy, LIMIT).await.unwrap_err();
    assert!(of_proxy.is_retryable(), "{of_proxy}");
    for kind in [ErrorKind::Timeout, ErrorKind::Proxy, ErrorKind::Service] {
        assert!(!is_explained(Error::new(kind, FAILED), LIMIT).await, "{kind:?}");
    }

    let untrusted = start(Behaviour::Tls(tls(&[]))).await;
    let config = ClientConfig::from_url(&format!("https://127.0.0.1:{untrusted}")).unwrap();
    let config = config.with_connect_timeout(LIMIT);
    let error = explain(&config, Error::new(ErrorKind::Tls, FAILED), LIMIT).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Tls, FAILED.to_owned()));
}

#[tokio::test]
async fn a_call_over_tls_to_another_protocol_names_it() {
    let port = start(Behaviour::Greets(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")).await;
    let config = config("https", port, |config| config.with_retries(0).with_timeout(LIMIT));
    let client = SessionsHttpClientV1::new(SessionsNetworkTransportV1::new(&config).unwrap());
    let failure = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Tls);
    let error = explain(&config, failure, LIMIT).await.unwrap().to_string();
    assert!(error.contains("speaks SSH, not HTTP") && !error.contains("use `http://`"), "{error}");
}

#[tokio::test]
async fn a_service_with_an_address_that_may_still_serve_is_not_explained() {
    let other = format!("http://127.0.0.1:{}", start(Behaviour::Http2).await);
    let config = ClientConfig::from_url(&crate::support::closed_port()).unwrap();
    let config = config.with_connect_timeout(LIMIT).with_fallback_url(&other).unwrap();
    assert_eq!(explain(&config, failed(), LIMIT).await.unwrap_err().to_string(), FAILED);

    let config = ClientConfig::from_url(&other).unwrap().with_connect_timeout(LIMIT);
    let error = explain(&config.with_fallback_url(&other).unwrap(), failed(), LIMIT).await.unwrap();
    assert!(error.to_string().contains("speaks only HTTP/2"), "{error}");
}

#[tokio::test]
async fn the_protocol_is_found_out_through_a_proxy() {
    let proxy = TestProxy::start(proxy::Behaviour::Connect).await;
    for (behaviour, expected) in [
        (Behaviour::Http2OverTls(tls(&["h2", "http/1.1"])), "speaks only HTTP/2"),
        (Behaviour::Greets(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "speaks SSH, not HTTP"),
    ] {
        let config = config("https", start(behaviour).await, |config| config);
        let config = config.with_proxy(Proxy::url(&proxy.url("")).unwrap());
        let error = explain(&config, failed(), LIMIT).await.unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

const FAILED: &str = "the connection failed";

fn failed() -> Error {
    Error::new(ErrorKind::Transport, FAILED)
}
