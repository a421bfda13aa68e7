//! Sessions in memory, with the behaviour of the real service.
//!
//! It is the embedded service behind `server::router` and a fake for tests. Where the real service does
//! something odd, so does this: it is a double, not an ideal.

use super::kept::{Json, Kept};
use super::store::{Look, Store, written};
use crate::contract::ISessionsV1;
#[cfg(feature = "server")]
use crate::contract::sessions_v1::received::OpenSession;
use crate::data::{
    DataPage, FilterParams, PagingParams, SessionV1, Timestamp, date_parse, truncate_to_millis,
};
use crate::error::{Error, Result};
#[cfg(feature = "server")]
use crate::runtime::write_always;
use crate::runtime::{Payload, validation_error};
use chrono::{TimeDelta, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// The size of a page, and the largest that there is.
const PAGE: usize = 100;

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
    store: Arc<Store>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    expire_timeout: TimeDelta,
    payloads: PhantomData<fn() -> (U, D)>,
}

impl SessionsMemoryClientV1 {
    /// No sessions yet. Times come from the system's clock, and sessions expire after 24 hours.
    #[must_use]
    pub fn new() -> Self {
        Self {
            store: Arc::default(),
            clock: Arc::new(Utc::now),
            expire_timeout: TimeDelta::days(1),
            payloads: PhantomData,
        }
    }

    /// The same with payloads of other types. Sessions opened so far stay behind.
    #[must_use]
    pub fn with_payloads<U: Payload, D: Payload>(self) -> SessionsMemoryClientV1<U, D> {
        let Self { clock, expire_timeout, .. } = self;
        SessionsMemoryClientV1 { store: Arc::default(), clock, expire_timeout, payloads: PhantomData }
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
fn matching(store: &Store, filter: &Filter<'_>, mut look: impl FnMut(&Kept) -> Look) {
    let mut look = |kept: &Kept| {
        if filter.holds_for(kept.session()) { look(kept) } else { Look::GoOn }
    };
    if let Some(id) = filter.id {
        store.get(id, look);
    } else if let Some(user_id) = filter.user_id {
        store.of_user(user_id, &mut look);
    } else {
        store.all(&mut look);
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
fn keep(argument: &str, payload: &impl Serialize) -> Result<Option<Json>> {
    Ok(Some(Json::of(argument, payload)?).filter(|json| !json.is_falsy()))
}

/// The same for a payload that must be there: the service refuses `null`, in the same words.
fn keep_required(argument: &str, payload: &impl Serialize) -> Result<Option<Json>> {
    let json = Json::of(argument, payload)?;
    if json.is_null() {
        let error = validation_error(&[format!("{argument} must not be null")]);
        return Err(Error::from_service(StatusCode::BAD_REQUEST, error));
    }
    Ok(Some(json).filter(|json| !json.is_falsy()))
}

fn keep_text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
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
        let mut data = Vec::new();
        let total = self.page(filter, paging, |kept| data.push(kept.read_listed()));
        Ok(DataPage::new(data, total))
    }

    async fn get_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        self.store.get(session_id, Kept::read).transpose()
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
        let texts = [Some(user_id), user_name, address, client].map(|text| text.map(str::to_owned));
        self.open(texts, user, data, Kept::read)
    }

    async fn store_session_data(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        data: &D,
    ) -> Result<Option<SessionV1<U, D>>> {
        let data = keep_required("data", data)?;
        self.change(session_id, |session| session.data = data)
    }

    async fn update_session_user(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        user: &U,
    ) -> Result<Option<SessionV1<U, D>>> {
        let user = keep_required("user", user)?;
        self.change(session_id, |session| session.user = user)
    }

    async fn close_session(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        self.change(session_id, close)
    }

    async fn close_expired_sessions(&self, _correlation_id: Option<&str>) -> Result<()> {
        let now = self.now();
        // Before the beginning of time nothing has changed.
        let Some(oldest) = now.checked_sub_signed(self.expire_timeout) else { return Ok(()) };
        self.store.change_all(|kept| {
            let session = kept.session();
            if session.active && session.request_time < oldest {
                let session = kept.session_mut();
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
        self.store.remove(session_id).map(|kept| kept.read()).transpose()
    }
}

/// At the time of the session's latest change, which this is.
fn close(session: &mut SessionV1<Json, Json>) {
    session.active = false;
    session.close_time = Some(session.request_time);
    session.user = None;
    session.data = None;
}

impl<U: Payload, D: Payload> SessionsMemoryClientV1<U, D> {
    /// Shows a page to `look`, session by session, and returns the total if it is asked for.
    fn page(
        &self,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
        mut look: impl FnMut(&Kept),
    ) -> Option<u64> {
        let (filter, paging) = (Filter::of(filter), paging.copied().unwrap_or_default());
        let (skipped, taken) = (paging.skipped(), paging.taken(PAGE, PAGE));
        let counts = paging.wants_total();
        let (mut found, mut shown) = (0, 0);
        matching(&self.store, &filter, |kept| {
            if found >= skipped && shown < taken {
                look(kept);
                shown += 1;
            }
            found += 1;
            if counts || shown < taken { Look::GoOn } else { Look::Enough }
        });
        counts.then_some(found as u64)
    }

    /// Opens a session, now, and returns what `look` makes of it.
    fn open<T>(
        &self,
        [user_id, user_name, address, client]: [Option<String>; 4],
        user: Option<&U>,
        data: Option<&D>,
        look: impl FnOnce(&Kept) -> Result<T>,
    ) -> Result<T> {
        let id = self.store.new_id();
        let kept = Kept::new(SessionV1 {
            user_id: keep_text(user_id),
            user_name: keep_text(user_name),
            address: keep_text(address),
            client: keep_text(client),
            user: user.map(|user| keep("user", user)).transpose()?.flatten(),
            data: data.map(|data| keep("data", data)).transpose()?.flatten(),
            ..SessionV1::new(written(id), self.now())
        });
        // What cannot be shown is not kept.
        let seen = look(&kept)?;
        self.store.insert(id, kept);
        Ok(seen)
    }

    /// Changes a session, now.
    fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut SessionV1<Json, Json>),
    ) -> Result<Option<SessionV1<U, D>>> {
        let now = self.now();
        let changed = self.store.change(id, |kept| {
            let session = kept.session_mut();
            session.request_time = now;
            change(session);
            kept.read()
        });
        changed.transpose()
    }
}

/// Calls with their results as JSON, written from where the sessions lie: to copy a session, write the copy and drop it
/// again would be most of what such a call costs.
#[cfg(feature = "server")]
impl<U: Payload, D: Payload> SessionsMemoryClientV1<U, D> {
    pub(crate) fn open_session_json(&self, arguments: OpenSession<U, D>) -> Result<Vec<u8>> {
        let OpenSession { user_id, user_name, address, client, user, data, .. } = arguments;
        let texts = [Some(user_id), user_name, address, client];
        self.open(texts, user.as_ref(), data.as_ref(), |kept| Ok(json(|json| kept.write_opened(json))))
    }

    pub(crate) fn get_session_by_id_json(&self, session_id: &str) -> Option<Vec<u8>> {
        self.store.get(session_id, |kept| json(|json| kept.write(json)))
    }

    pub(crate) fn get_sessions_json(
        &self,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Vec<u8> {
        let mut json = Vec::with_capacity(PAGE * 300);
        // The total is known in the end, if at all.
        write_frame(&mut json, None);
        let start = json.len();
        let total = self.page(filter, paging, |kept| {
            if json.len() > start {
                json.push(b',');
            }
            kept.write_listed(&mut json);
        });
        if total.is_some() {
            let mut frame = Vec::new();
            write_frame(&mut frame, total);
            json.splice(..start, frame);
        }
        json.extend_from_slice(END_OF_PAGE);
        json
    }
}

/// What follows the last session of a page.
#[cfg(feature = "server")]
const END_OF_PAGE: &[u8] = b"]}";

/// Writes what comes before the first session of a page.
#[cfg(feature = "server")]
fn write_frame(json: &mut Vec<u8>, total: Option<u64>) {
    write_always(json, &DataPage::<SessionV1>::new(Vec::new(), total));
    json.truncate(json.len() - END_OF_PAGE.len());
}

#[cfg(feature = "server")]
fn json(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    // Of most sessions, all.
    let mut json = Vec::with_capacity(512);
    write(&mut json);
    json
}

impl<U, D> Clone for SessionsMemoryClientV1<U, D> {
    fn clone(&self) -> Self {
        let Self { store, clock, expire_timeout, payloads } = self;
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            expire_timeout: *expire_timeout,
            payloads: *payloads,
        }
    }
}

impl<U, D> fmt::Debug for SessionsMemoryClientV1<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsMemoryClientV1").field("sessions", &self.len()).finish_non_exhaustive()
    }
}
