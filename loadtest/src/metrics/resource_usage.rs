//! CPU time and memory of the load generator: without CPU to spare it measures itself.

use std::time::{Duration, Instant};

/// CPU time and memory of this process up to some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceUsage {
    pub(crate) time: Instant,
    pub(crate) cpu: Duration,
    pub(crate) peak_memory_bytes: u64,
}

#[cfg(unix)]
impl ResourceUsage {
    pub(crate) fn now() -> Self {
        use nix::sys::resource::{UsageWho, getrusage};
        use nix::sys::time::{TimeVal, TimeValLike};
        let duration =
            |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or_default());
        let time = Instant::now();
        // It fails only for invalid arguments.
        getrusage(UsageWho::RUSAGE_SELF).map_or(
            Self { time, cpu: Duration::ZERO, peak_memory_bytes: 0 },
            |usage| Self {
                time,
                cpu: duration(usage.user_time()) + duration(usage.system_time()),
                peak_memory_bytes: u64::try_from(usage.max_rss()).unwrap_or_default()
                    * if cfg!(target_os = "macos") { 1 } else { 1_024 },
            },
        )
    }
}

#[cfg(not(unix))]
impl ResourceUsage {
    pub(crate) fn now() -> Self {
        Self { time: Instant::now(), cpu: Duration::ZERO, peak_memory_bytes: 0 }
    }
}
