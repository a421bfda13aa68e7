//! A tower layer against cross-site request forgery, by the headers that browsers set.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri, header};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A tower layer that rejects changes requested by pages of other origins with status 403 (cross-site request forgery).
///
/// `SameSite=Lax`, the default of [`SessionCookie`](crate::SessionCookie), already keeps the cookie out of forms of
/// other sites. It does not stop pages of the same site, such as `blog.example.com` for `shop.example.com`, and not
/// all browsers have it. This layer compares origins.
///
/// A request passes if one of these holds:
///
/// 1. Its method is `GET`, `HEAD`, `OPTIONS` or `TRACE`, and it does not open a WebSocket. **Handlers of these methods
///    must not change anything.**
/// 2. Its `Origin` is [allowed](Self::allow_origin).
/// 3. Its `Sec-Fetch-Site` is `same-origin` or `none` (typed by the user).
/// 4. It has no `Sec-Fetch-Site`, as in browsers before 2023 and over plain HTTP, and the host and port of its `Origin`
///    are those of the request. The schemes are not compared, because a proxy may have ended TLS.
/// 5. It has neither of the two headers. It is not from a browser, so it carries no cookie against the will of the
///    user.
///
/// A proxy in front must keep the `Host` header, or the public origin must be allowed.
///
/// ```
/// use axum::Router;
/// use sessions_web::SameOriginLayer;
///
/// let app: Router = Router::new().layer(SameOriginLayer::new().allow_origin("https://admin.example.com"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct SameOriginLayer {
    allowed: Arc<Vec<String>>,
}

impl SameOriginLayer {
    /// Creates a layer that allows the origin of the application only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows another origin: scheme, host, and port unless it is the default one of the scheme.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        // Browsers write origins in lower case, without a slash at the end.
        let origin = origin.into().trim_end_matches('/').to_ascii_lowercase();
        Arc::make_mut(&mut self.allowed).push(origin);
        self
    }

    fn allows(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        // A WebSocket is opened by a `GET`, which pages of other origins can send and then use.
        if method.is_safe() && !headers.contains_key(header::UPGRADE) {
            return true;
        }
        let origin = headers.get(header::ORIGIN);
        if origin.is_some_and(|origin| self.allowed.iter().any(|allowed| origin == allowed)) {
            return true;
        }
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
        if sites.peek().is_some() {
            return sites.all(|site| site == "same-origin" || site == "none");
        }
        let Some(origin) = origin else { return true };
        let host = uri.authority().map(http::uri::Authority::as_str);
        let host = host.or_else(|| headers.get(header::HOST)?.to_str().ok());
        origin.to_str().ok().zip(host).is_some_and(|(origin, host)| has_host(origin, host))
    }
}

/// Returns whether an origin has the host and the port of a request, which may name the default port.
fn has_host(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    authority.eq_ignore_ascii_case(host.strip_suffix(default_port).unwrap_or(host))
}

impl<S> Layer<S> for SameOriginLayer {
    type Service = SameOriginService<S>;

    fn layer(&self, inner: S) -> SameOriginService<S> {
        SameOriginService { inner, layer: self.clone() }
    }
}

/// The service of [`SameOriginLayer`].
#[derive(Clone)]
pub struct SameOriginService<S> {
    inner: S,
    layer: SameOriginLayer,
}

impl<S, B> Service<Request<B>> for SameOriginService<S>
where
    S: Service<Request<B>, Response: IntoResponse, Future: Send + 'static>,
    S::Error: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.layer.allows(request.method(), request.uri(), request.headers()) {
            let response = self.inner.call(request);
            Box::pin(async move { response.await.map(IntoResponse::into_response) })
        } else {
            let rejection =
                (StatusCode::FORBIDDEN, "the request is from a page of another origin").into_response();
            Box::pin(std::future::ready(Ok(rejection)))
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for SameOriginService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameOriginService").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn allows(method: &Method, headers: &[(HeaderName, &'static str)]) -> bool {
        let layer = SameOriginLayer::new().allow_origin("https://Admin.example.com/");
        let mut map = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("shop.example.com"))]);
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        layer.allows(method, &Uri::from_static("/cart"), &map)
    }

    #[test]
    fn a_post_from_another_site_or_subdomain_is_rejected() {
        assert!(!allows(&Method::POST, &[(SEC_FETCH_SITE, "cross-site")]));
        assert!(!allows(&Method::POST, &[(SEC_FETCH_SITE, "same-site")]));
        assert!(!allows(&Method::POST, &[(header::ORIGIN, "https://evil.example")]));
        assert!(!allows(&Method::POST, &[(header::ORIGIN, "https://shop.example.com:8443")]));
        assert!(!allows(&Method::POST, &[(header::ORIGIN, "null")]));
    }

    #[test]
    fn a_post_from_the_same_origin_passes() {
        assert!(allows(&Method::POST, &[(SEC_FETCH_SITE, "same-origin")]));
        assert!(allows(&Method::POST, &[(SEC_FETCH_SITE, "none")]));
        assert!(allows(&Method::POST, &[(header::ORIGIN, "https://SHOP.example.com")]));
    }

    #[test]
    fn an_origin_that_equals_the_host_does_not_outweigh_sec_fetch_site() {
        let headers = [(header::ORIGIN, "https://shop.example.com"), (SEC_FETCH_SITE, "cross-site")];
        assert!(!allows(&Method::POST, &headers));
    }

    #[test]
    fn two_contradictory_sec_fetch_site_headers_are_rejected() {
        assert!(!allows(&Method::POST, &[(SEC_FETCH_SITE, "same-origin"), (SEC_FETCH_SITE, "cross-site")]));
    }

    #[test]
    fn an_allowed_origin_passes() {
        let headers = [(header::ORIGIN, "https://admin.example.com"), (SEC_FETCH_SITE, "same-site")];
        assert!(allows(&Method::POST, &headers));
    }

    #[test]
    fn safe_methods_and_clients_other_than_browsers_pass() {
        assert!(allows(&Method::GET, &[(SEC_FETCH_SITE, "cross-site")]));
        assert!(allows(&Method::DELETE, &[]));
    }

    #[test]
    fn a_websocket_from_another_origin_is_rejected() {
        let websocket = |origin| [(header::UPGRADE, "websocket"), (header::ORIGIN, origin)];
        assert!(!allows(&Method::GET, &websocket("https://blog.example.com")));
        assert!(allows(&Method::GET, &websocket("https://shop.example.com")));
    }

    #[test]
    fn a_host_with_the_default_port_is_that_of_an_origin_without_it() {
        for (origin, host, is_same) in [
            ("https://shop.example.com", "shop.example.com:443", true),
            ("http://shop.example.com", "shop.example.com:80", true),
            ("https://shop.example.com", "shop.example.com:80", false),
            ("https://shop.example.com:8443", "shop.example.com:443", false),
            ("https://[::1]", "[::1]:443", true),
        ] {
            assert_eq!(has_host(origin, host), is_same, "{origin} {host}");
        }
    }

    #[test]
    fn the_host_of_an_http2_request_is_that_of_its_target() {
        let layer = SameOriginLayer::new();
        let headers = HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static("https://a.example"))]);
        assert!(layer.allows(&Method::POST, &Uri::from_static("https://a.example/"), &headers));
        assert!(!layer.allows(&Method::POST, &Uri::from_static("https://b.example/"), &headers));
    }
}
