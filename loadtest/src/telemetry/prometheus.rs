//! The endpoint that Prometheus scrapes.

use super::metrics::{Attributes, BOUNDS_US, Distribution, LiveMetrics, Metric, Points};
use crate::sync::{Mutex, lock};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// The longest wait for the last scrape.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The delay of a scrape that is not late.
const DELAY: Duration = Duration::from_secs(1);

/// The running endpoint.
#[derive(Debug)]
pub(super) struct PrometheusEndpoint {
    address: SocketAddr,
    scrapes: Arc<Scrapes>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

/// The last two scrapes.
#[derive(Debug, Default)]
struct Scrapes {
    last: Mutex<Option<(Instant, Option<Duration>)>>,
    scraped: Notify,
}

impl Scrapes {
    fn record(&self, now: Instant) {
        let mut last = lock(&self.last);
        let interval = last.map(|(before, _)| now.saturating_duration_since(before));
        *last = Some((now, interval));
        self.scraped.notify_waiters();
    }

    /// The time within which the next scrape is expected, at the interval of the last two. Without two scrapes, none
    /// is expected.
    fn expected_within(&self) -> Option<Duration> {
        let (_, interval) = (*lock(&self.last))?;
        interval.map(|interval| (interval + DELAY).min(MAX_WAIT))
    }
}

impl PrometheusEndpoint {
    /// Listens at an address, of which port 0 means any free one.
    pub(super) async fn listen(address: SocketAddr, metrics: LiveMetrics) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let scrapes = Arc::<Scrapes>::default();
        let recorded = Arc::clone(&scrapes);
        let scrape = move || {
            let text = exposition(&metrics);
            recorded.record(Instant::now());
            async move { ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response() }
        };
        let router = Router::new().route("/metrics", get(scrape));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { address, scrapes, stop: Some(stop), server })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Waits for the scrape after the end of the run, if the endpoint was scraped at intervals. Returns false
    /// if that scrape did not come.
    pub(super) async fn wait_for_last_scrape(&self) -> bool {
        let Some(limit) = self.scrapes.expected_within() else { return true };
        tokio::time::timeout(limit, self.scrapes.scraped.notified()).await.is_ok()
    }

    /// Stops the endpoint when the responses in flight are sent.
    pub(super) async fn shut_down(mut self) {
        drop(self.stop.take());
        let _ = tokio::time::timeout(DELAY, &mut self.server).await;
    }
}

impl Drop for PrometheusEndpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The metrics in the text format of Prometheus.
fn exposition(metrics: &LiveMetrics) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Snapshot {
        metrics: metrics.read(),
        target: metrics.resource().iter().map(|(name, value)| (label(name), value.clone())).collect(),
    }));
    let mut text = String::new();
    // A string accepts everything.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

/// The metrics of one scrape.
#[derive(Debug)]
struct Snapshot {
    metrics: Vec<Metric>,
    /// The labels of the load generator.
    target: Vec<(String, String)>,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut target = encoder.encode_descriptor("target", "Load generator", None, MetricType::Info)?;
        target.encode_info(&self.target)?;
        for metric in &self.metrics {
            let name = label(metric.name);
            let unit = (metric.unit == "s").then_some(Unit::Seconds);
            let kind = match metric.points {
                Points::Counter(_) => MetricType::Counter,
                Points::Gauge(_) => MetricType::Gauge,
                Points::Histogram(_) => MetricType::Histogram,
            };
            let help = metric.description.trim_end_matches('.');
            let encoder = encoder.encode_descriptor(&name, help, unit.as_ref(), kind)?;
            encode(encoder, &metric.points)?;
        }
        Ok(())
    }
}

fn encode(mut encoder: MetricEncoder<'_>, points: &Points) -> fmt::Result {
    match points {
        Points::Counter(points) => each(&mut encoder, points, |encoder, value| {
            encoder.encode_counter::<NoLabelSet, u64, f64>(value, None)
        }),
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method has one lifetime only")]
        Points::Gauge(points) => each(&mut encoder, points, |encoder, value| encoder.encode_gauge(value)),
        Points::Histogram(points) => each(&mut encoder, points, |encoder, value| {
            let Distribution { count, sum_seconds, buckets, .. } = value;
            #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
            let bounds = BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6).chain([f64::MAX]);
            let buckets: Vec<_> = bounds.zip(buckets.iter().copied()).collect();
            encoder.encode_histogram::<NoLabelSet>(*sum_seconds, *count, &buckets, None)
        }),
    }
}

fn each<V>(
    encoder: &mut MetricEncoder<'_>,
    points: &[(Attributes, V)],
    encode: impl Fn(&mut MetricEncoder<'_>, &V) -> fmt::Result,
) -> fmt::Result {
    for (attributes, value) in points {
        let labels: Vec<_> = attributes.iter().map(|(name, value)| (label(name), &**value)).collect();
        if labels.is_empty() {
            encode(encoder, value)?;
        } else {
            encode(&mut encoder.encode_family(&labels)?, value)?;
        }
    }
    Ok(())
}

/// An OpenTelemetry name as Prometheus writes it.
fn label(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_have_the_characters_of_prometheus() {
        assert_eq!(label("http.response.status_code"), "http_response_status_code");
    }

    #[test]
    fn another_scrape_is_expected_only_after_two() {
        let (scrapes, start) = (Scrapes::default(), Instant::now());
        assert_eq!(scrapes.expected_within(), None);
        scrapes.record(start);
        assert_eq!(scrapes.expected_within(), None);
        scrapes.record(start + Duration::from_secs(15));
        assert_eq!(scrapes.expected_within(), Some(Duration::from_secs(16)));
        scrapes.record(start + Duration::from_secs(600));
        assert_eq!(scrapes.expected_within(), Some(MAX_WAIT));
    }
}
