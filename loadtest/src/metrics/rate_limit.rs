//! The calls that were sent again because the service limits their rate.

use super::{Results, add};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The calls that the service rejected with status 429 and that were sent again, with `--on-429 wait`.
///
/// The rejections are neither calls nor failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateLimitDelays {
    /// The number of calls that were rejected at least once.
    pub calls: u64,
    /// The number of responses with status 429 to these calls.
    pub rejections: u64,
    /// The sum of the delays between a rejection and the next request, in microseconds.
    pub waited_us: u64,
}

impl RateLimitDelays {
    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.calls, other.calls);
        add(&mut self.rejections, other.rejections);
        add(&mut self.waited_us, other.waited_us);
    }

    /// The sum of the delays.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_us)
    }
}

impl Results {
    /// The calls that a rate limit delayed, if there are any.
    #[must_use]
    pub fn delayed_calls(&self) -> Option<&RateLimitDelays> {
        self.rate_limit.as_ref().filter(|delays| delays.calls > 0)
    }
}
