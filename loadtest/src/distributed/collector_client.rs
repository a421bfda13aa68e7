//! The way of a worker's results to the collector.

use crate::cli::Hidden;
use crate::error::LoadTestError;
use crate::executors::stop::{SECOND_SIGNAL, Stop};
use crate::metrics::Results;
use crate::status;
use sessions_client::{ClientConfig, Error, HyperTransport, Policies};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wiretrait::http_api;

/// The time to wait for a collector that is starting, or cannot be reached for a moment.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_secs(1);

/// The time for an attempt after a second signal.
const LAST_ATTEMPT: Duration = Duration::from_secs(2);

/// The operations of the collector.
#[http_api(client = HttpCollector, module = operations)]
pub(super) trait Collector {
    /// Checks that the collector expects a worker.
    #[get("/workers/{worker}")]
    async fn check(&self, worker: u32) -> Result<(), Error>;

    /// Sends the results of a worker.
    #[put("/workers/{worker}/results")]
    async fn put_results(&self, worker: u32, #[body] results: &Results) -> Result<(), Error>;

    /// Sends the reason why a worker has no results.
    #[put("/workers/{worker}/lost")]
    async fn lost(&self, worker: u32, #[body] reason: &str) -> Result<(), Error>;
}

/// The collector, seen from one worker.
pub(crate) struct CollectorClient {
    http: HttpCollector<Policies<HyperTransport>>,
    /// The address without path and credentials.
    origin: String,
    worker: u32,
}

impl CollectorClient {
    /// Creates a client for the collector at a URL, which may contain credentials.
    pub(crate) fn new(Hidden(url): &Hidden, worker: u32) -> Result<Self, LoadTestError> {
        let invalid = |error: Error| LoadTestError::Option(format!("--collector: {error}"));
        let config = ClientConfig::from_url(url).map_err(invalid)?.with_retries(0);
        let transport = HyperTransport::new(&config).map_err(invalid)?;
        let origin = transport.origin().to_owned();
        let http = HttpCollector::from_transport(transport, &config).map_err(invalid)?;
        Ok(Self { http, origin, worker })
    }

    /// Checks before the run that its results will be accepted.
    pub(crate) async fn check(&self) -> Result<(), LoadTestError> {
        let checked = patiently(|| self.http.check(self.worker), || false).await;
        checked.map_err(|error| {
            let origin = &self.origin;
            LoadTestError::LoadGenerator(format!(
                "the collector {origin} does not accept results: {error}. Start it with the command merge --listen"
            ))
        })
    }

    /// Sends the results. A second signal ends the retries, and the last attempt soon after.
    pub(crate) async fn send(&self, results: &Results, stop: &Stop) -> Result<(), LoadTestError> {
        let sent = patiently(|| self.http.put_results(self.worker, results), || stop.is_abandoned());
        let reason = match unless_abandoned(stop, sent).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => format!("the results were not accepted: {error}"),
            None => format!("the results were not sent: {SECOND_SIGNAL}"),
        };
        Err(LoadTestError::Report { path: PathBuf::from(&self.origin), reason })
    }

    /// Sends the reason why there are no results.
    pub(crate) async fn lost(&self, reason: &str, stop: &Stop) {
        let error = match unless_abandoned(stop, self.http.lost(self.worker, reason)).await {
            Some(Ok(())) => return,
            Some(Err(error)) => error.to_string(),
            None => SECOND_SIGNAL.to_owned(),
        };
        status::log(format_args!("the collector {} was not informed: {error}", self.origin));
    }
}

/// Retries a call while it fails for a reason that may pass, unless it `is_over`.
async fn patiently<F: Future<Output = Result<(), Error>>>(
    call: impl Fn() -> F,
    is_over: impl Fn() -> bool,
) -> Result<(), Error> {
    let start = Instant::now();
    loop {
        match call().await {
            Err(error) if error.is_retryable() && start.elapsed() < PATIENCE && !is_over() => {
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// Runs `future` to its end. Returns `None` if it has not ended soon after a second signal.
async fn unless_abandoned<T>(stop: &Stop, future: impl Future<Output = T>) -> Option<T> {
    let abandoned = async {
        stop.abandoned().await;
        sleep(LAST_ATTEMPT).await;
    };
    tokio::select! {
        output = future => Some(output),
        () = abandoned => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::ErrorKind;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_retries_and_the_attempt_in_progress() {
        let start = Instant::now();
        let stop = Stop::default();
        let no_collector = || async { Err(Error::new(ErrorKind::Connect, "refused")) };
        let retried = unless_abandoned(&stop, patiently(no_collector, || stop.is_abandoned())).await;
        assert!(retried.unwrap().is_err() && start.elapsed() >= PATIENCE);
        stop.abandon();
        let start = Instant::now();
        let retried = unless_abandoned(&stop, patiently(no_collector, || stop.is_abandoned())).await;
        assert!(retried.unwrap().is_err() && start.elapsed() < PAUSE);
        assert!(unless_abandoned(&stop, pending::<()>()).await.is_none());
        assert_eq!(start.elapsed(), LAST_ATTEMPT);
    }

    #[tokio::test]
    async fn credentials_of_a_collector_are_not_in_its_errors() {
        // Nothing listens on the port of a listener that was dropped.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = Hidden(format!("http://me:s3cret@127.0.0.1:{port}/"));
        let client = CollectorClient::new(&url, 0).unwrap();
        assert_eq!(client.origin, format!("http://127.0.0.1:{port}"));
        for invalid in ["ftp://me:s3cret@host", "http://me:s3cret@host:port", "http://me:s3cret@"] {
            let Err(error) = CollectorClient::new(&Hidden(invalid.to_owned()), 0) else {
                panic!("{invalid}")
            };
            let error = error.to_string();
            assert!(error.starts_with("--collector: ") && !error.contains("s3cret"), "{error}");
        }
    }
}
