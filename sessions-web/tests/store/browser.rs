//! A browser with one cookie, which sends requests to an application without a network.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub(crate) struct Browser {
    app: Router,
    /// `name=value` of the cookie.
    pub(crate) cookie: Option<String>,
    /// The last `Set-Cookie` header of the last response.
    pub(crate) set_cookie: Option<String>,
}

/// The status, the `Location` and the body of a response.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(app: &Router) -> Self {
        Self { app: app.clone(), cookie: None, set_cookie: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Page {
        self.send(Method::POST, path, form).await
    }

    async fn send(&mut self, method: Method, path: &str, form: &str) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response =
            self.app.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
        self.receive(&response);
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (status, location) = (response.status(), header(header::LOCATION));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Page { status, location, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    fn receive(&mut self, response: &Response<Body>) {
        let cookies = response.headers().get_all(header::SET_COOKIE);
        self.set_cookie = cookies.iter().next_back().map(|cookie| cookie.to_str().unwrap().to_owned());
        let Some(cookie) = &self.set_cookie else { return };
        let pair = cookie.split(';').next().unwrap();
        self.cookie = if cookie.contains("Max-Age=0") { None } else { Some(pair.to_owned()) };
    }
}
