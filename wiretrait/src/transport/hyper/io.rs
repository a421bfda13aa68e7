//! Byte streams around the one of the connector.

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

/// An open connection.
pub(super) trait Stream: Read + Write + Unpin + Send {}

impl<S: Read + Write + Unpin + Send> Stream for S {}

/// Never completes a write that fails, so that a response can still be read: a service that rejects a request,
/// for example because it is too large, responds and closes the connection without reading the rest. Without
/// a response, reading ends with an error too.
pub(super) struct DeferredWriteErrors {
    stream: Box<dyn Stream>,
    has_failed: bool,
}

impl DeferredWriteErrors {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, has_failed: false }
    }

    pub(super) fn into_inner(self) -> Box<dyn Stream> {
        self.stream
    }

    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut (dyn Stream + 'static)>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.has_failed {
            return Poll::Pending;
        }
        match write(Pin::new(&mut *self.stream), context) {
            Poll::Ready(Err(_)) => {
                self.has_failed = true;
                // hyper reads first, and then writes. Now it must read again.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            outcome => outcome,
        }
    }
}

impl Read for DeferredWriteErrors {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_read(context, buffer)
    }
}

impl Write for DeferredWriteErrors {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
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
    /// Whether hyper has written the request. Before, it would reject a response as unexpected.
    is_written: bool,
}

impl Replay {
    pub(super) fn new(received: Bytes, stream: Box<dyn Stream>) -> Self {
        Self { received, stream, is_written: false }
    }
}

impl Read for Replay {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_written {
            return Poll::Pending;
        }
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
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_written = true;
        context.waker().wake_by_ref();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}
