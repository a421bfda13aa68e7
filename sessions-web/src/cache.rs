//! A short cache of sessions, for pages whose requests come in quick succession.

use crate::open::lock;
use crate::shared::Latest;
use crate::sync::Mutex;
use lru::LruCache;
use sessions_client::Timestamp;
use std::num::NonZeroUsize;
use std::time::Duration;

/// The number of sessions in the cache. The least recently used one is dropped.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// A cache of sessions that were read less than `max_staleness` ago.
pub(crate) struct Cache {
    max_staleness: Duration,
    state: Mutex<State>,
}

struct State {
    /// Each with the time before its read.
    sessions: LruCache<String, (Latest, Timestamp)>,
    /// The number of writes so far. A read that overlaps with a write is not kept, because it may be older.
    writes: u64,
}

/// The time and the number of writes before a read.
#[derive(Clone, Copy)]
pub(crate) struct ReadStart {
    time: Timestamp,
    writes: u64,
}

impl Cache {
    pub(crate) fn new(max_staleness: Duration) -> Self {
        let state = State { sessions: LruCache::new(CAPACITY), writes: 0 };
        Self { max_staleness, state: Mutex::new(state) }
    }

    pub(crate) fn get(&self, id: &str, now: Timestamp) -> Option<Latest> {
        let mut state = lock(&self.state);
        let (latest, read_time) = state.sessions.get(id)?;
        // An error: the clock has stepped back, so the age is not known.
        let age = now.signed_duration_since(*read_time).to_std().ok();
        if age.is_some_and(|age| age < self.max_staleness) {
            return Some(latest.clone());
        }
        state.sessions.pop(id);
        None
    }

    pub(crate) fn start_read(&self, now: Timestamp) -> ReadStart {
        ReadStart { time: now, writes: lock(&self.state).writes }
    }

    /// Keeps a session that was read after `start`, unless there was a write meanwhile.
    pub(crate) fn finish_read(&self, start: ReadStart, latest: &Latest) {
        let mut state = lock(&self.state);
        if state.writes == start.writes {
            state.sessions.put(latest.session.id.clone(), (latest.clone(), start.time));
        }
    }

    /// Drops a session that this process has written, or that has ended.
    pub(crate) fn invalidate(&self, id: &str) {
        let mut state = lock(&self.state);
        state.writes += 1;
        state.sessions.pop(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::AsOf;
    use chrono::{TimeDelta, TimeZone, Utc};
    use sessions_client::SessionV1;

    fn at(seconds: i64) -> Timestamp {
        Utc.timestamp_opt(1_700_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
    }

    fn session() -> Latest {
        // The response has arrived three seconds after the start of the read.
        Latest { session: SessionV1::new("a", at(0)), as_of: AsOf { time: at(3), writes: 0 } }
    }

    fn cache_with_session() -> Cache {
        let cache = Cache::new(Duration::from_secs(5));
        cache.finish_read(cache.start_read(at(0)), &session());
        cache
    }

    #[test]
    fn a_session_is_dropped_at_the_maximum_staleness() {
        let cache = cache_with_session();
        assert!(cache.get("a", at(4)).is_some());
        assert!(cache.get("a", at(5)).is_none());
    }

    #[test]
    fn a_session_is_dropped_if_the_clock_has_stepped_back() {
        assert!(cache_with_session().get("a", at(-1)).is_none());
    }

    #[test]
    fn a_write_drops_the_session() {
        let cache = cache_with_session();
        cache.invalidate("a");
        assert!(cache.get("a", at(0)).is_none());
    }

    #[test]
    fn a_read_that_overlaps_with_a_write_is_not_kept() {
        let cache = cache_with_session();
        let start = cache.start_read(at(0));
        cache.invalidate("a");
        cache.finish_read(start, &session());
        assert!(cache.get("a", at(1)).is_none());
    }
}
