//! Metrics of calls for the `metrics` facade.

use crate::runtime::{CallObserver, FinishedCall};
use metrics::{Label, Unit, describe_histogram, histogram};

const DURATION: &str = "wiretrait.call.duration";
const ATTEMPTS: &str = "wiretrait.call.attempts";

/// An observer that records calls with the `metrics` facade. Names, units and labels are described in
/// [`telemetry`](crate::telemetry#metrics).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MetricsObserver;

impl MetricsObserver {
    /// Creates an observer, and describes the metrics to the installed recorder, if there is one. Calls are
    /// recorded by the recorder that is installed when they end.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it has a side effect")]
    pub fn new() -> Self {
        describe_histogram!(DURATION, Unit::Seconds, "Duration of calls, including retries and pauses.");
        describe_histogram!(ATTEMPTS, Unit::Count, "Number of attempts of calls.");
        Self
    }
}

impl CallObserver for MetricsObserver {
    fn finished(&self, call: &FinishedCall<'_>) {
        let mut labels = vec![
            Label::from_static_parts("wiretrait.contract", call.route.contract.name),
            Label::from_static_parts("wiretrait.operation", call.route.name),
        ];
        if let Some(error_type) = call.error_type() {
            labels.push(Label::new("error.type", error_type.to_owned()));
        }
        if let Some(status) = call.status() {
            labels.push(Label::new("http.response.status_code", status.as_str().to_owned()));
        }
        if let Some(attempts) = call.attempts {
            histogram!(ATTEMPTS, labels.clone()).record(attempts);
        }
        histogram!(DURATION, labels).record(call.duration);
    }
}
