//! A session store of tower-sessions that keeps its records in the sessions service.

use crate::shared::{checked, without_id};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sessions_client::{ISessionsV1, Value};
use std::fmt;
use std::sync::Arc;
use time::{OffsetDateTime, UtcOffset};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{Error, Result, SessionStore};

/// The user id of sessions whose data names no user.
const ANONYMOUS: &str = "anonymous";

/// A [`SessionStore`] over any implementation of the contract, so that tower-sessions and axum-login keep their
/// sessions in the service.
///
/// ```
/// use sessions_client::SessionsMemoryClientV1;
/// use sessions_web::{SessionsServiceStore, axum_login_user_id};
///
/// // Over the network: `SessionsHttpClientV1::connect(url)?`.
/// let sessions = SessionsMemoryClientV1::new();
/// let store = SessionsServiceStore::new(sessions, "shop").with_user_id(axum_login_user_id);
/// // Then, as with any other store: `tower_sessions::SessionManagerLayer::new(store)`.
/// ```
///
/// # Ids
///
/// The service creates the ids: [`create`](SessionStore::create) sets `record.id` to the id of the session that it has
/// opened. A record that does not exist cannot be saved, because the service lets no caller choose an id:
/// [`save`](SessionStore::save) returns [`Error::Backend`] for a session that was deleted or closed in the meantime,
/// and tower-sessions responds with 500. Such a session stays logged out. For the same reason, a handler that starts
/// afresh calls `Session::flush`, and not `Session::clear`, which would save data under the id in the cookie.
///
/// # Users
///
/// The service requires a user id when a session is opened, and never changes it. By default it is `anonymous`, and
/// [`with_user_id`](Self::with_user_id) sets a rule. With axum-login, use [`axum_login_user_id`]: a login opens a new
/// session, so that all sessions of a user can be listed at the service. Only a login over another user's login
/// keeps the session, with the user id of the first user; log out before.
///
/// # Expiry
///
/// The service has no expiry for single sessions. The store writes the expiry of a record next to its data; a record
/// that has expired is not loaded, and is deleted when it is asked for. Records that are never asked for again are left
/// to the service, which closes each session without a *write* for 24 hours (`options.expire_timeout` of the service),
/// whatever the expiry of the record is; a closed session is not loaded. To keep sessions for longer:
///
/// - Set `expire_timeout` of the service to at least the longest expiry of your records.
/// - Reading a session does not count as a write. `SessionManagerLayer::with_always_save(true)` writes with each request
///   that has a session, which also renews [`Expiry::OnInactivity`](tower_sessions_core::Expiry::OnInactivity).
///
/// The store does not implement [`ExpiredDeletion`](tower_sessions_core::ExpiredDeletion): lists of the service contain
/// no data, so each session of each application would have to be read.
///
/// # Data
///
/// The data of a record is kept as one JSON string in the `data` of the session. Rejected alternative: as a JSON
/// object, because the service's numbers are doubles: the user id 9007199254740993 would become the id of another user.
///
/// Two requests that change one session at the same time overwrite each other, as with the other stores of
/// tower-sessions: the last write wins, for the whole record.
#[derive(Clone)]
pub struct SessionsServiceStore<S> {
    sessions: S,
    application: Arc<str>,
    user_id: Arc<UserIdRule>,
    clock: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

type UserIdRule = dyn Fn(&Record) -> Option<String> + Send + Sync;

/// The `data` of a session at the service.
#[derive(Serialize, Deserialize)]
struct StoredRecord {
    /// Separates applications that share a service: without it, a cookie of one would be valid in all.
    application: String,
    #[serde(with = "time::serde::rfc3339")]
    expiry: OffsetDateTime,
    /// The data of the record, as JSON.
    record: String,
}

impl<S> SessionsServiceStore<S> {
    /// Creates a store over `sessions`.
    ///
    /// The name of the application is written into each session. Sessions of other applications at the same service are
    /// not found.
    pub fn new(sessions: S, application: impl Into<Arc<str>>) -> Self {
        Self {
            sessions,
            application: application.into(),
            user_id: Arc::new(|_| None),
            clock: Arc::new(OffsetDateTime::now_utc),
        }
    }

    /// Sets the rule that finds the id of the user in a new record. If it returns `None` or an empty string,
    /// the session is opened for the user `anonymous`.
    ///
    /// ```
    /// # use sessions_client::SessionsMemoryClientV1;
    /// # use sessions_web::SessionsServiceStore;
    /// let store = SessionsServiceStore::new(SessionsMemoryClientV1::new(), "shop")
    ///     .with_user_id(|record| Some(record.data.get("user")?.as_str()?.to_owned()));
    /// ```
    #[must_use]
    pub fn with_user_id(mut self, rule: impl Fn(&Record) -> Option<String> + Send + Sync + 'static) -> Self {
        self.user_id = Arc::new(rule);
        self
    }

    /// Sets the clock with which the expiry of records is compared.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn encode(&self, record: &Record) -> Result<Value> {
        let failed = |error: serde_json::Error| Error::Encode(error.to_string());
        let stored = StoredRecord {
            application: self.application.as_ref().to_owned(),
            expiry: record.expiry_date.to_offset(UtcOffset::UTC),
            record: serde_json::to_string(&record.data).map_err(failed)?,
        };
        serde_json::to_value(stored).map_err(failed)
    }
}

#[async_trait]
impl<S: ISessionsV1 + 'static> SessionStore for SessionsServiceStore<S> {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let user_id = (self.user_id)(record).filter(|id| !id.is_empty());
        let user_id = user_id.as_deref().unwrap_or(ANONYMOUS);
        let data = self.encode(record)?;
        let opened = self.sessions.open_session(None, user_id, None, None, None, None, Some(&data)).await;
        let opened = opened.map_err(|error| backend(&error))?;
        let Some(id) = record_id(&opened.id) else {
            // Without its id in a cookie, the session could not be reached. The error is the more important one.
            let _ = self.sessions.delete_session_by_id(None, &opened.id).await;
            let message = "the id of the new session does not consist of 32 hexadecimal digits in lower case";
            return Err(Error::Backend(message.to_owned()));
        };
        record.id = id;
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (id, data) = (session_id(&record.id), self.encode(record)?);
        let stored = self.sessions.store_session_data(None, &id, &data).await;
        let stored = checked(stored, &id, "store_session_data").map_err(|error| backend(&error))?;
        if stored.is_some_and(|session| session.active) {
            return Ok(());
        }
        let message = "the session was deleted or closed in the meantime: its changes are lost, and the user has to log \
                       in again";
        Err(Error::Backend(message.to_owned()))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let service_id = session_id(id);
        let found = self.sessions.get_session_by_id(None, &service_id).await;
        let found = checked(found, &service_id, "get_session_by_id").map_err(|error| backend(&error))?;
        let data = found.filter(|session| session.active).and_then(|session| session.data);
        // Data in another form belongs to another application.
        let stored = data.and_then(|data| serde_json::from_value::<StoredRecord>(data).ok());
        let Some(stored) = stored.filter(|stored| *stored.application == *self.application) else {
            return Ok(None);
        };
        if stored.expiry <= (self.clock)() {
            // If this fails, the session is left to the service's own clean-up.
            let _ = self.sessions.delete_session_by_id(None, &service_id).await;
            return Ok(None);
        }
        let data = serde_json::from_str(&stored.record).map_err(|error| {
            // The message of serde_json could quote the data.
            Error::Decode(format!("the record is not a JSON object, at column {}", error.column()))
        })?;
        Ok(Some(Record { id: *id, data, expiry_date: stored.expiry }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = session_id(id);
        let deleted = self.sessions.delete_session_by_id(None, &id).await;
        deleted.map_err(|error| backend(&without_id(error, &id)))?;
        Ok(())
    }
}

/// Returns the id of the user whom axum-login has logged in, for [`SessionsServiceStore::with_user_id`].
///
/// It reads the default key of axum-login, `axum-login.data`. Ids that are neither strings nor numbers are written as
/// JSON.
#[must_use]
pub fn axum_login_user_id(record: &Record) -> Option<String> {
    match record.data.get("axum-login.data")?.get("user_id")? {
        Value::Null => None,
        Value::String(id) => Some(id.clone()),
        id => Some(id.to_string()),
    }
}

/// Returns the id at the service.
fn session_id(id: &Id) -> String {
    format!("{:032x}", id.0.cast_unsigned())
}

/// Returns the id for tower-sessions, or `None` if [`session_id`] would not return `id` again.
fn record_id(id: &str) -> Option<Id> {
    let number = u128::from_str_radix(id, 16).ok()?;
    Some(Id(number.cast_signed())).filter(|record| session_id(record) == id)
}

fn backend(error: &sessions_client::Error) -> Error {
    Error::Backend(error.to_string())
}

/// Shows the name of the application.
impl<S> fmt::Debug for SessionsServiceStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsServiceStore").field("application", &self.application).finish_non_exhaustive()
    }
}
