//! Connections that a proxy opens to the service.
//!
//! Rejected alternative: the tunnel of hyper-util, because its errors do not contain the status of the proxy's
//! response.

use super::failure::{ProxyFailure, root_cause};
use super::proxy::{ProxyKind, ProxyRoute};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::rt::TokioIo;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tower_service::Service;

/// The longest head of a proxy's response.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 128;

/// Asks the proxy at the other end of `stream` for a connection to `host` and `port` with CONNECT. An IPv6
/// address is in brackets.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    proxy: &ProxyRoute,
    (host, port): (&str, u16),
    user_agent: &HeaderValue,
) -> Result<(), ProxyFailure> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    let mut header = |name: &str, value: &HeaderValue| {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    };
    header("User-Agent: ", user_agent);
    if let Some(value) = &proxy.authorization {
        header("Proxy-Authorization: ", value);
    }
    request.extend_from_slice(b"\r\n");

    let broken = |error: io::Error| {
        ProxyFailure::transient(proxy, format_args!("closed the connection: {}", root_cause(&error)))
    };
    stream.write_all(&request).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    // Byte by byte, because what follows the head is already from the service.
    let mut head = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(byte) if head.len() < MAX_HEAD => head.push(byte),
            Ok(_) => return Err(not_http(proxy)),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(broken(error)),
            Err(_) => {
                return Err(if head.is_empty() {
                    ProxyFailure::transient(proxy, "closed the connection without a response")
                } else {
                    not_http(proxy)
                });
            }
        }
        if head.ends_with(b"\n") {
            match parse(&head) {
                Ok(Some((status, _))) if status.is_success() => return Ok(()),
                Ok(Some((status, headers))) => return Err(ProxyFailure::status(proxy, status, &headers)),
                Ok(None) => {}
                Err(_) => return Err(not_http(proxy)),
            }
        }
    }
}

pub(super) fn not_http(proxy: &ProxyRoute) -> ProxyFailure {
    ProxyFailure::permanent(
        proxy,
        "does not speak HTTP at this port: check the scheme and the port of its URL",
    )
}

/// Returns status and headers of a response, or `None` if its head is incomplete.
fn parse(head: &[u8]) -> Result<Option<(StatusCode, HeaderMap)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    if response.parse(head)?.is_partial() {
        return Ok(None);
    }
    let status =
        response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(httparse::Error::Status)?;
    let headers = response.headers.iter().filter_map(|header| {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(header.value).ok()?))
    });
    Ok(Some((status, headers.collect())))
}

/// Asks the SOCKS proxy at the other end of `stream` for a connection to `target`, whose port is explicit.
pub(super) async fn socks<S>(stream: S, proxy: &ProxyRoute, target: Uri) -> Result<S, ProxyFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let opened = Opened(Some(TokioIo::new(ByteByByte(stream))));
    let uri = proxy.uri.clone();
    let stream = match proxy.kind {
        ProxyKind::Socks4 | ProxyKind::Socks4a => {
            SocksV4::new(uri, opened).call(target).await.map_err(|error| error.to_string())
        }
        _ => {
            let mut socks = SocksV5::new(uri, opened);
            if let Some((user, password)) = &proxy.login {
                socks = socks.with_auth(user.clone(), password.clone());
            }
            socks.call(target).await.map_err(|error| error.to_string())
        }
    };
    stream.map(|stream| stream.into_inner().0).map_err(|error| socks_failure(proxy, &error))
}

/// Converts an error of hyper-util, whose type is not public.
pub(super) fn socks_failure(proxy: &ProxyRoute, error: &str) -> ProxyFailure {
    let error = error.trim_start_matches("SOCKS error: ");
    let is_handshake = ["io error", "failed parsing", "implements authentication incorrectly"];
    let is_transient = [
        "general server failure",
        "network unreachable",
        "host unreachable",
        "connection refused",
        "ttl expired",
    ];
    if error.contains("credentials not accepted") {
        return ProxyFailure::permanent(
            proxy,
            "rejects the credentials in its URL: check user name and password",
        );
    }
    if error.contains("does not support user/pass") {
        return ProxyFailure::permanent(
            proxy,
            if proxy.has_credentials() {
                "does not accept a user name and password: remove them from its URL"
            } else {
                "asks for credentials: write them into its URL, like `socks5://user:password@proxy:1080`"
            },
        );
    }
    if is_handshake.iter().any(|part| error.contains(part)) {
        let why = "does not complete the SOCKS handshake: check the scheme and the port of its URL";
        return ProxyFailure::permanent(proxy, why);
    }
    if is_transient.iter().any(|part| error.contains(part)) {
        return ProxyFailure::transient(proxy, format_args!("cannot reach the service: {error}"));
    }
    ProxyFailure::permanent(proxy, format_args!("refuses to connect to the service: {error}"))
}

/// A connector that returns a connection that is open already, since hyper-util's errors would hide why it
/// could not be opened.
struct Opened<S>(Option<S>);

impl<S> Service<Uri> for Opened<S> {
    type Response = S;
    type Error = io::Error;
    type Future = Ready<io::Result<S>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::Error::other("the connection is in use")))
    }
}

/// A stream that is read byte by byte, since hyper-util drops what it has read after the response of the proxy. A service
/// that speaks HTTP/2 sends its settings at once.
struct ByteByByte<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for ByteByByte<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        let mut read = ReadBuf::new(&mut byte);
        let outcome = Pin::new(&mut self.0).poll_read(context, &mut read);
        buffer.put_slice(read.filled());
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ByteByByte<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClientConfig, Proxy};

    #[tokio::test]
    async fn bytes_of_the_service_after_the_response_of_the_proxy_are_not_lost() {
        let config = ClientConfig::new().with_proxy(Proxy::url("http://proxy").unwrap());
        let proxy = ProxyRoute::of(&config, &"http://service".parse().unwrap()).unwrap().unwrap();
        let (mut client, mut server) = tokio::io::duplex(1024);
        server.write_all(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nfirst").await.unwrap();
        connect(&mut client, &proxy, ("service", 80), &HeaderValue::from_static("a")).await.unwrap();
        drop(server);
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "first");
    }

    #[tokio::test]
    async fn bytes_of_the_service_after_a_socks_handshake_are_not_lost() {
        for (scheme, replies) in [
            ("socks4a", &b"\0\x5a\0\x50\x0a\0\0\x01first"[..]),
            ("socks5h", b"\x05\0\x05\0\0\x01\x0a\0\0\x01\0\x50first"),
        ] {
            let config = ClientConfig::new().with_proxy(Proxy::url(&format!("{scheme}://proxy")).unwrap());
            let proxy = ProxyRoute::of(&config, &"http://service".parse().unwrap()).unwrap().unwrap();
            let (client, mut server) = tokio::io::duplex(1024);
            server.write_all(replies).await.unwrap();
            let mut stream = socks(client, &proxy, "http://service:80".parse().unwrap()).await.unwrap();
            drop(server);
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            assert_eq!(rest, "first", "{scheme}");
        }
    }
}
