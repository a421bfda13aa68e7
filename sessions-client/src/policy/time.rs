//! Time as the policies see it: a parameter.
//!
//! Instants rather than durations are waited for, so that two policies that wait for the same deadline wait for
//! the same moment.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// A clock and its timers.
///
/// [`TokioTime`] is the one for programs; a test has one whose time it moves itself.
pub trait Time: Send + Sync {
    /// Now, for measuring.
    fn now(&self) -> Instant;

    /// Now, by the calendar, for a `Retry-After` that is a date.
    fn wall_clock(&self) -> SystemTime;

    /// Waits until `moment` at least; not at all if it has passed.
    fn sleep_until(&self, moment: Instant) -> impl Future<Output = ()> + Send;
}

impl<C: Time + ?Sized> Time for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn wall_clock(&self) -> SystemTime {
        (**self).wall_clock()
    }

    fn sleep_until(&self, moment: Instant) -> impl Future<Output = ()> + Send {
        (**self).sleep_until(moment)
    }
}

impl<C: Time + ?Sized> Time for Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn wall_clock(&self) -> SystemTime {
        (**self).wall_clock()
    }

    fn sleep_until(&self, moment: Instant) -> impl Future<Output = ()> + Send {
        (**self).sleep_until(moment)
    }
}

/// The time of a tokio runtime, whose time driver must be enabled. `tokio::time::pause` holds for it too.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTime;

#[cfg(feature = "tokio")]
impl Time for TokioTime {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The timer is made when it is first waited for, so that what waits for it can be made outside of the runtime.
    async fn sleep_until(&self, moment: Instant) {
        tokio::time::sleep_until(moment.into()).await;
    }
}
