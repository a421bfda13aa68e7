//! A clock for tests with real sockets, advanced by the test.
//!
//! A virtual clock that skips every wait does not work with real sockets: a timeout would pass before the
//! first byte could arrive. So one clock has two views. A pause between attempts passes at once; a limit
//! waits until the server announces that it will not respond.

use sessions_client::policy::Time;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

pub(crate) struct SocketTime {
    start: Instant,
    wall_start: SystemTime,
    passed: watch::Sender<Duration>,
    /// The ends of limits, each with the number of waiting tasks.
    limits: Mutex<BTreeMap<Instant, usize>>,
    on_pause: Mutex<Box<dyn FnMut() + Send>>,
}

impl SocketTime {
    pub(crate) fn new() -> Arc<Self> {
        let wall_start = httpdate::parse_http_date("Mon, 23 Nov 2026 08:00:00 GMT").unwrap();
        Arc::new(Self {
            start: Instant::now(),
            wall_start,
            passed: watch::Sender::default(),
            limits: Mutex::default(),
            on_pause: Mutex::new(Box::new(|| ())),
        })
    }

    /// Sets a function to call in each pause.
    pub(crate) fn on_pause(&self, action: impl FnMut() + Send + 'static) {
        *self.on_pause.lock().unwrap() = Box::new(action);
    }

    pub(crate) fn passed(&self) -> Duration {
        *self.passed.borrow()
    }

    /// Advances the clock to the earliest end of a limit.
    pub(crate) fn run_out(&self) {
        let first = *self.limits.lock().unwrap().keys().next().expect("a task waits for a limit");
        self.advance_to(first);
    }

    fn advance_to(&self, moment: Instant) {
        let passed = moment.saturating_duration_since(self.start);
        self.passed.send_modify(|now| *now = passed.max(*now));
    }
}

/// A registered wait for the end of a limit, removed on drop.
struct Waiting<'a>(&'a SocketTime, Instant);

impl<'a> Waiting<'a> {
    fn new(time: &'a SocketTime, moment: Instant) -> Self {
        *time.limits.lock().unwrap().entry(moment).or_default() += 1;
        Self(time, moment)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut limits = self.0.limits.lock().unwrap();
        let count = limits.get_mut(&self.1).unwrap();
        *count -= 1;
        if *count == 0 {
            limits.remove(&self.1);
        }
    }
}

/// The view for timeouts and deadlines.
pub(crate) struct Limits(pub(crate) Arc<SocketTime>);

impl Time for Limits {
    fn now(&self) -> Instant {
        self.0.start + self.0.passed()
    }

    fn wall_clock(&self) -> SystemTime {
        self.0.wall_start + self.0.passed()
    }

    async fn sleep_until(&self, moment: Instant) {
        let _waiting = Waiting::new(&self.0, moment);
        let mut passed = self.0.passed.subscribe();
        passed.wait_for(|passed| self.0.start + *passed >= moment).await.unwrap();
    }
}

/// The view for pauses.
pub(crate) struct Pauses(pub(crate) Arc<SocketTime>);

impl Time for Pauses {
    fn now(&self) -> Instant {
        self.0.start + self.0.passed()
    }

    fn wall_clock(&self) -> SystemTime {
        self.0.wall_start + self.0.passed()
    }

    async fn sleep_until(&self, moment: Instant) {
        (self.0.on_pause.lock().unwrap())();
        self.0.advance_to(moment);
    }
}
