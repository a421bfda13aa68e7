//! The endpoints next to the commands, and the store behind the service.

use super::{Embedded, http_client, receive};
use serde_json::json;

#[tokio::test]
async fn the_heartbeat_is_the_time_of_the_server() {
    let embedded = Embedded::start().await;
    let url = format!("{}/heartbeat", embedded.service.url());
    let (status, time) = receive(http_client().get(&url)).await;
    assert_eq!((status, time.as_str().map(str::len)), (200, Some("2026-11-23T02:13:58.078Z".len())));
    assert_eq!(receive(http_client().post(&url)).await.0, 405);
}

#[tokio::test]
async fn the_status_describes_the_service() {
    let embedded = Embedded::start().await;
    let url = format!("{}/status", embedded.service.url());
    let (status, body) = receive(http_client().get(&url)).await;
    assert_eq!((status, &body["name"]), (200, &json!("service-sessions")));
    assert!(
        body["uptime"].is_u64() && body["start_time"].as_str() <= body["current_time"].as_str(),
        "{body}"
    );
    assert_eq!(receive(http_client().post(&url)).await.0, 405);
    let unchanged = http_client().get(&url).header("if-none-match", "*").send().await.unwrap();
    assert_eq!((unchanged.status().as_u16(), unchanged.bytes().await.unwrap().len()), (304, 0));
}

#[tokio::test]
async fn clones_of_the_store_share_its_sessions() {
    let embedded = Embedded::start().await;
    assert!(embedded.sessions.is_empty());
    embedded.open("1").await;
    assert_eq!(embedded.sessions.len(), 1);
    let other = Embedded::with(embedded.sessions.clone()).await;
    assert_eq!(other.users(json!(null)).await, ["1"]);
    assert_eq!(format!("{:?}", embedded.sessions), "SessionStore { sessions: 1, .. }");
}

#[tokio::test]
async fn a_payload_keeps_the_order_of_its_keys() {
    let embedded = Embedded::start().await;
    let request = embedded.post("open_session").header("content-type", "application/json");
    let request = request.body(r#"{"user_id":"1","data":{"b":1,"a":[null]}}"#);
    let opened = request.send().await.unwrap().text().await.unwrap();
    assert!(opened.ends_with(r#""data":{"b":1,"a":[null]}}"#), "{opened}");
    let id = serde_json::from_str::<serde_json::Value>(&opened).unwrap()["id"].clone();
    let request = embedded.post("get_session_by_id").json(&json!({ "session_id": id }));
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), opened);
}
