//! Locks that ignore poisoning, and atomics: those of std, or those of shuttle in models of interleavings.

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError, atomic};
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, atomic};

/// Locks `mutex` even if a thread panicked while holding it. Everything behind a lock of the load test is a
/// count or a collection that is valid after every statement, and the results of a broken run are reported as
/// well.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
