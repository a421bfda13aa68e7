//! Virtual users: their state between iterations, and the calls that scenarios are made of.

use super::call::{CallContext, IterationError, Subject, call};
use super::shared::SharedState;
use crate::checks::known_session::{CLIENT, CallOutcome, KnownSession, Session, SessionCall, USER_NAME};
use crate::checks::list::ListCheck;
use crate::checks::payload::Label;
use crate::checks::violation::{Violation, ensure};
use crate::metrics::recorder::StepMetrics;
use crate::scenarios::Scenario;
use crate::status;
use goose::goose::GooseUser;
use sessions_client::sessions_v1::{
    CloseSession, DeleteSessionById, GetSessionById, GetSessions, OpenSession, StoreSessionData,
    UpdateSessionUser,
};
use sessions_client::{Error, FilterParams, Operation, PagingParams, RawResponse, RawValue};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time between two checks for the end of the run while a user thinks. Thousands of users may be
/// thinking, so it is longer than the poll interval of executors.
const THINK_POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The state of a virtual user between iterations.
#[derive(Clone, Debug)]
pub(crate) struct VirtualUser {
    number: usize,
    /// Sessions that a scenario keeps from one iteration to the next.
    kept_sessions: Vec<Arc<KnownSession>>,
}

/// The virtual user in the session data of its goose user.
#[derive(Clone, Debug, Default)]
struct GooseUserData(Option<VirtualUser>);

impl VirtualUser {
    /// Takes the virtual user out of its goose user, or creates it for the first iteration.
    pub(crate) fn take_from(shared: &SharedState, user: &mut GooseUser) -> Self {
        if let Some(GooseUserData(kept)) = user.get_session_data_mut::<GooseUserData>()
            && let Some(virtual_user) = kept.take()
        {
            return virtual_user;
        }
        let number = shared.counters.next_user();
        if number == 0 {
            status::log(&shared.config.announcement);
        }
        Self { number, kept_sessions: Vec::new() }
    }

    /// Puts the virtual user back for the next iteration.
    pub(crate) fn put_back(self, user: &mut GooseUser) {
        user.set_session_data(GooseUserData(Some(self)));
    }
}

/// One iteration of a virtual user.
pub(crate) struct Iteration<'i> {
    pub(crate) shared: &'i SharedState,
    user: &'i mut GooseUser,
    number: usize,
    /// Sessions that the scenario keeps from one iteration to the next.
    pub(crate) kept_sessions: &'i mut Vec<Arc<KnownSession>>,
    /// The moment when the iteration was due, until its first call takes it: later calls are due when the
    /// previous response arrives.
    due: Option<Instant>,
    step: Option<&'i StepMetrics>,
}

impl<'i> Iteration<'i> {
    pub(crate) fn new(
        shared: &'i SharedState,
        user: &'i mut GooseUser,
        virtual_user: &'i mut VirtualUser,
        due: Option<Instant>,
        step: Option<&'i StepMetrics>,
    ) -> Self {
        let VirtualUser { number, kept_sessions } = virtual_user;
        Self { shared, user, number: *number, kept_sessions, due, step }
    }

    /// The id of this user in a scenario.
    pub(crate) fn user_id(&self, scenario: Scenario) -> String {
        self.shared.config.user_id(self.number, scenario)
    }

    /// The context of the next call.
    fn call_context(&mut self) -> CallContext<'_> {
        let due = self.due.take();
        CallContext { shared: self.shared, user: self.user, number: self.number, due, step: self.step }
    }

    /// Returns an error if the run has ended.
    pub(crate) fn check_stop(&self) -> Result<(), IterationError> {
        if self.shared.stop.is_due() { Err(IterationError::RunEnded) } else { Ok(()) }
    }

    /// Waits for half to one and a half times the average think time. Returns an error if the run ends
    /// meanwhile.
    pub(crate) async fn think(&self) -> Result<(), IterationError> {
        let think_time = self.shared.config.think_time;
        if !think_time.is_zero() {
            let mut left = think_time.mul_f64(0.5 + fastrand::f64());
            while !left.is_zero() && !self.shared.stop.is_due() {
                let pause = left.min(THINK_POLL_INTERVAL);
                tokio::time::sleep(pause).await;
                left -= pause;
            }
        }
        self.check_stop()
    }

    pub(crate) async fn open(&mut self, owner: &str) -> Result<Arc<KnownSession>, IterationError> {
        let SharedState { config, counters, ledger, .. } = self.shared;
        let number = counters.next_session();
        let correlation = format!("{owner}-{number}");
        let label = Label::new(owner, number);
        let (user, data) = (label.user(0), label.data(0, &config.filler));
        let opening = OpenSession::<Box<RawValue>, Box<RawValue>>::new(owner)
            .correlation_id(&correlation)
            .user_name(USER_NAME)
            .client(CLIENT)
            .user(&user)
            .data(&data);
        let mut opened = None;
        let check = |response: Result<&RawResponse, Error>| {
            let session: Session<'_> = response.and_then(RawResponse::read)?;
            if session.id.is_empty() {
                return Ok(Err(Violation::MissingId));
            }
            // A session of this user must be deleted whatever else is wrong with it; one of another user must
            // not.
            if session.user_id.as_deref() != Some(owner) {
                return Ok(Err(Violation::OtherUser));
            }
            let known = Arc::new(KnownSession::new(&session, label, correlation.clone()));
            let is_new = ledger.opened(Arc::clone(&known));
            let checked = if config.checks_enabled {
                let pending = known.begin(SessionCall::Read);
                let checked = known.end(&pending, CallOutcome::Session(&session), &config.filler);
                ensure(is_new, Violation::ReusedId).and(checked)
            } else {
                Ok(())
            };
            opened = Some(known);
            Ok(checked)
        };
        ledger.opening(owner);
        let subject = Subject { session_id: "", correlation_id: &correlation };
        let called = call(self.call_context(), subject, opening, check).await;
        // goose may have stopped before the request was sent, or after its response arrived.
        if opened.is_none() && matches!(called, Err(IterationError::Goose(_))) {
            ledger.not_opened(owner);
        }
        called?;
        opened.ok_or(IterationError::Violation(Violation::MissingId))
    }

    pub(crate) async fn read(&mut self, known: &KnownSession) -> Result<(), IterationError> {
        let reading = GetSessionById::new(&known.id).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::Read, reading).await
    }

    pub(crate) async fn store(&mut self, known: &KnownSession) -> Result<(), IterationError> {
        let sequence = self.next_sequence(known, KnownSession::next_data);
        let data = known.label.data(sequence, &self.shared.config.filler);
        let storing = StoreSessionData::new(&known.id, &data).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::StoreData(sequence), storing).await
    }

    pub(crate) async fn update(&mut self, known: &KnownSession) -> Result<(), IterationError> {
        let sequence = self.next_sequence(known, KnownSession::next_user);
        let user = known.label.user(sequence);
        let updating = UpdateSessionUser::new(&known.id, &user).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::UpdateUser(sequence), updating).await
    }

    pub(crate) async fn close(&mut self, known: &KnownSession) -> Result<(), IterationError> {
        let closing = CloseSession::new(&known.id).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::Close, closing).await?;
        self.shared.ledger.closed();
        Ok(())
    }

    pub(crate) async fn delete(&mut self, known: &KnownSession) -> Result<(), IterationError> {
        let deleting = DeleteSessionById::new(&known.id).correlation_id(&known.correlation);
        self.call_session(known, SessionCall::Delete, deleting).await?;
        self.shared.ledger.deleted(known);
        Ok(())
    }

    /// Requests one page of a list. Returns whether it contained new sessions, so that there may be another
    /// page.
    pub(crate) async fn list(
        &mut self,
        owner: &str,
        filter: &FilterParams,
        paging: &PagingParams,
        list: &mut ListCheck<'_>,
    ) -> Result<bool, IterationError> {
        let shared = self.shared;
        let listing = GetSessions::new().correlation_id(owner).filter(filter).paging(paging);
        let subject = Subject { session_id: "", correlation_id: owner };
        let before = list.count();
        let check = |response: Result<&RawResponse, Error>| {
            let page = response.and_then(RawResponse::read)?;
            Ok(if shared.config.checks_enabled {
                list.check_page(owner, &page, &shared.ledger)
            } else {
                list.skip_page(&page);
                Ok(())
            })
        };
        call(self.call_context(), subject, listing, check).await?;
        Ok(list.count() > before)
    }

    /// The sequence number of the next write. Without checks no history is kept.
    fn next_sequence(&self, known: &KnownSession, next: impl FnOnce(&KnownSession) -> u64) -> u64 {
        if self.shared.config.checks_enabled { next(known) } else { 0 }
    }

    /// One call about a known session.
    async fn call_session(
        &mut self,
        known: &KnownSession,
        session_call: SessionCall,
        operation: impl Operation,
    ) -> Result<(), IterationError> {
        let config = &self.shared.config;
        let pending = config.checks_enabled.then(|| known.begin(session_call));
        let check = |response: Result<&RawResponse, Error>| {
            let found = response.and_then(RawResponse::read::<Option<Session<'_>>>);
            let checked =
                pending.map_or(Ok(()), |pending| known.end(&pending, found.as_ref().into(), &config.filler));
            found.map(|_| checked)
        };
        call(self.call_context(), known.into(), operation, check).await
    }
}
