//! The data of a session: what is written, and what two requests at once do.

use super::support::{App, Browser, COOKIE, Meanwhile, done};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures_util::FutureExt;
use serde_json::json;
use sessions_client::{ErrorKind, ISessionsV1};
use std::collections::BTreeMap;
use std::sync::Arc;

#[tokio::test]
async fn a_change_costs_one_read_and_one_write() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/set/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "store"]);
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book"}"#);
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn changes_before_and_after_a_save_cost_one_read() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.post("/set-save-and-set/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "store", "store"]);
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book","later":"book"}"#);
}

#[tokio::test]
async fn a_change_directly_after_login_costs_no_read() {
    let app = App::new();
    let mut browser = app.browser();
    browser.post("/log-in-and-set/ann/cart/book").await;
    assert_eq!(app.service.take_calls(), ["open", "store"]);
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book"}"#);
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
async fn a_slow_read_is_followed_by_the_write() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let clock = app.clock.clone();
    app.service.before("get", move |_| clock.move_by(300));
    assert_eq!(browser.post("/set/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "store"]);
}

#[tokio::test]
async fn a_slow_write_needs_no_read_before_the_next_one() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let clock = app.clock.clone();
    app.service.before("store", move |_| clock.move_by(300));
    assert_eq!(browser.post("/set-save-and-set/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "store", "store"]);
}

#[tokio::test]
async fn a_change_during_a_save_is_stored_by_the_next_one() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.yield_in_calls();
    assert_eq!(browser.post("/set-and-remove-during-save/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "store", "store"]);
    assert_eq!(browser.get("/data").await.body, "{}");
}

/// Lets a handler run while another instance stores a theme and the clock moves, and returns the data afterwards.
async fn data_after_a_handler_of(millis: i64) -> (Vec<&'static str>, String) {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let (other, cookie, clock) = (app.sibling().router(), browser.cookie.clone(), app.clock.clone());
    let meanwhile = Meanwhile(Arc::new(move || {
        let (mut tab, clock) = (Browser::new(other.clone()), clock.clone());
        tab.cookie.clone_from(&cookie);
        async move {
            assert_eq!(tab.post("/set/theme/dark").await.status, StatusCode::OK);
            clock.move_by(millis);
        }
        .boxed()
    }));
    let request = Request::post("/set-later/cart/book").extension(meanwhile);
    let request = request.header(header::COOKIE, format!("{COOKIE}={}", browser.id()));
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status(), StatusCode::OK);
    (app.service.take_calls(), browser.get("/data").await.body)
}

#[tokio::test]
async fn a_slow_handler_keeps_the_changes_of_other_instances() {
    let (calls, data) = data_after_a_handler_of(250).await;
    assert_eq!(calls, ["get", "get", "store", "get", "store"]);
    assert_eq!(data, r#"{"cart":"book","theme":"dark"}"#);
}

#[tokio::test]
async fn a_change_by_another_instance_during_a_short_handler_is_lost() {
    let (calls, data) = data_after_a_handler_of(249).await;
    assert_eq!(calls, ["get", "get", "store", "store"]);
    assert_eq!(data, r#"{"cart":"book"}"#);
}

#[tokio::test]
async fn a_session_is_read_again_if_the_clock_has_stepped_back() {
    let (calls, data) = data_after_a_handler_of(-1).await;
    assert_eq!(calls, ["get", "get", "store", "get", "store"]);
    assert_eq!(data, r#"{"cart":"book","theme":"dark"}"#);
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
    assert_eq!(app.service.take_calls(), ["get", "get", "store", "get", "store"]);
    assert_eq!(browser.get("/data").await.body, r#"{"language":"en","theme":"dark"}"#);
}

#[tokio::test]
async fn many_simultaneous_requests_of_one_instance_lose_no_key() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.yield_in_calls();
    let tabs = (0..20).map(|number| {
        let mut tab = app.browser();
        tab.cookie.clone_from(&browser.cookie);
        async move {
            // Some read before the writes of others, and some during or after them.
            for _ in 0..number % 5 {
                tokio::task::yield_now().await;
            }
            assert_eq!(tab.post(&format!("/set/key-{number}/x")).await.status, StatusCode::OK);
        }
    });
    futures_util::future::join_all(tabs).await;
    let data: BTreeMap<String, String> = serde_json::from_str(&browser.get("/data").await.body).unwrap();
    assert_eq!(data.len(), 20, "{data:?}");
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
    assert!(page.body.starts_with("sessions are not available: try again later"), "{}", page.body);
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
    assert_eq!(app.service.take_calls(), ["get", "store"]);
}

#[tokio::test]
async fn a_failed_save_is_tried_again_before_the_response() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(Some("store"), ErrorKind::Connect);
    let page = browser.post("/set-and-save/cart/book").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.service.take_calls(), ["get", "store", "get", "store"]);
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
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    // Tests are a debug build, which adds the reason.
    let reason = "the key `cart` in the data of the session cannot be read as alloc::string::String";
    assert_eq!(page.body, format!("internal error\n\n{reason}\n"));
}
