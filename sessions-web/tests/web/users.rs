//! The user of a session, as Rust and as the official facade write it.

use super::support::{App, done};
use axum::http::StatusCode;
use serde_json::json;
use sessions_client::ISessionsV1;
use sessions_web::SessionUserV1;

#[test]
fn a_user_of_the_facade_is_read_and_written_unchanged() {
    let facade = json!({
        "id": "1",
        "name": "Ann",
        "login": "ann@example.com",
        "create_time": "2026-11-23T02:10:20.820Z",
        "time_zone": "Europe/Berlin",
        "language": "en",
        "theme": "blue",
        "roles": ["admin", "user"],
        "settings": { "a": 1 },
        "change_pwd_time": "2026-11-24T02:10:20.820Z",
        "custom_hdr": { "b": 2 },
        "custom_dat": "c"
    });
    let user: SessionUserV1 = serde_json::from_value(facade.clone()).unwrap();
    assert!(user.has_role("admin") && !user.has_role("root"));
    assert_eq!(user.other["settings"], json!({ "a": 1 }));
    assert_eq!(serde_json::to_value(&user).unwrap(), facade);
}

#[test]
fn keys_that_are_absent_or_null_have_no_value() {
    for json in [json!({ "id": "1" }), json!({ "id": "1", "name": null, "roles": null, "create_time": null })]
    {
        let user: SessionUserV1 = serde_json::from_value(json).unwrap();
        assert!(user == SessionUserV1::new("1"));
    }
}

#[tokio::test]
async fn a_change_of_the_user_is_seen_by_the_next_request() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/role/admin").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "update_user"]);
    assert_eq!(browser.get("/roles").await.body, "admin");
}

#[tokio::test]
async fn a_change_of_the_user_of_a_closed_session_is_reported() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.before("update_user", move |sessions| {
        done(sessions.close_session(None, &id));
    });
    assert_eq!(browser.post("/role/admin").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_user_of_another_type_is_anonymous_and_can_log_in_again() {
    let app = App::new();
    let user = json!("private");
    let session = app.service.sessions.open_session(None, "1", None, None, None, Some(&user), None);
    let mut browser = app.browser();
    browser.cookie = Some(done(session).id);
    let page = browser.get("/me").await;
    assert_eq!((page.status, &*page.body), (StatusCode::UNAUTHORIZED, "log in first"));
    assert_eq!(browser.get("/me-if-any").await.body, "anonymous");
    browser.post("/login/ann").await;
    assert_eq!(browser.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_change_of_the_user_is_seen_by_later_extractors_of_the_request() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/add-role-and-read/admin").await.body, "admin");
}

#[tokio::test]
async fn a_change_of_the_user_is_not_kept_in_a_closed_session() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.before("update_user", move |sessions| {
        done(sessions.close_session(None, &id));
    });
    browser.post("/role/admin").await;
    assert_eq!(app.service.session(browser.id()).unwrap().user, None);
}
