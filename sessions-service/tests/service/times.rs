//! The times of sessions: their order, expiry, and a clock that is set back or slow.

use super::Embedded;
use axum::Router;
use axum::body::Body;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sessions_service::{SessionStore, router};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use tower::ServiceExt;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

/// Returns the time as the service writes it.
fn json_at(second: i64) -> Value {
    json!(at(second).to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Returns a clock that advances by a second for each reading.
fn ticking() -> impl Fn() -> DateTime<Utc> + Send + Sync {
    let seconds = AtomicI64::new(0);
    move || at(seconds.fetch_add(1, Ordering::Relaxed))
}

/// Returns a clock whose readings are the given times.
fn scripted<const N: usize>(seconds: [i64; N]) -> impl Fn() -> DateTime<Utc> + Send + Sync {
    let readings = AtomicI64::new(0);
    move || at(seconds[usize::try_from(readings.fetch_add(1, Ordering::Relaxed)).unwrap()])
}

/// Calls a command on the current thread.
fn call(router: &Router, command: &str, arguments: &Value) -> Value {
    let request = Request::post(format!("/v1/sessions/{command}"))
        .header("content-type", "application/json")
        .body(Body::from(arguments.to_string()))
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() }
}

fn open(router: &Router, user_id: &str) -> Value {
    call(router, "open_session", &json!({ "user_id": user_id }))
}

#[tokio::test]
async fn a_change_sets_request_time_and_reading_does_not() {
    let embedded = Embedded::with(SessionStore::new().with_clock(ticking())).await;
    let id = embedded.open("u").await["id"].clone();
    let arguments = json!({ "session_id": id, "user": "x", "data": 1 });
    let stored = embedded.ok("store_session_data", &arguments).await;
    assert_eq!((&stored["open_time"], &stored["request_time"]), (&json_at(0), &json_at(1)));
    let updated = embedded.ok("update_session_user", &arguments).await;
    assert_eq!((&updated["request_time"], &updated["user"]), (&json_at(2), &json!("x")));
    assert_eq!(embedded.ok("get_session_by_id", &arguments).await, updated);
    let closed = embedded.ok("close_session", &arguments).await;
    assert_eq!((&closed["request_time"], &closed["close_time"]), (&json_at(3), &json_at(3)));
}

#[tokio::test]
async fn time_filters_are_reversed_like_in_the_service() {
    let embedded = Embedded::with(SessionStore::new().with_clock(ticking())).await;
    for user in ["0", "1", "2", "3"] {
        embedded.open(user).await;
    }
    for (filter, expected) in [
        (json!({ "from_time": json_at(2) }), &["0", "1"][..]),
        (json!({ "to_time": json_at(2) }), &["2", "3"]),
        (json!({ "from_time": json_at(1), "to_time": json_at(3) }), &[]),
        (json!({ "from_time": json_at(3), "to_time": json_at(1) }), &["1", "2"]),
    ] {
        assert_eq!(embedded.users(filter.clone()).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn sessions_without_changes_for_too_long_expire() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let sessions = SessionStore::new()
        .with_clock(move || at(clock.load(Ordering::Relaxed)))
        .with_expire_timeout(TimeDelta::seconds(60));
    let embedded = Embedded::with(sessions).await;
    embedded.open("old").await;
    now.store(30, Ordering::Relaxed);
    embedded.open("young").await;
    now.store(60, Ordering::Relaxed);
    embedded.ok("close_expired_sessions", &json!({})).await;
    assert_eq!(embedded.users(json!({ "active": true })).await, ["old", "young"], "exactly the timeout");
    now.store(61, Ordering::Relaxed);
    embedded.ok("close_expired_sessions", &json!({})).await;
    assert_eq!(embedded.users(json!({ "active": true })).await, ["young"]);
    let page = embedded.ok("get_sessions", &json!({ "filter": { "user_id": "old" } })).await;
    let expired = &page["data"][0];
    assert_eq!((&expired["request_time"], &expired["close_time"]), (&json_at(61), &json_at(61)));
}

#[tokio::test]
async fn no_session_expires_with_the_maximum_timeout() {
    let embedded = Embedded::with(SessionStore::new().with_expire_timeout(TimeDelta::MAX)).await;
    embedded.open("u").await;
    embedded.ok("close_expired_sessions", &json!({})).await;
    assert_eq!(embedded.users(json!({ "active": true })).await, ["u"]);
}

#[test]
fn request_time_never_decreases_even_if_the_clock_is_set_back() {
    let router = router(SessionStore::new().with_clock(scripted([10, 20, 15, 5, 12, 21])));
    let id = open(&router, "u")["id"].clone();
    let arguments = json!({ "session_id": id, "user": 1, "data": 1 });
    for (command, request_time, close_time) in [
        ("store_session_data", 20, None),
        ("update_session_user", 20, None),
        ("close_session", 20, Some(20)),
        ("store_session_data", 20, Some(20)),
        ("close_session", 21, Some(21)),
    ] {
        let session = call(&router, command, &arguments);
        assert_eq!((&session["open_time"], &session["request_time"]), (&json_at(10), &json_at(request_time)));
        assert_eq!(session.get("close_time"), close_time.map(json_at).as_ref(), "{command}");
    }
}

#[test]
fn open_time_follows_the_list_order_even_if_the_clock_is_set_back() {
    let router = router(SessionStore::new().with_clock(scripted([-1_000_000_000, 3, 1, 2, 4])));
    for user in ["a", "b", "a", "c", "b"] {
        let opened = open(&router, user);
        assert_eq!(opened["request_time"], opened["open_time"]);
    }
    let page = call(&router, "get_sessions", &json!({}));
    let times: Vec<_> =
        page["data"].as_array().unwrap().iter().map(|session| &session["open_time"]).collect();
    assert_eq!(times, [-1_000_000_000, 3, 3, 3, 4].map(json_at).each_ref());
}

/// Returns the results of the calls `slow` and `other`. The clock delays `slow` after it has read the time,
/// until `other` has returned or is blocked.
fn with_slow_clock<T: Send>(
    slow: impl FnOnce(&Router) -> T + Send,
    other: impl FnOnce(&Router) -> T + Send,
    before: impl FnOnce(&Router),
) -> (T, T, Router) {
    let [delays, is_delayed, returned] = std::array::from_fn(|_| Arc::new(AtomicBool::new(false)));
    let clock = {
        let [delays, is_delayed, returned] = [&delays, &is_delayed, &returned].map(Arc::clone);
        let ticks = ticking();
        move || {
            let now = ticks();
            if delays.swap(false, Ordering::SeqCst) {
                is_delayed.store(true, Ordering::SeqCst);
                // Enough time for the other call to return, unless it waits for a lock.
                for _ in 0..2_000 {
                    if returned.load(Ordering::SeqCst) {
                        break;
                    }
                    thread::yield_now();
                }
            }
            now
        }
    };
    let router = router(SessionStore::new().with_clock(clock));
    before(&router);
    delays.store(true, Ordering::SeqCst);
    let (slow, other) = thread::scope(|threads| {
        let other = threads.spawn(|| {
            while !is_delayed.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            let result = other(&router);
            returned.store(true, Ordering::SeqCst);
            result
        });
        (slow(&router), other.join().unwrap())
    });
    (slow, other, router)
}

#[test]
fn a_change_with_a_slow_clock_does_not_lower_request_time() {
    let first = |router: &Router| call(router, "get_sessions", &json!({}))["data"][0].clone();
    let change = |router: &Router| {
        let id = first(router)["id"].clone();
        call(router, "close_session", &json!({ "session_id": id }))["request_time"].clone()
    };
    let (slow, other, router) = with_slow_clock(change, change, |router| drop(open(router, "u")));
    assert_eq!((slow, other), (json_at(1), json_at(2)));
    assert_eq!(first(&router)["request_time"], json_at(2));
}

#[test]
fn sessions_are_listed_by_open_time_with_a_slow_clock() {
    for user in ["u", "v"] {
        let (slow, other, router) =
            with_slow_clock(|router| open(router, "u"), |router| open(router, user), |_| {});
        assert_eq!((&slow["open_time"], &other["open_time"]), (&json_at(0), &json_at(1)));
        let page = call(&router, "get_sessions", &json!({}));
        let ids: Vec<_> = page["data"].as_array().unwrap().iter().map(|session| &session["id"]).collect();
        assert_eq!(ids, [&slow["id"], &other["id"]]);
    }
}

#[test]
fn concurrently_opened_sessions_are_all_listed_in_order() {
    const THREADS: usize = 4;
    const EACH: usize = 100;
    let sessions = SessionStore::new();
    let router = router(sessions.clone());
    let id_of = |session: &Value| session["id"].as_str().unwrap().to_owned();
    let opened: Vec<Vec<String>> = thread::scope(|threads| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let router = &router;
                threads.spawn(move || {
                    let open_and_delete = |number| {
                        let user_id = if number % 2 == 0 { "all".to_owned() } else { thread.to_string() };
                        let id = id_of(&open(router, &user_id));
                        let deleted = open(router, "deleted");
                        let arguments = json!({ "session_id": deleted["id"] });
                        assert_eq!(call(router, "delete_session_by_id", &arguments), deleted);
                        id
                    };
                    (0..EACH).map(open_and_delete).collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let list = |filter: Value| {
        let mut ids = Vec::new();
        loop {
            let arguments = json!({ "filter": filter, "paging": { "skip": ids.len() } });
            let page = call(&router, "get_sessions", &arguments);
            let page = page["data"].as_array().unwrap();
            if page.is_empty() {
                return ids;
            }
            ids.extend(page.iter().map(id_of));
        }
    };
    let (all, of_all) = (list(json!({})), list(json!({ "user_id": "all" })));
    assert_eq!(
        (all.len(), of_all.len(), sessions.len()),
        (THREADS * EACH, THREADS * EACH / 2, THREADS * EACH)
    );
    assert!(list(json!({ "user_id": "deleted" })).is_empty());
    for ids in &opened {
        let own: HashSet<&String> = ids.iter().collect();
        assert!(all.iter().filter(|id| own.contains(id)).eq(ids));
        assert!(of_all.iter().filter(|id| own.contains(id)).eq(ids.iter().step_by(2)));
    }
}
