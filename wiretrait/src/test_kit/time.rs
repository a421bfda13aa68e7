//! A virtual clock.
//!
//! A sleep that advanced the clock on its first poll would let a latency of an hour pass within a limit of a
//! second, depending on which of the two is polled first. So:
//!
//! 1. The first poll of a sleep registers it and schedules a second poll.
//! 2. A later poll completes it if no registered sleep ends sooner, and advances the clock to its end.

use super::lock;
use crate::policy::Time;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

/// A virtual clock. It advances only when all tasks are sleeping, to the end of the shortest sleep. Clones
/// share the clock.
///
/// It does not need a runtime. It does not detect tasks that wait for anything else, such as a socket, so a
/// sleep may end before that. In tests with sockets, use [`TokioTime`](crate::policy::TokioTime) with
/// `tokio::time::pause` instead.
///
/// ```
/// use std::time::Duration;
/// use wiretrait::policy::Time;
/// use wiretrait::test_kit::VirtualTime;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let time = VirtualTime::new();
/// time.sleep_until(time.now() + Duration::from_secs(3600)).await;
/// assert_eq!(time.passed(), Duration::from_secs(3600));
/// # }
/// ```
#[derive(Clone)]
pub struct VirtualTime {
    start: Instant,
    wall_start: SystemTime,
    state: Arc<Mutex<State>>,
}

/// The maximum of the clock: a century, because the range of [`Instant`] is unspecified.
const END: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The order of sleeps: by their end. Of sleeps with the same end, the newest is first, because it is likely
/// to be inside of a time limit.
type Order = (Duration, Reverse<u64>);

#[derive(Default)]
struct State {
    passed: Duration,
    sleepers: BTreeMap<Order, Waker>,
    /// The number of sleeps so far.
    count: u64,
    slept: Vec<Duration>,
}

impl VirtualTime {
    /// Creates a clock that starts on 1 January 2025, 00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600))
    }

    /// Creates a clock that starts at the date and time `wall_clock`.
    #[must_use]
    pub fn starting_at(wall_clock: SystemTime) -> Self {
        Self { start: Instant::now(), wall_start: wall_clock, state: Arc::default() }
    }

    /// Returns the time since the start of the clock.
    #[must_use]
    pub fn passed(&self) -> Duration {
        lock(&self.state).passed
    }

    /// Advances the clock by `time`; to a century after its start at most.
    pub fn advance(&self, time: Duration) {
        let mut state = lock(&self.state);
        state.passed = state.passed.saturating_add(time).min(END);
        wake(state);
    }

    /// Returns the durations of all completed sleeps in the order of their completion, without cancelled
    /// ones.
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        lock(&self.state).slept.clone()
    }
}

/// Wakes all sleeping tasks.
fn wake(state: MutexGuard<'_, State>) {
    let wakers: Vec<Waker> = state.sleepers.values().cloned().collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

impl Default for VirtualTime {
    fn default() -> Self {
        Self::new()
    }
}

impl Time for VirtualTime {
    fn now(&self) -> Instant {
        self.start + self.passed()
    }

    fn wall_clock(&self) -> SystemTime {
        self.wall_start + self.passed()
    }

    fn sleep_until(&self, moment: Instant) -> impl Future<Output = ()> + Send {
        let mut state = lock(&self.state);
        state.count += 1;
        let order = (moment.saturating_duration_since(self.start), Reverse(state.count));
        Sleep { state: Arc::clone(&self.state), order, begin: state.passed }
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    order: Order,
    begin: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        let (end, _) = self.order;
        let is_next = state.sleepers.first_key_value().is_some_and(|(first, _)| *first == self.order);
        if end <= state.passed || is_next {
            state.passed = state.passed.max(end);
            state.slept.push(end.saturating_sub(self.begin));
            state.sleepers.remove(&self.order);
            wake(state);
            return Poll::Ready(());
        }
        let was_registered = state.sleepers.insert(self.order, context.waker().clone()).is_some();
        drop(state);
        if !was_registered {
            // Shorter sleeps may be registered before the second poll.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.sleepers.remove(&self.order).is_some() {
            wake(state);
        }
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("VirtualTime")
            .field("passed", &state.passed)
            .field("sleepers", &state.sleepers.len())
            .finish_non_exhaustive()
    }
}
