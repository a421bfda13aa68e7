//! The live metrics of a run, as OpenTelemetry names them.
//!
//! They are computed from the recorder and the counters when they are read, so that they cost a call nothing.
//! The duration of calls has the name and the attributes that the client's own observer uses in production
//! (`wiretrait::telemetry`), so that one dashboard shows both.

use crate::executors::shared::SharedState;
use crate::metrics::Histogram;
use crate::metrics::call_groups::CallGroup;
use crate::scenarios::Weighted;
use std::sync::Arc;
use std::time::SystemTime;

/// The upper bounds of buckets, in microseconds: those that OpenTelemetry recommends for HTTP, and smaller ones
/// for a service on the same machine. A latency is counted with the precision of percentiles, which is 1/128.
pub(super) const BOUNDS_US: [u64; 19] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000,
    1_000_000, 2_500_000, 5_000_000, 7_500_000, 10_000_000,
];

/// The attributes of a point.
pub(super) type Attributes = Vec<(&'static str, String)>;

/// A metric with all its points.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    /// Such as `wiretrait.call.duration`.
    pub(super) name: &'static str,
    /// In the notation of UCUM.
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
    pub(super) points: Points,
}

/// The points of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Points {
    /// Monotonic sums since the start of the run.
    Counter(Vec<(Attributes, u64)>),
    /// Current values.
    Gauge(Vec<(Attributes, u64)>),
    /// Distributions of seconds.
    Histogram(Vec<(Attributes, Distribution)>),
}

/// The distribution of durations.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distribution {
    pub(super) count: u64,
    pub(super) sum_seconds: f64,
    /// The least and the greatest duration in seconds.
    pub(super) range_seconds: Option<(f64, f64)>,
    /// The counts of the buckets, which are not cumulative; the last one has no upper bound.
    pub(super) buckets: [u64; BOUNDS_US.len() + 1],
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

impl From<&Histogram> for Distribution {
    fn from(histogram: &Histogram) -> Self {
        let mut buckets = [0; BOUNDS_US.len() + 1];
        for (floor, width, count) in histogram.buckets() {
            // As in percentiles, all latencies of a bucket count as its middle.
            let bucket = BOUNDS_US.partition_point(|bound| *bound < floor + width / 2);
            buckets[bucket] += count;
        }
        Self {
            count: histogram.count(),
            sum_seconds: seconds(histogram.sum()),
            range_seconds: histogram.min().map(seconds).zip(histogram.max().map(seconds)),
            buckets,
        }
    }
}

/// The source of the live metrics.
#[derive(Clone, Debug)]
pub(crate) struct LiveMetrics {
    shared: Arc<SharedState>,
    /// The start of all sums.
    started: SystemTime,
    /// The attributes of the load generator.
    resource: Arc<[(String, String)]>,
}

impl LiveMetrics {
    pub(super) fn new(shared: Arc<SharedState>, resource: Vec<(String, String)>) -> Self {
        Self { shared, started: SystemTime::now(), resource: resource.into() }
    }

    pub(super) fn started(&self) -> SystemTime {
        self.started
    }

    pub(super) fn resource(&self) -> &[(String, String)] {
        &self.resource
    }

    /// The metrics at this moment.
    pub(super) fn read(&self) -> Vec<Metric> {
        let SharedState { recorder, arrivals, .. } = &*self.shared;
        let mut metrics = Vec::new();
        let groups = recorder.call_groups();
        metrics.push(Metric {
            name: "wiretrait.call.duration",
            unit: "s",
            description: "Duration of calls.",
            points: Points::Histogram(
                groups.iter().map(|group| (call_attributes(group), (&group.service_time).into())).collect(),
            ),
        });
        if arrivals.is_some() {
            let points = groups
                .iter()
                .filter_map(|group| Some((call_attributes(group), group.response_time.as_ref()?.into())));
            metrics.push(Metric {
                name: "loadtest.call.response_time",
                unit: "s",
                description: "Time from the moment when calls were due to their end.",
                points: Points::Histogram(points.collect()),
            });
        }
        let interrupted = groups.all_interrupted().iter();
        let interrupted =
            interrupted.map(|(route, calls)| (vec![("wiretrait.operation", route.name.to_owned())], *calls));
        metrics.push(Metric {
            name: "loadtest.calls.interrupted",
            unit: "{call}",
            description: "Calls that were given up at the end of the run.",
            points: Points::Counter(interrupted.collect()),
        });
        let sent_again = self.shared.sent_again.get().into_iter();
        let sent_again =
            sent_again.map(|(operation, requests)| (vec![("wiretrait.operation", operation)], requests));
        metrics.push(Metric {
            name: "loadtest.requests.sent_again",
            unit: "{request}",
            description: "Requests that were sent again at once: certainly not processed, or with a rejected token.",
            points: Points::Counter(sent_again.collect()),
        });
        metrics.extend(self.failures());
        metrics.extend(self.iterations());
        metrics
    }

    fn failures(&self) -> [Metric; 2] {
        let recorder = &self.shared.recorder;
        let failures = recorder.failure_counts().into_iter().map(|(operation, reason, count)| {
            (vec![("wiretrait.operation", operation.to_owned()), ("loadtest.reason", reason)], count)
        });
        let violations = recorder
            .violation_counts()
            .into_iter()
            .map(|(kind, count)| (vec![("loadtest.violation", kind)], count));
        [
            Metric {
                name: "loadtest.calls.failed",
                unit: "{call}",
                description: "Failed calls, including violations.",
                points: Points::Counter(failures.collect()),
            },
            Metric {
                name: "loadtest.violations",
                unit: "{violation}",
                description: "Violations of consistency.",
                points: Points::Counter(violations.collect()),
            },
        ]
    }

    fn iterations(&self) -> Vec<Metric> {
        let SharedState { counters, config, arrivals, stop, .. } = &*self.shared;
        let by_scenario = |of: fn([u64; 3]) -> u64| {
            let scenarios = config.weights.iter().map(|Weighted { index, name, .. }| {
                (vec![("loadtest.scenario", name.to_owned())], of(counters.iterations(index)))
            });
            Points::Counter(scenarios.collect())
        };
        let iterations =
            |name, description, points| Metric { name, unit: "{iteration}", description, points };
        let mut metrics = vec![
            iterations(
                "loadtest.iterations.started",
                "Started iterations.",
                by_scenario(|[started, ..]| started),
            ),
            iterations(
                "loadtest.iterations.completed",
                "Completed iterations.",
                by_scenario(|[_, completed, _]| completed),
            ),
            iterations(
                "loadtest.iterations.active",
                "Iterations in progress.",
                Points::Gauge(vec![(Vec::new(), counters.in_flight() as u64)]),
            ),
            Metric {
                name: "loadtest.virtual_users",
                unit: "{user}",
                description: "Virtual users that have started.",
                points: Points::Gauge(vec![(Vec::new(), counters.users() as u64)]),
            },
        ];
        if let Some(arrivals) = arrivals {
            // Those that still wait when the run ends are dropped.
            let (waiting, dropped) =
                if stop.is_due() { (0, arrivals.dropped()) } else { (arrivals.dropped(), 0) };
            metrics.extend([
                iterations(
                    "loadtest.iterations.waiting",
                    "Iterations that are due and wait for a free virtual user.",
                    Points::Gauge(vec![(Vec::new(), waiting)]),
                ),
                iterations(
                    "loadtest.iterations.delayed",
                    "Iterations that had to wait for a free virtual user.",
                    Points::Counter(vec![(Vec::new(), arrivals.delayed())]),
                ),
                iterations(
                    "loadtest.iterations.dropped",
                    "Iterations that were due and never started.",
                    Points::Counter(vec![(Vec::new(), dropped)]),
                ),
            ]);
        }
        metrics
    }
}

/// The attributes that the client's observer records.
fn call_attributes(group: &CallGroup) -> Attributes {
    let mut attributes = vec![
        ("wiretrait.contract", group.route.contract.name.to_owned()),
        ("wiretrait.operation", group.route.name.to_owned()),
    ];
    let status = group.status.map(|status| status.to_string());
    match (group.error, &status) {
        (None, _) => {}
        (Some("service"), Some(status)) => attributes.push(("error.type", status.clone())),
        (Some(error), _) => attributes.push(("error.type", error.to_owned())),
    }
    attributes.extend(status.map(|status| ("http.response.status_code", status)));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::call_groups::{CallGroups, TimedCall, VIOLATION};
    use sessions_client::sessions_v1::OPEN_SESSION;
    use std::time::Instant;
    use wiretrait::telemetry::CallPhases;

    #[test]
    fn count_and_sum_of_a_distribution_are_exact() {
        let latencies = [3_u64, 100, 101, 4_000, 250_000, 11_000_000];
        let distribution = Distribution::from(&latencies.into_iter().collect::<Histogram>());
        assert_eq!((distribution.count, distribution.sum_seconds), (6, 11.254_204));
        assert_eq!(distribution.range_seconds, Some((0.000_003, 11.0)));
        assert_eq!(distribution.buckets.iter().sum::<u64>(), 6);
        let bucket =
            |bound| distribution.buckets[BOUNDS_US.iter().position(|known| *known == bound).unwrap()];
        assert_eq!([bucket(100), bucket(250), bucket(5_000)], [2, 1, 1]);
        assert_eq!(distribution.buckets.last(), Some(&1));
    }

    #[test]
    fn calls_have_the_attributes_of_the_observer_of_the_client() {
        let attributes = |status, error| {
            let (start, mut groups) = (Instant::now(), CallGroups::default());
            let call = TimedCall {
                route: OPEN_SESSION,
                due: None,
                start,
                end: start,
                status,
                error,
                phases: CallPhases::default(),
            };
            groups.record(&call, false);
            let attributes = call_attributes(groups.iter().next().unwrap());
            let shown: Vec<_> = attributes.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            shown[2..].join(" ")
        };
        assert_eq!(attributes(Some(200), None), "http.response.status_code=200");
        assert_eq!(attributes(Some(503), Some("service")), "error.type=503 http.response.status_code=503");
        assert_eq!(attributes(None, Some("timeout")), "error.type=timeout");
        let violation = attributes(Some(200), Some(VIOLATION));
        assert_eq!(violation, "error.type=violation http.response.status_code=200");
    }
}
