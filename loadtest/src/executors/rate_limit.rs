//! Calls that the service rejects with status 429, because it limits their rate.

use super::user_calls::UserCalls;
use clap::ValueEnum;
use std::time::{Duration, Instant};

/// The handling of responses with status 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum On429 {
    /// A failed call
    #[default]
    Count,
    /// A call that is sent again after the requested delay
    Wait,
}

/// The status of a response to a request that the service has not processed, because there were too many.
const TOO_MANY_REQUESTS: u16 = 429;

/// The minimum requested delay: `Retry-After: 0` must not lead to a loop without a pause.
const MIN_DELAY: Duration = Duration::from_millis(10);

/// The highest delay after the first rejection without `Retry-After`, and after all that follow it.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The steps after which the delay has its maximum.
const BACKOFF_STEPS: u32 = 5;

/// The delays of one call.
pub(crate) struct Delays<'c> {
    calls: &'c UserCalls,
    rejections: u32,
}

/// The continuation of a call after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The call is sent again.
    SendAgain,
    /// The run ended before the call could be sent again.
    RunEnded,
}

impl<'c> Delays<'c> {
    pub(crate) fn new(calls: &'c UserCalls) -> Self {
        Self { calls, rejections: 0 }
    }

    /// Returns whether a call with this status is sent again.
    pub(crate) fn applies_to(&self, status: Option<u16>) -> bool {
        status == Some(TOO_MANY_REQUESTS) && self.calls.shared.config.on_429 == On429::Wait
    }

    /// Waits for the requested delay, or without one for a time that grows with the number of rejections, and then
    /// until a call may start. The end of the run cuts both short.
    pub(crate) async fn wait(&mut self, requested: Option<Duration>) -> Next {
        self.rejections += 1;
        let calls = self.calls;
        let delay = delay(requested, self.rejections, fastrand::f64());
        let start = Instant::now();
        tokio::select! {
            () = tokio::time::sleep(delay) => (),
            () = calls.shared.stop.ended(), if calls.is_measured => (),
        }
        let next = calls.start_call().await.map_or(Next::RunEnded, |_| Next::SendAgain);
        calls.rate_limited(start, self.rejections == 1);
        next
    }
}

/// The delay after a rejection, of which there were `rejections` so far. `random` is from 0 to 1.
fn delay(requested: Option<Duration>, rejections: u32, random: f64) -> Duration {
    if let Some(requested) = requested {
        return requested.max(MIN_DELAY);
    }
    let steps = rejections.saturating_sub(1).min(BACKOFF_STEPS);
    let longest = FIRST_BACKOFF.saturating_mul(1 << steps).min(MAX_BACKOFF);
    longest.mul_f64(f64::midpoint(1.0, random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requested_delay_is_honoured() {
        for requested in [Duration::from_millis(10), Duration::from_secs(7), Duration::MAX] {
            assert_eq!(delay(Some(requested), 3, 0.5), requested);
        }
        assert_eq!(delay(Some(Duration::ZERO), 1, 0.5), MIN_DELAY);
    }

    #[test]
    fn without_a_requested_delay_the_backoff_grows_up_to_a_limit() {
        let delays = |random| [1, 2, 3, 6, 7, u32::MAX].map(|count| delay(None, count, random).as_millis());
        assert_eq!(delays(1.0), [200, 400, 800, 5_000, 5_000, 5_000]);
        assert_eq!(delays(0.0), [100, 200, 400, 2_500, 2_500, 2_500]);
    }
}
