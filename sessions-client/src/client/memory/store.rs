//! Sessions in the order of their opening, found by id and by user without a search, and changed by many at once.
//!
//! There is no lock over everything. Sessions are numbered, and their shards take turns; each user is in a shard of
//! its own id. Locks are taken in this order: a user's shard, the one of the number that comes next, shards of sessions in
//! their order, a session. Who opens a session draws its number while all that leads to it is locked, so that no list
//! has a session before one that it has shown; who looks at all sessions has all but the first; and nobody who has a
//! session's waits.
//!
//! The clock is read under the lock of the next number when a session is opened, and under that of the session when
//! it is changed. Sessions are therefore listed in the order of their `open_time`, and no `request_time` decreases.
//!
//! A session that is deleted is first taken out of where it is kept, and is gone for everybody with that. What led to it
//! is cleared after that.
//!
//! Where there are many sessions, what costs is memory that no cache holds. So an id tells the number of its session, which
//! leads to it without a table of ids, and a user has the sessions themselves. The hash is a fast one: whoever chooses ids of
//! users that collide slows down a double.

use super::blocks::{Blocks, PLACES, turn};
use super::kept::Kept;
use crate::client::ids;
use crate::data::Timestamp;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// More than there are threads on most machines.
const SHARDS: usize = 32;

/// How many of a user's sessions are copied while others wait to open and delete: the largest page.
const AT_ONCE: usize = 100;

pub(super) struct Store {
    sessions: [Mutex<Blocks<Arc<Session>>>; SHARDS],
    users: [Mutex<Users>; SHARDS],
    /// Leads from a user to a shard.
    hasher: RandomState,
    next: Mutex<Next>,
    length: AtomicUsize,
}

/// What the session that is opened next needs.
struct Next {
    number: u64,
    /// The latest `open_time` so far: that of the next session is no earlier, even if the clock steps back.
    time: Timestamp,
}

/// The sessions of each user, by their numbers.
type Users = HashMap<String, BTreeMap<u64, Arc<Session>>, RandomState>;

/// The place of a session.
pub(super) struct Session {
    id: Uuid,
    user_id: Option<String>,
    /// None once it is deleted.
    kept: Mutex<Option<Kept>>,
}

impl Session {
    pub(super) fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// What `look` makes of the session, if it is still there.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Kept) -> T) -> Option<T> {
        lock(&self.kept).as_ref().map(look)
    }

    /// What `change` makes of the session, if it is still there.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        lock(&self.kept).as_mut().map(change)
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            sessions: std::array::from_fn(|_| Mutex::default()),
            users: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
            next: Mutex::new(Next { number: 0, time: Timestamp::MIN_UTC }),
            length: AtomicUsize::new(0),
        }
    }
}

impl Store {
    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Keeps the session of `user_id` that `opened` makes, still without an id, for the time of `clock`, and returns what
    /// `look` makes of it once it has one.
    pub(super) fn open<T>(
        &self,
        user_id: Option<String>,
        clock: impl FnOnce() -> Timestamp,
        opened: impl FnOnce(Option<&str>, Timestamp) -> Kept,
        look: impl FnOnce(&Kept) -> T,
    ) -> T {
        let mut users = user_id.as_ref().map(|user_id| self.users(user_id));
        let mut next = lock(&self.next);
        let time = clock().max(next.time);
        let number = next.number;
        *next = Next { number: number + 1, time };
        let (mut shard, place) = self.shard(number);
        drop(next);
        let id = ids::numbered(number);
        let mut kept = opened(user_id.as_deref(), time);
        kept.set_id(id);
        let seen = look(&kept);
        let session = Arc::new(Session { id, user_id, kept: Mutex::new(Some(kept)) });
        if let (Some(users), Some(user_id)) = (&mut users, session.user_id()) {
            match users.get_mut(user_id) {
                Some(sessions) => drop(sessions.insert(number, Arc::clone(&session))),
                None => {
                    users.insert(user_id.to_owned(), BTreeMap::from([(number, Arc::clone(&session))]));
                }
            }
        }
        shard.insert(place, session);
        self.length.fetch_add(1, Ordering::Relaxed);
        seen
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Session>> {
        let id = ids::read(id)?;
        let (shard, place) = self.shard(ids::number(id));
        shard.get(place).filter(|session| session.id == id).cloned()
    }

    /// Deletes a session, and returns it.
    pub(super) fn remove(&self, id: &str) -> Option<Kept> {
        let session = self.get(id)?;
        let kept = lock(&session.kept).take()?;
        self.length.fetch_sub(1, Ordering::Relaxed);
        let number = ids::number(session.id);
        if let Some(user_id) = session.user_id() {
            let mut users = self.users(user_id);
            if let Some(sessions) = users.get_mut(user_id) {
                sessions.remove(&number);
                if sessions.is_empty() {
                    users.remove(user_id);
                }
            }
        }
        let (mut shard, place) = self.shard(number);
        shard.remove(place);
        Some(kept)
    }

    /// Shows all sessions to `look`, in their order, until it has seen enough.
    pub(super) fn all(&self, mut look: impl FnMut(&Kept) -> Look) {
        let _next = lock(&self.next);
        let shards: Vec<_> = self.sessions.iter().map(lock).collect();
        let next_block = |from| shards.iter().filter_map(|shard| shard.next_block(from)).min();
        let mut next = next_block(0);
        let mut blocks = Vec::with_capacity(SHARDS);
        while let Some(number) = next {
            blocks.clear();
            blocks.extend(shards.iter().map(|shard| shard.block(number)).filter(|block| !block.is_empty()));
            // Numbers go from shard to shard, and then to the next place in all of them.
            for place in 0..PLACES {
                for session in blocks.iter().filter_map(|block| block[place].as_ref()) {
                    if session.look(&mut look) == Some(Look::Enough) {
                        return;
                    }
                }
            }
            next = next_block(number + 1);
        }
    }

    /// Shows those of a user to `look`, in their order, until it has seen enough.
    pub(super) fn of_user(&self, user_id: &str, mut look: impl FnMut(&Kept) -> Look) {
        let mut from = 0;
        loop {
            let next: Vec<Arc<Session>> = match self.users(user_id).get(user_id) {
                Some(sessions) => {
                    sessions.range(from..).take(AT_ONCE).map(|(_, session)| Arc::clone(session)).collect()
                }
                None => return,
            };
            if next.iter().any(|session| session.look(&mut look) == Some(Look::Enough)) {
                return;
            }
            match next.last() {
                Some(last) if next.len() == AT_ONCE => from = ids::number(last.id) + 1,
                _ => return,
            }
        }
    }

    /// Changes all sessions, in no order.
    pub(super) fn change_all(&self, mut change: impl FnMut(&mut Kept)) {
        for shard in &self.sessions {
            // Copied, since who opens a session waits for its shard, and others for them.
            let sessions: Vec<_> = lock(shard).values().cloned().collect();
            for session in sessions {
                session.change(&mut change);
            }
        }
    }

    /// The shard that has the number, and the place there. One has its turn after the other, so that those who open at once
    /// wait for each other only while a number is drawn.
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
    use super::{AT_ONCE, Kept, Look, PLACES, SHARDS, Session, Store, lock};
    use crate::client::ids::{number, numbered, read, written};
    use crate::data::SessionV1;
    use chrono::Utc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread::{self, Scope};
    use std::time::{Duration, Instant};

    const SOON: Duration = Duration::from_secs(30);

    fn id_of(kept: &Kept) -> String {
        serde_json::from_slice::<SessionV1>(kept.json()).unwrap().id
    }

    fn open(store: &Store) -> String {
        let opened = |user_id: Option<&str>, now| Kept::opened(user_id, [None; 3], [None; 2], now);
        store.open(Some("1".to_owned()), Utc::now, opened, id_of)
    }

    fn ids(list: impl FnOnce(&mut dyn FnMut(&Kept) -> Look)) -> Vec<String> {
        let mut ids = Vec::new();
        list(&mut |kept| {
            ids.push(id_of(kept));
            Look::GoOn
        });
        ids
    }

    fn all(store: &Store) -> Vec<String> {
        ids(|look| store.all(look))
    }

    fn of_user(store: &Store) -> Vec<String> {
        ids(|look| store.of_user("1", look))
    }

    /// Waits until it holds, which it does soon.
    fn until(mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + SOON;
        while !holds() {
            assert!(Instant::now() < end, "it does not come to that");
            thread::yield_now();
        }
    }

    #[test]
    fn the_sessions_of_a_user_are_shown_in_their_order_until_there_are_enough() {
        for count in [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE] {
            let store = Store::default();
            let ids: Vec<String> = (0..count).map(|_| open(&store)).collect();
            for enough in [1, AT_ONCE, AT_ONCE + 1, usize::MAX] {
                let mut shown = Vec::new();
                store.of_user("1", |kept| {
                    shown.push(id_of(kept));
                    if shown.len() < enough { Look::GoOn } else { Look::Enough }
                });
                assert_eq!(shown, ids[..enough.min(count)], "{enough} of {count}");
            }
        }
    }

    #[test]
    fn all_sessions_are_shown_in_their_order_whichever_are_gone() {
        for keeps in [|_| true, |at| at % 2 == 1, |at| at % 97 > 95, |at| at > 5_990, |_| false]
            as [fn(usize) -> bool; 5]
        {
            let store = Store::default();
            // Two blocks of every shard, and most of a third.
            let ids: Vec<String> = (0..6_000).map(|_| open(&store)).collect();
            assert!(ids.len() > SHARDS * PLACES * 5 / 2);
            let (kept, gone): (Vec<_>, Vec<_>) = (0..ids.len()).partition(|&at| keeps(at));
            for at in gone {
                assert_eq!(store.remove(&ids[at]).map(|kept| id_of(&kept)).as_ref(), Some(&ids[at]));
            }
            let expected: Vec<&String> = kept.into_iter().map(|at| &ids[at]).collect();
            assert_eq!(all(&store).iter().collect::<Vec<_>>(), expected);
            assert_eq!(store.len(), expected.len());
        }
    }

    #[test]
    fn an_id_that_only_tells_the_number_of_a_session_is_unknown() {
        let store = Store::default();
        let id = open(&store);
        let other = written(numbered(number(read(&id).unwrap())));
        assert!(store.get(&other).is_none());
        assert!(store.remove(&other).is_none());
        assert!(store.get(&id).is_some());
    }

    #[test]
    fn what_others_open_comes_behind_what_a_list_has_shown() {
        const THREADS: usize = 4;
        const EACH: usize = 200;
        let store = &Store::default();
        let open_and_delete = || {
            for _ in 0..EACH {
                let goes = open(store);
                open(store);
                assert!(store.remove(&goes).is_some());
            }
        };
        thread::scope(|threads| {
            let opening: Vec<_> = (0..THREADS).map(|_| threads.spawn(open_and_delete)).collect();
            for list in [all, of_user] {
                threads.spawn(move || {
                    let mut before = Vec::new();
                    until(|| {
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
    fn sessions_are_opened_in_one_shard_after_the_other() {
        let store = Store::default();
        for _ in 0..4 * SHARDS {
            open(&store);
        }
        assert!(store.sessions.iter().all(|shard| lock(shard).values().count() == 4));
    }

    /// What `ask` finds, which waits for nobody. Asked by another thread, so that one that waits all the same is noticed.
    fn at_once<'s, T: Send + 's>(threads: &'s Scope<'s, '_>, ask: impl FnOnce() -> T + Send + 's) -> T {
        let (sender, receiver) = mpsc::channel();
        threads.spawn(move || sender.send(ask()));
        receiver.recv_timeout(SOON).expect("nobody has to wait")
    }

    #[test]
    fn a_session_is_seen_by_nobody_before_its_user_has_it() {
        let (store, opens) = (&Store::default(), &AtomicBool::new(false));
        thread::scope(|threads| {
            let user = store.users("1");
            let opening = threads.spawn(|| {
                opens.store(true, Ordering::Relaxed);
                open(store)
            });
            until(|| opens.load(Ordering::Relaxed));
            for _ in 0..1_000 {
                assert!(at_once(threads, || all(store).is_empty()));
            }
            drop(user);
            let id = opening.join().unwrap();
            assert_eq!(of_user(store), [id]);
        });
    }

    #[test]
    fn a_session_that_is_deleted_is_gone_for_everybody_at_once() {
        let store = &Store::default();
        let id = &*open(store);
        let place = &store.get(id).unwrap();
        let is_gone = |place: &Session| place.look(|_| ()).is_none();
        thread::scope(|threads| {
            let user = store.users("1");
            let deleting = threads.spawn(|| store.remove(id).is_some());
            until(|| at_once(threads, || is_gone(place)));
            assert!(at_once(threads, || all(store).is_empty()));
            assert!(at_once(threads, || store.get(id).is_none_or(|place| is_gone(&place))));
            assert!(at_once(threads, || store.remove(id).is_none()));
            assert!(user["1"].values().all(|place| is_gone(place)));
            drop(user);
            assert!(deleting.join().unwrap());
        });
        assert!(store.users("1").is_empty());
        assert!(store.get(id).is_none());
    }
}
