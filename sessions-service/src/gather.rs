//! Writes of a response's head and body: short ones are copied into one buffer, long ones are vectored.
//!
//! A vectored write of a head and a short body is slower than a copy of both, and a copy of a long body is
//! slower than a vectored write. hyper uses only one of the two for all responses of a connection, and if it
//! copies, the connection keeps a buffer for the longest response.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum size of a copied write in bytes, enough for the head and body of most responses.
const COPY_LIMIT: usize = 4 << 10;

/// A stream that copies short vectored writes into one buffer.
pub(super) struct Gather<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S> Gather<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gather<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, buffer } = &mut *self;
        let stream = Pin::new(stream);
        match parts {
            [part] => stream.poll_write(context, part),
            _ if parts.iter().map(|part| part.len()).sum::<usize>() > COPY_LIMIT => {
                stream.poll_write_vectored(context, parts)
            }
            _ => {
                buffer.clear();
                for part in parts {
                    buffer.extend_from_slice(part);
                }
                stream.poll_write(context, buffer)
            }
        }
    }

    /// Otherwise hyper would copy every response itself.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gather<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::{COPY_LIMIT, Gather};
    use std::io::IoSlice;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Writes `parts` to a stream whose buffer has `room` bytes, and returns the bytes that arrive.
    async fn write_through(room: usize, parts: [&[u8]; 2]) -> Vec<u8> {
        let (client, mut server) = tokio::io::duplex(room);
        let written = async {
            let mut gather = Gather::new(client);
            let mut rest = parts;
            while rest.iter().any(|part| !part.is_empty()) {
                let mut count = gather.write_vectored(&rest.map(IoSlice::new)).await.unwrap();
                for part in &mut rest {
                    let of_part = count.min(part.len());
                    *part = &part[of_part..];
                    count -= of_part;
                }
            }
        };
        let mut read = Vec::new();
        tokio::join!(written, async { server.read_to_end(&mut read).await.unwrap() });
        read
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_for_every_size_of_the_buffer() {
        let body = (0..=255).cycle().take(2 * COPY_LIMIT).collect::<Vec<u8>>();
        for length in [0, 1, COPY_LIMIT - 4, COPY_LIMIT - 3, 2 * COPY_LIMIT] {
            for room in [1, 3, 5, COPY_LIMIT, 4 * COPY_LIMIT] {
                let parts = [b"head".as_slice(), &body[..length]];
                assert_eq!(write_through(room, parts).await, parts.concat(), "{length} in {room}");
            }
        }
    }
}
