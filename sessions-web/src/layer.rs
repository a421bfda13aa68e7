//! The tower layer, its options and its service.

use crate::cache::Cache;
use crate::cookie::SessionCookie;
use crate::expiry::Expiry;
use crate::login_page::LoginPage;
use crate::request::RequestState;
use crate::shared::Shared;
use crate::write_locks::WriteLocks;
use axum_core::response::{IntoResponse, Response};
use chrono::Utc;
use http::Request;
use sessions_client::{CallOptions, DynISessionsV1, Error, ISessionsV1, Timestamp, WithOptions};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// The default time limit of a call. A browser is waiting: an early error is better than a late page.
const DEADLINE: Duration = Duration::from_secs(2);

/// A tower layer that gives each request its session: [`Session`](crate::Session), [`CurrentUser`](crate::CurrentUser)
/// and [`SessionManager`](crate::SessionManager) extract it.
///
/// The session is loaded when an extractor asks for it, at most once for each request. A request that asks for none
/// costs no call.
///
/// ```
/// use axum::{Router, routing::get};
/// use sessions_client::SessionsMemoryClientV1;
/// use sessions_web::{CurrentUser, SessionLayer};
///
/// async fn hello(CurrentUser(user): CurrentUser) -> String {
///     format!("Hello, {}!", user.id)
/// }
///
/// // In production: `SessionsHttpClientV1::connect(url)?`.
/// let client = SessionsMemoryClientV1::new();
/// let app: Router = Router::new().route("/", get(hello)).layer(SessionLayer::new(client));
/// ```
///
/// Locks of simultaneous writes and the [cache](Self::with_cache) belong to a layer and its clones. For several routers,
/// clone one layer.
///
/// # Expiry
///
/// A session expires when it was [idle](Self::with_idle_timeout) for 24 hours, and at the latest
/// [7 days](Self::with_lifetime) after login. The service counts only changes as use. So a request that finds a session
/// without a change for [5 minutes](Self::with_touch_interval) extends it: it stores the unchanged data again, and
/// renews the `Max-Age` of the cookie, as each other write does. An idle session can expire earlier than stated by up
/// to this interval.
///
/// The service itself closes sessions without changes for 24 hours (its `options.expire_timeout`), so a longer idle
/// timeout has no effect unless the service is configured for it. Times are those of the service, compared with the
/// clock of the application, so both machines should use NTP.
///
/// # Failures
///
/// If the session cannot be loaded, the extractors reject the request with status 503 and `Retry-After`, or 502 for
/// failures that a retry does not solve. With [`anonymous_when_unavailable`](Self::anonymous_when_unavailable),
/// `Option<Session>` and `Option<CurrentUser>` are `None` instead. A request never counts as logged in without a
/// response of the service.
#[derive(Clone)]
pub struct SessionLayer(Shared);

impl SessionLayer {
    /// Creates a layer over a client of the service, or over any other implementation of its contract.
    #[must_use]
    pub fn new(client: impl ISessionsV1 + 'static) -> Self {
        let client: Arc<dyn DynISessionsV1> = Arc::new(client);
        let options = CallOptions::new().deadline(DEADLINE).retries(1);
        Self(Shared {
            client: WithOptions::new(client, options),
            clock: Arc::new(Utc::now),
            cookie: Some(SessionCookie::new()),
            reads_header: false,
            login_page: None,
            expiry: Expiry::default(),
            is_anonymous_on_failure: false,
            cache: None,
            write_locks: Arc::new(WriteLocks::new()),
            lock_timeout: DEADLINE,
        })
    }

    /// Sets the cookie. The default is `SessionCookie::new()`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](sessions_client::ErrorKind::Config) if browsers would reject the cookie.
    pub fn with_cookie(mut self, cookie: SessionCookie) -> Result<Self, Error> {
        cookie.validate()?;
        self.0.cookie = Some(cookie);
        Ok(self)
    }

    /// Neither reads nor sets a cookie, for APIs whose clients send the [header](Self::with_header).
    #[must_use]
    pub fn without_cookie(mut self) -> Self {
        self.0.cookie = None;
        self
    }

    /// Reads the header `x-session-id` too, before the cookie, as the official facade does. It is off by default: a web
    /// application in a browser does not need it.
    ///
    /// A request with both is one of the session in the header. Since login and logout change the cookie, they also end the
    /// session in the cookie.
    #[must_use]
    pub fn with_header(mut self) -> Self {
        self.0.reads_header = true;
        self
    }

    /// Redirects browsers to this page instead of a response with status 401: requests that accept `text/html` and need
    /// a login get status 303. [`ReturnTo`](crate::ReturnTo) leads back to the page that was asked for. Other requests,
    /// such as those of scripts, still get 401, and so does one for the login page itself. Off by default.
    ///
    /// Only responses of a [`SessionError`](crate::SessionError) with status 401 are replaced, so a page for a wrong
    /// password can have status 401, and a handler can hide a page by another status. Add the layer to the outer router:
    /// a layer in a nested router does not know the path before the nested one. A prefix that a proxy removes is not
    /// known either, so let the proxy keep the path.
    ///
    /// ```
    /// # use sessions_client::SessionsMemoryClientV1;
    /// # use sessions_web::SessionLayer;
    /// let layer = SessionLayer::new(SessionsMemoryClientV1::new()).with_login_page("/login")?;
    /// # Ok::<_, sessions_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](sessions_client::ErrorKind::Config) if it is not a path of this application.
    pub fn with_login_page(mut self, path: impl Into<String>) -> Result<Self, Error> {
        self.0.login_page = Some(LoginPage::new(path.into())?);
        Ok(self)
    }

    /// Sets the time without use after which a session expires. The default is 24 hours. It must be greater than zero:
    /// with zero, each session has expired at once.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.0.expiry.idle_timeout = timeout;
        self
    }

    /// Sets the time after login at which a session expires, used or not. The default is 7 days.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.expiry.lifetime = lifetime;
        self
    }

    /// Sets the time without a change after which a request extends its session. The default is 5 minutes. It is at
    /// most half of the idle timeout.
    #[must_use]
    pub fn with_touch_interval(mut self, interval: Duration) -> Self {
        self.0.expiry.touch_interval = interval;
        self
    }

    /// Treats requests as anonymous if the service fails and their handlers accept anonymous requests
    /// (`Option<Session>`, `Option<CurrentUser>`), so that public pages stay available. Other handlers still respond
    /// with status 503 or 502, and login and logout still fail.
    #[must_use]
    pub fn anonymous_when_unavailable(mut self) -> Self {
        self.0.is_anonymous_on_failure = true;
        self
    }

    /// Keeps sessions in memory after they were read, and uses them for requests that come within `max_staleness`.
    /// Off by default.
    ///
    /// For up to this time a request may not see changes by other instances of the application, and **a user who was
    /// logged out by another instance is still logged in here**. Changes by this instance are seen at once. A few
    /// seconds are enough for pages that send several requests. The cache has at most 10,000 sessions.
    #[must_use]
    pub fn with_cache(mut self, max_staleness: Duration) -> Self {
        self.0.cache = Some(Arc::new(Cache::new(max_staleness)));
        self
    }

    /// Sets the limits, retries, headers and the token of calls to the service. The default is a deadline of 2 seconds
    /// and one retry. Clients without [policies](sessions_client::policy) ignore the limits.
    ///
    /// The deadline also limits how long a write waits for other writes to the same session by this instance.
    #[must_use]
    pub fn with_call_options(mut self, options: CallOptions) -> Self {
        self.0.lock_timeout = options.deadline.unwrap_or(DEADLINE);
        self.0.client = WithOptions::new(Arc::clone(WithOptions::get_ref(&self.0.client)), options);
        self
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { cookie, reads_header, login_page, expiry, is_anonymous_on_failure, .. } = &self.0;
        f.debug_struct("SessionLayer")
            .field("cookie", cookie)
            .field("reads_header", reads_header)
            .field("login_page", login_page)
            .field("expiry", expiry)
            .field("is_anonymous_on_failure", is_anonymous_on_failure)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService { inner, shared: Arc::new(self.0.clone()) }
    }
}

/// The service of [`SessionLayer`].
#[derive(Clone)]
pub struct SessionService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response: IntoResponse, Future: Send + 'static>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = RequestState::begin(Arc::clone(&self.shared), &mut request);
        let response = self.inner.call(request);
        Box::pin(async move {
            // Converted before the next await, so that neither type needs to be `Send`.
            let response = match response.await {
                Ok(response) => response.into_response(),
                Err(error) => return Err(error),
            };
            Ok(state.finish(response).await)
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
