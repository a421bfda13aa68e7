//! Services that cannot be reached, speak another protocol, or send damaged responses.

use crate::server::{KINDS, Reaction, Server, client, config, errors, frame, get, open};
use http::{HeaderMap, HeaderValue};
use sessions_client::http::HeaderName;
use sessions_client::{ClientKind, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn an_unreachable_service_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for kind in KINDS {
        let error = open(&client(kind, &config(&url))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 3), "{error}");
    }
}

/// Starts a server that passes each of its connections to `end`, which closes it. Returns its URL.
async fn closing_server<F>(end: fn(TcpStream) -> F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            end(listener.accept().await.unwrap().0).await;
        }
    });
    url
}

async fn reject_as_http1(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1024]).await;
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
}

async fn close(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1024]).await;
}

/// Closes a connection while received bytes are unread, which resets it.
async fn close_unread(mut stream: TcpStream) {
    let _ = stream.read_exact(&mut [0; 24]).await;
    stream.readable().await.unwrap();
}

/// Resets a connection after all received bytes were read.
async fn reset(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1024]).await;
    stream.set_zero_linger().unwrap();
}

#[tokio::test]
async fn a_service_that_speaks_http1_is_named() {
    let url = closing_server(reject_as_http1).await;
    for kind in KINDS {
        let error = open(&client(kind, &config(&url))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
        let message = error.to_string();
        assert!(
            message.contains("is not valid HTTP/2")
                && message.contains("check that the port is that of gRPC"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_closed_connection_is_a_hint_at_the_port_of_grpc() {
    for url in [closing_server(close).await, closing_server(close_unread).await, closing_server(reset).await]
    {
        let error = get(&client(ClientKind::Grpc, &config(&url).with_retries(0))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        let message = error.to_string();
        let why =
            "the connection was closed instead of an HTTP/2 response; check that the port is that of gRPC";
        assert!(message.contains(why) && !message.contains("Http1"), "{message}");
    }
}

#[tokio::test]
async fn a_port_that_stays_silent_is_a_hint_at_the_port_of_grpc() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for kind in KINDS {
        let config = config(&url).with_retries(0).with_connect_timeout(Duration::from_millis(60));
        let error = open(&client(kind, &config)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert!(error.to_string().contains("in time; check that the port is that of gRPC"), "{error}");
    }
}

#[tokio::test]
async fn a_response_that_is_not_grpc_is_named() {
    for (error, calls) in errors(|| Reaction::Http(200, "<html>")).await {
        assert_eq!((error.kind(), calls), (ErrorKind::Protocol, 1));
        assert!(error.to_string().contains("is not gRPC; check that the port is that of gRPC"), "{error}");
    }
}

#[tokio::test]
async fn an_error_response_of_a_proxy_keeps_its_status() {
    for (error, calls) in errors(|| Reaction::Http(502, "<html>bad gateway")).await {
        assert_eq!((error.status().unwrap().as_u16(), calls), (502, 3), "{error}");
        assert_eq!(&error.body().unwrap()[..], b"<html>bad gateway");
    }
}

#[tokio::test]
async fn damaged_responses_are_protocol_errors() {
    fn ok() -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))])
    }
    for (reaction, why) in [
        (
            (|| Reaction::Body(frame(0, b""), HeaderMap::new())) as fn() -> Reaction,
            "has no `grpc-status`, so it may be incomplete",
        ),
        (|| Reaction::Body(Vec::new(), ok()), "has the status OK, but no message"),
        (|| Reaction::Body(frame(1, b""), ok()), "has a compressed message, which was not asked for"),
        (|| Reaction::Body([frame(0, b""), frame(0, b"")].concat(), ok()), "does not consist of one message"),
        (|| Reaction::Body(frame(0, b"abc")[..7].to_vec(), ok()), "does not consist of one message"),
    ] {
        for (error, calls) in errors(reaction).await {
            assert_eq!((error.kind(), calls), (ErrorKind::Protocol, 1), "{error}");
            assert!(error.to_string().ends_with(why), "{error}");
        }
    }
    for (error, calls) in errors(|| Reaction::Message(vec![0xff, 0xff])).await {
        assert_eq!((error.kind(), calls), (ErrorKind::Decode, 1), "{error}");
    }
}

#[tokio::test]
async fn a_response_over_the_size_limit_is_an_error() {
    for kind in KINDS {
        let server = Server::good().await;
        let config = config(&server.url).with_max_response_bytes(40);
        let error = open(&client(kind, &config)).await.unwrap_err();
        assert_eq!(error.to_string(), "open_session: the response is larger than the limit of 40 bytes");
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_gateway_that_speaks_http1_over_tls_is_a_hint_at_http2() {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use sessions_client::{Pem, TlsConfig};

    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            assert!(acceptor.accept(stream).await.is_err());
        }
    });
    let config = config(&url).with_tls(TlsConfig::new().with_ca(Pem::content(cert.pem())));
    for kind in KINDS {
        let error = open(&client(kind, &config)).await.unwrap_err();
        let message = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Tls, "{message}");
        assert!(message.contains("gateways speak HTTP/2") && !message.contains("http_version"), "{message}");
    }
}
