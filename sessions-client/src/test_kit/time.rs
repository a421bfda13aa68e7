//! A time in which nobody waits.
//!
//! A clock that jumps as soon as somebody sleeps would let a latency of an hour pass within a limit of a second:
//! whoever is asked first would have its way. So a sleep is noted first, and ends when it was polled again and
//! none that was noted ends sooner.

use super::lock;
use crate::policy::Time;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

/// A clock that stands still while there is something to do, and jumps to the end of the shortest sleep when all
/// that is left is to sleep. Clones are the same clock.
///
/// It needs no runtime. What else the program waits for, a socket say, it does not know: its sleeps may end
/// before that. With tokio's paused clock (`tokio::time::pause`) [`TokioTime`](crate::policy::TokioTime) does the
/// same for all that tokio knows of.
///
/// ```
/// use sessions_client::policy::Time;
/// use sessions_client::test_kit::VirtualTime;
/// use std::time::Duration;
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

/// A century: the clock goes no further, since nobody knows how far an [`Instant`] reaches.
const END: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Whose sleep ends when. Of those that end together the one that began last is first: it is likely to be inside
/// of a limit, and in time.
type Turn = (Duration, Reverse<u64>);

#[derive(Default)]
struct State {
    passed: Duration,
    sleepers: BTreeMap<Turn, Waker>,
    /// How many there were.
    count: u64,
    slept: Vec<Duration>,
}

impl VirtualTime {
    /// A clock that begins on 1 January 2025 by the calendar, at 00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600))
    }

    /// A clock that begins at `wall_clock` by the calendar.
    #[must_use]
    pub fn starting_at(wall_clock: SystemTime) -> Self {
        Self { start: Instant::now(), wall_start: wall_clock, state: Arc::default() }
    }

    /// How far the clock has moved.
    #[must_use]
    pub fn passed(&self) -> Duration {
        lock(&self.state).passed
    }

    /// Moves the clock on, as work that takes `time` would; by a century at most.
    pub fn advance(&self, time: Duration) {
        let mut state = lock(&self.state);
        state.passed = state.passed.saturating_add(time).min(END);
        wake(state);
    }

    /// How long each sleep took that came to its end, in that order. One that was given up is not among them.
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        lock(&self.state).slept.clone()
    }
}

/// Has every sleeper look at the clock.
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
        let turn = (moment.saturating_duration_since(self.start), Reverse(state.count));
        Sleep { state: Arc::clone(&self.state), turn, begin: state.passed }
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    turn: Turn,
    begin: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        let (end, _) = self.turn;
        let is_next = state.sleepers.first_key_value().is_some_and(|(first, _)| *first == self.turn);
        if end <= state.passed || is_next {
            state.passed = state.passed.max(end);
            state.slept.push(end.saturating_sub(self.begin));
            state.sleepers.remove(&self.turn);
            wake(state);
            return Poll::Ready(());
        }
        let noted = state.sleepers.insert(self.turn, context.waker().clone()).is_some();
        drop(state);
        if !noted {
            // Others come before the second poll, and may have less to wait for.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.sleepers.remove(&self.turn).is_some() {
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
