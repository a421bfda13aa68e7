//! Locks that separate the writes of one session, the order of all writes, and the ends of written sessions.

use crate::open::lock;
use crate::sync::Mutex;
use lru::LruCache;
use sessions_client::{Error, ErrorKind};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// The number of sessions that are remembered. The least recently written one is dropped.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// A lock for each session that was written recently. A write-back merges the changes of a request into the data that is
/// stored, so of two at the same time one would lose its changes.
///
/// Rejected alternative: a fixed number of locks, chosen by a hash of the id, because a slow write of one session would
/// delay those of others.
pub(crate) struct WriteLocks(Mutex<State>);

struct State {
    sessions: LruCache<String, Written>,
    /// The number of writes of data so far, of all sessions.
    count: u64,
    /// The highest `last` of the sessions that were dropped.
    last_dropped: u64,
}

struct Written {
    write_lock: Arc<tokio::sync::Mutex<()>>,
    /// The number of the last write of its data. A session that may have been dropped before has that of the last
    /// dropped one, which is not lower.
    last: u64,
    /// True if this process has closed or deleted the session.
    has_ended: bool,
}

impl WriteLocks {
    pub(crate) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: NonZeroUsize) -> Self {
        Self(Mutex::new(State { sessions: LruCache::new(capacity), count: 0, last_dropped: 0 }))
    }

    /// Waits for the lock of a session. The time limit keeps requests from waiting for each other while the service is
    /// slow: the time would add up.
    pub(crate) async fn acquire(&self, id: &str, limit: Duration) -> Result<OwnedMutexGuard<()>, Error> {
        let write_lock = Arc::clone(&lock(&self.0).written(id).write_lock);
        if let Ok(guard) = Arc::clone(&write_lock).try_lock_owned() {
            return Ok(guard);
        }
        tokio::time::timeout(limit, write_lock.lock_owned()).await.map_err(|_| {
            let why = format!("other requests have been writing to the session for {limit:?}");
            Error::new(ErrorKind::ConcurrencyLimit, why)
        })
    }

    /// Counts a write of the data of a session, before its lock is released.
    pub(crate) fn count_write(&self, id: &str) {
        let mut state = lock(&self.0);
        state.count += 1;
        let number = state.count;
        state.written(id).last = number;
    }

    /// Marks a session as closed or deleted if it was written: the cookie of another one is not renewed.
    pub(crate) fn mark_ended(&self, id: &str) {
        if let Some(written) = lock(&self.0).sessions.peek_mut(id) {
            written.has_ended = true;
        }
    }

    /// Returns whether a session was marked as closed or deleted, and was not dropped since.
    pub(crate) fn has_ended(&self, id: &str) -> bool {
        lock(&self.0).sessions.peek(id).is_some_and(|written| written.has_ended)
    }

    /// Returns the number of writes so far.
    pub(crate) fn count(&self) -> u64 {
        lock(&self.0).count
    }

    /// Returns whether the data of a session may have been written after the first `count` writes. If this is false
    /// under the lock, and `count` was taken before a read, then the result of the read is still the latest that this
    /// process knows.
    pub(crate) fn is_written_after(&self, id: &str, count: u64) -> bool {
        let state = lock(&self.0);
        state.sessions.peek(id).map_or(state.last_dropped, |written| written.last) > count
    }
}

impl State {
    fn written(&mut self, id: &str) -> &mut Written {
        if !self.sessions.contains(id)
            && self.sessions.len() == self.sessions.cap().get()
            && let Some((_, dropped)) = self.sessions.pop_lru()
        {
            self.last_dropped = self.last_dropped.max(dropped.last);
        }
        let last = self.last_dropped;
        let new = || Written { write_lock: Arc::default(), last, has_ended: false };
        self.sessions.get_or_insert_mut_ref(id, new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_later_than_the_count_before_it() {
        let locks = WriteLocks::new();
        let before = locks.count();
        locks.count_write("a");
        assert!(locks.is_written_after("a", before));
        assert!(!locks.is_written_after("a", locks.count()));
    }

    #[test]
    fn a_write_of_another_session_does_not_matter() {
        let locks = WriteLocks::new();
        let before = locks.count();
        locks.count_write("b");
        assert!(!locks.is_written_after("a", before));
    }

    #[test]
    fn a_write_of_a_session_that_was_dropped_is_remembered() {
        let locks = WriteLocks::with_capacity(NonZeroUsize::MIN);
        let before = locks.count();
        locks.count_write("a");
        let after = locks.count();
        locks.count_write("b");
        assert!(locks.is_written_after("a", before));
        assert!(!locks.is_written_after("a", after));
    }

    #[tokio::test]
    async fn a_session_that_returns_after_it_was_dropped_keeps_its_write() {
        let locks = WriteLocks::with_capacity(NonZeroUsize::MIN);
        let before = locks.count();
        locks.count_write("a");
        locks.count_write("b");
        let _lock = locks.acquire("a", Duration::ZERO).await.unwrap();
        assert!(locks.is_written_after("a", before));
    }
}
