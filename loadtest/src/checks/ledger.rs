//! All sessions that a run has opened and not yet deleted, by owner, and all ids that the service has
//! assigned.
//!
//! Ids are remembered after their sessions are deleted: a service that reuses an id confuses two sessions of
//! different times, which no other check would find. Of each id only a hash of 64 bits is kept, which takes 10
//! to 21 bytes in a table. The probability that any two of n ids have the same hash, which would be a false
//! alarm, is n² / 2⁶⁵: one in 37 million for a million sessions, one in 3,700 for a hundred million.

#[cfg(all(test, shuttle))]
mod interleavings;

use super::known_session::KnownSession;
use crate::metrics::SessionIds;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, lock};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Shards of the maps, so that few users share a lock.
const SHARDS: usize = 64;

/// All sessions and ids of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    owners: Vec<Mutex<HashMap<String, OwnedSessions>>>,
    assigned: Vec<Mutex<HashSet<u64>>>,
    hasher: RandomState,
    opened: AtomicU64,
    closed: AtomicU64,
    deleted: AtomicU64,
}

/// The sessions of one owner.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnedSessions {
    /// Sessions that were opened and not deleted, by id.
    pub(crate) known: HashMap<String, Arc<KnownSession>>,
    /// The number of open calls without a response: each may have opened a session whose id is unknown.
    pub(crate) unknown: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            owners: (0..SHARDS).map(|_| Mutex::default()).collect(),
            assigned: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            opened: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
        }
    }
}

impl Ledger {
    /// Changes the sessions of an owner.
    fn change<T>(&self, owner: &str, change: impl FnOnce(&mut OwnedSessions) -> T) -> T {
        let mut owners = lock(&self.owners[shard(self.hasher.hash_one(owner))]);
        match owners.get_mut(owner) {
            Some(sessions) => change(sessions),
            None => change(owners.entry(owner.to_owned()).or_default()),
        }
    }

    /// Returns the shard of an id, and the hash that is kept of it.
    fn assigned(&self, id: &str) -> (MutexGuard<'_, HashSet<u64>>, u64) {
        let hash = self.hasher.hash_one(id);
        (lock(&self.assigned[shard(hash)]), hash)
    }

    /// Registers an open call before it is sent, so that the leftover check looks for its session.
    pub(crate) fn opening(&self, owner: &str) {
        self.change(owner, |sessions| sessions.unknown += 1);
    }

    /// Registers that an open call was not sent.
    pub(crate) fn not_opened(&self, owner: &str) {
        self.change(owner, |sessions| sessions.unknown -= 1);
    }

    /// Registers an opened session. Returns whether its id is new.
    pub(crate) fn opened(&self, known: &Arc<KnownSession>) -> bool {
        let (mut assigned, id) = self.assigned(&known.id);
        let is_new = assigned.insert(id);
        drop(assigned);
        if is_new {
            self.opened.fetch_add(1, Ordering::Relaxed);
            let session = Arc::clone(known);
            self.change(&known.label.owner, |sessions| {
                sessions.unknown -= 1;
                sessions.known.insert(known.id.clone(), session);
            });
        }
        is_new
    }

    /// Counts a closed session.
    pub(crate) fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a deleted session, but keeps its id.
    pub(crate) fn deleted(&self, known: &KnownSession) {
        if self.change(&known.label.owner, |sessions| sessions.known.remove(&known.id)).is_some() {
            self.deleted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Removes a session that the leftover check has deleted.
    pub(crate) fn cleaned_up(&self, known: &KnownSession) {
        self.change(&known.label.owner, |sessions| sessions.known.remove(&known.id));
    }

    /// The sessions that are not deleted, with the ids of `examples` at most.
    pub(crate) fn remaining(&self, examples: usize) -> SessionIds {
        let mut remaining = SessionIds::default();
        for owners in &self.owners {
            for sessions in lock(owners).values() {
                remaining.count += sessions.known.len() as u64;
                let room = examples.saturating_sub(remaining.ids.len());
                remaining.ids.extend(sessions.known.keys().take(room).cloned());
            }
        }
        remaining
    }

    /// Returns whether the id was assigned to any session, including deleted ones.
    pub(crate) fn has_assigned(&self, id: &str) -> bool {
        let (assigned, id) = self.assigned(id);
        assigned.contains(&id)
    }

    /// The sessions of an owner.
    pub(crate) fn owned_by(&self, owner: &str) -> OwnedSessions {
        self.change(owner, |sessions| sessions.clone())
    }

    /// All owners that have ever sent an open call.
    pub(crate) fn owners(&self) -> Vec<String> {
        self.owners.iter().flat_map(|owners| lock(owners).keys().cloned().collect::<Vec<_>>()).collect()
    }

    /// The numbers of opened, closed and deleted sessions.
    pub(crate) fn counts(&self) -> [u64; 3] {
        [&self.opened, &self.closed, &self.deleted].map(|count| count.load(Ordering::Relaxed))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any bits of a hash are suitable")]
fn shard(hash: u64) -> usize {
    hash as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::known_session::sample::session;
    use crate::checks::payload::Label;

    fn known(id: &str, owner: &str) -> Arc<KnownSession> {
        Arc::new(KnownSession::new(&session(id, owner), Label::new(owner, 0), owner.to_owned()))
    }

    fn open(ledger: &Ledger, id: &str, owner: &str) -> bool {
        ledger.opening(owner);
        ledger.opened(&known(id, owner))
    }

    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        assert!(
            [("1", "ann"), ("2", "bob"), ("3", "bob")].iter().all(|(id, owner)| open(&ledger, id, owner))
        );
        ledger
    }

    #[test]
    fn an_id_is_new_only_once() {
        let ledger = ledger();
        assert!(!open(&ledger, "1", "bob"));
        ledger.deleted(&known("2", "bob"));
        assert!(!open(&ledger, "2", "ann"));
        assert!(ledger.has_assigned("2") && !ledger.has_assigned("4"));
        assert_eq!(ledger.counts(), [3, 0, 1]);
    }

    #[test]
    fn sessions_remain_until_they_are_deleted_or_cleaned_up() {
        let ledger = ledger();
        ledger.deleted(&known("2", "bob"));
        ledger.cleaned_up(&known("3", "bob"));
        let remaining = ledger.remaining(5);
        assert_eq!((remaining.count, remaining.ids), (1, vec!["1".to_owned()]));
        assert_eq!(ledger.remaining(0).ids, Vec::<String>::new());
        assert_eq!(ledger.counts(), [3, 0, 1], "users have deleted one");
    }

    #[test]
    fn owners_have_known_and_unknown_sessions() {
        let ledger = ledger();
        ledger.deleted(&known("2", "bob"));
        ledger.deleted(&known("2", "bob"));
        ledger.opening("carl");
        ledger.opening("dora");
        ledger.not_opened("dora");
        let has = |owner| {
            let OwnedSessions { known, unknown } = ledger.owned_by(owner);
            (known.into_keys().collect::<Vec<_>>(), unknown)
        };
        assert_eq!(has("bob"), (vec!["3".to_owned()], 0));
        assert_eq!((has("carl").1, has("dora").1), (1, 0));
        assert_eq!(ledger.owners().len(), 4);
    }
}
