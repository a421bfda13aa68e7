//! Sessions in memory, with the behaviour of the real service.
//!
//! It is the embedded service behind `server::router` and a fake for tests. Where the real service does
//! something odd, so does this: it is a double, not an ideal.

use super::store::{Look, Store, random_id, written};
use crate::contract::ISessionsV1;
use crate::data::{
    DataPage, FilterParams, PagingParams, SessionV1, Timestamp, date_parse, truncate_to_millis,
};
use crate::error::{Error, Result};
use crate::runtime::{Payload, validation_error};
use chrono::{TimeDelta, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The size of a page, and the largest that there is.
const PAGE: usize = 100;

/// An [`ISessionsV1`] that keeps its sessions in memory. Clones share them.
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
    store: Arc<Store<U, D>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    expire_timeout: TimeDelta,
}

impl SessionsMemoryClientV1 {
    /// No sessions yet. Times come from the system's clock, and sessions expire after 24 hours.
    #[must_use]
    pub fn new() -> Self {
        Self { store: Arc::default(), clock: Arc::new(Utc::now), expire_timeout: TimeDelta::days(1) }
    }

    /// The same with payloads of other types. Sessions opened so far stay behind.
    #[must_use]
    pub fn with_payloads<U: Payload, D: Payload>(self) -> SessionsMemoryClientV1<U, D> {
        let Self { clock, expire_timeout, .. } = self;
        SessionsMemoryClientV1 { store: Arc::default(), clock, expire_timeout }
    }
}

impl Default for SessionsMemoryClientV1 {
    fn default() -> Self {
        Self::new()
    }
}

impl<U, D> SessionsMemoryClientV1<U, D> {
    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The same with another age at which [`close_expired_sessions`](ISessionsV1::close_expired_sessions)
    /// closes a session.
    #[must_use]
    pub fn with_expire_timeout(mut self, timeout: TimeDelta) -> Self {
        self.expire_timeout = timeout;
        self
    }

    /// How many sessions there are, open and closed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> Timestamp {
        truncate_to_millis((self.clock)())
    }
}

/// Shows the sessions that `filter` holds for to `look`, until it has seen enough. They are found by the narrowest
/// index that the filter allows.
fn matching<U, D>(store: &Store<U, D>, filter: &Filter<'_>, mut look: impl FnMut(&SessionV1<U, D>) -> Look) {
    let mut look = |session: &SessionV1<U, D>| {
        if filter.holds_for(session) { look(session) } else { Look::GoOn }
    };
    if let Some(id) = filter.id {
        store.get(id, look);
    } else if let Some(user_id) = filter.user_id {
        store.of_user(user_id, &mut look);
    } else {
        store.all(&mut look);
    }
}

/// A session as it stands in a list.
fn listed<U, D>(session: &SessionV1<U, D>) -> SessionV1<U, D> {
    SessionV1 {
        user_id: session.user_id.clone(),
        user_name: session.user_name.clone(),
        active: session.active,
        request_time: session.request_time,
        close_time: session.close_time,
        address: session.address.clone(),
        client: session.client.clone(),
        ..SessionV1::new(session.id.clone(), session.open_time)
    }
}

/// A filter as the service understands it.
#[derive(Default)]
struct Filter<'f> {
    id: Option<&'f str>,
    user_id: Option<&'f str>,
    active: Option<bool>,
    from_time: Option<Timestamp>,
    to_time: Option<Timestamp>,
}

impl<'f> Filter<'f> {
    /// What cannot be read is no condition, without complaint.
    fn of(params: Option<&'f FilterParams>) -> Self {
        let Some(params) = params else { return Self::default() };
        let text = |key| params.get(key).filter(|text| !text.is_empty());
        Self {
            id: text("id"),
            user_id: text("user_id"),
            active: text("active").and_then(parse_flag),
            from_time: text("from_time").and_then(date_parse),
            to_time: text("to_time").and_then(date_parse),
        }
    }

    /// `from_time` and `to_time` the wrong way round, like the service's own memory persistence.
    fn holds_for<U, D>(&self, session: &SessionV1<U, D>) -> bool {
        self.id.is_none_or(|id| session.id == id)
            && self.user_id.is_none_or(|user_id| session.user_id.as_deref() == Some(user_id))
            && self.active.is_none_or(|active| session.active == active)
            && self.from_time.is_none_or(|time| session.request_time < time)
            && self.to_time.is_none_or(|time| session.request_time >= time)
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    match &*text.to_ascii_lowercase() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// The service keeps every falsy value of JavaScript as none.
fn keep<T: Serialize + Clone>(payload: &T) -> Option<T> {
    (!is_falsy(&start_of(payload))).then(|| payload.clone())
}

/// The same for a payload that must be there: the service refuses `null`, in the same words.
fn keep_required<T: Serialize + Clone>(argument: &str, payload: &T) -> Result<Option<T>> {
    let start = start_of(payload);
    if *start == *b"null" {
        let error = validation_error(&[format!("{argument} must not be null")]);
        return Err(Error::from_service(StatusCode::BAD_REQUEST, error));
    }
    Ok((!is_falsy(&start)).then(|| payload.clone()))
}

fn is_falsy(json: &[u8]) -> bool {
    matches!(json, b"null" | b"false" | b"0" | b"-0" | b"0.0" | b"-0.0" | b"\"\"")
}

fn keep_text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A value's JSON where that is no longer than the longest falsy one, and nothing where it is: the writer
/// stops there.
fn start_of<T: Serialize>(value: &T) -> Vec<u8> {
    struct Start(Vec<u8>);
    impl io::Write for Start {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() + bytes.len() > "false".len() {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut start = Start(Vec::with_capacity("false".len()));
    match serde_json::to_writer(&mut start, value) {
        Ok(()) => start.0,
        Err(_) => Vec::new(),
    }
}

impl<U, D> ISessionsV1<U, D> for SessionsMemoryClientV1<U, D>
where
    U: Payload + Clone,
    D: Payload + Clone,
{
    async fn get_sessions(
        &self,
        _correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<SessionV1<U, D>>> {
        let (filter, paging) = (Filter::of(filter), paging.copied().unwrap_or_default());
        let (skipped, taken) = (paging.skipped(), paging.taken(PAGE, PAGE));
        let counts = paging.wants_total();
        let (mut found, mut data) = (0, Vec::new());
        matching(&self.store, &filter, |session| {
            if found >= skipped && data.len() < taken {
                data.push(listed(session));
            }
            found += 1;
            if counts || data.len() < taken { Look::GoOn } else { Look::Enough }
        });
        let total = counts.then_some(found as u64);
        Ok(DataPage::new(data, total))
    }

    async fn get_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(self.store.get(session_id, SessionV1::clone))
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
        let id = random_id();
        let session = SessionV1 {
            user_id: keep_text(Some(user_id)),
            user_name: keep_text(user_name),
            address: keep_text(address),
            client: keep_text(client),
            user: user.and_then(keep),
            data: data.and_then(keep),
            ..SessionV1::new(written(id), self.now())
        };
        self.store.insert(id, session.clone());
        Ok(session)
    }

    async fn store_session_data(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        data: &D,
    ) -> Result<Option<SessionV1<U, D>>> {
        let data = keep_required("data", data)?;
        Ok(self.change(session_id, |session| session.data = data))
    }

    async fn update_session_user(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        user: &U,
    ) -> Result<Option<SessionV1<U, D>>> {
        let user = keep_required("user", user)?;
        Ok(self.change(session_id, |session| session.user = user))
    }

    async fn close_session(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(self.change(session_id, close))
    }

    async fn close_expired_sessions(&self, _correlation_id: Option<&str>) -> Result<()> {
        let now = self.now();
        // Before the beginning of time nothing has changed.
        let Some(oldest) = now.checked_sub_signed(self.expire_timeout) else { return Ok(()) };
        self.store.change_all(|session| {
            if session.active && session.request_time < oldest {
                session.request_time = now;
                close(session);
            }
        });
        Ok(())
    }

    async fn delete_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        Ok(self.store.remove(session_id))
    }
}

/// At the time of the session's latest change, which this is.
fn close<U, D>(session: &mut SessionV1<U, D>) {
    session.active = false;
    session.close_time = Some(session.request_time);
    session.user = None;
    session.data = None;
}

impl<U: Clone, D: Clone> SessionsMemoryClientV1<U, D> {
    /// Changes a session, now.
    fn change(&self, id: &str, change: impl FnOnce(&mut SessionV1<U, D>)) -> Option<SessionV1<U, D>> {
        let now = self.now();
        self.store.change(id, |session| {
            session.request_time = now;
            change(session);
            session.clone()
        })
    }
}

impl<U, D> Clone for SessionsMemoryClientV1<U, D> {
    fn clone(&self) -> Self {
        let Self { store, clock, expire_timeout } = self;
        Self { store: Arc::clone(store), clock: Arc::clone(clock), expire_timeout: *expire_timeout }
    }
}

impl<U, D> fmt::Debug for SessionsMemoryClientV1<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsMemoryClientV1").field("sessions", &self.len()).finish_non_exhaustive()
    }
}
