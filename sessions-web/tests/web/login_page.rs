//! The redirect of anonymous visitors to the login page, and the way back.

use super::support::{App, COOKIE, Page, done, read};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sessions_client::{ErrorKind, ISessionsV1};
use sessions_web::SessionLayer;
use tower::ServiceExt;

/// The header `Accept` of browsers for a page.
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn app() -> App {
    App::with(|layer| layer.with_login_page("/login-page").unwrap())
}

async fn send(app: &App, method: Method, path: &str, accept: &str, cookie: Option<&str>) -> Page {
    let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
    if let Some(id) = cookie {
        request = request.header(header::COOKIE, format!("{COOKIE}={id}"));
    }
    read(app.send(request.body(Body::empty()).unwrap()).await).await
}

fn location(page: &Page) -> &str {
    assert_eq!((page.status, &*page.body), (StatusCode::SEE_OTHER, ""));
    page.headers[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn an_anonymous_visitor_is_redirected_and_returns_after_login() {
    let app = app();
    let page = send(&app, Method::GET, "/me?tab=2&x=a%20b", HTML, None).await;
    assert_eq!(location(&page), "/login-page?next=%2Fme%3Ftab%3D2%26x%3Da%2520b");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(!page.headers.contains_key(header::CONTENT_TYPE));
    let (_, query) = location(&page).split_once('?').unwrap();
    let page = send(&app, Method::POST, &format!("/log-in-and-return/ann?{query}"), HTML, None).await;
    assert_eq!(location(&page), "/me?tab=2&x=a%20b");
    assert!(page.set_cookie().is_some());
}

#[tokio::test]
async fn a_login_does_not_lead_to_other_sites() {
    let app = app();
    for target in
        ["https://evil.example", "//evil.example", "/%5Cevil.example", "%2F%09%2Fevil.example", "/%0d%0aa:b"]
    {
        let path = format!("/log-in-and-return/ann?next={target}");
        assert_eq!(location(&send(&app, Method::POST, &path, HTML, None).await), "/", "{target}");
    }
    let page = send(&app, Method::POST, "/log-in-and-return/ann", HTML, None).await;
    assert_eq!(location(&page), "/");
}

#[tokio::test]
async fn a_form_that_needs_a_login_does_not_lead_back() {
    let page = send(&app(), Method::POST, "/set/cart/book", HTML, None).await;
    assert_eq!(location(&page), "/login-page");
}

#[tokio::test]
async fn a_session_that_ends_during_the_request_leads_to_the_login() {
    let app = app();
    let browser = app.logged_in("ann").await;
    let id = browser.id().to_owned();
    app.service.before("store", move |sessions| {
        done(sessions.close_session(None, &id));
    });
    let page = send(&app, Method::POST, "/set/cart/book", HTML, Some(browser.id())).await;
    assert_eq!(location(&page), "/login-page");
}

#[tokio::test]
async fn scripts_and_other_clients_get_401() {
    for accept in ["*/*", "application/json", "text/htmlx", ""] {
        let page = send(&app(), Method::GET, "/me", accept, None).await;
        assert_eq!((page.status, &*page.body), (StatusCode::UNAUTHORIZED, "log in first"), "{accept}");
    }
}

#[tokio::test]
async fn the_login_page_is_not_redirected_to_itself() {
    let app = App::with(|layer| layer.with_login_page("/me?lang=en").unwrap());
    let page = send(&app, Method::GET, "/me?next=%2F", HTML, None).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let page = send(&app, Method::GET, "/data", HTML, None).await;
    assert_eq!(location(&page), "/me?lang=en&next=%2Fdata");
}

#[tokio::test]
async fn a_401_of_the_application_is_not_redirected() {
    let page = send(&app(), Method::GET, "/wrong-password", HTML, None).await;
    assert_eq!((page.status, &*page.body), (StatusCode::UNAUTHORIZED, "wrong password"));
}

#[tokio::test]
async fn a_handler_that_hides_a_page_is_not_redirected() {
    let page = send(&app(), Method::GET, "/hidden", HTML, None).await;
    assert_eq!((page.status, &*page.body), (StatusCode::NOT_FOUND, "log in first"));
}

#[tokio::test]
async fn a_redirect_is_not_stored_by_caches() {
    let page = send(&app(), Method::GET, "/cached-error", HTML, None).await;
    assert_eq!(location(&page), "/login-page?next=%2Fcached-error");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    let vary: Vec<_> = page.headers.get_all(header::VARY).iter().collect();
    assert_eq!(vary, ["accept", "cookie"]);
}

#[tokio::test]
async fn a_nested_router_with_another_layer_is_redirected_with_its_full_path() {
    let app = App::new();
    let layer = SessionLayer::new(app.service.clone()).with_login_page("/login-page").unwrap();
    let outer = Router::new().nest("/shop", app.router()).layer(layer);
    let request = Request::get("/shop/me").header(header::ACCEPT, HTML).body(Body::empty()).unwrap();
    let page = read(outer.oneshot(request).await.unwrap()).await;
    assert_eq!(location(&page), "/login-page?next=%2Fshop%2Fme");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_failure_of_the_service_is_not_a_redirect() {
    for app in
        [app(), App::with(|layer| layer.with_login_page("/login-page").unwrap().anonymous_when_unavailable())]
    {
        a_failure_leads_to_503(&app).await;
    }
}

async fn a_failure_leads_to_503(app: &App) {
    let browser = app.logged_in("ann").await;
    app.service.fail(None, ErrorKind::Connect);
    let page = send(app, Method::GET, "/me", HTML, Some(browser.id())).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
}
