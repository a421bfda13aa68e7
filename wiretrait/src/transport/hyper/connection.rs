//! One connection, which sends a request and reads its response.
//!
//! The task that waits for a response also drives the connection, and a cancelled call drops it. Rejected
//! alternative: a task for each connection, as in hyper's examples, because every call would wake two tasks,
//! and the connection of a cancelled call would be reused.

use crate::error::Error;
use crate::runtime::Response;
use crate::transport::body::LimitedBody;
use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// The future that reads and writes; `None` after the connection is closed.
    driver: Option<Driver>,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// The reason why a request has no response.
pub(super) enum ExchangeError {
    /// The connection was closed before anything was written. Contains the request.
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
    /// The connection failed. The request may have arrived.
    Failed(hyper::Error),
    /// The response was rejected.
    Rejected(Error),
}

impl Connection {
    /// Creates a connection over the open stream `io`.
    pub(super) async fn over(io: impl Read + Write + Unpin + Send + 'static) -> hyper::Result<Self> {
        // Most bodies are shorter than their heads, so copying both into one buffer is cheaper than a
        // vectored write.
        let (requests, driver) = http1::Builder::new().writev(false).handshake(io).await?;
        Ok(Self { requests, driver: Some(Box::pin(driver)) })
    }

    /// Sends `request` and reads the complete response, whose body has at most `limit` bytes.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Response, ExchangeError> {
        let (parts, mut body) = self.head(request).await?.into_parts();
        let mut whole = LimitedBody::new(parts.status, body.size_hint().lower(), limit)
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
        Ok(whole.finish(parts))
    }

    async fn head(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, ExchangeError> {
        let mut response = pin!(self.requests.try_send_request(request));
        let driver = &mut self.driver;
        let response = poll_fn(|context| {
            drive(driver, context);
            response.as_mut().poll(&mut no_wakeup())
        });
        response.await.map_err(|mut failure| match failure.take_message() {
            Some(request) => ExchangeError::Unsent(Box::new(request), failure.into_error()),
            None => ExchangeError::Failed(failure.into_error()),
        })
    }

    async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        poll_fn(|context| match Pin::new(&mut *body).poll_frame(&mut no_wakeup()) {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => {
                drive(&mut self.driver, context);
                Pin::new(&mut *body).poll_frame(&mut no_wakeup())
            }
        })
        .await
    }

    /// Prepares the connection for the pool, and returns whether another request can be sent. Until then it
    /// does not wake the task of the last call any more.
    pub(super) fn make_idle(&mut self) -> bool {
        drive(&mut self.driver, &mut no_wakeup());
        self.requests.is_ready()
    }
}

/// Polls the driver, and drops it when it completes, which returns an unsent request. Its result is ignored,
/// because errors of a request are also returned by the sender.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if let Some(running) = driver
        && running.as_mut().poll(context).is_ready()
    {
        *driver = None;
    }
}

/// Returns a context without a waker, for the receivers of hyper's channels. They only make progress when the
/// driver is polled, which happens in the same task, so that waking it again would be redundant.
fn no_wakeup() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
