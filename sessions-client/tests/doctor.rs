//! The steps of connecting to a service that `doctor` checks.

#![cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]

#[cfg(feature = "http2")]
#[path = "doctor/protocols.rs"]
mod protocols;
#[path = "support/proxy.rs"]
mod proxy;
mod support;

use proxy::{Behaviour, TestProxy};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sessions_client::doctor::{Step, diagnose};
use sessions_client::{ClientConfig, ErrorKind, Pem, Proxy, TlsConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Starts a service at `localhost`, and returns its port and its certificate.
async fn service(requires_certificate: bool) -> (u16, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let builder = ServerConfig::builder();
    let builder = if requires_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let tls = builder.with_single_cert(vec![cert.der().clone()], key.into()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, cert.pem())
}

/// Far above what any step needs.
const LIMIT: Duration = Duration::from_secs(60);

fn config(port: u16, tls: TlsConfig) -> ClientConfig {
    let url = format!("https://me:secret@localhost:{port}/base");
    ClientConfig::from_url(&url).unwrap().with_tls(tls).with_connect_timeout(LIMIT)
}

fn lines(steps: &[Step]) -> Vec<String> {
    let lines: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert!(lines.iter().all(|line| !line.contains("secret") && !line.contains('\n')), "{lines:?}");
    lines
}

fn names(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.check.as_str()).collect()
}

#[track_caller]
fn assert_contains(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "`{part}` is not in: {line}");
    }
}

#[tokio::test]
async fn each_step_says_what_it_found() {
    let (port, pem) = service(false).await;
    let steps = diagnose(&config(port, TlsConfig::new().with_ca(Pem::content(pem)))).await;
    assert_eq!(names(&steps), ["configuration", "name", "connection", "TLS", "protocol"]);
    assert!(steps.iter().all(|step| step.result.is_ok()), "{steps:?}");
    assert!(steps.iter().all(|step| step.address == format!("https://localhost:{port}")));
    let lines = lines(&steps);
    assert_eq!(lines[0], format!("configuration: https://localhost:{port} without a proxy"));
    assert_contains(&lines[1], &["name: `localhost` has the address", "127.0.0.1"]);
    assert_contains(&lines[2], &[&format!("127.0.0.1:{port} accepts connections")]);
    assert_contains(
        &lines[3],
        &["TLS: TLS 1.3", "is for `localhost`", "subject `CN=rcgen", "issuer `CN=rcgen", "valid until"],
    );
    assert_eq!(lines[4], "protocol: the service speaks HTTP/1.1");
}

#[tokio::test]
async fn the_first_step_that_fails_is_the_last_one() {
    let (port, _) = service(false).await;
    let steps = diagnose(&config(port, TlsConfig::new())).await;
    assert_eq!(names(&steps), ["configuration", "name", "connection", "TLS"]);
    let error = steps[3].result.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert_contains(
        &lines(&steps)[3],
        &["TLS: failed: cannot connect to", "is not trusted", "credential.ssl_ca_file"],
    );

    let steps = diagnose(&config(port, TlsConfig::new().with_ca(Pem::file("/nonexistent.pem")))).await;
    assert_eq!(names(&steps), ["configuration"]);
    assert_contains(&lines(&steps)[0], &["/nonexistent.pem cannot be read"]);

    let steps = diagnose(&ClientConfig::from_url("http://service.invalid").unwrap()).await;
    assert_eq!(names(&steps), ["configuration", "name"]);
    assert_contains(
        &lines(&steps)[1],
        &["name: failed: cannot connect to http://service.invalid: failed to lookup"],
    );

    let steps = diagnose(&ClientConfig::from_url(&support::closed_port()).unwrap()).await;
    assert_eq!(names(&steps), ["configuration", "name", "connection"]);
    assert_contains(&lines(&steps)[2], &["connection: failed: cannot connect to", "Connection refused"]);
}

#[tokio::test]
async fn a_configuration_without_an_address_is_reported() {
    let steps = diagnose(&ClientConfig::new()).await;
    assert_eq!(names(&steps), ["configuration"]);
    assert_contains(&lines(&steps)[0], &["has no address"]);
}

#[tokio::test]
async fn a_required_client_certificate_is_reported() {
    let (port, pem) = service(true).await;
    let steps = diagnose(&config(port, TlsConfig::new().with_ca(Pem::content(pem)))).await;
    assert_contains(
        &lines(&steps)[3],
        &["TLS: failed", "requires a client certificate", "credential.ssl_crt_file"],
    );
}

#[tokio::test]
async fn insecure_is_reported() {
    let (port, _) = service(false).await;
    let steps = diagnose(&config(port, TlsConfig::new().with_insecure(true))).await;
    assert_contains(&lines(&steps)[0], &["certificates are NOT verified"]);
    assert!(steps[3].result.is_ok());
}

#[tokio::test]
async fn the_proxy_is_one_of_the_steps() {
    let (port, pem) = service(false).await;
    let proxy = TestProxy::start(Behaviour::Connect).await;
    let url = proxy.url("me:secret@");
    let config =
        config(port, TlsConfig::new().with_ca(Pem::content(pem))).with_proxy(Proxy::url(&url).unwrap());
    let lines = lines(&diagnose(&config).await);
    let name = proxy.url("");
    assert_contains(&lines[0], &[&format!("through the proxy {name}")]);
    assert_contains(&lines[2], &[&format!("the proxy {name} connects to localhost:{port}")]);
    assert_eq!(lines[4..], ["protocol: the service speaks HTTP/1.1"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_reported() {
    let proxy = TestProxy::start(Behaviour::Respond("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let proxy = Proxy::url(&proxy.url("")).unwrap();
    let steps = diagnose(&config(1, TlsConfig::new()).with_proxy(proxy)).await;
    assert_eq!(names(&steps), ["configuration", "name", "connection"]);
    assert_contains(&lines(&steps)[2], &["the proxy http://127.0.0.1", "403 Forbidden"]);
}

#[tokio::test]
async fn a_step_ends_within_the_limit_for_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(listener.local_addr().unwrap().port(), TlsConfig::new().with_insecure(true));
    let steps = diagnose(&config.with_connect_timeout(Duration::from_millis(300))).await;
    assert_eq!(names(&steps), ["configuration", "name", "connection", "TLS"]);
    assert_contains(&lines(&steps)[3], &["timed out"]);
}

#[tokio::test]
async fn the_limit_for_connecting_can_be_disabled() {
    let (port, pem) = service(false).await;
    let config = config(port, TlsConfig::new().with_ca(Pem::content(pem)));
    let steps = diagnose(&config.with_connect_timeout(Duration::MAX)).await;
    assert_eq!(lines(&steps)[4..], ["protocol: the service speaks HTTP/1.1"]);
}

/// The primary accepts connections but does not make the TLS handshake, which takes the whole limit.
#[tokio::test]
async fn a_fallback_has_its_own_time_for_the_protocol() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fallback = TestProxy::start(Behaviour::Respond("HTTP/1.1 404 Not Found\r\n\r\n")).await;
    let config = config(silent.local_addr().unwrap().port(), TlsConfig::new().with_insecure(true));
    let config = config.with_fallback_url(&fallback.url("")).unwrap();
    let steps = diagnose(&config.with_connect_timeout(Duration::from_secs(2))).await;
    assert_eq!(lines(&steps).last().unwrap(), "protocol: the service speaks HTTP/1.1");
}

#[tokio::test]
async fn each_address_has_its_own_steps() {
    let url = support::closed_port();
    let config = ClientConfig::from_url("http://service.invalid").unwrap().with_fallback_url(&url).unwrap();
    let steps = diagnose(&config).await;
    assert_eq!(names(&steps), ["configuration", "name", "configuration", "name", "connection"]);
    assert_eq!(steps[4].address, url);
}

#[tokio::test]
async fn given_addresses_replace_the_name_service_and_are_named_so() {
    let url = support::closed_port();
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let config = ClientConfig::from_url(&format!("http://service.invalid:{port}")).unwrap();
    let steps =
        diagnose(&config.with_resolved("service.invalid", port, ["127.0.0.1".parse().unwrap()])).await;
    assert_eq!(lines(&steps)[1], "name: `service.invalid` has the given address 127.0.0.1");
}

#[tokio::test]
async fn the_token_is_the_last_step() {
    use sessions_client::auth::{FileToken, StaticToken};

    let (port, pem) = service(false).await;
    let config = config(port, TlsConfig::new().with_ca(Pem::content(pem)));
    let steps = diagnose(&config.clone().with_token_provider(StaticToken::new("secret").unwrap())).await;
    assert_eq!(names(&steps), ["configuration", "name", "connection", "TLS", "protocol", "token"]);
    assert!(lines(&steps)[5].ends_with(" has a token"), "{:?}", lines(&steps));

    let steps = diagnose(&config.with_token_provider(FileToken::new("/nonexistent/token"))).await;
    assert_eq!(steps[5].result.as_ref().unwrap_err().kind(), ErrorKind::Credentials);
    assert_contains(&lines(&steps)[5], &["token: failed: ", "/nonexistent/token"]);
}

#[tokio::test]
async fn a_proxy_that_forwards_requests_is_asked_itself() {
    let proxy =
        TestProxy::start(Behaviour::Respond("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")).await;
    let config = ClientConfig::from_url("http://service.test").unwrap();
    let steps = diagnose(&config.with_proxy(Proxy::url(&proxy.url("me:secret@")).unwrap())).await;
    let expected = format!(
        "protocol: the proxy {} speaks HTTP/1.1, and forwards requests: what the service speaks is unknown",
        proxy.url("")
    );
    assert_eq!(lines(&steps)[3], expected);
    let request = proxy.only_request();
    assert!(request.starts_with("OPTIONS * HTTP/1.1\r\n") && !request.contains("uthorization"), "{request}");

    let proxy = TestProxy::start(Behaviour::Respond("SSH-2.0-OpenSSH_9.2p1\r\n")).await;
    let config = ClientConfig::from_url("http://service.test").unwrap();
    let steps = diagnose(&config.with_proxy(Proxy::url(&proxy.url("")).unwrap())).await;
    assert!(steps[3].result.as_ref().is_err_and(sessions_client::Error::is_proxy_failure), "{steps:?}");
    assert_contains(&lines(&steps)[3], &["protocol: failed", "does not speak HTTP at this port"]);
}
