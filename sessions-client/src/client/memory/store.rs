//! Sessions in the order of their opening, found by id and by user without a search, and changed by many at once.
//!
//! There is no lock over everything. Sessions are numbered, and their shards take turns; each user is in a shard of
//! its own id. Whoever opens or deletes a session takes the lock of its user while that of its shard is held,
//! so that nobody finds a session that its user does not have. What looks at all sessions takes the shards in order. The
//! lock of a session itself is the last that anybody takes, so that nobody who holds it waits.
//!
//! Where there are many sessions, what costs is memory that no cache holds. So an id tells the number of its session, which
//! leads to it without a table of ids, and a user has the sessions themselves. The hash is a fast one: whoever chooses ids of
//! users that collide slows down a double.

use super::blocks::{Blocks, PLACES, turn};
use super::kept::Kept;
use crate::client::ids;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// More than there are threads on most machines.
const SHARDS: usize = 32;

pub(super) struct Store {
    sessions: [Mutex<Blocks<Arc<Session>>>; SHARDS],
    users: [Mutex<Users>; SHARDS],
    /// Leads from a user to a shard.
    hasher: RandomState,
    /// The number of the session that is opened next.
    next: AtomicU64,
}

/// The sessions of each user, by their numbers.
type Users = HashMap<String, BTreeMap<u64, Arc<Session>>, RandomState>;

struct Session {
    id: Uuid,
    kept: Mutex<Kept>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            sessions: std::array::from_fn(|_| Mutex::default()),
            users: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
            next: AtomicU64::new(0),
        }
    }
}

impl Store {
    /// The id of a session that is to be opened.
    pub(super) fn new_id(&self) -> Uuid {
        ids::numbered(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.iter().map(|shard| lock(shard).values().count()).sum()
    }

    /// Keeps a session whose id is `id`, as [`written`](ids::written). It is one of this store's.
    pub(super) fn insert(&self, id: Uuid, kept: Kept) {
        let number = ids::number(id);
        let user_id = kept.user_id().map(str::to_owned);
        let session = Arc::new(Session { id, kept: Mutex::new(kept) });
        let (mut shard, place) = self.shard(number);
        if let Some(user_id) = user_id {
            self.users(&user_id).entry(user_id).or_default().insert(number, Arc::clone(&session));
        }
        shard.insert(place, session);
    }

    /// What `look` makes of a session.
    pub(super) fn get<T>(&self, id: &str, look: impl FnOnce(&Kept) -> T) -> Option<T> {
        self.change(id, |kept| look(kept))
    }

    /// What `change` makes of a session.
    pub(super) fn change<T>(&self, id: &str, change: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let id = ids::read(id)?;
        let (shard, place) = self.shard(ids::number(id));
        let session = shard.get(place).filter(|session| session.id == id)?;
        Some(change(&mut lock(&session.kept)))
    }

    /// Removes a session, and returns what `look` makes of it. What `look` refuses stays.
    pub(super) fn remove<T, E>(
        &self,
        id: &str,
        look: impl FnOnce(&Kept) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Some(id) = ids::read(id) else { return Ok(None) };
        let number = ids::number(id);
        let (mut shard, place) = self.shard(number);
        let Some(session) = shard.get(place).filter(|session| session.id == id) else { return Ok(None) };
        let (seen, user_id) = {
            let kept = lock(&session.kept);
            (look(&kept)?, kept.user_id().map(str::to_owned))
        };
        if let Some(user_id) = user_id {
            let mut users = self.users(&user_id);
            if let Some(sessions) = users.get_mut(&user_id) {
                sessions.remove(&number);
                if sessions.is_empty() {
                    users.remove(&user_id);
                }
            }
        }
        shard.remove(place);
        Ok(Some(seen))
    }

    /// Shows all sessions to `look`, in their order, until it has seen enough.
    pub(super) fn all(&self, mut look: impl FnMut(&Kept) -> Look) {
        let shards: Vec<_> = self.sessions.iter().map(lock).collect();
        let next_block = |from| shards.iter().filter_map(|shard| shard.next_block(from)).min();
        let mut next = next_block(0);
        while let Some(number) = next {
            // Numbers go from shard to shard, and then to the next place in all of them.
            let blocks: Vec<_> = shards.iter().map(|shard| shard.block(number)).collect();
            for place in 0..PLACES {
                for session in blocks.iter().filter_map(|block| block.get(place)?.as_ref()) {
                    if look(&lock(&session.kept)) == Look::Enough {
                        return;
                    }
                }
            }
            next = next_block(number + 1);
        }
    }

    /// Shows those of a user to `look`, in their order, until it has seen enough.
    pub(super) fn of_user(&self, user_id: &str, mut look: impl FnMut(&Kept) -> Look) {
        let users = self.users(user_id);
        for session in users.get(user_id).into_iter().flat_map(BTreeMap::values) {
            if look(&lock(&session.kept)) == Look::Enough {
                return;
            }
        }
    }

    /// Changes all sessions, in no order.
    pub(super) fn change_all(&self, mut change: impl FnMut(&mut Kept)) {
        for shard in &self.sessions {
            lock(shard).values().for_each(|session| change(&mut lock(&session.kept)));
        }
    }

    /// The shard that has the number, and the place there. One has its turn after the other, so that those who open at once
    /// do not wait for each other.
    fn shard(&self, number: u64) -> (MutexGuard<'_, Blocks<Arc<Session>>>, u64) {
        let (place, shard) = turn(number, SHARDS);
        (lock(&self.sessions[shard]), place)
    }

    fn users(&self, user_id: &str) -> MutexGuard<'_, Users> {
        let [.., last] = self.hasher.hash_one(user_id).to_ne_bytes();
        lock(&self.users[usize::from(last) % self.users.len()])
    }
}

/// Whether a list goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    GoOn,
    Enough,
}

/// Nothing is done halfway under a lock, so what a panicking thread left is sound.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Kept, Look, PLACES, SHARDS, Store, lock, turn};
    use crate::client::ids::{number, numbered, written};
    use crate::data::SessionV1;
    use chrono::Utc;
    use std::convert::Infallible;
    use std::sync::TryLockError;
    use std::thread;
    use uuid::Uuid;

    fn id_of(kept: &Kept) -> String {
        serde_json::from_slice::<SessionV1>(kept.json()).unwrap().id
    }

    fn remove(store: &Store, id: Uuid) {
        let removed = store.remove(&written(id), |_| Ok::<_, Infallible>(()));
        assert_eq!(removed, Ok(Some(())));
    }

    fn opened(id: Uuid) -> Kept {
        Kept::opened(id, [Some("1".to_owned()), None, None, None], [None, None], Utc::now())
    }

    #[test]
    fn the_sessions_of_a_user_are_shown_in_their_order_until_there_are_enough() {
        for count in [0, 1, 7] {
            let store = Store::default();
            let ids: Vec<Uuid> = (0..count).map(|_| store.new_id()).collect();
            for &id in &ids {
                store.insert(id, opened(id));
            }
            for enough in [1, 6, 7, usize::MAX] {
                let mut shown = Vec::new();
                store.of_user("1", |kept| {
                    shown.push(id_of(kept));
                    if shown.len() < enough { Look::GoOn } else { Look::Enough }
                });
                let expected: Vec<String> = ids.iter().take(enough).copied().map(written).collect();
                assert_eq!(shown, expected, "{enough} of {count}");
            }
        }
    }

    #[test]
    fn an_id_that_only_tells_the_number_of_a_session_is_unknown() {
        let store = Store::default();
        let id = store.new_id();
        store.insert(id, opened(id));
        let other = written(numbered(number(id)));
        assert_eq!(store.get(&other, |_| ()), None);
        assert_eq!(store.remove(&other, |_| Ok::<_, Infallible>(())), Ok(None));
        assert_eq!(store.get(&written(id), |_| ()), Some(()));
    }

    #[test]
    fn all_sessions_are_shown_in_their_order_whichever_are_gone() {
        for keeps in [|_| true, |at| at % 2 == 1, |at| at % 97 > 95, |at| at > 5_990, |_| false]
            as [fn(usize) -> bool; 5]
        {
            let store = Store::default();
            // Blocks of all shards, and half of the next.
            let ids: Vec<Uuid> = (0..6_000).map(|_| store.new_id()).collect();
            assert!(ids.len() > store.sessions.len() * PLACES * 5 / 2);
            for &id in ids.iter().rev() {
                store.insert(id, opened(id));
            }
            let (kept, gone): (Vec<_>, Vec<_>) = (0..ids.len()).partition(|&at| keeps(at));
            for at in gone {
                remove(&store, ids[at]);
            }
            let expected: Vec<String> = kept.into_iter().map(|at| written(ids[at])).collect();
            assert_eq!(all_ids(&store), expected);
        }
    }

    fn all_ids(store: &Store) -> Vec<String> {
        let mut ids = Vec::new();
        store.all(|kept| {
            ids.push(id_of(kept));
            Look::GoOn
        });
        ids
    }

    #[test]
    fn a_list_keeps_its_order_while_others_open_and_delete() {
        const THREADS: usize = 4;
        const EACH: usize = 100;
        let store = &Store::default();
        let open_and_delete = || {
            for _ in 0..EACH {
                let (stays, goes) = (store.new_id(), store.new_id());
                store.insert(goes, opened(goes));
                store.insert(stays, opened(stays));
                remove(store, goes);
            }
        };
        thread::scope(|threads| {
            let opening: Vec<_> = (0..THREADS).map(|_| threads.spawn(open_and_delete)).collect();
            let mut before = Vec::new();
            while !opening.iter().all(thread::ScopedJoinHandle::is_finished) {
                let now = all_ids(store);
                let stayed = before.iter().filter(|id| now.contains(id));
                assert!(now.iter().filter(|id| before.contains(id)).eq(stayed), "the order has changed");
                before = now;
            }
        });
        let mut of_user = Vec::new();
        store.of_user("1", |kept| {
            of_user.push(id_of(kept));
            Look::GoOn
        });
        assert_eq!(of_user, all_ids(store));
        assert_eq!(of_user.len(), THREADS * EACH);
    }

    #[test]
    fn sessions_are_opened_in_one_shard_after_the_other() {
        let store = Store::default();
        for _ in 0..4 * SHARDS {
            let id = store.new_id();
            store.insert(id, opened(id));
        }
        assert!(store.sessions.iter().all(|shard| lock(shard).values().count() == 4));
    }

    /// Whether the session can be looked up, and is there; nothing where somebody holds its lock.
    fn is_there(store: &Store, id: Uuid) -> Option<bool> {
        let (place, shard) = turn(number(id), SHARDS);
        match store.sessions[shard].try_lock() {
            Ok(shard) => Some(shard.get(place).is_some()),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(error)) => panic!("{error}"),
        }
    }

    /// While the user is locked, so that neither can be done: the lock of the session is held as long.
    #[test]
    fn what_opens_or_deletes_a_session_is_not_seen_until_the_user_knows() {
        let store = Store::default();
        let id = store.new_id();
        let held_throughout = |step: &(dyn Fn() + Sync), before: bool| {
            thread::scope(|threads| {
                let user = store.users("1");
                threads.spawn(step);
                // A lock that is held for a moment only is soon seen free.
                let mut held = 0;
                while held < 1_000 {
                    held = match is_there(&store, id) {
                        None => held + 1,
                        Some(there) => {
                            assert_eq!(there, before, "seen while the user is not told");
                            0
                        }
                    };
                    thread::yield_now();
                }
                drop(user);
            });
        };
        held_throughout(&|| store.insert(id, opened(id)), false);
        held_throughout(&|| remove(&store, id), true);
        assert_eq!(is_there(&store, id), Some(false));
        assert!(store.users("1").is_empty());
    }
}
