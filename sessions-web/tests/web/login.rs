//! Login, logout, and the fixation of sessions.

use super::support::{App, COOKIE, Page, done, read};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::middleware::Next;
use sessions_client::{ErrorKind, ISessionsV1, SessionV1};
use sessions_web::{Session, SessionLayer};
use std::time::Duration;

#[tokio::test]
async fn a_login_opens_a_session_and_sets_the_cookie() {
    let app = App::new();
    let mut browser = app.browser();
    browser.post("/login/ann").await;
    assert_eq!(app.service.take_calls(), ["open"]);
    let session = app.service.session(browser.id()).unwrap();
    assert_eq!(session.user_id.as_deref(), Some("ann"));
    assert_eq!(session.user_name.as_deref(), Some("ann"));
    assert_eq!(session.client.as_deref(), Some("test browser"));
    assert_eq!(session.address.as_deref(), Some("192.0.2.1"));
    assert_eq!(browser.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_login_replaces_the_id_and_deletes_the_old_session() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let old = browser.id().to_owned();
    browser.post("/login/bob").await;
    assert_eq!(app.service.take_calls(), ["delete", "open"]);
    assert_ne!(browser.id(), old);
    assert_eq!(app.service.session(&old), None);
    assert_eq!(browser.get("/me").await.body, "bob");
}

#[tokio::test]
async fn a_planted_session_is_useless_after_login() {
    let app = App::new();
    let mut attacker = app.logged_in("mallory").await;
    let mut victim = app.browser();
    victim.cookie.clone_from(&attacker.cookie);
    victim.post("/login/ann").await;
    assert_ne!(victim.cookie, attacker.cookie);
    assert_eq!(attacker.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_planted_id_that_does_not_exist_is_not_adopted() {
    let app = App::new();
    let planted = "8c7d473658cc487daea246328593b865";
    let mut victim = app.browser();
    victim.cookie = Some(planted.to_owned());
    victim.post("/login/ann").await;
    assert_ne!(victim.id(), planted);
    assert_eq!(app.service.session(planted), None);
}

#[tokio::test]
async fn a_failed_login_does_not_log_in() {
    for operation in ["delete", "open"] {
        let app = App::new();
        let mut browser = app.logged_in("ann").await;
        app.service.fail(Some(operation), ErrorKind::Connect);
        let page = browser.post("/login/bob").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(page.set_cookie(), None);
        app.service.recover();
        assert_ne!(browser.get("/me").await.body, "bob");
    }
}

#[tokio::test]
async fn a_logout_closes_the_session_and_deletes_the_cookie() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    let page = browser.post("/logout").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["close"]);
    assert!(!app.service.session(&id).unwrap().active);
    assert_eq!(browser.cookie, None);
    browser.cookie = Some(id);
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_logout_without_a_session_succeeds() {
    let app = App::new();
    assert_eq!(app.browser().post("/logout").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_logout_that_fails_can_be_tried_again() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(None, ErrorKind::Connect);
    let page = browser.post("/logout").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    app.service.recover();
    assert_eq!(browser.get("/me").await.body, "ann");
    assert_eq!(browser.post("/logout").await.status, StatusCode::OK);
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn changes_are_dropped_at_logout() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    assert_eq!(browser.post("/set-and-log-out/cart/book").await.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["get", "close"]);
    assert_eq!(app.service.session(&id).unwrap().data, None);
}

#[tokio::test]
async fn a_change_after_logout_is_not_stored() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let page = browser.post("/log-out-and-save").await;
    assert_eq!(page.body, "the session has ended: log in again");
    assert_eq!(app.service.take_calls(), ["get", "close"]);
}

#[tokio::test]
async fn a_failed_login_drops_the_changes_of_the_deleted_session() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    app.service.fail(Some("open"), ErrorKind::Connect);
    let page = browser.post("/set-and-try-login/cart/book").await;
    assert_eq!((page.status, &*page.body), (StatusCode::OK, "not logged in"));
    assert_eq!(app.service.take_calls(), ["get", "delete", "open"]);
}

#[tokio::test]
async fn a_session_that_was_not_opened_as_requested_does_not_log_in() {
    for change in [
        |session: &mut SessionV1| session.id = "a b; Domain=evil.example".to_owned(),
        |session: &mut SessionV1| session.user_id = Some("bob".to_owned()),
        |session: &mut SessionV1| session.active = false,
    ] {
        let app = App::new();
        app.service.change_opened(change);
        let page = app.browser().post("/login/ann").await;
        assert_eq!((page.status, page.set_cookie()), (StatusCode::BAD_GATEWAY, None));
    }
}

#[tokio::test]
async fn an_empty_user_id_is_rejected_before_any_call() {
    use axum::extract::FromRequestParts;
    let app = App::new();
    let layer = SessionLayer::new(app.service.clone());
    let service =
        tower::ServiceBuilder::new().layer(layer).service_fn(async |request: axum::extract::Request| {
            let (mut parts, _) = request.into_parts();
            let sessions = sessions_web::SessionManager::from_request_parts(&mut parts, &()).await?;
            sessions.log_in(sessions_web::NewSession::new("", ())).await?;
            Ok::<_, sessions_web::SessionError>(())
        });
    let request = axum::extract::Request::new(Body::empty());
    let error = tower::ServiceExt::oneshot(service, request).await.unwrap_err();
    assert!(error.to_string().contains("the user id for a new session is empty"), "{error}");
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn two_users_have_two_sessions() {
    let app = App::new();
    let (mut ann, mut bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    ann.post("/set/cart/book").await;
    assert_eq!(bob.get("/data/cart").await.body, "");
    assert_eq!(ann.get("/data/cart").await.body, "book");
    assert_eq!(app.service.sessions.get_sessions(None, None, None).await.unwrap().data.len(), 2);
}

#[tokio::test]
async fn a_session_outlives_a_restart_of_the_application() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    browser.post("/set/cart/book").await;
    let restarted = app.sibling();
    let mut later = restarted.browser();
    later.cookie.clone_from(&browser.cookie);
    assert_eq!(later.get("/data/cart").await.body, "book");
}

#[tokio::test]
async fn the_user_of_a_session_that_has_ended_is_not_stored() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    let page = browser.post("/log-out-and-update-user").await;
    assert_eq!(page.body, "the session has ended: log in again");
    assert_eq!(app.service.take_calls(), ["get", "close"]);
    assert_eq!(app.service.session(&id).unwrap().user, None);
}

#[tokio::test]
async fn a_login_whose_response_is_an_error_is_undone() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let page = browser.post("/log-in-and-fail/bob").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(browser.cookie, None);
    assert_eq!(app.service.take_calls(), ["delete", "open", "delete"]);
}

#[tokio::test]
async fn a_login_whose_changes_cannot_be_stored_is_undone() {
    let app = App::new();
    app.service.fail(Some("store"), ErrorKind::Connect);
    let mut browser = app.browser();
    let page = browser.post("/log-in-and-set/ann/cart/book").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.cookie, None);
    assert_eq!(done(app.service.sessions.get_sessions(None, None, None)).data, []);
    app.service.recover();
    assert_eq!(browser.post("/log-in-and-set/ann/cart/book").await.status, StatusCode::OK);
    assert_eq!(browser.get("/data/cart").await.body, "book");
}

#[tokio::test]
async fn a_logout_with_two_different_cookies_closes_both_sessions() {
    let app = App::new();
    let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    let cookies = format!("{COOKIE}={}; {COOKIE}={}", ann.id(), bob.id());
    let request = Request::post("/logout").header(header::COOKIE, cookies).body(Body::empty()).unwrap();
    let page = read(app.send(request).await).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.set_cookie().unwrap().contains("Max-Age=0"));
    for browser in [ann, bob] {
        assert!(!app.service.session(browser.id()).unwrap().active);
    }
}

/// Sends a request with a session in the header and others in cookies.
async fn post_with_header(app: &App, path: &str, header: &str, cookies: &[&str]) -> Page {
    let cookies: Vec<String> = cookies.iter().map(|id| format!("{COOKIE}={id}")).collect();
    let request =
        Request::post(path).header("x-session-id", header).header(header::COOKIE, cookies.join("; "));
    read(app.send(request.body(Body::empty()).unwrap()).await).await
}

#[tokio::test]
async fn a_logout_closes_the_session_in_a_cookie_next_to_a_header() {
    for is_valid in [true, false] {
        let app = App::with(SessionLayer::with_header);
        let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
        let header = if is_valid { ann.id() } else { "undefined" };
        let page = post_with_header(&app, "/logout", header, &[bob.id()]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.set_cookie().unwrap().contains("Max-Age=0"));
        assert!(!app.service.session(bob.id()).unwrap().active, "{header}");
        assert_eq!(app.service.session(ann.id()).unwrap().active, !is_valid);
    }
}

#[tokio::test]
async fn a_login_deletes_the_session_in_a_cookie_next_to_a_header() {
    for is_valid in [true, false] {
        let app = App::with(SessionLayer::with_header);
        let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
        let header = if is_valid { ann.id() } else { "undefined" };
        let page = post_with_header(&app, "/login/eve", header, &[bob.id()]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(app.service.session(bob.id()), None, "{header}");
        assert_eq!(app.service.session(ann.id()).is_none(), is_valid);
    }
}

#[tokio::test]
async fn a_session_in_a_header_and_a_cookie_is_closed_once() {
    let app = App::with(SessionLayer::with_header);
    let ann = app.logged_in("ann").await;
    let page = post_with_header(&app, "/logout", ann.id(), &[ann.id()]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["close"]);
}

#[tokio::test]
async fn a_logout_with_a_header_and_nine_cookies_keeps_the_cookie() {
    let app = App::with(SessionLayer::with_header);
    let ann = app.logged_in("ann").await;
    let ids: Vec<String> = (0..9).map(|number| format!("{number}000473658cc487daea246328593b865")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let page = post_with_header(&app, "/logout", ann.id(), &ids).await;
    assert_eq!((page.status, page.set_cookie()), (StatusCode::BAD_REQUEST, None));
}

#[tokio::test]
async fn a_login_in_a_nested_router_with_its_own_layer_keeps_its_cookie() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let clock = app.clock.clone();
    // A middleware of the outer layer reads the session, and extends it.
    let outer = app
        .router()
        .layer(axum::middleware::from_fn(async |_: Option<Session>, request: Request<Body>, next: Next| {
            next.run(request).await
        }))
        .layer(SessionLayer::new(app.service.clone()).with_clock(move || clock.now()));
    app.clock.advance(Duration::from_secs(600));
    let old = browser.id().to_owned();
    browser.enter(outer);
    let page = browser.post("/login/bob").await;
    assert_eq!(page.headers.get_all(header::SET_COOKIE).iter().count(), 1);
    assert_ne!(browser.id(), old);
    assert_eq!(browser.get("/me").await.body, "bob");
}
