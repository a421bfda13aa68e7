//! The connections that nobody uses at the moment.
//!
//! The one that was used last is taken first, so that those which a burst has left behind grow old and go.

use super::connection::Connection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

pub(super) struct Pool {
    keep: Duration,
    most: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The oldest one first, each with the moment at which it is too old; none is never.
    connections: Vec<(Connection, Option<Instant>)>,
    /// Closes those that are too old, if it is still running: its runtime may be gone.
    tender: Option<JoinHandle<()>>,
}

impl Pool {
    /// A pool of at most `most` connections, each for `keep` at most.
    pub(super) fn new(keep: Duration, most: usize) -> Self {
        Self { keep, most, idle: Mutex::default() }
    }

    /// An empty pool with room for `most` connections.
    pub(super) fn with_most(&self, most: usize) -> Self {
        Self::new(self.keep, most)
    }

    /// A connection that was open when it was looked at the last time.
    pub(super) fn take(&self) -> Option<Connection> {
        let (connection, end) = self.lock().connections.pop()?;
        // If the youngest one is too old, so are the others: they are closed soon.
        end.is_none_or(|end| Instant::now() < end).then_some(connection)
    }

    /// Keeps `connection` for another call.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let end = Instant::now().checked_add(self.keep);
        let mut idle = self.lock();
        if idle.connections.len() >= self.most {
            return;
        }
        idle.connections.push((connection, end));
        if end.is_some()
            && idle.tender.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            idle.tender = Some(runtime.spawn(tend(Arc::downgrade(self))));
        }
    }

    /// Closes the connections that are too old, and tells when the next one is.
    fn close_old(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut idle = self.lock();
        let old = idle.connections.partition_point(|(_, end)| end.is_some_and(|end| end <= now));
        let closed: Vec<_> = idle.connections.drain(..old).collect();
        let next = idle.connections.first().and_then(|(_, end)| *end);
        if next.is_none() {
            idle.tender = None;
        }
        drop(idle);
        drop(closed);
        next
    }

    /// Whoever panicked with the lock in hand left a list of connections.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is too old, as long as there are connections and somebody has the pool.
async fn tend(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.close_old()) {
        sleep_until(next).await;
    }
}
