//! Sessions in memory, with the behaviour of the real service.
//!
//! It is the embedded service behind `server::router` and a fake for tests. Where the real service does
//! something odd, so does this: it is a double, not an ideal.

mod blocks;
mod filter;
mod kept;
mod sessions;
mod store;

pub(crate) use kept::{Change, Json};
pub(crate) use sessions::Sessions;

use crate::contract::ISessionsV1;
use crate::data::{DataPage, FilterParams, PagingParams, SessionV1, Timestamp};
use crate::error::Result;
use crate::runtime::{Payload, read_back};
use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// An [`ISessionsV1`] that keeps its sessions in memory. Clones share them.
///
/// It keeps payloads as the service does, as JSON: one comes back as that reads, and one that has none is refused. With the
/// feature `server`, doubles are written as JavaScript does, so that a [`Value`] of `1.0` comes back as `1`.
///
/// ```
/// use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// let sessions = SessionsMemoryClientV1::new();
/// let session = sessions.open_session(None, "user-1", Some("User 1"), None, None, None, None).await?;
/// assert_eq!(sessions.get_session_by_id(None, &session.id).await?, Some(session));
/// # Ok(())
/// # }
/// ```
pub struct SessionsMemoryClientV1<U = Value, D = Value> {
    sessions: Sessions,
    payloads: PhantomData<fn() -> (U, D)>,
}

impl SessionsMemoryClientV1 {
    /// No sessions yet. Times come from the system's clock, and sessions expire after 24 hours.
    #[must_use]
    pub fn new() -> Self {
        Self { sessions: Sessions::default(), payloads: PhantomData }
    }

    /// The same with payloads of other types. Sessions opened so far stay behind.
    #[must_use]
    pub fn with_payloads<U: Payload, D: Payload>(self) -> SessionsMemoryClientV1<U, D> {
        SessionsMemoryClientV1 { sessions: self.sessions.without_any(), payloads: PhantomData }
    }
}

impl Default for SessionsMemoryClientV1 {
    fn default() -> Self {
        Self::new()
    }
}

impl<U, D> SessionsMemoryClientV1<U, D> {
    /// The same with another clock.
    ///
    /// It is read while a session is locked, so it must not call this client. A clock that steps back does not take
    /// times with it: no session opens before another that is listed ahead of it, and no `request_time` decreases.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.sessions.clock = Arc::new(clock);
        self
    }

    /// The same with another age at which [`close_expired_sessions`](ISessionsV1::close_expired_sessions)
    /// closes a session.
    #[must_use]
    pub fn with_expire_timeout(mut self, timeout: TimeDelta) -> Self {
        self.sessions.expire_timeout = timeout;
        self
    }

    /// How many sessions there are, open and closed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cfg(feature = "server")]
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

impl<U, D> ISessionsV1<U, D> for SessionsMemoryClientV1<U, D>
where
    U: Payload,
    D: Payload,
{
    async fn get_sessions(
        &self,
        _correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<SessionV1<U, D>>> {
        read_back(&self.sessions.page(filter, paging))
    }

    async fn get_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        read_found(self.sessions.get(session_id))
    }

    async fn open_session(
        &self,
        _correlation_id: Option<&str>,
        user_id: &str,
        user_name: Option<&str>,
        address: Option<&str>,
        client: Option<&str>,
        user: Option<&U>,
        data: Option<&D>,
    ) -> Result<SessionV1<U, D>> {
        let user = user.map(|user| Json::of("user", user)).transpose()?;
        let data = data.map(|data| Json::of("data", data)).transpose()?;
        let texts = [user_name, address, client];
        read_back(&self.sessions.open(user_id.to_owned(), texts, user.as_ref(), data.as_ref()))
    }

    async fn store_session_data(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        data: &D,
    ) -> Result<Option<SessionV1<U, D>>> {
        let change = Change::Data(Json::of("data", data)?.required()?);
        read_found(self.sessions.change(session_id, &change))
    }

    async fn update_session_user(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        user: &U,
    ) -> Result<Option<SessionV1<U, D>>> {
        let change = Change::User(Json::of("user", user)?.required()?);
        read_found(self.sessions.change(session_id, &change))
    }

    async fn close_session(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        read_found(self.sessions.change(session_id, &Change::Close))
    }

    async fn close_expired_sessions(&self, _correlation_id: Option<&str>) -> Result<()> {
        self.sessions.close_expired();
        Ok(())
    }

    async fn delete_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        read_found(self.sessions.delete(session_id))
    }
}

/// The session, if it was found.
fn read_found<U: Payload, D: Payload>(json: Option<Bytes>) -> Result<Option<SessionV1<U, D>>> {
    json.map(|json| read_back(&json)).transpose()
}

impl<U, D> Clone for SessionsMemoryClientV1<U, D> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone(), payloads: PhantomData }
    }
}

impl<U, D> fmt::Debug for SessionsMemoryClientV1<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsMemoryClientV1").field("sessions", &self.len()).finish_non_exhaustive()
    }
}
