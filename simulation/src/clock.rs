//! The clock of the simulated client.

use crate::faults::Schedule;
use sessions_client::policy::{Time, TokioTime};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall clock of the service at the start of a run, in seconds since 1970.
const EPOCH: u64 = 1_900_000_000;

/// Tokio's paused time, and a wall clock that jumps when the schedule says so.
#[derive(Clone)]
pub(crate) struct SimulatedTime(pub(crate) Schedule);

impl Time for SimulatedTime {
    fn now(&self) -> Instant {
        TokioTime.now()
    }

    fn wall_clock(&self) -> SystemTime {
        let now = self.0.now();
        let jumped = self.0.clock_offset(now);
        let length = Duration::from_secs(jumped.unsigned_abs());
        let date = date_at(now);
        if jumped < 0 { date - length } else { date + length }
    }

    fn sleep_until(&self, moment: Instant) -> impl Future<Output = ()> + Send {
        TokioTime.sleep_until(moment)
    }
}

/// Returns the right date at `time` after the start of the run, which is that of the service.
pub(crate) fn date_at(time: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(EPOCH) + time
}
