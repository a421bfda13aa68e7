//! The layer over the network: against an embedded service, and against the real service at `SESSIONS_URL`.

use super::support::{Browser, routes};
use axum::Router;
use axum::http::StatusCode;
use sessions_client::stream::ISessionsV1Ext;
use sessions_client::{CallOptions, FilterParams, ISessionsV1, SessionsHttpClientV1};
use sessions_service::{EmbeddedService, SessionStore};
use sessions_web::{SessionLayer, SessionManager};
use std::io::Write;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;

fn app(layer: SessionLayer) -> Router {
    routes().layer(layer)
}

#[tokio::test]
async fn a_user_logs_in_and_out_over_an_embedded_service() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    visit(&service.url()).await;
}

#[tokio::test]
async fn a_user_logs_in_and_out_over_the_real_service() {
    if let Ok(url) = std::env::var("SESSIONS_URL") {
        visit(&url).await;
    } else {
        // Not `eprintln!`, which the test runner hides.
        let skipped = b"SKIPPED: web sessions against the real service: SESSIONS_URL is not set\n";
        std::io::stderr().write_all(skipped).unwrap();
    }
}

/// Visits all pages as several users, whose sessions are deleted at the end.
async fn visit(url: &str) {
    let client = SessionsHttpClientV1::connect(url).unwrap();
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let user = format!("web-test-{}-{started}", std::process::id());
    let other = format!("{user}-other");
    let result = tokio::spawn(pages(client.clone(), user.clone(), other.clone())).await;
    for user in [&user, &other] {
        for session in sessions_of(&client, user).await {
            client.delete_session_by_id(None, &session).await.unwrap();
        }
        assert_eq!(sessions_of(&client, user).await, [] as [&str; 0]);
    }
    result.unwrap();
}

/// Returns the ids of the sessions of a user, open or closed.
async fn sessions_of(client: &SessionsHttpClientV1, user: &str) -> Vec<String> {
    use futures_util::TryStreamExt;
    let all = client.sessions(FilterParams::new().user_id(user));
    all.map_ok(|session| session.id).try_collect().await.unwrap()
}

async fn pages(client: SessionsHttpClientV1, user: String, other: String) {
    let router = app(SessionLayer::new(client.clone()));
    let login = format!("/login/{user}");
    let mut phone = Browser::new(router.clone());
    assert_eq!(phone.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(phone.post(&login).await.status, StatusCode::OK);
    assert_eq!(phone.get("/me").await.body, user);

    // Data, and the same session in another instance of the application.
    phone.post("/set/cart/b%C3%BCcher").await;
    let mut later = Browser::new(app(SessionLayer::new(client.clone())));
    later.cookie.clone_from(&phone.cookie);
    assert_eq!(later.get("/data/cart").await.body, "bücher");

    // Two tabs at once change different keys.
    let mut tab = Browser::new(router.clone());
    tab.cookie.clone_from(&phone.cookie);
    for round in 0..20 {
        let (one, two) = (format!("/set/one/{round}"), format!("/set/two/{round}"));
        phone.post(&one).await;
        tab.post(&two).await;
    }
    assert_eq!(phone.get("/data").await.body, r#"{"cart":"bücher","one":"19","two":"19"}"#);

    // A session in use is extended, with its data.
    let touching = SessionLayer::new(client.clone()).with_touch_interval(Duration::ZERO);
    let mut touched = Browser::new(app(touching));
    touched.cookie.clone_from(&phone.cookie);
    let before = client.get_session_by_id(None, phone.id()).await.unwrap().unwrap();
    let page = touched.get("/me").await;
    assert!(page.set_cookie().unwrap().contains("Max-Age=86400"));
    let after = client.get_session_by_id(None, phone.id()).await.unwrap().unwrap();
    assert!(after.request_time >= before.request_time);
    assert_eq!((after.data, after.user), (before.data, before.user));

    // The user changes, and is seen by the other tab.
    phone.post("/role/admin").await;
    assert_eq!(tab.get("/roles").await.body, "admin");

    // An expired session is anonymous, although the service still has it.
    let expired = SessionLayer::new(client.clone()).with_idle_timeout(Duration::ZERO);
    let mut expired = Browser::new(app(expired));
    expired.cookie.clone_from(&phone.cookie);
    assert_eq!(expired.get("/me").await.status, StatusCode::UNAUTHORIZED);

    // The list, and revocation. Another user is not affected.
    let (mut laptop, mut stranger) = (Browser::new(router.clone()), Browser::new(router.clone()));
    laptop.post(&login).await;
    stranger.post(&format!("/login/{other}")).await;
    let list = phone.get("/sessions").await.body;
    assert_eq!(list.lines().count(), 2, "{list}");
    let reference = list.lines().find(|line| !line.contains('*')).unwrap().split(' ').next().unwrap();
    let revoke = format!("/revoke/{reference}");
    assert_eq!(stranger.post(&revoke).await.status, StatusCode::NOT_FOUND);
    assert_eq!(phone.post(&revoke).await.status, StatusCode::NO_CONTENT);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);

    // Login replaces the session: neither a planted nor a copied id is valid.
    let old = phone.cookie.clone();
    phone.post(&login).await;
    assert_ne!(phone.cookie, old);
    assert_eq!(tab.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.get_session_by_id(None, old.as_deref().unwrap()).await.unwrap(), None);

    // Logout on all devices.
    laptop.post(&login).await;
    assert_eq!(phone.post("/logout-everywhere").await.status, StatusCode::OK);
    assert_eq!(laptop.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.get("/me").await.body, other);

    // Logout.
    let copy = stranger.cookie.clone();
    stranger.post("/logout").await;
    stranger.cookie = copy;
    assert_eq!(stranger.get("/me").await.status, StatusCode::UNAUTHORIZED);

    // Changes at the same time as a logout leave no data.
    for _ in 0..5 {
        phone.post(&login).await;
        let id = phone.id().to_owned();
        tab.cookie.clone_from(&phone.cookie);
        laptop.cookie.clone_from(&phone.cookie);
        tokio::join!(tab.post("/set/cart/book"), phone.post("/logout"), laptop.post("/set/theme/dark"));
        let closed = client.get_session_by_id(None, &id).await.unwrap().unwrap();
        assert_eq!((closed.active, closed.user, closed.data), (false, None, None));
    }

    // The service also writes to closed sessions, and clears them if they are closed again. The layer relies on both.
    let data = serde_json::json!({ "cart": "private" });
    let written = client.store_session_data(None, stranger.id(), &data).await.unwrap().unwrap();
    assert_eq!((written.active, written.data), (false, Some(data)));
    client.close_session(None, stranger.id()).await.unwrap();
    let closed = client.get_session_by_id(None, stranger.id()).await.unwrap().unwrap();
    assert_eq!((closed.active, closed.user, closed.data), (false, None, None));
}

#[tokio::test]
async fn an_outage_rejects_requests_and_loses_no_session() {
    let store = SessionStore::new();
    let service = EmbeddedService::start("127.0.0.1:0", store.clone()).await.unwrap();
    let address = service.address();
    let client = SessionsHttpClientV1::connect(&service.url()).unwrap();
    let mut browser = Browser::new(app(SessionLayer::new(client)));
    browser.post("/login/ann").await;
    drop(service);
    let page = browser.get("/me").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.body);
    let _service = EmbeddedService::start(address, store).await.unwrap();
    assert_eq!(browser.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_service_that_does_not_respond_is_unavailable_after_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = SessionsHttpClientV1::connect(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let options = CallOptions::new().deadline(Duration::from_millis(50)).retries(0);
    let mut browser = Browser::new(app(SessionLayer::new(client).with_call_options(options)));
    browser.cookie = Some("8c7d473658cc487daea246328593b865".to_owned());
    assert_eq!(browser.get("/me").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn all_sessions_of_any_user_can_be_closed() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let client = SessionsHttpClientV1::connect(&service.url()).unwrap();
    let reset = axum::routing::post(async |sessions: SessionManager| {
        sessions.log_out_user("ann").await.map(|count| count.to_string())
    });
    let router = routes().route("/reset-password", reset).layer(SessionLayer::new(client));
    let (mut ann, mut bob) = (Browser::new(router.clone()), Browser::new(router.clone()));
    ann.post("/login/ann").await;
    bob.post("/login/bob").await;
    assert_eq!(Browser::new(router).post("/reset-password").await.body, "1");
    assert_eq!(ann.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.get("/me").await.body, "bob");
}
