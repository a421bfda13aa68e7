//! The options of traces and live metrics.

use super::options::ratio;
use clap::Args;
use std::net::SocketAddr;

/// Traces and live metrics.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetryOptions {
    /// Share of calls whose traces the service should record, from 0 to 1
    ///
    /// Each request has a W3C trace context (traceparent) with a new trace id, which the report shows for
    /// failures and violations. This is the share of those with the flag "sampled".
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = ratio)]
    pub trace_sample: f64,
    /// Serve live metrics for Prometheus at this address, such as 127.0.0.1:9464
    ///
    /// The path is /metrics; port 0 is any free port, which is printed. After a run that was scraped at intervals, the
    /// program waits for one more scrape, so that the last figures are not lost.
    #[arg(long, value_name = "ADDRESS")]
    pub prometheus_listen: Option<SocketAddr>,
    /// Export live metrics over OTLP to this receiver, such as <http://127.0.0.1:4318>
    ///
    /// As http/protobuf, every 5 seconds and at the end. The standard variables apply, such as
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_METRIC_EXPORT_INTERVAL` and
    /// `OTEL_RESOURCE_ATTRIBUTES`. An export that fails does not change the verdict.
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}
