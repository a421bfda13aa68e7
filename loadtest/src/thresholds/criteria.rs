//! The criteria of a verdict, with what was observed.

use super::comparison::PercentileChange;
use super::threshold::Observation;
use crate::metrics::{Ending, LostWorker, RateStep, StepMetrics};
use serde::Serialize;

/// A criterion with its status.
#[derive(Clone, Debug, PartialEq)]
pub struct CriterionResult {
    /// The criterion with its limit and the observed value.
    pub criterion: Criterion,
    /// The status of the criterion.
    pub status: Status,
}

/// One criterion of a verdict, with its limit and the observed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Criterion {
    /// No list of a user contains sessions of another user.
    NoForeignSessions {
        /// Sessions of other users that were listed.
        listed: u64,
    },
    /// No violation of this kind is found.
    NoViolation {
        /// The kind, in a sentence.
        kind: String,
        /// Violations found.
        count: u64,
    },
    /// Responses are checked.
    ChecksEnabled,
    /// No write is lost while faults are injected.
    ConsistentDuringFaults {
        /// Violations found in the whole run.
        violations: u64,
        /// The number of faults.
        faults: usize,
        /// The calls that failed while they lasted.
        failed: u64,
    },
    /// A fault that is injected affects a connection.
    FaultInEffect {
        /// The fault.
        fault: String,
        /// The connections that it affected.
        connections: u64,
    },
    /// All workers of the run have ended with results.
    AllWorkers {
        /// Those that have not.
        lost: Vec<LostWorker>,
        /// The number of workers with complete results, and of all workers.
        workers: [usize; 2],
    },
    /// The error rate is within its limit.
    ErrorRate {
        /// Failed calls.
        failed: u64,
        /// All calls.
        calls: u64,
        /// The highest error rate in percent.
        max_percent: f64,
    },
    /// Hardly any idle connection is closed by the peer while a call is sent over it. Such calls are in no error
    /// rate: a client that retries would not notice them.
    StaleConnections {
        /// Calls that failed so.
        closed: u64,
        /// All calls.
        calls: u64,
        /// The highest share in percent.
        max_percent: f64,
    },
    /// Calls succeed all the time.
    Outage {
        /// The whole seconds in which calls failed or waited, and none succeeded.
        seconds: u64,
        /// The duration of the load in seconds.
        run_s: u64,
        /// The first of them, since 1970.
        first: Option<u64>,
        /// The maximum.
        max_s: u64,
    },
    /// There are enough calls for a valid run.
    MinCalls {
        /// All calls.
        calls: u64,
        /// The minimum.
        min: u64,
    },
    /// At least one iteration completes.
    CompletedIteration {
        /// Completed iterations.
        completed: u64,
        /// Iterations that the end of the run interrupted.
        interrupted: u64,
    },
    /// The open model starts almost all iterations that are due: a dropped one is in no latency, and would
    /// have waited longest.
    DroppedIterations {
        /// Iterations that were due and never started.
        dropped: u64,
        /// Iterations that were due.
        due: u64,
        /// The highest share of dropped iterations in percent.
        max_percent: f64,
    },
    /// The service keeps up with a step of the rate.
    HeldRate {
        /// The number of the step, counted from 1.
        number: u64,
        /// The rate that was asked for.
        step: RateStep,
        /// The iterations of the step.
        metrics: StepMetrics,
    },
    /// The load generator has the ports, files and buffers that it needs. Without them it measures itself.
    LoadGeneratorLimits {
        /// Calls that the load generator could not send.
        failed: u64,
        /// The error of one of them.
        example: Option<String>,
    },
    /// The run ends as planned.
    PlannedEnding {
        /// The way in which it ended.
        ending: Ending,
    },
    /// The leftover check completes and finds no session.
    NothingLeftBehind {
        /// Sessions that still exist.
        left_behind: u64,
        /// The error of the leftover check.
        check_error: Option<String>,
        /// The command that deletes them.
        remedy: Option<String>,
    },
    /// The teardown of a load test of another contract succeeds.
    Teardown {
        /// Its error.
        error: String,
    },
    /// All report files are written.
    ReportsWritten {
        /// The errors of those that are not.
        errors: Vec<String>,
    },
    /// A threshold of the user.
    Threshold {
        /// The threshold.
        threshold: String,
        /// The observed value.
        observed: Observation,
    },
    /// A breakpoint search finds a rate that the service sustains.
    SustainedRate {
        /// The highest such rate, in iterations per second.
        rate: Option<f64>,
    },
    /// The baseline was recorded with the same load.
    ComparableBaseline {
        /// The files of the baseline.
        files: Vec<String>,
        /// The message about the difference, if there is one.
        difference: Option<String>,
    },
    /// The service that is compared with passes all other criteria.
    OtherService {
        /// Its address.
        address: String,
        /// Its calls.
        calls: u64,
        /// The criteria that it failed, or those that are inconclusive if it failed none.
        missed: Vec<Criterion>,
    },
    /// An operation of the baseline is called.
    OperationCalled {
        /// The name of the route.
        operation: String,
        /// False if only this run has it.
        in_baseline: bool,
    },
    /// This run and the baseline have enough calls to compare any percentile.
    EnoughCalls,
    /// A percentile is not much higher than in the baseline.
    PercentileRegression {
        /// Both values.
        change: PercentileChange,
        /// The highest increase in percent.
        max_percent: f64,
    },
    /// The sustained rate of a breakpoint search is not much lower than in the baseline.
    RateRegression {
        /// The rate of the baseline, in iterations per second.
        baseline: f64,
        /// The rate of this run; 0 if there is none.
        current: f64,
        /// The highest decrease in percent.
        max_percent: f64,
    },
}

/// The kinds of criteria, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CriterionKind {
    /// Responses agree with everything that was written.
    Consistency,
    /// The run is valid: it made its load, ended as planned and cleaned up.
    RunHealth,
    /// Thresholds of the user.
    Threshold,
    /// Comparisons with a baseline.
    Regression,
}

/// The status of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It passed.
    Passed,
    /// It failed, and so does the run.
    Failed,
    /// It is neither known to pass nor to fail.
    Inconclusive,
    /// It was not evaluated.
    Skipped(SkipReason),
}

/// The reason why a criterion was not evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Checks were disabled.
    ChecksDisabled,
    /// The run was stopped early.
    StoppedEarly,
    /// A breakpoint search raises the rate until criteria fail.
    BreakpointSearch,
    /// There are too few calls for a comparison.
    TooFewCalls,
    /// The baseline does not have the operation.
    NotInBaseline,
    /// Faults were injected, which slow the service down.
    Faults,
}

impl Criterion {
    /// The kind of the criterion.
    #[must_use]
    pub fn kind(&self) -> CriterionKind {
        match self {
            Self::NoForeignSessions { .. }
            | Self::NoViolation { .. }
            | Self::ChecksEnabled
            | Self::ConsistentDuringFaults { .. } => CriterionKind::Consistency,
            Self::AllWorkers { .. }
            | Self::FaultInEffect { .. }
            | Self::ErrorRate { .. }
            | Self::StaleConnections { .. }
            | Self::Outage { .. }
            | Self::MinCalls { .. }
            | Self::CompletedIteration { .. }
            | Self::DroppedIterations { .. }
            | Self::HeldRate { .. }
            | Self::LoadGeneratorLimits { .. }
            | Self::PlannedEnding { .. }
            | Self::OtherService { .. }
            | Self::ReportsWritten { .. }
            | Self::NothingLeftBehind { .. }
            | Self::Teardown { .. } => CriterionKind::RunHealth,
            Self::Threshold { .. } | Self::SustainedRate { .. } => CriterionKind::Threshold,
            Self::ComparableBaseline { .. }
            | Self::OperationCalled { .. }
            | Self::EnoughCalls
            | Self::PercentileRegression { .. }
            | Self::RateRegression { .. } => CriterionKind::Regression,
        }
    }

    pub(super) fn passes_if(self, passes: bool) -> CriterionResult {
        CriterionResult { criterion: self, status: if passes { Status::Passed } else { Status::Failed } }
    }

    pub(super) fn inconclusive(self) -> CriterionResult {
        CriterionResult { criterion: self, status: Status::Inconclusive }
    }

    pub(super) fn skipped(self, reason: SkipReason) -> CriterionResult {
        CriterionResult { criterion: self, status: Status::Skipped(reason) }
    }
}
