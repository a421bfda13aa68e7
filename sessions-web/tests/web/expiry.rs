//! Idle and absolute expiry, and the extension of sessions in use.

use super::support::{App, Browser, COOKIE, Meanwhile, done, read};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures_util::FutureExt;
use serde_json::json;
use sessions_client::{ErrorKind, ISessionsV1, SessionV1};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

const MINUTE: Duration = Duration::from_secs(60);

fn app() -> App {
    App::with(|layer| {
        layer.with_idle_timeout(60 * MINUTE).with_lifetime(180 * MINUTE).with_touch_interval(10 * MINUTE)
    })
}

#[tokio::test]
async fn a_request_that_saves_often_does_not_outlive_the_lifetime() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    for _ in 0..18 {
        browser.post("/set/key/value").await;
        app.clock.advance(Duration::from_secs(599));
        assert_eq!(browser.get("/me").await.status, StatusCode::OK);
    }
    app.service.take_calls();
    // The first save is directly before the end of the lifetime, and the second one at its end.
    app.clock.advance(Duration::from_millis(17_999));
    let clock = app.clock.clone();
    app.service.before("store", move |_| clock.move_by(1));
    assert_eq!(browser.post("/set-save-and-set/cart/book").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.service.take_calls(), ["get", "store"]);
}

#[tokio::test]
async fn an_idle_session_expires() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    app.clock.advance(60 * MINUTE);
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn reading_keeps_a_session_alive_until_its_lifetime_ends() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    for _ in 0..17 {
        app.clock.advance(10 * MINUTE);
        assert_eq!(browser.get("/me").await.status, StatusCode::OK);
        assert_eq!(app.service.take_calls(), ["get", "store"]);
    }
    app.clock.advance(10 * MINUTE);
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_in_use_is_extended_once_for_each_interval() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    app.clock.advance(9 * MINUTE);
    browser.get("/me").await;
    assert_eq!(app.service.take_calls(), ["get"]);
    app.clock.advance(MINUTE);
    browser.get("/me").await;
    browser.get("/me").await;
    assert_eq!(app.service.take_calls(), ["get", "store", "get"]);
}

#[tokio::test]
async fn an_extension_keeps_the_data() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/book").await;
    app.clock.advance(10 * MINUTE);
    assert_eq!(browser.get("/data/cart").await.body, "book");
    let session = app.service.session(browser.id()).unwrap();
    assert_eq!(session.request_time, app.clock.now());
    assert_eq!(session.data, Some(json!({ "cart": "book" })));
}

#[tokio::test]
async fn an_extension_renews_the_cookie() {
    let app = app();
    let mut browser = app.browser();
    let page = browser.post("/login/ann").await;
    assert!(page.set_cookie().unwrap().contains("Max-Age=3600"));
    assert_eq!(browser.get("/me").await.set_cookie(), None);
    app.clock.advance(50 * MINUTE);
    assert!(browser.get("/me").await.set_cookie().unwrap().contains("Max-Age=3600"));
    app.clock.advance(50 * MINUTE);
    browser.get("/me").await;
    app.clock.advance(50 * MINUTE);
    // Half an hour before the end of its lifetime.
    assert!(browser.get("/me").await.set_cookie().unwrap().contains("Max-Age=1800"));
}

/// Returns the cookie of a request that extends its session, and during which the same browser sends another one.
async fn cookie_after(path: &'static str) -> Option<String> {
    let app = app();
    let browser = app.logged_in("ann").await;
    app.clock.advance(50 * MINUTE);
    let (router, cookie) = (app.router(), browser.cookie.clone());
    let meanwhile = Meanwhile(Arc::new(move || {
        let mut tab = Browser::new(router.clone());
        tab.cookie.clone_from(&cookie);
        async move { assert_eq!(tab.post(path).await.status, StatusCode::OK) }.boxed()
    }));
    let request = Request::get("/me-later").extension(meanwhile);
    let request = request.header(header::COOKIE, format!("{COOKIE}={}", browser.id()));
    let page = read(app.send(request.body(Body::empty()).unwrap()).await).await;
    assert_eq!((page.status, &*page.body), (StatusCode::OK, "ann"));
    page.set_cookie().map(str::to_owned)
}

#[tokio::test]
async fn the_cookie_of_a_session_that_has_ended_meanwhile_is_not_renewed() {
    for path in ["/login/ann", "/logout", "/logout-everywhere"] {
        assert_eq!(cookie_after(path).await, None, "{path}");
    }
    assert!(cookie_after("/set/cart/book").await.is_some());
}

#[tokio::test]
async fn an_extension_of_a_session_without_data_stores_an_empty_object() {
    let app = app();
    let mut browser = app.browser();
    let user = json!({ "id": "ann" });
    let session = app.service.sessions.open_session(None, "ann", None, None, None, Some(&user), None);
    browser.cookie = Some(done(session).id);
    app.clock.advance(10 * MINUTE);
    assert_eq!(browser.get("/me").await.body, "ann");
    assert_eq!(app.service.session(browser.id()).unwrap().data, Some(json!({})));
}

#[tokio::test]
async fn one_of_simultaneous_requests_extends_the_session() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    let mut tab = app.browser();
    tab.cookie.clone_from(&browser.cookie);
    app.clock.advance(10 * MINUTE);
    app.service.yield_in_calls();
    let both = tokio::join!(browser.get("/me"), tab.get("/me"));
    assert_eq!((&*both.0.body, &*both.1.body), ("ann", "ann"));
    assert_eq!(app.service.take_calls(), ["get", "get", "store", "get"]);
}

#[tokio::test]
async fn an_extension_keeps_the_change_of_a_simultaneous_request() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    let mut tab = app.browser();
    tab.cookie.clone_from(&browser.cookie);
    app.clock.advance(10 * MINUTE);
    // The other request begins between the read and the write of this one, and would be complete before the write.
    let (started, other) = oneshot::channel();
    app.service.yield_in_calls();
    app.service.before("store", move |_| {
        let request = tokio::spawn(async move { tab.post("/set/cart/book").await.status });
        started.send(request).unwrap();
    });
    assert_eq!(browser.get("/me").await.status, StatusCode::OK);
    assert_eq!(other.await.unwrap().await.unwrap(), StatusCode::OK);
    assert_eq!(browser.get("/data").await.body, r#"{"cart":"book"}"#);
}

#[tokio::test]
async fn a_failed_extension_does_not_log_out() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    app.clock.advance(10 * MINUTE);
    app.service.fail(Some("store"), ErrorKind::Timeout);
    let page = browser.get("/me").await;
    assert_eq!((&*page.body, page.set_cookie()), ("ann", None));
    app.service.recover();
    browser.get("/me").await;
    assert_eq!(app.service.take_calls(), ["get", "store", "get", "store"]);
}

#[tokio::test]
async fn a_session_that_ends_during_its_extension_is_anonymous() {
    for delete in [true, false] {
        let app = app();
        let mut browser = app.logged_in("ann").await;
        app.clock.advance(10 * MINUTE);
        let id = browser.id().to_owned();
        app.service.before("store", move |sessions| {
            if delete {
                done(sessions.delete_session_by_id(None, &id));
            } else {
                done(sessions.close_session(None, &id));
            }
        });
        assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_cleanup_of_the_service_spares_sessions_in_use() {
    let app = App::new();
    let (mut used, mut idle) = (app.logged_in("ann").await, app.logged_in("bob").await);
    for _ in 0..25 {
        app.clock.advance(60 * MINUTE);
        used.get("/me").await;
        app.service.sessions.close_expired_sessions(None).await.unwrap();
    }
    assert_eq!(used.get("/me").await.body, "ann");
    assert_eq!(idle.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(!app.service.session(idle.id()).unwrap().active);
}

#[tokio::test]
async fn a_change_of_an_expired_session_is_reported() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    let clock = app.clock.clone();
    app.service.before("get", move |_| clock.advance(59 * MINUTE));
    // Loaded in its last minute. It is extended then, so the change is stored.
    assert_eq!(browser.post("/set/cart/book").await.status, StatusCode::OK);
    let clock = app.clock.clone();
    app.service.fail(Some("store"), ErrorKind::Timeout);
    app.service.before("store", move |_| clock.advance(MINUTE));
    app.clock.advance(59 * MINUTE);
    // The extension fails, and the session expires before the change is stored.
    assert_eq!(browser.post("/set/cart/pen").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_change_renews_the_cookie() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    for minute in 1..=30 {
        app.clock.advance(MINUTE);
        for path in
            [format!("/set/pieces/{minute}"), format!("/set-and-save/saved/{minute}"), "/role/x".to_owned()]
        {
            let page = browser.post(&path).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.set_cookie().unwrap().contains("Max-Age=3600"), "{path}");
        }
    }
    // Neither a read nor an equal value is a change.
    assert_eq!(browser.get("/me").await.set_cookie(), None);
    assert_eq!(browser.post("/set/pieces/30").await.set_cookie(), None);
}

#[tokio::test]
async fn an_extension_writes_nothing_into_a_session_that_was_closed() {
    let app = app();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/private").await;
    app.clock.advance(10 * MINUTE);
    let id = browser.id().to_owned();
    app.service.before("store", move |sessions| {
        done(sessions.close_session(None, &id));
    });
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.service.session(browser.id()).unwrap().data, None);
}

#[tokio::test]
async fn the_response_to_an_extension_cannot_change_the_session() {
    for change in [
        |session: &mut SessionV1| session.id = "x; Domain=evil.example".to_owned(),
        |session: &mut SessionV1| session.user_id = Some("bob".to_owned()),
        |session: &mut SessionV1| session.user_id = None,
    ] {
        let app = app();
        let mut browser = app.logged_in("ann").await;
        let id = browser.id().to_owned();
        app.clock.advance(10 * MINUTE);
        app.service.change_responses("store", change);
        assert_eq!(browser.get("/me").await.body, "ann");
        assert_eq!(browser.id(), id);
    }
}
