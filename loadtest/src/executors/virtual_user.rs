//! A virtual user: what a user of goose is from one iteration to the next, and what one can do in each.

use super::shared::Load;
use crate::checks::known_session::{Answer, CLIENT, Change, KnownSession, Session, USER_NAME};
use crate::checks::list::Listed;
use crate::checks::payload::Label;
use crate::checks::violation::{Violation, must};
use crate::client::{EitherTransport, GooseTransport, UserClient, client};
use crate::executors::call::{CallContext, CallError, Subject, call};
use crate::format as text;
use crate::metrics::recorder::Window;
use crate::scenarios::Scenario;
use goose::goose::GooseUser;
use sessions_client::sessions_v1::{
    CloseSession, DeleteSessionById, GetSessionById, GetSessions, OpenSession, StoreSessionData,
    UpdateSessionUser,
};
use sessions_client::{Error, FilterParams, Operation, PagingParams, RawResponse, RawValue};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The longest sleep before somebody looks whether the run is over.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// What a user of goose is from one iteration to the next.
#[derive(Clone, Debug)]
pub(crate) struct VirtualUser {
    number: usize,
    client: UserClient,
    kept_sessions: Vec<Arc<KnownSession>>,
}

/// The data that goose keeps for its user between iterations.
#[derive(Clone, Debug, Default)]
struct UserData(Option<VirtualUser>);

impl VirtualUser {
    /// The virtual user that `user` is, out of the data of its last iteration if there was one.
    pub(crate) fn take_from(load: &Load, user: &mut GooseUser) -> Self {
        if let Some(UserData(kept)) = user.get_session_data_mut::<UserData>()
            && let Some(virtual_user) = kept.take()
        {
            return virtual_user;
        }
        let number = load.users.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            text::tell(&load.announcement);
        }
        let client = match &load.goose_client {
            None => UserClient::Own(Arc::clone(&load.client)),
            Some(goose) => {
                let (transport, driver) = GooseTransport::new(&goose.base, &goose.peer);
                let transport = EitherTransport::goose(transport, &goose.config);
                UserClient::Goose(Arc::new(client(transport, &goose.config)), driver)
            }
        };
        Self { number, client, kept_sessions: Vec::new() }
    }

    /// Leaves the virtual user with `user` for the next iteration.
    pub(crate) fn put_back(self, user: &mut GooseUser) {
        user.set_session_data(UserData(Some(self)));
    }
}

/// One iteration of a virtual user.
pub(crate) struct Iteration<'i> {
    pub(crate) load: &'i Load,
    user: &'i mut GooseUser,
    number: usize,
    client: &'i UserClient,
    /// Sessions that are kept from one iteration to the next.
    pub(crate) kept_sessions: &'i mut Vec<Arc<KnownSession>>,
    /// When the iteration was due, until its first call has begun: the others are due when the one before is answered.
    due: Option<Instant>,
    window: Option<&'i Window>,
}

impl<'i> Iteration<'i> {
    pub(crate) fn new(
        load: &'i Load,
        user: &'i mut GooseUser,
        virtual_user: &'i mut VirtualUser,
        due: Option<Instant>,
        window: Option<&'i Window>,
    ) -> Self {
        let VirtualUser { number, client, kept_sessions } = virtual_user;
        Self { load, user, number: *number, client, kept_sessions, due, window }
    }

    /// The id of this user in a scenario.
    pub(crate) fn owner(&self, scenario: Scenario) -> String {
        self.load.owner(self.number, scenario)
    }

    /// The context of the next call, which is due when the iteration was if it is the first.
    fn call_context(&mut self) -> CallContext<'_> {
        let Self { load, number, client, window, .. } = *self;
        let due = self.due.take();
        CallContext {
            recorder: &load.recorder,
            verify: load.verify,
            user: self.user,
            number,
            client,
            due,
            window,
        }
    }

    /// Waits as long as a user thinks, half to one and a half times the average; whether the run is over by then.
    pub(crate) async fn think(&self) -> bool {
        let Load { think_time, stop, .. } = self.load;
        if !think_time.is_zero() {
            let mut left = think_time.mul_f64(0.5 + fastrand::f64());
            while !left.is_zero() && !stop.is_due() {
                let pause = left.min(POLL_INTERVAL);
                tokio::time::sleep(pause).await;
                left -= pause;
            }
        }
        stop.is_due()
    }

    pub(crate) async fn open(&mut self, owner: &str) -> Result<Arc<KnownSession>, CallError> {
        let load = self.load;
        let number = load.sessions.fetch_add(1, Ordering::Relaxed);
        let correlation = format!("{owner}-{number}");
        let label = Label::new(owner, number);
        let (user, data) = (label.user(0), label.data(0, &load.filler));
        let opening = OpenSession::<Box<RawValue>, Box<RawValue>>::new(owner)
            .correlation_id(&correlation)
            .user_name(USER_NAME)
            .client(CLIENT)
            .user(&user)
            .data(&data);
        let mut opened = None;
        let check = |answer: Result<&RawResponse, Error>| {
            let session: Session<'_> = answer.and_then(RawResponse::read)?;
            if session.id.is_empty() {
                return Ok(Err(Violation::NoId));
            }
            // Whatever else is wrong with it, a session of ours is one to delete; one of others is not.
            if session.user_id.as_deref() != Some(owner) {
                return Ok(Err(Violation::OtherUser));
            }
            let known = Arc::new(KnownSession::new(&session, label, correlation.clone()));
            let is_new = load.ledger.opened(Arc::clone(&known));
            let checked = if load.verify {
                let pending = known.begin(Change::Nothing);
                let checked = known.end(&pending, Answer::Session(&session), &load.filler);
                must(is_new, Violation::IdGivenTwice).and(checked)
            } else {
                Ok(())
            };
            opened = Some(known);
            Ok(checked)
        };
        load.ledger.opening(owner);
        let subject = Subject { session: "", correlation: &correlation };
        let answer = call(self.call_context(), subject, opening, check).await;
        // goose may be gone before the call, or after its answer.
        if opened.is_none() && matches!(answer, Err(CallError::Over(_))) {
            load.ledger.not_opened(owner);
        }
        answer?;
        opened.ok_or(CallError::Wrong(Violation::NoId))
    }

    pub(crate) async fn read(&mut self, known: &KnownSession) -> Result<(), CallError> {
        let reading = GetSessionById::new(&known.id).correlation_id(&known.correlation);
        self.about(known, Change::Nothing, reading).await
    }

    pub(crate) async fn store(&mut self, known: &KnownSession) -> Result<(), CallError> {
        let sequence = self.next(known, KnownSession::next_data);
        let data = known.label.data(sequence, &self.load.filler);
        let storing = StoreSessionData::new(&known.id, &data).correlation_id(&known.correlation);
        self.about(known, Change::Data(sequence), storing).await
    }

    pub(crate) async fn update(&mut self, known: &KnownSession) -> Result<(), CallError> {
        let sequence = self.next(known, KnownSession::next_user);
        let user = known.label.user(sequence);
        let updating = UpdateSessionUser::new(&known.id, &user).correlation_id(&known.correlation);
        self.about(known, Change::User(sequence), updating).await
    }

    pub(crate) async fn close(&mut self, known: &KnownSession) -> Result<(), CallError> {
        let closing = CloseSession::new(&known.id).correlation_id(&known.correlation);
        self.about(known, Change::Close, closing).await?;
        self.load.ledger.closed();
        Ok(())
    }

    pub(crate) async fn delete(&mut self, known: &KnownSession) -> Result<(), CallError> {
        let deleting = DeleteSessionById::new(&known.id).correlation_id(&known.correlation);
        self.about(known, Change::Delete, deleting).await?;
        self.load.ledger.deleted(known);
        Ok(())
    }

    /// One page of a list; whether it has added anything, so that there may be another.
    pub(crate) async fn list(
        &mut self,
        owner: &str,
        filter: &FilterParams,
        paging: &PagingParams,
        listed: &mut Listed<'_>,
    ) -> Result<bool, CallError> {
        let load = self.load;
        let listing = GetSessions::new().correlation_id(owner).filter(filter).paging(paging);
        let subject = Subject { session: "", correlation: owner };
        let before = listed.count();
        let check = |answer: Result<&RawResponse, Error>| {
            let page = answer.and_then(RawResponse::read)?;
            Ok(if load.verify {
                listed.page(owner, &page, &load.ledger)
            } else {
                listed.pass(&page);
                Ok(())
            })
        };
        call(self.call_context(), subject, listing, check).await?;
        Ok(listed.count() > before)
    }

    /// Numbers what is written next. What is not verified needs no history.
    fn next(&self, known: &KnownSession, next: impl FnOnce(&KnownSession) -> u64) -> u64 {
        if self.load.verify { next(known) } else { 0 }
    }

    /// One call about a session that is known.
    async fn about(
        &mut self,
        known: &KnownSession,
        change: Change,
        operation: impl Operation,
    ) -> Result<(), CallError> {
        let load = self.load;
        let pending = load.verify.then(|| known.begin(change));
        let check = |answer: Result<&RawResponse, Error>| {
            let found = answer.and_then(RawResponse::read::<Option<Session<'_>>>);
            let checked =
                pending.map_or(Ok(()), |pending| known.end(&pending, found.as_ref().into(), &load.filler));
            found.map(|_| checked)
        };
        call(self.call_context(), known.into(), operation, check).await
    }
}
