//! The state that all requests of a layer share: the options, and the calls to the service for one session.

use crate::cache::Cache;
use crate::cookie::SessionCookie;
use crate::error::SessionError;
use crate::expiry::{Age, Expiry};
use crate::write_locks::WriteLocks;
use serde_json::Value;
use sessions_client::{DynISessionsV1, Error, ErrorKind, ISessionsV1, SessionV1, Timestamp, WithOptions};
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

/// A client of the service whose calls use the options of the layer.
pub(crate) type Client = WithOptions<Arc<dyn DynISessionsV1>>;

/// The client of the service and the options of a layer.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// `None` for a layer without a cookie.
    pub(crate) cookie: Option<SessionCookie>,
    pub(crate) reads_header: bool,
    pub(crate) expiry: Expiry,
    pub(crate) is_anonymous_on_failure: bool,
    /// `None` if each request reads its session.
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) write_locks: Arc<WriteLocks>,
    /// The time limit for the wait for the lock of a session.
    pub(crate) lock_timeout: Duration,
}

impl Shared {
    /// Reads a session from the service, into the cache.
    pub(crate) async fn read(&self, id: &str) -> Result<Option<SessionV1>, Error> {
        let start = self.cache.as_ref().map(|cache| (cache, cache.start_read(self.now())));
        let session = self.client.get_session_by_id(None, id).await;
        let session = checked(session, id, "get_session_by_id")?;
        if let Some((cache, start)) = start {
            match session.as_ref().filter(|session| self.is_valid(session)) {
                Some(session) => cache.finish_read(start, session),
                None => cache.invalidate(id),
            }
        }
        Ok(session)
    }

    /// Stores the data of a session. Returns [`SessionError::Ended`] if the session is closed or deleted.
    pub(crate) async fn store_data(&self, id: &str, data: &Value) -> Result<SessionV1, SessionError> {
        let writing = self.write(id);
        let stored = self.client.store_session_data(None, id, data).await;
        drop(writing);
        self.open_only(id, checked(stored, id, "store_session_data")?).await
    }

    /// Replaces the user of a session. Returns [`SessionError::Ended`] if the session is closed or deleted.
    pub(crate) async fn update_user(&self, id: &str, user: &Value) -> Result<SessionV1, SessionError> {
        let writing = self.write(id);
        let updated = self.client.update_session_user(None, id, user).await;
        drop(writing);
        self.open_only(id, checked(updated, id, "update_session_user")?).await
    }

    /// Closes a session, which clears its user and its data.
    pub(crate) async fn close(&self, id: &str) -> Result<(), Error> {
        let _writing = self.write(id);
        self.client.close_session(None, id).await.map_err(|error| without_id(error, id))?;
        Ok(())
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<(), Error> {
        let _writing = self.write(id);
        self.client.delete_session_by_id(None, id).await.map_err(|error| without_id(error, id))?;
        Ok(())
    }

    /// Returns the session of a write if it is open. The service also writes to closed sessions, so it is closed once
    /// more, which clears what was written.
    async fn open_only(&self, id: &str, session: Option<SessionV1>) -> Result<SessionV1, SessionError> {
        let session = session.ok_or(SessionError::Ended)?;
        if session.active {
            return Ok(session);
        }
        if let Err(error) = self.close(id).await {
            tracing::warn!(%error, "a closed session keeps the data of a later write");
        }
        Err(SessionError::Ended)
    }

    /// Marks the start of a write.
    fn write<'a>(&'a self, id: &'a str) -> Write<'a> {
        Write { shared: self, id }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Returns the age of a session, closed ones as expired.
    pub(crate) fn age(&self, session: &SessionV1) -> Age {
        if session.active {
            self.expiry.age(session.open_time, session.request_time, self.now())
        } else {
            Age::Expired
        }
    }

    pub(crate) fn is_valid(&self, session: &SessionV1) -> bool {
        self.age(session) != Age::Expired
    }
}

/// A write to a session. At its end, the session is dropped from the cache, and the write is counted: also if it fails
/// or is cancelled, because the service may have processed it.
struct Write<'a> {
    shared: &'a Shared,
    id: &'a str,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.shared.write_locks.count_write();
        if let Some(cache) = &self.shared.cache {
            cache.invalidate(self.id);
        }
    }
}

/// Returns the session in a response if it is the requested one. Another one would be a login as another user, such as
/// by a proxy that confuses responses.
pub(crate) fn checked(
    response: Result<Option<SessionV1>, Error>,
    id: &str,
    operation: &'static str,
) -> Result<Option<SessionV1>, Error> {
    let session = response.map_err(|error| without_id(error, id))?;
    if session.as_ref().is_some_and(|session| session.id != id) {
        let why = "the service, or a proxy in front of it, has responded with another session than the requested one";
        return Err(Error::new(ErrorKind::Decode, why).with_operation(operation));
    }
    Ok(session)
}

/// Removes the id of a session, which is a credential, from an error: a service or a proxy could quote it.
pub(crate) fn without_id(error: Error, id: &str) -> Error {
    let mut causes = std::iter::successors(error.source(), |cause| (**cause).source());
    let is_named = format!("{error} {error:?}").contains(id)
        || causes.any(|cause| format!("{cause} {cause:?}").contains(id));
    if !is_named {
        return error;
    }
    let operation = error.operation().unwrap_or_default();
    let message = error.to_string().replace(id, "[session id]");
    let message = message.strip_prefix(&format!("{operation}: ")).unwrap_or(&message).to_owned();
    let mut copy = Error::new(error.kind(), message).with_retry_after(error.retry_after());
    if let Some(operation) = error.operation() {
        copy = copy.with_operation(operation);
    }
    match error.status() {
        Some(status) => copy.with_status(status),
        None => copy,
    }
}
