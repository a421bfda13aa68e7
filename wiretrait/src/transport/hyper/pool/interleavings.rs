//! Models of calls that take idle connections and return them, while expired ones are closed.

use super::{Pool, Pooled};
use interleavings::{check, join, scheduling_point, spawn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A pool, and the connections that were opened for it.
struct Calls {
    pool: Arc<Pool<Connection>>,
    opened: AtomicUsize,
    closed: Arc<AtomicUsize>,
}

/// A connection that processes one call at a time, and counts its end.
struct Connection {
    is_used: AtomicBool,
    /// True if it may be idle only for a moment.
    is_short: bool,
    closed: Arc<AtomicUsize>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        assert!(!*self.is_used.get_mut(), "a connection is closed during a call");
        self.closed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Calls {
    fn new(max_idle: usize) -> Arc<Self> {
        let pool = Arc::new(Pool::new(MINUTE, MINUTE, max_idle));
        Arc::new(Self { pool, opened: AtomicUsize::new(0), closed: Arc::default() })
    }

    fn open(&self, is_short: bool) -> Pooled<Connection> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let closed = Arc::clone(&self.closed);
        self.pool.adopt(Connection { is_used: AtomicBool::new(false), is_short, closed })
    }

    fn put(&self, pooled: Pooled<Connection>) {
        let limit = pooled.connection.is_short.then_some(Duration::from_nanos(1));
        self.pool.put(pooled, limit);
    }

    /// Makes a call over an idle connection, or a new one.
    fn call(&self) {
        let pooled = self.pool.take().unwrap_or_else(|| self.open(false));
        let Connection { is_used, is_short, .. } = &pooled.connection;
        assert!(!is_short, "a connection is used after it has expired");
        assert!(!is_used.swap(true, Ordering::Relaxed), "two calls have the same connection");
        scheduling_point();
        is_used.store(false, Ordering::Relaxed);
        self.put(pooled);
    }

    fn idle(&self) -> usize {
        self.pool.lock().connections.len()
    }

    fn opened_and_closed(&self) -> [usize; 2] {
        [&self.opened, &*self.closed].map(|count| count.load(Ordering::Relaxed))
    }
}

#[test]
fn a_connection_has_one_call_at_a_time_and_none_is_lost() {
    check(|| {
        let calls = Calls::new(usize::MAX);
        join([(); 3].map(|()| spawn(&calls, |calls| [(); 2].map(|()| calls.call()))));
        let [opened, closed] = calls.opened_and_closed();
        assert!(opened <= 3, "no connection is opened while one is idle");
        assert_eq!((calls.idle(), closed), (opened, 0));
    });
}

#[test]
fn the_pool_closes_the_connections_that_it_has_no_room_for() {
    check(|| {
        let calls = Calls::new(1);
        let calling = [(); 3].map(|()| spawn(&calls, Calls::call));
        assert!(calls.idle() <= 1);
        join(calling);
        let [opened, closed] = calls.opened_and_closed();
        assert_eq!((calls.idle(), closed), (1, opened - 1));
    });
}

#[test]
fn expired_connections_are_closed_and_others_are_not() {
    check(|| {
        let calls = Calls::new(usize::MAX);
        calls.put(calls.open(true));
        let clean_up =
            |calls: &Calls| assert!(calls.pool.close_expired().is_none_or(|next| Instant::now() < next));
        join([spawn(&calls, Calls::call), spawn(&calls, Calls::call), spawn(&calls, clean_up)]);
        let [opened, closed] = calls.opened_and_closed();
        assert_eq!((calls.idle(), closed), (opened - 1, 1));
    });
}
