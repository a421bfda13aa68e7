//! One connection: what Node.js sees to before the service hears of a request, and when it is over.
//!
//! To let others go before an answer is written, as the hyper transport does before a request, was refused: a client on
//! another core gains by it, and a load test in the same process makes a fifteenth fewer calls.

use super::{Double, answer::Answer, gather::Gather, node};
use crate::runtime::Handler;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

/// How long a connection may be without a request, as every answer tells. Node.js waits a second longer.
const IDLE: Duration = Duration::from_secs(5);

/// How long a connection may be without its first request, which is when Node.js answers that it has waited enough.
const FIRST: Duration = Duration::from_secs(90);

/// The most that request line and headers may have, in bytes.
const HEADERS: usize = 16 << 10;

/// Answers what comes over `stream` until it is closed, by the client or for being idle.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, double: &Double<impl Handler>) {
    let activity = Activity::new();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async {
        activity.begins();
        let answer = answer(double, request).await;
        activity.ends();
        Ok::<_, Infallible>(answer)
    });
    let mut builder = http1::Builder::new();
    // A date is written by those answers alone that have one.
    builder.title_case_headers(true).auto_date_header(false).max_header_size(HEADERS);
    // Whoever has said that there is no more to come is answered. To look out for them, hyper would set memory aside for
    // another request while this one is served.
    builder.half_close(true);
    let stream = TokioIo::new(Gather::over(stream));
    let mut connection = pin!(builder.serve_connection(stream, service));
    tokio::select! {
        // A request that has just come is heard before anybody looks at the time.
        biased;
        // How it ends is the client's affair.
        _ = &mut connection => return,
        () = activity.idle() => {}
    }
    if activity.is_unused() {
        // hyper would wait for the rest of half a request.
        return;
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn answer(double: &Double<impl Handler>, request: http::Request<hyper::body::Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    match node::refusal(&parts) {
        Some(refusal) => refusal,
        None => double.answer(http::Request::from_parts(parts, body)).await,
    }
}

/// When the latest answer was ready. One timer a connection looks at it, instead of one that is set for each
/// request.
struct Activity {
    start: Instant,
    /// In milliseconds from `start`; [`BUSY`] while there is a request, and [`UNUSED`] before the first.
    latest: AtomicU64,
}

const BUSY: u64 = u64::MAX;
const UNUSED: u64 = BUSY - 1;

impl Activity {
    fn new() -> Self {
        Self { start: Instant::now(), latest: AtomicU64::new(UNUSED) }
    }

    fn begins(&self) {
        self.latest.store(BUSY, Ordering::Relaxed);
    }

    fn ends(&self) {
        let elapsed = self.start.elapsed().as_millis().try_into().unwrap_or(UNUSED - 1);
        self.latest.store(elapsed, Ordering::Relaxed);
    }

    fn is_unused(&self) -> bool {
        self.latest.load(Ordering::Relaxed) == UNUSED
    }

    /// Comes to its end when there was no request for [`IDLE`], or no first one for [`FIRST`].
    async fn idle(&self) {
        loop {
            let now = Instant::now();
            // Before that, nothing that happens from now on is over.
            let soonest = now + IDLE;
            let over = match self.latest.load(Ordering::Relaxed) {
                BUSY => soonest,
                UNUSED => self.start + FIRST,
                latest => self.start + Duration::from_millis(latest) + IDLE,
            };
            if over <= now {
                return;
            }
            sleep_until(over.min(soonest)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::serve;
    use crate::SessionsMemoryClientV1;
    use crate::contract::sessions_v1;
    use crate::server::Double;
    use serde_json::Value;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::time::{Instant, sleep, timeout};

    /// The client's end of a connection, and what serves the other.
    fn connected() -> (DuplexStream, impl Future<Output = ()>) {
        let (client, server) = tokio::io::duplex(1 << 10);
        let sessions = SessionsMemoryClientV1::new();
        let double = Double::new(sessions_v1::Handler::<_, Value, Value>::new(sessions));
        (client, async move { serve(server, &double).await })
    }

    async fn ask(client: &mut DuplexStream) {
        client.write_all(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 1 << 10];
        let length = client.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 404"), "{:?}", answer[..length].utf8_chunks());
    }

    /// How long it takes until the server closes the connection.
    async fn left(client: &mut DuplexStream) -> Duration {
        let start = Instant::now();
        let closed = timeout(Duration::from_secs(600), client.read(&mut [0])).await;
        assert_eq!(closed.expect("it is closed").unwrap(), 0);
        start.elapsed()
    }

    #[tokio::test]
    async fn who_has_no_more_to_ask_is_answered() {
        let (mut client, server) = connected();
        client.write_all(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let (read, ()) = tokio::join!(client.read_to_end(&mut answer), server);
        read.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404"), "{:?}", answer.utf8_chunks());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_closed_when_nothing_was_asked_for_five_seconds() {
        let (mut client, server) = connected();
        tokio::spawn(server);
        for pause in [0, 4_900, 4_900] {
            sleep(Duration::from_millis(pause)).await;
            ask(&mut client).await;
        }
        assert_eq!(left(&mut client).await.as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_closed_when_there_is_no_first_request_for_ninety_seconds() {
        for half in ["", "GET /nope HTTP/1.1\r\nHo"] {
            let (mut client, server) = connected();
            tokio::spawn(server);
            client.write_all(half.as_bytes()).await.unwrap();
            assert_eq!(left(&mut client).await.as_secs(), 90, "{half:?}");
        }
        let (mut client, server) = connected();
        tokio::spawn(server);
        sleep(Duration::from_secs(89)).await;
        ask(&mut client).await;
        assert_eq!(left(&mut client).await.as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_comes_when_the_time_is_over_is_answered() {
        let (mut client, server) = connected();
        let client = async {
            for _ in 0..20 {
                ask(&mut client).await;
                sleep(super::IDLE).await;
            }
        };
        // The client asks before the server looks at the time, and both in one breath.
        tokio::select! {
            biased;
            () = client => {}
            () = server => panic!("the connection is over"),
        }
    }
}
