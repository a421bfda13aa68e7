//! The commands on stored sessions: payloads, closing, deleting, filters and paging.

use super::Embedded;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sessions_service::SessionStore;

/// Arguments with an id, and a payload for commands that need one.
fn with_id(id: &Value) -> Value {
    json!({ "session_id": id, "user": 1, "data": 1 })
}

const COMMANDS_WITH_ID: [&str; 5] = [
    "get_session_by_id",
    "store_session_data",
    "update_session_user",
    "close_session",
    "delete_session_by_id",
];

#[tokio::test]
async fn a_session_opens_active_with_an_id_of_32_hexadecimal_digits() {
    let embedded = Embedded::start().await;
    let session = embedded.open("u").await;
    assert_eq!((&session["active"], session.get("close_time")), (&json!(true), None));
    assert_eq!(session["open_time"], session["request_time"]);
    let id = session["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    assert_ne!(embedded.open("u").await["id"], session["id"]);
}

#[tokio::test]
async fn falsy_values_are_stored_as_null_and_others_unchanged() {
    let embedded = Embedded::start().await;
    let open = async |payload: &Value| {
        let (empty, user, data) = ("", payload, payload);
        let arguments = json!({ "user_id": empty, "user_name": empty, "address": empty, "client": empty, "user": user, "data": data });
        embedded.ok("open_session", &arguments).await
    };
    for falsy in [json!(null), json!(false), json!(0), json!(-0.0), json!("")] {
        let session = open(&falsy).await;
        for key in ["user_id", "user_name", "address", "client", "user", "data"] {
            assert_eq!(session.get(key), Some(&Value::Null), "{key} {falsy}");
        }
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
        let session = open(&truthy).await;
        assert_eq!((&session["user"], &session["data"]), (&truthy, &truthy));
    }
}

#[tokio::test]
async fn closing_removes_the_payloads_and_leaves_the_session_changeable() {
    let embedded = Embedded::start().await;
    let opened = embedded.ok("open_session", &json!({ "user_id": "u", "user": 1, "data": [1] })).await;
    let id = &opened["id"];
    let closed = embedded.ok("close_session", &with_id(id)).await;
    assert_eq!(
        (&closed["active"], &closed["user"], &closed["data"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert_eq!(closed["close_time"], closed["request_time"]);
    let stored = embedded.ok("store_session_data", &with_id(id)).await;
    assert_eq!((&stored["active"], &stored["data"]), (&json!(false), &json!(1)));
    assert_eq!(stored["close_time"], closed["close_time"]);
    let again = embedded.ok("close_session", &with_id(id)).await;
    assert_eq!((&again["data"], &again["close_time"]), (&Value::Null, &again["request_time"]));
}

#[tokio::test]
async fn a_deleted_session_is_returned_once_and_not_listed() {
    let embedded = Embedded::start().await;
    let session = embedded.ok("open_session", &json!({ "user_id": "u", "data": 7 })).await;
    assert_eq!(embedded.ok("delete_session_by_id", &with_id(&session["id"])).await, session);
    for command in COMMANDS_WITH_ID {
        assert_eq!(embedded.call(command, &with_id(&session["id"])).await, (204, Value::Null), "{command}");
    }
    assert!(embedded.users(json!({ "user_id": "u" })).await.is_empty());
    assert!(embedded.users(json!({ "id": session["id"] })).await.is_empty());
    assert!(embedded.sessions.is_empty());
}

#[tokio::test]
async fn an_unknown_session_is_204_for_every_command() {
    let embedded = Embedded::start().await;
    let known = embedded.open("u").await["id"].as_str().unwrap().to_owned();
    let hyphenated =
        format!("{}-{}-{}-{}-{}", &known[..8], &known[8..12], &known[12..16], &known[16..20], &known[20..]);
    let uppercase = known.to_uppercase();
    for id in ["unknown", "", &*hyphenated, &*uppercase] {
        for command in COMMANDS_WITH_ID {
            assert_eq!(
                embedded.call(command, &with_id(&json!(id))).await,
                (204, Value::Null),
                "{command} {id}"
            );
        }
    }
    assert_eq!(embedded.sessions.len(), 1);
}

#[tokio::test]
async fn filters_are_combined_and_unreadable_ones_are_ignored() {
    let embedded = Embedded::start().await;
    let first = embedded.open("a").await["id"].clone();
    embedded.open("b").await;
    embedded.open("a").await;
    embedded.ok("close_session", &with_id(&first)).await;
    for (filter, expected) in [
        (json!({}), &["a", "b", "a"][..]),
        (json!({ "user_id": "a" }), &["a", "a"]),
        (json!({ "user_id": "a", "active": true }), &["a"]),
        (json!({ "id": first }), &["a"]),
        (json!({ "id": first, "user_id": "a" }), &["a"]),
        (json!({ "id": first, "user_id": "b" }), &[]),
        (json!({ "id": first, "active": true }), &[]),
        (json!({ "user_id": "A" }), &[]),
        (json!({ "user_id": null }), &["a", "b", "a"]),
        (json!({ "user_id": "" }), &["a", "b", "a"]),
        (json!({ "from_time": "soon" }), &["a", "b", "a"]),
        (json!({ "colour": "red" }), &["a", "b", "a"]),
    ] {
        assert_eq!(embedded.users(filter.clone()).await, expected, "{filter}");
    }
    for (word, count) in [
        ("0", 1),
        ("f", 1),
        ("No", 1),
        ("FALSE", 1),
        ("n", 1),
        ("1", 2),
        ("t", 2),
        ("Yes", 2),
        ("TRUE", 2),
        ("y", 2),
        ("", 3),
        ("maybe", 3),
        ("2", 3),
    ] {
        assert_eq!(embedded.users(json!({ "active": word })).await.len(), count, "{word}");
    }
}

#[tokio::test]
async fn times_in_filters_are_parsed_like_in_javascript() {
    let noon: DateTime<Utc> = "2026-06-15T12:00:00Z".parse().unwrap();
    let embedded = Embedded::with(SessionStore::new().with_clock(move || noon)).await;
    embedded.open("u").await;
    for (time, is_later) in [
        ("2026-06-15T12:00:00.000Z", false),
        ("2026-06-15T12:00:01", true),
        ("2026-06-15T12:00:00.001", true),
        ("2026-06-15T13:00", true),
        ("2026-06-15T14:00:00+02:00", false),
        ("2026-06-15T14:00:01+02:00", true),
        ("2026-06-15", false),
        ("2026-06", false),
        ("2026-07", true),
        ("2026", false),
        ("2027", true),
        ("Mon, 15 Jun 2026 12:00:01 GMT", true),
        ("Jun 15, 2026 12:00", false),
        ("15 June 2026 02:10 PM", true),
        ("2026/06", false),
        ("6/15/2026 5:00 EST", false),
        ("6/15/2026 8:00 EST", true),
        ("12", false),
        ("+275760-09-13", true),
    ] {
        let found = embedded.users(json!({ "from_time": time })).await;
        assert_eq!(!found.is_empty(), is_later, "{time}");
        let found = embedded.users(json!({ "to_time": time })).await;
        assert_eq!(found.is_empty(), is_later, "{time}");
    }
}

#[tokio::test]
async fn a_page_has_at_most_100_sessions_and_a_total_on_request() {
    let embedded = Embedded::start().await;
    for number in 0..130 {
        embedded.open(&number.to_string()).await;
    }
    for (paging, total, length, first) in [
        (json!({}), None, 100, Some("0")),
        (json!({ "total": true }), Some(130), 100, Some("0")),
        (json!({ "skip": 2, "take": 3, "total": false }), None, 3, Some("2")),
        (json!({ "skip": 100, "total": true }), Some(130), 30, Some("100")),
        (json!({ "skip": -5, "take": 0 }), None, 100, Some("0")),
        (json!({ "take": 1000 }), None, 100, Some("0")),
        (json!({ "take": -1, "total": true }), Some(130), 0, None),
        (json!({ "skip": 1000, "total": true }), Some(130), 0, None),
        (json!({ "skip": 0.5, "take": 1.5 }), None, 2, Some("1")),
        (json!({ "skip": null, "take": 2.4 }), None, 2, Some("0")),
        // The largest number below a half; the sum of both is 1.
        (json!({ "skip": 0.499_999_999_999_999_94, "take": -0.5 }), None, 100, Some("0")),
    ] {
        let page = embedded.ok("get_sessions", &json!({ "paging": paging })).await;
        assert_eq!(page["total"].as_u64(), total, "{paging}");
        let sessions = page["data"].as_array().unwrap();
        assert_eq!(sessions.len(), length, "{paging}");
        assert_eq!(sessions.first().and_then(|session| session["user_id"].as_str()), first, "{paging}");
    }
}

#[tokio::test]
async fn sessions_in_a_list_have_no_payloads() {
    let embedded = Embedded::start().await;
    embedded.ok("open_session", &json!({ "user_id": "u", "user": 1, "data": 1 })).await;
    let page = embedded.ok("get_sessions", &json!({})).await;
    let session = page["data"][0].as_object().unwrap();
    assert!(["user", "data", "close_time"].iter().all(|key| !session.contains_key(*key)), "{page}");
    assert_eq!(page["total"], Value::Null);
}
