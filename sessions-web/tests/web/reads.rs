//! Calls to the service for each request.

use super::support::{App, COOKIE};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use sessions_client::ISessionsV1;
use std::time::Duration;

#[tokio::test]
async fn a_page_without_an_extractor_makes_no_call() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let page = browser.get("/public").await;
    assert_eq!(page.body, "public");
    assert!(page.headers.get(header::CACHE_CONTROL).is_none());
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn all_extractors_of_a_request_share_one_read() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.get("/everything").await.body, "ann");
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn a_request_without_a_cookie_makes_no_call() {
    let app = App::new();
    assert_eq!(app.browser().get("/me-if-any").await.body, "anonymous");
    assert_eq!(app.browser().get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_malformed_id_is_not_sent_to_the_service() {
    let app = App::new();
    for id in
        ["x".repeat(65), "x".repeat(8000), "8c7d473658cc487d../a246328593b865".to_owned(), String::new()]
    {
        let mut browser = app.browser();
        browser.cookie = Some(id);
        assert_eq!(browser.get("/me-if-any").await.body, "anonymous");
        assert_eq!(browser.get("/current-user").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn an_unknown_id_is_anonymous() {
    let app = App::new();
    let mut browser = app.browser();
    browser.cookie = Some("8c7d473658cc487daea246328593b865".to_owned());
    assert_eq!(browser.get("/me-if-any").await.body, "anonymous");
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    // The cookie stays: another response may have replaced it meanwhile.
    assert!(browser.cookie.is_some());
    assert_eq!(app.service.take_calls(), ["get", "get"]);
}

#[tokio::test]
async fn a_closed_session_is_anonymous() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.sessions.close_session(None, browser.id()).await.unwrap();
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_without_a_user_is_anonymous() {
    let app = App::new();
    // Only the empty user id makes it anonymous.
    let user = serde_json::json!({ "id": "ann" });
    let session =
        app.service.sessions.open_session(None, "", None, None, None, Some(&user), None).await.unwrap();
    let mut browser = app.browser();
    browser.cookie = Some(session.id);
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn responses_with_a_session_are_not_stored_by_caches() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.get("/me").await.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn the_header_is_ignored_unless_it_is_enabled() {
    let app = App::new();
    let enabled = App::with(sessions_web::SessionLayer::with_header);
    for (app, status) in [(&app, StatusCode::UNAUTHORIZED), (&enabled, StatusCode::OK)] {
        let browser = app.logged_in("ann").await;
        let request = Request::get("/me").header("x-session-id", browser.id());
        assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status(), status);
    }
}

#[tokio::test]
async fn a_header_precedes_the_cookie_of_another_user() {
    let app = App::with(sessions_web::SessionLayer::with_header);
    let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    let request = Request::get("/me")
        .header("x-session-id", ann.id())
        .header(header::COOKIE, format!("{COOKIE}={}", bob.id()));
    let page = super::support::read(app.send(request.body(Body::empty()).unwrap()).await).await;
    assert_eq!(page.body, "ann");
}

#[tokio::test]
async fn without_a_cookie_the_layer_neither_reads_nor_sets_one() {
    let app = App::with(|layer| layer.without_cookie().with_header());
    let mut browser = app.browser();
    let page = browser.post("/login/ann").await;
    assert_eq!((page.status, page.set_cookie()), (StatusCode::OK, None));
    let sessions = app.service.sessions.get_sessions(None, None, None).await.unwrap();
    browser.cookie = Some(sessions.data[0].id.clone());
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn extractors_outside_of_a_layer_report_it() {
    use axum::extract::FromRequestParts;
    let (mut parts, ()) = Request::get("/").body(()).unwrap().into_parts();
    let error =
        sessions_web::Session::<serde_json::Value>::from_request_parts(&mut parts, &()).await.unwrap_err();
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(error.to_string().contains("add one to the router"), "{error}");
}

#[tokio::test]
async fn a_session_with_another_id_than_the_requested_one_is_rejected() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.change_responses("get", |session| {
        session.id = "0000473658cc487daea246328593b865".to_owned();
        session.user_id = Some("bob".to_owned());
    });
    for path in ["/me", "/me-if-any"] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.set_cookie()), (StatusCode::BAD_GATEWAY, None));
    }
}

#[tokio::test]
async fn a_response_with_a_cookie_is_not_stored_by_caches() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let page = browser.get("/cached-by-all").await;
    assert_eq!(page.set_cookie(), None);
    assert_eq!(page.headers[header::CACHE_CONTROL], "public");
    assert_eq!(page.headers[header::VARY], "cookie");
    // The session is extended, so the response has a cookie.
    app.clock.advance(Duration::from_secs(600));
    let page = browser.get("/cached-by-all").await;
    assert!(page.set_cookie().is_some());
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn several_headers_must_be_equal_before_they_are_checked() {
    let app = App::with(sessions_web::SessionLayer::with_header);
    let browser = app.logged_in("ann").await;
    for (other, status) in [("garbage", StatusCode::BAD_REQUEST), (browser.id(), StatusCode::OK)] {
        let request = Request::get("/me").header("x-session-id", browser.id()).header("x-session-id", other);
        assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status(), status);
    }
}
