//! A client without sessions, for applications that can work without them.

use super::ids::random_id;
use crate::contract::ISessionsV1;
use crate::{DataPage, FilterParams, PagingParams, Payload, Result, SessionV1, Timestamp, semantics};
use chrono::Utc;
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// An [`ISessionsV1`] that stores nothing, like the null clients of the official SDKs.
///
/// Lists are empty, with a total of 0, and no session is ever found. Only `open_session` returns a session,
/// like the Node.js client: one made of its arguments and a random id, which is not stored.
///
/// ```
/// use sessions_client::{ISessionsV1, SessionsNullClientV1};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// let sessions = SessionsNullClientV1::new();
/// let session = sessions.open_session(None, "user-1", Some("User 1"), None, None, None, None).await?;
/// assert_eq!(session.user_name.as_deref(), Some("User 1"));
/// assert_eq!(sessions.get_session_by_id(None, &session.id).await?, None);
/// # Ok(())
/// # }
/// ```
pub struct SessionsNullClientV1<U = Value, D = Value> {
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    payloads: PhantomData<fn() -> (U, D)>,
}

impl SessionsNullClientV1 {
    /// Creates a client that uses the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: Arc::new(Utc::now), payloads: PhantomData }
    }

    /// Sets the types of `user` and `data`.
    #[must_use]
    pub fn with_payloads<U: Payload, D: Payload>(self) -> SessionsNullClientV1<U, D> {
        SessionsNullClientV1 { clock: self.clock, payloads: PhantomData }
    }
}

impl Default for SessionsNullClientV1 {
    fn default() -> Self {
        Self::new()
    }
}

impl<U, D> SessionsNullClientV1<U, D> {
    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl<U: Payload + Clone, D: Payload + Clone> ISessionsV1<U, D> for SessionsNullClientV1<U, D> {
    async fn get_sessions(
        &self,
        _correlation_id: Option<&str>,
        _filter: Option<&FilterParams>,
        _paging: Option<&PagingParams>,
    ) -> Result<DataPage<SessionV1<U, D>>> {
        Ok(DataPage::new(Vec::new(), Some(0)))
    }

    async fn get_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        _session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(None)
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
        Ok(SessionV1 {
            user_id: Some(user_id.to_owned()),
            user_name: user_name.map(str::to_owned),
            address: address.map(str::to_owned),
            client: client.map(str::to_owned),
            user: user.cloned(),
            data: data.cloned(),
            ..SessionV1::new(random_id(), semantics::stored((self.clock)()))
        })
    }

    async fn store_session_data(
        &self,
        _correlation_id: Option<&str>,
        _session_id: &str,
        _data: &D,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(None)
    }

    async fn update_session_user(
        &self,
        _correlation_id: Option<&str>,
        _session_id: &str,
        _user: &U,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(None)
    }

    async fn close_session(
        &self,
        _correlation_id: Option<&str>,
        _session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(None)
    }

    async fn close_expired_sessions(&self, _correlation_id: Option<&str>) -> Result<()> {
        Ok(())
    }

    async fn delete_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        _session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(None)
    }
}

impl<U, D> Clone for SessionsNullClientV1<U, D> {
    fn clone(&self) -> Self {
        Self { clock: Arc::clone(&self.clock), payloads: PhantomData }
    }
}

impl<U, D> fmt::Debug for SessionsNullClientV1<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsNullClientV1").finish_non_exhaustive()
    }
}
