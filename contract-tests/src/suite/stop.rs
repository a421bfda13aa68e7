//! Stops a run early.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A handle that stops a run from outside and knows which entities may exist. Clones belong to the same run.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    requested: Arc<AtomicBool>,
    waiting: Arc<Notify>,
    existing: Arc<Mutex<Existing>>,
}

/// The entities that a run may have created, until they are deleted.
#[derive(Debug, Default)]
struct Existing {
    users: BTreeSet<String>,
    unowned: BTreeSet<String>,
}

impl StopSignal {
    /// Requests a stop: from then on, the run only deletes the entities of its running cases.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }

    /// Waits until a stop is requested.
    pub async fn requested(&self) {
        // Registered before the check, so that a request between both is not missed.
        let waiting = self.waiting.notified();
        if !self.is_requested() {
            waiting.await;
        }
    }

    /// Returns whether a stop was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Returns the users whose entities may exist now, in alphabetical order. A user is added before the first
    /// request that creates one is sent, and removed when the entities are deleted.
    #[must_use]
    pub fn users(&self) -> Vec<String> {
        self.lock().users.iter().cloned().collect()
    }

    /// Returns the ids of entities without an owner that may exist now, which are not among those of
    /// [`users`](Self::users).
    #[must_use]
    pub fn unowned(&self) -> Vec<String> {
        self.lock().unowned.iter().cloned().collect()
    }

    pub(super) fn add_user(&self, user: &str) {
        self.lock().users.insert(user.to_owned());
    }

    pub(super) fn remove_user(&self, user: &str) {
        self.lock().users.remove(user);
    }

    pub(super) fn add_unowned(&self, id: String) {
        self.lock().unowned.insert(id);
    }

    pub(super) fn remove_unowned(&self, ids: &[String]) {
        self.lock().unowned.retain(|id| !ids.contains(id));
    }

    fn lock(&self) -> MutexGuard<'_, Existing> {
        self.existing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
