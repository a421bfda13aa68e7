//! An in-memory service with one fault, which happens always or at times.

#![allow(dead_code, reason = "each test file uses a part of it")]

use sessions_client::{
    DataPage, Error, FilterParams, ISessionsV1, PagingParams, Result, ServiceError, SessionV1,
    SessionsMemoryClientV1, Timestamp, Value,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// A store has no effect, but its response shows it.
    LosesStores,
    /// A store changes the data.
    DamagesStores,
    /// A store replaces the data.
    ReplacesStores,
    /// After a connection breaks, the next store has no effect, but its response shows it.
    LosesStoresAfterBreaks,
    /// An update of the user has no effect, but its response shows it.
    LosesUpdates,
    /// A read returns the session of another user.
    MixesUpSessions,
    /// A read returns the session of another application.
    MixesUpPeople,
    /// A read returns the data of another user.
    MixesUpData,
    /// A read returns the data before the last store.
    ServesStaleReads,
    /// A read returns no session.
    LosesSessions,
    /// A read returns an earlier `request_time`.
    TurnsTimeBack,
    /// An opened session has the id of the previous one.
    GivesIdsTwice,
    /// A close has no effect, but its response shows it.
    ForgetsClose,
    /// A close has no effect.
    IgnoresClose,
    /// A close keeps the data.
    KeepsDataOfClosed,
    IgnoresDelete,
    /// A list contains a session of another user.
    ListsForeign,
    /// A page with one session is empty.
    ListsTooFew,
    /// All pages equal the first one.
    IgnoresSkip,
    /// Another client deletes the first sessions after they were listed.
    DeletesBehindPages,
    /// The total is one too high.
    MiscountsLists,
    /// The filter by activity has no effect.
    IgnoresFilters,
    RefusesStores,
    /// A store is not executed, and its status is 429, with this `Retry-After`.
    LimitsStores(Option<Duration>),
    /// A store is executed, but the response is an error.
    FailsAfterStores,
    RefusesFourDeletes,
    /// A session is opened, but the response is an error.
    FailsAfterOpen,
    /// All lists after the first fail.
    RefusesLists,
    /// The two lists after the first fail.
    RefusesTwoLists,
    /// The lists of the first user fail.
    RefusesListsOfFirst,
    /// Four deletes fail. Of each user, the next session to be deleted is kept. Pages have one session.
    KeepsFirstSessions,
    /// A list takes a second.
    ListsSlowly,
    /// Every list contains new sessions.
    ListsWithoutEnd,
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    sessions: SessionsMemoryClientV1,
    fault: Fault,
    /// The fault happens at every n-th opportunity.
    every: usize,
    opportunities: Arc<AtomicUsize>,
    deletes: Arc<AtomicUsize>,
    /// The number of calls.
    received: Arc<AtomicUsize>,
    /// The session of each user that is kept.
    kept: Arc<Mutex<HashMap<String, String>>>,
    lists: Arc<AtomicUsize>,
    /// The data of each session before its last store.
    before: Arc<Mutex<HashMap<String, Value>>>,
    /// The number of broken connections, each of which makes one store fail.
    breaks: Arc<AtomicUsize>,
    /// The session that was opened last.
    last: Arc<Mutex<Option<Session>>>,
    /// The time in which no session is opened.
    freeze: Arc<Mutex<Option<(Instant, Instant)>>>,
    /// The length of a freeze that starts with the next open call.
    freeze_at_next: Arc<Mutex<Option<Duration>>>,
    /// The duration of an open call.
    opening: Duration,
    /// The duration of a delete call.
    deleting: Duration,
    /// The number of delete calls in progress, and its maximum.
    deletes_in_progress: Arc<[AtomicUsize; 2]>,
    opened: Arc<Mutex<Vec<Opened>>>,
}

/// The `user_name` and the data of an open call.
pub(crate) type Opened = (Option<String>, Value);

type Session = SessionV1<Value, Value>;

impl Faulty {
    /// Creates a service whose fault happens at every opportunity.
    pub(crate) fn new(fault: Fault) -> Self {
        Self::every(fault, 1)
    }

    /// Creates a service whose fault happens at every n-th opportunity.
    pub(crate) fn every(fault: Fault, every: usize) -> Self {
        Self {
            sessions: SessionsMemoryClientV1::new(),
            fault,
            every,
            opportunities: Arc::default(),
            deletes: Arc::default(),
            received: Arc::default(),
            kept: Arc::default(),
            lists: Arc::default(),
            before: Arc::default(),
            breaks: Arc::default(),
            last: Arc::default(),
            freeze: Arc::default(),
            freeze_at_next: Arc::default(),
            opening: Duration::ZERO,
            deleting: Duration::ZERO,
            deletes_in_progress: Arc::default(),
            opened: Arc::default(),
        }
    }

    /// Sets the duration of open calls.
    pub(crate) fn with_slow_opening(mut self, opening: Duration) -> Self {
        self.opening = opening;
        self
    }

    /// Sets the duration of delete calls.
    pub(crate) fn with_slow_deletion(mut self, deleting: Duration) -> Self {
        self.deleting = deleting;
        self
    }

    /// The number of calls received.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// The open calls so far.
    pub(crate) fn opened(&self) -> Vec<Opened> {
        self.opened.lock().unwrap().clone()
    }

    /// The maximum number of concurrent delete calls.
    pub(crate) fn concurrent_deletes(&self) -> usize {
        self.deletes_in_progress[1].load(Ordering::Relaxed)
    }

    /// Waits for the duration of a delete call.
    async fn delete_slowly(&self) {
        if !self.deleting.is_zero() {
            let [current, max] = &*self.deletes_in_progress;
            max.fetch_max(current.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(self.deleting).await;
            current.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Opens no session for some time.
    pub(crate) fn freeze(&self, from: Instant, length: Duration) {
        *self.freeze.lock().unwrap() = Some((from, from + length));
    }

    /// Opens no session for some time, from the next open call on.
    pub(crate) fn freeze_at_next_opening(&self, length: Duration) {
        *self.freeze_at_next.lock().unwrap() = Some(length);
    }

    /// Waits for the end of a freeze.
    async fn thaw(&self) {
        if let Some(length) = self.freeze_at_next.lock().unwrap().take() {
            self.freeze(Instant::now(), length);
        }
        let freeze = *self.freeze.lock().unwrap();
        if let Some((from, to)) = freeze
            && (from..to).contains(&Instant::now())
        {
            tokio::time::sleep_until(to.into()).await;
        }
    }

    /// Returns whether `fault` happens now.
    fn does(&self, fault: Fault) -> bool {
        self.fault == fault
            && (self.opportunities.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.every)
    }

    /// Reports that a connection broke.
    pub(crate) fn connection_broke(&self) {
        self.breaks.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns whether a connection broke, once for each.
    fn takes_break(&self) -> bool {
        let less = |breaks: usize| breaks.checked_sub(1);
        self.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Returns whether a list was requested after the one before the run.
    pub(crate) fn listed_after_the_start(&self) -> bool {
        self.lists.load(Ordering::Relaxed) > 1
    }

    pub(crate) async fn has(&self, id: &str) -> bool {
        self.sessions.get_session_by_id(None, id).await.unwrap().is_some()
    }

    /// Returns whether a session is the one of its user that is kept.
    async fn keeps(&self, id: &str) -> bool {
        let session = self.sessions.get_session_by_id(None, id).await.unwrap().unwrap();
        let mut kept = self.kept.lock().unwrap();
        kept.entry(session.user_id.unwrap()).or_insert_with(|| id.to_owned()) == id
    }

    /// Returns whether a page has a single session.
    async fn is_last(&self, filter: Option<&FilterParams>, paging: Option<&PagingParams>) -> bool {
        self.sessions.get_sessions(None, filter, paging).await.unwrap().data.len() == 1
    }

    /// Opens a session of another user.
    async fn foreign(&self) -> Result<Session> {
        self.sessions.open_session(None, "another user", None, None, None, None, None).await
    }
}

fn too_many(delay: Option<Duration>) -> Error {
    let status = 429_u16.try_into().expect("a status code");
    Error::from_service(status, ServiceError::new("TOO_MANY_REQUESTS", "try later")).with_retry_after(delay)
}

fn busy() -> Error {
    let status = 503_u16.try_into().expect("a status code");
    Error::from_service(status, ServiceError::new("BUSY", "try later"))
}

impl ISessionsV1 for Faulty {
    async fn get_sessions(
        &self,
        correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<Session>> {
        self.received.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::ListsForeign if self.does(Fault::ListsForeign) => {
                let mut page = self.sessions.get_sessions(correlation_id, filter, paging).await?;
                page.data.push(self.foreign().await?);
                Ok(page)
            }
            Fault::ListsTooFew if self.is_last(filter, paging).await && self.does(Fault::ListsTooFew) => {
                let mut page = self.sessions.get_sessions(correlation_id, filter, paging).await?;
                page.data.clear();
                Ok(page)
            }
            Fault::IgnoresSkip => {
                let total = paging.is_some_and(|paging| paging.wants_total());
                let paging = PagingParams::new().take(2).total(total);
                self.sessions.get_sessions(correlation_id, filter, Some(&paging)).await
            }
            Fault::DeletesBehindPages => {
                let page = self.sessions.get_sessions(correlation_id, filter, paging).await?;
                let is_first = filter.is_none_or(|filter| filter.get("user_id").is_none())
                    && self.lists.fetch_add(1, Ordering::Relaxed) == 0;
                for session in page.data.iter().take(if is_first { 50 } else { 0 }) {
                    self.sessions.delete_session_by_id(None, &session.id).await?;
                }
                Ok(page)
            }
            Fault::MiscountsLists if self.does(Fault::MiscountsLists) => {
                let mut page = self.sessions.get_sessions(correlation_id, filter, paging).await?;
                page.total = page.total.map(|total| total + 1);
                Ok(page)
            }
            Fault::IgnoresFilters if self.does(Fault::IgnoresFilters) => {
                let user = filter.and_then(|filter| filter.get("user_id")).unwrap();
                let all = FilterParams::new().user_id(user);
                self.sessions.get_sessions(correlation_id, Some(&all), paging).await
            }
            Fault::RefusesLists if self.lists.fetch_add(1, Ordering::Relaxed) > 0 => Err(busy()),
            Fault::RefusesTwoLists if (1..3).contains(&self.lists.fetch_add(1, Ordering::Relaxed)) => {
                Err(busy())
            }
            Fault::RefusesListsOfFirst
                if filter
                    .and_then(|filter| filter.get("user_id"))
                    .is_some_and(|user| user.ends_with("-0-0-churn")) =>
            {
                Err(busy())
            }
            Fault::KeepsFirstSessions => {
                let skipped = paging.map_or(0, |paging| paging.skipped());
                let paging = PagingParams::new().skip(skipped.try_into().unwrap()).take(1);
                self.sessions.get_sessions(correlation_id, filter, Some(&paging)).await
            }
            Fault::ListsSlowly => {
                self.lists.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.sessions.get_sessions(correlation_id, filter, paging).await
            }
            Fault::ListsWithoutEnd => {
                let user_id = filter.and_then(|filter| filter.get("user_id")).unwrap();
                let data = (0..100).map(|_| {
                    let number = self.lists.fetch_add(1, Ordering::Relaxed);
                    let mut session = Session::new(format!("fresh-{number}"), Timestamp::default());
                    session.user_id = Some(user_id.to_owned());
                    session
                });
                Ok(DataPage::new(data.collect(), None))
            }
            _ => self.sessions.get_sessions(correlation_id, filter, paging).await,
        }
    }

    async fn get_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<Session>> {
        self.received.fetch_add(1, Ordering::Relaxed);
        let mut found = self.sessions.get_session_by_id(correlation_id, session_id).await?;
        if self.does(Fault::LosesSessions) {
            return Ok(None);
        }
        let Some(session) = &mut found else { return Ok(None) };
        if self.does(Fault::MixesUpSessions) {
            return self.foreign().await.map(Some);
        }
        if self.does(Fault::MixesUpPeople) {
            let cart = Value::from_iter([("cart", 1)]);
            let opened = self.sessions.open_session(None, "ann", None, None, None, Some(&cart), Some(&cart));
            return opened.await.map(Some);
        }
        if self.fault == Fault::TurnsTimeBack && self.does(Fault::TurnsTimeBack) {
            session.request_time -= Duration::from_secs(1);
        }
        if let Some(data) = &mut session.data
            && self.does(Fault::MixesUpData)
        {
            data["owner"] = "another user".into();
        }
        if session.data.is_some() && self.does(Fault::ServesStaleReads) {
            let before = self.before.lock().unwrap().get(session_id).cloned();
            session.data = before.or(session.data.take());
        }
        Ok(found)
    }

    async fn open_session(
        &self,
        correlation_id: Option<&str>,
        user_id: &str,
        user_name: Option<&str>,
        address: Option<&str>,
        client: Option<&str>,
        user: Option<&Value>,
        data: Option<&Value>,
    ) -> Result<Session> {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.opened.lock().unwrap().push((user_name.map(str::to_owned), data.cloned().unwrap_or_default()));
        self.thaw().await;
        if !self.opening.is_zero() {
            tokio::time::sleep(self.opening).await;
        }
        let mut session = self
            .sessions
            .open_session(correlation_id, user_id, user_name, address, client, user, data)
            .await?;
        if self.fault == Fault::FailsAfterOpen {
            return Err(busy());
        }
        let before = self.last.lock().unwrap().replace(session.clone());
        if let Some(before) = before
            && self.does(Fault::GivesIdsTwice)
        {
            session.id = before.id;
        }
        Ok(session)
    }

    async fn store_session_data(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        data: &Value,
    ) -> Result<Option<Session>> {
        self.received.fetch_add(1, Ordering::Relaxed);
        if self.fault == Fault::ServesStaleReads
            && let Some(session) = self.sessions.get_session_by_id(correlation_id, session_id).await?
        {
            self.before.lock().unwrap().insert(session_id.to_owned(), session.data.unwrap_or_default());
        }
        match self.fault {
            Fault::LosesStoresAfterBreaks if self.takes_break() => {
                let mut session = self.sessions.get_session_by_id(correlation_id, session_id).await?;
                if let Some(session) = &mut session {
                    session.data = Some(data.clone());
                }
                Ok(session)
            }
            Fault::LosesStores if self.does(Fault::LosesStores) => {
                let mut session = self.sessions.get_session_by_id(correlation_id, session_id).await?;
                if let Some(session) = &mut session {
                    session.data = Some(data.clone());
                }
                Ok(session)
            }
            Fault::FailsAfterStores if self.does(Fault::FailsAfterStores) => {
                self.sessions.store_session_data(correlation_id, session_id, data).await?;
                Err(busy())
            }
            Fault::DamagesStores if self.does(Fault::DamagesStores) => {
                let mut data = data.clone();
                data["filler"] = "?".into();
                self.sessions.store_session_data(correlation_id, session_id, &data).await
            }
            Fault::ReplacesStores if self.does(Fault::ReplacesStores) => {
                self.sessions.store_session_data(correlation_id, session_id, &"?".into()).await
            }
            Fault::RefusesStores => Err(busy()),
            Fault::LimitsStores(delay) if self.does(self.fault) => Err(too_many(delay)),
            _ => self.sessions.store_session_data(correlation_id, session_id, data).await,
        }
    }

    async fn update_session_user(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        user: &Value,
    ) -> Result<Option<Session>> {
        self.received.fetch_add(1, Ordering::Relaxed);
        if self.does(Fault::LosesUpdates) {
            let mut session = self.sessions.get_session_by_id(correlation_id, session_id).await?;
            if let Some(session) = &mut session {
                session.user = Some(user.clone());
            }
            return Ok(session);
        }
        self.sessions.update_session_user(correlation_id, session_id, user).await
    }

    async fn close_session(&self, correlation_id: Option<&str>, session_id: &str) -> Result<Option<Session>> {
        self.received.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::IgnoresClose if self.does(Fault::IgnoresClose) => {
                self.sessions.get_session_by_id(correlation_id, session_id).await
            }
            Fault::ForgetsClose if self.does(Fault::ForgetsClose) => {
                let mut session = self.sessions.get_session_by_id(correlation_id, session_id).await?;
                if let Some(session) = &mut session {
                    session.active = false;
                    session.close_time = Some(session.request_time);
                    (session.user, session.data) = (None, None);
                }
                Ok(session)
            }
            Fault::KeepsDataOfClosed if self.does(Fault::KeepsDataOfClosed) => {
                let open = self.sessions.get_session_by_id(correlation_id, session_id).await?;
                let closed = self.sessions.close_session(correlation_id, session_id).await?;
                Ok(closed.zip(open).map(|(mut closed, open)| {
                    closed.data = open.data;
                    closed
                }))
            }
            _ => self.sessions.close_session(correlation_id, session_id).await,
        }
    }

    async fn close_expired_sessions(&self, correlation_id: Option<&str>) -> Result<()> {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.sessions.close_expired_sessions(correlation_id).await
    }

    async fn delete_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<Session>> {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.delete_slowly().await;
        match self.fault {
            Fault::IgnoresDelete if self.does(Fault::IgnoresDelete) => {
                self.sessions.get_session_by_id(correlation_id, session_id).await
            }
            Fault::KeepsFirstSessions | Fault::RefusesFourDeletes
                if self.deletes.fetch_add(1, Ordering::Relaxed) < 4 =>
            {
                Err(busy())
            }
            Fault::KeepsFirstSessions if self.keeps(session_id).await => Ok(None),
            _ => self.sessions.delete_session_by_id(correlation_id, session_id).await,
        }
    }
}
