//! Ending a run before its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A way to end a run from outside, and to learn what it has in hand meanwhile. Clones belong to the same run.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    user: Arc<Mutex<String>>,
}

impl Stop {
    /// Asks the run to end: it sends nothing more but what deletes the sessions of its case.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// The user whose sessions are there until the case has ended; empty before the first case.
    #[must_use]
    pub fn user_in_hand(&self) -> String {
        self.user.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the run is asked to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn takes_up(&self, user: &str) {
        user.clone_into(&mut self.user.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
