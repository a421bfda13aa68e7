//! The fast path of the store has the same responses as another implementation behind the generated
//! dispatcher.

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use sessions_service::{EmbeddedService, SessionStore, router, router_with};
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt;

/// Status, headers without the date, and body.
type Received = (u16, Vec<String>, String);

/// The store and the in-memory client, both with a clock that advances by a second for each reading.
struct Pair {
    routers: [Router; 2],
    /// The ids of the same session in both, in the order of opening.
    ids: Vec<[String; 2]>,
}

impl Pair {
    fn new() -> Self {
        let timeout = TimeDelta::seconds(5);
        let store = SessionStore::new().with_clock(ticking()).with_expire_timeout(timeout);
        let client = SessionsMemoryClientV1::new().with_clock(ticking()).with_expire_timeout(timeout);
        Self { routers: [router(store), router_with(client)], ids: Vec::new() }
    }

    /// Calls both and compares their responses. In `arguments`, `"#0"` is the id of the first session.
    async fn compare(&mut self, command: &str, arguments: &str) {
        let mut responses = Vec::new();
        for (index, router) in self.routers.iter().enumerate() {
            let mut arguments = arguments.to_owned();
            for (number, ids) in self.ids.iter().enumerate().rev() {
                arguments = arguments.replace(&format!("#{number}"), &ids[index]);
            }
            responses.push(call(router, command, arguments).await);
        }
        if command == "open_session" && responses[0].0 == 200 {
            let id = |(_, _, body): &Received| body.split('"').nth(3).unwrap().to_owned();
            self.ids.push([id(&responses[0]), id(&responses[1])]);
        }
        for (index, (_, _, body)) in responses.iter_mut().enumerate() {
            for (number, ids) in self.ids.iter().enumerate() {
                *body = body.replace(&ids[index], &format!("#{number}"));
            }
        }
        let [store, client] = &responses[..] else { unreachable!("there are two routers") };
        assert_eq!((&store.0, &store.1), (&client.0, &client.1), "{command} {arguments}");
        // The in-memory client does not keep the order of keys in payloads.
        if store.2 != client.2 {
            let parse = |body: &str| serde_json::from_str::<Value>(body).ok();
            assert_eq!(parse(&store.2), parse(&client.2), "{command} {arguments}");
            assert!(parse(&store.2).is_some(), "{command} {arguments}: {} {}", store.2, client.2);
        }
    }
}

fn ticking() -> impl Fn() -> DateTime<Utc> + Send + Sync {
    let seconds = AtomicI64::new(1_700_000_000);
    move || DateTime::from_timestamp(seconds.fetch_add(1, Ordering::Relaxed), 0).unwrap()
}

async fn call(router: &Router, command: &str, arguments: String) -> Received {
    let request = Request::post(format!("/v1/sessions/{command}"))
        .header("content-type", "application/json")
        .body(Body::from(arguments))
        .unwrap();
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let headers = parts.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), headers, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn every_operation_has_the_same_response() {
    let mut pair = Pair::new();
    for arguments in [
        r#"{"user_id":"1"}"#,
        r#"{"user_id":"","user_name":"\"\n\u00e9","address":"","client":"x","data":0}"#,
        r#"{"user_id":"2","user":{"code":7,"more":8},"data":{"b":[1.5,1e21,1.0],"1":{},"a":""}}"#,
        r#"{"user_id":"3","user":"\ud800 \udbff\udfff","data":1e400,"other":1}"#,
        r#"{"user_name":7}"#,
        "{",
        "[]",
    ] {
        pair.compare("open_session", arguments).await;
    }
    assert_eq!(pair.ids.len(), 4);
    let reads = [
        ("get_sessions", "{}"),
        ("get_sessions", r#"{"filter":{"user_id":"1"},"paging":{"skip":0,"take":1,"total":true}}"#),
        ("get_sessions", r##"{"filter":{"id":"#1","active":"yes"},"paging":{"skip":1.5,"total":true}}"##),
        ("get_sessions", r#"{"filter":{"id":"unknown"},"paging":{"total":true}}"#),
        ("get_sessions", r#"{"filter":{"active":"no"}}"#),
        ("get_sessions", r#"{"filter":{"from_time":"2023-11-14T22:13:22.000Z"}}"#),
        ("get_sessions", r#"{"filter":{"to_time":"2023-11-14T22:13:22.000Z","user_id":2}}"#),
        ("get_sessions", r#"{"filter":1,"paging":{"take":"x","y":1}}"#),
        ("get_session_by_id", r##"{"session_id":"#0"}"##),
        ("get_session_by_id", r##"{"session_id":"#1"}"##),
        ("get_session_by_id", r##"{"session_id":"#2"}"##),
        ("get_session_by_id", r##"{"session_id":"#3"}"##),
        ("get_session_by_id", r#"{"session_id":"unknown"}"#),
    ];
    for (command, arguments) in [
        ("store_session_data", r##"{"session_id":"#0","data":{"b":[1.5,1e21],"1":{}}}"##),
        ("store_session_data", r##"{"session_id":"#0","data":null}"##),
        ("store_session_data", r##"{"session_id":"#0","data":0}"##),
        ("store_session_data", r##"{"session_id":"#0"}"##),
        ("update_session_user", r##"{"session_id":"#1","user":{"code":7}}"##),
        ("update_session_user", r#"{"session_id":"unknown","user":1}"#),
        ("close_session", r##"{"session_id":"#1"}"##),
        ("store_session_data", r##"{"session_id":"#1","data":["closed"]}"##),
        ("close_session", r##"{"session_id":"#1"}"##),
        ("close_expired_sessions", "{}"),
        ("delete_session_by_id", r##"{"session_id":"#2"}"##),
        ("delete_session_by_id", r##"{"session_id":"#2"}"##),
        ("store_session_data", r##"{"session_id":"#2","data":"deleted"}"##),
    ] {
        pair.compare(command, arguments).await;
        for (command, arguments) in reads {
            pair.compare(command, arguments).await;
        }
    }
}

/// JSON values, odd ones among them.
fn payload() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<f64>().prop_filter_map("a finite number", |number| {
            number.is_finite().then(|| format!("{number:e}"))
        }),
        any::<i32>().prop_map(|number| number.to_string()),
        "[a-z\u{e9}]{0,3}".prop_map(|string| format!("\"{string}\"")),
        prop::sample::select(vec!["null", "false", "true", "0", "-0.0", "\"\"", "1e400", r#""\ud83d""#])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map("[a-c1-3]", inner, 0..3).prop_map(|object| {
                let fields: Vec<_> = object.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn operation() -> impl Strategy<Value = (&'static str, String)> {
    let id = || (0..4_u8).prop_map(|number| format!("\"session_id\":\"#{number}\""));
    let with_id = |command| id().prop_map(move |id| (command, format!("{{{id}}}")));
    prop_oneof![
        (0..3_u8, payload(), payload()).prop_map(|(user_id, user, data)| {
            ("open_session", format!(r#"{{"user_id":"{user_id}","user":{user},"data":{data}}}"#))
        }),
        (id(), payload()).prop_map(|(id, data)| ("store_session_data", format!(r#"{{{id},"data":{data}}}"#))),
        (id(), payload())
            .prop_map(|(id, user)| ("update_session_user", format!(r#"{{{id},"user":{user}}}"#))),
        with_id("get_session_by_id"),
        with_id("close_session"),
        with_id("delete_session_by_id"),
        Just(("close_expired_sessions", "{}".to_owned())),
        (payload(), payload(), -1..4_i8, any::<bool>()).prop_map(|(user_id, active, skip, total)| {
            let filter = format!(r#"{{"user_id":{user_id},"active":{active}}}"#);
            ("get_sessions", format!(r#"{{"filter":{filter},"paging":{{"skip":{skip},"total":{total}}}}}"#))
        }),
        (0..3_u8).prop_map(|user_id| ("get_sessions", format!(r#"{{"filter":{{"user_id":"{user_id}"}}}}"#))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_operations_have_the_same_responses(
        operations in prop::collection::vec(operation(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new();
            for (command, arguments) in operations {
                pair.compare(command, &arguments).await;
            }
        });
    }
}

#[derive(Serialize, Deserialize)]
struct Lock {
    code: u8,
}

#[tokio::test]
async fn payloads_of_an_implementation_can_be_typed() {
    let client = SessionsMemoryClientV1::new().with_payloads::<Lock, Value>();
    let service = EmbeddedService::start_with("127.0.0.1:0", client.clone()).await.unwrap();
    let open = async |user: Value| {
        let url = format!("{}/v1/sessions/open_session", service.url());
        super::receive(super::http_client().post(url).json(&json!({ "user_id": "1", "user": user }))).await
    };
    let (status, opened) = open(json!({ "code": 7, "more": 8 })).await;
    assert_eq!((status, &opened["user"]), (200, &json!({ "code": 7 })));
    assert_eq!(open(json!({ "code": "seven" })).await.0, 400);
    assert_eq!(client.len(), 1);
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_back_is_not_stored() {
    /// Serialized with another key than deserialized.
    #[derive(Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename(serialize = "written", deserialize = "read"))]
        code: u8,
    }

    let client = SessionsMemoryClientV1::new().with_payloads::<Value, Renamed>();
    let id = client.open_session(None, "1", None, None, None, None, None).await.unwrap().id;
    let router = router_with(client.clone());
    for (command, arguments) in [
        ("open_session", json!({ "user_id": "1", "data": { "read": 1 } })),
        ("store_session_data", json!({ "session_id": id, "data": { "read": 1 } })),
    ] {
        assert_eq!(call(&router, command, arguments.to_string()).await.0, 400, "{command}");
    }
    assert_eq!(client.len(), 1);
    assert!(client.get_session_by_id(None, &id).await.unwrap().unwrap().data.is_none());
}
