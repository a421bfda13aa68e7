//! Raw HTTP, for requests that no client of the contract would send, and for answers as they came.
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

/// One connection at a time, renewed when the other side has closed it, or might do so at any moment.
pub(crate) struct Wire {
    address: SocketAddr,
    connection: Option<(SendRequest<Full<Bytes>>, Instant)>,
}

/// The services close a connection that is idle for five or six seconds.
const FRESH: Duration = Duration::from_secs(4);

impl Wire {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let kept = match self.connection.take() {
            // An answer may have closed the connection.
            Some((mut connection, used)) if used.elapsed() < FRESH => {
                connection.ready().await.is_ok().then_some(connection)
            }
            _ => None,
        };
        let mut connection = match kept {
            Some(connection) => connection,
            None => connect(self.address).await,
        };
        // After an answer of HTTP/1.0, hyper asks for no more than that.
        let is_old = request.version() == Version::HTTP_10;
        let answer = connection.send_request(request.map(Full::new)).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        self.connection = (!is_old).then(|| (connection, Instant::now()));
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

/// The headers of an answer in their order, without what belongs to the moment. A length that is true says no
/// more than that.
pub(crate) fn headers(answer: &Response<Bytes>) -> Vec<(String, String)> {
    let shown = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let is_true = *name == CONTENT_LENGTH && text == answer.body().len().to_string();
        let text = if is_true || *name == DATE { "…".to_owned() } else { text };
        (name.as_str().to_owned(), text)
    };
    answer.headers().iter().map(shown).collect()
}

/// The body of an answer without its compression.
pub(crate) fn plain(answer: &Response<Bytes>) -> Vec<u8> {
    if is_gzip(answer.headers()) {
        let mut plain = Vec::new();
        GzDecoder::new(&answer.body()[..]).read_to_end(&mut plain).expect("sound gzip");
        return plain;
    }
    answer.body().to_vec()
}

fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip")
}
