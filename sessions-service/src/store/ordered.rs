//! A lock that checks the order in which a thread takes several of them, in builds with debug assertions.

use super::sync::{Mutex, MutexGuard};
#[cfg(all(test, shuttle))]
use shuttle::thread_local;
#[cfg(debug_assertions)]
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// The position of a lock in the order: a thread takes a lock only if it comes after all that the thread holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The shard of a user.
    User,
    /// The number of the next session.
    Next,
    /// The shard of sessions with this index.
    Sessions(usize),
    /// A session.
    Session,
}

/// A mutex with a [`Rank`].
pub(super) struct Ordered<T> {
    mutex: Mutex<T>,
    #[cfg(debug_assertions)]
    rank: Rank,
}

impl<T> Ordered<T> {
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "the order is not checked"))]
    pub(super) fn new(rank: Rank, value: T) -> Self {
        Self {
            mutex: Mutex::new(value),
            #[cfg(debug_assertions)]
            rank,
        }
    }

    /// Locks the mutex even if it is poisoned: no thread leaves an incomplete change under a lock when it panics.
    ///
    /// # Panics
    ///
    /// With debug assertions, if the thread holds a lock that comes later in the order, or the same one.
    pub(super) fn lock(&self) -> Guard<'_, T> {
        Guard {
            #[cfg(debug_assertions)]
            _held: Held::new(self.rank),
            guard: self.mutex.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// The value of a locked mutex.
pub(super) struct Guard<'m, T> {
    guard: MutexGuard<'m, T>,
    #[cfg(debug_assertions)]
    _held: Held,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

#[cfg(debug_assertions)]
thread_local! {
    /// The ranks of the locks that the thread holds.
    static HELD: RefCell<Vec<Rank>> = const { RefCell::new(Vec::new()) };
}

/// An entry in [`HELD`].
#[cfg(debug_assertions)]
struct Held(Rank);

#[cfg(debug_assertions)]
impl Held {
    fn new(rank: Rank) -> Self {
        HELD.with(|held| {
            let mut held = held.borrow_mut();
            let last = held.iter().max();
            assert!(
                last < Some(&rank),
                "{rank:?} is locked after {last:?}, which is against the order of locks"
            );
            held.push(rank);
        });
        Self(rank)
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        HELD.with(|held| {
            let mut held = held.borrow_mut();
            if let Some(at) = held.iter().rposition(|rank| *rank == self.0) {
                held.remove(at);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Ordered, Rank};

    fn locks() -> [Ordered<()>; 5] {
        let ranks = [Rank::User, Rank::Next, Rank::Sessions(0), Rank::Sessions(1), Rank::Session];
        ranks.map(|rank| Ordered::new(rank, ()))
    }

    #[test]
    fn locks_can_be_taken_in_their_order_and_released_in_any() {
        let [user, next, first, second, session] = &locks();
        let (user, next) = (user.lock(), next.lock());
        let first = first.lock();
        drop(next);
        let session = session.lock();
        drop((session, user));
        let second = second.lock();
        drop((first, second));
        assert!(locks().iter().map(Ordered::lock).count() == 5);
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "Sessions(0) is locked after Some(Sessions(1))")]
    fn a_lock_that_comes_earlier_in_the_order_is_reported() {
        let [.., first, second, _] = &locks();
        let _second = second.lock();
        let _first = first.lock();
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "Session is locked after Some(Session)")]
    fn two_locks_of_the_same_rank_are_reported() {
        let [.., session] = &locks();
        let [.., other] = &locks();
        let _session = session.lock();
        let _other = other.lock();
    }
}
