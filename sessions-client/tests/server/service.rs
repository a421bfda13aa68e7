//! The service as a whole: what it says of itself, and that it is the one in memory.

use super::{Embedded, http_client, read};
use serde_json::json;
use sessions_client::ISessionsV1;

#[tokio::test]
async fn the_heartbeat_is_the_time_of_the_server() {
    let embedded = Embedded::start().await;
    let url = format!("{}/heartbeat", embedded.service.url());
    let (status, time) = read(http_client().get(&url)).await;
    assert_eq!((status, time.as_str().map(str::len)), (200, Some("2026-11-23T02:13:58.078Z".len())));
    assert_eq!(read(http_client().post(&url)).await.0, 405);
}

#[tokio::test]
async fn it_says_what_it_is() {
    let embedded = Embedded::start().await;
    let url = format!("{}/status", embedded.service.url());
    let (status, told) = read(http_client().get(&url)).await;
    assert_eq!((status, &told["name"]), (200, &json!("service-sessions")));
    assert!(
        told["uptime"].is_u64() && told["start_time"].as_str() <= told["current_time"].as_str(),
        "{told}"
    );
    assert_eq!(read(http_client().post(&url)).await.0, 405);
    let unchanged = http_client().get(&url).header("if-none-match", "*").send().await.unwrap();
    assert_eq!((unchanged.status().as_u16(), unchanged.bytes().await.unwrap().len()), (304, 0));
}

#[tokio::test]
async fn a_session_opened_over_http_is_the_one_in_memory() {
    let embedded = Embedded::start().await;
    let (_, opened) =
        embedded.call("open_session", &json!({ "user_id": "1", "data": { "b": 1, "a": [null] } })).await;
    let id = opened["id"].as_str().unwrap();
    let session = embedded.sessions.get_session_by_id(None, id).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(&session).unwrap(), opened);
    assert_eq!(opened["data"].to_string(), r#"{"b":1,"a":[null]}"#);
}
