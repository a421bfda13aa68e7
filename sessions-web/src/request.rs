//! The state of one request: which session it names, the session once it is loaded, and the cookie of the response.

use crate::credential::{Credential, Credentials, SESSION_HEADER};
use crate::error::SessionError;
use crate::expiry::Age;
use crate::login_page;
use crate::open::{OpenSession, lock};
use crate::shared::{Latest, Shared};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, Request, header};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The session of a request; `None` if the request is anonymous.
pub(crate) type Loaded = Result<Option<Arc<OpenSession>>, SessionError>;

/// The state of one request, shared by its extractors.
pub(crate) struct RequestState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) user_agent: Option<String>,
    credentials: Credentials,
    /// `None` until an extractor asks for the session. Locked while it is loaded, so that it is loaded once.
    session: tokio::sync::Mutex<Option<Loaded>>,
    cookie: Mutex<CookieChange>,
    /// True after an extractor has asked for the session.
    is_used: AtomicBool,
    /// The location of the redirect if the request needs a login; `None` if it is rejected.
    login: Option<HeaderValue>,
}

/// The change of the cookie by the response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieChange {
    Keep,
    /// Sets it to the session of the request again, with a new `Max-Age`.
    Renew,
    /// Sets it to the session that this request has opened.
    LogIn,
    Remove,
}

/// The state in the extensions of a request.
#[derive(Clone)]
struct Extension(Arc<RequestState>);

impl RequestState {
    /// Adds the state to the extensions of a request, and returns it. Marks the credentials among the headers as
    /// sensitive, so that loggers omit them.
    pub(crate) fn begin<B>(shared: Arc<Shared>, request: &mut Request<B>) -> Arc<Self> {
        let login = shared.login_page.as_ref().and_then(|page| page.location(request));
        let headers = request.headers_mut();
        let credentials = Credentials::read(headers, shared.cookie.as_ref(), shared.reads_header);
        for name in [header::COOKIE, SESSION_HEADER] {
            if let header::Entry::Occupied(mut values) = headers.entry(name) {
                values.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let state = Arc::new(Self {
            shared,
            // Bounded, because the service stores it for as long as the session exists.
            user_agent: user_agent.map(|value| value.chars().take(256).collect()),
            credentials,
            session: tokio::sync::Mutex::new(None),
            cookie: Mutex::new(CookieChange::Keep),
            is_used: AtomicBool::new(false),
            login,
        });
        request.extensions_mut().insert(Extension(Arc::clone(&state)));
        state
    }

    pub(crate) fn of(parts: &Parts) -> Result<Arc<Self>, SessionError> {
        let Extension(state) = parts.extensions.get().ok_or(SessionError::NoLayer)?;
        state.is_used.store(true, Ordering::Release);
        Ok(Arc::clone(state))
    }

    /// Returns the session of the request, which the first call loads.
    pub(crate) async fn load(&self) -> Loaded {
        let mut session = self.session.lock().await;
        if let Some(loaded) = &*session {
            return loaded.clone();
        }
        let loaded = self.fetch().await;
        session.insert(loaded).clone()
    }

    /// Returns the session for an extractor that accepts anonymous requests.
    pub(crate) async fn load_optional(&self) -> Loaded {
        match self.load().await {
            Err(SessionError::Service(error)) if self.shared.is_anonymous_on_failure => {
                tracing::warn!(%error, "the sessions service has failed: the request is anonymous");
                Ok(None)
            }
            loaded => loaded,
        }
    }

    async fn fetch(&self) -> Loaded {
        let id = match &self.credentials.current {
            Credential::Absent => return Ok(None),
            Credential::Ambiguous { .. } => return Err(SessionError::Ambiguous),
            Credential::Header(id) | Credential::Cookie(id) => id,
        };
        // A session to extend is read, because its data is written again.
        let cached = self.shared.cache.as_ref().and_then(|cache| cache.get(id, self.shared.now()));
        if let Some(latest) = cached.filter(|latest| self.shared.age(&latest.session) == Age::Fresh) {
            return Ok(OpenSession::new(latest).map(Arc::new));
        }
        match self.shared.read(id).await {
            Ok(Some(latest)) => Ok(self.admit(latest).await.and_then(OpenSession::new).map(Arc::new)),
            Ok(None) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the session if it is valid, extended if that is due.
    ///
    /// The service counts only changes as use, so its data is stored again. That is done directly after the read, so
    /// that another request has little time to change the data in between. If this process has written it since, the
    /// session is read again: of simultaneous requests one extends it, and the changes of the others stay.
    ///
    /// Rejected alternative: storing the user again, because that could undo a change of the user's roles.
    async fn admit(&self, mut latest: Latest) -> Option<Latest> {
        match self.shared.age(&latest.session) {
            Age::Expired => return None,
            Age::Fresh => return Some(latest),
            Age::TouchDue => {}
        }
        let id = latest.session.id.clone();
        let _lock = match self.shared.write_locks.acquire(&id, self.shared.lock_timeout).await {
            Ok(lock) => lock,
            Err(error) => return Some(not_extended(latest, &error)),
        };
        if !self.shared.is_recent(&id, latest.as_of) {
            match self.shared.read(&id).await {
                Ok(current) => latest = current?,
                Err(error) => return Some(not_extended(latest, &error)),
            }
            match self.shared.age(&latest.session) {
                Age::Expired => return None,
                Age::Fresh => return Some(latest),
                Age::TouchDue => {}
            }
        }
        // `null` would be rejected.
        let empty = Value::Object(Map::new());
        let data = latest.session.data.as_ref().filter(|data| !data.is_null()).unwrap_or(&empty);
        match self.shared.store_data(&id, data).await {
            Ok(stored) => {
                self.renew_cookie();
                // The rest of the response is of no interest: nothing else was changed.
                latest.session.request_time = stored.session.request_time;
                latest.as_of = stored.as_of;
                Some(latest)
            }
            Err(SessionError::Ended) => None,
            Err(error) => Some(not_extended(latest, &error)),
        }
    }

    /// Returns the id of the session that the request names, whether or not it exists.
    pub(crate) fn named_id(&self) -> Result<Option<&str>, SessionError> {
        match &self.credentials.current {
            Credential::Ambiguous { .. } => Err(SessionError::Ambiguous),
            credential => Ok(credential.ids().first().map(String::as_str)),
        }
    }

    /// Returns the ids of the sessions that the request names, at most eight.
    pub(crate) fn named_ids(&self) -> &[String] {
        self.credentials.current.ids()
    }

    /// Returns the ids of other sessions, in a cookie next to a header. They end with the cookie.
    pub(crate) fn hidden_ids(&self) -> impl Iterator<Item = &String> {
        self.credentials.hidden_ids()
    }

    /// Returns whether the request names more sessions than the other functions return.
    pub(crate) fn names_more_ids(&self) -> bool {
        self.credentials.has_more()
    }

    /// Locks the session of the request, in order to replace it.
    pub(crate) async fn session(&self) -> tokio::sync::MutexGuard<'_, Option<Loaded>> {
        self.session.lock().await
    }

    pub(crate) fn set_cookie(&self, change: CookieChange) {
        *lock(&self.cookie) = change;
    }

    /// Sets the cookie again after a write to the session, which has moved the time at which it expires.
    pub(crate) fn renew_cookie(&self) {
        let mut change = lock(&self.cookie);
        if matches!(self.credentials.current, Credential::Cookie(_)) && *change == CookieChange::Keep {
            *change = CookieChange::Renew;
        }
    }

    /// Stores the changes of the session.
    pub(crate) async fn save(&self, session: &OpenSession) -> Result<(), SessionError> {
        if session.save(&self.shared).await? {
            self.renew_cookie();
        }
        Ok(())
    }

    /// Stores the changes of the session, adds the cookie to the response, and redirects to the login page.
    pub(crate) async fn finish(&self, mut response: Response) -> Response {
        if !self.is_used.load(Ordering::Acquire) {
            // The layer of a nested router may demand a login.
            self.redirect(&mut response);
            return response;
        }
        let session = self.session.lock().await.clone().and_then(Result::ok).flatten();
        let mut has_failed = response.status().is_server_error();
        if let Some(session) = &session
            && !has_failed
            && let Err(error) = self.save(session).await
        {
            response = error.into_response();
            has_failed = true;
        }
        if has_failed {
            self.undo_login(session.as_deref()).await;
        }
        self.redirect(&mut response);
        let cookie = self.cookie_header(session.as_deref(), &response);
        let headers = response.headers_mut();
        // The response depends on the user, so no cache may give it to another one.
        let no_store = HeaderValue::from_static("no-store");
        if let Some(cookie) = cookie {
            headers.append(header::SET_COOKIE, cookie);
            headers.insert(header::CACHE_CONTROL, no_store);
        } else {
            headers.entry(header::CACHE_CONTROL).or_insert(no_store);
        }
        if self.shared.cookie.is_some() {
            headers.append(header::VARY, HeaderValue::from_static("cookie"));
        }
        if self.shared.reads_header {
            headers.append(header::VARY, HeaderValue::from_static("x-session-id"));
        }
        response
    }

    /// Redirects to the login page if the response demands a login and the request is one of a browser.
    fn redirect(&self, response: &mut Response) {
        if let Some(location) = &self.login {
            login_page::redirect(response, location.clone());
        }
    }

    /// Deletes the session that a failed request has opened: a response that reports an error is not a login.
    async fn undo_login(&self, session: Option<&OpenSession>) {
        if *lock(&self.cookie) != CookieChange::LogIn {
            return;
        }
        if let Some(session) = session
            && let Err(error) = self.shared.delete(&session.id).await
        {
            tracing::warn!(%error, "the session of a failed login was not deleted");
        }
        self.set_cookie(CookieChange::Remove);
    }

    /// Returns the cookie for the response.
    fn cookie_header(&self, session: Option<&OpenSession>, response: &Response) -> Option<HeaderValue> {
        let cookie = self.shared.cookie.as_ref()?;
        match (*lock(&self.cookie), session) {
            // A layer of a nested router may have logged in or out.
            (CookieChange::Renew, _) if cookie.is_set_by(response.headers()) => None,
            // A login in another request may have set the cookie to a new session since.
            (CookieChange::Renew, Some(session)) if self.shared.write_locks.has_ended(&session.id) => None,
            (CookieChange::Renew | CookieChange::LogIn, Some(session)) => {
                cookie.set(&session.id, self.shared.expiry.remaining(session.open_time, self.shared.now()))
            }
            (CookieChange::Remove, _) => cookie.removal(),
            _ => None,
        }
    }
}

/// Logs that a session was not extended. It is valid all the same, and the next request tries again.
fn not_extended(latest: Latest, error: &dyn std::error::Error) -> Latest {
    tracing::warn!(error = %error, "a session was not extended");
    latest
}
