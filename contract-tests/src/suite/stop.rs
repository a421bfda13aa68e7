//! Stops a run early.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A handle that stops a run from outside and knows the users that may have entities. Clones belong to the same
/// run.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    requested: Arc<AtomicBool>,
    waiting: Arc<Notify>,
    users: Arc<Mutex<BTreeSet<String>>>,
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
        self.lock().iter().cloned().collect()
    }

    pub(super) fn add_user(&self, user: &str) {
        self.lock().insert(user.to_owned());
    }

    pub(super) fn remove_user(&self, user: &str) {
        self.lock().remove(user);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
