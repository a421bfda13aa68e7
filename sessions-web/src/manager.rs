//! Login, logout, and the list of a user's sessions.

use crate::credential::is_id;
use crate::error::{PayloadError, SessionError};
use crate::open::OpenSession;
use crate::request::{CookieChange, Loaded, RequestState};
use crate::session::Session;
use crate::shared::{Latest, without_payload};
use axum_core::extract::FromRequestParts;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};
use sessions_client::stream::ISessionsV1Ext;
use sessions_client::{Error, ErrorKind, FilterParams, ISessionsV1, SessionV1, Timestamp};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::fmt::{self, Write};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Login, logout, and the list of a user's sessions. As an extractor it accepts all requests, and makes no call.
///
/// ```
/// use sessions_web::{NewSession, SessionError, SessionManager, SessionUserV1};
///
/// async fn log_in(sessions: SessionManager) -> Result<&'static str, SessionError> {
///     // After the password was checked:
///     sessions.log_in(NewSession::new("user-1", SessionUserV1::new("user-1"))).await?;
///     Ok("welcome")
/// }
///
/// async fn log_out(sessions: SessionManager) -> Result<&'static str, SessionError> {
///     sessions.log_out().await?;
///     Ok("bye")
/// }
/// ```
#[derive(Clone)]
pub struct SessionManager(Arc<RequestState>);

/// A session to open: the user and what is stored with it.
#[derive(Clone)]
#[must_use]
pub struct NewSession<U> {
    user_id: String,
    user: U,
    user_name: Option<String>,
    address: Option<String>,
    client: Option<String>,
    data: Map<String, Value>,
}

impl<U> NewSession<U> {
    /// Creates a session of the user with this id. `user` is what [`Session::user`] returns.
    pub fn new(user_id: impl Into<String>, user: U) -> Self {
        Self { user_id: user_id.into(), user, user_name: None, address: None, client: None, data: Map::new() }
    }

    /// Sets the name of the user.
    pub fn user_name(mut self, name: impl Into<String>) -> Self {
        self.user_name = Some(name.into());
        self
    }

    /// Sets the address of the user, for the list of sessions. Behind a proxy it is in a header, which only the
    /// application knows whether to trust.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Sets the client of the user, for the list of sessions. The default is the header `User-Agent`, of which the
    /// first 256 characters are stored.
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// Sets the data, such as that of the user's session before a new login.
    pub fn data(mut self, data: Map<String, Value>) -> Self {
        self.data = data;
        self
    }
}

/// Shows nothing: the fields are private.
impl<U> fmt::Debug for NewSession<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").finish_non_exhaustive()
    }
}

/// One of the sessions in which a user is logged in, for a page that lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveSession {
    /// A reference to the session for [`SessionManager::revoke`]: a hash of its id, which is not a credential.
    pub reference: String,
    /// True for the session of the request.
    pub is_current: bool,
    /// When the user logged in.
    pub open_time: Timestamp,
    /// When the session was last used, at most one touch interval earlier than in truth.
    pub request_time: Timestamp,
    /// The address of the user at login.
    pub address: Option<String>,
    /// The client of the user at login, such as a browser.
    pub client: Option<String>,
}

impl SessionManager {
    /// Logs a user in: deletes the session that the request names, opens a new one, and sets the cookie. The
    /// application has proved the user's identity before.
    ///
    /// The new session has an id that existed nowhere before, so an id that an attacker has planted in the browser is
    /// useless (session fixation). The data of the old session is not kept; pass it to [`NewSession::data`] if both
    /// belong to the same user. The session in a cookie next to the header `x-session-id` is deleted too, because the
    /// new cookie replaces it.
    ///
    /// If the status of the response is 5xx, or if changes of the new session cannot be stored, the login is undone:
    /// the new session is deleted, and the cookie, too.
    ///
    /// # Errors
    ///
    /// [`SessionError::EmptyUserId`], [`SessionError::Payload`] if the user cannot be written as JSON,
    /// [`SessionError::Ambiguous`], and [`SessionError::Service`] if a call fails. The user is then not logged in.
    pub async fn log_in<U: Serialize>(&self, login: NewSession<U>) -> Result<Session<U>, SessionError> {
        let NewSession { user_id, user, user_name, address, client, data } = login;
        if user_id.is_empty() {
            return Err(SessionError::EmptyUserId);
        }
        let user_json = serde_json::to_value(&user).map_err(|_| PayloadError::write::<U>("`user`"))?;
        let shared = &self.0.shared;
        let mut session = self.0.session().await;
        let old = match &*session {
            Some(Ok(Some(open))) => Some(&*open.id),
            _ => self.0.named_id()?,
        };
        for id in self.0.hidden_ids().map(String::as_str).chain(old) {
            shared.delete(id).await?;
        }
        end(&mut session);
        let writes = shared.write_locks.count();
        let opened = shared
            .client
            .open_session(
                None,
                &user_id,
                user_name.as_deref(),
                address.as_deref(),
                client.as_deref().or(self.0.user_agent.as_deref()),
                Some(&user_json),
                Some(&Value::Object(data)),
            )
            .await;
        let as_of = shared.as_of(writes);
        let opened = without_payload(opened)?;
        if !is_id(&opened.id) || opened.user_id.as_deref() != Some(&*user_id) || !opened.active {
            let why = "the service has opened a session for another user, or with an id that is not 16 to 64 letters, \
                       digits and dashes";
            return Err(Error::new(ErrorKind::Decode, why).with_operation("open_session").into());
        }
        let opened = Latest { session: opened, as_of };
        let open = Arc::new(OpenSession::new(opened).ok_or(SessionError::NotLoggedIn)?);
        *session = Some(Ok(Some(Arc::clone(&open))));
        self.0.set_cookie(CookieChange::LogIn);
        Ok(Session::new(open, Arc::clone(&self.0), user))
    }

    /// Logs the user out: closes the session that the request names, so that copies of its id are useless, and deletes
    /// the cookie. Changes that are not stored yet are dropped. A request that names up to eight sessions closes all of
    /// them, also those in a cookie next to the header `x-session-id`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Service`] if a call fails. The user is then still logged in, and can try again.
    /// [`SessionError::Ambiguous`] if the request names more than eight sessions: the first eight are closed, but that
    /// of the user may be another one.
    pub async fn log_out(&self) -> Result<(), SessionError> {
        let mut session = self.0.session().await;
        let ids = match &*session {
            Some(Ok(Some(open))) => std::slice::from_ref(&open.id),
            _ => self.0.named_ids(),
        };
        for id in self.0.hidden_ids().chain(ids) {
            self.0.shared.close(id).await?;
        }
        if self.0.names_more_ids() {
            return Err(SessionError::Ambiguous);
        }
        end(&mut session);
        self.0.set_cookie(CookieChange::Remove);
        Ok(())
    }

    /// Logs the user of the request out of all sessions, on all devices.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotLoggedIn`], and [`SessionError::Service`] if a call fails. Some sessions may then be
    /// closed; that of the request is the last one, so the user can try again.
    pub async fn log_out_everywhere(&self) -> Result<(), SessionError> {
        self.log_out_elsewhere().await?;
        self.log_out().await
    }

    /// Logs the user of the request out of all other sessions, for example after a change of the password. Returns
    /// the number of closed sessions.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotLoggedIn`], and [`SessionError::Service`] if a call fails.
    pub async fn log_out_elsewhere(&self) -> Result<usize, SessionError> {
        let current = self.current().await?;
        Ok(self.close_all(&current.user_id, Some(&current.id)).await?.len())
    }

    /// Logs any user out of all sessions, for example after a password was reset or an account was locked. Whether the
    /// request may do this is up to the application. Returns the number of closed sessions. If that of the request is
    /// one of them, this is a logout, too.
    ///
    /// # Errors
    ///
    /// [`SessionError::EmptyUserId`], and [`SessionError::Service`] if a call fails.
    pub async fn log_out_user(&self, user_id: &str) -> Result<usize, SessionError> {
        let closed = self.close_all(user_id, None).await?;
        let mut session = self.0.session().await;
        let own = match &*session {
            Some(Ok(Some(open))) => std::slice::from_ref(&open.id),
            _ => self.0.named_ids(),
        };
        if own.iter().any(|id| closed.contains(id)) {
            end(&mut session);
            // Next to a header, the cookie may be that of another user.
            if self.0.hidden_ids().all(|id| closed.contains(id)) {
                self.0.set_cookie(CookieChange::Remove);
            }
        }
        Ok(closed.len())
    }

    /// Lists the sessions in which the user of the request is logged in, the last used one first. It has at most 1,000
    /// sessions, and [`revoke`](Self::revoke) finds only these. Closing all sessions closes up to 10,000.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotLoggedIn`], and [`SessionError::Service`] if a call fails.
    pub async fn list(&self) -> Result<Vec<ActiveSession>, SessionError> {
        let current = self.current().await?;
        let mut sessions = self.sessions_of(&current.user_id).await?;
        sessions.retain(|session| self.0.shared.is_valid(session));
        sessions.sort_by_key(|session| Reverse(session.request_time));
        let listed = sessions.into_iter().map(|session| ActiveSession {
            reference: reference(&session.id),
            is_current: session.id == current.id,
            open_time: session.open_time,
            request_time: session.request_time,
            address: session.address,
            client: session.client,
        });
        Ok(listed.collect())
    }

    /// Logs the user of the request out of one session, named by its [reference](ActiveSession::reference). Returns
    /// whether the user has such a session; sessions of other users are never closed.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotLoggedIn`], and [`SessionError::Service`] if a call fails.
    pub async fn revoke(&self, reference: &str) -> Result<bool, SessionError> {
        let current = self.current().await?;
        let sessions = self.sessions_of(&current.user_id).await?;
        let named = sessions.iter().find(|session| is_reference(reference, &session.id));
        let Some(session) = named else { return Ok(false) };
        if session.id == current.id {
            self.log_out().await?;
        } else {
            self.0.shared.close(&session.id).await?;
        }
        Ok(true)
    }

    async fn current(&self) -> Result<Arc<OpenSession>, SessionError> {
        self.0.load().await?.ok_or(SessionError::NotLoggedIn)
    }

    /// Closes all open sessions of a user except `kept`, and returns their ids. Lists them again until the list is
    /// empty: a closed session moves the others forward in the list, and new ones can appear.
    async fn close_all(&self, user_id: &str, kept: Option<&str>) -> Result<Vec<String>, SessionError> {
        let mut closed = Vec::new();
        for _ in 0..MAX_LISTS {
            let mut sessions = self.sessions_of(user_id).await?;
            sessions.retain(|session| Some(&*session.id) != kept);
            if sessions.is_empty() {
                return Ok(closed);
            }
            let ids: Vec<String> = sessions.into_iter().map(|session| session.id).collect();
            let shared = &self.0.shared;
            let calls = stream::iter(ids.clone()).map(|id| async move { shared.close(&id).await });
            calls.buffer_unordered(CLOSED_AT_ONCE).try_collect::<()>().await?;
            closed.extend(ids);
        }
        let why =
            format!("the user still has open sessions after they were listed and closed {MAX_LISTS} times");
        Err(Error::new(ErrorKind::Decode, why).with_operation("close_session").into())
    }

    /// Returns the open sessions of a user, at most [`MAX_LISTED`]. The service would list those of all users for an
    /// empty id.
    async fn sessions_of(&self, user_id: &str) -> Result<Vec<SessionV1>, SessionError> {
        if user_id.is_empty() {
            return Err(SessionError::EmptyUserId);
        }
        let filter = FilterParams::new().user_id(user_id).active(true);
        let sessions = self.0.shared.client.sessions(filter).take(MAX_LISTED);
        let mut sessions: Vec<SessionV1> = without_payload(sessions.try_collect().await)?;
        // A service that ignores the filter must not log other users out.
        sessions.retain(|session| session.active && session.user_id.as_deref() == Some(user_id));
        Ok(sessions)
    }
}

/// Makes the rest of the request anonymous.
fn end(session: &mut Option<Loaded>) {
    if let Some(Ok(Some(open))) = session {
        open.end();
    }
    *session = Some(Ok(None));
}

/// The maximum number of sessions in a list: a page with more helps no user, and costs one call for every 100.
const MAX_LISTED: usize = 1000;

/// The number of sessions that are closed at the same time.
const CLOSED_AT_ONCE: usize = 8;

/// The number of lists after which closing all sessions of a user fails: another program keeps opening them.
const MAX_LISTS: u32 = 10;

/// Returns the reference to a session: half of the SHA-256 of its id, in hexadecimal digits. Ids have 122 random bits,
/// so they cannot be found by trying.
fn reference(id: &str) -> String {
    let hash = Sha256::digest(id);
    hash.iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Compares in constant time.
fn is_reference(string: &str, id: &str) -> bool {
    string.as_bytes().ct_eq(reference(id).as_bytes()).into()
}

impl<S: Send + Sync> FromRequestParts<S> for SessionManager {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionError> {
        RequestState::of(parts).map(Self)
    }
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager").finish_non_exhaustive()
    }
}
