//! Measurements of a run: latency histograms, calls over time, and the results that reports and verdicts are
//! made of.

mod histogram;
mod load_model;
pub(crate) mod recorder;
pub(crate) mod resource_usage;
mod results;
mod results_file;
#[cfg(test)]
pub(crate) mod sample;
mod timeline;

pub use histogram::Histogram;
pub use load_model::{BreakpointStep, LoadModel, RateStep, ScenarioCounts};
pub(crate) use results::LOCAL_LIMIT;
pub(crate) use results::add;
pub use results::{
    EXAMPLES, Ending, ExecutionSegment, FORMAT, FailureSummary, LoadGenerator, OperationMetrics,
    PassCriteria, Results, ServiceInfo, SessionIds, SessionSummary, ViolationExample, ViolationSummary,
};
pub use timeline::{Timeline, TimelineInterval};
