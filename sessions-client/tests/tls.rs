//! TLS over each network transport of `wiretrait`, with generated certificates.

#![cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]

#[macro_use]
mod support;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use sessions_client::{ClientConfig, ErrorKind, ISessionsV1, Policies, SessionsHttpClientV1, Value};
use std::sync::Arc;
use support::network::Network;
use support::read_request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Starts a service at `localhost` with a certificate for `name`, and returns the certificate.
async fn service_as(name: &str) -> (ClientConfig, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate closes the connection.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            while read_request(&mut stream).await.is_some() {
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        }
    });
    (ClientConfig::from_url(&url).unwrap().with_retries(0), cert.der().clone())
}

/// A transport that trusts one certificate.
trait Trusting: Network {
    fn trusting(certificate: &CertificateDer<'static>, config: &ClientConfig) -> Self;
}

#[cfg(feature = "hyper")]
impl Trusting for sessions_client::HyperTransport {
    fn trusting(certificate: &CertificateDer<'static>, config: &ClientConfig) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls);
        Self::with_connector(connector.https_only().enable_http1().build(), config).unwrap()
    }
}

#[cfg(feature = "reqwest")]
impl Trusting for sessions_client::ReqwestTransport {
    fn trusting(certificate: &CertificateDer<'static>, config: &ClientConfig) -> Self {
        let root = reqwest::Certificate::from_der(certificate).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
        Self::with_client(client, config).unwrap()
    }
}

fn client<T: Network>(
    transport: T,
    config: &ClientConfig,
) -> SessionsHttpClientV1<Value, Value, Policies<T>> {
    SessionsHttpClientV1::new(Policies::new(transport, config))
}

async fn a_trusted_certificate_is_accepted<T: Trusting>() {
    let (config, certificate) = service_as("localhost").await;
    let client = client(T::trusting(&certificate, &config), &config);
    for _ in 0..2 {
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
    }
}

async fn an_untrusted_certificate_is_a_connect_error<T: Trusting>() {
    let (config, _) = service_as("localhost").await;
    let (_, another) = service_as("localhost").await;
    for transport in [T::over(&config), T::trusting(&another, &config)] {
        let error = client(transport, &config).get_session_by_id(None, "1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        let begin = format!("get_session_by_id: cannot connect to {}: ", config.base_url().unwrap());
        let why = error.to_string().strip_prefix(&begin).map(str::to_owned);
        assert!(why.is_some_and(|why| why.starts_with("invalid peer certificate: ")), "{error}");
    }
}

async fn a_certificate_for_another_name_is_a_connect_error<T: Trusting>() {
    let (config, certificate) = service_as("another.example").await;
    let client = client(T::trusting(&certificate, &config), &config);
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(
        error.to_string().contains("invalid peer certificate: certificate not valid for name"),
        "{error}"
    );
}

async fn a_service_without_tls_is_a_connect_error<T: Trusting>() {
    let url = support::responding("220 here is another protocol\r\n").await.replace("http://", "https://");
    let config = ClientConfig::from_url(&url).unwrap().with_retries(0);
    let error = client(T::over(&config), &config).get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
}

over_each_network! {
    a_trusted_certificate_is_accepted
    an_untrusted_certificate_is_a_connect_error
    a_certificate_for_another_name_is_a_connect_error
    a_service_without_tls_is_a_connect_error
}
