//! The checked calls that scenarios of the sessions service are made of.

use super::{BuiltIn, ScenarioParams};
use crate::checks::call_outcome::CallOutcome;
use crate::checks::known_session::{KnownSession, PendingCall, Session, SessionCall};
use crate::checks::ledger::Ledger;
use crate::checks::list::{ListCheck, ListFilter};
use crate::checks::payload::{Filler, Label, constants};
use crate::checks::violation::{CheckResult, Violation, ViolationKind, ensure, ensure_string};
use crate::client::LoadClient;
use crate::executors::call::{Subject, call};
use crate::executors::shared::user_id_prefix;
use crate::executors::user::{IterationError, IterationResult, VirtualUser};
use sessions_client::sessions_v1::{
    CloseSession, DeleteSessionById, GetSessionById, GetSessions, OpenSession, StoreSessionData,
    UpdateSessionUser,
};
use sessions_client::{Error, FilterParams, Operation, PagingParams, RawResponse, RawValue};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;

/// Sessions per page: fewer than a user of `browse` keeps, so that there are several pages.
const PAGE_SIZE: u32 = 2;

/// The state that all virtual users of the sessions service share.
#[derive(Debug)]
pub(crate) struct SessionsState {
    /// One client for all users: a client per user would hold a copy of the system's certificates each.
    pub(crate) client: LoadClient,
    pub(crate) ledger: Ledger,
    pub(crate) params: ScenarioParams,
    pub(crate) filler: Filler,
    /// The session of the scenario `hot-session`.
    pub(crate) hot_session: OnceCell<Arc<KnownSession>>,
    /// The number of open calls.
    pub(crate) sessions: AtomicU64,
}

/// The client of a virtual user of the sessions service, with a model of everything that was written.
///
/// Each call of a [`VirtualUser<Sessions>`](VirtualUser) is checked against everything that was written before.
pub struct Sessions {
    pub(crate) state: Arc<SessionsState>,
    /// Sessions that a scenario keeps from one iteration to the next.
    pub(crate) kept_sessions: Vec<Arc<KnownSession>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl VirtualUser<Sessions> {
    /// The id of the user whose session all users of `hot-session` share.
    pub(crate) fn shared_user_id(&self) -> String {
        let config = &self.shared().config;
        let (prefix, number) = (user_id_prefix(&config.test_run_id), config.id_number);
        format!("{prefix}{number}-all-{}", BuiltIn::HotSession.name())
    }

    /// Opens a session of this user, with a user object and data that identify it.
    ///
    /// A session that the scenario does not delete is deleted after the run.
    ///
    /// # Errors
    ///
    /// If the call fails, or its response is wrong. A session that was opened nevertheless is deleted after the run.
    pub async fn open(&mut self) -> Result<Arc<KnownSession>, IterationError> {
        let owner = self.id();
        self.open_for(&owner).await
    }

    /// Opens a session of another user.
    pub(crate) async fn open_for(&mut self, owner: &str) -> Result<Arc<KnownSession>, IterationError> {
        let config = &self.shared().config;
        let SessionsState { client, ledger, filler, sessions, .. } = &*self.client.state;
        let number = sessions.fetch_add(1, Ordering::Relaxed);
        let correlation = format!("{owner}-{number}");
        let rows = self.shared().data.as_ref();
        let [user_name, address, client_name] = constants(rows.map(|rows| &**rows.of(number, 0)));
        let label = Label::new(owner, number).with_rows(rows.cloned());
        let (user, data) = (label.user(0), label.data(0, filler));
        let opening = OpenSession::<Box<RawValue>, Box<RawValue>>::new(owner)
            .correlation_id(&correlation)
            .user_name(user_name)
            .address(address)
            .client(client_name)
            .user(&user)
            .data(&data);
        let mut opened = None;
        let check = |response: Result<&RawResponse, Error>| {
            let session: Session<'_> = match response {
                Ok(response) => response.read()?,
                Err(error) => {
                    if matches!(CallOutcome::of_error(&error), CallOutcome::Refused) {
                        ledger.not_opened(owner);
                    }
                    return Err(error);
                }
            };
            if session.id.is_empty() {
                return Ok(Err(Violation::with(ViolationKind::MissingId, "an id", "an empty string")));
            }
            // A session of this user must be deleted whatever else is wrong with it; one of another user must
            // not.
            let of_user = ensure_string(ViolationKind::OtherUser, owner, session.user_id.as_deref());
            if let Err(violation) = of_user {
                return Ok(Err(violation.of_session(&session.id)));
            }
            let known = Arc::new(KnownSession::new(&session, label, correlation.clone()));
            let is_new = ledger.opened(&known);
            let checked = if config.checks_enabled {
                let checked = known.check_opened(&session, filler);
                let reused = || Violation::with(ViolationKind::ReusedId, "a new id", &session.id);
                ensure(is_new, reused).and(checked).map_err(|violation| violation.of_session(&session.id))
            } else {
                Ok(())
            };
            opened = Some(known);
            Ok(checked)
        };
        ledger.opening(owner);
        let subject = Subject { session_id: "", correlation_id: &correlation };
        let called = call(&self.calls, client.caller(), subject, opening, check).await;
        // The run has ended before the request was sent.
        if matches!(called, Err(IterationError::RunEnded)) {
            ledger.not_opened(owner);
        }
        called?;
        opened.ok_or(IterationError::Violation(ViolationKind::MissingId.description()))
    }

    /// Reads a session. It must be as the calls before have left it: missing after [`delete`](Self::delete), without
    /// data after [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// If the call fails, or its response contradicts the calls before.
    pub async fn read(&mut self, known: &KnownSession) -> IterationResult {
        let reading = GetSessionById::new(&known.id).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::Read, reading).await
    }

    /// Stores new data in a session. Their size and shape are those of `--payload-bytes` and `--payload-shape`,
    /// or they are a row of `--data-file`.
    ///
    /// # Errors
    ///
    /// If the call fails, or its response contradicts the calls before.
    pub async fn store(&mut self, known: &KnownSession) -> IterationResult {
        self.check_stop()?;
        let sequence = self.next_sequence(known, KnownSession::next_data);
        let data = known.label.data(sequence, &self.client.state.filler);
        let storing = StoreSessionData::new(&known.id, &data).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::StoreData(sequence), storing).await
    }

    /// Replaces the user object of a session.
    ///
    /// # Errors
    ///
    /// If the call fails, or its response contradicts the calls before.
    pub async fn update(&mut self, known: &KnownSession) -> IterationResult {
        self.check_stop()?;
        let sequence = self.next_sequence(known, KnownSession::next_user);
        let user = known.label.user(sequence);
        let updating = UpdateSessionUser::new(&known.id, &user).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::UpdateUser(sequence), updating).await
    }

    /// Closes a session.
    ///
    /// # Errors
    ///
    /// If the call fails, or its response contradicts the calls before.
    pub async fn close(&mut self, known: &KnownSession) -> IterationResult {
        let closing = CloseSession::new(&known.id).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::Close, closing).await?;
        self.client.state.ledger.closed();
        Ok(())
    }

    /// Deletes a session.
    ///
    /// # Errors
    ///
    /// If the call fails, or its response contradicts the calls before.
    pub async fn delete(&mut self, known: &KnownSession) -> IterationResult {
        let deleting = DeleteSessionById::new(&known.id).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::Delete, deleting).await?;
        self.client.state.ledger.deleted(known);
        Ok(())
    }

    /// Lists the sessions of this user, page by page. The list must contain those that were opened and not deleted.
    ///
    /// # Errors
    ///
    /// If a call fails, or the list contradicts the calls before.
    pub async fn list(&mut self) -> IterationResult {
        let owner = self.id();
        let all = FilterParams::new().user_id(&owner);
        self.list_pages(&owner, &all, ListFilter::All).await
    }

    /// Lists page after page until one contains no new session, and checks the whole list.
    pub(crate) async fn list_pages(
        &mut self,
        owner: &str,
        filter: &FilterParams,
        expected: ListFilter<'_>,
    ) -> IterationResult {
        let mut list = ListCheck::new(self.client.state.ledger.owned_by(owner), expected);
        loop {
            let paging = PagingParams::new().skip(list.count()).take(PAGE_SIZE).total(true);
            if !self.list_page(owner, filter, &paging, &mut list).await? {
                return Ok(());
            }
            self.check_stop()?;
        }
    }

    /// Requests one page of a list. Returns whether it contained new sessions, so that there may be another
    /// page.
    async fn list_page(
        &mut self,
        owner: &str,
        filter: &FilterParams,
        paging: &PagingParams,
        list: &mut ListCheck<'_>,
    ) -> Result<bool, IterationError> {
        let SessionsState { client, ledger, .. } = &*self.client.state;
        let checks_enabled = self.shared().config.checks_enabled;
        let listing = GetSessions::new().correlation_id(owner).filter(filter).paging(paging);
        let subject = Subject { session_id: "", correlation_id: owner };
        let before = list.count();
        let check = |response: Result<&RawResponse, Error>| {
            let page = response.and_then(RawResponse::read)?;
            Ok(if checks_enabled {
                list.check_page(owner, paging, &page, ledger)
            } else {
                list.skip_page(&page);
                Ok(())
            })
        };
        call(&self.calls, client.caller(), subject, listing, check).await?;
        Ok(list.count() > before)
    }

    /// The sequence number of the next write. Without checks no history is kept.
    fn next_sequence(&self, known: &KnownSession, next: impl FnOnce(&KnownSession) -> u64) -> u64 {
        if self.shared().config.checks_enabled { next(known) } else { 0 }
    }

    /// One call about a known session.
    async fn call_session(
        &mut self,
        known: &KnownSession,
        session_call: SessionCall,
        operation: impl Operation,
    ) -> IterationResult {
        self.check_stop()?;
        let SessionsState { client, filler, .. } = &*self.client.state;
        let checks_enabled = self.shared().config.checks_enabled;
        let mut pending = checks_enabled.then(|| Unanswered::new(known, session_call, filler));
        let check = |response: Result<&RawResponse, Error>| {
            let has_body = response.as_ref().is_ok_and(|response| !response.response().body().is_empty());
            let found = response.and_then(RawResponse::read::<Option<Session<'_>>>);
            let outcome = CallOutcome::new(found.as_ref(), has_body);
            let checked = pending.take().map_or(Ok(()), |pending| pending.end(outcome));
            found.map(|_| checked)
        };
        call(&self.calls, client.caller(), known.into(), operation, check).await
    }
}

/// A call that has started. If it is dropped because calls in flight are given up, it has no response: its
/// effect may happen at any time.
struct Unanswered<'k> {
    known: &'k KnownSession,
    pending: Option<PendingCall>,
    filler: &'k Filler,
}

impl<'k> Unanswered<'k> {
    fn new(known: &'k KnownSession, call: SessionCall, filler: &'k Filler) -> Self {
        Self { known, pending: Some(known.begin(call)), filler }
    }

    /// Registers the end of the call, and checks its response.
    fn end(mut self, outcome: CallOutcome<'_>) -> CheckResult {
        self.pending.take().map_or(Ok(()), |pending| self.known.end(&pending, outcome, self.filler))
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            // Without a response there is nothing to check.
            let _ = self.known.end(&pending, CallOutcome::NoResponse, self.filler);
        }
    }
}
