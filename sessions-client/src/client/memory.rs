//! An in-memory implementation of the contract with the behaviour of the real service.

use super::ids::random_id;
use super::payload::{Json, optional, required, typed};
use crate::contract::ISessionsV1;
use crate::semantics::{self, EXPIRE_TIMEOUT, Filter, PAGE_SIZE, State};
use crate::{DataPage, FilterParams, PagingParams, Payload, Result, SessionV1, Timestamp};
use chrono::{TimeDelta, Utc};
use indexmap::IndexMap;
use pip_services::timestamp;
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An [`ISessionsV1`] that keeps its sessions in memory, for tests. Clones share the sessions.
///
/// It behaves like the real service, including its quirks: falsy payloads (`null`, `false`, zero, `""`) are
/// stored as `None`, and the time filters are swapped. Of the forms of times that the service reads, it supports those of
/// the ECMAScript standard, such as `2026-11`, `2026-11-23`, `2026-11-23T02:10:20.820Z` and `2026-11-23T03:10+01:00`; time filters in
/// other forms are ignored. Payloads are stored as JSON; one that cannot be
/// written as JSON or read back is an error. A list or a deletion takes time proportional to the number
/// of sessions.
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
    /// In the order of opening. The clock is read under the lock, so no call returns an earlier time than a
    /// call that has returned before it.
    sessions: Arc<Mutex<IndexMap<String, Stored>>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    expire_timeout: TimeDelta,
    payloads: PhantomData<fn() -> (U, D)>,
}

/// A session with its payloads as JSON.
type Stored = SessionV1<Json, Json>;

impl SessionsMemoryClientV1 {
    /// Creates a client without sessions. It uses the system's clock, and sessions expire after 24 hours.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sessions: Arc::default(),
            clock: Arc::new(Utc::now),
            expire_timeout: EXPIRE_TIMEOUT,
            payloads: PhantomData,
        }
    }

    /// Sets the types of `user` and `data`. The returned client has no sessions.
    #[must_use]
    pub fn with_payloads<U: Payload, D: Payload>(self) -> SessionsMemoryClientV1<U, D> {
        let Self { clock, expire_timeout, .. } = self;
        SessionsMemoryClientV1 { sessions: Arc::default(), clock, expire_timeout, payloads: PhantomData }
    }
}

impl Default for SessionsMemoryClientV1 {
    fn default() -> Self {
        Self::new()
    }
}

impl<U, D> SessionsMemoryClientV1<U, D> {
    /// Sets the clock. It is read while the sessions are locked, so it must not use this client.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the age at which [`close_expired_sessions`](ISessionsV1::close_expired_sessions) closes a
    /// session.
    #[must_use]
    pub fn with_expire_timeout(mut self, timeout: TimeDelta) -> Self {
        self.expire_timeout = timeout;
        self
    }

    /// Returns the number of sessions, open and closed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns whether the client has no sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ignores poisoning: a panic under the lock leaves no session half changed.
    fn lock(&self) -> MutexGuard<'_, IndexMap<String, Stored>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        semantics::stored((self.clock)())
    }
}

impl<U: Payload, D: Payload> SessionsMemoryClientV1<U, D> {
    /// Changes a session with `set`, and its state with `next`.
    fn change(
        &self,
        id: &str,
        set: impl FnOnce(&mut Stored),
        next: fn(State, Timestamp) -> State,
    ) -> Result<Option<SessionV1<U, D>>> {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(id) else { return Ok(None) };
        let state = next(State::of(session), self.now());
        set(session);
        state.apply_to(session);
        let changed = session.clone();
        drop(sessions);
        typed(changed).map(Some)
    }
}

impl<U: Payload, D: Payload> ISessionsV1<U, D> for SessionsMemoryClientV1<U, D> {
    async fn get_sessions(
        &self,
        _correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<SessionV1<U, D>>> {
        let filter = Filter::new(filter, ecmascript_time);
        let paging = paging.copied().unwrap_or_default();
        let sessions = self.lock();
        let matching = sessions.values().filter(|session| {
            filter.id.is_none_or(|id| session.id == id)
                && filter.user_id.is_none_or(|user_id| session.user_id.as_deref() == Some(user_id))
                && filter.holds_for(&State::of(session))
        });
        let total = paging.wants_total().then(|| matching.clone().count() as u64);
        let page = matching.skip(paging.skipped()).take(paging.taken(PAGE_SIZE, PAGE_SIZE));
        // A list has no payloads.
        Ok(DataPage::new(page.map(|session| session.clone().with_payloads(None, None)).collect(), total))
    }

    async fn get_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        let found = self.lock().get(session_id).cloned();
        found.map(typed).transpose()
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
        let owned = |string| semantics::non_empty(string).map(str::to_owned);
        let user = optional("user", user)?;
        let data = optional("data", data)?;
        let mut sessions = self.lock();
        // Open times never decrease in list order, even if the clock steps back.
        let now = self.now();
        let now = sessions.last().map_or(now, |(_, last)| now.max(last.open_time));
        let session = SessionV1 {
            user_id: owned(Some(user_id)),
            user_name: owned(user_name),
            address: owned(address),
            client: owned(client),
            user,
            data,
            ..SessionV1::new(random_id(), now)
        };
        sessions.insert(session.id.clone(), session.clone());
        drop(sessions);
        typed(session)
    }

    async fn store_session_data(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        data: &D,
    ) -> Result<Option<SessionV1<U, D>>> {
        let data = required("data", data)?;
        self.change(session_id, |session| session.data = data, State::changed)
    }

    async fn update_session_user(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
        user: &U,
    ) -> Result<Option<SessionV1<U, D>>> {
        let user = required("user", user)?;
        self.change(session_id, |session| session.user = user, State::changed)
    }

    async fn close_session(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        self.change(session_id, remove_payloads, State::closed)
    }

    async fn close_expired_sessions(&self, _correlation_id: Option<&str>) -> Result<()> {
        let mut sessions = self.lock();
        let now = self.now();
        for session in sessions.values_mut() {
            let state = State::of(session);
            if state.is_expired(now, self.expire_timeout) {
                remove_payloads(session);
                state.closed(now).apply_to(session);
            }
        }
        Ok(())
    }

    async fn delete_session_by_id(
        &self,
        _correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>> {
        let deleted = self.lock().shift_remove(session_id);
        deleted.map(typed).transpose()
    }
}

/// Returns a time in one of the forms that ECMAScript specifies for `Date.parse`. The service's engine reads others too.
fn ecmascript_time(string: &str) -> Option<Timestamp> {
    let (date, time) = string.split_at(string.find('T').unwrap_or(string.len()));
    let year = if date.starts_with(['+', '-']) { "+002026" } else { "2026" };
    // A date without a month or a day is the first one.
    let first = match date.len().checked_sub(year.len()) {
        Some(0) => "-01-01",
        Some(3) => "-01",
        _ => "",
    };
    let string = &format!("{date}{first}{time}");
    let form = string.replace(|character: char| character.is_ascii_digit(), "0");
    let (date, time) = form.split_once('T').unwrap_or((&form, "00:00"));
    let time = ["Z", "+00:00", "-00:00"].iter().find_map(|zone| time.strip_suffix(zone)).unwrap_or(time);
    let has_form = matches!(date, "0000-00-00" | "+000000-00-00" | "-000000-00-00")
        && match time.split_once('.') {
            Some((time, fraction)) => {
                time == "00:00:00" && !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0')
            }
            None => matches!(time, "00:00" | "00:00:00"),
        };
    // JavaScript has no leap seconds.
    let has_leap_second = |time: &Timestamp| time.timestamp_subsec_nanos() >= 1_000_000_000;
    if has_form { timestamp::parse(string).filter(|time| !has_leap_second(time)) } else { None }
}

fn remove_payloads(session: &mut Stored) {
    (session.user, session.data) = (None, None);
}

impl<U, D> Clone for SessionsMemoryClientV1<U, D> {
    fn clone(&self) -> Self {
        Self {
            sessions: Arc::clone(&self.sessions),
            clock: Arc::clone(&self.clock),
            expire_timeout: self.expire_timeout,
            payloads: PhantomData,
        }
    }
}

impl<U, D> fmt::Debug for SessionsMemoryClientV1<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsMemoryClientV1").field("sessions", &self.len()).finish_non_exhaustive()
    }
}
