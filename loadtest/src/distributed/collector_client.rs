//! The way of a worker's results to the collector.

use crate::cli::Hidden;
use crate::error::LoadTestError;
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
        let checked = patiently(|| self.http.check(self.worker)).await;
        checked.map_err(|error| {
            let origin = &self.origin;
            LoadTestError::LoadGenerator(format!(
                "the collector {origin} does not accept results: {error}. Start it with the command merge --listen"
            ))
        })
    }

    /// Sends the results.
    pub(crate) async fn send(&self, results: &Results) -> Result<(), LoadTestError> {
        let sent = patiently(|| self.http.put_results(self.worker, results)).await;
        sent.map_err(|error| LoadTestError::Report {
            path: PathBuf::from(&self.origin),
            reason: format!("the results were not accepted: {error}"),
        })
    }

    /// Sends the reason why there are no results.
    pub(crate) async fn lost(&self, reason: &str) {
        if let Err(error) = self.http.lost(self.worker, reason).await {
            status::log(format_args!("the collector {} was not informed: {error}", self.origin));
        }
    }
}

/// Retries a call while it fails for a reason that may pass.
async fn patiently<F: Future<Output = Result<(), Error>>>(call: impl Fn() -> F) -> Result<(), Error> {
    let start = Instant::now();
    loop {
        match call().await {
            Err(error) if error.is_retryable() && start.elapsed() < PATIENCE => sleep(PAUSE).await,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
