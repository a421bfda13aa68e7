//! The middleware of tower-sessions over the store.

use crate::browser::Browser;
use crate::services::{Service, services};
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use sessions_web::SessionsServiceStore;
use time::{Duration, OffsetDateTime};
use tower_sessions::session::Id;
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

/// Returns an application whose sessions expire after an hour without a change.
fn app(service: &Service) -> Router {
    app_with(service.store())
}

fn app_with(store: SessionsServiceStore<sessions_client::SessionsHttpClientV1>) -> Router {
    let layer = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(Duration::hours(1)));
    Router::new()
        .route("/", get(|_: Session| async { "hello" }))
        .route(
            "/color",
            get(|session: Session| async move {
                session.get::<String>("color").await.unwrap().unwrap_or_default()
            }),
        )
        .route(
            "/color/{name}",
            get(|session: Session, Path(name): Path<String>| async move {
                session.insert("color", name).await.unwrap();
            }),
        )
        .route(
            "/remove",
            get(|session: Session| async move {
                session.remove::<String>("color").await.unwrap();
            }),
        )
        .route("/cycle", get(|session: Session| async move { session.cycle_id().await.unwrap() }))
        .route("/flush", get(|session: Session| async move { session.flush().await.unwrap() }))
        .route(
            "/tomorrow",
            get(|session: Session| async move {
                session.set_expiry(Some(Expiry::AtDateTime(OffsetDateTime::now_utc() + Duration::days(1))));
            }),
        )
        .layer(layer)
}

/// Returns the id in the cookie of the browser.
fn id(browser: &Browser) -> Id {
    browser.cookie.as_deref().unwrap().strip_prefix("id=").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_request_that_changes_nothing_sets_no_cookie() {
    for service in services().await {
        let mut browser = Browser::new(&app(&service));
        assert_eq!(browser.get("/").await.body, "hello");
        assert_eq!(browser.get("/color").await.body, "");
        assert_eq!(browser.set_cookie, None);
    }
}

#[tokio::test]
async fn a_value_is_found_by_the_next_request() {
    for service in services().await {
        let mut browser = Browser::new(&app(&service));
        browser.get("/color/red").await;
        assert_eq!(browser.get("/color").await.body, "red");
        browser.get("/color/blue").await;
        // Another instance of the application over the same service.
        let mut again = Browser::new(&app(&service));
        again.cookie.clone_from(&browser.cookie);
        assert_eq!(again.get("/color").await.body, "blue");
        browser.get("/remove").await;
        assert_eq!(browser.get("/color").await.body, "");
    }
}

#[tokio::test]
async fn a_planted_id_is_not_taken_over() {
    for service in services().await {
        for planted in [Id::default().to_string(), "malformed".to_owned(), "A".repeat(5000)] {
            let mut browser = Browser::new(&app(&service));
            browser.cookie = Some(format!("id={planted}"));
            browser.get("/color/red").await;
            let cookie = browser.cookie.clone().unwrap();
            assert_ne!(cookie, format!("id={planted}"));
            assert_eq!(browser.get("/color").await.body, "red");
        }
    }
}

#[tokio::test]
async fn a_cycled_id_keeps_the_data_and_deletes_the_old_session() {
    for service in services().await {
        let mut browser = Browser::new(&app(&service));
        browser.get("/color/red").await;
        let old = id(&browser);
        browser.get("/cycle").await;
        assert_ne!(id(&browser), old);
        assert_eq!(browser.get("/color").await.body, "red");
        assert_eq!(service.session(old).await, None);
    }
}

#[tokio::test]
async fn flush_deletes_the_session_and_removes_the_cookie() {
    for service in services().await {
        let mut browser = Browser::new(&app(&service));
        browser.get("/color/red").await;
        let old = id(&browser);
        browser.get("/flush").await;
        assert_eq!(browser.cookie, None);
        assert_eq!(service.session(old).await, None);
    }
}

#[tokio::test]
async fn the_expiry_is_that_of_the_last_change() {
    for service in services().await {
        let mut browser = Browser::new(&app(&service));
        browser.get("/color/red").await;
        assert!(browser.set_cookie.as_ref().unwrap().contains("Max-Age=3600"), "{:?}", browser.set_cookie);
        let hour = service.store().load(&id(&browser)).await.unwrap().unwrap().expiry_date;
        browser.get("/tomorrow").await;
        let tomorrow = service.store().load(&id(&browser)).await.unwrap().unwrap().expiry_date;
        assert!(tomorrow - hour > Duration::hours(22), "{hour} {tomorrow}");

        let late = service.store().with_clock(|| OffsetDateTime::now_utc() + Duration::hours(25));
        let mut browser_later = Browser::new(&app_with(late));
        browser_later.cookie.clone_from(&browser.cookie);
        assert_eq!(browser_later.get("/color").await.body, "");
    }
}

#[tokio::test]
async fn a_change_of_a_deleted_session_is_an_error() {
    for service in services().await {
        let app = app(&service);
        let mut browser = Browser::new(&app);
        browser.get("/color/red").await;
        let session = service.session(id(&browser)).await.unwrap();
        // Between the load and the save of the same request, another one deletes the session.
        let layer = SessionManagerLayer::new(service.store());
        let sessions = service.sessions.clone();
        let racing = Router::new()
            .route(
                "/",
                get(move |session_: Session| async move {
                    session_.insert("color", "blue").await.unwrap();
                    sessions_client::ISessionsV1::delete_session_by_id(&sessions, None, &session.id)
                        .await
                        .unwrap();
                }),
            )
            .layer(layer);
        let mut racer = Browser::new(&racing);
        racer.cookie.clone_from(&browser.cookie);
        assert_eq!(racer.get("/").await.status, 500);
        assert_eq!(browser.get("/color").await.body, "");
    }
}
