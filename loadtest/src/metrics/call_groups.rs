//! Calls grouped by operation, status and error type, which are the attributes of metrics.

use super::{Histogram, OperationMetrics};
use std::collections::BTreeMap;
use std::ptr;
use std::time::{Duration, Instant};
use wiretrait::Route;
use wiretrait::telemetry::CallPhases;

/// The error type of a call whose response was wrong.
pub(crate) const VIOLATION: &str = "violation";

/// The timing and the outcome of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedCall {
    pub(crate) route: &'static Route,
    /// The moment when it should have started, in the open model.
    pub(crate) due: Option<Instant>,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) status: Option<u16>,
    /// The kind of its error, or [`VIOLATION`]; `None` for a success.
    pub(crate) error: Option<&'static str>,
    pub(crate) phases: CallPhases,
}

impl TimedCall {
    pub(crate) fn service_time(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    /// The latency for thresholds and reports.
    pub(crate) fn latency(&self) -> Duration {
        self.end.saturating_duration_since(self.due.unwrap_or(self.start))
    }

    pub(crate) fn failed(&self) -> bool {
        self.error.is_some()
    }
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The calls of one operation with the same status and the same type of error.
#[derive(Clone, Debug)]
pub(crate) struct CallGroup {
    pub(crate) route: &'static Route,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<&'static str>,
    /// The time from sending the request to the last byte of the response.
    pub(crate) service_time: Histogram,
    /// In the open model, the time from the moment when the call was due to the last byte of the response.
    pub(crate) response_time: Option<Histogram>,
}

impl CallGroup {
    fn new(route: &'static Route, status: Option<u16>, error: Option<&'static str>) -> Self {
        Self { route, status, error, service_time: Histogram::default(), response_time: None }
    }

    fn merge(&mut self, other: &Self) {
        self.service_time.merge(&other.service_time);
        if let Some(response_time) = &other.response_time {
            self.response_time.get_or_insert_default().merge(response_time);
        }
    }

    /// The latency for thresholds and reports.
    pub(crate) fn latency(&self) -> &Histogram {
        self.response_time.as_ref().unwrap_or(&self.service_time)
    }
}

/// All groups of calls. They are few, so that a search from the start is faster than a map.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallGroups {
    groups: Vec<CallGroup>,
    /// The calls of each operation that were given up, which are in no group.
    interrupted: Vec<(&'static Route, u64)>,
}

impl CallGroups {
    pub(crate) fn record(&mut self, call: &TimedCall, is_open_model: bool) {
        let group = self.group(call.route, call.status, call.error);
        group.service_time.record(micros(call.service_time()));
        if is_open_model {
            group.response_time.get_or_insert_default().record(micros(call.latency()));
        }
    }

    fn group(
        &mut self,
        route: &'static Route,
        status: Option<u16>,
        error: Option<&'static str>,
    ) -> &mut CallGroup {
        let is_same = |group: &CallGroup| {
            (ptr::eq(group.route, route) || group.route.name == route.name)
                && group.status == status
                && group.error == error
        };
        let found = self.groups.iter().position(is_same).unwrap_or_else(|| {
            self.groups.push(CallGroup::new(route, status, error));
            self.groups.len() - 1
        });
        &mut self.groups[found]
    }

    /// Counts a call that was given up.
    pub(crate) fn interrupted(&mut self, route: &'static Route) {
        *self.interrupted_of(route) += 1;
    }

    fn interrupted_of(&mut self, route: &'static Route) -> &mut u64 {
        let found = self.interrupted.iter().position(|(known, _)| known.name == route.name);
        let found = found.unwrap_or_else(|| {
            self.interrupted.push((route, 0));
            self.interrupted.len() - 1
        });
        &mut self.interrupted[found].1
    }

    /// The calls of each operation that were given up.
    pub(crate) fn all_interrupted(&self) -> &[(&'static Route, u64)] {
        &self.interrupted
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for group in &other.groups {
            self.group(group.route, group.status, group.error).merge(group);
        }
        for (route, calls) in &other.interrupted {
            *self.interrupted_of(route) += calls;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CallGroup> {
        self.groups.iter()
    }

    /// The number of calls.
    pub(crate) fn calls(&self) -> u64 {
        self.groups.iter().map(|group| group.service_time.count()).sum()
    }

    /// The metrics of each operation by name.
    pub(crate) fn operations(&self) -> BTreeMap<String, OperationMetrics> {
        let mut operations = BTreeMap::<String, OperationMetrics>::new();
        for group in &self.groups {
            let calls = group.service_time.count();
            let operation = operation(&mut operations, group.route);
            operation.calls += calls;
            if let Some(status) = group.status {
                *operation.statuses.entry(status).or_default() += calls;
            }
            if group.error.is_some() {
                operation.failures += calls;
                operation.failure_time.merge(group.latency());
                continue;
            }
            if let Some(status) = group.status.filter(|status| !(200..300).contains(status)) {
                *operation.expected.entry(status).or_default() += calls;
            }
            operation.service_time.merge(&group.service_time);
            if let Some(response_time) = &group.response_time {
                operation.response_time.get_or_insert_default().merge(response_time);
            }
        }
        for (route, calls) in &self.interrupted {
            operation(&mut operations, route).interrupted += calls;
        }
        operations
    }
}

fn operation<'o>(
    operations: &'o mut BTreeMap<String, OperationMetrics>,
    route: &Route,
) -> &'o mut OperationMetrics {
    operations.entry(route.name.to_owned()).or_insert_with(|| OperationMetrics {
        method: route.method.to_string(),
        ..OperationMetrics::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::sessions_v1::{GET_SESSION_BY_ID, OPEN_SESSION};

    /// Calls of some milliseconds with a status and an error.
    fn groups(calls: &[(&'static Route, u16, Option<&'static str>, u64)]) -> CallGroups {
        let mut groups = CallGroups::default();
        let start = Instant::now();
        for (route, status, error, millis) in calls.iter().copied() {
            let end = start + Duration::from_millis(millis);
            groups.record(
                &TimedCall {
                    route,
                    due: None,
                    start,
                    end,
                    status: Some(status),
                    error,
                    phases: CallPhases::default(),
                },
                false,
            );
        }
        groups
    }

    #[test]
    fn calls_are_grouped_by_operation_status_and_error() {
        let mut groups = groups(&[
            (OPEN_SESSION, 200, None, 1),
            (OPEN_SESSION, 200, Some(VIOLATION), 2),
            (GET_SESSION_BY_ID, 200, None, 3),
            (OPEN_SESSION, 503, Some("service"), 4),
            (OPEN_SESSION, 200, None, 5),
        ]);
        groups.merge(&groups.clone());
        let counts: Vec<_> = groups.iter().map(|group| group.service_time.count()).collect();
        assert_eq!((counts, groups.calls()), (vec![4, 2, 2, 2], 10));
    }

    #[test]
    fn interrupted_calls_are_counted_apart() {
        let mut groups = groups(&[(OPEN_SESSION, 200, None, 1)]);
        groups.interrupted(OPEN_SESSION);
        groups.interrupted(GET_SESSION_BY_ID);
        groups.merge(&groups.clone());
        let operations = groups.operations();
        let counts = |name: &str| (operations[name].calls, operations[name].interrupted);
        assert_eq!((counts("open_session"), counts("get_session_by_id")), ((2, 2), (0, 2)));
    }

    #[test]
    fn the_metrics_of_an_operation_are_the_sum_of_its_groups() {
        let groups = groups(&[
            (OPEN_SESSION, 200, None, 1),
            (OPEN_SESSION, 201, None, 2),
            (OPEN_SESSION, 200, Some(VIOLATION), 4),
            (OPEN_SESSION, 503, Some("service"), 8),
        ]);
        let operation = &groups.operations()["open_session"];
        assert_eq!((&*operation.method, operation.calls, operation.failures), ("POST", 4, 2));
        assert_eq!(operation.statuses, [(200, 2), (201, 1), (503, 1)].into());
        assert_eq!((operation.service_time.max(), operation.failure_time.max()), (Some(2_000), Some(8_000)));
        assert_eq!(operation.response_time, None);
    }
}
