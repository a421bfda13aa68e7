//! An HTTP client without a cookie store, whose requests can be ones that no browser sends.

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};

/// The user names and passwords of the shop.
pub(crate) const ANN: (&str, &str) = ("ann", "apple pie");
pub(crate) const BEN: (&str, &str) = ("ben", "blueberry tart");

/// The status, `Location`, the value of `Set-Cookie` up to its first `;`, and the body.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

/// The header `Accept` of browsers for a page.
pub(crate) const ACCEPT: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

pub(crate) fn client() -> Client {
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(ACCEPT))]);
    Client::builder().no_proxy().redirect(redirect::Policy::none()).default_headers(headers).build().unwrap()
}

pub(crate) async fn send(request: RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let cookie = header(header::SET_COOKIE).map(|cookie| cookie.split(';').next().unwrap().to_owned());
    let (status, location) = (response.status(), header(header::LOCATION));
    let retry_after = header(header::RETRY_AFTER);
    Page { status, location, cookie, retry_after, body: response.text().await.unwrap() }
}

pub(crate) async fn get(url: &str, path: &str, cookie: &str) -> Page {
    send(client().get(format!("{url}{path}")).header(header::COOKIE, cookie)).await
}

pub(crate) async fn post(url: &str, path: &str, cookie: &str, form: &[(&str, &str)]) -> Page {
    send(client().post(format!("{url}{path}")).header(header::COOKIE, cookie).form(form)).await
}

/// Logs a user in from a browser with `cookie`, and returns the new cookie.
pub(crate) async fn log_in_with(url: &str, cookie: &str, (login, password): (&str, &str)) -> String {
    let page = post(url, "/login", cookie, &[("login", login), ("password", password)]).await;
    assert_eq!((page.status, page.location.as_deref()), (StatusCode::SEE_OTHER, Some("/")), "{}", page.body);
    page.cookie.expect("a login sets the cookie")
}

pub(crate) async fn log_in(url: &str, user: (&str, &str)) -> String {
    log_in_with(url, "", user).await
}

/// Returns the name of the user whom the cookie logs in.
pub(crate) async fn user(url: &str, cookie: &str) -> Option<String> {
    user_of(&send(client().get(url).header(header::COOKIE, cookie)).await)
}

/// Returns the name of the user on a page of the shop; `None` if it leads to the login.
pub(crate) fn user_of(page: &Page) -> Option<String> {
    if page.status == StatusCode::SEE_OTHER {
        assert_eq!(page.location.as_deref(), Some("/login"));
        return None;
    }
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (_, rest) = page.body.split_once("<span id=\"user\">").expect("the page of a user");
    Some(rest.split_once("</span>").unwrap().0.to_owned())
}

/// Returns the part between `start` and `end`.
pub(crate) fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    page.split_once(start).and_then(|(_, rest)| rest.split_once(end)).expect("the page has this part").0
}
