//! The results of a run: everything that was measured, without any conclusion.
//!
//! Results are written as JSON, which is how workers pass their part to the merge, and how a run becomes the
//! baseline of a later one. Everything is stored in a form that adds up exactly: latencies in buckets,
//! seconds on the clock that all machines share. Verdict and reports are computed from the results, so that a
//! single run and a merged one share the code that judges and shows them.

use super::{Histogram, LoadModel, ScenarioCounts, Timeline};
use crate::format;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The version of the JSON format. Other versions are rejected.
pub const FORMAT: u32 = 2;

/// The number of examples kept of each kind of failure and violation, and of session ids.
pub const EXAMPLES: usize = 5;

/// The reason of calls that the load generator could not send: ports, files or buffers were exhausted.
pub(crate) const LOCAL_LIMIT: &str = "limit of the load generator";

/// Everything that was measured in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: u32,
    /// The id of the test run, which is part of all its user ids; all workers share it.
    pub test_run_id: String,
    /// The version of the load test.
    pub program_version: String,
    /// The execution segment of the worker; `None` for a run of one worker and for merged results.
    pub execution_segment: Option<ExecutionSegment>,
    /// The service that was loaded.
    pub service: ServiceInfo,
    /// The load model.
    pub load: LoadModel,
    /// The calls of an iteration, in a sentence.
    pub iteration: String,
    /// True if responses were checked.
    pub checks_enabled: bool,
    /// The iterations of each scenario.
    pub scenarios: Vec<ScenarioCounts>,
    /// The start of the first call.
    pub started: DateTime<Utc>,
    /// The time from the start of the first call to the end of the last, in microseconds.
    pub duration_us: u64,
    /// The calls by the name of their route.
    pub operations: BTreeMap<String, OperationMetrics>,
    /// The calls by the time of their end.
    pub timeline: Timeline,
    /// Failed calls by operation and reason. A violation is a failed call as well.
    pub failures: Vec<FailureSummary>,
    /// Violations by kind. Kinds that were checked for and never found have a count of 0.
    pub violations: Vec<ViolationSummary>,
    /// The sessions that were opened, and the result of the leftover check.
    pub sessions: SessionSummary,
    /// The load generators, in the order of their workers.
    pub load_generators: Vec<LoadGenerator>,
    /// The way in which the run ended.
    pub ending: Ending,
    /// The criteria by which the run passes or fails.
    pub pass_criteria: PassCriteria,
}

/// The part of a run that one worker executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionSegment {
    /// The number of the worker, counted from 0.
    pub index: u32,
    /// The number of workers.
    pub of: u32,
}

impl ExecutionSegment {
    /// The segment of a run with one worker.
    pub(crate) const WHOLE: Self = Self { index: 0, of: 1 };
}

/// The service that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Its address, without path and credentials.
    pub address: String,
    /// True if it ran in the process of the load generator.
    pub embedded: bool,
    /// True if its certificate was not verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The name that it reports, if any.
    pub name: Option<String>,
    /// The version that it reports, if any.
    pub version: Option<String>,
}

/// The calls of one operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationMetrics {
    /// The HTTP method of its route, which is part of its name in goose's tables and in thresholds.
    pub method: String,
    /// The number of calls, including failed ones.
    pub calls: u64,
    /// The number of failed calls, including violations.
    pub failures: u64,
    /// The number of responses by status; a call without a response has none.
    pub statuses: BTreeMap<u16, u64>,
    /// The time from sending the request to the last byte of the response.
    pub service_time: Histogram,
    /// In the open model, the time from the moment when the call was due to the last byte of the response.
    pub response_time: Option<Histogram>,
}

impl OperationMetrics {
    /// The latency for thresholds and reports: the response time in the open model, so that a slow service
    /// cannot hide its queue, and the service time in the closed model.
    #[must_use]
    pub fn latency(&self) -> &Histogram {
        self.response_time.as_ref().unwrap_or(&self.service_time)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.method.clone_from(&other.method);
        add(&mut self.calls, other.calls);
        add(&mut self.failures, other.failures);
        for (status, count) in &other.statuses {
            add(self.statuses.entry(*status).or_default(), *count);
        }
        self.service_time.merge(&other.service_time);
        if let Some(response_time) = &other.response_time {
            self.response_time.get_or_insert_default().merge(response_time);
        }
    }
}

/// Adds counts that may come from a file, without overflow.
pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// The failed calls of one operation with the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureSummary {
    /// The name of the route.
    pub operation: String,
    /// A short reason, such as `timeout`.
    pub reason: String,
    /// The number of calls.
    pub count: u64,
    /// The whole message of one of them.
    pub example: Option<String>,
}

/// The violations of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViolationSummary {
    /// A sentence, such as `stale data was returned`.
    pub kind: String,
    /// The number of violations.
    pub count: u64,
    /// The first of them, [`EXAMPLES`] at most.
    pub examples: Vec<ViolationExample>,
}

/// The session and the call of a violation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViolationExample {
    /// The id of the session.
    pub session_id: String,
    /// The name of the route.
    pub operation: String,
    /// The correlation id of the request.
    pub correlation_id: Option<String>,
    /// More about what was expected and what was returned.
    pub detail: Option<String>,
}

/// The sessions of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Sessions opened, as far as the service acknowledged it.
    pub opened: u64,
    /// Sessions closed by users.
    pub closed: u64,
    /// Sessions deleted by users.
    pub deleted: u64,
    /// Sessions deleted after the run, because no user had deleted them.
    pub cleaned_up: u64,
    /// Sessions that still existed after the cleanup.
    pub left_behind: SessionIds,
    /// Sessions of other users that were listed for a user of the run.
    pub foreign: SessionIds,
    /// The error that kept the leftover check from completing.
    pub check_error: Option<String>,
}

/// A number of sessions with the ids of the first ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionIds {
    /// The number of sessions.
    pub count: u64,
    /// The ids of the first sessions, [`EXAMPLES`] at most.
    pub ids: Vec<String>,
}

impl SessionIds {
    /// Adds a session.
    pub fn add(&mut self, id: impl Into<String>) {
        self.count += 1;
        if self.ids.len() < EXAMPLES {
            self.ids.push(id.into());
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.count, other.count);
        let room = EXAMPLES.saturating_sub(self.ids.len());
        self.ids.extend(other.ids.iter().take(room).cloned());
    }
}

/// The resources of a load generator, and whether it kept up with its schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadGenerator {
    /// The number of the worker.
    pub worker: u32,
    /// The start of its first call.
    pub started: DateTime<Utc>,
    /// The time from the start of its first call to the end of its last, in microseconds.
    pub duration_us: u64,
    /// CPU time of the process, including an embedded service, in microseconds.
    pub cpu_us: u64,
    /// The number of available cores.
    pub cores: u32,
    /// The peak memory of the process, in bytes.
    pub peak_memory_bytes: u64,
    /// In the open model, the time between the moment when an iteration was due and its start.
    pub start_delay: Histogram,
    /// In the open model, iterations that had to wait for a free virtual user.
    pub delayed_iterations: u64,
    /// In the open model, iterations that were due and had not started when the run ended.
    #[serde(default)]
    pub dropped_iterations: u64,
}

impl LoadGenerator {
    /// The used part of the available cores, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share is shown in whole percent")]
    pub fn cpu_share(&self) -> Option<f64> {
        let available = self.duration_us.saturating_mul(self.cores.into());
        (available > 0).then(|| self.cpu_us as f64 / available as f64)
    }
}

/// The way in which a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Ending {
    /// Not at all: the worker is still running, or was killed.
    InProgress,
    /// Its run time was over, or all iterations were done.
    Planned,
    /// A signal stopped it.
    Signal {
        /// Such as `SIGTERM`.
        signal: String,
    },
    /// A missed threshold aborted it.
    Threshold {
        /// The rule and the observed value.
        rule: String,
    },
    /// The load generator failed.
    Failed {
        /// The error.
        reason: String,
    },
}

/// The criteria by which a run passes or fails, in addition to those of every run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassCriteria {
    /// Thresholds in goose's syntax, such as `p95<50ms for POST open_session`. A breakpoint search applies
    /// them to each of its rates.
    pub thresholds: Vec<String>,
    /// The percentage of calls that may fail; in a breakpoint search, of the calls at one rate.
    pub max_error_rate: f64,
    /// The minimum number of calls.
    pub min_requests: u64,
    /// The percentage by which a percentile may exceed its value in the baseline.
    pub max_regression: f64,
}

impl Default for PassCriteria {
    fn default() -> Self {
        Self { thresholds: Vec::new(), max_error_rate: 0.0, min_requests: 1, max_regression: 20.0 }
    }
}

impl PassCriteria {
    /// The criteria that a breakpoint search applies to each rate, in words.
    pub(crate) fn of_a_rate(&self) -> String {
        let error_rate = format!("error rate at most {}", format::percent(self.max_error_rate));
        if self.thresholds.is_empty() {
            return error_rate;
        }
        format!("{} and {error_rate}", self.thresholds.join(", "))
    }
}

impl Results {
    /// The number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.operations.values().map(|operation| operation.calls).sum()
    }

    /// The number of failed calls.
    #[must_use]
    pub fn failed_calls(&self) -> u64 {
        self.operations.values().map(|operation| operation.failures).sum()
    }

    /// The failures of calls that the load generator could not send.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = &FailureSummary> {
        self.failures.iter().filter(|failure| failure.reason == LOCAL_LIMIT)
    }

    /// The number of calls that the load generator could not send, which are failed calls as well.
    #[must_use]
    pub fn unsent_calls(&self) -> u64 {
        self.unsent().map(|failure| failure.count).sum()
    }

    /// The failed calls in percent of all calls; `None` without calls.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share is shown with few digits")]
    pub fn error_rate(&self) -> Option<f64> {
        let calls = self.calls();
        (calls > 0).then(|| self.failed_calls() as f64 * 100.0 / calls as f64)
    }

    /// The number of violations.
    #[must_use]
    pub fn violation_count(&self) -> u64 {
        self.violations.iter().map(|violation| violation.count).sum()
    }

    /// The number of completed iterations.
    #[must_use]
    pub fn completed_iterations(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.completed).sum()
    }

    /// The time from the start of the first call to the end of the last.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.duration_us)
    }

    /// The latency of all operations.
    #[must_use]
    pub fn latency(&self) -> Histogram {
        let mut all = Histogram::default();
        self.operations.values().for_each(|operation| all.merge(operation.latency()));
        all
    }
}
