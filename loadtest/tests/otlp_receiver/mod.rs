//! An OTLP receiver over the messages of the official crate.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

type Attributes = BTreeMap<String, String>;

/// A receiver, which runs as long as the runtime of the test.
pub(crate) struct OtlpReceiver {
    url: String,
    exports: Exports,
}

type Exports = Arc<Mutex<Vec<(HeaderMap, ExportMetricsServiceRequest)>>>;

/// One export.
pub(crate) struct Received {
    pub(crate) resource: Attributes,
    /// The sum of the points of each counter.
    pub(crate) sums: BTreeMap<String, u64>,
    /// The points of the duration of calls.
    pub(crate) calls: Vec<HistogramPoint>,
    pub(crate) headers: HeaderMap,
}

/// A point of a histogram.
pub(crate) struct HistogramPoint {
    pub(crate) attributes: Attributes,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) buckets: Vec<u64>,
}

impl OtlpReceiver {
    /// Starts a receiver that says that it rejected some data points of each export.
    pub(crate) async fn start(rejected: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let exports = Exports::default();
        let receive = move |State(exports): State<Exports>, headers: HeaderMap, body: Bytes| async move {
            let export = ExportMetricsServiceRequest::decode(body).unwrap();
            exports.lock().unwrap().push((headers, export));
            let error_message = "too old".to_owned();
            let partial = ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
            let partial_success = (rejected > 0).then_some(partial);
            ExportMetricsServiceResponse { partial_success }.encode_to_vec()
        };
        let router = Router::new().route("/v1/metrics", post(receive)).with_state(Arc::clone(&exports));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, exports }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the last export.
    pub(crate) fn last(&self) -> Received {
        let exports = self.exports.lock().unwrap();
        let (headers, export) = exports.last().unwrap();
        let [resource] = &*export.resource_metrics else { panic!("{export:?}") };
        let mut sums = BTreeMap::new();
        for metric in metrics(export) {
            let Some(Data::Sum(sum)) = &metric.data else { continue };
            assert!(
                sum.is_monotonic && sum.aggregation_temporality == AggregationTemporality::Cumulative as i32
            );
            let values = sum.data_points.iter().map(|point| match point.value {
                Some(Number::AsInt(value)) => u64::try_from(value).unwrap(),
                _ => panic!("{point:?}"),
            });
            sums.insert(metric.name.clone(), values.sum());
        }
        Received {
            resource: attributes(&resource.resource.as_ref().unwrap().attributes),
            sums,
            calls: points(export, "wiretrait.call.duration"),
            headers: headers.clone(),
        }
    }

    /// Returns the points of a histogram in the last export.
    pub(crate) fn histogram(&self, name: &str) -> Vec<HistogramPoint> {
        let exports = self.exports.lock().unwrap();
        points(&exports.last().unwrap().1, name)
    }
}

fn metrics(export: &ExportMetricsServiceRequest) -> impl Iterator<Item = &Metric> {
    let scopes = export.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics)
}

fn points(export: &ExportMetricsServiceRequest, name: &str) -> Vec<HistogramPoint> {
    let metric = metrics(export).find(|metric| metric.name == name).unwrap();
    assert_eq!(metric.unit, "s");
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    assert_eq!(histogram.aggregation_temporality, AggregationTemporality::Cumulative as i32);
    let points = histogram.data_points.iter().map(|point| {
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert!(0 < point.start_time_unix_nano && point.start_time_unix_nano <= point.time_unix_nano);
        HistogramPoint {
            attributes: attributes(&point.attributes),
            count: point.count,
            sum: point.sum.unwrap(),
            buckets: point.bucket_counts.clone(),
        }
    });
    points.collect()
}

fn attributes(pairs: &[KeyValue]) -> Attributes {
    let pairs = pairs.iter().map(|pair| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(value)) => (pair.key.clone(), value.clone()),
        _ => panic!("{pair:?}"),
    });
    pairs.collect()
}
