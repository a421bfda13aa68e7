//! The state of one request: which session it names, the session once it is loaded, and the cookie of the response.

use crate::credential::{Credential, SESSION_HEADER};
use crate::error::SessionError;
use crate::expiry::Age;
use crate::open::{OpenSession, lock};
use crate::shared::Shared;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};
use sessions_client::{ISessionsV1, SessionV1};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The session of a request; `None` if the request is anonymous.
pub(crate) type Loaded = Result<Option<Arc<OpenSession>>, SessionError>;

/// The state of one request, shared by its extractors.
pub(crate) struct RequestState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) user_agent: Option<String>,
    credential: Credential,
    /// `None` until an extractor asks for the session. Locked while it is loaded, so that it is loaded once.
    session: tokio::sync::Mutex<Option<Loaded>>,
    cookie: Mutex<CookieChange>,
    /// True after an extractor has asked for the session.
    is_used: AtomicBool,
}

/// The change of the cookie by the response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieChange {
    Keep,
    /// Sets it to the session of the request.
    Set,
    Remove,
}

/// The state in the extensions of a request.
#[derive(Clone)]
struct Extension(Arc<RequestState>);

impl RequestState {
    /// Creates the state of a request with these headers, and marks the credentials among them as sensitive, so that
    /// loggers omit them.
    pub(crate) fn new(shared: Arc<Shared>, headers: &mut HeaderMap) -> Arc<Self> {
        let credential = Credential::read(headers, shared.cookie.as_ref(), shared.reads_header);
        for name in [header::COOKIE, SESSION_HEADER] {
            if let header::Entry::Occupied(mut values) = headers.entry(name) {
                values.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Arc::new(Self {
            shared,
            // Bounded, because the service stores it for as long as the session exists.
            user_agent: user_agent.map(|value| value.chars().take(256).collect()),
            credential,
            session: tokio::sync::Mutex::new(None),
            cookie: Mutex::new(CookieChange::Keep),
            is_used: AtomicBool::new(false),
        })
    }

    pub(crate) fn insert_into(self: &Arc<Self>, extensions: &mut http::Extensions) {
        extensions.insert(Extension(Arc::clone(self)));
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

    async fn fetch(&self) -> Loaded {
        let id = match &self.credential {
            Credential::Absent => return Ok(None),
            Credential::Ambiguous => return Err(SessionError::Ambiguous),
            Credential::Header(id) | Credential::Cookie(id) => id,
        };
        // A session to extend is read, because its data is written again.
        let cached = self.shared.cache.as_ref().and_then(|cache| cache.get(id, self.shared.now()));
        if let Some(session) = cached.filter(|session| self.shared.age(session) == Age::Fresh) {
            return Ok(OpenSession::new(session).map(Arc::new));
        }
        let writes = self.shared.write_locks.count();
        match self.read(id).await {
            Ok(Some(session)) => {
                Ok(self.admit(session, writes).await.and_then(OpenSession::new).map(Arc::new))
            }
            Ok(None) => Ok(None),
            Err(error) if self.shared.is_anonymous_on_failure => {
                tracing::warn!(%error, "the sessions service has failed: the request is anonymous");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read(&self, id: &str) -> sessions_client::Result<Option<SessionV1>> {
        let Some(cache) = &self.shared.cache else {
            return self.shared.client.get_session_by_id(None, id).await;
        };
        let start = cache.start_read(self.shared.now());
        let session = self.shared.client.get_session_by_id(None, id).await?;
        if let Some(session) = session.as_ref().filter(|session| self.shared.is_valid(session)) {
            cache.finish_read(start, session);
        }
        Ok(session)
    }

    /// Returns the session if it is valid, extended if that is due.
    ///
    /// The service counts only changes as use, so its data is stored again. That is done directly after the read, so
    /// that another request has little time to change the data in between. If this process has written anything since
    /// (`writes` is the count before the read), the session is read again: of simultaneous requests one extends it, and
    /// the changes of the others stay.
    ///
    /// Rejected alternative: storing the user again, because that could undo a change of the user's roles.
    async fn admit(&self, mut session: SessionV1, writes: u64) -> Option<SessionV1> {
        match self.shared.age(&session) {
            Age::Expired => return None,
            Age::Fresh => return Some(session),
            Age::TouchDue => {}
        }
        let write_lock = self.shared.write_locks.of(&session.id);
        let _writing = write_lock.lock().await;
        if self.shared.write_locks.count() != writes {
            match self.read(&session.id).await {
                Ok(current) => session = current?,
                Err(error) => return Some(not_extended(session, &error)),
            }
            match self.shared.age(&session) {
                Age::Expired => return None,
                Age::Fresh => return Some(session),
                Age::TouchDue => {}
            }
        }
        // `null` would be rejected.
        let empty = Value::Object(Map::new());
        let data = session.data.as_ref().filter(|data| !data.is_null()).unwrap_or(&empty);
        let touched = self.shared.client.store_session_data(None, &session.id, data).await;
        self.shared.invalidate(&session.id);
        match touched {
            Ok(touched) => {
                let touched = touched.filter(|session| session.active)?;
                if matches!(self.credential, Credential::Cookie(_)) {
                    self.set_cookie(CookieChange::Set);
                }
                Some(touched)
            }
            Err(error) => Some(not_extended(session, &error)),
        }
    }

    /// Returns the id of the session that the request names, whether or not it exists.
    pub(crate) fn named_id(&self) -> Result<Option<&str>, SessionError> {
        match &self.credential {
            Credential::Ambiguous => Err(SessionError::Ambiguous),
            credential => Ok(credential.id()),
        }
    }

    /// Locks the session of the request, in order to replace it.
    pub(crate) async fn session(&self) -> tokio::sync::MutexGuard<'_, Option<Loaded>> {
        self.session.lock().await
    }

    pub(crate) fn set_cookie(&self, change: CookieChange) {
        *lock(&self.cookie) = change;
    }

    /// Stores the changes of the session, and adds the cookie to the response.
    pub(crate) async fn finish(&self, mut response: Response) -> Response {
        if !self.is_used.load(Ordering::Acquire) {
            return response;
        }
        let session = self.session.lock().await.clone().and_then(Result::ok).flatten();
        if let Some(session) = &session
            && !response.status().is_server_error()
            && let Err(error) = session.save(&self.shared).await
        {
            response = error.into_response();
        }
        let change = *lock(&self.cookie);
        let cookie = self.shared.cookie.as_ref().and_then(|cookie| match (change, &session) {
            (CookieChange::Set, Some(session)) => {
                cookie.set(&session.id, self.shared.expiry.remaining(session.open_time, self.shared.now()))
            }
            (CookieChange::Remove, _) => cookie.removal(),
            _ => None,
        });
        let headers = response.headers_mut();
        if let Some(cookie) = cookie {
            headers.append(header::SET_COOKIE, cookie);
        }
        // The response depends on the user, so no cache may give it to another one.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

/// Logs that a session was not extended. It is valid all the same, and the next request tries again.
fn not_extended(session: SessionV1, error: &sessions_client::Error) -> SessionV1 {
    tracing::warn!(%error, "a session was not extended");
    session
}
