//! The extractors of the session of a request and of its user.

use crate::error::{PayloadError, SessionError};
use crate::open::OpenSession;
use crate::request::RequestState;
use crate::user::SessionUserV1;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sessions_client::Timestamp;
use std::fmt;
use std::sync::Arc;

/// The session of the logged-in user, with a user of type `U`. As an extractor it rejects anonymous requests with
/// status 401; `Option<Session<U>>` accepts them.
///
/// All extractors of a request share one session, which the first one loads with one call. The data of the session
/// is a JSON object, and its keys are read and changed one by one:
///
/// ```
/// use sessions_web::{Session, SessionError};
///
/// async fn add_to_cart(session: Session) -> Result<&'static str, SessionError> {
///     let mut cart: Vec<String> = session.get("cart")?.unwrap_or_default();
///     cart.push("book".to_owned());
///     session.insert("cart", &cart)?;
///     Ok("added")
/// }
/// ```
///
/// # Write-back
///
/// The changes of a request are stored together before the head of its response is sent, unless its status is 5xx.
/// If that fails, the response is the one of the [`SessionError`]: 401 if the session has ended meanwhile, or 503 if
/// the service is down. [`save`](Self::save) stores them earlier. Changes made later, such as in a spawned task or in a
/// streaming body, need `save`.
///
/// A request without changes writes nothing. Otherwise the changed keys are replaced, and all data is stored, since the
/// service replaces the whole data. For the same key the last request wins. Two requests to the same instance of the
/// application that change different keys both succeed: their write-backs wait for each other, and the second one reads
/// the session again. A write that has failed, was retried or cancelled can undo later ones, because the service may
/// process it after them.
///
/// The service has no versions, so a change by another instance between the read and the write of a request is lost. If
/// the response to the read is more than 250 ms old, the session is read again directly before the write.
///
/// The service is written in JavaScript: integers above 2⁵³ lose their last digits, so store them as strings.
pub struct Session<U = SessionUserV1> {
    open: Arc<OpenSession>,
    request: Arc<RequestState>,
    user: U,
}

impl<U> Session<U> {
    pub(crate) fn new(open: Arc<OpenSession>, request: Arc<RequestState>, user: U) -> Self {
        Self { open, request, user }
    }

    /// Returns the id of the session. **It is a credential:** a client that sends it is logged in as this user.
    /// Applications with a cookie do not need it; clients that send the header `x-session-id` receive it at login.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.open.id
    }

    /// Returns the id of the user.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.open.user_id
    }

    /// Returns the name of the user.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.open.user_name.as_deref()
    }

    /// Returns the user as the session stores it.
    #[must_use]
    pub fn user(&self) -> &U {
        &self.user
    }

    /// Returns the user, without the session.
    #[must_use]
    pub fn into_user(self) -> U {
        self.user
    }

    /// Returns when the user logged in, by the clock of the service.
    #[must_use]
    pub fn open_time(&self) -> Timestamp {
        self.open.open_time
    }

    /// Returns when the session was last changed or extended, by the clock of the service.
    #[must_use]
    pub fn request_time(&self) -> Timestamp {
        self.open.request_time
    }

    /// Returns the value of a key, including a change of this request; `None` if the key does not exist.
    ///
    /// # Errors
    ///
    /// [`SessionError::Payload`] if the value cannot be read as a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.open.get(key)
    }

    /// Sets the value of a key. An equal value is not a change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Payload`] if the value cannot be written as JSON, or if another program has stored data that
    /// is not a JSON object.
    pub fn insert<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), SessionError> {
        self.open.insert(key, value)
    }

    /// Removes a key.
    ///
    /// # Errors
    ///
    /// [`SessionError::Payload`] if another program has stored data that is not a JSON object.
    pub fn remove(&self, key: &str) -> Result<(), SessionError> {
        self.open.remove(key)
    }

    /// Returns a copy of all data, including the changes of this request.
    #[must_use]
    pub fn data(&self) -> Map<String, Value> {
        self.open.data()
    }

    /// Stores the changes now, so that the handler can respond to a failure itself. After an error they are still to
    /// be stored.
    ///
    /// # Errors
    ///
    /// [`SessionError::Ended`] if the session was closed or deleted, or has expired, and [`SessionError::Service`] if a
    /// call fails.
    pub async fn save(&self) -> Result<(), SessionError> {
        self.request.save(&self.open).await
    }
}

impl<U: Serialize> Session<U> {
    /// Replaces the user in this session, for example after a change of the user's settings. The user's other
    /// sessions keep the old one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Payload`] if the user cannot be written as JSON, [`SessionError::Ended`] if the session was
    /// closed or deleted, and [`SessionError::Service`] if the call fails.
    pub async fn update_user(&mut self, user: U) -> Result<(), SessionError> {
        let value = serde_json::to_value(&user).map_err(|_| PayloadError::write::<U>("`user`"))?;
        self.open.update_user(&self.request.shared, value).await?;
        self.request.renew_cookie();
        self.user = user;
        Ok(())
    }
}

async fn load<U: DeserializeOwned>(parts: &Parts) -> Result<Session<U>, SessionError> {
    let request = RequestState::of(parts)?;
    let loaded = request.load().await?;
    with_user(loaded, request).ok_or(SessionError::NotLoggedIn)
}

async fn load_optional<U: DeserializeOwned>(parts: &Parts) -> Result<Option<Session<U>>, SessionError> {
    let request = RequestState::of(parts)?;
    let loaded = request.load_optional().await?;
    Ok(with_user(loaded, request))
}

/// Reads the user of the session of a request. Returns `None` if it is anonymous, or if the user is of another type.
fn with_user<U: DeserializeOwned>(
    loaded: Option<Arc<OpenSession>>,
    request: Arc<RequestState>,
) -> Option<Session<U>> {
    let open = loaded?;
    match open.user() {
        Ok(user) => Some(Session::new(open, request, user)),
        Err(error) => {
            tracing::warn!(%error, "the request is anonymous: log in again to store the user in its present type");
            None
        }
    }
}

impl<U: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Session<U> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionError> {
        load(parts).await
    }
}

/// `None` for an anonymous request. A failure of the service is a rejection, or `None` with
/// [`SessionLayer::anonymous_when_unavailable`](crate::SessionLayer::anonymous_when_unavailable).
impl<U: DeserializeOwned + Send, S: Send + Sync> OptionalFromRequestParts<S> for Session<U> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, SessionError> {
        load_optional(parts).await
    }
}

impl<U: Clone> Clone for Session<U> {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open), request: Arc::clone(&self.request), user: self.user.clone() }
    }
}

/// Shows nothing: the id is a credential, and the rest is private.
impl<U> fmt::Debug for Session<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The logged-in user. As an extractor it rejects anonymous requests with status 401; `Option<CurrentUser<U>>`
/// accepts them.
///
/// ```
/// use sessions_web::CurrentUser;
///
/// async fn hello(CurrentUser(user): CurrentUser) -> String {
///     format!("Hello, {}!", user.name.unwrap_or(user.id))
/// }
/// ```
#[derive(Clone)]
pub struct CurrentUser<U = SessionUserV1>(pub U);

impl<U: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionError> {
        Ok(Self(load::<U>(parts).await?.into_user()))
    }
}

impl<U: DeserializeOwned + Send, S: Send + Sync> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, SessionError> {
        Ok(load_optional(parts).await?.map(|session| Self(session.into_user())))
    }
}

/// Shows nothing of the user.
impl<U> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentUser").finish_non_exhaustive()
    }
}
