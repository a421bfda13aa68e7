//! The results of a run: everything that was measured, without any conclusion.
//!
//! Results are written as JSON, which is how workers pass their part to the merge, and how a run becomes the
//! baseline of a later one. Everything is stored in a form that adds up exactly: latencies in buckets,
//! seconds on the clock that all machines share. Verdict and reports are computed from the results, so that a
//! single run and a merged one share the code that judges and shows them.

use super::{
    Availability, Blocks, ExpectedFailures, FaultWindow, Histogram, LoadModel, PhaseMetrics, RateLimitDelays,
    ScenarioMetrics, SecondSet, StepMetrics, Timeline, WarmUp,
};
use crate::format;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// The version of the JSON format. Other versions are rejected.
pub const FORMAT: u32 = 3;

/// The number of examples kept of each kind of failure and violation, and of session ids.
pub const EXAMPLES: usize = 5;

/// The reason of calls that the load generator could not send: ports, files or buffers were exhausted.
pub(crate) const LOCAL_LIMIT: &str = "limit of the load generator";

/// The reason of calls whose idle connection was closed by the peer, such as at a graceful reload of a proxy.
pub(crate) const STALE_CONNECTION: &str = "idle connection closed by the peer";

/// Everything that was measured in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Results {
    /// [`FORMAT`].
    pub format: u32,
    /// The id of the test run, which is part of all its user ids; all workers share it.
    pub test_run_id: String,
    /// The tags of the run by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The version of the load test.
    pub program_version: String,
    /// The execution segment of the worker; `None` for a run of one worker and for merged results.
    pub execution_segment: Option<ExecutionSegment>,
    /// The contract of the service.
    pub contract: ContractInfo,
    /// The service that was loaded.
    pub service: ServiceInfo,
    /// The load model.
    pub load: LoadModel,
    /// The calls of an iteration, in a sentence.
    pub iteration: String,
    /// True if responses were checked.
    pub checks_enabled: bool,
    /// The iterations of each scenario.
    pub scenarios: Vec<ScenarioMetrics>,
    /// The iterations of each step of the rate, in the open model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepMetrics>,
    /// The calls before the measured part of the run, which are in no other metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// The start of the first call.
    pub started: DateTime<Utc>,
    /// The time from the start of the first call to the end of the last, in microseconds.
    pub duration_us: u64,
    /// The time in which load was made, in microseconds: from the start of the first call to the end of the run
    /// time, or to the end of the last call if that is earlier. Rates are counted per second of it.
    pub load_us: u64,
    /// The calls by the name of their route.
    pub operations: BTreeMap<String, OperationMetrics>,
    /// The times of successful calls by phase.
    #[serde(default)]
    pub phases: PhaseMetrics,
    /// The calls by the time of their end.
    pub timeline: Timeline,
    /// The seconds in which calls succeeded, failed, or waited.
    #[serde(default)]
    pub availability: Availability,
    /// The faults that were injected on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultWindow>,
    /// The failed calls among those below that met a fault.
    #[serde(default)]
    pub expected_failures: ExpectedFailures,
    /// The calls that a rate limit delayed; `None` if calls with status 429 count as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitDelays>,
    /// Failed calls by operation and reason. A violation is a failed call as well.
    pub failures: Vec<FailureSummary>,
    /// Violations by kind. Kinds that were checked for and never found have a count of 0.
    pub violations: Vec<ViolationSummary>,
    /// The sessions that were opened, and the result of the leftover check.
    pub sessions: SessionSummary,
    /// The load generators, in the order of their workers.
    pub load_generators: Vec<LoadGenerator>,
    /// The workers whose results are missing or incomplete: the results are partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_workers: Vec<LostWorker>,
    /// The way in which the run ended.
    pub ending: Ending,
    /// The criteria by which the run passes or fails.
    pub pass_criteria: PassCriteria,
    /// The command that deletes the sessions of the run; `None` if they end with an embedded service.
    pub cleanup_command: Option<String>,
    /// The requests of calls that were sent again at once, by operation, those of the warm-up included: the service has
    /// certainly not processed them, which is known over HTTP/2 and gRPC, or it has rejected their token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent_again: BTreeMap<String, u64>,
    /// The calls outside the load, retries included, by purpose (`probe`, `clean-up`) and operation. With the
    /// calls, the interrupted calls, the rejections of a rate limit, those of the warm-up and those sent again they are
    /// all requests that the service received.
    pub other_calls: BTreeMap<String, BTreeMap<String, u64>>,
    /// The results of the service that this one was compared with, under the same load at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Box<Self>>,
}

/// The part of a run that one worker executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The contract of the service that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ContractInfo {
    /// Its name.
    pub name: String,
    /// The names of its operations, in the order of reports.
    pub operations: Vec<String>,
    /// True for the sessions service, whose sessions are counted and cleaned up.
    pub has_sessions: bool,
}

/// The service that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// The other versions that it reported to further workers, as during a deployment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_versions: Vec<String>,
}

/// The calls of one operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OperationMetrics {
    /// The HTTP method of its route, which is part of its name in goose's tables and in thresholds.
    pub method: String,
    /// The number of calls, including failed ones.
    pub calls: u64,
    /// The number of failed calls, including violations.
    pub failures: u64,
    /// The number of further calls that were given up at the end of the run, without a response. They are
    /// neither calls nor failures above.
    pub interrupted: u64,
    /// The number of responses by status; a call without a response has none.
    pub statuses: BTreeMap<u16, u64>,
    /// The number of successful calls by a status that is not one of a success, because the scenario expected it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected: BTreeMap<u16, u64>,
    /// The time from sending the request to the last byte of the response, of successful calls.
    pub service_time: Histogram,
    /// In the open model, the time from the moment when the call was due to the last byte of the response, of
    /// successful calls.
    pub response_time: Option<Histogram>,
    /// The latency of failed calls. They may fail much faster or more slowly than a success takes, so that no
    /// threshold judges them.
    pub failure_time: Histogram,
    /// [`latency`](Self::latency) in blocks of time.
    pub blocks: Blocks,
}

impl OperationMetrics {
    /// The latency of successful calls, for thresholds and reports: the response time in the open model, so
    /// that a slow service cannot hide its queue, and the service time in the closed model.
    #[must_use]
    pub fn latency(&self) -> &Histogram {
        self.response_time.as_ref().unwrap_or(&self.service_time)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.method.clone_from(&other.method);
        add(&mut self.calls, other.calls);
        add(&mut self.failures, other.failures);
        add(&mut self.interrupted, other.interrupted);
        for (status, count) in &other.statuses {
            add(self.statuses.entry(*status).or_default(), *count);
        }
        for (status, count) in &other.expected {
            add(self.expected.entry(*status).or_default(), *count);
        }
        self.service_time.merge(&other.service_time);
        if let Some(response_time) = &other.response_time {
            self.response_time.get_or_insert_default().merge(response_time);
        }
        self.failure_time.merge(&other.failure_time);
        self.blocks.merge(&other.blocks);
    }
}

/// Adds counts that may come from a file, without overflow.
pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// Returns the sum of counts that may come from a file, without overflow.
pub(crate) fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// The failed calls of one operation with the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailureSummary {
    /// The name of the route.
    pub operation: String,
    /// A short reason, such as `timeout`.
    pub reason: String,
    /// The number of calls.
    pub count: u64,
    /// The whole message of the first.
    pub example: Option<String>,
    /// The trace id of the first, if its request had one.
    pub trace_id: Option<String>,
    /// The end of the first and of the last of them.
    pub seen: [DateTime<Utc>; 2],
}

/// The violations of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ViolationExample {
    /// The id of the session.
    pub session_id: String,
    /// The name of the route.
    pub operation: String,
    /// The correlation id of the request.
    pub correlation_id: Option<String>,
    /// The trace id of the request, if it had one.
    pub trace_id: Option<String>,
    /// The number of the virtual user; `None` for the leftover check.
    pub virtual_user: Option<usize>,
    /// The end of the call.
    pub time: DateTime<Utc>,
    /// The expected value.
    pub expected: Option<String>,
    /// The observed value.
    pub observed: Option<String>,
}

/// The sessions of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionSummary {
    /// Sessions opened, as far as the service acknowledged it.
    pub opened: u64,
    /// Sessions closed by users.
    pub closed: u64,
    /// Sessions deleted by users.
    pub deleted: u64,
    /// Sessions deleted after the run, because no user had deleted them.
    pub cleaned_up: u64,
    /// Sessions that still existed after the clean-up.
    pub left_behind: SessionIds,
    /// Sessions of other users that were listed for a user of the run.
    pub foreign: SessionIds,
    /// The error that kept the leftover check from completing.
    pub check_error: Option<String>,
}

/// A number of sessions with the ids of the first ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LoadGenerator {
    /// The number of the worker.
    pub worker: u32,
    /// The start of its first call.
    pub started: DateTime<Utc>,
    /// The time from the start of its first call to the end of its last, in microseconds.
    pub duration_us: u64,
    /// The start of its executor; with a low rate its first call is much later.
    pub executor_started: Option<DateTime<Utc>>,
    /// The planned duration in microseconds; `None` if iterations end the run.
    pub planned_us: Option<u64>,
    /// The offset of its clock, measured for runs of several workers.
    pub clock_offset: Option<ClockOffset>,
    /// CPU time of the process from the start of the executor, including a warm-up and an embedded service, in
    /// microseconds.
    pub cpu_us: u64,
    /// The time in which it used that CPU time, in microseconds.
    pub elapsed_us: u64,
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
    /// A note on metrics that were not exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry_note: Option<String>,
}

impl LoadGenerator {
    /// The used part of the available cores, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share is shown in whole percent")]
    pub fn cpu_share(&self) -> Option<f64> {
        let available = self.elapsed_us.saturating_mul(self.cores.into());
        (available > 0).then(|| self.cpu_us as f64 / available as f64)
    }
}

/// The difference between the clock of a load generator and that of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClockOffset {
    /// The time by which the clock of the load generator is ahead, in microseconds.
    pub offset_us: i64,
    /// The highest error of the measurement, in microseconds.
    pub uncertainty_us: u64,
}

/// A worker that was killed, could not run, or could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LostWorker {
    /// The number of the worker.
    pub worker: u32,
    /// The reason, if it is known.
    pub reason: String,
}

/// The way in which a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PassCriteria {
    /// Thresholds, such as `p95<50ms` or `p95<50ms for open_session`. A breakpoint search applies
    /// them to each of its rates.
    pub thresholds: Vec<String>,
    /// The percentage of calls that may fail; in a breakpoint search, of the calls at one rate.
    pub max_error_rate: f64,
    /// The time in whole seconds in which calls may fail or wait while none succeeds.
    #[serde(default)]
    pub max_outage_s: u64,
    /// True if calls that fail while injected faults last count as well.
    #[serde(default)]
    pub counts_faults: bool,
    /// The minimum number of calls.
    pub min_requests: u64,
    /// The percentage by which a percentile may exceed its value in the baseline.
    pub max_regression: f64,
}

impl Default for PassCriteria {
    fn default() -> Self {
        Self {
            thresholds: Vec::new(),
            max_error_rate: 0.0,
            max_outage_s: 0,
            counts_faults: false,
            min_requests: 1,
            max_regression: 20.0,
        }
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
        sum(self.operations.values().map(|operation| operation.calls))
    }

    /// The number of failed calls.
    #[must_use]
    pub fn failed_calls(&self) -> u64 {
        sum(self.operations.values().map(|operation| operation.failures))
    }

    /// The failures of calls that the load generator could not send.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = &FailureSummary> {
        self.failures.iter().filter(|failure| failure.reason == LOCAL_LIMIT)
    }

    /// The number of calls that the load generator could not send, which are failed calls as well.
    #[must_use]
    pub fn unsent_calls(&self) -> u64 {
        sum(self.unsent().map(|failure| failure.count))
    }

    /// The number of calls whose idle connection was closed by the peer, which are failed calls as well.
    #[must_use]
    pub fn stale_connections(&self) -> u64 {
        let stale = self.failures.iter().filter(|failure| failure.reason == STALE_CONNECTION);
        sum(stale.map(|failure| failure.count))
    }

    /// The whole seconds since 1970 in which load was made.
    fn whole_seconds(&self) -> Range<u64> {
        let start = u64::try_from(self.started.timestamp_micros()).unwrap_or_default();
        let end = start.saturating_add(self.load_us);
        start.div_ceil(1_000_000)..end / 1_000_000
    }

    /// The whole seconds in which calls failed or waited, and none succeeded.
    #[must_use]
    pub fn outages(&self) -> SecondSet {
        self.availability.outages(&self.whole_seconds(), self.calls().saturating_sub(self.failed_calls()))
    }

    /// The whole seconds in which calls failed.
    #[must_use]
    pub fn seconds_with_failures(&self) -> SecondSet {
        self.availability.failed.within(&self.whole_seconds())
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
        sum(self.violations.iter().map(|violation| violation.count))
    }

    /// The number of completed iterations.
    #[must_use]
    pub fn completed_iterations(&self) -> u64 {
        sum(self.scenarios.iter().map(|scenario| scenario.completed))
    }

    /// The number of workers with complete results, and of all workers.
    #[must_use]
    pub fn workers(&self) -> [usize; 2] {
        let is_lost =
            |generator: &&LoadGenerator| self.lost_workers.iter().any(|lost| lost.worker == generator.worker);
        let complete = self.load_generators.iter().filter(|generator| !is_lost(generator)).count();
        [complete, complete + self.lost_workers.len()]
    }

    /// The number of calls that were given up at the end of the run.
    #[must_use]
    pub fn interrupted_calls(&self) -> u64 {
        sum(self.operations.values().map(|operation| operation.interrupted))
    }

    /// The number of iterations that the end of the run interrupted.
    #[must_use]
    pub fn interrupted_iterations(&self) -> u64 {
        sum(self.scenarios.iter().map(|scenario| scenario.interrupted))
    }

    /// The time in which load was made.
    #[must_use]
    pub fn load_duration(&self) -> Duration {
        Duration::from_micros(self.load_us)
    }

    /// The time from the start of the first call to the end of the last.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.duration_us)
    }

    /// The latency of the successful calls of all operations.
    #[must_use]
    pub fn latency(&self) -> Histogram {
        let mut all = Histogram::default();
        self.operations.values().for_each(|operation| all.merge(operation.latency()));
        all
    }
}
