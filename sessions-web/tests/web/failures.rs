//! Requests while the service fails.

use super::support::App;
use axum::http::{StatusCode, header};
use sessions_client::ErrorKind;

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
    let app = App::with(sessions_web::SessionLayer::anonymous_when_unavailable);
    let mut browser = app.logged_in("ann").await;
    app.service.fail(None, ErrorKind::Connect);
    assert_eq!(browser.get("/me-if-any").await.body, "anonymous");
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.post("/login/bob").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.post("/logout").await.status, StatusCode::SERVICE_UNAVAILABLE);
    app.service.recover();
    assert_eq!(browser.get("/me").await.body, "ann");
}
