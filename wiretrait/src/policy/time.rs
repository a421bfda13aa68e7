//! The clock of the policies.
//!
//! Sleeps take instants rather than durations, so that two policies that wait for the same deadline wake at
//! the same time.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// A clock with timers.
///
/// [`TokioTime`] is the clock of programs. Tests can use a virtual clock.
pub trait Time: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> Instant;

    /// Returns the current date and time, for a `Retry-After` that is a date.
    fn wall_clock(&self) -> SystemTime;

    /// Waits until `moment`, or returns immediately if it has passed.
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

/// The clock of a tokio runtime, whose time driver must be enabled. It supports `tokio::time::pause`.
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

    /// The timer is created on the first poll, so that the future can be created outside of the runtime.
    async fn sleep_until(&self, moment: Instant) {
        tokio::time::sleep_until(moment.into()).await;
    }
}
