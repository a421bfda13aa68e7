//! What an answer is made of: its status, its headers in their order, and the JSON of sessions.

use super::{Embedded, http_client, read};
use chrono::DateTime;
use serde_json::{Value, json};
use sessions_client::server::EmbeddedService;
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use std::sync::Arc;

#[tokio::test]
async fn a_session_is_written_with_every_key_in_the_order_of_the_service() {
    let embedded = Embedded::start().await;
    let request = embedded.post("open_session").json(&json!({ "user_id": "1" }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let keys: Vec<&str> = text.split('"').filter(|part| text.contains(&format!("\"{part}\":"))).collect();
    assert_eq!(
        keys,
        [
            "id",
            "user_id",
            "user_name",
            "active",
            "open_time",
            "request_time",
            "address",
            "client",
            "user",
            "data"
        ]
    );
}

#[tokio::test]
async fn what_is_not_there_is_204_without_body_and_content_type() {
    let embedded = Embedded::start().await;
    let response =
        embedded.post("get_session_by_id").json(&json!({ "session_id": "x" })).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("content-type"));
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn answers_of_commands_have_the_headers_of_the_service() {
    let embedded = Embedded::start().await;
    let response = embedded.post("get_sessions").json(&json!({})).send().await.unwrap();
    for (name, value) in [
        ("server", "restify"),
        ("access-control-allow-origin", "*"),
        ("vary", "origin,access-control-request-method,access-control-request-headers"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("pragma", "no-cache"),
        ("expires", "0"),
        ("content-type", "application/json"),
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
}

#[tokio::test]
async fn headers_have_the_order_of_the_service_and_its_spelling_but_that_of_vary() {
    let embedded = Embedded::start().await;
    let answer = embedded.raw("POST /v1/sessions/get_sessions HTTP/1.1", "").await;
    let names: Vec<&str> = answer.lines().skip(1).map_while(|line| Some(line.split_once(": ")?.0)).collect();
    assert_eq!(
        names,
        [
            "Server",
            "Access-Control-Allow-Origin",
            "Vary",
            "Cache-Control",
            "Pragma",
            "Expires",
            "Content-Type",
            "Content-Length",
            "Date",
            "Connection"
        ]
    );
}

#[tokio::test]
async fn an_answer_to_head_speaks_of_no_body() {
    let embedded = Embedded::start().await;
    for (path, status) in [("/v1/sessions/get_sessions", 405), ("/heartbeat", 405), ("/nope", 404)] {
        let response = http_client().head(format!("{}{path}", embedded.service.url())).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().get("content-type")), (status, None));
    }
}

#[tokio::test]
async fn an_error_of_the_framework_can_be_a_script() {
    let embedded = Embedded::start().await;
    let request =
        embedded.post("get_sessions?callback=cb").header("content-type", "application/json").body("{");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/javascript");
    let script = answer.text().await.unwrap();
    assert!(script.starts_with("typeof cb === 'function' && cb({\"code\":\"InvalidContent\","), "{script}");
    let (status, page) = read(embedded.post("get_sessions?callback=cb")).await;
    assert_eq!((status, page["data"].is_array()), (200, true), "a command answers with JSON");
}

/// What an answer says but for its date.
async fn answer(url: &str, command: &str, arguments: &Value) -> (u16, Vec<String>, String) {
    let request = http_client().post(format!("{url}/v1/sessions/{command}")).json(arguments);
    let response = request.send().await.unwrap();
    let headers = response.headers().iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    (response.status().as_u16(), headers, response.text().await.unwrap())
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Lock {
    code: u8,
}

fn locked() -> SessionsMemoryClientV1<Lock, Value> {
    SessionsMemoryClientV1::new().with_clock(|| DateTime::UNIX_EPOCH).with_payloads()
}

#[tokio::test]
async fn sessions_in_memory_are_changed_the_same_where_they_are_wrapped() {
    let sessions = locked();
    let themselves = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let wrapped = EmbeddedService::start("127.0.0.1:0", Arc::new(sessions)).await.unwrap();
    // A session at each of them, and one that nobody has.
    let mut twins = Vec::new();
    for service in [&themselves, &wrapped] {
        let (_, _, opened) = answer(&service.url(), "open_session", &json!({ "user_id": "1" })).await;
        twins.push((service, serde_json::from_str::<Value>(&opened).unwrap()["id"].clone()));
    }
    for unknown in [false, true] {
        for (command, payload) in [
            ("store_session_data", json!({ "data": { "b": [1.5, 1e21], "1": {} } })),
            ("store_session_data", json!({ "data": null })),
            ("store_session_data", json!({ "data": 0 })),
            ("store_session_data", json!({})),
            ("update_session_user", json!({ "user": { "code": 7, "more": 8 } })),
            ("update_session_user", json!({ "user": { "code": "seven" } })),
            ("update_session_user", json!({ "user": null })),
            ("close_session", json!({})),
            ("store_session_data", json!({ "data": "closed" })),
            ("close_session", json!({})),
            ("delete_session_by_id", json!({})),
            ("delete_session_by_id", json!({})),
            ("store_session_data", json!({ "data": "deleted" })),
        ] {
            let mut answers = Vec::new();
            for (service, id) in &twins {
                let mut arguments = payload.clone();
                arguments["session_id"] = if unknown { json!("unknown") } else { id.clone() };
                let (status, headers, body) = answer(&service.url(), command, &arguments).await;
                answers.push((status, headers, body.replace(id.as_str().unwrap(), "")));
            }
            assert_eq!(answers[0], answers[1], "{command} {payload}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_again_is_not_kept() {
    /// Written under another name than it is read.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Renamed {
        #[serde(rename(serialize = "written", deserialize = "read"))]
        code: u8,
    }

    let sessions = SessionsMemoryClientV1::new().with_payloads::<Value, Renamed>();
    let id = sessions.open_session(None, "1", None, None, None, None, None).await.unwrap().id;
    let themselves = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    for (command, arguments) in [
        ("open_session", json!({ "user_id": "1", "data": { "read": 1 } })),
        ("store_session_data", json!({ "session_id": id, "data": { "read": 1 } })),
    ] {
        assert_eq!(answer(&themselves.url(), command, &arguments).await.0, 400, "{command}");
    }
    assert_eq!(sessions.len(), 1);
    assert!(sessions.get_session_by_id(None, &id).await.unwrap().unwrap().data.is_none());
}

#[tokio::test]
async fn sessions_in_memory_answer_the_same_where_they_are_wrapped() {
    let sessions = locked();
    let themselves = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let wrapped = EmbeddedService::start("127.0.0.1:0", Arc::new(sessions.clone())).await.unwrap();
    let (themselves, wrapped) = (themselves.url(), wrapped.url());

    let mut ids = Vec::new();
    for arguments in [
        json!({ "user_id": "1" }),
        json!({ "user_id": "", "user_name": "\"\n\u{e9}", "address": "", "client": "x", "data": 0 }),
        json!({ "user_id": "2", "user": { "code": 7, "more": 8 }, "data": { "b": [1.5, 1e21], "1": {}, "a": "" } }),
        json!({ "user_id": "3", "user": { "code": "seven" } }),
        json!({ "user_name": 7 }),
    ] {
        let mut answers = Vec::new();
        for url in [&themselves, &wrapped] {
            let (status, headers, body) = answer(url, "open_session", &arguments).await;
            let id =
                serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap_or_default().to_owned();
            answers.push((status, headers, body.replace(&id, "")));
            ids.extend(Some(id).filter(|id| !id.is_empty()));
        }
        assert_eq!(answers[0], answers[1], "{arguments}");
    }
    assert_eq!(ids.len(), 6);
    ids.push("x".to_owned());

    let mut requests = vec![
        ("get_sessions", json!({})),
        (
            "get_sessions",
            json!({ "filter": { "user_id": "1" }, "paging": { "skip": 1, "take": 1, "total": true } }),
        ),
        ("get_sessions", json!({ "filter": { "id": "x" }, "paging": { "total": true } })),
        ("get_sessions", json!({ "filter": { "active": "no" } })),
        ("get_sessions", json!({ "filter": 1 })),
    ];
    requests.extend(ids.iter().map(|id| ("get_session_by_id", json!({ "session_id": id }))));
    for turn in ["opened", "changed", "closed", "closed with data"] {
        for (command, arguments) in &requests {
            let answers =
                [answer(&themselves, command, arguments).await, answer(&wrapped, command, arguments).await];
            assert_eq!(answers[0], answers[1], "{turn}: {command} {arguments}");
        }
        for id in &ids {
            match turn {
                "changed" => drop(sessions.close_session(None, id).await.unwrap()),
                _ => drop(sessions.store_session_data(None, id, &json!([turn])).await.unwrap()),
            }
        }
    }
}
