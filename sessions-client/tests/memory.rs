//! The in-memory client: the behaviour of the real service, quirks included.

use chrono::{TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions_client::{
    DataPage, ErrorKind, FilterParams, ISessionsV1, PagingParams, SessionV1, SessionsMemoryClientV1,
    Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

/// A clock that advances by a second with each reading.
fn ticking() -> impl Fn() -> Timestamp + Send + Sync {
    let seconds = AtomicI64::new(0);
    move || at(seconds.fetch_add(1, Ordering::Relaxed))
}

fn at(second: i64) -> Timestamp {
    Utc.timestamp_opt(1_700_000_000 + second, 0).unwrap()
}

async fn open(sessions: &SessionsMemoryClientV1, user_id: &str) -> SessionV1 {
    sessions.open_session(None, user_id, None, None, None, None, None).await.unwrap()
}

async fn list(
    sessions: &SessionsMemoryClientV1,
    filter: FilterParams,
    paging: PagingParams,
) -> DataPage<SessionV1> {
    sessions.get_sessions(None, Some(&filter), Some(&paging)).await.unwrap()
}

async fn listed(sessions: &SessionsMemoryClientV1, filter: FilterParams) -> Vec<String> {
    let page = list(sessions, filter, PagingParams::new()).await;
    page.data.into_iter().map(|session| session.user_id.unwrap_or_default()).collect()
}

#[tokio::test]
async fn an_opened_session_is_active_and_has_a_hexadecimal_id() {
    let sessions = SessionsMemoryClientV1::new().with_clock(ticking());
    let session = open(&sessions, "u").await;
    assert!(session.active);
    assert_eq!((session.open_time, session.request_time, session.close_time), (at(0), at(0), None));
    assert_eq!(session.id.len(), 32);
    assert!(session.id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    assert_ne!(open(&sessions, "u").await.id, session.id);
}

#[tokio::test]
async fn a_payload_is_stored_as_json() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Cart {
        items: Vec<String>,
        #[serde(skip)]
        dirty: bool,
    }

    let sessions = SessionsMemoryClientV1::new().with_payloads::<Value, Cart>();
    let cart = |dirty| Cart { items: vec!["book".to_owned()], dirty };
    let session = sessions.open_session(None, "u", None, None, None, None, Some(&cart(true))).await.unwrap();
    assert_eq!(session.data, Some(cart(false)));
}

#[tokio::test]
async fn a_payload_that_cannot_be_written_as_json_is_an_error() {
    type Seats = BTreeMap<(u8, u8), String>;

    let sessions = SessionsMemoryClientV1::new().with_payloads::<Seats, Value>();
    let session = sessions.open_session(None, "u", None, None, None, None, None).await.unwrap();
    let seats = Seats::from([((1, 2), "u".to_owned())]);
    for result in [
        sessions.open_session(None, "u", None, None, None, Some(&seats), None).await.map(Some),
        sessions.update_session_user(None, &session.id, &seats).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("the argument `user` cannot be written as JSON"), "{error}");
    }
    assert_eq!(sessions.len(), 1);
}

/// A number that is written always, but read only if it is even.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8")]
struct Even(u8);

impl TryFrom<u8> for Even {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if number.is_multiple_of(2) { Ok(Self(number)) } else { Err("odd") }
    }
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_back_changes_nothing() {
    let sessions = SessionsMemoryClientV1::new().with_payloads::<Even, Even>();
    let opened = sessions.open_session(None, "u", None, None, None, None, Some(&Even(2))).await.unwrap();
    for result in [
        sessions.open_session(None, "u", None, None, None, None, Some(&Even(1))).await.map(Some),
        sessions.store_session_data(None, &opened.id, &Even(1)).await,
        sessions.update_session_user(None, &opened.id, &Even(1)).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("` cannot be read back from its JSON: "), "{error}");
    }
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.get_session_by_id(None, &opened.id).await.unwrap(), Some(opened));
}

#[tokio::test]
async fn a_payload_whose_json_is_null_is_not_stored() {
    let sessions = SessionsMemoryClientV1::new().with_payloads::<Value, f64>();
    let opened = sessions.open_session(None, "u", None, None, None, None, Some(&f64::NAN)).await.unwrap();
    assert_eq!(opened.data, None);
    let error = sessions.store_session_data(None, &opened.id, &f64::NAN).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 400);
}

#[tokio::test]
async fn falsy_values_are_stored_as_none() {
    let sessions = SessionsMemoryClientV1::new();
    for falsy in [json!(null), json!(false), json!(0), json!(-0.0), json!("")] {
        let session = sessions
            .open_session(None, "", Some(""), Some(""), Some(""), Some(&falsy), Some(&falsy))
            .await
            .unwrap();
        assert_eq!(
            (session.user_id, session.user_name, session.address, session.client),
            (None, None, None, None)
        );
        assert_eq!((session.user, session.data), (None, None), "{falsy}");
    }
    for truthy in [
        json!([]),
        json!({}),
        json!([null]),
        json!("0"),
        json!(0.5),
        json!(true),
        json!("false"),
        json!([false]),
    ] {
        let session =
            sessions.open_session(None, "u", None, None, None, Some(&truthy), Some(&truthy)).await.unwrap();
        assert_eq!((session.user.as_ref(), session.data.as_ref()), (Some(&truthy), Some(&truthy)));
    }
}

#[tokio::test]
async fn changes_update_request_time_and_reads_do_not() {
    let sessions = SessionsMemoryClientV1::new().with_clock(ticking());
    let id = open(&sessions, "u").await.id;
    let stored = sessions.store_session_data(None, &id, &json!(1)).await.unwrap().unwrap();
    assert_eq!((stored.request_time, stored.open_time, stored.data), (at(1), at(0), Some(json!(1))));
    let updated = sessions.update_session_user(None, &id, &json!("x")).await.unwrap().unwrap();
    assert_eq!((updated.request_time, updated.user.as_ref()), (at(2), Some(&json!("x"))));
    assert_eq!(sessions.get_session_by_id(None, &id).await.unwrap(), Some(updated));
}

#[tokio::test]
async fn closing_removes_payloads_and_allows_later_changes() {
    let sessions = SessionsMemoryClientV1::new().with_clock(ticking());
    let payload = json!({ "k": "v" });
    let id =
        sessions.open_session(None, "u", None, None, None, Some(&payload), Some(&payload)).await.unwrap().id;
    let closed = sessions.close_session(None, &id).await.unwrap().unwrap();
    assert_eq!((closed.active, closed.user, closed.data), (false, None, None));
    assert_eq!((closed.request_time, closed.close_time), (at(1), Some(at(1))));
    let stored = sessions.store_session_data(None, &id, &payload).await.unwrap().unwrap();
    assert_eq!((stored.active, stored.close_time, stored.request_time), (false, Some(at(1)), at(2)));
    let again = sessions.close_session(None, &id).await.unwrap().unwrap();
    assert_eq!((again.request_time, again.close_time, again.data), (at(3), Some(at(3)), None));
}

#[tokio::test]
async fn a_deleted_session_is_returned_once() {
    let sessions = SessionsMemoryClientV1::new();
    let session = sessions.open_session(None, "u", None, None, None, None, Some(&json!(7))).await.unwrap();
    assert_eq!(sessions.delete_session_by_id(None, &session.id).await.unwrap(), Some(session.clone()));
    assert_eq!(sessions.delete_session_by_id(None, &session.id).await.unwrap(), None);
    assert_eq!(listed(&sessions, FilterParams::new().user_id("u")).await, [""; 0]);
    assert!(sessions.is_empty());
}

#[tokio::test]
async fn every_operation_returns_none_for_an_unknown_id() {
    let sessions = SessionsMemoryClientV1::new();
    for id in ["unknown", ""] {
        assert_eq!(sessions.get_session_by_id(None, id).await.unwrap(), None);
        assert_eq!(sessions.store_session_data(None, id, &json!(1)).await.unwrap(), None);
        assert_eq!(sessions.update_session_user(None, id, &json!(1)).await.unwrap(), None);
        assert_eq!(sessions.close_session(None, id).await.unwrap(), None);
        assert_eq!(sessions.delete_session_by_id(None, id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn expired_sessions_are_closed() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let sessions = SessionsMemoryClientV1::new()
        .with_clock(move || at(clock.load(Ordering::Relaxed)))
        .with_expire_timeout(TimeDelta::seconds(60));
    let old = open(&sessions, "old").await.id;
    now.store(30, Ordering::Relaxed);
    let young = open(&sessions, "young").await.id;
    now.store(60, Ordering::Relaxed);
    sessions.close_expired_sessions(None).await.unwrap();
    let is_active = async |id: &str| sessions.get_session_by_id(None, id).await.unwrap().unwrap().active;
    assert!(is_active(&old).await, "a session of exactly the timeout is not expired");
    now.store(61, Ordering::Relaxed);
    sessions.close_expired_sessions(None).await.unwrap();
    assert!(!is_active(&old).await);
    assert!(is_active(&young).await);
    let closed = sessions.get_session_by_id(None, &old).await.unwrap().unwrap();
    assert_eq!((closed.request_time, closed.close_time), (at(61), Some(at(61))));
}

#[tokio::test]
async fn no_session_expires_with_the_largest_timeout() {
    let sessions = SessionsMemoryClientV1::new().with_expire_timeout(TimeDelta::MAX);
    let id = open(&sessions, "u").await.id;
    sessions.close_expired_sessions(None).await.unwrap();
    assert!(sessions.get_session_by_id(None, &id).await.unwrap().unwrap().active);
}

#[tokio::test]
async fn null_is_the_validation_error_of_the_service() {
    let sessions = SessionsMemoryClientV1::new();
    let id = open(&sessions, "u").await.id;
    let data = sessions.store_session_data(None, &id, &json!(null)).await.unwrap_err();
    let user = sessions.update_session_user(None, &id, &json!(null)).await.unwrap_err();
    for (error, argument) in [(data, "data"), (user, "user")] {
        let service = error.service().unwrap();
        assert_eq!(error.status().unwrap().as_u16(), 400);
        assert_eq!(service.message, format!("Validation failed: {argument} must not be null"));
    }
}

#[tokio::test]
async fn filters_are_combined_and_invalid_ones_ignored() {
    let sessions = SessionsMemoryClientV1::new();
    let first = open(&sessions, "a").await.id;
    open(&sessions, "b").await;
    open(&sessions, "a").await;
    sessions.close_session(None, &first).await.unwrap();
    let filter = FilterParams::new;
    assert_eq!(listed(&sessions, filter()).await, ["a", "b", "a"]);
    assert_eq!(listed(&sessions, filter().user_id("a")).await, ["a", "a"]);
    assert_eq!(listed(&sessions, filter().user_id("a").active(true)).await, ["a"]);
    assert_eq!(listed(&sessions, filter().id(&first)).await, ["a"]);
    assert_eq!(listed(&sessions, filter().id(&first).user_id("b")).await, [""; 0]);
    assert_eq!(listed(&sessions, filter().user_id("A")).await, [""; 0]);
    for word in ["0", "f", "No", "FALSE", "n"] {
        assert_eq!(listed(&sessions, filter().set("active", Some(word.to_owned()))).await.len(), 1, "{word}");
    }
    for word in ["", "maybe", "2"] {
        assert_eq!(listed(&sessions, filter().set("active", Some(word.to_owned()))).await.len(), 3, "{word}");
    }
    for (key, value) in
        [("user_id", None), ("user_id", Some("")), ("from_time", Some("soon")), ("colour", Some("red"))]
    {
        assert_eq!(listed(&sessions, filter().set(key, value.map(str::to_owned))).await.len(), 3, "{key}");
    }
}

#[tokio::test]
async fn time_filters_are_swapped_as_in_the_service() {
    let sessions = SessionsMemoryClientV1::new().with_clock(ticking());
    for user in ["0", "1", "2", "3"] {
        open(&sessions, user).await;
    }
    assert_eq!(listed(&sessions, FilterParams::new().from_time(at(2))).await, ["0", "1"]);
    assert_eq!(listed(&sessions, FilterParams::new().to_time(at(2))).await, ["2", "3"]);
    assert_eq!(listed(&sessions, FilterParams::new().from_time(at(1)).to_time(at(3))).await, [""; 0]);
    assert_eq!(listed(&sessions, FilterParams::new().from_time(at(3)).to_time(at(1))).await, ["1", "2"]);
}

#[tokio::test]
async fn time_filters_support_iso_times_with_and_without_a_zone() {
    let sessions =
        SessionsMemoryClientV1::new().with_clock(|| Utc.with_ymd_and_hms(2026, 6, 15, 12, 0, 0).unwrap());
    open(&sessions, "u").await;
    for (text, earlier) in [
        ("2026-06-15T12:00:00.000Z", false),
        ("2026-06-15T12:00:01", true),
        ("2026-06-15T12:00:00.001", true),
        ("2026-06-15T14:00:00+02:00", false),
        ("2026-06-15T14:00:01+02:00", true),
        ("2026", false),
        ("2027", true),
        ("2026-06", false),
        ("2026-07", true),
    ] {
        let found = listed(&sessions, FilterParams::new().set("from_time", Some(text.to_owned()))).await;
        assert_eq!(!found.is_empty(), earlier, "{text}");
    }
}

#[tokio::test]
async fn time_filters_in_other_forms_than_those_of_ecmascript_are_ignored() {
    let sessions =
        SessionsMemoryClientV1::new().with_clock(|| Utc.with_ymd_and_hms(2026, 6, 15, 12, 0, 0).unwrap());
    open(&sessions, "u").await;
    for (text, is_read) in [
        ("2026", true),
        ("2026-06", true),
        ("2026T12:00Z", true),
        ("2026-06T12:00:00.000+01:00", true),
        ("+002026-06", true),
        ("2026-06-15", true),
        ("2026-06-15T12:00", true),
        ("2026-06-15T12:00Z", true),
        ("2026-06-15T11:59:59.9999Z", true),
        ("2026-06-14T24:00:00.000Z", true),
        ("+002026-06-15T12:00:00Z", true),
        ("-000001-12-31T23:59:59.999Z", true),
        ("2026-06-15T08:30:00-03:30", true),
        ("20260615T120000Z", false),
        ("20260615T12Z", false),
        ("2026-06-15T12Z", false),
        ("2026-06-15T12", false),
        ("2026-W25-1T12:00:00Z", false),
        ("2026-166T12:00:00Z", false),
        ("+2026-06-15T12:00:00Z", false),
        ("2026-06-15t12:00:00z", false),
        ("2026-06-15T12:00:00,5Z", false),
        ("2026-06-15T12:00:00.Z", false),
        ("2026-06-15T12:00.5Z", false),
        ("2026-06-15T12:00:00+00", false),
        ("2026-06-15T12:00:00Z[UTC]", false),
        ("2026-06-15T12:00:00+02:00[Europe/Berlin]", false),
        ("2016-12-31T23:59:60Z", false),
        ("2026-06-15Z", false),
        ("2026-00", false),
        ("2026-6", false),
        ("+2026", false),
        ("-000000", false),
        ("26", false),
    ] {
        // No session was changed before any of these times.
        let found = listed(&sessions, FilterParams::new().set("from_time", Some(text.to_owned()))).await;
        assert_eq!(found.is_empty(), is_read, "{text}");
    }
}

#[tokio::test]
async fn a_page_has_at_most_100_sessions_and_an_optional_total() {
    let sessions = SessionsMemoryClientV1::new();
    for number in 0..130 {
        open(&sessions, &number.to_string()).await;
    }
    let page = async |json: Value| {
        let paging: PagingParams = serde_json::from_value(json).unwrap();
        let page = list(&sessions, FilterParams::new(), paging).await;
        let first = page.data.first().and_then(|session| session.user_id.clone());
        (page.total, page.data.len(), first)
    };
    let first = |user: &str| Some(user.to_owned());
    assert_eq!(page(json!({})).await, (None, 100, first("0")));
    assert_eq!(page(json!({ "total": true })).await, (Some(130), 100, first("0")));
    assert_eq!(page(json!({ "skip": 2, "take": 3, "total": false })).await, (None, 3, first("2")));
    assert_eq!(page(json!({ "skip": -5, "take": 0 })).await, (None, 100, first("0")));
    assert_eq!(page(json!({ "take": 1000 })).await, (None, 100, first("0")));
    assert_eq!(page(json!({ "take": -1, "total": true })).await, (Some(130), 0, None));
    assert_eq!(page(json!({ "skip": 1000, "total": true })).await, (Some(130), 0, None));
    assert_eq!(page(json!({ "skip": 0.5, "take": 1.5 })).await, (None, 2, first("1")));
    assert_eq!(page(json!({ "skip": null, "take": 2.4 })).await, (None, 2, first("0")));
    // The largest number below 0.5; adding 0.5 to it is rounded to 1.
    assert_eq!(page(json!({ "skip": 0.499_999_999_999_999_94, "take": -0.5 })).await.2, first("0"));
}

#[tokio::test]
async fn sessions_in_a_list_have_no_payloads() {
    let sessions = SessionsMemoryClientV1::new();
    let payload = json!(1);
    sessions.open_session(None, "u", None, None, None, Some(&payload), Some(&payload)).await.unwrap();
    let page = list(&sessions, FilterParams::new(), PagingParams::new()).await;
    assert_eq!((&page.data[0].user, &page.data[0].data), (&None, &None));
}

#[tokio::test]
async fn payloads_can_be_application_types() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Cart {
        items: Vec<String>,
    }
    let sessions = SessionsMemoryClientV1::new().with_payloads::<String, Cart>();
    let cart = Cart { items: vec!["book".to_owned()] };
    let session = sessions
        .open_session(None, "u", None, None, None, Some(&"Ann".to_owned()), Some(&cart))
        .await
        .unwrap();
    assert_eq!((session.user.as_deref(), session.data), (Some("Ann"), Some(cart)));
}

#[test]
fn concurrently_opened_sessions_are_listed_in_order() {
    let sessions = SessionsMemoryClientV1::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let opened: Vec<Vec<String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (sessions, runtime) = (&sessions, runtime());
                scope.spawn(move || {
                    let mut ids = Vec::new();
                    for number in 0..200 {
                        let user_id = if number % 2 == 0 { "all".to_owned() } else { thread.to_string() };
                        let opened = sessions.open_session(None, &user_id, None, None, None, None, None);
                        let id = runtime.block_on(opened).unwrap().id;
                        // Another session is opened and deleted in between.
                        let deleted = sessions.open_session(None, "deleted", None, None, None, None, None);
                        let deleted = runtime.block_on(deleted).unwrap().id;
                        runtime.block_on(sessions.delete_session_by_id(None, &deleted)).unwrap().unwrap();
                        ids.push(id);
                    }
                    ids
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let list = |filter: FilterParams| {
        let mut ids = Vec::new();
        for page in 0.. {
            let paging = PagingParams::new().skip(page * 100);
            let page = runtime().block_on(sessions.get_sessions(None, Some(&filter), Some(&paging))).unwrap();
            if page.data.is_empty() {
                break;
            }
            ids.extend(page.data.into_iter().map(|session| session.id));
        }
        ids
    };
    let (all, of_all) = (list(FilterParams::new()), list(FilterParams::new().user_id("all")));
    assert_eq!((all.len(), of_all.len(), sessions.len()), (800, 400, 800));
    assert!(list(FilterParams::new().user_id("deleted")).is_empty());
    for ids in &opened {
        let of_thread: Vec<&String> = all.iter().filter(|id| ids.contains(id)).collect();
        assert_eq!(of_thread, ids.iter().collect::<Vec<_>>());
        let of_user: Vec<&String> = of_all.iter().filter(|id| ids.contains(id)).collect();
        assert_eq!(of_user, ids.iter().step_by(2).collect::<Vec<_>>());
    }
}

/// A clock that returns the next of these times with each reading.
fn scripted<const N: usize>(seconds: [i64; N]) -> impl Fn() -> Timestamp + Send + Sync {
    let ticks = AtomicI64::new(0);
    move || at(seconds[usize::try_from(ticks.fetch_add(1, Ordering::Relaxed)).unwrap()])
}

#[tokio::test]
async fn request_time_never_decreases_even_if_the_clock_steps_back() {
    let sessions = SessionsMemoryClientV1::new().with_clock(scripted([10, 20, 15, 5, 12, 21]));
    let id = open(&sessions, "u").await.id;
    let times = [
        sessions.store_session_data(None, &id, &json!(1)).await,
        sessions.update_session_user(None, &id, &json!(1)).await,
        sessions.close_session(None, &id).await,
        sessions.store_session_data(None, &id, &json!(2)).await,
        sessions.close_session(None, &id).await,
    ]
    .map(|session| session.unwrap().unwrap())
    .map(|session| (session.open_time, session.request_time, session.close_time));
    assert_eq!(
        times,
        [
            (at(10), at(20), None),
            (at(10), at(20), None),
            (at(10), at(20), Some(at(20))),
            (at(10), at(20), Some(at(20))),
            (at(10), at(21), Some(at(21))),
        ]
    );
}

#[tokio::test]
async fn open_time_follows_the_list_order_even_if_the_clock_steps_back() {
    let sessions = SessionsMemoryClientV1::new().with_clock(scripted([-2_000_000_000, 3, 1, 2, 4]));
    for user in ["a", "b", "a", "c", "b"] {
        let opened = open(&sessions, user).await;
        assert_eq!(opened.request_time, opened.open_time);
    }
    let page = list(&sessions, FilterParams::new(), PagingParams::new()).await;
    let times: Vec<_> = page.data.iter().map(|session| session.open_time).collect();
    assert_eq!(times, [-2_000_000_000, 3, 3, 3, 4].map(at));
}

/// Returns the results of two concurrent calls. The clock delays the call `held` after it has read the time,
/// until `other` has returned, or for a while if `other` waits for a lock.
fn with_one_held_back<T: Send>(
    held: impl FnOnce(&SessionsMemoryClientV1) -> T + Send,
    other: impl FnOnce(&SessionsMemoryClientV1) -> T + Send,
    before: impl FnOnce(&SessionsMemoryClientV1),
) -> (T, T, SessionsMemoryClientV1) {
    let holds = Arc::new(AtomicBool::new(false));
    let (is_held, returned) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let clock = {
        let (ticks, holds) = (ticking(), Arc::clone(&holds));
        let (is_held, returned) = (Arc::clone(&is_held), Arc::clone(&returned));
        move || {
            let now = ticks();
            if holds.swap(false, Ordering::SeqCst) {
                is_held.store(true, Ordering::SeqCst);
                // Gives the other call time to return, unless it waits for a lock.
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
    let sessions = SessionsMemoryClientV1::new().with_clock(clock);
    before(&sessions);
    holds.store(true, Ordering::SeqCst);
    let (held, other) = thread::scope(|scope| {
        let other = scope.spawn(|| {
            while !is_held.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            let other = other(&sessions);
            returned.store(true, Ordering::SeqCst);
            other
        });
        (held(&sessions), other.join().unwrap())
    });
    (held, other, sessions)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_delayed_change_does_not_lower_request_time() {
    let change = |sessions: &SessionsMemoryClientV1| {
        let page = block_on(list(sessions, FilterParams::new(), PagingParams::new()));
        let closed = sessions.close_session(None, &page.data[0].id);
        block_on(closed).unwrap().unwrap().request_time
    };
    let (held, other, sessions) =
        with_one_held_back(change, change, |sessions| drop(block_on(open(sessions, "u"))));
    assert_eq!((held, other), (at(1), at(2)));
    let page = block_on(list(&sessions, FilterParams::new(), PagingParams::new()));
    assert_eq!(page.data[0].request_time, at(2));
}

#[test]
fn a_delayed_opening_keeps_the_list_in_open_time_order() {
    let opening =
        |user: &'static str| move |sessions: &SessionsMemoryClientV1| block_on(open(sessions, user));
    for user in ["u", "v"] {
        let (held, other, sessions) = with_one_held_back(opening("u"), opening(user), |_| {});
        assert_eq!((held.open_time, other.open_time), (at(0), at(1)));
        let page = block_on(list(&sessions, FilterParams::new(), PagingParams::new()));
        let ids: Vec<_> = page.data.iter().map(|session| &session.id).collect();
        assert_eq!(ids, [&held.id, &other.id]);
    }
}

#[cfg(feature = "raw-value")]
#[tokio::test]
async fn a_payload_is_kept_as_its_json_is_written() {
    use sessions_client::RawValue;

    let json = r#"{"b":1e2,"a":[1.0, 18446744073709551616]}"#;
    let data = RawValue::from_string(json.to_owned()).unwrap();
    let sessions = SessionsMemoryClientV1::new().with_payloads::<Value, Box<RawValue>>();
    let opened = sessions.open_session(None, "u", None, None, None, None, Some(&data)).await.unwrap();
    assert_eq!(opened.data.unwrap().get(), json);
}
