//! Sessions in the order of their opening, found by id and by user without a search, and changed by many at once.
//!
//! There is no lock over everything. Each session is in the shard that its id names, and each user in a shard of
//! its own id. Whoever opens or deletes a session takes the lock of its user while that of the session is held,
//! so that nobody finds a session that its user does not have; nobody takes the two in the other order. What looks at
//! all sessions takes their shards in order. Between a user and the sessions, a list skips what is gone.
//!
//! Where there are many sessions, what costs is memory that no cache holds. So an id is compared where it stands in its
//! table, which is small, and a list goes from one session to the next without it. The hash is a fast one: ids are made
//! here, and whoever chooses ids of users that collide slows down a double.

use super::kept::Kept;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap, btree_map};
use std::hash::BuildHasher;
use std::iter::Peekable;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// More than there are threads on most machines, and a divisor of 256: turns go on where their count begins anew.
const SHARDS: u8 = 32;

/// The byte of an id that names its shard.
const SHARD_BYTE: usize = 15;

/// How many of a user's sessions are looked up at once: the largest page.
const AT_ONCE: usize = 100;

pub(super) struct Store {
    sessions: [Mutex<Shard>; SHARDS as usize],
    users: [Mutex<Users>; SHARDS as usize],
    /// Leads from a user to a shard.
    hasher: RandomState,
    next: AtomicU64,
    /// Counts the sessions that are opened. Each is the turn of the next shard.
    turn: AtomicU8,
}

/// The numbers of a user's sessions, which are in their order, and their ids.
type Users = HashMap<String, BTreeMap<u64, Uuid>, RandomState>;

struct Shard {
    /// By id.
    numbers: HashMap<Uuid, u64, RandomState>,
    /// By number, and so in their order. Boxed, since a tree moves what is in it.
    sessions: BTreeMap<u64, Box<Kept>>,
}

type InOrder<'s> = Peekable<btree_map::Iter<'s, u64, Box<Kept>>>;

impl Default for Store {
    fn default() -> Self {
        let shard = |_| Mutex::new(Shard { numbers: HashMap::default(), sessions: BTreeMap::new() });
        Self {
            sessions: std::array::from_fn(shard),
            users: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
            next: AtomicU64::new(0),
            turn: AtomicU8::new(0),
        }
    }
}

impl Store {
    /// A random id for a session, but for the shard that it names: each has its turn, so that those who open at once
    /// do not wait for each other, and a list goes from one to the next.
    pub(super) fn new_id(&self) -> Uuid {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut id = random_id().into_bytes();
        id[SHARD_BYTE] = id[SHARD_BYTE] / SHARDS * SHARDS + turn % SHARDS;
        Uuid::from_bytes(id)
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.iter().map(|shard| lock(shard).numbers.len()).sum()
    }

    /// Keeps a session whose id is `id`, as [`written`].
    pub(super) fn insert(&self, id: Uuid, kept: Kept) {
        let mut shard = self.shard(id);
        // Under the lock, so that whoever has all of them sees no number before a smaller one.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(user_id) = &kept.session().user_id {
            let mut users = self.users(user_id);
            match users.get_mut(user_id) {
                Some(numbers) => drop(numbers.insert(number, id)),
                None => drop(users.insert(user_id.clone(), BTreeMap::from([(number, id)]))),
            }
        }
        shard.numbers.insert(id, number);
        shard.sessions.insert(number, Box::new(kept));
    }

    /// What `look` makes of a session.
    pub(super) fn get<T>(&self, id: &str, look: impl FnOnce(&Kept) -> T) -> Option<T> {
        let id = read(id)?;
        let shard = self.shard(id);
        Some(look(shard.sessions.get(shard.numbers.get(&id)?)?))
    }

    /// What `change` makes of a session.
    pub(super) fn change<T>(&self, id: &str, change: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let id = read(id)?;
        let Shard { numbers, sessions } = &mut *self.shard(id);
        Some(change(sessions.get_mut(numbers.get(&id)?)?))
    }

    pub(super) fn remove(&self, id: &str) -> Option<Kept> {
        let id = read(id)?;
        let mut shard = self.shard(id);
        let number = shard.numbers.remove(&id)?;
        let kept = shard.sessions.remove(&number)?;
        if let Some(user_id) = &kept.session().user_id {
            let mut users = self.users(user_id);
            if let Some(numbers) = users.get_mut(user_id) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    users.remove(user_id);
                }
            }
        }
        Some(*kept)
    }

    /// Shows all sessions to `look`, in their order, until it has seen enough.
    pub(super) fn all(&self, mut look: impl FnMut(&Kept) -> Look) {
        let shards: Vec<_> = self.sessions.iter().map(lock).collect();
        let mut rest: Vec<_> = shards.iter().map(|shard| shard.sessions.iter().peekable()).collect();
        let next_number =
            |rest: &mut [InOrder<'_>], at: usize| rest[at].peek().map_or(u64::MAX, |&(&number, _)| number);
        let (mut at, mut expected) = (0, 0);
        loop {
            // Mostly it is in the next shard: where nothing was deleted, and no two were opened at once.
            if next_number(&mut rest, at) != expected {
                at = (0..shards.len()).min_by_key(|&at| next_number(&mut rest, at)).unwrap_or_default();
            }
            let Some((&number, kept)) = rest[at].next() else { return };
            if look(kept) == Look::Enough {
                return;
            }
            (at, expected) = ((at + 1) % shards.len(), number + 1);
        }
    }

    /// Shows those of a user to `look`, in their order, until it has seen enough.
    pub(super) fn of_user(&self, user_id: &str, mut look: impl FnMut(&Kept) -> Look) {
        let mut from = 0;
        loop {
            // Copied, since the lock of a user is not held while that of a session is waited for; and not all, since
            // there may be many more than anybody wants to see.
            let next: Vec<(u64, Uuid)> = match self.users(user_id).get(user_id) {
                Some(numbers) => {
                    numbers.range(from..).take(AT_ONCE).map(|(&number, &id)| (number, id)).collect()
                }
                None => return,
            };
            for (number, id) in &next {
                if self.shard(*id).sessions.get(number).map(|kept| look(kept)) == Some(Look::Enough) {
                    return;
                }
                from = number + 1;
            }
            if next.len() < AT_ONCE {
                return;
            }
        }
    }

    /// Changes all sessions, in no order.
    pub(super) fn change_all(&self, mut change: impl FnMut(&mut Kept)) {
        for shard in &self.sessions {
            lock(shard).sessions.values_mut().for_each(|kept| change(kept));
        }
    }

    fn shard(&self, id: Uuid) -> MutexGuard<'_, Shard> {
        lock(&self.sessions[usize::from(id.as_bytes()[SHARD_BYTE] % SHARDS)])
    }

    fn users(&self, user_id: &str) -> MutexGuard<'_, Users> {
        let [.., last] = self.hasher.hash_one(user_id).to_ne_bytes();
        lock(&self.users[usize::from(last % SHARDS)])
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

/// A version 4 UUID. An id of a fake need not be hard to guess, and the system's randomness would have to be set up by
/// whoever compiles for `wasm32-unknown-unknown`.
pub(super) fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid()
}

/// An id as the service writes it.
pub(super) fn written(id: Uuid) -> String {
    id.simple().to_string()
}

/// The way back, from this one form alone: the service compares texts.
fn read(id: &str) -> Option<Uuid> {
    let mut buffer = [0; 32];
    Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().encode_lower(&mut buffer) == id)
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Kept, Look, SHARDS, Store, lock, random_id, written};
    use crate::data::SessionV1;
    use chrono::Utc;
    use std::sync::TryLockError;
    use std::thread;
    use uuid::Uuid;

    fn opened(id: Uuid) -> Kept {
        Kept::new(SessionV1 { user_id: Some("1".to_owned()), ..SessionV1::new(written(id), Utc::now()) })
    }

    #[test]
    fn the_sessions_of_a_user_are_shown_in_their_order_until_there_are_enough() {
        for count in [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE] {
            let store = Store::default();
            let ids: Vec<Uuid> = (0..count).map(|_| random_id()).collect();
            for &id in &ids {
                store.insert(id, opened(id));
            }
            for enough in [1, AT_ONCE, AT_ONCE + 1, usize::MAX] {
                let mut shown = Vec::new();
                store.of_user("1", |kept| {
                    shown.push(kept.session().id.clone());
                    if shown.len() < enough { Look::GoOn } else { Look::Enough }
                });
                let expected: Vec<String> = ids.iter().take(enough).copied().map(written).collect();
                assert_eq!(shown, expected, "{enough} of {count}");
            }
        }
    }

    #[test]
    fn all_sessions_are_shown_in_their_order_whichever_are_gone() {
        for keeps in
            [|_| true, |at| at % 2 == 1, |at| at % 5 > 1, |at| at > 90, |_| false] as [fn(usize) -> bool; 5]
        {
            let store = Store::default();
            let mut ids: Vec<Uuid> = (0..100).map(|_| store.new_id()).collect();
            // Nobody says that they are opened in the order of their turns.
            ids.swap(3, 60);
            for &id in &ids {
                store.insert(id, opened(id));
            }
            let (kept, gone): (Vec<_>, Vec<_>) = (0..ids.len()).partition(|&at| keeps(at));
            for at in gone {
                store.remove(&written(ids[at])).unwrap();
            }
            let expected: Vec<String> = kept.into_iter().map(|at| written(ids[at])).collect();
            assert_eq!(all_ids(&store), expected);
        }
    }

    fn all_ids(store: &Store) -> Vec<String> {
        let mut ids = Vec::new();
        store.all(|kept| {
            ids.push(kept.session().id.clone());
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
                store.remove(&written(goes)).expect("it is there");
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
            of_user.push(kept.session().id.clone());
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
        assert!(store.sessions.iter().all(|shard| lock(shard).sessions.len() == 4));
    }

    /// Whether the session can be looked up, and is there; nothing where somebody holds its lock.
    fn is_there(store: &Store, id: Uuid) -> Option<bool> {
        let shards = store.sessions.iter().map(|shard| match shard.try_lock() {
            Ok(shard) => Some(shard.numbers.contains_key(&id)),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(error)) => panic!("{error}"),
        });
        shards.into_iter().try_fold(false, |found, here| Some(found | here?))
    }

    /// While the user is locked, so that neither can be done: the lock of the session is held as long.
    #[test]
    fn what_opens_or_deletes_a_session_is_not_seen_until_the_user_knows() {
        let (store, id) = (Store::default(), random_id());
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
        held_throughout(&|| drop(store.remove(&written(id))), true);
        assert_eq!(is_there(&store, id), Some(false));
        assert!(store.users("1").is_empty());
    }
}
