//! One connection, which sends a request and reads its response.
//!
//! The task that waits for a response also drives the connection, and a cancelled call drops it. Rejected
//! alternative: a task for each connection, as in hyper's examples, because every call would wake two tasks,
//! and the connection of a cancelled call would be reused.

use super::head::Repair;
use super::io::{EarlyResponses, Replay, Stream};
use crate::error::Error;
use crate::runtime::Response;
use crate::transport::body::LimitedBody;
use crate::transport::failure::is_end;
use crate::transport::protocol::{self, End, MAX_HEAD_BYTES, MAX_HEADERS, incomplete_head};
use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Parts, SendRequest};
use hyper::rt::ReadBuf;
use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    driver: Driver,
    /// True if the connection must not be used again.
    is_spent: bool,
}

/// The future that reads and writes.
enum Driver {
    Running(Box<http1::Connection<EarlyResponses, Full<Bytes>>>),
    /// It has ended, and left the stream and unparsed bytes behind.
    Ended(Option<Parts<EarlyResponses>>),
}

/// The reason why a request has no response.
pub(super) enum ExchangeError {
    /// The connection was closed before anything was written. Contains the request.
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
    /// The connection was closed before any byte of a response. The request may have arrived.
    Closed(hyper::Error),
    /// The connection failed. The request may have arrived.
    Failed(hyper::Error),
    /// The response was rejected.
    Rejected(Error),
}

impl Connection {
    /// Creates a connection over an open stream.
    pub(super) async fn over(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let (requests, driver) = handshake(&http1::Builder::new(), stream).await?;
        Ok(Self { requests, driver, is_spent: false })
    }

    /// Sends `request` to the service at `origin` and reads the complete response, whose body has at most
    /// `limit` bytes.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would have room for the request and a copy of it"
    )]
    pub(super) fn exchange<'c>(
        &'c mut self,
        request: Request<Full<Bytes>>,
        origin: &'c str,
        limit: usize,
    ) -> impl Future<Output = Result<Response, ExchangeError>> + Send + 'c {
        async move {
            let method = request.method().clone();
            let response = match self.send(request).await {
                Err(ExchangeError::Failed(failure))
                    if failure.is_parse() || failure.is_incomplete_message() =>
                {
                    // Boxed, because it is large and hardly ever needed.
                    Box::pin(self.recover(failure, method, origin)).await?
                }
                outcome => outcome?,
            };
            let (parts, mut body) = response.into_parts();
            let size = body.size_hint();
            let end = match size.exact() {
                Some(_) => End::Marked,
                None => protocol::end_of(origin, parts.version, &parts.headers)
                    .map_err(ExchangeError::Rejected)?,
            };
            // For hyper, the body of a response to HEAD is empty.
            let mut whole = LimitedBody::new(false, parts.status, size.lower(), limit)
                .map_err(ExchangeError::Rejected)?;
            while !whole.is_too_large()
                && !body.is_end_stream()
                && let Some(frame) = self.frame(&mut body).await
            {
                // The other frames are trailers.
                if let Ok(data) = frame.map_err(ExchangeError::Failed)?.into_data() {
                    whole.push(data).map_err(ExchangeError::Rejected)?;
                }
            }
            let version = parts.version;
            let response = whole.finish(parts).map_err(ExchangeError::Rejected)?;
            if end == End::Close {
                protocol::check_complete(origin, version, &response).map_err(ExchangeError::Rejected)?;
            }
            Ok(response)
        }
    }

    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would have room for the request and a copy of it"
    )]
    fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<http::Response<Incoming>, ExchangeError>> + Send {
        async move {
            let mut response = pin!(self.requests.try_send_request(request));
            let driver = &mut self.driver;
            let response = poll_fn(|context| {
                driver.poll(context);
                response.as_mut().poll(&mut no_wakeup())
            });
            response.await.map_err(|mut failure| {
                if let Some(request) = failure.take_message() {
                    return ExchangeError::Unsent(Box::new(request), failure.into_error());
                }
                let failure = failure.into_error();
                if self.is_closed_without_response(&failure) {
                    ExchangeError::Closed(failure)
                } else {
                    ExchangeError::Failed(failure)
                }
            })
        }
    }

    /// Parses a head again that hyper has rejected, without its malformed lines and with a higher limit of
    /// headers. hyper would need two more allocations for each response with that limit. Any other `failure` is
    /// returned.
    ///
    /// A head that ends with the connection is checked here, because hyper parses the first segment that it receives, and
    /// then only a complete head, so its error depends on the segments.
    async fn recover(
        &mut self,
        failure: hyper::Error,
        method: Method,
        origin: &str,
    ) -> Result<http::Response<Incoming>, ExchangeError> {
        let is_writing = matches!(self.driver, Driver::Running(_));
        let Some(parts) = self.driver.take_parts() else { return Err(ExchangeError::Failed(failure)) };
        if failure.is_incomplete_message() {
            if parts.read_buf.is_empty() {
                return Err(ExchangeError::Closed(failure));
            }
            return Err(ExchangeError::Rejected(incomplete_head(origin, &parts.read_buf)));
        }
        if !protocol::is_invalid_header(&failure) {
            return Err(ExchangeError::Failed(failure));
        }
        let mut stream = parts.io.into_inner();
        let mut head = Repair::new(parts.read_buf.to_vec());
        let mut bytes = vec![0; 32 << 10];
        let repaired = loop {
            if let Some(repaired) = head.finish(origin).map_err(ExchangeError::Rejected)? {
                break repaired;
            }
            let read = read(&mut *stream, &mut bytes).await.unwrap_or_default();
            if read.is_empty() {
                return Err(ExchangeError::Rejected(incomplete_head(origin, head.incomplete())));
            }
            head.push(read);
        };
        let mut builder = http1::Builder::new();
        // What follows the head may be received already.
        builder.max_headers(MAX_HEADERS).max_buf_size(repaired.len().max(MAX_HEAD_BYTES));
        let replay = Replay::new(repaired.into(), stream);
        (self.requests, self.driver) =
            handshake(&builder, Box::new(replay)).await.map_err(ExchangeError::Failed)?;
        self.is_spent = true;
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        let response = self.send(request).await?;
        // The rest of the request is lost with the first connection. A service that has not refused it waits for it.
        let is_refused = response.status().is_client_error() || response.status().is_server_error();
        if is_writing && !is_refused { Err(ExchangeError::Failed(failure)) } else { Ok(response) }
    }

    async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        poll_fn(|context| match Pin::new(&mut *body).poll_frame(&mut no_wakeup()) {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => {
                self.driver.poll(context);
                Pin::new(&mut *body).poll_frame(&mut no_wakeup())
            }
        })
        .await
    }

    /// Returns whether the peer has closed the connection before any byte of a response.
    fn is_closed_without_response(&self, failure: &hyper::Error) -> bool {
        let system = failure.source().and_then(|source| source.downcast_ref());
        let is_closed = failure.is_incomplete_message() || system.is_some_and(is_end);
        is_closed && matches!(&self.driver, Driver::Ended(Some(parts)) if parts.read_buf.is_empty())
    }

    /// Prepares the connection for the pool, and returns whether another request can be sent. Until then it
    /// does not wake the task of the last call any more.
    pub(super) fn make_idle(&mut self) -> bool {
        self.driver.poll(&mut no_wakeup());
        !self.is_spent && self.requests.is_ready()
    }
}

async fn handshake(
    builder: &http1::Builder,
    stream: Box<dyn Stream>,
) -> hyper::Result<(SendRequest<Full<Bytes>>, Driver)> {
    // Most bodies are shorter than their heads, so copying both into one buffer is cheaper than a vectored
    // write.
    let stream = EarlyResponses::new(stream);
    let (requests, driver) = builder.clone().writev(false).handshake(stream).await?;
    Ok((requests, Driver::Running(Box::new(driver))))
}

impl Driver {
    /// Polls the future, and takes it apart when it completes, which returns an unsent request. Its result is
    /// ignored, because errors of a request are also returned by the sender.
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Self::Running(running) = self
            && Pin::new(&mut **running).poll(context).is_ready()
            && let Self::Running(ended) = std::mem::replace(self, Self::Ended(None))
        {
            *self = Self::Ended(Some(ended.into_parts()));
        }
    }

    /// Takes the future apart after an error, also if it still writes: the service may have responded to the first part of
    /// a request.
    fn take_parts(&mut self) -> Option<Parts<EarlyResponses>> {
        match std::mem::replace(self, Self::Ended(None)) {
            Self::Running(running) => Some(running.into_parts()),
            Self::Ended(parts) => parts,
        }
    }
}

/// Returns received bytes; none at the end of the stream.
async fn read<'b>(stream: &mut dyn Stream, bytes: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut buffer = ReadBuf::new(bytes);
    poll_fn(|context| Pin::new(&mut *stream).poll_read(context, buffer.unfilled())).await?;
    let length = buffer.filled().len();
    Ok(&bytes[..length])
}

/// Returns a context without a waker, for the receivers of hyper's channels. They only make progress when the
/// driver is polled, which happens in the same task, so that waking it again would be redundant.
fn no_wakeup() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
