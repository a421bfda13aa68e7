//! Locks that separate the writes of one session, and a count of all writes.

use crate::open::lock;
use lru::LruCache;
use sessions_client::{Error, ErrorKind};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// The number of sessions with a lock. The least recently written one is dropped.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// A lock for each session that was written recently. A write-back reads the session, merges the changes and stores the
/// result, so of two at the same time one would lose its changes.
///
/// Rejected alternative: a fixed number of locks, chosen by a hash of the id, because a slow write of one session would
/// delay those of others.
pub(crate) struct WriteLocks {
    locks: Mutex<LruCache<String, Arc<tokio::sync::Mutex<()>>>>,
    /// The number of writes of all sessions so far.
    count: AtomicU64,
}

impl WriteLocks {
    pub(crate) fn new() -> Self {
        Self { locks: Mutex::new(LruCache::new(CAPACITY)), count: AtomicU64::new(0) }
    }

    /// Waits for the lock of a session. The time limit keeps requests from waiting for each other while the service is
    /// slow: the time would add up.
    pub(crate) async fn acquire(&self, id: &str, limit: Duration) -> Result<OwnedMutexGuard<()>, Error> {
        let write_lock = Arc::clone(lock(&self.locks).get_or_insert_ref(id, Arc::default));
        if let Ok(guard) = Arc::clone(&write_lock).try_lock_owned() {
            return Ok(guard);
        }
        tokio::time::timeout(limit, write_lock.lock_owned()).await.map_err(|_| {
            let why = format!("other requests have been writing to the session for {limit:?}");
            Error::new(ErrorKind::ConcurrencyLimit, why)
        })
    }

    /// Counts a write, before its lock is released.
    pub(crate) fn count_write(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the number of writes so far. If it is the same before a read and under the lock, then the result of the
    /// read is still the latest that this process knows.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }
}
