//! Short answers leave as one buffer, long ones as they are.
//!
//! For the system to gather a head and a short body costs more than to copy them, and to copy a long body more than to
//! gather. hyper does the one or the other for all answers of a connection, and where it copies, the connection keeps room
//! for the longest of them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is copied at most, in bytes: head and body of most answers.
const SHORT: usize = 4 << 10;

/// A stream that gathers short writes itself.
pub(super) struct Gather<S> {
    stream: S,
    gathered: Vec<u8>,
}

impl<S> Gather<S> {
    pub(super) fn over(stream: S) -> Self {
        Self { stream, gathered: Vec::new() }
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
        let Self { stream, gathered } = &mut *self;
        let stream = Pin::new(stream);
        match parts {
            [part] => stream.poll_write(context, part),
            _ if parts.iter().map(|part| part.len()).sum::<usize>() > SHORT => {
                stream.poll_write_vectored(context, parts)
            }
            _ => {
                gathered.clear();
                for part in parts {
                    gathered.extend_from_slice(part);
                }
                stream.poll_write(context, gathered)
            }
        }
    }

    /// Or else hyper would copy all of them.
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
    use super::{Gather, SHORT};
    use std::io::IoSlice;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// The bytes that come out where only `room` fit in at a time.
    async fn through(room: usize, parts: [&[u8]; 2]) -> Vec<u8> {
        let (client, mut server) = tokio::io::duplex(room);
        let written = async {
            let mut gather = Gather::over(client);
            let mut left = parts;
            while left.iter().any(|part| !part.is_empty()) {
                let mut count = gather.write_vectored(&left.map(IoSlice::new)).await.unwrap();
                for part in &mut left {
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
    async fn what_is_written_arrives_in_its_order_whatever_fits_at_a_time() {
        let body = (0..=255).cycle().take(2 * SHORT).collect::<Vec<u8>>();
        for length in [0, 1, SHORT - 4, SHORT - 3, 2 * SHORT] {
            for room in [1, 3, 5, SHORT, 4 * SHORT] {
                let parts = [b"head".as_slice(), &body[..length]];
                assert_eq!(through(room, parts).await, parts.concat(), "{length} in {room}");
            }
        }
    }
}
