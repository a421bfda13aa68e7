//! A raw HTTP client, for requests that the typed client would not send and for unmodified responses.
#![allow(dead_code, reason = "each test target uses its own part")]

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, DATE, HeaderMap, HeaderName};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A client with one connection, which is renewed before the service closes it as idle.
pub(crate) struct Wire {
    address: SocketAddr,
    connection: Option<(SendRequest<Full<Bytes>>, Instant)>,
}

/// Shorter than the idle timeout of the services, which is five or six seconds.
const FRESH: Duration = Duration::from_secs(4);

impl Wire {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let reusable = match self.connection.take() {
            // The previous response may have closed the connection.
            Some((mut connection, used)) if used.elapsed() < FRESH => {
                connection.ready().await.is_ok().then_some(connection)
            }
            _ => None,
        };
        let mut connection = match reusable {
            Some(connection) => connection,
            None => connect(self.address).await,
        };
        // After an HTTP/1.0 response, hyper would downgrade all further requests.
        let is_http_10 = request.version() == Version::HTTP_10;
        let response = connection.send_request(request.map(Full::new)).await.expect("a response");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a complete response").to_bytes();
        self.connection = (!is_http_10).then(|| (connection, Instant::now()));
        Response::from_parts(parts, body)
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the service listens");
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Returns the headers of a response in order, with the date and a correct length replaced by a placeholder.
pub(crate) fn headers(response: &Response<Bytes>) -> Vec<(String, String)> {
    let shown = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let is_correct = *name == CONTENT_LENGTH && text == response.body().len().to_string();
        let text = if is_correct || *name == DATE { "…".to_owned() } else { text };
        (name.as_str().to_owned(), text)
    };
    response.headers().iter().map(shown).collect()
}

/// Returns the decompressed body of a response.
pub(crate) fn plain(response: &Response<Bytes>) -> Vec<u8> {
    if is_gzip(response.headers()) {
        let mut plain = Vec::new();
        GzDecoder::new(&response.body()[..]).read_to_end(&mut plain).expect("valid gzip");
        return plain;
    }
    response.body().to_vec()
}

fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip")
}
