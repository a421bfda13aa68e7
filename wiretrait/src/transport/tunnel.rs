//! Connections that a proxy opens to the service.
//!
//! Rejected alternative: the tunnel of hyper-util, because its errors do not contain the status of the proxy's
//! response.

use super::failure::{ProxyFailure, root_cause};
use super::proxy::{ProxyKind, ProxyRoute};
use http::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE};
use http::{StatusCode, Uri};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::rt::TokioIo;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tower_service::Service;

/// The maximum size of what a proxy sends before the connection is open, in bytes.
const MAX_HEAD: usize = 64 << 10;

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

    stream.write_all(&request).await.map_err(|error| broken(proxy, &error))?;
    stream.flush().await.map_err(|error| broken(proxy, &error))?;
    let (status, headers) = read_head(stream, proxy).await?;
    if status.is_success() { Ok(()) } else { Err(ProxyFailure::status(proxy, status, &headers)) }
}

pub(super) fn not_http(proxy: &ProxyRoute) -> ProxyFailure {
    ProxyFailure::permanent(
        proxy,
        "does not speak HTTP at this port: check the scheme and the port of its URL",
    )
}

/// Reads the head of the final response, and returns its status and the headers that describe an error.
///
/// Malformed lines are skipped, as curl does, because only the status says whether the connection is open. Of an error,
/// an incomplete head is enough.
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    proxy: &ProxyRoute,
) -> Result<(StatusCode, HeaderMap), ProxyFailure> {
    let (mut head, mut line, mut length) = (Head::default(), Vec::new(), 0);
    loop {
        // Byte by byte, because what follows the head is already from the service.
        match stream.read_u8().await {
            Ok(byte) if length < MAX_HEAD => line.push(byte),
            outcome => return head.incomplete(proxy, length == 0, outcome.err()),
        }
        length += 1;
        if let Some(complete) = line.strip_suffix(b"\n") {
            let complete = complete.strip_suffix(b"\r").unwrap_or(complete);
            if let Some(result) = head.add(complete).map_err(|()| not_http(proxy))? {
                return Ok(result);
            }
            line.clear();
        }
    }
}

/// The received part of a response head.
#[derive(Default)]
struct Head {
    status: Option<StatusCode>,
    headers: HeaderMap,
    /// The line of a header that may be continued.
    header: Vec<u8>,
}

impl Head {
    /// Adds a line, and returns the status and the headers after the last one. Heads of interim responses are skipped.
    /// The error is a first line that is not HTTP.
    fn add(&mut self, line: &[u8]) -> Result<Option<(StatusCode, HeaderMap)>, ()> {
        let Some(status) = self.status else {
            if !line.is_empty() {
                self.status = Some(status(line).ok_or(())?);
            }
            return Ok(None);
        };
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            self.header.extend_from_slice(line);
            return Ok(None);
        }
        self.end_header();
        self.header.extend_from_slice(line);
        if !line.is_empty() {
            return Ok(None);
        }
        let is_interim = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
        let Self { headers, .. } = std::mem::take(self);
        Ok((!is_interim).then_some((status, headers)))
    }

    /// Keeps the last header if it describes an error.
    fn end_header(&mut self) {
        let header = std::mem::take(&mut self.header);
        let Some((name, value)) = memchr::memchr(b':', &header).map(|colon| header.split_at(colon)) else {
            return;
        };
        if name.trim_ascii().eq_ignore_ascii_case(PROXY_AUTHENTICATE.as_str().as_bytes())
            && let Ok(value) = HeaderValue::from_bytes(value[1..].trim_ascii())
        {
            self.headers.append(PROXY_AUTHENTICATE, value);
        }
    }

    /// Returns the result if the rest of the head is not read: because of its size, the end of the connection or an error.
    fn incomplete(
        mut self,
        proxy: &ProxyRoute,
        is_empty: bool,
        error: Option<io::Error>,
    ) -> Result<(StatusCode, HeaderMap), ProxyFailure> {
        self.end_header();
        let is_end = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        match (self.status, error) {
            (Some(status), _) if status.is_client_error() || status.is_server_error() => {
                Ok((status, self.headers))
            }
            (_, Some(error)) if !is_end(&error) => Err(broken(proxy, &error)),
            (_, Some(_)) if is_empty => {
                Err(ProxyFailure::transient(proxy, "closed the connection without a response"))
            }
            (Some(_), Some(_)) => {
                Err(ProxyFailure::transient(proxy, "closed the connection before the end of its response"))
            }
            (Some(_), None) => {
                let why =
                    format_args!("responded with a header section over the limit of {} KiB", MAX_HEAD >> 10);
                Err(ProxyFailure::permanent(proxy, why))
            }
            (None, _) => Err(not_http(proxy)),
        }
    }
}

/// Parses a status line.
fn status(line: &[u8]) -> Option<StatusCode> {
    let (version, rest) = line.strip_prefix(b"HTTP/1.")?.split_first()?;
    let (code, reason) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let is_valid = version.is_ascii_digit() && (reason.is_empty() || reason.starts_with(b" "));
    StatusCode::from_bytes(code).ok().filter(|_| is_valid)
}

fn broken(proxy: &ProxyRoute, error: &io::Error) -> ProxyFailure {
    ProxyFailure::transient(proxy, format_args!("closed the connection: {}", root_cause(error)))
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

    /// Returns what follows the response to CONNECT, or the message of the failure.
    async fn tunnel(response: &[u8]) -> Result<String, String> {
        let config = ClientConfig::new().with_proxy(Proxy::url("http://proxy").unwrap());
        let proxy = ProxyRoute::of(&config, &"http://service".parse().unwrap()).unwrap().unwrap();
        let (mut client, mut server) = tokio::io::duplex(256 << 10);
        server.write_all(response).await.unwrap();
        server.shutdown().await.unwrap();
        let user_agent = HeaderValue::from_static("a");
        let outcome = connect(&mut client, &proxy, ("service", 80), &user_agent).await;
        outcome.map_err(|failure| failure.to_string())?;
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        Ok(rest)
    }

    #[tokio::test]
    async fn bytes_of_the_service_after_the_response_of_the_proxy_are_not_lost() {
        assert_eq!(tunnel(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nfirst").await.as_deref(), Ok("first"));
    }

    #[tokio::test]
    async fn malformed_lines_of_a_response_to_connect_are_skipped() {
        for line in [
            "X : 1",
            "PHP Warning:  something in index.php",
            "PHP Warning",
            ": no name",
            "Set-Cookie: a=\u{1}",
            "X: 1\r\n folded\r\n\tagain",
            " leading",
            "Süd: ü",
            "A: b\r\n".repeat(500).trim_end(),
            &format!("Set-Cookie: {}", "x".repeat(40 << 10)),
        ] {
            for end in ["\r\n", "\n"] {
                let response = ["HTTP/1.1 200 Connection established", line, "A: b", "", "first"].join(end);
                assert_eq!(tunnel(response.as_bytes()).await.as_deref(), Ok("first"), "{line:?}");
            }
        }
    }

    #[tokio::test]
    async fn unusual_status_lines_of_a_success_are_read() {
        for head in [
            "HTTP/1.0 200 OK",
            "HTTP/1.1 200",
            "HTTP/1.1 200 Verbindung hergestellt \u{fc}\u{1}",
            "\r\nHTTP/1.1 204 No Content",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
            "HTTP/1.1 102 Processing\r\nX : 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK",
        ] {
            let response = format!("{head}\r\nA: b\r\n\r\nfirst");
            assert_eq!(tunnel(response.as_bytes()).await.as_deref(), Ok("first"), "{head:?}");
        }
    }

    #[tokio::test]
    async fn the_status_of_an_error_is_reported_in_spite_of_its_headers() {
        let cookies = "Set-Cookie: x\r\n".repeat(10_000);
        for (response, expected) in [
            (
                "HTTP/1.1 407 Needed\r\nX : 1\r\nProxy-Authenticate: Basic realm=a\r\n\r\n",
                "write them into its URL",
            ),
            ("HTTP/1.1 407 Needed\r\nPHP Warning\r\n\r\n", "write them into its URL"),
            (
                "HTTP/1.1 407 Needed\r\nproxy-authenticate : Negotiate\r\n\r\n",
                "it must offer the scheme `Basic`",
            ),
            (
                "HTTP/1.1 407 Needed\r\nProxy-Authenticate:\r\n Negotiate abc\r\n\r\n",
                "it must offer the scheme `Basic`",
            ),
            ("HTTP/1.1 407 Needed\r\nProxy-Authenticate: Negotiate", "asks for credentials (407)"),
            (
                &format!("HTTP/1.1 407 Needed\r\nProxy-Authenticate: Negotiate\r\n{cookies}\r\n"),
                "it must offer the scheme `Basic`",
            ),
            (
                &format!("HTTP/1.1 403 Forbidden\r\n{cookies}\r\n"),
                "refuses to connect to the service with 403 Forbidden",
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                "refuses to connect to the service with 101 Switching Protocols",
            ),
        ] {
            let message = tunnel(response.as_bytes()).await.unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[tokio::test]
    async fn an_incomplete_response_to_connect_is_reported() {
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "Set-Cookie: x\r\n".repeat(10_000));
        for (response, expected) in [
            ("", "closed the connection without a response"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", "closed the connection before the end of its response"),
            (&endless, "responded with a header section over the limit of 64 KiB"),
            ("SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
            ("\u{15}\u{3}\u{1}", "does not speak HTTP"),
            ("HTTP/1.1 20", "does not speak HTTP"),
            ("HTTP/2 200 OK\r\n\r\n", "does not speak HTTP"),
            ("HTTP/1.1 2000 OK\r\n\r\n", "does not speak HTTP"),
            ("HTTP/1.1\u{a0}200 OK\r\n\r\n", "does not speak HTTP"),
        ] {
            let message = tunnel(response.as_bytes()).await.unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
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
