//! Which sessions the users of a run have opened and not yet deleted.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The sessions that are known to be there.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashSet<String>>);

impl Ledger {
    /// Whether no session that is there has this id.
    pub(crate) fn opened(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    /// Forgets a session that is gone.
    pub(crate) fn deleted(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The ids of all that are left, which the ledger then forgets.
    pub(crate) fn drain(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}
