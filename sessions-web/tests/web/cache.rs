//! The short cache.

use super::support::App;
use axum::http::StatusCode;
use futures_util::FutureExt;
use sessions_client::ISessionsV1;
use std::time::Duration;

fn app() -> App {
    App::with(|layer| layer.with_cache(Duration::from_secs(5)))
}

#[tokio::test]
async fn requests_in_quick_succession_read_once() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    for _ in 0..3 {
        assert_eq!(browser.get("/me").await.body, "ann");
    }
    assert_eq!(app.service.take_calls(), ["get"]);
    app.clock.advance(Duration::from_secs(5));
    browser.get("/me").await;
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn a_session_that_ends_elsewhere_is_valid_for_the_stated_time_only() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    browser.get("/me").await;
    app.service.sessions.close_session(None, browser.id()).await.unwrap();
    app.clock.advance(Duration::from_millis(4999));
    assert_eq!(browser.get("/me").await.status, StatusCode::OK);
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn own_changes_are_seen_at_once() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    browser.get("/me").await;
    browser.post("/set/cart/book").await;
    assert_eq!(browser.get("/data/cart").await.body, "book");
    browser.post("/role/admin").await;
    assert_eq!(browser.get("/roles").await.body, "admin");
}

#[tokio::test]
async fn a_change_reads_a_session_that_was_cached_for_250_ms() {
    for (millis, calls) in [(249, &["store"][..]), (250, &["get", "store"])] {
        let app = app();
        let mut browser = app.logged_in("ann").await;
        browser.get("/me").await;
        app.service.take_calls();
        app.clock.advance(Duration::from_millis(millis));
        browser.post("/set/cart/book").await;
        assert_eq!(app.service.take_calls(), calls);
    }
}

#[tokio::test]
async fn a_logout_by_the_same_instance_is_seen_at_once() {
    let app = app();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    laptop.get("/me").await;
    let mut copy = app.browser();
    copy.cookie.clone_from(&phone.cookie);
    copy.get("/me").await;
    phone.post("/logout-everywhere").await;
    assert_eq!(copy.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_rotation_is_seen_at_once() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    let mut copy = app.browser();
    copy.cookie.clone_from(&browser.cookie);
    copy.get("/me").await;
    browser.post("/login/ann").await;
    assert_eq!(copy.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_is_read_before_its_data_is_stored_to_extend_it() {
    let app = App::with(|layer| {
        layer.with_cache(Duration::from_secs(60)).with_touch_interval(Duration::from_secs(30))
    });
    let mut browser = app.logged_in("ann").await;
    browser.get("/me").await;
    app.service
        .sessions
        .store_session_data(None, browser.id(), &serde_json::json!({ "b": 1 }))
        .await
        .unwrap();
    app.clock.advance(Duration::from_secs(30));
    assert_eq!(browser.get("/data").await.body, r#"{"b":1}"#);
}

#[tokio::test]
async fn an_extended_session_is_read_once_more() {
    let app = App::with(|layer| {
        layer.with_cache(Duration::from_secs(60)).with_touch_interval(Duration::from_secs(30))
    });
    let mut browser = app.logged_in("ann").await;
    app.clock.advance(Duration::from_secs(30));
    for _ in 0..3 {
        browser.get("/me").await;
    }
    assert_eq!(app.service.take_calls(), ["get", "store", "get"]);
}

#[tokio::test]
async fn a_logout_that_is_cancelled_is_seen_at_once() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.get("/me").await.body, "ann");
    // The browser closes the connection while the service responds.
    app.service.hang_after("close");
    assert!(browser.post("/logout").now_or_never().is_none());
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}
