//! The list of a user's sessions, and their revocation.

use super::support::{App, COOKIE, done, read};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use sessions_client::{ErrorKind, ISessionsV1};
use sessions_web::SessionLayer;
use std::time::Duration;

#[tokio::test]
async fn the_list_has_the_sessions_of_the_user_only() {
    let app = App::new();
    let mut phone = app.logged_in("ann").await;
    app.clock.advance(Duration::from_secs(1));
    let laptop = app.logged_in("ann").await;
    for _ in 0..250 {
        done(app.service.sessions.open_session(None, "bob", None, None, None, None, None));
    }
    let list = phone.get("/sessions").await.body;
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(app.service.take_calls(), ["get", "list"]);
    // The last used one is first.
    assert!(lines[1].contains("* test browser 192.0.2.1"), "{list}");
    assert!(!lines[0].contains('*'), "{list}");
    for id in [phone.id(), laptop.id()] {
        assert!(!list.contains(id) && !list.contains(&id[..16]), "the page contains a session id");
    }
}

#[tokio::test]
async fn expired_and_closed_sessions_are_not_listed() {
    let app = App::with(|layer| layer.with_lifetime(Duration::from_secs(3600)));
    let old = app.logged_in("ann").await;
    app.clock.advance(Duration::from_secs(1800));
    let closed = app.logged_in("ann").await;
    app.service.sessions.close_session(None, closed.id()).await.unwrap();
    app.clock.advance(Duration::from_secs(1800));
    let mut current = app.logged_in("ann").await;
    assert!(app.service.session(old.id()).unwrap().active);
    assert_eq!(current.get("/sessions").await.body.lines().count(), 1);
}

#[tokio::test]
async fn the_list_has_all_pages() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    for _ in 0..250 {
        done(app.service.sessions.open_session(None, "ann", None, None, None, None, None));
    }
    assert_eq!(browser.get("/sessions").await.body.lines().count(), 251);
}

async fn reference_of_other(browser: &mut super::support::Browser) -> String {
    let list = browser.get("/sessions").await.body;
    let other = list.lines().find(|line| !line.contains('*')).unwrap();
    other.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_can_be_revoked_by_its_reference() {
    let app = App::new();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    let reference = reference_of_other(&mut phone).await;
    assert_eq!(phone.post(&format!("/revoke/{reference}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(phone.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_part_of_a_reference_names_no_session() {
    let app = App::new();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    let reference = reference_of_other(&mut phone).await;
    for part in [&reference[..1], &reference[..31], &format!("{reference}0"), &reference.to_uppercase()] {
        if part != reference {
            assert_eq!(phone.post(&format!("/revoke/{part}")).await.status, StatusCode::NOT_FOUND, "{part}");
        }
    }
    assert_eq!(laptop.get("/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_of_another_user_cannot_be_revoked() {
    let app = App::new();
    let (mut ann, _laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    let mut bob = app.logged_in("bob").await;
    let reference = reference_of_other(&mut ann).await;
    for attempt in [&*reference, ann.id(), "", "x"] {
        let page = bob.post(&format!("/revoke/{attempt}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{attempt}");
    }
    assert_eq!(ann.get("/sessions").await.body.lines().count(), 2);
}

#[tokio::test]
async fn revoking_the_current_session_logs_out() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let list = browser.get("/sessions").await.body;
    let reference = list.split('*').next().unwrap();
    assert_eq!(browser.post(&format!("/revoke/{reference}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(browser.cookie, None);
}

#[tokio::test]
async fn log_out_everywhere_ends_all_sessions_of_the_user_only() {
    let app = App::new();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    let mut bob = app.logged_in("bob").await;
    for _ in 0..250 {
        done(app.service.sessions.open_session(None, "ann", None, None, None, None, None));
    }
    assert_eq!(phone.post("/logout-everywhere").await.status, StatusCode::OK);
    assert_eq!(phone.cookie, None);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.get("/me").await.body, "bob");
    let all = done(app.service.sessions.get_sessions(
        None,
        Some(&sessions_client::FilterParams::new().active(true)),
        None,
    ));
    assert_eq!(all.data.len(), 1);
}

#[tokio::test]
async fn log_out_elsewhere_keeps_the_current_session() {
    let app = App::new();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    assert_eq!(phone.post("/logout-elsewhere").await.body, "1");
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(phone.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_session_that_is_opened_meanwhile_is_closed_too() {
    let app = App::new();
    let (mut phone, _laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    app.service.before("close", |sessions| {
        done(sessions.open_session(None, "ann", None, None, None, None, None));
    });
    assert_eq!(phone.post("/logout-elsewhere").await.body, "2");
}

#[tokio::test]
async fn log_out_everywhere_that_fails_can_be_tried_again() {
    let app = App::new();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    app.service.fail(Some("close"), ErrorKind::Connect);
    assert_eq!(phone.post("/logout-everywhere").await.status, StatusCode::SERVICE_UNAVAILABLE);
    app.service.recover();
    assert_eq!(phone.post("/logout-everywhere").await.status, StatusCode::OK);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_anonymous_request_has_no_sessions_to_list() {
    let app = App::new();
    let mut browser = app.browser();
    assert_eq!(browser.get("/sessions").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.post("/logout-everywhere").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_service_that_ignores_the_filter_does_not_log_others_out() {
    let app = App::new();
    let (mut phone, mut laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    let mut bob = app.logged_in("bob").await;
    app.service.ignore_filters();
    assert_eq!(phone.get("/sessions").await.body.lines().count(), 2);
    assert_eq!(phone.post("/logout-everywhere").await.status, StatusCode::OK);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.get("/me").await.body, "bob");
}

#[tokio::test]
async fn the_sessions_of_an_empty_user_id_are_not_listed() {
    let app = App::new();
    let page = app.browser().post("/log-out-empty-id").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn log_out_everywhere_lists_twice_and_closes_each_session() {
    let app = App::new();
    let (mut phone, _laptop) = (app.logged_in("ann").await, app.logged_in("ann").await);
    phone.post("/logout-everywhere").await;
    assert_eq!(app.service.take_calls(), ["get", "list", "close", "list", "close"]);
}

#[tokio::test]
async fn logging_out_all_sessions_of_the_own_user_is_a_logout() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    let page = browser.post("/set-and-log-out-user/notice/changed").await;
    assert_eq!((page.status, &*page.body), (StatusCode::OK, "1"));
    assert_eq!(browser.cookie, None);
    assert_eq!(app.service.take_calls(), ["get", "list", "close", "list"]);
}

#[tokio::test]
async fn logging_out_the_user_of_a_header_keeps_the_cookie_of_another() {
    let app = App::with(SessionLayer::with_header);
    let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    let request = Request::post("/set-and-log-out-user/notice/changed")
        .header("x-session-id", ann.id())
        .header(header::COOKIE, format!("{COOKIE}={}", bob.id()));
    let page = read(app.send(request.body(Body::empty()).unwrap()).await).await;
    assert_eq!((page.status, page.set_cookie()), (StatusCode::OK, None));
    assert!(!app.service.session(ann.id()).unwrap().active);
    assert!(app.service.session(bob.id()).unwrap().active);
}

#[tokio::test]
async fn a_list_has_at_most_a_thousand_sessions() {
    let app = App::new();
    let mut browser = app.logged_in("ann").await;
    for _ in 0..1500 {
        done(app.service.sessions.open_session(None, "ann", None, None, None, None, None));
    }
    assert_eq!(browser.get("/sessions").await.body.lines().count(), 1000);
    assert_eq!(app.service.take_calls().iter().filter(|&&call| call == "list").count(), 10);
    assert_eq!(browser.post("/logout-elsewhere").await.body, "1500");
    assert_eq!(browser.get("/sessions").await.body.lines().count(), 1);
}
