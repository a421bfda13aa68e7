//! The exporters of one run: started before it, and finished with its last figures.

use super::metrics::LiveMetrics;
use super::otlp::OtlpExporter;
use super::otlp_settings::{OtlpSettings, pairs};
use super::prometheus::PrometheusEndpoint;
use crate::cli::TelemetryOptions;
use crate::cli::tags::label;
use crate::error::LoadTestError;
use crate::executors::shared::SharedState;
use crate::executors::stop::Stop;
use crate::status;
use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The time that a signal leaves to the last export.
const GRACE: Duration = Duration::from_secs(1);

/// The valid settings of the exporters of a run.
#[derive(Debug)]
pub(crate) struct ExporterSettings {
    prometheus: Option<SocketAddr>,
    otlp: Option<OtlpSettings>,
    /// The attributes of the load generator in the standard variables.
    attributes: BTreeMap<String, String>,
}

impl ExporterSettings {
    /// Reads the options and the variables of the process.
    ///
    /// # Errors
    ///
    /// If a setting is not valid.
    pub(crate) fn read(options: &TelemetryOptions) -> Result<Self, LoadTestError> {
        let variable = |name: &str| env::var(name).ok();
        let otlp =
            OtlpSettings::read(options.otlp_endpoint.as_deref(), variable).map_err(LoadTestError::Option)?;
        let prometheus = options.prometheus_listen;
        let attributes = if otlp.is_some() || prometheus.is_some() {
            attributes(variable).map_err(LoadTestError::Option)?
        } else {
            BTreeMap::new()
        };
        Ok(Self { prometheus, otlp, attributes })
    }
}

/// The exporters of a run; all are optional.
#[derive(Debug)]
pub(crate) struct Exporters {
    prometheus: Option<PrometheusEndpoint>,
    otlp: Option<OtlpExporter>,
}

impl Exporters {
    /// Starts the exporters that the settings ask for. `target` is the address of the service without
    /// credentials.
    ///
    /// # Errors
    ///
    /// If the address for Prometheus cannot be listened at, or TLS cannot be set up.
    pub(crate) async fn start(
        settings: ExporterSettings,
        shared: &Arc<SharedState>,
        target: &str,
    ) -> Result<Self, LoadTestError> {
        let ExporterSettings { prometheus, otlp, attributes } = settings;
        if otlp.is_none() && prometheus.is_none() {
            return Ok(Self { prometheus: None, otlp: None });
        }
        let metrics = LiveMetrics::new(Arc::clone(shared), resource(shared, target, attributes));
        let prometheus = match prometheus {
            Some(address) => {
                let listening = PrometheusEndpoint::listen(address, metrics.clone()).await;
                let endpoint = listening.map_err(|error| {
                    LoadTestError::Option(format!("--prometheus-listen {address}: {error}"))
                })?;
                status::log(format_args!("metrics for Prometheus at {}", endpoint.url()));
                Some(endpoint)
            }
            None => None,
        };
        let otlp = otlp.map(|settings| OtlpExporter::start(settings, metrics)).transpose();
        Ok(Self { prometheus, otlp: otlp.map_err(LoadTestError::Option)? })
    }

    /// Exports the last figures, until a signal. Returns a note if not all of them arrived.
    pub(crate) async fn finish(self, shared: &SharedState) -> Option<String> {
        let stop = &shared.stop;
        let mut notes = Vec::new();
        if let Some(exporter) = self.otlp {
            tokio::select! {
                note = exporter.finish() => notes.extend(note),
                () = interrupted(stop) => notes.push("a signal ended the last export of metrics".to_owned()),
            }
        }
        if let Some(endpoint) = self.prometheus {
            let is_complete = stop.signal().is_some()
                || tokio::select! {
                    is_scraped = endpoint.wait_for_last_scrape() => is_scraped,
                    _ = stop.signalled() => false,
                };
            endpoint.shut_down().await;
            if !is_complete {
                let missed = "Prometheus did not scrape the last metrics: they are only in the report";
                notes.push(missed.to_owned());
            }
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// Waits for the next signal, and for the time that it leaves to the last export.
async fn interrupted(stop: &Stop) {
    if stop.signal().is_some() {
        stop.abandoned().await;
    } else {
        stop.signalled().await;
    }
    tokio::time::sleep(GRACE).await;
}

/// The attributes of the load generator. Those that were given replace the defaults, and tags replace those with the same
/// label.
fn resource(shared: &SharedState, target: &str, given: BTreeMap<String, String>) -> Vec<(String, String)> {
    let config = &shared.config;
    let mut attributes: BTreeMap<String, String> = [
        ("service.name", "loadtest".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", format!("{}-{}", config.test_run_id, config.segment.index)),
        ("loadtest.test_run_id", config.test_run_id.clone()),
        ("loadtest.target", target.to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    attributes.extend(given);
    for (key, value) in &config.tags {
        attributes.retain(|other, _| label(other) != label(key));
        attributes.insert(key.clone(), value.clone());
    }
    attributes.into_iter().collect()
}

/// The attributes in the standard variables.
fn attributes(variable: impl Fn(&str) -> Option<String>) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    if let Some(list) = variable("OTEL_RESOURCE_ATTRIBUTES") {
        let given = pairs(&list)
            .ok_or("OTEL_RESOURCE_ATTRIBUTES must be a list, such as team=payments,stage=test")?;
        attributes.extend(given);
    }
    if let Some(name) = variable("OTEL_SERVICE_NAME").filter(|name| !name.is_empty()) {
        attributes.insert("service.name".to_owned(), name);
    }
    Ok(attributes)
}
