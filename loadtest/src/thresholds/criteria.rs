//! The criteria of a verdict, with what was observed.

use super::baseline::PercentileChange;
use super::rule::Observation;
use crate::metrics::Ending;
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
    /// The error rate is within its limit.
    ErrorRate {
        /// Failed calls.
        failed: u64,
        /// All calls.
        calls: u64,
        /// The highest error rate in percent.
        max_percent: f64,
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
    },
    /// A threshold of the user.
    Threshold {
        /// The threshold.
        rule: String,
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
        /// The file of the baseline.
        file: String,
        /// The message about the difference, if there is one.
        difference: Option<String>,
    },
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
}

impl Criterion {
    /// The kind of the criterion.
    #[must_use]
    pub fn kind(&self) -> CriterionKind {
        match self {
            Self::NoForeignSessions { .. } | Self::NoViolation { .. } | Self::ChecksEnabled => {
                CriterionKind::Consistency
            }
            Self::ErrorRate { .. }
            | Self::MinCalls { .. }
            | Self::CompletedIteration { .. }
            | Self::DroppedIterations { .. }
            | Self::LoadGeneratorLimits { .. }
            | Self::PlannedEnding { .. }
            | Self::NothingLeftBehind { .. } => CriterionKind::RunHealth,
            Self::Threshold { .. } | Self::SustainedRate { .. } => CriterionKind::Threshold,
            Self::ComparableBaseline { .. }
            | Self::PercentileRegression { .. }
            | Self::RateRegression { .. } => CriterionKind::Regression,
        }
    }

    pub(super) fn passes_if(self, passes: bool) -> CriterionResult {
        CriterionResult { criterion: self, status: if passes { Status::Passed } else { Status::Failed } }
    }

    pub(super) fn skipped(self, reason: SkipReason) -> CriterionResult {
        CriterionResult { criterion: self, status: Status::Skipped(reason) }
    }
}
