//! Locks that separate the writes of one session, and a count of all writes.

use crate::open::lock;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

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

    /// Returns the lock of a session.
    pub(crate) fn of(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.locks).get_or_insert_ref(id, Arc::default))
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
