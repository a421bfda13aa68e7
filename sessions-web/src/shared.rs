//! The state that all requests of a layer share: the options, and the calls to the service for one session.

use crate::cache::Cache;
use crate::cookie::SessionCookie;
use crate::error::SessionError;
use crate::expiry::{Age, Expiry};
use crate::login_page::LoginPage;
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
    /// `None` if anonymous requests are rejected.
    pub(crate) login_page: Option<LoginPage>,
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
    pub(crate) async fn read(&self, id: &str) -> Result<Option<Latest>, Error> {
        let writes = self.write_locks.count();
        let start = self.cache.as_ref().map(|cache| (cache, cache.start_read(self.now())));
        let session = self.client.get_session_by_id(None, id).await;
        let session = checked(session, id, "get_session_by_id")?;
        let as_of = self.as_of(writes);
        let latest = session.map(|session| Latest { session, as_of });
        if let Some((cache, start)) = start {
            match latest.as_ref().filter(|latest| self.is_valid(&latest.session)) {
                Some(latest) => cache.finish_read(start, latest),
                None => cache.invalidate(id),
            }
        }
        Ok(latest)
    }

    /// Stores the data of a session, whose write lock the caller holds. Returns [`SessionError::Ended`] if the session
    /// is closed or deleted.
    pub(crate) async fn store_data(&self, id: &str, data: &Value) -> Result<Latest, SessionError> {
        let writing = Write { shared: self, id, has_data: true };
        let stored = self.client.store_session_data(None, id, data).await;
        drop(writing);
        let as_of = self.as_of(self.write_locks.count());
        let session = self.open_only(id, checked(without_payload(stored), id, "store_session_data")?).await?;
        Ok(Latest { session, as_of })
    }

    /// Replaces the user of a session. Returns [`SessionError::Ended`] if the session is closed or deleted.
    pub(crate) async fn update_user(&self, id: &str, user: &Value) -> Result<SessionV1, SessionError> {
        let writing = self.write(id);
        let updated = self.client.update_session_user(None, id, user).await;
        drop(writing);
        self.open_only(id, checked(without_payload(updated), id, "update_session_user")?).await
    }

    /// Closes a session, which clears its user and its data.
    pub(crate) async fn close(&self, id: &str) -> Result<(), Error> {
        let _writing = self.write(id);
        self.client.close_session(None, id).await.map_err(|error| without_id(error, id))?;
        self.write_locks.mark_ended(id);
        Ok(())
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<(), Error> {
        let _writing = self.write(id);
        self.client.delete_session_by_id(None, id).await.map_err(|error| without_id(error, id))?;
        self.write_locks.mark_ended(id);
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

    /// Marks the start of a write that does not replace the data.
    fn write<'a>(&'a self, id: &'a str) -> Write<'a> {
        Write { shared: self, id, has_data: false }
    }

    /// Returns the mark of a response that has just arrived, for a number of writes before its call.
    pub(crate) fn as_of(&self, writes: u64) -> AsOf {
        AsOf { time: self.now(), writes }
    }

    /// Returns whether the data of a session, whose write lock the caller holds, can be replaced without another read:
    /// it is not old, and this process has not written it since.
    pub(crate) fn is_recent(&self, id: &str, as_of: AsOf) -> bool {
        // An error: the clock has stepped back, so the age is not known.
        let age = self.now().signed_duration_since(as_of.time).to_std();
        age.is_ok_and(|age| age < MAX_AGE) && !self.write_locks.is_written_after(id, as_of.writes)
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

/// A session, and the time of which it shows the state.
#[derive(Clone)]
pub(crate) struct Latest {
    pub(crate) session: SessionV1,
    pub(crate) as_of: AsOf,
}

/// The time at which a response with a session arrived, and the number of writes by this process before its call. The
/// time before the call would count a slow service as a slow request, and cause another read of the slow service.
#[derive(Clone, Copy)]
pub(crate) struct AsOf {
    pub(crate) time: Timestamp,
    pub(crate) writes: u64,
}

/// The age up to which the data of a session is replaced without another read. Most requests take less, so that a change
/// costs one read and one write. A write of another instance within this time is lost. For a request that takes longer,
/// another read makes little difference.
const MAX_AGE: Duration = Duration::from_millis(250);

/// A write to a session. At its end, the session is dropped from the cache, and a write of its data is counted: also if
/// it fails or is cancelled, because the service may have processed it.
struct Write<'a> {
    shared: &'a Shared,
    id: &'a str,
    has_data: bool,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if self.has_data {
            self.shared.write_locks.count_write(self.id);
        }
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

/// Removes the message of the service, or of a proxy in front of it, from the error of a call that sends or receives
/// users or data: it could quote them.
pub(crate) fn without_payload<T>(result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| match error.kind() {
        ErrorKind::Service => {
            let message =
                "the message is not shown, because it may contain the user or the data of a session";
            with_message(&error, message.to_owned())
        }
        // The messages of other errors are those of the client, which contain no values.
        _ => error,
    })
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
    with_message(&error, message)
}

/// Returns a copy of an error with another message, without the response and the causes.
fn with_message(error: &Error, message: String) -> Error {
    let mut copy = Error::new(error.kind(), message).with_retry_after(error.retry_after());
    if let Some(operation) = error.operation() {
        copy = copy.with_operation(operation);
    }
    match error.status() {
        Some(status) => copy.with_status(status),
        None => copy,
    }
}
