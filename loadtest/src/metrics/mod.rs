//! Measurements of a run: latency histograms, calls over time, and the results that reports and verdicts are
//! made of.

mod availability;
mod blocks;
pub(crate) mod call_groups;
pub(crate) mod counts;
mod faults;
mod histogram;
mod load_model;
pub(crate) mod other_calls;
mod parts;
mod phases;
mod rate_limit;
pub(crate) mod rate_metrics;
pub(crate) mod recorder;
pub(crate) mod resource_usage;
mod results;
mod results_file;
#[cfg(test)]
pub(crate) mod sample;
mod shard;
mod timeline;

pub use availability::{Availability, SecondSet};
pub use blocks::Blocks;
pub use faults::{ExpectedFailures, FaultWindow};
pub use histogram::Histogram;
pub use load_model::{BreakpointStep, LoadModel, RateStep, ScenarioMetrics};
pub(crate) use parts::MAX_DROPPED_PERCENT;
pub use parts::{CallMetrics, StepMetrics, WarmUp};
pub use phases::PhaseMetrics;
pub use rate_limit::RateLimitDelays;
pub use results::{
    ClockOffset, ContractInfo, EXAMPLES, Ending, ExecutionSegment, FORMAT, FailureSummary, LoadGenerator,
    LostWorker, OperationMetrics, PassCriteria, Results, ServiceInfo, SessionIds, SessionSummary,
    ViolationExample, ViolationSummary,
};
pub(crate) use results::{LOCAL_LIMIT, STALE_CONNECTION, add, sum};
pub use timeline::Timeline;
