//! Models of calls that wait for permits, are given up, and change the limit.

use super::{Adaptive, Error, ErrorKind, Limit, Limited, Patience, Permits, Response, Search, lock};
use crate::sync::Mutex;
use interleavings::{canceled_after, check, join, scheduling_point, spawn};
use shuttle::future::{block_on, yield_now};
use shuttle::rand::{Rng, thread_rng};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{AcquireError, TryAcquireError};

/// The semaphore of tokio, with a scheduling point before each operation.
pub(super) struct Semaphore(tokio::sync::Semaphore);

pub(super) struct SemaphorePermit<'s>(Option<tokio::sync::SemaphorePermit<'s>>);

impl Semaphore {
    pub(super) const MAX_PERMITS: usize = tokio::sync::Semaphore::MAX_PERMITS;

    pub(super) fn new(permits: usize) -> Self {
        Self(tokio::sync::Semaphore::new(permits))
    }

    fn scheduled(&self) -> &tokio::sync::Semaphore {
        scheduling_point();
        &self.0
    }

    pub(super) fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.scheduled().try_acquire().map(|permit| SemaphorePermit(Some(permit)))
    }

    pub(super) async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.scheduled().acquire().await.map(|permit| SemaphorePermit(Some(permit)))
    }

    pub(super) fn available_permits(&self) -> usize {
        self.scheduled().available_permits()
    }

    pub(super) fn add_permits(&self, permits: usize) {
        self.scheduled().add_permits(permits);
    }

    pub(super) fn forget_permits(&self, permits: usize) -> usize {
        self.scheduled().forget_permits(permits)
    }
}

impl SemaphorePermit<'_> {
    pub(super) fn forget(mut self) {
        scheduling_point();
        if let Some(permit) = self.0.take() {
            permit.forget();
        }
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        if self.0.is_some() {
            scheduling_point();
        }
    }
}

const NO_END: Patience = Patience { end: None, own_end: None };

/// Permits, and the calls that have one.
struct Load {
    permits: Permits,
    /// The most calls that may run at once.
    greatest: usize,
    running: AtomicUsize,
}

impl Load {
    fn new(permits: usize, limit: Limit, greatest: usize) -> Arc<Self> {
        let limited = Limited { semaphore: Semaphore::new(permits), limit };
        let permits = Permits(Some(Arc::new(limited)));
        Arc::new(Self { permits, greatest, running: AtomicUsize::new(0) })
    }

    fn fixed(limit: usize) -> Arc<Self> {
        Self::new(limit, Limit::Fixed(limit), limit)
    }

    /// Returns a load with an adaptive limit that is never more than `greatest`.
    fn adaptive(limit: usize, greatest: usize) -> Arc<Self> {
        let mut search = Search::new();
        search.set_limit(limit);
        let adaptive = Adaptive { search, count: limit, surplus: 0 };
        Self::new(limit, Limit::Adaptive(Box::new(Mutex::new(adaptive))), greatest)
    }

    fn limited(&self) -> &Limited {
        self.permits.0.as_ref().unwrap()
    }

    fn adaptive_limit(&self) -> &Mutex<Adaptive> {
        match &self.limited().limit {
            Limit::Adaptive(adaptive) => adaptive,
            Limit::Fixed(_) => panic!("the limit is fixed"),
        }
    }

    /// Makes a call, which fails the model if too many run at once.
    fn call(&self) -> impl Future<Output = Result<Response, Error>> {
        let late = || Error::new(ErrorKind::Timeout, "late");
        self.permits.attempt(NO_END, late, |_| {
            Box::pin(async {
                let running = Running::start(self);
                if thread_rng().r#gen() {
                    yield_now().await;
                } else {
                    scheduling_point();
                }
                drop(running);
                Ok(Response::default())
            })
        })
    }

    /// Returns the limit, and the numbers of permits that are free and that will be removed.
    fn state(&self) -> [usize; 3] {
        let adaptive = lock(self.adaptive_limit());
        [adaptive.count, self.limited().semaphore.available_permits(), adaptive.surplus]
    }
}

/// A call that has a permit.
struct Running<'l>(&'l AtomicUsize);

impl<'l> Running<'l> {
    fn start(load: &'l Load) -> Self {
        let before = load.running.fetch_add(1, Ordering::Relaxed);
        assert!(before < load.greatest, "more calls than the limit run at once");
        Self(&load.running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn complete(load: &Load) {
    assert!(block_on(load.call()).is_ok());
}

#[test]
fn calls_never_exceed_the_limit_and_none_waits_forever() {
    check(|| {
        let load = Load::fixed(2);
        join([(); 4].map(|()| spawn(&load, complete)));
        assert_eq!(load.limited().semaphore.available_permits(), 2);
    });
}

#[test]
fn calls_that_are_given_up_return_their_permits() {
    check(|| {
        let load = Load::fixed(1);
        let give_up = |polls| move |load: &Load| drop(block_on(canceled_after(polls, load.call())));
        let calls = [spawn(&load, complete), spawn(&load, give_up(1)), spawn(&load, give_up(2))];
        complete(&load);
        join(calls);
        assert_eq!(load.limited().semaphore.available_permits(), 1);
    });
}

/// Changes the limit, as the outcome of the call does that follows.
fn change(limit: usize) -> impl FnOnce(&Load) {
    move |load| {
        lock(load.adaptive_limit()).search.set_limit(limit);
        complete(load);
    }
}

#[test]
fn an_adaptive_limit_has_as_many_permits_as_it_allows_calls() {
    check(|| {
        let load = Load::adaptive(2, 3);
        let give_up = |load: &Load| drop(block_on(canceled_after(1, load.call())));
        let calls = [spawn(&load, change(1)), spawn(&load, change(3)), spawn(&load, give_up)];
        complete(&load);
        join(calls);
        let limit = lock(load.adaptive_limit()).search.limit();
        assert_eq!(load.state(), [limit, limit, 0]);
    });
}

#[test]
fn permits_that_are_returned_while_the_limit_decreases_are_removed() {
    check(|| {
        let load = Load::adaptive(3, 3);
        join([spawn(&load, change(1)), spawn(&load, complete), spawn(&load, complete)]);
        assert_eq!(load.state(), [1, 1, 0]);
    });
}

#[test]
fn permits_that_are_added_while_the_limit_decreases_are_removed() {
    check(|| {
        let load = Load::adaptive(1, 3);
        join([spawn(&load, change(3)), spawn(&load, change(1))]);
        let limit = lock(load.adaptive_limit()).search.limit();
        assert_eq!(load.state(), [limit, limit, 0]);
    });
}

#[test]
fn waiting_calls_continue_when_the_limit_grows() {
    check(|| {
        let load = Load::adaptive(1, 3);
        join([spawn(&load, complete), spawn(&load, complete), spawn(&load, change(3))]);
        assert_eq!(load.state(), [3, 3, 0]);
    });
}
