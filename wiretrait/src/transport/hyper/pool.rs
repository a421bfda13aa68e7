//! The pool of idle connections.
//!
//! The last used connection is taken first, so that the additional connections of a burst expire.

use super::connection::Connection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

pub(super) struct Pool {
    idle_timeout: Duration,
    max_idle: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Idle connections, oldest first, each with its expiry; `None` if it does not expire.
    connections: Vec<(Connection, Option<Instant>)>,
    /// The task that closes expired connections. It may have ended together with its runtime.
    cleanup: Option<JoinHandle<()>>,
}

impl Pool {
    /// Creates an empty pool of at most `max_idle` connections, which expire after `idle_timeout`.
    pub(super) fn new(idle_timeout: Duration, max_idle: usize) -> Self {
        Self { idle_timeout, max_idle, idle: Mutex::default() }
    }

    /// Returns an empty pool of at most `max_idle` connections.
    pub(super) fn with_max_idle(&self, max_idle: usize) -> Self {
        Self::new(self.idle_timeout, max_idle)
    }

    /// Takes an idle connection, which may have been closed in the meantime.
    pub(super) fn take(&self) -> Option<Connection> {
        let (connection, end) = self.lock().connections.pop()?;
        // If the newest one has expired, so have the others. The cleanup task closes them.
        end.is_none_or(|end| Instant::now() < end).then_some(connection)
    }

    /// Adds a connection to the pool.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let end = Instant::now().checked_add(self.idle_timeout);
        let mut idle = self.lock();
        if idle.connections.len() >= self.max_idle {
            return;
        }
        idle.connections.push((connection, end));
        if let Some(end) = end
            && idle.cleanup.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            idle.cleanup = Some(runtime.spawn(clean_up(Arc::downgrade(self), end)));
        }
    }

    /// Closes expired connections, and returns when the next one expires.
    fn close_expired(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut idle = self.lock();
        let expired = idle.connections.partition_point(|(_, end)| end.is_some_and(|end| end <= now));
        let closed: Vec<_> = idle.connections.drain(..expired).collect();
        let next = idle.connections.first().and_then(|(_, end)| *end);
        if next.is_none() {
            idle.cleanup = None;
        }
        drop(idle);
        drop(closed);
        next
    }

    /// Ignores poisoning, because the list of connections is valid after a panic too.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections when they expire, until the pool is empty or dropped.
async fn clean_up(pool: Weak<Pool>, moment: Instant) {
    let mut next = Some(moment);
    while let Some(moment) = next {
        sleep_until(moment).await;
        next = pool.upgrade().and_then(|pool| pool.close_expired());
    }
}
