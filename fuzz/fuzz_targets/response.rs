//! The bytes that a service sends as a response: head, headers, framing, encoding, body.
//!
//! The client returns a result, which is the same however the bytes are split into segments. Only the words of an error
//! may differ: that of a head may be found before the connection is closed in the middle of it, or after.
#![no_main]

use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use sessions_client::{ClientConfig, HyperTransport, ISessionsV1, Result, SessionsHttpClientV1};
use sessions_fuzz::{assert_one_line, block_on};
use std::convert::Infallible;
use std::future::ready;
use std::io::{self, Cursor, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::service_fn;

/// The maximum size of a response body in bytes, also once it is decompressed.
const LIMIT: usize = 1 << 16;

type Client = SessionsHttpClientV1<serde_json::Value, serde_json::Value, HyperTransport>;

fuzz_target!(|received: &[u8]| {
    let received: Arc<[u8]> = received.into();
    let client = |size| client(Arc::clone(&received), size);
    block_on(async {
        let found = outcome(client(usize::MAX).get_session_by_id(None, "1").await);
        for size in [1, 13] {
            let other = outcome(client(size).get_session_by_id(None, "1").await);
            assert_eq!(other, found, "in segments of {size} bytes");
        }
        // The other return types.
        outcome(client(usize::MAX).get_sessions(None, None, None).await);
        outcome(client(usize::MAX).open_session(None, "1", None, None, None, None, None).await);
        outcome(client(usize::MAX).close_expired_sessions(None).await);
    });
});

/// Returns a client whose connections deliver `received` in segments of `size` bytes.
fn client(received: Arc<[u8]>, size: usize) -> Client {
    let config = ClientConfig::from_url("http://localhost").expect("the URL is valid");
    let config = config.with_max_response_bytes(LIMIT);
    let connector = service_fn(move |_: http::Uri| {
        let received = Cursor::new(Arc::clone(&received));
        ready(Ok::<_, Infallible>(TokioIo::new(Segments { received, size })))
    });
    let transport = HyperTransport::with_connector(connector, &config).expect("the configuration is valid");
    SessionsHttpClientV1::new(transport)
}

/// Describes a result, so that two of them can be compared.
fn outcome<T>(result: Result<T>) -> String
where
    T: Serialize,
{
    match result {
        Ok(value) => serde_json::to_string(&value).expect("a result can be written as JSON"),
        Err(error) => {
            assert_one_line(&error);
            format!("an error with {:?} {:?} {:?}", error.status(), error.retry_after(), error.body())
        }
    }
}

/// A connection that discards what is sent and delivers `received` in segments of at most `size` bytes.
struct Segments {
    received: Cursor<Arc<[u8]>>,
    size: usize,
}

impl AsyncRead for Segments {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.size.min(buffer.remaining());
        let read = self.received.read(buffer.initialize_unfilled_to(size))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Segments {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
