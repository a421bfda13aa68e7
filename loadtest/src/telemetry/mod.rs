//! Telemetry of a run while it is in progress: the trace context of each call, and live metrics.

pub(crate) mod exporters;
mod metrics;
mod otlp;
mod otlp_settings;
mod prometheus;
pub(crate) mod trace_context;
