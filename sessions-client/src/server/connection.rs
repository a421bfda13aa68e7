//! One connection: what Node.js sees to before the service hears of a request, and when it is over.

use super::{Double, answer::Answer, node};
use crate::runtime::Handler;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

/// How long a connection may be without a request, as every answer tells. Node.js waits a second longer.
const IDLE: Duration = Duration::from_secs(5);

/// The most that request line and headers may have, in bytes.
const HEADERS: usize = 16 << 10;

/// Answers what comes over `stream` until it is closed, by the client or for being idle.
pub(super) async fn serve(stream: TcpStream, double: &Double<impl Handler>) {
    let activity = Activity::new();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async {
        activity.begins();
        let answer = answer(double, request).await;
        activity.ends();
        Ok::<_, Infallible>(answer)
    });
    // A date is written by those answers alone that have one.
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).auto_date_header(false).max_header_size(HEADERS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // How it ends is the client's affair.
        _ = &mut connection => return,
        () = activity.idle() => {}
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
    /// In milliseconds from `start`; [`BUSY`] while there is a request, or before the first.
    latest: AtomicU64,
}

const BUSY: u64 = u64::MAX;

impl Activity {
    fn new() -> Self {
        Self { start: Instant::now(), latest: AtomicU64::new(BUSY) }
    }

    fn begins(&self) {
        self.latest.store(BUSY, Ordering::Relaxed);
    }

    fn ends(&self) {
        let elapsed = self.start.elapsed().as_millis().try_into().unwrap_or(BUSY - 1);
        self.latest.store(elapsed, Ordering::Relaxed);
    }

    /// Comes to its end when there was no request for [`IDLE`].
    async fn idle(&self) {
        loop {
            let over = match self.latest.load(Ordering::Relaxed) {
                BUSY => None,
                latest => Some(self.start + Duration::from_millis(latest) + IDLE),
            };
            match over {
                None => sleep(IDLE).await,
                Some(over) if over > Instant::now() => sleep_until(over).await,
                Some(_) => return,
            }
        }
    }
}
