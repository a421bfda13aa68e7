//! Requests that only attackers send: names and values of cookies that look like a session, and many of them.

use super::support::{App, COOKIE, Page, read};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sessions_web::{Key, SessionCookie, SessionLayer};

/// Sends a request with these lines of the header `Cookie`.
async fn send(app: &App, method: Method, path: &str, cookies: &[&[u8]]) -> Page {
    let mut request = Request::builder().method(method).uri(path);
    for line in cookies {
        request = request.header(header::COOKIE, *line);
    }
    read(app.send(request.body(Body::empty()).unwrap()).await).await
}

async fn status(app: &App, cookies: &str) -> StatusCode {
    send(app, Method::GET, "/me", &[cookies.as_bytes()]).await.status
}

#[tokio::test]
async fn only_the_exact_name_is_the_session() {
    let app = App::new();
    let ann = app.logged_in("ann").await;
    for name in [
        // Browsers do not enforce the prefix `__Host-` for these, so a subdomain can set them.
        "\u{2003}__Host-session",
        "\u{a0}__Host-session",
        "\u{85}__Host-session",
        "__Host-session\u{3000}",
        "__host-session",
        "__HOST-SESSION",
        "__Host-session ",
        "__Host-session[]",
        "__Host%2Dsession",
        "\"__Host-session\"",
        "$Version=1, __Host-session",
        "session",
        "",
    ] {
        assert_eq!(status(&app, &format!("{name}={}", ann.id())).await, StatusCode::UNAUTHORIZED, "{name:?}");
    }
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
    assert_eq!(status(&app, &format!("a=b;\t {COOKIE}={}", ann.id())).await, StatusCode::OK);
}

#[tokio::test]
async fn only_the_exact_value_is_the_id() {
    let app = App::new();
    let ann = app.logged_in("ann").await;
    let id = ann.id();
    let (first, rest) = id.split_at(1);
    let encoded = format!("%{:x}{rest}", first.as_bytes()[0]);
    let full_width = format!("{rest}\u{ff11}");
    for value in [
        "",
        " ",
        "\"\"",
        &format!("\"{id}\""),
        &format!("= {id}"),
        &format!(" {id}"),
        &format!("{id},{id}"),
        &format!("{id}=x"),
        &format!("{id}\u{a0}"),
        &encoded,
        &full_width,
        &format!("a:{id}"),
        &id.repeat(256),
    ] {
        assert_eq!(status(&app, &format!("{COOKIE}={value}")).await, StatusCode::UNAUTHORIZED, "{value:?}");
    }
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn an_invalid_byte_in_the_value_makes_it_no_session() {
    let app = App::new();
    let ann = app.logged_in("ann").await;
    let line = [COOKIE.as_bytes(), b"=", ann.id().as_bytes(), b"\xff"].concat();
    assert_eq!(send(&app, Method::GET, "/me", &[&line]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn several_lines_of_cookies_count_as_one() {
    let app = App::new();
    let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    let (ann, bob) = (format!("{COOKIE}={}", ann.id()), format!("{COOKIE}={}", bob.id()));
    let page = send(&app, Method::GET, "/me", &[b"a=b", ann.as_bytes(), ann.as_bytes()]).await;
    assert_eq!(page.body, "ann");
    let page = send(&app, Method::GET, "/me", &[ann.as_bytes(), bob.as_bytes()]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn many_other_cookies_do_not_hide_the_session() {
    let app = App::new();
    let ann = app.logged_in("ann").await;
    let others = "other=x; ".repeat(1000);
    assert_eq!(status(&app, &format!("{others}{COOKIE}={}", ann.id())).await, StatusCode::OK);
}

#[tokio::test]
async fn a_logout_with_a_thousand_cookies_makes_eight_calls_and_fails() {
    let app = App::new();
    let cookies: Vec<String> = (0..1000).map(|number| format!("{COOKIE}={number:032}")).collect();
    let page = send(&app, Method::POST, "/logout", &[cookies.join("; ").as_bytes()]).await;
    // The session of the user may be among those that stay open.
    assert_eq!((page.status, page.set_cookie()), (StatusCode::BAD_REQUEST, None));
    assert_eq!(app.service.take_calls(), ["close"; 8]);
}

#[tokio::test]
async fn a_logout_with_eight_different_cookies_closes_all_sessions() {
    let app = App::new();
    let mut cookies: Vec<String> = (0..7).map(|number| format!("{COOKIE}={number:032}")).collect();
    let ann = app.logged_in("ann").await;
    // The same id twice is one session.
    cookies.extend([format!("{COOKIE}={}", ann.id()), format!("{COOKIE}={}", ann.id())]);
    let page = send(&app, Method::POST, "/logout", &[cookies.join("; ").as_bytes()]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(app.service.take_calls(), ["close"; 8]);
    assert!(!app.service.session(ann.id()).unwrap().active);
}

#[tokio::test]
async fn changes_at_the_same_time_as_a_logout_leave_no_data() {
    for turns in 0..12 {
        let app = App::new();
        let mut browser = app.logged_in("ann").await;
        let id = browser.id().to_owned();
        let (mut first, mut second) = (app.browser(), app.browser());
        first.cookie.clone_from(&browser.cookie);
        second.cookie.clone_from(&browser.cookie);
        app.service.yield_in_calls();
        // The logout is before, between and after the calls of the changes.
        let logout = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            browser.post("/logout").await
        };
        tokio::join!(first.post("/set/cart/book"), logout, second.post("/set/theme/dark"));
        let session = app.service.session(&id).unwrap();
        assert_eq!((session.active, session.user, session.data), (false, None, None), "{turns}");
    }
}

#[tokio::test]
async fn an_empty_header_does_not_hide_the_cookie_and_cannot_replace_it() {
    let app = App::with(SessionLayer::with_header);
    let (ann, bob) = (app.logged_in("ann").await, app.logged_in("bob").await);
    for (values, expected) in [
        (&[""][..], StatusCode::OK),
        (&["", ""], StatusCode::OK),
        (&["", bob.id()], StatusCode::OK),
        (&[" "], StatusCode::UNAUTHORIZED),
        (&[bob.id(), "garbage"], StatusCode::BAD_REQUEST),
    ] {
        let mut request = Request::get("/me").header(header::COOKIE, format!("{COOKIE}={}", ann.id()));
        for value in values {
            request = request.header("x-session-id", *value);
        }
        let page = read(app.send(request.body(Body::empty()).unwrap()).await).await;
        assert_eq!(page.status, expected, "{values:?}");
        // An id in the header is that of the client, as without the cookie.
        let is_bob = values.contains(&bob.id());
        assert!(page.status != StatusCode::OK || page.body == if is_bob { "bob" } else { "ann" });
    }
}

#[tokio::test]
async fn a_cookie_that_is_signed_twice_or_by_another_application_is_anonymous() {
    let key = |byte| Key::from(&[byte; 64]);
    let app = App::with_cookie(SessionCookie::new().signed(key(1)));
    let other = App::with_cookie(SessionCookie::new().signed(key(2)));
    let (ours, theirs) = (app.logged_in("ann").await, other.logged_in("ann").await);
    let (signature, id) = ours.id().split_at(44);
    // 32 bytes in base64 have 43 characters, of which the last one has two unused bits, and a padding.
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = digits.find(&signature[42..43]).unwrap();
    for value in [
        theirs.id(),
        &format!("{signature}{}", ours.id()),
        &format!("{id}{signature}"),
        &format!("{}{id}", signature.to_lowercase()),
        &format!("{}{id}", &signature[..43]),
        &format!("{}{}={id}", &signature[..42], &digits[last + 1..last + 2]),
        &format!("{signature} {id}"),
    ] {
        assert_ne!(value, ours.id());
        assert_eq!(status(&app, &format!("{COOKIE}={value}")).await, StatusCode::UNAUTHORIZED, "{value}");
    }
    assert_eq!(app.service.take_calls(), [] as [&str; 0]);
}
