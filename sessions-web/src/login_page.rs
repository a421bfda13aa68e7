//! The redirect of anonymous visitors to the login page, and the way back.

use crate::error::LoginRequired;
use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use sessions_client::{Error, ErrorKind};
use std::convert::Infallible;

/// The query parameter with the page that the visitor asked for.
const RETURN_TO: &str = "next";

/// The length up to which visitors return to that page. Proxies limit the size of response headers, such as `Location`.
const MAX_RETURN_TO: usize = 1024;

/// The path of the login page.
#[derive(Clone, Debug)]
pub(crate) struct LoginPage(String);

impl LoginPage {
    pub(crate) fn new(path: String) -> Result<Self, Error> {
        if is_local(&path) && !path.contains('#') {
            return Ok(Self(path));
        }
        let why = format!(
            "the login page {path:?} cannot be used: it must be a path of this application, such as `/login`, that \
             begins with one `/` and has only ASCII characters, without spaces and `#`"
        );
        Err(Error::new(ErrorKind::Config, why))
    }

    /// Returns the location of the redirect if the request needs a login; `None` if it has to be rejected: its client
    /// is not a browser that shows a page, or it asks for the login page itself.
    pub(crate) fn location<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let Self(login) = self;
        let path = login.split('?').next();
        if Some(request.uri().path()) == path || !accepts_html(request.headers()) {
            return None;
        }
        let separator = if login.contains('?') { '&' } else { '?' };
        let location = match return_to(request.method(), request.uri()) {
            Some(page) => {
                let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
                HeaderValue::try_from(format!("{login}{separator}{RETURN_TO}={page}"))
            }
            None => HeaderValue::try_from(login),
        };
        location.ok()
    }
}

/// Returns the page that a request asks for. Returns `None` for other methods, because a redirect does not send a form
/// again, and for `/`, to which a login leads anyway.
fn return_to<'u>(method: &Method, uri: &'u Uri) -> Option<&'u str> {
    let page = uri.path_and_query()?.as_str();
    let is_page = matches!(*method, Method::GET | Method::HEAD) && page != "/";
    (is_page && can_return_to(page)).then_some(page)
}

/// Returns whether a login can lead to this page.
fn can_return_to(page: &str) -> bool {
    page.len() <= MAX_RETURN_TO && is_local(page)
}

/// Returns whether the client is a browser that shows the response as a page: requests of scripts accept `*/*` or JSON.
fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let media_type = range.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("text/html")
    })
}

/// Returns whether a browser that follows this location stays on the same site. It would read `//host` and `/\host` as
/// another one, and drops tabs and line breaks before. Elsewhere a `\` is a part of the path or the query.
fn is_local(location: &str) -> bool {
    location.starts_with('/')
        && !location.starts_with("//")
        && !location.starts_with("/\\")
        && location.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Replaces a response that demands a login by a redirect, which no cache stores. Its other headers stay. An error to
/// which a handler has given another status, such as 404 to hide a page, stays, too.
pub(crate) fn redirect(response: &mut Response, location: HeaderValue) {
    if response.status() != StatusCode::UNAUTHORIZED
        || response.extensions_mut().remove::<LoginRequired>().is_none()
    {
        return;
    }
    *response.status_mut() = StatusCode::SEE_OTHER;
    *response.body_mut() = Body::empty();
    let headers = response.headers_mut();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
}

/// The page to which a login leads back: the one that [`SessionLayer::with_login_page`] has redirected from, or `/`.
///
/// It is read from the query of the request, which a form without `action` keeps. Locations on other sites count as
/// none, so links to the login page cannot lead users there (open redirect), and so do those with more than 1024 bytes.
///
/// ```
/// use axum::response::Redirect;
/// use sessions_web::{NewSession, ReturnTo, SessionError, SessionManager, SessionUserV1};
///
/// async fn log_in(sessions: SessionManager, ReturnTo(page): ReturnTo) -> Result<Redirect, SessionError> {
///     // After the password was checked:
///     sessions.log_in(NewSession::new("user-1", SessionUserV1::new("user-1"))).await?;
///     Ok(Redirect::to(&page))
/// }
/// ```
///
/// [`SessionLayer::with_login_page`]: crate::SessionLayer::with_login_page
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(pub String);

impl ReturnTo {
    fn read(query: &str) -> Self {
        let page = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == RETURN_TO);
        let page = page.map(|(_, page)| page.into_owned()).filter(|page| can_return_to(page));
        Self(page.unwrap_or_else(|| "/".to_owned()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReturnTo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::Url;

    /// Parts of locations on other sites.
    const PARTS: [&str; 10] =
        ["evil.example", "https:", "javascript:", "@", ":", "..", "?", "#", "%2f", "%5c"];

    /// Locations of which most begin with `/` and parts that browsers read as a host, or drop.
    fn locations() -> impl Strategy<Value = String> {
        let special =
            || prop::sample::select(&["/", "\\", "\t", "\r\n", ".", " "][..]).prop_map(str::to_owned);
        let start = prop_oneof![9 => Just("/"), 1 => Just("")];
        let part = prop_oneof![
            4 => special(),
            4 => prop::sample::select(&PARTS[..]).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ];
        (start, prop::collection::vec(special(), 0..3), prop::collection::vec(part, 0..6))
            .prop_map(|(start, specials, parts)| start.to_owned() + &specials.concat() + &parts.concat())
    }

    proptest! {
        #[test]
        fn a_login_leads_to_the_same_site_only(location in locations()) {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let query = query.append_pair(RETURN_TO, &location).finish();
            let ReturnTo(page) = ReturnTo::read(&query);
            // The parser of URLs is that of browsers.
            let login = Url::parse("https://shop.example/login").unwrap();
            let followed = login.join(&page).expect("a location");
            prop_assert_eq!(followed.origin(), login.origin());
            prop_assert!(HeaderValue::try_from(page).is_ok());
        }

        #[test]
        fn each_page_is_returned_to(location in "/[a-z0-9%&=?+/]{0,20}") {
            prop_assume!(is_local(&location) && location != "/");
            let request = Request::get(&location).header(header::ACCEPT, "text/html").body(()).unwrap();
            let redirect = LoginPage::new("/login?lang=en".to_owned()).unwrap().location(&request).unwrap();
            let (_, query) = redirect.to_str().unwrap().split_once('?').unwrap();
            prop_assert_eq!(ReturnTo::read(query), ReturnTo(location));
        }
    }

    #[test]
    fn locations_on_other_sites_are_not_local() {
        for location in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "javascript:alert(1)",
            "evil.example",
            "",
            "/b\u{fc}cher",
        ] {
            assert!(!is_local(location), "{location:?}");
        }
        for location in
            ["/", "/cart?page=2", "/%2F/evil.example", "/a//b", "/.//x", "/@evil.example", "/a?q=C:\\"]
        {
            assert!(is_local(location), "{location:?}");
        }
    }

    #[test]
    fn a_login_page_on_another_site_is_rejected() {
        for page in ["", "login", "//login", "https://login.example", "/login#form", "/log in"] {
            let error = LoginPage::new(page.to_owned()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{page}");
            assert!(error.to_string().contains(&format!("{page:?}")), "{error}");
        }
    }

    #[test]
    fn a_long_page_is_left_out() {
        let login = LoginPage::new("/login".to_owned()).unwrap();
        let location = |length: usize| {
            let page = format!("/{}", "a".repeat(length - 1));
            login.location(&Request::get(page).header(header::ACCEPT, "text/html").body(()).unwrap()).unwrap()
        };
        assert_eq!(location(MAX_RETURN_TO).len(), "/login?next=%2F".len() + MAX_RETURN_TO - 1);
        assert_eq!(location(MAX_RETURN_TO + 1), "/login");
        // The same for links to the login page, whose authors choose the length.
        let returns_to = |length: usize| ReturnTo::read(&format!("next=/{}", "a".repeat(length - 1))).0.len();
        assert_eq!((returns_to(MAX_RETURN_TO), returns_to(MAX_RETURN_TO + 1)), (MAX_RETURN_TO, 1));
    }
}
