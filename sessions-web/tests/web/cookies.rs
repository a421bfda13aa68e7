//! The attributes of the cookie, signatures, and contradictory cookies.

use super::support::{App, COOKIE, read};
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use futures_util::FutureExt;
use proptest::prelude::*;
use sessions_client::SessionsMemoryClientV1;
use sessions_web::{Key, SameSite, SessionCookie, SessionLayer};

async fn set_cookie(app: &App, name: &'static str) -> String {
    let mut browser = app.browser();
    browser.name = name;
    let page = browser.post("/login/ann").await;
    page.set_cookie().unwrap().replace(browser.id(), "ID")
}

#[tokio::test]
async fn the_default_attributes_are_strict() {
    let line = set_cookie(&App::new(), "__Host-session").await;
    assert_eq!(line, "__Host-session=ID; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400");
}

#[tokio::test]
async fn the_attributes_can_be_set() {
    let cookie = SessionCookie::new()
        .path("/shop")
        .domain("example.com")
        .same_site(SameSite::Strict)
        .until_browser_closes();
    let line = set_cookie(&App::with_cookie(cookie), "__Secure-session").await;
    assert_eq!(
        line,
        "__Secure-session=ID; HttpOnly; SameSite=Strict; Secure; Path=/shop; Domain=example.com"
    );
}

#[tokio::test]
async fn an_insecure_cookie_is_for_development() {
    let cookie = SessionCookie::new().insecure_for_development();
    let line = set_cookie(&App::with_cookie(cookie), "session").await;
    assert_eq!(line, "session=ID; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
}

#[tokio::test]
async fn a_logout_deletes_the_cookie_with_the_same_path_and_domain() {
    let cookie = SessionCookie::new().path("/shop").domain("example.com");
    let app = App::with_cookie(cookie);
    let mut browser = app.browser();
    browser.name = "__Secure-session";
    browser.post("/login/ann").await;
    let page = browser.post("/logout").await;
    let line = page.set_cookie().unwrap();
    assert!(line.starts_with("__Secure-session=; "), "{line}");
    for attribute in ["Path=/shop", "Domain=example.com", "Max-Age=0", "Secure"] {
        assert!(line.contains(attribute), "{line}");
    }
}

#[test]
fn cookies_that_browsers_would_reject_are_errors() {
    for (cookie, problem) in [
        (SessionCookie::new().name(""), "name"),
        (SessionCookie::new().name("a b"), "name"),
        (SessionCookie::new().path("shop"), "path must begin with `/`"),
        (SessionCookie::new().path("/; Domain=evil.example"), "path"),
        (SessionCookie::new().domain("evil.example; Path=/x"), "domain"),
        (SessionCookie::new().name("__Host-a").domain("example.com"), "neither a path nor a domain"),
        (SessionCookie::new().name("__host-a").domain("example.com"), "neither a path nor a domain"),
        (SessionCookie::new().path(format!("/{}", "a".repeat(1024))), "at most 1024 bytes"),
        (SessionCookie::new().domain(""), "host name"),
        (SessionCookie::new().domain(".."), "host name"),
        (SessionCookie::new().domain("example..com"), "host name"),
        (SessionCookie::new().name("__Secure-a").insecure_for_development(), "needs `Secure`"),
        (SessionCookie::new().same_site(SameSite::None).insecure_for_development(), "needs `Secure`"),
    ] {
        let layer = SessionLayer::new(SessionsMemoryClientV1::new());
        let error = layer.with_cookie(cookie).unwrap_err().to_string();
        assert!(error.contains("the session cookie cannot be used"), "{error}");
        assert!(error.contains(problem), "{error}");
    }
}

fn key(byte: u8) -> Key {
    Key::from(&[byte; 64])
}

#[tokio::test]
async fn a_signed_cookie_is_accepted() {
    let app = App::with_cookie(SessionCookie::new().signed(key(1)));
    let mut browser = app.logged_in("ann").await;
    assert_eq!(browser.id().len(), 44 + 32);
    assert_eq!(browser.get("/me").await.body, "ann");
}

#[tokio::test]
async fn a_cookie_without_a_valid_signature_makes_no_call() {
    let app = App::with_cookie(SessionCookie::new().signed(key(1)));
    let valid = app.logged_in("ann").await.id().to_owned();
    let (signature, id) = valid.split_at(44);
    let other = App::with_cookie(SessionCookie::new().signed(key(2)));
    let foreign = other.logged_in("ann").await.id().to_owned();
    let mut flipped = valid.clone();
    flipped.replace_range(0..1, if valid.starts_with('A') { "B" } else { "A" });
    let another_id = format!("{signature}8c7d473658cc487daea246328593b865");
    for value in [id, &foreign, &flipped, &another_id, signature, &format!("{valid}0"), ""] {
        let mut browser = app.browser();
        browser.cookie = Some(value.to_owned());
        assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED, "{value}");
    }
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

async fn get_me(app: &App, cookies: &str) -> (StatusCode, String) {
    let request = Request::get("/me").header(header::COOKIE, cookies).body(Body::empty()).unwrap();
    let page = read(app.send(request).await).await;
    (page.status, page.body)
}

#[tokio::test]
async fn two_different_session_cookies_are_rejected() {
    let app = App::new();
    let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    let (ann, bob) = (format!("{}={}", ann.name, ann.id()), format!("{}={}", bob.name, bob.id()));
    let (status, body) = get_me(&app, &format!("{ann}; {bob}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body, "the request has several session ids: delete the cookies of this site");
    assert_eq!(get_me(&app, &format!("a=b; {ann}; {ann}")).await, (StatusCode::OK, "ann".to_owned()));
    assert_eq!(app.service.take_calls(), ["get"]);
}

#[tokio::test]
async fn other_cookies_may_contain_any_bytes() {
    let app = App::new();
    let ann = app.logged_in("ann").await;
    let line = [b"name=J\xc3\xbcrgen\xff; ", format!("{}={}", ann.name, ann.id()).as_bytes()].concat();
    let request = Request::get("/me").header(header::COOKIE, line).body(Body::empty()).unwrap();
    assert_eq!(read(app.send(request).await).await.body, "ann");
}

#[tokio::test]
async fn a_planted_cookie_without_a_signature_does_not_hide_the_signed_one() {
    let app = App::with_cookie(SessionCookie::new().signed(key(1)));
    let ann = app.logged_in("ann").await;
    let cookies = format!("{0}=8c7d473658cc487daea246328593b865; {0}={1}", ann.name, ann.id());
    assert_eq!(get_me(&app, &cookies).await, (StatusCode::OK, "ann".to_owned()));
}

/// Returns header values of random bytes and of parts of cookies.
fn lines() -> impl Strategy<Value = HeaderValue> {
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![COOKIE, "=", "; ", ";", "\"", "8c7d473658cc487daea246328593b865", "Ünï"])
            .prop_map(|part| part.as_bytes().to_vec()),
        "[A-Za-z0-9+/=-]{30,120}".prop_map(String::into_bytes),
    ];
    let line = prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat());
    line.prop_filter_map("not a header value", |line| HeaderValue::from_bytes(&line).ok())
}

proptest! {
    /// The service of the tests panics if it is asked for a malformed id.
    #[test]
    fn no_header_logs_in_or_reaches_the_service_as_a_malformed_id(
        cookies in lines(), id in lines(), is_signed: bool
    ) {
        let cookie = SessionCookie::new();
        let cookie = if is_signed { cookie.signed(key(1)) } else { cookie };
        let app = App::with(|layer| layer.with_cookie(cookie).unwrap().with_header());
        let mut request = Request::get("/me").body(Body::empty()).unwrap();
        request.headers_mut().insert(header::COOKIE, cookies);
        request.headers_mut().insert("x-session-id", id);
        let status = app.send(request).now_or_never().unwrap().status();
        prop_assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST));
    }
}
