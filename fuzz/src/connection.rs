//! Connections whose other end sends given bytes.

use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::{Service, service_fn};

/// A connection that delivers bytes in segments, then ends, and discards what is written.
#[derive(Clone)]
pub struct Connection {
    received: Arc<[u8]>,
    position: usize,
    segment: usize,
    /// The bytes after these wait for a request.
    greeting: usize,
    /// Returns whether a request has been written.
    is_request: fn(&[u8]) -> bool,
    /// Everything until a request.
    written: Vec<u8>,
    reader: Option<Waker>,
}

impl Connection {
    /// Creates a connection that delivers `received` in segments of at most `segment` bytes.
    pub fn new(received: impl Into<Arc<[u8]>>, segment: usize) -> Self {
        let received = received.into();
        let greeting = received.len();
        let (written, reader) = (Vec::new(), None);
        Self { received, position: 0, segment, greeting, is_request: |_| true, written, reader }
    }

    /// Delivers only the first `greeting` bytes until `is_request` is true of the bytes that are written.
    pub fn with_greeting(self, greeting: usize, is_request: fn(&[u8]) -> bool) -> Self {
        let greeting = greeting.min(self.received.len());
        Self { greeting, is_request, ..self }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.position == self.greeting && self.greeting < self.received.len() {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let size = self.segment.min(buffer.remaining()).min(self.greeting - self.position);
        let end = self.position + size;
        buffer.put_slice(&self.received[self.position..end]);
        self.position = end;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.greeting < self.received.len() {
            self.written.extend_from_slice(bytes);
            if (self.is_request)(&self.written) {
                self.greeting = self.received.len();
                if let Some(reader) = self.reader.take() {
                    reader.wake();
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Returns a connector whose connections are copies of `connection`.
pub fn connector(
    connection: Connection,
) -> impl Service<http::Uri, Response = TokioIo<Connection>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(move |_| ready(Ok(TokioIo::new(connection.clone()))))
}
