//! The export of live metrics over OTLP (HTTP with protobuf).
//!
//! The messages are those of the official crate. Rejected alternative: the exporter of `opentelemetry-otlp`, because
//! its SDK has to record each call itself, and cannot take over the histograms that exist.

use super::metrics::{Attributes, BOUNDS_US, Distribution, LiveMetrics, Points};
use super::otlp_settings::OtlpSettings;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use std::error::Error as StdError;
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// The attempts of the last export, and the pause between them.
const LAST_ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// The most bytes of a response that are read.
const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// The task that exports metrics.
#[derive(Debug)]
pub(super) struct OtlpExporter {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<String>>,
}

impl OtlpExporter {
    /// Starts to export metrics at intervals.
    ///
    /// # Errors
    ///
    /// If TLS cannot be set up.
    pub(super) fn start(settings: OtlpSettings, metrics: LiveMetrics) -> Result<Self, String> {
        let client = client(&settings)?;
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let export = Export { client, settings, metrics };
            let mut ticks = tokio::time::interval(export.settings.interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failed = 0;
            loop {
                tokio::select! {
                    _ = ticks.tick() => failed += u32::from(export.send().await.is_err()),
                    _ = &mut stopped => return export.finish(failed).await,
                }
            }
        });
        Ok(Self { stop, task })
    }

    /// Exports the last figures. Returns a note if not all of them arrived.
    pub(super) async fn finish(self) -> Option<String> {
        let _ = self.stop.send(());
        self.task.await.unwrap_or_else(|error| Some(format!("the export of metrics failed: {error}")))
    }
}

/// A client for exports. It follows no redirects, so that only the receiver gets the headers.
fn client(settings: &OtlpSettings) -> Result<Client, String> {
    let client = Client::builder().timeout(settings.timeout).redirect(Policy::none());
    // Without TLS no certificates are needed, and some machines have none.
    let client = client.tls_danger_accept_invalid_certs(settings.url.scheme() == "http");
    client.build().map_err(|error| format!("metrics cannot be exported: {}", root_cause(&error)))
}

struct Export {
    client: Client,
    settings: OtlpSettings,
    metrics: LiveMetrics,
}

impl Export {
    async fn finish(&self, failed: u32) -> Option<String> {
        let mut outcome = self.send().await;
        for _ in 1..LAST_ATTEMPTS {
            if outcome.is_ok() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            outcome = self.send().await;
        }
        let receiver = self.settings.receiver();
        match outcome {
            Ok(()) if failed == 0 => None,
            Ok(()) => Some(format!(
                "{failed} exports of metrics to {receiver} failed; the last one succeeded, and has the sums of all calls"
            )),
            Err(error) => Some(format!("the last metrics were not exported to {receiver}: {error}")),
        }
    }

    /// Exports the current metrics.
    async fn send(&self) -> Result<(), String> {
        let request = self
            .client
            .post(self.settings.url.clone())
            .headers(self.settings.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(request(&self.metrics).encode_to_vec());
        let response = request.send().await.map_err(|error| root_cause(&error.without_url()))?;
        if !response.status().is_success() {
            return Err(format!("the receiver responded with {}", response.status()));
        }
        check(response).await
    }
}

/// Returns an error if the receiver rejected a part.
async fn check(mut response: Response) -> Result<(), String> {
    let mut body = Vec::new();
    while body.len() <= MAX_RESPONSE_BYTES
        && let Some(chunk) = response.chunk().await.map_err(|error| root_cause(&error.without_url()))?
    {
        body.extend_from_slice(&chunk);
    }
    // A body that cannot be read is ignored: the status says that the metrics were accepted.
    let partial =
        ExportMetricsServiceResponse::decode(&*body).ok().and_then(|response| response.partial_success);
    match partial {
        Some(partial) if partial.rejected_data_points > 0 => Err(format!(
            "the receiver rejected {} data points: {}",
            partial.rejected_data_points, partial.error_message
        )),
        _ => Ok(()),
    }
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The message with the current metrics.
fn request(metrics: &LiveMetrics) -> ExportMetricsServiceRequest {
    let times = [metrics.started(), SystemTime::now()].map(nanos);
    let resource = metrics.resource().iter().map(|(key, value)| attribute(key, value)).collect();
    let scope = InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let metrics = metrics.read().into_iter().map(|metric| Metric {
        name: metric.name.to_owned(),
        description: metric.description.to_owned(),
        unit: metric.unit.to_owned(),
        data: Some(data(metric.points, times)),
        ..Metric::default()
    });
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes: resource, ..Resource::default() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics: metrics.collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn data(points: Points, times: [u64; 2]) -> Data {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    match points {
        Points::Counter(points) => Data::Sum(Sum {
            data_points: numbers(points, times),
            aggregation_temporality,
            is_monotonic: true,
        }),
        Points::Gauge(points) => Data::Gauge(Gauge { data_points: numbers(points, times) }),
        Points::Histogram(points) => Data::Histogram(Histogram {
            data_points: points.into_iter().map(|point| histogram(point, times)).collect(),
            aggregation_temporality,
        }),
    }
}

fn numbers(points: Vec<(Attributes, u64)>, [start, now]: [u64; 2]) -> Vec<NumberDataPoint> {
    let point = |(attributes, value): (Attributes, u64)| NumberDataPoint {
        attributes: self::attributes(&attributes),
        start_time_unix_nano: start,
        time_unix_nano: now,
        value: Some(Number::AsInt(i64::try_from(value).unwrap_or(i64::MAX))),
        ..NumberDataPoint::default()
    };
    points.into_iter().map(point).collect()
}

fn histogram((attributes, value): (Attributes, Distribution), [start, now]: [u64; 2]) -> HistogramDataPoint {
    let Distribution { count, sum_seconds, range_seconds, buckets } = value;
    #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
    let explicit_bounds = BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6).collect();
    HistogramDataPoint {
        attributes: self::attributes(&attributes),
        start_time_unix_nano: start,
        time_unix_nano: now,
        count,
        sum: Some(sum_seconds),
        bucket_counts: buckets.to_vec(),
        explicit_bounds,
        min: range_seconds.map(|(min, _)| min),
        max: range_seconds.map(|(_, max)| max),
        ..HistogramDataPoint::default()
    }
}

fn attributes(attributes: &Attributes) -> Vec<KeyValue> {
    attributes.iter().map(|(key, value)| attribute(key, value)).collect()
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
