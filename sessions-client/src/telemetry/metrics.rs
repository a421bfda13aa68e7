//! Finished calls for the `metrics` facade.

use crate::runtime::{CallObserver, FinishedCall};
use metrics::{Label, Unit, describe_histogram, histogram};

const DURATION: &str = "sessions_client.call.duration";
const ATTEMPTS: &str = "sessions_client.call.attempts";

/// Records finished calls with the `metrics` facade. Names, units and labels are written at
/// [`telemetry`](crate::telemetry#metrics).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MetricsObserver;

impl MetricsObserver {
    /// Describes the metrics to the recorder that is installed, if there is one. Calls are recorded by whichever is
    /// installed when they end.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it does something besides")]
    pub fn new() -> Self {
        describe_histogram!(DURATION, Unit::Seconds, "How long calls took, repeats and pauses included.");
        describe_histogram!(ATTEMPTS, Unit::Count, "How many attempts calls took.");
        Self
    }
}

impl CallObserver for MetricsObserver {
    fn finished(&self, call: &FinishedCall<'_>) {
        let mut labels = vec![Label::from_static_parts("sessions_client.operation", call.route.name)];
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
