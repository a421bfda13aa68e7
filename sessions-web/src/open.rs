//! An open session during a request: its fields, its data, and the changes that are not stored yet.

#[cfg(all(test, shuttle))]
mod interleavings;

use crate::error::{PayloadError, SessionError};
use crate::expiry::Age;
use crate::shared::{AsOf, Latest, Shared};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sessions_client::Timestamp;
use std::collections::BTreeMap;

/// An open session of a user. All extractors of a request share it.
///
/// It has no `Debug`: an id is a credential.
pub(crate) struct OpenSession {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) user_name: Option<String>,
    pub(crate) open_time: Timestamp,
    pub(crate) request_time: Timestamp,
    user: Mutex<Value>,
    data: Mutex<Data>,
    /// True after this request has logged the user out.
    has_ended: AtomicBool,
}

/// The data of a session.
#[derive(Clone)]
struct Data {
    /// The value that was loaded or last stored, and when.
    stored: Value,
    as_of: AsOf,
    /// When the session was last changed or extended.
    request_time: Timestamp,
    /// The keys that were set or removed, with their new values; `None` for removed ones. A value can be equal to the
    /// stored one.
    changes: BTreeMap<String, Option<Value>>,
}

impl OpenSession {
    /// Returns `None` for a session without a user: it cannot be one of a logged-in user.
    pub(crate) fn new(latest: Latest) -> Option<Self> {
        let Latest { session, as_of } = latest;
        let stored = session.data.unwrap_or_default();
        Some(Self {
            id: session.id,
            user_id: session.user_id?,
            user_name: session.user_name,
            open_time: session.open_time,
            request_time: session.request_time,
            user: Mutex::new(session.user.unwrap_or_default()),
            data: Mutex::new(Data {
                stored,
                as_of,
                request_time: session.request_time,
                changes: BTreeMap::new(),
            }),
            has_ended: AtomicBool::new(false),
        })
    }

    /// Converts the user to a type of the application.
    pub(crate) fn user<U: DeserializeOwned>(&self) -> Result<U, PayloadError> {
        // serde's message could quote the value, which may be private.
        U::deserialize(&*lock(&self.user)).map_err(|_| PayloadError::read::<U>("`user`"))
    }

    /// Replaces the user, at the service and for later extractors of the request.
    pub(crate) async fn update_user(&self, shared: &Shared, user: Value) -> Result<(), SessionError> {
        if self.has_ended.load(Ordering::Acquire) {
            return Err(SessionError::Ended);
        }
        shared.update_user(&self.id, &user).await?;
        *lock(&self.user) = user;
        Ok(())
    }

    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let data = lock(&self.data);
        let value = match data.changes.get(key) {
            Some(changed) => changed.as_ref(),
            None => data.stored.get(key),
        };
        let read = value.map(T::deserialize).transpose();
        read.map_err(|_| PayloadError::read::<T>(format!("the key `{key}` in the data")).into())
    }

    pub(crate) fn insert<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), SessionError> {
        let value = serde_json::to_value(value)
            .map_err(|_| PayloadError::write::<T>(format!("the key `{key}` in the data")))?;
        self.change(key, Some(value))
    }

    pub(crate) fn remove(&self, key: &str) -> Result<(), SessionError> {
        self.change(key, None)
    }

    fn change(&self, key: &str, value: Option<Value>) -> Result<(), SessionError> {
        let mut data = lock(&self.data);
        if !matches!(data.stored, Value::Object(_) | Value::Null) {
            return Err(PayloadError::not_an_object().into());
        }
        // Compared with the stored value when it is saved: a save that is under way may change that.
        data.changes.insert(key.to_owned(), value);
        Ok(())
    }

    /// Returns all keys with their values, including the changes of this request.
    pub(crate) fn data(&self) -> Map<String, Value> {
        let data = lock(&self.data);
        let mut all = data.stored.as_object().cloned().unwrap_or_default();
        apply(&data.changes, &mut all);
        all
    }

    /// Stores the changes, and returns whether there were any. The service replaces the whole data, so keys that this
    /// request has not changed are stored with the values that were loaded. If these are old, or if another request to
    /// this process has written the data since, the session is read again before, so that the changes of the other
    /// request stay. Write-backs of the same session by this process follow each other.
    pub(crate) async fn save(&self, shared: &Shared) -> Result<bool, SessionError> {
        if lock(&self.data).changes.is_empty() {
            return Ok(false);
        }
        let _lock = shared.write_locks.acquire(&self.id, shared.lock_timeout).await?;
        let Data { mut stored, as_of, request_time, changes } = {
            let mut own = lock(&self.data);
            let Data { stored, changes, .. } = &mut *own;
            changes.retain(|key, value| stored.get(key) != value.as_ref());
            own.clone()
        };
        if changes.is_empty() {
            return Ok(false);
        }
        if self.has_ended.load(Ordering::Acquire) {
            return Err(SessionError::Ended);
        }
        if !shared.is_recent(&self.id, as_of) {
            let current = shared.read(&self.id).await?.map(|latest| latest.session);
            let current = current.filter(|session| shared.is_valid(session)).ok_or(SessionError::Ended)?;
            stored = current.data.unwrap_or_default();
        } else if shared.expiry.age(self.open_time, request_time, shared.now()) == Age::Expired {
            return Err(SessionError::Ended);
        }
        let mut data = match stored {
            Value::Null => Map::new(),
            Value::Object(data) => data,
            _ => return Err(PayloadError::not_an_object().into()),
        };
        apply(&changes, &mut data);
        let data = Value::Object(data);
        let latest = shared.store_data(&self.id, &data).await?;
        let mut own = lock(&self.data);
        own.stored = data;
        own.as_of = latest.as_of;
        own.request_time = latest.session.request_time;
        // A change that was made during the write is still to be stored.
        own.changes.retain(|key, value| changes.get(key) != Some(value));
        Ok(true)
    }
}

fn apply(changes: &BTreeMap<String, Option<Value>>, data: &mut Map<String, Value>) {
    for (key, value) in changes {
        match value {
            Some(value) => data.insert(key.clone(), value.clone()),
            None => data.remove(key),
        };
    }
}

/// Ignores poisoning: a panic under the lock leaves nothing half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
