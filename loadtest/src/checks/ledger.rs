//! Which sessions a run has opened and not yet deleted, by their owners; and which ids were ever given out.
//!
//! An id is remembered after its session is deleted, as 16 bytes: a service that gives one out again mixes up two
//! sessions of different times, which no other check would see.

use super::known_session::KnownSession;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Users work on different sessions, so that few meet at one lock.
const SHARDS: usize = 64;

/// The sessions that are known to be there.
#[derive(Debug)]
pub(crate) struct Ledger {
    owners: Vec<Mutex<HashMap<String, OwnedSessions>>>,
    given: Vec<Mutex<HashSet<u128>>>,
    hashers: [RandomState; 2],
    opened: AtomicU64,
    closed: AtomicU64,
    deleted: AtomicU64,
}

/// What a user of the run has.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnedSessions {
    /// By their ids, those that are known to be there.
    pub(crate) known: HashMap<String, Arc<KnownSession>>,
    /// How many openings got no answer: each may have opened a session whose id nobody knows.
    pub(crate) unanswered: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            owners: (0..SHARDS).map(|_| Mutex::default()).collect(),
            given: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hashers: [RandomState::new(), RandomState::new()],
            opened: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
        }
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// Changes what an owner has.
    fn change<T>(&self, owner: &str, change: impl FnOnce(&mut OwnedSessions) -> T) -> T {
        let mut owners = unpoisoned(&self.owners[place(self.hashers[0].hash_one(owner))]);
        match owners.get_mut(owner) {
            Some(sessions) => change(sessions),
            None => change(owners.entry(owner.to_owned()).or_default()),
        }
    }

    /// The ids that were given out beside this one, and what is remembered of it.
    fn given(&self, id: &str) -> (MutexGuard<'_, HashSet<u128>>, u128) {
        let [high, low] = [0, 1].map(|hasher| self.hashers[hasher].hash_one(id));
        (unpoisoned(&self.given[place(high)]), u128::from(high) << 64 | u128::from(low))
    }

    /// Notes that `owner` is about to open a session, so that it is looked for when the run is over.
    pub(crate) fn opening(&self, owner: &str) {
        self.change(owner, |sessions| sessions.unanswered += 1);
    }

    /// Notes that no session was opened by what was to open one.
    pub(crate) fn not_opened(&self, owner: &str) {
        self.change(owner, |sessions| sessions.unanswered -= 1);
    }

    /// Notes the session that was opened; whether none before it had its id.
    pub(crate) fn opened(&self, known: Arc<KnownSession>) -> bool {
        let (mut given, id) = self.given(&known.id);
        let is_new = given.insert(id);
        drop(given);
        if is_new {
            self.opened.fetch_add(1, Ordering::Relaxed);
            let owner = known.label.owner.clone();
            self.change(&owner, |sessions| {
                sessions.unanswered -= 1;
                sessions.known.insert(known.id.clone(), known);
            });
        }
        is_new
    }

    /// Notes that a session was closed.
    pub(crate) fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets a session that is gone, all but its id.
    pub(crate) fn deleted(&self, known: &KnownSession) {
        if self.change(&known.label.owner, |sessions| sessions.known.remove(&known.id)).is_some() {
            self.deleted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a session with this id was opened, and perhaps deleted.
    pub(crate) fn has_given(&self, id: &str) -> bool {
        let (given, id) = self.given(id);
        given.contains(&id)
    }

    /// What an owner has now.
    pub(crate) fn owned_by(&self, owner: &str) -> OwnedSessions {
        self.change(owner, |sessions| sessions.clone())
    }

    /// All who have ever opened a session.
    pub(crate) fn owners(&self) -> Vec<String> {
        self.owners.iter().flat_map(|owners| unpoisoned(owners).keys().cloned().collect::<Vec<_>>()).collect()
    }

    /// How many sessions were opened, closed and deleted.
    pub(crate) fn counts(&self) -> [u64; 3] {
        [&self.opened, &self.closed, &self.deleted].map(|count| count.load(Ordering::Relaxed))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
fn place(hash: u64) -> usize {
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
        ledger.opened(known(id, owner))
    }

    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        assert!(
            [("1", "ann"), ("2", "bob"), ("3", "bob")].iter().all(|(id, owner)| open(&ledger, id, owner))
        );
        ledger
    }

    #[test]
    fn an_id_is_given_out_once_and_for_ever() {
        let ledger = ledger();
        assert!(!open(&ledger, "1", "bob"));
        ledger.deleted(&known("2", "bob"));
        assert!(!open(&ledger, "2", "ann"));
        assert!(ledger.has_given("2") && !ledger.has_given("4"));
        assert_eq!(ledger.counts(), [3, 0, 1]);
    }

    #[test]
    fn each_owner_has_what_was_not_deleted_and_what_nobody_has_heard_of() {
        let ledger = ledger();
        ledger.deleted(&known("2", "bob"));
        ledger.deleted(&known("2", "bob"));
        ledger.opening("carl");
        ledger.opening("dora");
        ledger.not_opened("dora");
        let has = |owner| {
            let OwnedSessions { known, unanswered } = ledger.owned_by(owner);
            (known.into_keys().collect::<Vec<_>>(), unanswered)
        };
        assert_eq!(has("bob"), (vec!["3".to_owned()], 0));
        assert_eq!((has("carl").1, has("dora").1), (1, 0));
        assert_eq!(ledger.owners().len(), 4);
    }
}
