//! Requests while the service fails.

use super::support::{App, Browser, routes};
use axum::http::{StatusCode, header};
use sessions_client::{
    ClientConfig, Error, ErrorKind, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1,
    Transport, sessions_v1, transport_fn,
};
use sessions_web::{SessionError, SessionLayer};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn a_request_is_rejected_while_the_service_is_down() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    for kind in [ErrorKind::Connect, ErrorKind::Timeout, ErrorKind::ConcurrencyLimit] {
        app.service.fail(None, kind);
        for path in ["/me", "/me-if-any", "/current-user"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
            assert_eq!(page.headers[header::RETRY_AFTER], "1");
            assert_eq!(page.set_cookie(), None);
        }
    }
    assert_eq!(browser.get("/public").await.status, StatusCode::OK);
    app.service.recover();
    assert_eq!(browser.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_failure_that_a_retry_does_not_solve_is_a_bad_gateway() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(None, ErrorKind::Decode);
    let page = browser.get("/me").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(!page.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_failed_read_is_made_once_for_a_request() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(None, ErrorKind::Connect);
    browser.get("/everything").await;
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn a_request_can_be_anonymous_while_the_service_is_down() {
    let app = App::with(SessionLayer::anonymous_when_unavailable);
    let mut browser = app.logged_in("ann").await;
    app.service.fail(None, ErrorKind::Connect);
    assert_eq!(browser.get("/me-if-any").await.body, "anonymous");
    assert_eq!(browser.get("/me").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.post("/login/bob").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.post("/logout").await.status, StatusCode::SERVICE_UNAVAILABLE);
    app.service.recover();
    assert_eq!(browser.get("/me").await.body, "ann");
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_two_seconds_at_most_for_the_service() {
    let silent = transport_fn(|_| pending());
    let client = SessionsHttpClientV1::from_transport(silent, &ClientConfig::new()).unwrap();
    let mut browser = Browser::new(routes().layer(SessionLayer::new(client)));
    browser.cookie = Some("8c7d473658cc487daea246328593b865".to_owned());
    let start = Instant::now();
    assert_eq!(browser.get("/me").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[test]
fn the_requested_delay_is_rounded_up_to_seconds() {
    use axum::response::IntoResponse;
    for (delay, seconds) in [(0, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
        let error = Error::new(ErrorKind::Connect, "no connection");
        let error = error.with_retry_after(Duration::from_millis(delay));
        let response = SessionError::from(error).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_session_wait_for_each_other_for_two_seconds_at_most() {
    let service = Arc::new(InProcessTransport::new(sessions_v1::Handler::new(SessionsMemoryClientV1::new())));
    let client = SessionsHttpClientV1::new(transport_fn(move |call| {
        let service = Arc::clone(&service);
        async move {
            if call.route.name == "store_session_data" {
                // As a call that reaches its deadline.
                tokio::time::sleep(Duration::from_secs(2)).await;
                return Err(Error::new(ErrorKind::Timeout, "the service hangs"));
            }
            service.send(call).await
        }
    }));
    let router = routes().layer(SessionLayer::new(client));
    let mut browser = Browser::new(router.clone());
    browser.post("/login/ann").await;
    let start = Instant::now();
    let all = (0..20).map(|number| {
        let mut tab = Browser::new(router.clone());
        tab.cookie.clone_from(&browser.cookie);
        async move { tab.post(&format!("/set/k{number}/v")).await.status }
    });
    for status in futures_util::future::join_all(all).await {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(start.elapsed() <= Duration::from_secs(4), "{:?}", start.elapsed());
}
