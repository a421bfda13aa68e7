//! A concurrent collection of sessions in the order of their opening, with indexes by id and by user.
//!
//! The collection has no global lock and no id index. Sessions are numbered. Session shard `number % SHARDS`
//! contains a session, and a user shard, selected by the hash of the user's id, contains the sessions of a
//! user.
//!
//! Every thread takes locks in this order, which prevents deadlocks; [`Rank`] is the same order, and builds with debug
//! assertions check it:
//!
//! 1. the shard of a user,
//! 2. [`Next`], with the number of the next session,
//! 3. shards of sessions, in ascending order,
//! 4. a session. A thread that holds this lock takes no other.
//!
//! Opening a session:
//!
//! 1. Lock the user's shard, then `Next`.
//! 2. Read the clock, take the number, lock the shard of the number, then unlock `Next`.
//! 3. Insert the session under the user and into its shard, then unlock both.
//!
//! So sessions are listed in the order of `open_time`, and a session that is opened later never appears
//! before one that a list has already returned. Listing all sessions locks `Next` and all shards of sessions.
//! A change reads the clock while the session is locked, so no `request_time` decreases.
//!
//! Deleting a session:
//!
//! 1. Lock the session and take its content. From then on no thread finds it, and the lock is released.
//! 2. Remove it from the user's shard.
//! 3. Remove it from its own shard.
//!
//! With many sessions the cost is cache misses. Therefore an id contains the number of its session, which
//! makes an id index unnecessary, and the index by user contains the sessions themselves. The hash is a fast
//! one without protection against collisions on purpose, which an embedded service does not need.

use super::blocks::{BLOCK_SIZE, Blocks, div_rem};
use super::ids;
use super::ordered::{Guard, Ordered, Rank};
use super::stored::StoredSession;
use super::sync::{AtomicUsize, Ordering};
use foldhash::fast::RandomState;
use pip_services::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// The number of shards, more than most machines have threads.
const SHARDS: usize = 32;

/// The number of a user's sessions that are copied under one lock of the user's shard: the largest page.
const BATCH: usize = 100;

pub(super) struct Shards {
    sessions: [Ordered<Blocks<Arc<Slot>>>; SHARDS],
    users: [Ordered<Users>; SHARDS],
    /// Selects the shard of a user.
    hasher: RandomState,
    next: Ordered<Next>,
    length: AtomicUsize,
}

/// The number and the earliest time of the next session.
struct Next {
    number: u64,
    /// The latest `open_time` so far. That of the next session is not earlier, even if the clock is set back.
    time: Timestamp,
}

/// The sessions of each user by their numbers.
type Users = HashMap<String, BTreeMap<u64, Arc<Slot>>, RandomState>;

/// A session with its lock, shared by the shards of sessions and users.
pub(super) struct Slot {
    id: Uuid,
    user_id: Option<String>,
    /// `None` once the session is deleted.
    session: Ordered<Option<StoredSession>>,
}

impl Slot {
    pub(super) fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Calls `read` with the session unless it is deleted, and returns the result.
    pub(super) fn read<T>(&self, read: impl FnOnce(&StoredSession) -> T) -> Option<T> {
        self.session.lock().as_ref().map(read)
    }

    /// Calls `change` with the session unless it is deleted, and returns the result.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut StoredSession) -> T) -> Option<T> {
        self.session.lock().as_mut().map(change)
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self {
            sessions: std::array::from_fn(|shard| Ordered::new(Rank::Sessions(shard), Blocks::default())),
            users: std::array::from_fn(|_| Ordered::new(Rank::User, Users::default())),
            hasher: RandomState::default(),
            next: Ordered::new(Rank::Next, Next { number: 0, time: Timestamp::MIN_UTC }),
            length: AtomicUsize::new(0),
        }
    }
}

impl Shards {
    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Opens the session of `user_id` that `new` creates for the time of `clock`, and returns the result of
    /// `read`, which is called once the session has its id.
    pub(super) fn open<T>(
        &self,
        user_id: Option<String>,
        clock: impl FnOnce() -> Timestamp,
        new: impl FnOnce(Option<&str>, Timestamp) -> StoredSession,
        read: impl FnOnce(&StoredSession) -> T,
    ) -> T {
        let mut users = user_id.as_ref().map(|user_id| self.users(user_id));
        let mut next = self.next.lock();
        let time = clock().max(next.time);
        let number = next.number;
        *next = Next { number: number + 1, time };
        let (mut shard, index) = self.shard(number);
        drop(next);
        let id = ids::new_id(number);
        let mut session = new(user_id.as_deref(), time);
        session.set_id(id);
        let result = read(&session);
        let slot = Arc::new(Slot { id, user_id, session: Ordered::new(Rank::Session, Some(session)) });
        if let (Some(users), Some(user_id)) = (&mut users, slot.user_id()) {
            match users.get_mut(user_id) {
                Some(sessions) => drop(sessions.insert(number, Arc::clone(&slot))),
                None => {
                    users.insert(user_id.to_owned(), BTreeMap::from([(number, Arc::clone(&slot))]));
                }
            }
        }
        shard.insert(index, slot);
        self.length.fetch_add(1, Ordering::Relaxed);
        result
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Slot>> {
        let id = ids::parse_id(id)?;
        let (shard, index) = self.shard(ids::number_of(id));
        shard.get(index).filter(|slot| slot.id == id).cloned()
    }

    /// Deletes a session and returns it.
    pub(super) fn remove(&self, id: &str) -> Option<StoredSession> {
        let slot = self.get(id)?;
        let session = slot.session.lock().take()?;
        self.length.fetch_sub(1, Ordering::Relaxed);
        let number = ids::number_of(slot.id);
        if let Some(user_id) = slot.user_id() {
            let mut users = self.users(user_id);
            if let Some(sessions) = users.get_mut(user_id) {
                sessions.remove(&number);
                if sessions.is_empty() {
                    users.remove(user_id);
                }
            }
        }
        let (mut shard, index) = self.shard(number);
        shard.remove(index);
        Some(session)
    }

    /// Calls `visit` with all sessions in their order until it returns `Break`.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&StoredSession) -> ControlFlow<()>) {
        let _next = self.next.lock();
        let shards: Vec<_> = self.sessions.iter().map(Ordered::lock).collect();
        let next_block = |from| shards.iter().filter_map(|shard| shard.next_block(from)).min();
        let mut next = next_block(0);
        let mut blocks = Vec::with_capacity(SHARDS);
        while let Some(number) = next {
            blocks.clear();
            blocks.extend(shards.iter().map(|shard| shard.block(number)).filter(|block| !block.is_empty()));
            // Consecutive numbers are at the same index of consecutive shards.
            for index in 0..BLOCK_SIZE {
                for slot in blocks.iter().filter_map(|block| block[index].as_ref()) {
                    if slot.read(&mut visit) == Some(ControlFlow::Break(())) {
                        return;
                    }
                }
            }
            next = next_block(number + 1);
        }
    }

    /// Calls `visit` with the sessions of a user in their order until it returns `Break`.
    pub(super) fn for_each_of_user(
        &self,
        user_id: &str,
        mut visit: impl FnMut(&StoredSession) -> ControlFlow<()>,
    ) {
        let mut from = 0;
        loop {
            let batch: Vec<Arc<Slot>> = match self.users(user_id).get(user_id) {
                Some(sessions) => {
                    sessions.range(from..).take(BATCH).map(|(_, slot)| Arc::clone(slot)).collect()
                }
                None => return,
            };
            if batch.iter().any(|slot| slot.read(&mut visit) == Some(ControlFlow::Break(()))) {
                return;
            }
            match batch.last() {
                Some(last) if batch.len() == BATCH => from = ids::number_of(last.id) + 1,
                _ => return,
            }
        }
    }

    /// Calls `change` with all sessions, in no particular order.
    pub(super) fn change_all(&self, mut change: impl FnMut(&mut StoredSession)) {
        for shard in &self.sessions {
            // Copied, so that the shard is not locked for long: a thread that opens a session holds other
            // locks while it waits for the shard.
            let slots: Vec<_> = shard.lock().values().cloned().collect();
            for slot in slots {
                slot.change(&mut change);
            }
        }
    }

    /// Locks the shard of the number and returns it with the index in it. Consecutive numbers are in
    /// different shards, so that threads that open sessions at the same time wait for each other only for
    /// `Next`.
    fn shard(&self, number: u64) -> (Guard<'_, Blocks<Arc<Slot>>>, u64) {
        let (index, shard) = div_rem(number, SHARDS);
        (self.sessions[shard].lock(), index)
    }

    /// Locks the shard of the user.
    fn users(&self, user_id: &str) -> Guard<'_, Users> {
        let [.., last] = self.hasher.hash_one(user_id).to_ne_bytes();
        self.users[usize::from(last) % self.users.len()].lock()
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, BLOCK_SIZE, SHARDS, Shards, Slot, StoredSession};
    use crate::store::ids::{new_id, number_of, parse_id};
    use chrono::Utc;
    use sessions_client::SessionV1;
    use std::ops::ControlFlow;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread::{self, Scope};
    use std::time::{Duration, Instant};

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn id_of(session: &StoredSession) -> String {
        serde_json::from_slice::<SessionV1>(session.json()).unwrap().id
    }

    fn open(store: &Shards) -> String {
        let new = |user_id: Option<&str>, now| StoredSession::new(user_id, [None; 3], [None; 2], now);
        store.open(Some("1".to_owned()), Utc::now, new, id_of)
    }

    fn ids(list: impl FnOnce(&mut dyn FnMut(&StoredSession) -> ControlFlow<()>)) -> Vec<String> {
        let mut ids = Vec::new();
        list(&mut |session| {
            ids.push(id_of(session));
            ControlFlow::Continue(())
        });
        ids
    }

    fn all(store: &Shards) -> Vec<String> {
        ids(|visit| store.for_each(visit))
    }

    fn of_user(store: &Shards) -> Vec<String> {
        ids(|visit| store.for_each_of_user("1", visit))
    }

    /// Polls a condition until it holds.
    fn wait_until(mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + TIMEOUT;
        while !condition() {
            assert!(Instant::now() < end, "the condition does not hold in time");
            thread::yield_now();
        }
    }

    #[test]
    fn sessions_of_a_user_are_visited_in_order_until_break() {
        for count in [0, 1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH] {
            let store = Shards::default();
            let ids: Vec<String> = (0..count).map(|_| open(&store)).collect();
            for limit in [1, BATCH, BATCH + 1, usize::MAX] {
                let mut visited = Vec::new();
                store.for_each_of_user("1", |session| {
                    visited.push(id_of(session));
                    if visited.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                assert_eq!(visited, ids[..limit.min(count)], "{limit} of {count}");
            }
        }
    }

    #[test]
    fn all_sessions_are_visited_in_order_whichever_are_deleted() {
        for is_kept in [|_| true, |at| at % 2 == 1, |at| at % 97 > 95, |at| at > 5_990, |_| false]
            as [fn(usize) -> bool; 5]
        {
            let store = Shards::default();
            // Two blocks of every shard and most of a third one.
            let ids: Vec<String> = (0..6_000).map(|_| open(&store)).collect();
            assert!(ids.len() > SHARDS * BLOCK_SIZE * 5 / 2);
            let (kept, deleted): (Vec<_>, Vec<_>) = (0..ids.len()).partition(|&at| is_kept(at));
            for at in deleted {
                assert_eq!(store.remove(&ids[at]).map(|session| id_of(&session)).as_ref(), Some(&ids[at]));
            }
            let expected: Vec<&String> = kept.into_iter().map(|at| &ids[at]).collect();
            assert_eq!(all(&store).iter().collect::<Vec<_>>(), expected);
            assert_eq!(store.len(), expected.len());
        }
    }

    #[test]
    fn an_id_with_only_the_number_of_a_session_is_unknown() {
        let store = Shards::default();
        let id = open(&store);
        let other = new_id(number_of(parse_id(&id).unwrap())).simple().to_string();
        assert!(store.get(&other).is_none());
        assert!(store.remove(&other).is_none());
        assert!(store.get(&id).is_some());
    }

    #[test]
    fn concurrently_opened_sessions_come_after_those_already_listed() {
        const THREADS: usize = 4;
        const EACH: usize = 200;
        let store = &Shards::default();
        let open_and_delete = || {
            for _ in 0..EACH {
                let deleted = open(store);
                open(store);
                assert!(store.remove(&deleted).is_some());
            }
        };
        thread::scope(|threads| {
            let opening: Vec<_> = (0..THREADS).map(|_| threads.spawn(open_and_delete)).collect();
            for list in [all, of_user] {
                threads.spawn(move || {
                    let mut before = Vec::new();
                    wait_until(|| {
                        let now = list(store);
                        let stayed: Vec<&String> = before.iter().filter(|id| now.contains(id)).collect();
                        assert!(now.iter().take(stayed.len()).eq(stayed), "the order has changed");
                        before = now;
                        before.len() >= THREADS * EACH
                    });
                });
            }
            assert!(opening.into_iter().all(|thread| thread.join().is_ok()));
        });
        assert_eq!(of_user(store), all(store));
    }

    #[test]
    fn consecutive_sessions_are_in_different_shards() {
        let store = Shards::default();
        for _ in 0..4 * SHARDS {
            open(&store);
        }
        assert!(store.sessions.iter().all(|shard| shard.lock().values().count() == 4));
    }

    /// Returns the result of `call`, which must not block. It runs in another thread, so that the test
    /// notices if it does.
    fn without_blocking<'s, T: Send + 's>(
        threads: &'s Scope<'s, '_>,
        call: impl FnOnce() -> T + Send + 's,
    ) -> T {
        let (sender, receiver) = mpsc::channel();
        threads.spawn(move || sender.send(call()));
        receiver.recv_timeout(TIMEOUT).expect("the call blocks")
    }

    #[test]
    fn a_session_is_visible_only_once_it_is_indexed_by_user() {
        let (store, opens) = (&Shards::default(), &AtomicBool::new(false));
        thread::scope(|threads| {
            let user = store.users("1");
            let opening = threads.spawn(|| {
                opens.store(true, Ordering::Relaxed);
                open(store)
            });
            wait_until(|| opens.load(Ordering::Relaxed));
            for _ in 0..1_000 {
                assert!(without_blocking(threads, || all(store).is_empty()));
            }
            drop(user);
            let id = opening.join().unwrap();
            assert_eq!(of_user(store), [id]);
        });
    }

    #[test]
    fn a_deleted_session_disappears_from_all_indexes_at_once() {
        let store = &Shards::default();
        let id = &*open(store);
        let slot = &store.get(id).unwrap();
        let is_deleted = |slot: &Slot| slot.read(|_| ()).is_none();
        thread::scope(|threads| {
            let user = store.users("1");
            let deleting = threads.spawn(|| store.remove(id).is_some());
            wait_until(|| without_blocking(threads, || is_deleted(slot)));
            assert!(without_blocking(threads, || all(store).is_empty()));
            assert!(without_blocking(threads, || store.get(id).is_none_or(|slot| is_deleted(&slot))));
            assert!(without_blocking(threads, || store.remove(id).is_none()));
            assert!(user["1"].values().all(|slot| is_deleted(slot)));
            drop(user);
            assert!(deleting.join().unwrap());
        });
        assert!(store.users("1").is_empty());
        assert!(store.get(id).is_none());
    }
}
