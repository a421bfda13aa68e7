//! A clock that only the test advances, for tests that wait for files and sockets.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use wiretrait::policy::Time;

/// A clock that only the test advances. A sleep never ends.
#[derive(Clone)]
pub(crate) struct ManualTime {
    start: Instant,
    passed: Arc<Mutex<Duration>>,
}

impl ManualTime {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), passed: Arc::default() }
    }

    pub(crate) fn advance(&self, time: Duration) {
        *self.passed.lock().unwrap() += time;
    }
}

impl Time for ManualTime {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + *self.passed.lock().unwrap()
    }

    async fn sleep_until(&self, _: Instant) {
        pending::<()>().await;
    }
}
