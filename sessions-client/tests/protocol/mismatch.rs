//! Services that speak another protocol than the client: each is reported at once, with the remedy.

use crate::support::network::Network;
use h2::server;
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use sessions_client::{ClientConfig, HttpVersion, HyperTransport, ISessionsV1, ReqwestTransport};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The behaviour of a service on a connection.
#[derive(Clone)]
enum Service {
    /// Sends these bytes at once.
    Speaks(&'static [u8]),
    /// Responds to the first bytes with these, and closes the connection.
    Responds(&'static [u8]),
    /// Closes the connection, unless the first bytes are these; then it responds with the others.
    Expects(&'static [u8], &'static [u8]),
    /// Speaks HTTP/2, or closes the connection.
    Http2,
    /// Makes a TLS handshake, or closes the connection without an alert.
    Tls(Arc<ServerConfig>),
    /// Makes a TLS handshake, and then speaks HTTP/2 or closes the connection.
    Http2OverTls(Arc<ServerConfig>),
}

impl Service {
    async fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(self.clone().serve(stream));
            }
        });
        port
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut first = [0; 8];
        if let Self::Speaks(greeting) = self {
            stream.write_all(greeting).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
            return;
        }
        let length = stream.peek(&mut first).await.unwrap_or(0);
        let first = &first[..length];
        match self {
            Self::Responds(response) => respond(stream, response).await,
            Self::Expects(start, response) if first.starts_with(start) => respond(stream, response).await,
            Self::Http2 if first.starts_with(b"PRI") => accept(stream).await,
            Self::Tls(config) if first.starts_with(b"\x16\x03") => {
                let _ = TlsAcceptor::from(config).accept(stream).await;
            }
            Self::Http2OverTls(config) if first.starts_with(b"\x16\x03") => {
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
async fn respond(mut stream: TcpStream, response: &[u8]) {
    let _ = stream.read(&mut [0; 4096]).await;
    let _ = stream.write_all(response).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn accept(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let Ok(mut requests) = server::handshake(stream).await else { return };
    while requests.accept().await.is_some() {}
}

/// Returns settings with a new certificate, and its PEM. Like some servers, it goes on without a protocol in common.
fn tls() -> (Arc<ServerConfig>, String) {
    let certified = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(certified.signing_key.serialize_pem().as_bytes()).unwrap();
    let chain = vec![certified.cert.der().clone()];
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
    (Arc::new(config), certified.cert.pem())
}

async fn message<T: Network>(address: &str, version: HttpVersion, pem: &str) -> String {
    let config = ClientConfig::from_url(address).unwrap().with_http_version(version);
    let config =
        config.with_timeout(Duration::from_secs(20)).with_deadline(Duration::from_secs(60)).with_retries(1);
    let config =
        config.with_tls(sessions_client::TlsConfig::new().with_ca(sessions_client::Pem::content(pem)));
    let error = T::client(&config).get_session_by_id(None, "1").await.unwrap_err();
    let kind = error.kind();
    if error.is_retryable() {
        // Its message depends on the moment at which the connection ends.
        assert_eq!(error.attempts(), 2, "{error:?}");
        return format!("{kind:?}, retried");
    }
    assert_eq!(error.attempts(), 1, "{error:?}");
    format!("{kind:?}: {}", error.to_string().replace(address, "ADDRESS"))
}

#[tokio::test]
async fn a_service_of_another_protocol_is_reported_at_once() {
    const HTTP1: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (tls, pem) = tls();
    let mut only_http2 = (*tls).clone();
    // Without a protocol in common, rustls would end the handshake.
    only_http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let services = [
        ("HTTP/1.1", Service::Responds(HTTP1)),
        ("HTTP/1.1, closes the connection of other requests", Service::Expects(b"OPTIONS", HTTP1)),
        ("HTTP/2", Service::Http2),
        ("TLS", Service::Tls(tls)),
        ("HTTP/2 over TLS", Service::Http2OverTls(Arc::new(only_http2))),
        ("an alert of TLS", Service::Responds(b"\x15\x03\x03\x00\x02\x02\x0a")),
        ("SSH", Service::Speaks(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")),
        ("SMTP", Service::Speaks(b"220 mail.example ESMTP Postfix\r\n")),
        ("MySQL", Service::Speaks(b"J\0\0\0\x0a8.0.36\0")),
        ("Redis", Service::Expects(b"PRI", b"-ERR unknown command 'PRI', with args beginning with: '*'\r\n")),
        ("bytes of an unknown protocol", Service::Responds(b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a")),
        ("nothing, closes all connections", Service::Expects(b"never", b"")),
    ];
    let mut table = String::new();
    for (name, service) in services {
        let port = service.start().await;
        writeln!(table, "the service speaks {name}").unwrap();
        for scheme in ["http", "https"] {
            let address = format!("{scheme}://127.0.0.1:{port}");
            for (version, shown) in [(HttpVersion::Http1, "1.1"), (HttpVersion::Http2, "2")] {
                let over_hyper = message::<HyperTransport>(&address, version, &pem).await;
                let over_reqwest = message::<ReqwestTransport>(&address, version, &pem).await;
                let both = if over_hyper == over_reqwest { "both" } else { "hyper" };
                writeln!(table, "    {scheme}, HTTP/{shown}, {both}: {over_hyper}").unwrap();
                if over_hyper != over_reqwest {
                    writeln!(table, "    {scheme}, HTTP/{shown}, reqwest: {over_reqwest}").unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!("mismatches", table);
}
