//! TLS over each network transport of `wiretrait`, with generated certificates.

#![cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]

#[path = "support/capture.rs"]
mod capture;
#[macro_use]
mod support;

use capture::Capture;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
    RsaKeySize, SanType, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use sessions_client::{ClientConfig, Error, ErrorKind, ISessionsV1, Pem, TlsConfig};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use support::network::Network;
use support::read_request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const BOTH_VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// Returns the parameters of a service's certificate.
fn service(names: &[&str]) -> CertificateParams {
    let mut params = named("service");
    for name in names {
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        });
    }
    params
}

fn as_authority(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn authority(common_name: &str) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(as_authority(named(common_name)), KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key.
struct Identity {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new(params: &CertificateParams, issuer: Option<&CertifiedIssuer<'_, KeyPair>>) -> Self {
        Self::with_key(&KeyPair::generate().unwrap(), params, issuer)
    }

    fn with_key(
        key: &KeyPair,
        params: &CertificateParams,
        issuer: Option<&CertifiedIssuer<'_, KeyPair>>,
    ) -> Self {
        let certificate = match issuer {
            Some(issuer) => params.signed_by(key, issuer).unwrap(),
            None => params.self_signed(key).unwrap(),
        };
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }

    fn signed_by(issuer: &CertifiedIssuer<'_, KeyPair>, params: &CertificateParams) -> Self {
        Self::new(params, Some(issuer))
    }

    fn self_signed(params: &CertificateParams) -> Self {
        Self::new(params, None)
    }
}

/// A service that responds with 204, and counts the requests.
struct Service {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Service {
    async fn start(identity: &Identity) -> Self {
        Self::with_clients(identity, None, &BOTH_VERSIONS).await
    }

    /// Starts a service that requires client certificates of `authority`, if there is one.
    async fn with_clients(
        identity: &Identity,
        authority: Option<&CertifiedIssuer<'_, KeyPair>>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let builder = ServerConfig::builder_with_protocol_versions(versions);
        let builder = match authority {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).unwrap();
                builder
                    .with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
            }
            None => builder.with_no_client_auth(),
        };
        // Unlike `with_single_cert`, this accepts a certificate of the first X.509 version.
        let key = aws_lc_rs::sign::any_supported_type(&identity.key).unwrap();
        let certificate = CertifiedKey::new(vec![identity.der.clone()], key);
        let tls = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certificate)));
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that does not trust the certificate closes the connection.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let counter = counter.clone();
                tokio::spawn(async move {
                    while read_request(&mut stream).await.is_some() {
                        counter.fetch_add(1, Ordering::SeqCst);
                        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                    }
                });
            }
        });
        Self { port, requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn config(&self, tls: TlsConfig) -> ClientConfig {
        self.config_at("localhost", tls)
    }

    fn config_at(&self, host: &str, tls: TlsConfig) -> ClientConfig {
        ClientConfig::from_url(&format!("https://{host}:{}", self.port)).unwrap().with_tls(tls)
    }
}

fn trusting(pem: &str) -> TlsConfig {
    TlsConfig::new().with_ca(Pem::content(pem))
}

async fn call<T: Network>(config: &ClientConfig) -> Result<(), Error> {
    T::client(config).get_session_by_id(None, "1").await.map(|found| assert_eq!(found, None))
}

/// Makes a call with the default retries, and returns the error, which must be a permanent one of TLS.
async fn rejected<T: Network>(config: &ClientConfig) -> String {
    let error = call::<T>(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
    assert!(error.is_unprocessed() && !error.is_retryable());
    let message = error.to_string();
    assert!(!message.contains('\n'));
    let begin = format!("get_session_by_id: cannot connect to {}: ", config.base_url().unwrap());
    message.strip_prefix(&begin).unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[track_caller]
fn assert_contains(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

async fn a_certificate_of_a_named_authority_is_accepted<T: Network>() {
    let authority = authority("private");
    let service =
        Service::start(&Identity::signed_by(&authority, &service(&["localhost", "127.0.0.1"]))).await;
    for host in ["localhost", "127.0.0.1"] {
        let config = service.config_at(host, trusting(&authority.pem()));
        let client = T::client(&config);
        for _ in 0..2 {
            assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
        }
    }
}

async fn a_file_may_name_several_authorities<T: Network>() {
    let (first, second) = (authority("first"), authority("second"));
    let service = Service::start(&Identity::signed_by(&second, &service(&["localhost"]))).await;
    call::<T>(&service.config(trusting(&format!("# both\n{}\n{}", first.pem(), second.pem()))))
        .await
        .unwrap();
    let tls = trusting(&first.pem()).with_ca(Pem::content(second.pem()));
    call::<T>(&service.config(tls)).await.unwrap();
}

async fn all_certificates_of_a_file_are_trusted_however_it_was_saved<T: Network>() {
    let (first, second) = (authority("first"), authority("second"));
    let (first_pem, second_pem) = (first.pem(), second.pem());
    let crlf = first_pem.replace('\n', "\r\n");
    let files = [
        // An editor writes a byte order mark.
        format!("\u{feff}{first_pem}{second_pem}"),
        format!("\u{feff}{crlf}{second_pem}"),
        // The files of two editors, joined, also without a line end between them.
        format!("\u{feff}{second_pem}\u{feff}{first_pem}"),
        format!("{}{first_pem}", second_pem.trim_end()),
        format!("{}\u{feff}{first_pem}", second_pem.trim_end()),
        // Indented, as in a YAML file.
        format!("    {}", format!("{second_pem}{first_pem}").replace('\n', "\n    ")),
        format!("\t{}", first_pem.replace('\n', " \n\t")),
    ];
    let service = Service::start(&Identity::signed_by(&first, &service(&["localhost"]))).await;
    for file in files {
        let outcome = call::<T>(&service.config(trusting(&file))).await;
        assert!(outcome.is_ok(), "{file:?}: {outcome:?}");
    }
}

async fn an_untrusted_certificate_is_reported_with_subject_and_issuer<T: Network>() {
    let service = Service::start(&Identity::signed_by(&authority("private"), &service(&["localhost"]))).await;
    for tls in [TlsConfig::new(), trusting(&authority("another").pem())] {
        let message = rejected::<T>(&service.config(tls)).await;
        let parts = ["`localhost` is not trusted", "`CN=service`", "`CN=private`", "credential.ssl_ca_file"];
        assert_contains(&message, &parts);
    }
    assert_eq!(service.requests(), 0);
}

async fn an_authority_of_the_same_name_is_not_enough<T: Network>() {
    let service = Service::start(&Identity::signed_by(&authority("private"), &service(&["localhost"]))).await;
    let message = rejected::<T>(&service.config(trusting(&authority("private").pem()))).await;
    assert_contains(&message, &["`localhost` is not trusted", "`CN=private`", "credential.ssl_ca_file"]);
}

async fn a_self_signed_certificate_is_reported_as_such<T: Network>() {
    for params in [service(&["localhost"]), as_authority(service(&["localhost"]))] {
        let service = Service::start(&Identity::self_signed(&params)).await;
        let message = rejected::<T>(&service.config(TlsConfig::new())).await;
        assert_contains(&message, &["its own authority", "`CN=service`", "name this certificate with"]);
    }
}

async fn a_named_certificate_is_trusted_although_it_is_its_own_authority<T: Network>() {
    let mut without_authority = service(&["localhost", "127.0.0.1"]);
    without_authority.is_ca = IsCa::ExplicitNoCa;
    for params in [as_authority(service(&["localhost", "127.0.0.1"])), without_authority] {
        let identity = Identity::self_signed(&params);
        let service = Service::start(&identity).await;
        for host in ["localhost", "127.0.0.1"] {
            call::<T>(&service.config_at(host, trusting(&identity.pem))).await.unwrap();
        }
    }
}

/// Keys of the kinds that `openssl req -x509 -newkey` makes: `rsa:2048`, its default, `rsa:4096`, `ed25519`, and `ec`
/// with the curves of TLS.
static KEYS: LazyLock<Vec<KeyPair>> = LazyLock::new(|| {
    let rsa = |size| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap();
    let other = [&PKCS_ED25519, &PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ECDSA_P521_SHA512];
    let other = other.map(|algorithm| KeyPair::generate_for(algorithm).unwrap());
    [rsa(RsaKeySize::_2048), rsa(RsaKeySize::_4096)].into_iter().chain(other).collect()
});

async fn every_kind_of_key_is_accepted<T: Network>() {
    let authority = authority("private");
    for key in KEYS.iter() {
        let params = as_authority(service(&["localhost"]));
        let own = Identity::with_key(key, &params, None);
        let client = Identity::with_key(key, &named("client"), Some(&authority));
        let signed = Identity::with_key(key, &service(&["localhost"]), Some(&authority));
        for version in BOTH_VERSIONS {
            let service = Service::with_clients(&own, None, &[version]).await;
            let trusted = call::<T>(&service.config(trusting(&own.pem))).await;
            trusted.unwrap_or_else(|error| panic!("{:?}: {error}", key.algorithm()));
            assert_contains(&rejected::<T>(&service.config(TlsConfig::new())).await, &["its own authority"]);

            let service = Service::with_clients(&signed, Some(&authority), &[version]).await;
            let tls = trusting(&authority.pem())
                .with_client_certificate(Pem::content(&*client.pem), Pem::content(&*client.key_pem));
            let accepted = call::<T>(&service.config(tls)).await;
            accepted.unwrap_or_else(|error| panic!("{:?}: {error}", key.algorithm()));
        }
    }
}

async fn the_common_name_counts_if_a_named_certificate_has_no_other_names<T: Network>() {
    for name in ["localhost", "LOCALHOST", "127.0.0.1"] {
        let identity = Identity::self_signed(&as_authority(named(name)));
        let service = Service::start(&identity).await;
        call::<T>(&service.config_at(&name.to_lowercase(), trusting(&identity.pem))).await.unwrap();
    }
    let mut params = service(&["another.example"]);
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let identity = Identity::self_signed(&as_authority(params));
    let message = rejected::<T>(&Service::start(&identity).await.config(trusting(&identity.pem))).await;
    assert_contains(&message, &["not valid for `localhost`", "`another.example`"]);
}

/// Returns certificates as `openssl x509 -req -signkey` makes them without extensions, with keys of ECDSA, RSA and Ed25519.
fn version_1() -> [Identity; 3] {
    let files = [
        include_str!("support/version_1.pem"),
        include_str!("support/version_1_rsa.pem"),
        include_str!("support/version_1_ed25519.pem"),
    ];
    files.map(|both| Identity {
        pem: both.to_owned(),
        key_pem: both.to_owned(),
        der: CertificateDer::from_pem_slice(both.as_bytes()).unwrap(),
        key: PrivateKeyDer::from_pem_slice(both.as_bytes()).unwrap(),
    })
}

async fn a_named_certificate_of_the_first_x509_version_is_trusted<T: Network>() {
    for identity in version_1() {
        for version in BOTH_VERSIONS {
            let service = Service::with_clients(&identity, None, &[version]).await;
            call::<T>(&service.config(trusting(&identity.pem))).await.unwrap();
            call::<T>(&service.config(TlsConfig::new().with_insecure(true))).await.unwrap();
        }
        let service = Service::start(&identity).await;
        let message = rejected::<T>(&service.config(TlsConfig::new())).await;
        assert_contains(&message, &["its own authority", "name this certificate with"]);
        let message = rejected::<T>(&service.config_at("127.0.0.1", trusting(&identity.pem))).await;
        assert_contains(&message, &["not valid for `127.0.0.1`"]);
    }
}

async fn a_client_certificate_of_the_first_x509_version_is_accepted<T: Network>() {
    let authority = authority("private");
    let service = Service::start(&Identity::signed_by(&authority, &service(&["localhost"]))).await;
    for client in version_1() {
        let pem = Pem::content(client.pem);
        let tls = trusting(&authority.pem()).with_client_certificate(pem.clone(), pem);
        call::<T>(&service.config(tls)).await.unwrap();
    }
}

async fn name_and_dates_of_a_named_certificate_are_verified<T: Network>() {
    let identity = Identity::self_signed(&as_authority(service(&["another.example", "127.0.0.9"])));
    let message = rejected::<T>(&Service::start(&identity).await.config(trusting(&identity.pem))).await;
    assert_contains(&message, &["not valid for `localhost`", "`another.example`, `127.0.0.9`"]);

    let mut params = as_authority(service(&["localhost"]));
    params.not_after = date_time_ymd(2020, 2, 29);
    let identity = Identity::self_signed(&params);
    let message = rejected::<T>(&Service::start(&identity).await.config(trusting(&identity.pem))).await;
    assert_contains(&message, &["`localhost` expired at Sat, 29 Feb 2020 00:00:00 GMT"]);
}

async fn a_named_certificate_of_a_service_cannot_sign_others<T: Network>() {
    let mut params = service(&["another.example"]);
    params.is_ca = IsCa::ExplicitNoCa;
    let signer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let service = Service::start(&Identity::signed_by(&signer, &service(&["localhost"]))).await;
    assert_contains(&rejected::<T>(&service.config(trusting(&signer.pem()))).await, &["is not trusted"]);
}

async fn an_expired_certificate_is_reported_with_its_date<T: Network>() {
    let authority = authority("private");
    let mut params = service(&["localhost"]);
    params.not_after = date_time_ymd(2020, 2, 29);
    let service = Service::start(&Identity::signed_by(&authority, &params)).await;
    let message = rejected::<T>(&service.config(trusting(&authority.pem()))).await;
    assert_contains(&message, &["expired at Sat, 29 Feb 2020 00:00:00 GMT", "must renew it", "`CN=private`"]);
}

async fn a_certificate_of_the_future_is_reported_with_both_dates<T: Network>() {
    let authority = authority("private");
    let mut params = service(&["localhost"]);
    params.not_before = date_time_ymd(2999, 1, 1);
    let service = Service::start(&Identity::signed_by(&authority, &params)).await;
    let message = rejected::<T>(&service.config(trusting(&authority.pem()))).await;
    assert_contains(&message, &["not valid before Tue, 01 Jan 2999 00:00:00 GMT", "clock of this machine"]);
}

async fn a_certificate_for_another_name_is_reported_with_its_names<T: Network>() {
    let authority = authority("private");
    let identity = Identity::signed_by(&authority, &service(&["a.example", "*.b.example"]));
    let service = Service::start(&identity).await;
    let message = rejected::<T>(&service.config(trusting(&authority.pem()))).await;
    assert_contains(&message, &["not valid for `localhost`", "`a.example`, `*.b.example`"]);
    let message = rejected::<T>(&service.config_at("127.0.0.1", trusting(&authority.pem()))).await;
    assert_contains(&message, &["not valid for `127.0.0.1`"]);
}

async fn a_certificate_without_names_is_reported_with_its_common_name<T: Network>() {
    let authority = authority("private");
    let service = Service::start(&Identity::signed_by(&authority, &named("localhost"))).await;
    let message = rejected::<T>(&service.config(trusting(&authority.pem()))).await;
    assert_contains(&message, &["it has only the common name `localhost`", "subjectAltName"]);
}

async fn a_name_with_control_characters_stays_in_one_line<T: Network>() {
    let params = as_authority(named("a\r\nb\u{1b}[31m"));
    let service = Service::start(&Identity::self_signed(&params)).await;
    assert!(!rejected::<T>(&service.config(TlsConfig::new())).await.contains(char::is_control));
}

async fn a_client_certificate_is_sent<T: Network>() {
    let authority = authority("private");
    let identity = Identity::signed_by(&authority, &service(&["localhost"]));
    let client = Identity::signed_by(&authority, &named("client"));
    for version in BOTH_VERSIONS {
        let service = Service::with_clients(&identity, Some(&authority), &[version]).await;
        let tls = trusting(&authority.pem())
            .with_client_certificate(Pem::content(&*client.pem), Pem::content(&*client.key_pem));
        call::<T>(&service.config(tls)).await.unwrap();
        assert_eq!(service.requests(), 1);
    }
}

async fn a_missing_client_certificate_is_reported<T: Network>() {
    let authority = authority("private");
    let identity = Identity::signed_by(&authority, &service(&["localhost"]));
    for version in BOTH_VERSIONS {
        let service = Service::with_clients(&identity, Some(&authority), &[version]).await;
        let message = rejected::<T>(&service.config(trusting(&authority.pem()))).await;
        assert_contains(&message, &["requires a client certificate", "credential.ssl_crt_file"]);
        assert_eq!(service.requests(), 0);
    }
}

async fn a_client_certificate_of_another_authority_is_reported<T: Network>() {
    let private = authority("private");
    let identity = Identity::signed_by(&private, &service(&["localhost"]));
    let client = Identity::signed_by(&authority("another"), &named("client"));
    for version in BOTH_VERSIONS {
        let service = Service::with_clients(&identity, Some(&private), &[version]).await;
        let tls = trusting(&private.pem())
            .with_client_certificate(Pem::content(&*client.pem), Pem::content(&*client.key_pem));
        let message = rejected::<T>(&service.config(tls)).await;
        assert_contains(
            &message,
            &["rejects the client certificate", "`CN=client`", "`CN=another`", "UnknownCA"],
        );
    }
}

async fn a_problem_with_the_client_certificate_is_reported_by_nginx<T: Network>() {
    let authority = authority("private");
    for (sentence, expected) in [
        (
            "No required SSL certificate was sent",
            ["the service requires a client certificate", "credential.ssl_crt_file"],
        ),
        (
            "The SSL certificate error",
            ["the service rejects the client certificate", "use one that the service trusts"],
        ),
    ] {
        let identity = Identity::signed_by(&authority, &service(&["localhost"]));
        let body = format!("<title>400 {sentence}</title>");
        let url = responding_over_tls(&identity, support::http("400 Bad Request", "text/html", &body)).await;
        let config = ClientConfig::from_url(&url).unwrap().with_tls(trusting(&authority.pem()));
        assert_contains(&rejected::<T>(&config).await, &expected);
    }
}

async fn tls_that_a_server_misses_is_reported<T: Network>() {
    for (server, content_type, body) in [
        ("nginx", "text/html", "<center>The plain HTTP request was sent to HTTPS port</center>"),
        (
            "Apache",
            "text/html; charset=iso-8859-1",
            "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n Instead use the HTTPS scheme",
        ),
        ("Go", "text/plain", "Client sent an HTTP request to an HTTPS server.\n"),
        (
            "Tomcat",
            "text/plain;charset=UTF-8",
            "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
        ),
        (
            "Cheroot",
            "text/plain",
            "The client sent a plain HTTP request, but this server only speaks HTTPS on this port.",
        ),
    ] {
        let url = support::responding(support::http("400 Bad Request", content_type, body)).await;
        let message = rejected::<T>(&ClientConfig::from_url(&url).unwrap()).await;
        assert!(message.contains("speaks TLS at this port: use `https://`"), "{server}: {message}");
    }
}

async fn insecure_accepts_any_certificate_and_warns<T: Network>() {
    let mut params = as_authority(service(&["another.example"]));
    params.not_after = date_time_ymd(2020, 1, 1);
    let service = Service::start(&Identity::self_signed(&params)).await;
    let (capture, guard) = Capture::begin();
    let config = service.config(TlsConfig::new().with_insecure(true));
    let transport = T::over(&config);
    drop(guard);
    let events = capture.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].level, "WARN");
    assert_contains(events[0].field("message"), &["not verified"]);
    let client =
        sessions_client::SessionsHttpClientV1::<sessions_client::Value, sessions_client::Value, _>::new(
            transport,
        );
    assert_eq!(client.get_session_by_id(None, "1").await.unwrap(), None);
}

async fn a_service_without_tls_is_reported<T: Network>() {
    for response in ["220 here is another protocol\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let url = greeting(response.as_bytes()).await;
        let message = rejected::<T>(&ClientConfig::from_url(&url).unwrap()).await;
        assert_contains(&message, &["does not speak TLS at this port", "`http://`"]);
    }
}

async fn alerts_of_the_handshake_have_different_errors<T: Network>() {
    let alerts = [
        (70, "no TLS version or cipher suite in common"),
        (40, "no TLS version or cipher suite in common"),
        (71, "no TLS version or cipher suite in common"),
        (112, "does not know this name"),
        (120, "does not speak this version of HTTP"),
        (80, "the alert InternalError"),
        (99, "the alert AlertDescription(0x63)"),
    ];
    for (alert, expected) in alerts {
        let url = greeting(&[21, 3, 3, 0, 2, 2, alert]).await;
        assert_contains(&rejected::<T>(&ClientConfig::from_url(&url).unwrap()).await, &[expected]);
    }
}

async fn a_connection_closed_during_the_handshake_is_a_connect_error<T: Network>() {
    let url = greeting(b"").await;
    let error = call::<T>(&ClientConfig::from_url(&url).unwrap().with_retries(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_contains(&error.to_string(), &["the connection was closed during the TLS handshake"]);
    assert!(error.is_retryable());
}

async fn unusable_files_are_reported_with_the_remedy<T: Network>() {
    let (own, other) = (Identity::self_signed(&service(&["a"])), Identity::self_signed(&service(&["b"])));
    let damaged = own.pem.replacen("MII", "AAA", 1);
    let files = Files::new();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB\n\
                  -----END RSA PRIVATE KEY-----\n";
    let unsupported = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let trusted = own.pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let utf16: Vec<u8> = format!("\u{feff}{}", own.pem).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let ca: &[(&[u8], &str)] = &[
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hello", "is not PEM"),
        (&own.der, "is binary (DER or PKCS#12)"),
        (&utf16, "is UTF-16: save it as UTF-8"),
        (own.key_pem.as_bytes(), "has no certificate, but PRIVATE KEY"),
        (damaged.as_bytes(), "has a damaged certificate (number 1 in it)"),
        (&own.pem.as_bytes()[..200], "damaged"),
        (trusted.as_bytes(), "has a TRUSTED CERTIFICATE: convert it with `openssl x509"),
    ];
    for (content, expected) in ca {
        let file = files.write(content);
        let tls = TlsConfig::new().with_ca(Pem::file(&file));
        assert_contains(&unusable::<T>(tls), &[&format!("the CA file {} ", file.display()), expected]);
    }
    let tls = TlsConfig::new().with_ca(Pem::file("/nonexistent/ca.pem"));
    assert_contains(&unusable::<T>(tls), &["/nonexistent/ca.pem cannot be read: No such file"]);
    let tls = TlsConfig::new().with_ca(Pem::file("/"));
    assert_contains(&unusable::<T>(tls), &["the CA file / cannot be read: Is a directory"]);

    let keys: &[(&[u8], &str)] = &[
        (b"", "is empty"),
        (own.pem.as_bytes(), "has no private key, but CERTIFICATE"),
        (encrypted.as_bytes(), "is encrypted: decrypt it with `openssl pkey"),
        (legacy.as_bytes(), "is encrypted: decrypt it with `openssl pkey"),
        (unsupported.as_bytes(), "cannot be used"),
        (other.key_pem.as_bytes(), "does not belong to the certificate"),
        (own.key.secret_der(), "is binary"),
    ];
    let certificate = files.write(own.pem.as_bytes());
    for (content, expected) in keys {
        let file = files.write(content);
        let tls = TlsConfig::new().with_client_certificate(Pem::file(&certificate), Pem::file(&file));
        assert_contains(&unusable::<T>(tls), &[&format!("the client key {} ", file.display()), expected]);
    }
    let tls =
        TlsConfig::new().with_client_certificate(Pem::content(&*own.key_pem), Pem::content(&*own.key_pem));
    let expected = "the client certificate the given PEM has no certificate, but PRIVATE KEY";
    assert_contains(&unusable::<T>(tls), &[expected]);
}

async fn one_file_may_have_both_certificate_and_key<T: Network>() {
    let identity = Identity::self_signed(&service(&["a"]));
    let (key, certificate) = (&identity.key_pem, &identity.pem);
    for both in [
        format!("{key}{certificate}"),
        format!("\u{feff}{key}{certificate}"),
        format!("{}{certificate}", key.trim_end()),
        format!("  {}", format!("{certificate}{key}").replace('\n', "\r\n  ")),
    ] {
        let both = Pem::content(both);
        let tls = TlsConfig::new().with_client_certificate(both.clone(), both);
        T::over(&ClientConfig::from_url("https://localhost").unwrap().with_tls(tls));
    }
}

over_each_network! {
    a_certificate_of_a_named_authority_is_accepted
    a_file_may_name_several_authorities
    all_certificates_of_a_file_are_trusted_however_it_was_saved
    an_untrusted_certificate_is_reported_with_subject_and_issuer
    an_authority_of_the_same_name_is_not_enough
    a_self_signed_certificate_is_reported_as_such
    a_named_certificate_is_trusted_although_it_is_its_own_authority
    every_kind_of_key_is_accepted
    the_common_name_counts_if_a_named_certificate_has_no_other_names
    a_named_certificate_of_the_first_x509_version_is_trusted
    a_client_certificate_of_the_first_x509_version_is_accepted
    name_and_dates_of_a_named_certificate_are_verified
    a_named_certificate_of_a_service_cannot_sign_others
    an_expired_certificate_is_reported_with_its_date
    a_certificate_of_the_future_is_reported_with_both_dates
    a_certificate_for_another_name_is_reported_with_its_names
    a_certificate_without_names_is_reported_with_its_common_name
    a_name_with_control_characters_stays_in_one_line
    a_client_certificate_is_sent
    a_missing_client_certificate_is_reported
    a_client_certificate_of_another_authority_is_reported
    a_problem_with_the_client_certificate_is_reported_by_nginx
    tls_that_a_server_misses_is_reported
    insecure_accepts_any_certificate_and_warns
    a_service_without_tls_is_reported
    alerts_of_the_handshake_have_different_errors
    a_connection_closed_during_the_handshake_is_a_connect_error
    every_end_of_a_connection_before_a_response_has_the_same_hint
    unusable_files_are_reported_with_the_remedy
    one_file_may_have_both_certificate_and_key
}

/// The ways in which a service ends a connection.
#[derive(Clone, Copy)]
enum End {
    /// With the notice of TLS.
    Notice,
    /// Without the notice.
    Close,
    Reset,
}

/// Starts a service that ends each connection after a request.
async fn ending(identity: &Identity, end: End) -> u16 {
    let builder = ServerConfig::builder().with_no_client_auth();
    let tls = builder.with_single_cert(vec![identity.der.clone()], identity.key.clone_key()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let _ = read_request(&mut stream).await;
            match end {
                End::Notice => stream.shutdown().await.unwrap(),
                End::Close => {}
                End::Reset => stream.get_ref().0.set_zero_linger().unwrap(),
            }
        }
    });
    port
}

async fn every_end_of_a_connection_before_a_response_has_the_same_hint<T: Network>() {
    let identity = Identity::self_signed(&service(&["localhost"]));
    for (end, cause) in [
        (End::Notice, "connection closed before message completed"),
        (End::Close, "connection closed before message completed"),
        (End::Reset, "Connection reset by peer (os error 104)"),
    ] {
        let url = format!("https://localhost:{}", ending(&identity, end).await);
        let config = ClientConfig::from_url(&url).unwrap().with_tls(trusting(&identity.pem)).with_retries(0);
        let error = call::<T>(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        let expected = format!(
            "get_session_by_id: the connection to {url} failed: {cause}; if the service speaks HTTP/2 only, choose it \
             with `HttpVersion::Http2` (`options.http_version: 2`)"
        );
        assert_eq!(error.to_string(), expected);
    }
}

/// Sends `bytes` after the first bytes of each client, and closes the connection; returns the URL.
async fn greeting(bytes: &[u8]) -> String {
    let bytes = bytes.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&bytes).await;
        }
    });
    url
}

/// Responds to one request at `localhost` with `response`.
async fn responding_over_tls(identity: &Identity, response: Vec<u8>) -> String {
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![identity.der.clone()], identity.key.clone_key())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(tls)).accept(stream).await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(&response).await.unwrap();
    });
    url
}

/// Returns the message if `tls` cannot be used.
fn unusable<T: Network>(tls: TlsConfig) -> String {
    let config = ClientConfig::from_url("https://localhost").unwrap().with_tls(tls);
    let error = T::try_over(&config).err().expect("the files cannot be used");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

/// A folder that is deleted at the end of a test.
struct Files(PathBuf, AtomicUsize);

impl Files {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("tls-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder, AtomicUsize::new(0))
    }

    fn write(&self, content: &[u8]) -> PathBuf {
        let file = self.0.join(format!("{}.pem", self.1.fetch_add(1, Ordering::SeqCst)));
        std::fs::write(&file, content).unwrap();
        file
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Tests in separate processes, because they need other variables of the environment.
#[cfg(all(unix, not(target_vendor = "apple")))]
mod in_another_environment {
    use super::*;
    use std::process::Command;

    /// Runs a test of `child` in a process with these variables.
    fn run(test: &str, variables: &[(&str, &str)]) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .args(
                ["hyper", "reqwest"]
                    .map(|network| format!("in_another_environment::child::over_{network}::{test}")),
            )
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && printed.contains("ok. ") && !printed.contains("ok. 0 passed"),
            "{printed}"
        );
    }

    const NO_STORE: [(&str, &str); 2] =
        [("SSL_CERT_FILE", "/nonexistent.pem"), ("SSL_CERT_DIR", "/nonexistent")];

    #[test]
    fn without_a_certificate_store_http_works() {
        run("http_works", &NO_STORE);
    }

    #[test]
    fn without_a_certificate_store_https_reports_what_is_missing() {
        run("https_reports_the_missing_store", &NO_STORE);
    }

    #[test]
    fn without_a_certificate_store_a_named_authority_is_enough() {
        run("a_named_authority_is_enough", &NO_STORE);
    }

    #[test]
    fn a_self_signed_certificate_in_the_file_of_the_variable_is_trusted() {
        let identity = Identity::self_signed(&as_authority(service(&["localhost"])));
        let files = Files::new();
        let file = files.write(identity.pem.as_bytes());
        let key = files.write(identity.key_pem.as_bytes());
        let variables = [("SSL_CERT_FILE", file.to_str().unwrap()), ("TEST_KEY_FILE", key.to_str().unwrap())];
        run("the_file_of_the_variable_is_trusted", &variables);
    }

    mod child {
        use super::super::*;

        async fn http_works<T: Network>() {
            let url = support::responding("HTTP/1.1 204 No Content\r\n\r\n").await;
            call::<T>(&ClientConfig::from_url(&url).unwrap()).await.unwrap();
        }

        async fn https_reports_the_missing_store<T: Network>() {
            let message = unusable::<T>(TlsConfig::new());
            let parts = [
                "no trusted certificates",
                "/nonexistent",
                "`ca-certificates`",
                "SSL_CERT_FILE",
                "TlsConfig::with_ca",
            ];
            assert_contains(&message, &parts);
        }

        async fn a_named_authority_is_enough<T: Network>() {
            a_certificate_of_a_named_authority_is_accepted::<T>().await;
            a_named_certificate_is_trusted_although_it_is_its_own_authority::<T>().await;
        }

        async fn the_file_of_the_variable_is_trusted<T: Network>() {
            let read = |name: &str| std::fs::read_to_string(std::env::var(name).unwrap()).unwrap();
            let (pem, key_pem) = (read("SSL_CERT_FILE"), read("TEST_KEY_FILE"));
            let key = KeyPair::from_pem(&key_pem).unwrap();
            let identity = Identity {
                der: CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(),
                key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
                pem,
                key_pem,
            };
            call::<T>(&Service::start(&identity).await.config(TlsConfig::new())).await.unwrap();
        }

        over_each_network! {
            ignored: "needs the environment that its parent sets",
            http_works
            https_reports_the_missing_store
            a_named_authority_is_enough
            the_file_of_the_variable_is_trusted
        }
    }
}
