//! Wrappers of the byte stream that a connector returns.

use crate::transport::phases;
use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
#[cfg(feature = "http2")]
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::task::{Context, Poll};

/// An open connection.
pub(super) trait Stream: Read + Write + Unpin + Send {}

impl<S: Read + Write + Unpin + Send> Stream for S {}

/// The stream of one connection, so that a response is read wherever its bytes are:
///
/// - A write that fails never completes. A service that rejects a request, for example because it is too large,
///   responds and closes the connection without reading the rest. Without a response, reading fails too.
/// - Nothing is read before the first write. A service that rejects all connections responds before the
///   request, which hyper takes for an error.
pub(super) struct EarlyResponses {
    stream: Box<dyn Stream>,
    writing: Writing,
}

#[derive(Clone, Copy, PartialEq)]
enum Writing {
    NotStarted,
    Started,
    Failed,
}

impl EarlyResponses {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, writing: Writing::NotStarted }
    }

    pub(super) fn into_inner(self) -> Box<dyn Stream> {
        self.stream
    }

    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut (dyn Stream + 'static)>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.writing == Writing::Failed {
            return Poll::Pending;
        }
        match write(Pin::new(&mut *self.stream), context) {
            Poll::Ready(Err(_)) => {
                self.writing = Writing::Failed;
                // hyper reads first, and then writes. Now it must read again.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            outcome => {
                if self.writing == Writing::NotStarted {
                    self.writing = Writing::Started;
                    context.waker().wake_by_ref();
                }
                outcome
            }
        }
    }
}

impl Read for EarlyResponses {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.writing == Writing::NotStarted {
            return Poll::Pending;
        }
        let outcome = Pin::new(&mut *self.stream).poll_read(context, buffer);
        if outcome.is_ready() {
            phases::received();
        }
        outcome
    }
}

impl Write for EarlyResponses {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.write(context, |stream, context| stream.poll_write(context, bytes));
        if outcome.is_ready() {
            phases::sent();
        }
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.writing == Writing::NotStarted {
            return Pin::new(&mut *self.stream).poll_flush(context);
        }
        self.write(context, Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write_vectored(context, buffers))
    }
}

/// Reads `received` before the rest of `stream`, and drops everything that is written: the request was sent
/// before.
pub(super) struct Replay {
    received: Bytes,
    stream: Box<dyn Stream>,
}

impl Replay {
    pub(super) fn new(received: Bytes, stream: Box<dyn Stream>) -> Self {
        Self { received, stream }
    }
}

impl Read for Replay {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received.is_empty() {
            return Pin::new(&mut *self.stream).poll_read(context, buffer);
        }
        let length = buffer.remaining().min(self.received.len());
        buffer.put_slice(&self.received[..length]);
        self.received.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl Write for Replay {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}

/// The numbers of reads and writes of a connection.
#[cfg(feature = "http2")]
#[derive(Default)]
pub(super) struct Counts {
    /// Reads that have received bytes.
    pub(super) reads: AtomicU64,
    /// Writes, each counted before it starts, so that a request may have been written only if one was counted since.
    pub(super) writes: AtomicU64,
}

/// The stream of a connection over HTTP/2, which counts its reads and writes.
///
/// After a write that fails, everything that is written is dropped, so that h2 reads what the service has sent before it
/// closed the connection: with `GOAWAY` it says which requests it has processed. h2 itself would not read it.
#[cfg(feature = "http2")]
pub(super) struct Counted {
    stream: Box<dyn Stream>,
    counts: Arc<Counts>,
    has_failed: bool,
}

#[cfg(feature = "http2")]
impl Counted {
    pub(super) fn new(stream: Box<dyn Stream>, counts: Arc<Counts>) -> Self {
        Self { stream, counts, has_failed: false }
    }

    fn count_write(&self) {
        if !self.has_failed {
            self.counts.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes unless a write has failed. Returns `dropped` instead of an error.
    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        dropped: T,
        write: impl FnOnce(Pin<&mut (dyn Stream + 'static)>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.has_failed {
            return Poll::Ready(Ok(dropped));
        }
        match write(Pin::new(&mut *self.stream), context) {
            Poll::Ready(Err(_)) => {
                self.has_failed = true;
                // h2 reads first, and then writes. Now it must read again.
                context.waker().wake_by_ref();
                Poll::Ready(Ok(dropped))
            }
            outcome => outcome,
        }
    }
}

#[cfg(feature = "http2")]
impl Read for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut *self.stream).poll_read(context, buffer);
        if outcome.is_ready() {
            self.counts.reads.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }
}

#[cfg(feature = "http2")]
impl Write for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.count_write();
        self.write(context, bytes.len(), |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, (), Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, (), Write::poll_shutdown)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.count_write();
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        self.write(context, length, |stream, context| stream.poll_write_vectored(context, buffers))
    }
}
