//! Proxies over each network transport of `wiretrait`.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[path = "support/capture.rs"]
mod capture;
#[macro_use]
mod support;
#[path = "support/proxy.rs"]
mod proxy;

use capture::{Capture, Captured};
use proxy::{Behaviour, TestProxy};
use sessions_client::http::HeaderValue;
use sessions_client::http::header::AUTHORIZATION;
use sessions_client::{
    CallOptions, ClientConfig, Error, ErrorKind, ISessionsV1, Proxy, SessionsHttpClientV1, Value,
};
use std::time::Duration;
use support::network::Network;
use support::{closed_port, http, responding};

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

async fn call<T: Network>(config: &ClientConfig) -> Result<(), Error> {
    T::client(config).get_session_by_id(None, "1").await.map(|found| assert_eq!(found, None))
}

fn through(proxy: &str, service: &str) -> ClientConfig {
    let proxy = Proxy::url(proxy).unwrap();
    ClientConfig::from_url(service).unwrap().with_proxy(proxy).with_retries(0)
}

/// Makes a call with the default retries, and returns the error, which must be a permanent one of the proxy.
async fn refused<T: Network>(config: ClientConfig) -> Error {
    let error = call::<T>(&config.with_retries(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
    assert!(error.is_unprocessed() && !error.is_retryable());
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret") && !text.contains("bWU6c2VjcmV0"), "{text}");
    error
}

#[track_caller]
fn assert_contains(error: &Error, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

async fn http_requests_are_sent_to_the_proxy_with_the_complete_url<T: Network>() {
    let proxy = TestProxy::start(Behaviour::Respond(DONE)).await;
    let config = through(&proxy.url(""), "http://service.example/api");
    call::<T>(&config).await.unwrap();
    let request = proxy.only_request();
    let target = "POST http://service.example/api/v1/sessions/get_session_by_id HTTP/1.1\r\n";
    assert!(request.starts_with(target), "{request}");
    assert!(request.to_lowercase().contains("\r\nhost: service.example\r\n"), "{request}");
    assert!(!request.to_lowercase().contains("proxy-authorization"), "{request}");
}

async fn the_credentials_of_the_proxy_are_sent_to_it<T: Network>() {
    let proxy = TestProxy::start(Behaviour::Respond(DONE)).await;
    call::<T>(&through(&proxy.url("me:s%40fe@"), "http://service.example")).await.unwrap();
    let request = proxy.only_request().to_lowercase();
    assert!(request.contains("\r\nproxy-authorization: basic bwu6c0bmzq==\r\n"), "{request}");
}

async fn connections_to_the_proxy_are_reused<T: Network>() {
    let proxy = TestProxy::start(Behaviour::Respond(DONE)).await;
    let client = T::client(&through(&proxy.url(""), "http://service.example"));
    for _ in 0..3 {
        client.get_session_by_id(None, "1").await.unwrap();
    }
    assert_eq!((proxy.connections(), proxy.requests().len()), (1, 3));
}

async fn a_proxy_is_also_used_for_a_service_on_this_machine<T: Network>() {
    let proxy = TestProxy::start(Behaviour::Respond(DONE)).await;
    call::<T>(&through(&proxy.url(""), &closed_port())).await.unwrap();
    assert_eq!(proxy.requests().len(), 1);
}

async fn an_excluded_service_is_called_directly<T: Network>() {
    let service = responding(DONE).await;
    let proxy = Proxy::url(&closed_port()).unwrap().with_no_proxy("example.com, 127.0.0.1");
    call::<T>(&ClientConfig::from_url(&service).unwrap().with_proxy(proxy)).await.unwrap();
}

async fn a_proxy_that_is_down_is_named<T: Network>() {
    let proxy = closed_port();
    for service in ["http://service.example", "https://service.example"] {
        if service.starts_with("https") && !cfg!(feature = "rustls") {
            continue;
        }
        let config = through(&proxy.replace("http://", "http://me:secret@"), service).with_retries(1);
        let error = call::<T>(&config.with_retry_policy(fast(1))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 2));
        assert_contains(&error, &[&format!("cannot connect to the proxy {proxy}: Connection refused")]);
        assert!(error.is_unprocessed());
    }
}

fn fast(retries: u32) -> sessions_client::policy::RetryPolicy {
    let mut policy = sessions_client::policy::RetryPolicy::new();
    (policy.retries, policy.backoff) = (retries, Duration::from_millis(1));
    policy
}

async fn a_proxy_with_an_unknown_name_is_named<T: Network>() {
    for scheme in ["http", "socks5", "socks5h"] {
        let config = through(&format!("{scheme}://proxy.invalid:3128"), "http://service.example");
        let error = call::<T>(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert_contains(
            &error,
            &[&format!("cannot connect to the proxy {scheme}://proxy.invalid:3128: failed to lookup")],
        );
    }
}

async fn a_proxy_that_does_not_respond_is_named<T: Network>() {
    let proxy = TestProxy::start(Behaviour::Silence).await;
    for url in [proxy.url(""), proxy.url_with("socks5h", "")] {
        let config = through(&url, "http://service.example").with_connect_timeout(Duration::from_millis(50));
        let config = if url.starts_with("http") {
            if !cfg!(feature = "rustls") {
                continue;
            }
            let config = through(&url, "https://service.example");
            config.with_connect_timeout(Duration::from_millis(50))
        } else {
            config
        };
        let error = call::<T>(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert_contains(&error, &["service.example", &format!("through the proxy {url}: timed out")]);
    }
}

async fn a_proxy_that_asks_for_credentials_is_not_the_service<T: Network>() {
    let proxy = TestProxy::start(Behaviour::Respond(NEEDS_CREDENTIALS)).await;
    let error = refused::<T>(through(&proxy.url(""), "http://service.example")).await;
    assert_contains(
        &error,
        &["cannot connect to http://service.example: the proxy", "(407)", "user:password@127.0.0.1"],
    );
    assert_eq!(error.status().unwrap(), 407);
    let error = refused::<T>(through(&proxy.url("me:secret@"), "http://service.example")).await;
    assert_contains(&error, &["rejects the credentials in its URL (407)"]);
}

const NEEDS_CREDENTIALS: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\
                                 Content-Length: 0\r\n\r\n";

async fn a_proxy_with_an_unsupported_kind_of_credentials_is_reported<T: Network>() {
    let response = "HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
    let proxy = TestProxy::start(Behaviour::Respond(response)).await;
    let error = refused::<T>(through(&proxy.url("me:secret@"), "http://service.example")).await;
    assert_contains(&error, &["of a kind that is not supported"]);
}

async fn a_proxy_that_the_client_does_not_know_is_not_the_service_either<T: Network>() {
    let url =
        responding(http("407 Proxy Authentication Required", "application/json", r#"{"code":"X"}"#)).await;
    let error = refused::<T>(ClientConfig::from_url(&url).unwrap()).await;
    assert_contains(&error, &["a proxy on the way", "(407)", "`Proxy::url`"]);
    assert!(error.service().is_none());
}

async fn a_socks_proxy_opens_the_connection<T: Network>() {
    for (scheme, login) in
        [("socks5h", ""), ("socks5h", "me:s%40fe@"), ("socks5", ""), ("socks4a", ""), ("socks4", "")]
    {
        let service = responding(DONE).await.replace("127.0.0.1", "localhost");
        let proxy = TestProxy::start(Behaviour::Socks).await;
        call::<T>(&through(&proxy.url_with(scheme, login), &service)).await.unwrap();
        let host = if scheme.ends_with(['h', 'a']) { "localhost" } else { "127.0.0.1" };
        let login = login.trim_end_matches('@').replace("%40", "@");
        assert_eq!(proxy.only_request(), format!("{login} {host}:{}", service.rsplit_once(':').unwrap().1));
    }
}

async fn the_default_port_of_http_is_sent_to_a_socks_proxy<T: Network>() {
    let proxy = TestProxy::start(Behaviour::SocksRefuse(2)).await;
    call::<T>(&through(&proxy.url_with("socks5h", ""), "http://service.example")).await.unwrap_err();
    assert_eq!(proxy.only_request(), " service.example:80");
}

async fn a_socks_proxy_that_refuses_is_reported<T: Network>() {
    let proxy = TestProxy::start(Behaviour::SocksRefuse(2)).await;
    let error = refused::<T>(through(&proxy.url_with("socks5h", ""), "http://service.example")).await;
    assert_contains(
        &error,
        &["cannot connect to http://service.example: the proxy socks5h://", "connection not allowed"],
    );
    let proxy = TestProxy::start(Behaviour::SocksLogin).await;
    let error =
        refused::<T>(through(&proxy.url_with("socks5h", "me:secret@"), "http://service.example")).await;
    assert_contains(&error, &["rejects the credentials in its URL"]);
    let error = refused::<T>(through(&proxy.url_with("socks5h", ""), "http://service.example")).await;
    assert_contains(&error, &["asks for credentials"]);
    let proxy = TestProxy::start(Behaviour::Respond("HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    let error = refused::<T>(through(&proxy.url_with("socks5h", ""), "http://service.example")).await;
    assert_contains(&error, &["does not complete the SOCKS handshake"]);
}

async fn a_socks_proxy_that_cannot_reach_the_service_is_a_connect_error<T: Network>() {
    for code in [1, 3, 4, 5, 6] {
        let proxy = TestProxy::start(Behaviour::SocksRefuse(code)).await;
        let error =
            call::<T>(&through(&proxy.url_with("socks5h", ""), "http://service.example")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert_contains(&error, &["the proxy socks5h://", "cannot reach the service"]);
    }
}

async fn credentials_of_a_proxy_are_in_no_log<T: Network>() {
    let (capture, _guard) = Capture::begin();
    let http = TestProxy::start(Behaviour::Respond(DONE)).await;
    let socks = TestProxy::start(Behaviour::SocksLogin).await;
    for url in [http.url("me:secret@"), socks.url_with("socks5h", "me:secret@")] {
        let config = through(&url, "http://service.example");
        let client = T::client(&config);
        let _ = client.get_session_by_id(None, "1").await;
        let shown = format!("{config:?} {:?} {client:?}", config.proxy());
        assert!(!shown.contains("secret"), "{shown}");
    }
    assert!(http.only_request().contains("bWU6c2VjcmV0"));
    let log: String = capture.everything().iter().map(Captured::text).collect();
    assert!(!log.contains("secret") && !log.contains("bWU6c2VjcmV0"), "{log}");
}

async fn a_token_is_not_sent_in_clear_text_through_a_proxy<T: Network>() {
    let options = CallOptions::new().token("s3cret");
    let local = TestProxy::start(Behaviour::Respond(DONE)).await;
    for (proxy, is_sent) in [("http://proxy.invalid:3128", false), (&*local.url(""), true)] {
        let config = through(proxy, "http://localhost:8080");
        // The second has no policies of the configuration.
        let client = SessionsHttpClientV1::<Value, Value, _>::new(T::over(&config));
        let outcomes = [
            T::client(&config).with(options.clone()).get_session_by_id(None, "1").await,
            client.with(options.clone()).get_session_by_id(None, "1").await,
        ];
        for outcome in outcomes {
            if is_sent {
                assert_eq!(outcome.unwrap(), None);
                continue;
            }
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            let way = "not sent to http://localhost:8080 through the proxy http://proxy.invalid:3128, since";
            assert_contains(&error, &[way]);
            assert!(!error.to_string().contains("s3cret"));
        }
    }
    assert_eq!(local.requests().len(), 2);
}

async fn an_error_in_another_format_names_the_proxy_that_forwards<T: Network>() {
    let denied = "HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Type: text/html\r\n\
                  Content-Length: 6\r\n\r\n<html>";
    let empty = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    for (response, status, parts) in [
        (
            denied,
            403,
            ["it comes from a proxy (ERR_ACCESS_DENIED), probably", "exclude its host with NO_PROXY"],
        ),
        (empty, 503, ["it came through the proxy", "check that it can reach the service"]),
    ] {
        let proxy = TestProxy::start(Behaviour::Respond(response)).await;
        let config = through(&proxy.url("me:secret@"), "http://service.example");
        let error = call::<T>(&config).await.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, status));
        assert_contains(&error, &parts);
        assert_contains(&error, &[&proxy.url("")]);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

async fn an_error_of_the_service_does_not_name_the_proxy<T: Network>() {
    let response = "HTTP/1.1 409 Conflict\r\nContent-Length: 40\r\n\r\n\
                    {\"code\":\"X\",\"status\":409,\"message\":\"no\"}";
    let proxy = TestProxy::start(Behaviour::Respond(response)).await;
    let error = call::<T>(&through(&proxy.url(""), "http://service.example")).await.unwrap_err();
    assert!(error.service().is_some() && !error.to_string().contains("proxy"), "{error}");
}

async fn a_rejection_of_credentials_says_whether_some_were_sent<T: Network>() {
    let proxy =
        TestProxy::start(Behaviour::Respond("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")).await;
    let config = ClientConfig::from_url(&proxy.url("")).unwrap();
    let error = call::<T>(&config).await.unwrap_err();
    assert_contains(&error, &["401", "the request had no `authorization`: set `credential.token_file`"]);
    let own = config.clone().with_header(AUTHORIZATION, HeaderValue::from_static("Basic c2VjcmV0"));
    let with_login = ClientConfig::from_url(&proxy.url("me:secret@")).unwrap();
    let of_call = CallOptions::new().token("secret");
    for error in [
        call::<T>(&own).await.unwrap_err(),
        call::<T>(&with_login).await.unwrap_err(),
        T::client(&config).with(of_call).get_session_by_id(None, "1").await.unwrap_err(),
    ] {
        assert_contains(
            &error,
            &["the `authorization` that was sent is rejected: check the token or header"],
        );
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

over_each_network! {
    a_token_is_not_sent_in_clear_text_through_a_proxy
    an_error_in_another_format_names_the_proxy_that_forwards
    an_error_of_the_service_does_not_name_the_proxy
    a_rejection_of_credentials_says_whether_some_were_sent
    credentials_of_a_proxy_are_in_no_log
    http_requests_are_sent_to_the_proxy_with_the_complete_url
    the_credentials_of_the_proxy_are_sent_to_it
    connections_to_the_proxy_are_reused
    a_proxy_is_also_used_for_a_service_on_this_machine
    an_excluded_service_is_called_directly
    a_proxy_that_is_down_is_named
    a_proxy_with_an_unknown_name_is_named
    a_proxy_that_does_not_respond_is_named
    a_proxy_that_asks_for_credentials_is_not_the_service
    a_proxy_with_an_unsupported_kind_of_credentials_is_reported
    a_proxy_that_the_client_does_not_know_is_not_the_service_either
    a_socks_proxy_opens_the_connection
    the_default_port_of_http_is_sent_to_a_socks_proxy
    a_socks_proxy_that_refuses_is_reported
    a_socks_proxy_that_cannot_reach_the_service_is_a_connect_error
}

#[cfg(all(feature = "http2", feature = "hyper"))]
#[tokio::test]
async fn http2_without_tls_goes_through_a_connection_of_the_proxy() {
    let proxy = TestProxy::start(Behaviour::Respond("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let config = through(&proxy.url(""), "http://service.example");
    let config = config.with_http_version(sessions_client::HttpVersion::Http2);
    let error = refused::<sessions_client::HyperTransport>(config).await;
    assert_contains(&error, &["refuses to connect", "403 Forbidden"]);
    assert!(proxy.only_request().starts_with("CONNECT service.example:80 "));
}

#[cfg(all(feature = "http2", feature = "reqwest"))]
#[test]
fn http2_without_tls_through_a_proxy_is_rejected_over_reqwest() {
    let config = through("http://proxy.example", "http://service.example");
    let config = config.with_http_version(sessions_client::HttpVersion::Http2);
    let error = sessions_client::ReqwestTransport::new(&config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_contains(&error, &["`with_http_version`", "through an HTTP proxy"]);
}

#[cfg(feature = "rustls")]
mod over_tls {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use sessions_client::{Pem, TlsConfig};
    use std::sync::Arc;
    use support::read_request;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// Starts a service at `localhost`, and returns its URL and the settings that trust it.
    async fn service() -> (String, TlsConfig, TlsAcceptor) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let of_service = acceptor.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = of_service.accept(stream).await else { continue };
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(DONE.as_bytes()).await.unwrap();
                }
            }
        });
        (url, TlsConfig::new().with_ca(Pem::content(cert.pem())), acceptor)
    }

    async fn credentials_that_a_proxy_rejects_are_sent_to_it_once<T: Network>() {
        let proxy = TestProxy::start(Behaviour::Respond(NEEDS_CREDENTIALS)).await;
        let error = refused::<T>(through(&proxy.url("me:secret@"), "https://service.example")).await;
        assert_contains(&error, &["rejects the credentials in its URL (407)"]);
        assert_eq!((proxy.connections(), proxy.requests().len()), (1, 1));
    }

    async fn a_proxy_that_closes_the_connection_is_asked_once<T: Network>() {
        let proxy = TestProxy::start(Behaviour::Hangup).await;
        let error = call::<T>(&through(&proxy.url(""), "https://service.example")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert_contains(&error, &["the proxy http://127.0.0.1:", "closed the connection"]);
        assert_eq!(proxy.connections(), 1);
    }

    async fn the_proxy_opens_the_connection<T: Network>() {
        let (url, tls, _) = service().await;
        let proxy = TestProxy::start(Behaviour::Connect).await;
        let config = through(&proxy.url("me:s%40fe@"), &url).with_tls(tls);
        let client = T::client(&config);
        for _ in 0..2 {
            client.get_session_by_id(None, "1").await.unwrap();
        }
        let request = proxy.only_request();
        let host = url.strip_prefix("https://").unwrap();
        assert!(request.starts_with(&format!("CONNECT {host} HTTP/1.1\r\n")), "{request}");
        let request = request.to_lowercase();
        assert!(request.contains("\r\nproxy-authorization: basic bwu6c0bmzq==\r\n"), "{request}");
        assert!(request.contains("\r\nuser-agent: "), "{request}");
        assert!(!request.contains("\r\nauthorization: "), "{request}");
    }

    async fn malformed_headers_of_the_proxy_do_not_matter<T: Network>() {
        let headers = "X : 1\r\nPHP Warning\r\nSet-Cookie: \u{1}\r\n folded\r\n";
        let (url, tls, _) = service().await;
        let proxy = TestProxy::start(Behaviour::ConnectWith(headers)).await;
        let outcome = call::<T>(&through(&proxy.url(""), &url).with_tls(tls)).await;
        match (T::NAME, outcome) {
            ("hyper", outcome) => outcome.unwrap(),
            (_, outcome) => {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Connect);
                assert_contains(&error, &["did not open a connection", "use `HyperTransport`"]);
            }
        }
        for (status, expected) in [
            ("407 Proxy Authentication Required", "asks for credentials (407): write them into its URL"),
            ("403 Forbidden", "refuses to connect to the service with 403 Forbidden"),
        ] {
            let response = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\n\r\n").leak();
            let proxy = TestProxy::start(Behaviour::Respond(response)).await;
            let error = refused::<T>(through(&proxy.url(""), "https://service.example")).await;
            assert_contains(&error, &[expected]);
        }
    }

    async fn a_socks_proxy_opens_the_connection<T: Network>() {
        let (url, tls, _) = service().await;
        let proxy = TestProxy::start(Behaviour::Socks).await;
        call::<T>(&through(&proxy.url_with("socks5h", ""), &url).with_tls(tls)).await.unwrap();
    }

    async fn a_proxy_may_itself_be_reached_over_tls<T: Network>() {
        let (url, tls, acceptor) = service().await;
        let proxy = TestProxy::over_tls(Behaviour::Connect, acceptor.clone()).await;
        let proxy_url = proxy.url_with("https", "").replace("127.0.0.1", "localhost");
        call::<T>(&through(&proxy_url, &url).with_tls(tls.clone())).await.unwrap();
        let proxy = TestProxy::over_tls(Behaviour::Respond(DONE), acceptor).await;
        let proxy_url = proxy.url_with("https", "").replace("127.0.0.1", "localhost");
        call::<T>(&through(&proxy_url, "http://service.example").with_tls(tls)).await.unwrap();
    }

    async fn an_error_says_whether_the_certificate_is_that_of_the_proxy<T: Network>() {
        let (url, tls, _) = service().await;
        let (_, _, another) = service().await;
        let proxy = TestProxy::over_tls(Behaviour::Connect, another).await;
        let proxy_url = proxy.url_with("https", "").replace("127.0.0.1", "localhost");
        let error = call::<T>(&through(&proxy_url, &url).with_tls(tls)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls);
        assert_contains(&error, &["cannot connect to", "not trusted"]);
    }

    async fn an_untrusted_service_behind_a_proxy_is_an_error_of_tls<T: Network>() {
        let (url, _, _) = service().await;
        let proxy = TestProxy::start(Behaviour::Connect).await;
        let error = call::<T>(&through(&proxy.url(""), &url).with_retries(2)).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Tls, 1), "{error}");
        assert_contains(
            &error,
            &[&format!("cannot connect to {url}: the certificate of `localhost` is not trusted")],
        );
    }

    async fn a_proxy_that_asks_for_credentials_is_reported<T: Network>() {
        let proxy = TestProxy::start(Behaviour::Respond(NEEDS_CREDENTIALS)).await;
        let error = refused::<T>(through(&proxy.url(""), "https://service.example")).await;
        assert_contains(
            &error,
            &["cannot connect to https://service.example: the proxy", "(407)", "user:password@"],
        );
        let error = refused::<T>(through(&proxy.url("me:secret@"), "https://service.example")).await;
        assert_contains(&error, &["rejects the credentials in its URL (407)"]);
    }

    async fn a_proxy_that_refuses_is_reported_with_its_status<T: Network>() {
        for status in ["403 Forbidden", "400 Bad Request", "302 Found", "404 Not Found"] {
            let response = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").leak();
            let proxy = TestProxy::start(Behaviour::Respond(response)).await;
            let error = refused::<T>(through(&proxy.url(""), "https://service.example")).await;
            assert_contains(
                &error,
                &["the proxy http://127.0.0.1:", "refuses to connect", status, "NO_PROXY"],
            );
        }
        // Squid responds so if it cannot resolve the name.
        let proxy = TestProxy::start(Behaviour::Respond("HTTP/1.1 500 Internal Server Error\r\n\r\n")).await;
        let error = refused::<T>(through(&proxy.url(""), "https://service.example")).await;
        assert_contains(&error, &["cannot reach the service", "500 Internal Server Error", "check the host"]);
        let proxy = TestProxy::start(Behaviour::Respond("SSH-2.0-OpenSSH\r\n")).await;
        let error = refused::<T>(through(&proxy.url(""), "https://service.example")).await;
        assert_contains(&error, &["does not speak HTTP at this port"]);
    }

    async fn a_proxy_that_cannot_reach_the_service_is_a_connect_error<T: Network>() {
        for status in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
            let response = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").leak();
            let proxy = TestProxy::start(Behaviour::Respond(response)).await;
            let error = call::<T>(&through(&proxy.url(""), "https://service.example")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
            assert_contains(&error, &["the proxy http://127.0.0.1:", "cannot reach the service", status]);
            assert!(error.is_retryable());
        }
    }

    over_each_network! {
        credentials_that_a_proxy_rejects_are_sent_to_it_once
        a_proxy_that_closes_the_connection_is_asked_once
        the_proxy_opens_the_connection
        malformed_headers_of_the_proxy_do_not_matter
        a_socks_proxy_opens_the_connection
        a_proxy_may_itself_be_reached_over_tls
        an_error_says_whether_the_certificate_is_that_of_the_proxy
        an_untrusted_service_behind_a_proxy_is_an_error_of_tls
        a_proxy_that_asks_for_credentials_is_reported
        a_proxy_that_refuses_is_reported_with_its_status
        a_proxy_that_cannot_reach_the_service_is_a_connect_error
    }
}

/// Tests in separate processes, because they need other variables of the environment.
mod in_another_environment {
    use super::*;
    use std::process::Command;

    /// Runs a test of `child` in a process with these variables.
    async fn run(test: &str, variables: &[(&str, String)]) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let tests = ["hyper", "reqwest"]
            .map(|network| format!("in_another_environment::child::over_{network}::{test}"));
        command.args(["--exact", "--ignored", "--test-threads=1"]).args(tests).env_remove("NO_PROXY");
        command.envs(variables.iter().cloned());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !printed.contains("ok. 0 passed"), "{printed}");
    }

    #[tokio::test]
    async fn the_proxy_of_the_environment_is_used() {
        let proxy = TestProxy::start(Behaviour::Respond(DONE)).await;
        run("a_service_elsewhere_responds", &[("HTTP_PROXY", proxy.url("me:s%40fe@"))]).await;
        run("a_service_elsewhere_responds", &[("all_proxy", proxy.url(""))]).await;
        let transports = usize::from(cfg!(feature = "hyper")) + usize::from(cfg!(feature = "reqwest"));
        assert_eq!(proxy.requests().len(), 2 * transports);
        assert!(proxy.requests()[0].to_lowercase().contains("proxy-authorization: basic bwu6c0bmzq=="));
    }

    #[tokio::test]
    async fn the_proxy_of_the_environment_is_not_used_for_this_machine() {
        run("a_service_on_this_machine_responds", &[("HTTP_PROXY", closed_port())]).await;
    }

    #[tokio::test]
    async fn an_unusable_variable_is_reported() {
        run("the_variable_is_named", &[("HTTP_PROXY", "ftp://me:secret@proxy".to_owned())]).await;
    }

    mod child {
        use super::super::*;

        async fn a_service_elsewhere_responds<T: Network>() {
            call::<T>(&ClientConfig::from_url("http://service.example").unwrap()).await.unwrap();
        }

        async fn a_service_on_this_machine_responds<T: Network>() {
            call::<T>(&ClientConfig::from_url(&responding(DONE).await).unwrap()).await.unwrap();
        }

        async fn the_variable_is_named<T: Network>() {
            let error =
                T::try_over(&ClientConfig::from_url("http://service.example").unwrap()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_contains(&error, &["`HTTP_PROXY` is not the URL of a proxy"]);
            assert!(!error.to_string().contains("secret"));
        }

        over_each_network! {
            ignored: "needs the environment that its parent sets",
            a_service_elsewhere_responds
            a_service_on_this_machine_responds
            the_variable_is_named
        }
    }
}
