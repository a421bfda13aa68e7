//! The data of a session: what is written, and what two requests at once do.

use super::support::{App, done};
use axum::http::StatusCode;
use futures_util::FutureExt;
use serde_json::json;
use sessions_client::{ErrorKind, ISessionsV1};

#[tokio::test]
async fn a_change_is_stored_with_a_read_directly_before_it() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/set/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "get", "store"]);
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book"}"#);
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn an_equal_value_is_not_a_change() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/book").await;
    app.service.take_calls();
    browser.post("/set/cart/book").await;
    browser.post("/remove/unknown").await;
    assert_eq!(app.service.take_calls(), ["get", "get"]);
}

#[tokio::test]
async fn two_requests_at_once_keep_the_keys_of_both() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/book").await;
    let (other, cookie) = (app.sibling(), browser.cookie.clone());
    // Both requests have loaded the session. The other one is complete before this one reads again.
    app.service.before_nth("get", 2, move |_| {
        let mut tab = other.browser();
        tab.cookie = cookie;
        assert_eq!(tab.post("/set/theme/dark").now_or_never().unwrap().status, StatusCode::OK);
    });
    assert_eq!(browser.post("/set/language/en").await.status, StatusCode::OK);
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book","language":"en","theme":"dark"}"#);
}

#[tokio::test]
async fn simultaneous_requests_of_one_instance_keep_the_keys_of_both() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let mut tab = app.browser();
    tab.cookie.clone_from(&browser.cookie);
    app.service.yield_in_calls();
    let both = tokio::join!(browser.post("/set/language/en"), tab.post("/set/theme/dark"));
    assert_eq!((both.0.status, both.1.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(app.service.take_calls(), ["get", "get", "get", "store", "get", "store"]);
    assert_eq!(browser.get("/data").await.body, r#"{"language":"en","theme":"dark"}"#);
}

#[tokio::test]
async fn a_change_between_the_read_and_the_write_is_lost() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.before("store", move |sessions| {
        done(sessions.store_session_data(None, &id, &json!({ "theme": "dark" })));
    });
    browser.post("/set/cart/book").await;
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book"}"#);
}

#[tokio::test]
async fn the_last_write_of_one_key_wins() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/book").await;
    browser.post("/set/cart/pen").await;
    assert_eq!(browser.get("/data/cart").await.body, "pen");
}

#[tokio::test]
async fn a_key_can_be_removed() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/book").await;
    browser.post("/remove/cart").await;
    assert_eq!(browser.get("/data").await.body, "{}");
}

#[tokio::test]
async fn a_change_of_a_session_that_was_deleted_meanwhile_is_reported() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.before("store", move |sessions| {
        done(sessions.delete_session_by_id(None, &id));
    });
    let page = browser.post("/set/cart/book").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.body, "the session has ended: log in again");
}

#[tokio::test]
async fn a_change_of_a_session_that_was_closed_meanwhile_is_reported() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.before("store", move |sessions| {
        done(sessions.close_session(None, &id));
    });
    assert_eq!(browser.post("/set/cart/book").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_failed_write_is_an_error_response() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(Some("store"), ErrorKind::Connect);
    let page = browser.post("/set/cart/book").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.body, "sessions are not available: try again later");
}

#[tokio::test]
async fn changes_of_a_failed_request_are_not_stored() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/set-and-fail/cart/book").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.service.take_calls(), ["get"]);
    assert_eq!(browser.get("/data").await.body, "{}");
}

#[tokio::test]
async fn a_handler_can_store_changes_itself() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/set-and-save/cart/book").await.body, "saved");
    assert_eq!(app.service.take_calls(), ["get", "get", "store"]);
}

#[tokio::test]
async fn a_failed_save_is_tried_again_before_the_response() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(Some("store"), ErrorKind::Connect);
    let page = browser.post("/set-and-save/cart/book").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.service.take_calls(), ["get", "get", "store", "get", "store"]);
}

#[tokio::test]
async fn data_that_is_not_an_object_is_kept() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.sessions.store_session_data(None, &id, &json!("written elsewhere")).await.unwrap();
    assert_eq!(browser.get("/data/cart").await.status, StatusCode::OK);
    assert_eq!(browser.post("/set/cart/book").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.service.session(&id).unwrap().data, Some(json!("written elsewhere")));
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.sessions.store_session_data(None, browser.id(), &json!({ "cart": 5 })).await.unwrap();
    let page = browser.get("/data/cart").await;
    assert_eq!((page.status, &*page.body), (StatusCode::INTERNAL_SERVER_ERROR, "internal error"));
}
