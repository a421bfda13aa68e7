//! Locks that separate the write-backs of one session.

use crate::open::lock;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

/// The number of sessions with a lock. The least recently written one is dropped.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// A lock for each session that was written recently. A write-back reads the session, merges the changes and stores the
/// result, so of two at the same time one would lose its changes.
///
/// Rejected alternative: a fixed number of locks, chosen by a hash of the id, because a slow write of one session would
/// delay those of others.
pub(crate) struct WriteLocks(Mutex<LruCache<String, Arc<tokio::sync::Mutex<()>>>>);

impl WriteLocks {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }

    /// Returns the lock of a session.
    pub(crate) fn of(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.0).get_or_insert_ref(id, Arc::default))
    }
}
