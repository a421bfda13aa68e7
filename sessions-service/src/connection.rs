//! A connection: the checks of Node.js before the service receives a request, and the timeouts.
//!
//! Rejected alternative: yielding to other tasks before a response is written, as the hyper transport does
//! before a request, because a load test in the same process makes a fifteenth fewer calls; only a client on
//! another core would gain.

use super::{Service, gather::Gather, node, response::ServedResponse};
use crate::commands::Commands;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

/// The time without requests after which a connection is closed. `Keep-Alive` announces it; Node.js waits a
/// second longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The time after which a connection without any request is closed, with [`TIMED_OUT`].
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// The response to a connection without any request in time.
const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

/// The response to a connection that ends before the end of a head.
const MALFORMED: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/// The maximum size of the request line and the headers in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Serves the requests on `stream` until the client closes it or a timeout is over.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, service: &Service<impl Commands>) {
    let activity = Activity::new();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async {
        activity.request_started();
        let response = respond(service, request).await;
        activity.request_finished();
        Ok::<_, Infallible>(response)
    });
    let mut builder = http1::Builder::new();
    // Some responses have no date, so the service writes it.
    builder.title_case_headers(true).auto_date_header(false).max_header_size(MAX_HEAD);
    // Supports half-closed connections: responds after the client has shut down its write side. To detect
    // that, hyper would also allocate a buffer for the next request during this one.
    builder.half_close(true);
    let stream = TokioIo::new(Gather::new(stream));
    let mut connection = builder.serve_connection(stream, service);
    let refusal = tokio::select! {
        // A request that has arrived counts before the timeout.
        biased;
        ended = &mut connection => match ended {
            // The connection has ended in a head, which hyper drops without a response.
            Err(error) if error.is_incomplete_message() && !activity.is_busy() => MALFORMED,
            // Other errors of a connection concern only its client.
            _ => return,
        },
        () = activity.timed_out() => {
            if !activity.is_unused() {
                let mut connection = pin!(connection);
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
                return;
            }
            // A graceful shutdown would wait for the rest of an incomplete request.
            TIMED_OUT
        }
    };
    let mut stream = connection.into_parts().io.into_inner();
    // A client that has gone needs no response.
    let _ = stream.write_all(refusal).await;
    let _ = stream.shutdown().await;
}

async fn respond(
    service: &Service<impl Commands>,
    request: http::Request<hyper::body::Incoming>,
) -> ServedResponse {
    let (parts, body) = request.into_parts();
    match node::rejection(&parts) {
        Some(rejection) => rejection,
        None => service.respond(http::Request::from_parts(parts, body)).await,
    }
}

/// The time of the latest response of a connection. One timer for each connection checks it, so that requests
/// set none.
struct Activity {
    start: Instant,
    /// Milliseconds since `start`; [`BUSY`] during a request, [`UNUSED`] before the first one.
    latest: AtomicU64,
}

const BUSY: u64 = u64::MAX;
const UNUSED: u64 = BUSY - 1;

impl Activity {
    fn new() -> Self {
        Self { start: Instant::now(), latest: AtomicU64::new(UNUSED) }
    }

    fn request_started(&self) {
        self.latest.store(BUSY, Ordering::Relaxed);
    }

    fn request_finished(&self) {
        let elapsed = self.start.elapsed().as_millis().try_into().unwrap_or(UNUSED - 1);
        self.latest.store(elapsed, Ordering::Relaxed);
    }

    fn is_busy(&self) -> bool {
        self.latest.load(Ordering::Relaxed) == BUSY
    }

    fn is_unused(&self) -> bool {
        self.latest.load(Ordering::Relaxed) == UNUSED
    }

    /// Completes after [`IDLE_TIMEOUT`] without requests, or after [`FIRST_REQUEST_TIMEOUT`] without a first
    /// one.
    async fn timed_out(&self) {
        loop {
            let now = Instant::now();
            // The earliest end of a timeout that starts from now on.
            let next = now + IDLE_TIMEOUT;
            let end = match self.latest.load(Ordering::Relaxed) {
                BUSY => next,
                UNUSED => self.start + FIRST_REQUEST_TIMEOUT,
                latest => self.start + Duration::from_millis(latest) + IDLE_TIMEOUT,
            };
            if end <= now {
                return;
            }
            sleep_until(end.min(next)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::serve;
    use crate::{Service, SessionStore};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::{Instant, sleep, timeout};

    /// Returns the client's end of a connection, and the task that serves the other end.
    fn connected() -> (DuplexStream, impl Future<Output = ()>) {
        let (client, server) = tokio::io::duplex(1 << 10);
        let service = Service::new(SessionStore::new());
        (client, async move { serve(server, &service).await })
    }

    async fn call(client: &mut DuplexStream) {
        client.write_all(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut response = [0; 1 << 10];
        let length = client.read(&mut response).await.unwrap();
        assert!(response[..length].starts_with(b"HTTP/1.1 404"), "{:?}", response[..length].utf8_chunks());
    }

    /// Returns the time until the server closes the connection.
    async fn time_until_closed(client: &mut DuplexStream) -> Duration {
        let start = Instant::now();
        let closed = timeout(Duration::from_secs(600), client.read(&mut [0])).await;
        assert_eq!(closed.expect("the connection stays open").unwrap(), 0);
        start.elapsed()
    }

    #[tokio::test]
    async fn a_half_closed_connection_receives_its_response() {
        let (mut client, server) = connected();
        client.write_all(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        client.shutdown().await.unwrap();
        let mut response = Vec::new();
        let (read, ()) = tokio::join!(client.read_to_end(&mut response), server);
        read.unwrap();
        assert!(response.starts_with(b"HTTP/1.1 404"), "{:?}", response.utf8_chunks());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_closed_after_five_seconds_without_requests() {
        let (mut client, server) = connected();
        tokio::spawn(server);
        for pause in [0, 4_900, 4_900] {
            sleep(Duration::from_millis(pause)).await;
            call(&mut client).await;
        }
        assert_eq!(time_until_closed(&mut client).await.as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_receives_408_after_ninety_seconds() {
        for half in ["", "GET /nope HTTP/1.1\r\nHo"] {
            let (mut client, server) = connected();
            tokio::spawn(server);
            client.write_all(half.as_bytes()).await.unwrap();
            let start = Instant::now();
            let mut response = String::new();
            let read = client.read_to_string(&mut response);
            timeout(Duration::from_secs(600), read).await.expect("the connection stays open").unwrap();
            assert_eq!(start.elapsed().as_secs(), 90, "{half:?}");
            assert_eq!(response, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", "{half:?}");
        }
        let (mut client, server) = connected();
        tokio::spawn(server);
        sleep(Duration::from_secs(89)).await;
        call(&mut client).await;
        assert_eq!(time_until_closed(&mut client).await.as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_arrives_with_the_timeout_is_served() {
        let (mut client, server) = connected();
        let client = async {
            for _ in 0..20 {
                call(&mut client).await;
                sleep(super::IDLE_TIMEOUT).await;
            }
        };
        // The client sends its request before the server checks its timeout, both in one poll.
        tokio::select! {
            biased;
            () = client => {}
            () = server => panic!("the connection was closed"),
        }
    }
}
