//! A service in memory with one thing wrong with it.

use sessions_client::{
    DataPage, Error, FilterParams, ISessionsV1, PagingParams, Result, ServiceError, SessionV1,
    SessionsMemoryClientV1, Timestamp, Value,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A store is answered as if it had been done.
    LosesStores,
    /// A store keeps something else.
    DamagesStores,
    /// A read returns the first session there is, and so does a list.
    MixesUpSessions,
    IgnoresClose,
    IgnoresDelete,
    RefusesStores,
    RefusesFourDeletes,
    /// Sessions are opened, but nobody learns of it.
    AnswersNoOpen,
    RefusesLists,
    /// Refuses five deletes, then keeps the first session of each user; and has one session on a page.
    KeepsFirstSessions,
    /// A list takes a second.
    ListsSlowly,
    /// Every list is of sessions that nobody has seen before.
    ListsWithoutEnd,
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    sessions: SessionsMemoryClientV1,
    fault: Fault,
    deletes: Arc<AtomicUsize>,
    lists: Arc<AtomicUsize>,
}

type Session = SessionV1<Value, Value>;

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            sessions: SessionsMemoryClientV1::new(),
            fault,
            deletes: Arc::default(),
            lists: Arc::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether anybody has asked for a list.
    pub(crate) fn was_asked_for_lists(&self) -> bool {
        self.lists.load(Ordering::Relaxed) > 0
    }

    pub(crate) async fn has(&self, id: &str) -> bool {
        self.sessions.get_session_by_id(None, id).await.unwrap().is_some()
    }

    async fn is_first_of_two(&self, id: &str) -> bool {
        let session = self.sessions.get_session_by_id(None, id).await.unwrap().unwrap();
        let filter = FilterParams::new().user_id(session.user_id.unwrap());
        let sessions = self.sessions.get_sessions(None, Some(&filter), None).await.unwrap().data;
        sessions.len() == 2 && sessions[0].id == id
    }

    async fn first(&self) -> Result<DataPage<Session>> {
        self.sessions.get_sessions(None, None, Some(&PagingParams::new().take(1))).await
    }
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
        match self.fault {
            Fault::MixesUpSessions => self.first().await,
            Fault::RefusesLists => Err(busy()),
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
        if self.fault == Fault::MixesUpSessions {
            let first = self.first().await?.data.pop();
            return Ok(first);
        }
        self.sessions.get_session_by_id(correlation_id, session_id).await
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
        let session =
            self.sessions.open_session(correlation_id, user_id, user_name, address, client, user, data).await;
        if self.fault == Fault::AnswersNoOpen { Err(busy()) } else { session }
    }

    async fn store_session_data(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        data: &Value,
    ) -> Result<Option<Session>> {
        match self.fault {
            Fault::LosesStores => {
                let mut session = self.sessions.get_session_by_id(correlation_id, session_id).await?;
                if let Some(session) = &mut session {
                    session.data = Some(data.clone());
                }
                Ok(session)
            }
            Fault::DamagesStores => {
                let mut data = data.clone();
                data["filler"] = "?".into();
                self.sessions.store_session_data(correlation_id, session_id, &data).await
            }
            Fault::RefusesStores => Err(busy()),
            _ => self.sessions.store_session_data(correlation_id, session_id, data).await,
        }
    }

    async fn update_session_user(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        user: &Value,
    ) -> Result<Option<Session>> {
        self.sessions.update_session_user(correlation_id, session_id, user).await
    }

    async fn close_session(&self, correlation_id: Option<&str>, session_id: &str) -> Result<Option<Session>> {
        match self.fault {
            Fault::IgnoresClose => self.sessions.get_session_by_id(correlation_id, session_id).await,
            _ => self.sessions.close_session(correlation_id, session_id).await,
        }
    }

    async fn close_expired_sessions(&self, correlation_id: Option<&str>) -> Result<()> {
        self.sessions.close_expired_sessions(correlation_id).await
    }

    async fn delete_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<Session>> {
        match self.fault {
            Fault::IgnoresDelete => self.sessions.get_session_by_id(correlation_id, session_id).await,
            Fault::KeepsFirstSessions if self.deletes.fetch_add(1, Ordering::Relaxed) < 5 => Err(busy()),
            Fault::KeepsFirstSessions if self.is_first_of_two(session_id).await => Ok(None),
            Fault::RefusesFourDeletes if self.deletes.fetch_add(1, Ordering::Relaxed) < 4 => Err(busy()),
            _ => self.sessions.delete_session_by_id(correlation_id, session_id).await,
        }
    }
}
