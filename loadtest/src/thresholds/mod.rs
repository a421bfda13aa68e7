//! The criteria by which a run passes or fails, and the verdict with its exit code.
//!
//! A verdict is computed from results only, so that it can be tested, and computed again for merged results.
//! It is data; `output` words it.
//!
//! Rejected alternative: goose's own exit code, because it is 0 when no service was reachable, its thresholds
//! know latencies and rates but no violations, and its baseline is shown but never fails a run.

mod baseline;
mod comparison;
mod criteria;
mod exit_code;
mod options;
mod quantile_test;
mod run_variation;
mod scope;
mod threshold;
mod verdict;

pub use baseline::{Baseline, BaselineRun, LoadDifference};
pub use comparison::{Assessment, Comparison, PercentileChange, UnmatchedOperation};
pub use criteria::{Criterion, CriterionKind, CriterionResult, SkipReason, Status};
pub use exit_code::ExitCode;
pub use options::PassCriteriaOptions;
pub(crate) use scope::ScopeNames;
pub use threshold::{Observation, Threshold};
pub use verdict::{EMBEDDED_THRESHOLDS, Verdict, evaluate};

#[cfg(test)]
mod error_rates;
#[cfg(test)]
mod tests;
