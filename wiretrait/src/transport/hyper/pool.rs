//! The pool of idle connections.
//!
//! The last used connection is taken first, so that the additional connections of a burst expire.

#[cfg(all(test, shuttle))]
mod interleavings;

use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::transport::{age, runtime_id};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// The idle connections of the type `C` to one address.
pub(super) struct Pool<C> {
    idle_timeout: Duration,
    max_age: Duration,
    max_idle: usize,
    idle: Mutex<Idle<C>>,
}

struct Idle<C> {
    /// Idle connections, the last used one at the end, each with its expiry; `None` if it does not expire.
    connections: Vec<(Pooled<C>, Option<Instant>)>,
    cleanup: Option<Cleanup>,
}

/// The task that closes expired connections. It may have ended together with its runtime, and it does not run
/// if its runtime does not.
struct Cleanup {
    task: JoinHandle<()>,
    next: Instant,
}

/// A connection that can be pooled.
pub(super) struct Pooled<C> {
    pub(super) connection: C,
    /// The end of its greatest age; `None` if it has none.
    retires_at: Option<Instant>,
    /// The runtime that it was opened in.
    runtime: Option<Id>,
}

/// The shortest time between two runs of the clean-up, each of which looks at all connections.
const CLEANUP_INTERVAL: Duration = Duration::from_millis(10);

/// The delay after which the clean-up counts as stopped.
const CLEANUP_DELAY: Duration = Duration::from_secs(1);

impl<C: Send + 'static> Pool<C> {
    /// Creates an empty pool of at most `max_idle` connections, which expire when they have been idle for
    /// `idle_timeout`, and are not used for longer than `max_age` minus up to a fifth.
    pub(super) fn new(idle_timeout: Duration, max_age: Duration, max_idle: usize) -> Self {
        let idle = Idle { connections: Vec::new(), cleanup: None };
        Self { idle_timeout, max_age, max_idle, idle: Mutex::new(idle) }
    }

    /// Returns the idle time and the greatest age of connections.
    #[cfg(feature = "http2")]
    pub(super) fn limits(&self) -> (Duration, Duration) {
        (self.idle_timeout, self.max_age)
    }

    /// Returns an empty pool of at most `max_idle` connections.
    pub(super) fn with_max_idle(&self, max_idle: usize) -> Self {
        Self::new(self.idle_timeout, self.max_age, max_idle)
    }

    /// Starts the age of a connection that was opened in the current runtime.
    pub(super) fn adopt(&self, connection: C) -> Pooled<C> {
        let retires_at = age::retirement(Instant::now().into_std(), self.max_age, fastrand::f64());
        Pooled { connection, retires_at: retires_at.map(Instant::from_std), runtime: runtime_id::current() }
    }

    /// Takes an idle connection of the current runtime, which may have been closed in the meantime.
    pub(super) fn take(&self) -> Option<Pooled<C>> {
        let (runtime, now) = (runtime_id::current(), Instant::now());
        loop {
            let (pooled, end) = {
                let connections = &mut self.lock().connections;
                // Most clients have only one runtime, so this is the last one.
                let index = connections.iter().rposition(|(pooled, _)| pooled.runtime == runtime)?;
                connections.remove(index)
            };
            if end.is_none_or(|end| now < end) {
                return Some(pooled);
            }
        }
    }

    /// Adds a connection to the pool, for at most `idle_limit` if there is one.
    pub(super) fn put(self: &Arc<Self>, pooled: Pooled<C>, idle_limit: Option<Duration>) {
        let now = Instant::now();
        let idle = idle_limit.map_or(self.idle_timeout, |limit| limit.min(self.idle_timeout));
        let end = sooner(now.checked_add(idle), pooled.retires_at);
        if end.is_some_and(|end| end <= now) {
            return;
        }
        // Closed after the lock is released.
        let mut _replaced = None;
        let mut idle = self.lock();
        if idle.connections.len() >= self.max_idle {
            // Nothing takes the connections of a runtime that has ended, and its clean-up has ended with it.
            let is_expired = |(_, end): &(_, Option<Instant>)| end.is_some_and(|end| end <= now);
            let Some(index) = idle.connections.iter().position(is_expired) else { return };
            _replaced = Some(idle.connections.remove(index));
        }
        idle.connections.push((pooled, end));
        if let Some(end) = end
            && idle.cleanup.as_ref().is_none_or(|cleanup| !cleanup.is_in_time(now, end))
            && let Ok(runtime) = Handle::try_current()
        {
            let task = runtime.spawn(clean_up(Arc::downgrade(self), end));
            if let Some(former) = idle.cleanup.replace(Cleanup { task, next: end }) {
                former.task.abort();
            }
        }
    }

    /// Closes expired connections, and returns when the next one expires.
    fn close_expired(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut idle = self.lock();
        let closed: Vec<_> =
            idle.connections.extract_if(.., |(_, end)| end.is_some_and(|end| end <= now)).collect();
        let next = idle.connections.iter().filter_map(|(_, end)| *end).min();
        let next = next.map(|next| next.max(now + CLEANUP_INTERVAL));
        match (next, &mut idle.cleanup) {
            (Some(next), Some(cleanup)) => cleanup.next = next,
            _ => idle.cleanup = None,
        }
        drop(idle);
        drop(closed);
        next
    }

    /// Ignores poisoning, because the list of connections is valid after a panic too.
    fn lock(&self) -> MutexGuard<'_, Idle<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cleanup {
    /// Returns whether a connection that expires at `end` will be closed.
    fn is_in_time(&self, now: Instant, end: Instant) -> bool {
        self.next <= end + CLEANUP_INTERVAL && now < self.next + CLEANUP_DELAY && !self.task.is_finished()
    }
}

fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Closes connections when they expire, until the pool is empty or dropped.
async fn clean_up<C: Send + 'static>(pool: Weak<Pool<C>>, moment: Instant) {
    let mut next = Some(moment);
    while let Some(moment) = next {
        sleep_until(moment).await;
        next = pool.upgrade().and_then(|pool| pool.close_expired());
    }
}
