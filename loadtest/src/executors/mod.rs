//! Executors: they decide when virtual users start iterations.
//!
//! goose provides the virtual users. With constant users (closed model) each starts its next iteration when
//! the last one has ended. With an arrival rate (open model) users are pre-allocated, and each waits for the
//! next iteration that is due. A breakpoint search runs several arrival rates.

pub(crate) mod arrival_rate;
pub(crate) mod arrivals;
pub(crate) mod breakpoint;
pub(crate) mod call;
pub(crate) mod constant_users;
pub(crate) mod goose_attack;
pub(crate) mod rate_limit;
pub(crate) mod schedule;
pub(crate) mod shared;
pub(crate) mod stop;
pub(crate) mod transaction;
pub(crate) mod typed_client;
pub(crate) mod user;
pub(crate) mod user_calls;

use crate::metrics::RateStep;
use std::time::Duration;

/// The time between two checks of a condition that nothing signals, such as the end of a run.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The executor of a run.
#[derive(Clone, Debug)]
pub(crate) enum ExecutorConfig {
    /// Each user starts its next iteration when the last one has ended.
    ConstantUsers,
    /// Iterations start at these rates.
    ArrivalRate(Vec<RateStep>),
    /// The arrival rate is raised until a criterion fails.
    Breakpoint {
        /// The first rate, in iterations per second.
        from: f64,
        /// The duration of each rate.
        step: Duration,
    },
}

impl ExecutorConfig {
    /// Returns whether iterations start at a rate, whatever the service does.
    pub(crate) fn is_open_model(&self) -> bool {
        !matches!(self, Self::ConstantUsers)
    }
}
