//! One connection, and the exchange of a request for its answer.
//!
//! Whoever waits for an answer drives the connection. hyper's own way, a task for each connection, was refused: every
//! call would wake two tasks, and a call that is given up would leave its connection to somebody else. Here it takes
//! the connection along.

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
    /// Reads and writes; none once the connection is over.
    driver: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
}

/// Why a request has no answer.
pub(super) enum Unanswered {
    /// The connection was closed before a byte of the request was written. Here it is again.
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
    /// The connection broke, and nobody knows whether the request arrived.
    Broken(hyper::Error),
    /// The answer is none that can be taken.
    Refused(Error),
}

impl Connection {
    /// A connection over `io`, which is open.
    pub(super) async fn over(io: impl Read + Write + Unpin + Send + 'static) -> hyper::Result<Self> {
        let (requests, driver) = http1::handshake(io).await?;
        Ok(Self { requests, driver: Some(Box::pin(driver)) })
    }

    /// Sends `request` and reads the whole answer, whose body has at most `limit` bytes.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Response, Unanswered> {
        let (parts, mut body) = self.head(request).await?.into_parts();
        let mut whole =
            LimitedBody::new(parts.status, body.size_hint().lower(), limit).map_err(Unanswered::Refused)?;
        while !whole.is_given_up()
            && !body.is_end_stream()
            && let Some(frame) = self.frame(&mut body).await
        {
            // The other frames are trailers.
            if let Ok(data) = frame.map_err(Unanswered::Broken)?.into_data() {
                whole.push(data).map_err(Unanswered::Refused)?;
            }
        }
        Ok(whole.finish(parts))
    }

    async fn head(&mut self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Unanswered> {
        let mut answer = pin!(self.requests.try_send_request(request));
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            drive(driver, context);
            answer.as_mut().poll(&mut asleep())
        });
        answer.await.map_err(|mut failure| match failure.take_message() {
            Some(request) => Unanswered::Unsent(Box::new(request), failure.into_error()),
            None => Unanswered::Broken(failure.into_error()),
        })
    }

    async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        poll_fn(|context| match Pin::new(&mut *body).poll_frame(&mut asleep()) {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => {
                drive(&mut self.driver, context);
                Pin::new(&mut *body).poll_frame(&mut asleep())
            }
        })
        .await
    }

    /// Whether another request can be sent. From now on the connection wakes nobody until there is one: the task that
    /// it served last has other things to do.
    pub(super) fn rest(&mut self) -> bool {
        drive(&mut self.driver, &mut asleep());
        self.requests.is_ready()
    }
}

/// The driver is dropped with its last word, since a request that it has not taken comes back then. The word itself is
/// for nobody: what concerns a request was told to whoever sent it.
fn drive(
    driver: &mut Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    context: &mut Context<'_>,
) {
    if let Some(running) = driver
        && running.as_mut().poll(context).is_ready()
    {
        *driver = None;
    }
}

/// For the ends of hyper's channels: they move when the driver is polled, here in the same task, and a call from them
/// would be one too many.
fn asleep() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
