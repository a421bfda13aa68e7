//! A search for session ids and payloads in everything that is written for people.

use super::support::{App, read};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use sessions_client::{ErrorKind, SessionsMemoryClientV1};
use sessions_web::{Key, NewSession, SessionCookie, SessionLayer};
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn logs_and_errors_contain_no_session_ids() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = App::with(|layer| layer.with_touch_interval(std::time::Duration::ZERO));
    let anonymous = App::with(SessionLayer::anonymous_when_unavailable);
    let (mut ids, mut bodies) = (Vec::new(), String::new());
    for app in [&app, &anonymous] {
        let mut browser = app.logged_in("ann").await;
        browser.post("/set/cart/private-book").await;
        browser.get("/data/cart").await;
        for (operation, kind) in [(Some("store"), ErrorKind::Connect), (None, ErrorKind::Decode)] {
            ids.push(browser.id().to_owned());
            // A service or a proxy could quote the id.
            app.service.say(format!("no route to /sessions/{}", browser.id()));
            app.service.fail(operation, kind);
            for path in ["/me", "/sessions", "/me-if-any"] {
                bodies += &browser.get(path).await.body;
            }
            for path in ["/set/cart/other", "/logout", "/login/bob"] {
                bodies += &browser.post(path).await.body;
            }
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a session was not extended"), "{log}");
    assert!(log.contains("the request is anonymous"), "{log}");
    assert!(log.contains("no session for the request"), "{log}");
    assert!(log.contains("no route to /sessions/[session id]"), "{log}");
    assert!(bodies.contains("no route to /sessions/[session id]"), "{bodies}");
    for secret in ids.iter().map(String::as_str).chain(["private-book"]) {
        assert!(!log.contains(secret), "the log contains {secret}: {log}");
        assert!(!bodies.contains(secret), "a response contains {secret}: {bodies}");
    }
}

#[tokio::test]
async fn messages_of_the_service_that_quote_a_user_are_not_shown() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for (operation, path) in [
        ("open", "/login/bob"),
        ("store", "/set/cart/private-book"),
        ("update_user", "/role/admin"),
        ("list", "/logout-everywhere"),
    ] {
        let app = App::new();
        let mut browser = app.logged_in("ann").await;
        app.service.say("invalid value: private-book of private-user");
        app.service.fail(Some(operation), ErrorKind::Service);
        let page = browser.post(path).await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
        assert!(page.body.contains("is not shown"), "{}", page.body);
        assert!(!page.body.contains("private"), "{}", page.body);
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("no session for the request") && !log.contains("private"), "{log}");
}

#[tokio::test]
async fn responses_contain_the_session_id_in_the_cookie_only() {
    let app = App::new();
    let mut browser = app.browser();
    let page = browser.post("/login/ann").await;
    assert!(page.headers[header::SET_COOKIE].is_sensitive());
    let id = browser.id().to_owned();
    assert!(!page.body.contains(&id));
    for path in ["/me", "/sessions", "/data"] {
        let page = browser.get(path).await;
        assert!(!page.body.contains(&id) && !format!("{:?}", page.headers).contains(&id));
    }
}

#[tokio::test]
async fn the_credentials_of_a_request_count_as_sensitive() {
    let layer = SessionLayer::new(SessionsMemoryClientV1::new()).with_header();
    let show = axum::routing::get(async |headers: HeaderMap| format!("{headers:?}"));
    let app = axum::Router::new().route("/", show).layer(layer);
    let secret = "8c7d473658cc487daea246328593b865";
    let request = Request::get("/")
        .header(header::COOKIE, format!("__Host-session={secret}"))
        .header("x-session-id", secret)
        .body(Body::empty())
        .unwrap();
    let page = read(tower::ServiceExt::oneshot(app, request).await.unwrap()).await;
    assert!(page.body.contains("Sensitive") && !page.body.contains(secret), "{}", page.body);
}

#[tokio::test]
async fn debug_output_contains_no_secrets() {
    let key = Key::from(&[65; 64]);
    let cookie = SessionCookie::new().signed(key);
    let layer = SessionLayer::new(SessionsMemoryClientV1::new()).with_cookie(cookie.clone()).unwrap();
    let login = NewSession::new("user-1", "private").user_name("private").address("private");
    let shown = format!("{cookie:?} {layer:?} {login:?}");
    for secret in ["AAAA", "65, 65", "private"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
