//! Models of threads that share a store, which shuttle runs in many orders: `interleavings/run`.

use super::shards::Shards;
use super::stored::{Change, StoredSession};
use chrono::{DateTime, Utc};
use interleavings::{check, join, spawn};
use sessions_client::SessionV1;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A store with a clock that advances whenever it is read.
#[derive(Default)]
struct Store {
    shards: Shards,
    clock: AtomicI64,
}

impl Store {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.clock.fetch_add(1, Ordering::Relaxed)).unwrap()
    }

    fn open(&self, user_id: &str) -> String {
        let new = |user_id: Option<&str>, now| StoredSession::new(user_id, [None; 3], [None; 2], now);
        self.shards.open(Some(user_id.to_owned()), || self.now(), new, |session| read(session).id)
    }

    fn close(&self, id: &str) -> bool {
        let close = |session: &mut StoredSession| session.change(&Change::Close, self.now());
        self.shards.get(id).and_then(|slot| slot.change(close)).is_some()
    }

    fn delete(&self, id: &str) -> bool {
        self.shards.remove(id).is_some()
    }

    fn all(&self) -> Vec<SessionV1> {
        let mut sessions = Vec::new();
        self.shards.for_each(|session| {
            sessions.push(read(session));
            ControlFlow::Continue(())
        });
        sessions
    }

    fn of_user(&self, user_id: &str) -> Vec<SessionV1> {
        let mut sessions = Vec::new();
        self.shards.for_each_of_user(user_id, |session| {
            sessions.push(read(session));
            ControlFlow::Continue(())
        });
        sessions
    }
}

fn read(session: &StoredSession) -> SessionV1 {
    serde_json::from_slice(session.json()).unwrap()
}

fn ids(sessions: &[SessionV1]) -> Vec<&str> {
    sessions.iter().map(|session| &*session.id).collect()
}

#[test]
fn a_session_is_never_listed_before_one_that_was_listed_earlier() {
    check(|| {
        let store = Arc::new(Store::default());
        let opening = ["1", "2"].map(|user_id| spawn(&store, move |store| store.open(user_id)));
        let earlier = store.all();
        let later = store.all();
        assert!(ids(&later).starts_with(&ids(&earlier)));
        join(opening);
        let all = store.all();
        assert!(ids(&all).starts_with(&ids(&later)));
        assert!(all.is_sorted_by_key(|session| session.open_time));
        assert_eq!((all.len(), store.shards.len()), (2, 2));
    });
}

#[test]
fn a_listed_session_is_also_in_the_list_of_its_user() {
    check(|| {
        let store = Arc::new(Store::default());
        let opening = [(); 2].map(|()| spawn(&store, |store| store.open("1")));
        let all = store.all();
        assert!(ids(&store.of_user("1")).starts_with(&ids(&all)));
        join(opening);
        assert_eq!(ids(&store.of_user("1")), ids(&store.all()));
    });
}

#[test]
fn a_session_is_deleted_by_one_thread_and_then_in_no_list() {
    check(|| {
        let store = Arc::new(Store::default());
        let (id, other) = (store.open("1"), store.open("1"));
        let delete = |id: String| {
            move |store: &Store| {
                let is_deleted = store.delete(&id);
                assert!(!ids(&store.all()).contains(&&*id));
                assert!(!ids(&store.of_user("1")).contains(&&*id));
                assert!(!store.close(&id));
                is_deleted
            }
        };
        let deleting = [&id, &id, &other].map(|id| spawn(&store, delete(id.clone())));
        let [first, second, third] = join(deleting);
        assert!(first != second && third);
        assert_eq!((store.shards.len(), store.all()), (0, Vec::new()));
    });
}

#[test]
fn calls_of_all_kinds_end_and_leave_equal_lists() {
    check(|| {
        let store = Arc::new(Store::default());
        let kept = store.open("1");
        let deleted = store.open("1");
        let calls = [
            spawn(&store, move |store| assert!(store.delete(&deleted))),
            spawn(&store, |store| drop(store.open("1"))),
            spawn(&store, |store| {
                store.shards.change_all(|session| session.change(&Change::Close, store.now()));
            }),
            spawn(&store, move |store| assert!(store.close(&kept))),
        ];
        assert!(store.all().is_sorted_by_key(|session| session.open_time));
        join(calls);
        assert_eq!(store.all(), store.of_user("1"));
        assert_eq!(store.shards.len(), 2);
    });
}
