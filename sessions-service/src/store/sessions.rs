//! The operations of the service on the stored sessions. Their results are JSON.

use super::shards::Shards;
use super::stored::{Change, Payload, StoredSession};
use crate::date_parse::date_parse;
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use pip_services::{PagingParams, Timestamp};
use sessions_client::FilterParams;
use sessions_client::semantics::{self, EXPIRE_TIMEOUT, Filter, PAGE_SIZE};
use std::fmt;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

/// An in-memory store of sessions. Clones share the sessions.
#[derive(Clone)]
pub struct SessionStore {
    shards: Arc<Shards>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    expire_timeout: TimeDelta,
}

impl Default for SessionStore {
    fn default() -> Self {
        Self { shards: Arc::default(), clock: Arc::new(Utc::now), expire_timeout: EXPIRE_TIMEOUT }
    }
}

impl SessionStore {
    /// Creates a store without sessions. Times come from the system's clock, and sessions expire after 24
    /// hours.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock.
    ///
    /// The store calls it while a session is locked, so it must not use this store. Times never decrease even
    /// if the clock does: sessions are listed in the order of `open_time`, and no `request_time` decreases.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the age at which `close_expired_sessions` closes a session.
    #[must_use]
    pub fn with_expire_timeout(mut self, timeout: TimeDelta) -> Self {
        self.expire_timeout = timeout;
        self
    }

    /// Returns the number of sessions, open and closed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Returns whether the store is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens a session; `strings` are `user_name`, `address` and `client`.
    pub(crate) fn open(
        &self,
        user_id: String,
        strings: [Option<&str>; 3],
        user: Option<&Payload>,
        data: Option<&Payload>,
    ) -> Bytes {
        let user_id = Some(user_id).filter(|user_id| !user_id.is_empty());
        let strings = strings.map(semantics::non_empty);
        let new = |user_id: Option<&str>, now| StoredSession::new(user_id, strings, [user, data], now);
        self.shards.open(user_id, || self.now(), new, to_bytes)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Bytes> {
        self.shards.get(id)?.read(to_bytes)
    }

    pub(crate) fn change(&self, id: &str, change: &Change) -> Option<Bytes> {
        self.shards.get(id)?.change(|session| {
            // The clock is read while the session is locked, so that times are in the order of the changes.
            session.change(change, self.now());
            to_bytes(session)
        })
    }

    pub(crate) fn delete(&self, id: &str) -> Option<Bytes> {
        self.shards.remove(id).map(|session| session.into_json().into())
    }

    pub(crate) fn close_expired(&self) {
        let now = self.now();
        self.shards.change_all(|session| {
            if session.state().is_expired(now, self.expire_timeout) {
                session.change(&Change::Close, now);
            }
        });
    }

    /// Returns a page of a list.
    pub(crate) fn page(&self, filter: Option<&FilterParams>, paging: Option<&PagingParams>) -> Vec<u8> {
        let (filter, paging) = (Filter::new(filter, date_parse), paging.copied().unwrap_or_default());
        let (skip, take) = (paging.skipped(), paging.taken(PAGE_SIZE, PAGE_SIZE));
        let counts_total = paging.wants_total();
        let mut json = Vec::with_capacity(take * 300);
        // The total, if any, is known at the end.
        json.extend_from_slice(b"{\"total\":");
        let total_offset = json.len();
        json.extend_from_slice(b"null,\"data\":[");
        let (mut matching, mut listed) = (0, 0);
        self.for_each_matching(&filter, |session| {
            if matching >= skip && listed < take {
                if listed > 0 {
                    json.push(b',');
                }
                session.write_listed(&mut json);
                listed += 1;
            }
            matching += 1;
            if counts_total || listed < take { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        json.extend_from_slice(b"]}");
        if counts_total {
            let mut buffer = [0; 20];
            let mut rest = &mut buffer[..];
            // The largest total has 20 digits.
            let _ = write!(rest, "{matching}");
            let length = 20 - rest.len();
            json.splice(total_offset..total_offset + 4, buffer[..length].iter().copied());
        }
        json
    }

    /// Calls `visit` with each session that matches the filter until it returns `Break`. Uses the narrowest
    /// index for the filter.
    fn for_each_matching(
        &self,
        filter: &Filter<'_>,
        mut visit: impl FnMut(&StoredSession) -> ControlFlow<()>,
    ) {
        let visit = |session: &StoredSession| {
            if filter.holds_for(session.state()) { visit(session) } else { ControlFlow::Continue(()) }
        };
        match (filter.id, filter.user_id) {
            (Some(id), user_id) => {
                if let Some(slot) = self.shards.get(id)
                    && user_id.is_none_or(|user_id| slot.user_id() == Some(user_id))
                {
                    slot.read(visit);
                }
            }
            (None, Some(user_id)) => self.shards.for_each_of_user(user_id, visit),
            (None, None) => self.shards.for_each(visit),
        }
    }

    fn now(&self) -> Timestamp {
        semantics::stored((self.clock)())
    }
}

fn to_bytes(session: &StoredSession) -> Bytes {
    Bytes::copy_from_slice(session.json())
}

impl fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").field("sessions", &self.len()).finish_non_exhaustive()
    }
}
