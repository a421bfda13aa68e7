//! The life of a session, as each user runs it over and over.
//!
//! It is one transaction, from open to delete: goose ends a user only between transactions, so a run that is
//! stopped has no session half way. A step that fails ends the session's use, but not before its deletion.
//! Deletion is part of the load; what it misses is for the [audit](crate::audit).

use crate::call;
use crate::check::{CLIENT, Data, Expected, Mismatch, Profile, Session, State, USER_NAME};
use crate::cli::Lifecycle;
use crate::ledger::Ledger;
use crate::stop::Stop;
use crate::tally::Tally;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionError, TransactionResult};
use sessions_client::{Error, ISessionsV1, Route, SessionsHttpClientV1, sessions_v1};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The typed client, with the load test's own payloads.
pub(crate) type Client = SessionsHttpClientV1<Profile, Data>;

/// The operations in the order of a session's life.
pub(crate) const OPERATIONS: [&Route; 5] = [
    sessions_v1::OPEN_SESSION,
    sessions_v1::STORE_SESSION_DATA,
    sessions_v1::GET_SESSION_BY_ID,
    sessions_v1::CLOSE_SESSION,
    sessions_v1::DELETE_SESSION_BY_ID,
];

/// The wait after a lifecycle that came to nothing: a service that opens no sessions is asked again, but not
/// as fast as it can refuse.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest sleep before somebody looks whether the run is over.
const NAP: Duration = Duration::from_millis(250);

/// The longest wait for users to come to an end: some calls, each of which may run into its timeout.
const REST: Duration = Duration::from_secs(60);

/// What all users of a run share.
#[derive(Debug)]
pub(crate) struct Load {
    /// One for all: a connection pool for each user would hold a copy of the system's certificates.
    pub(crate) client: Client,
    pub(crate) lifecycle: Lifecycle,
    /// What is said when the first user starts: not sooner, because goose may refuse to run.
    pub(crate) announcement: String,
    /// Tells the users of this run from those of any other.
    pub(crate) run: String,
    pub(crate) tally: Tally,
    pub(crate) ledger: Ledger,
    pub(crate) stop: Stop,
    /// How many users there have been.
    pub(crate) users: AtomicUsize,
    /// How many sessions are under way.
    pub(crate) alive: AtomicUsize,
}

impl Load {
    /// The id of a user, counted from 0.
    pub(crate) fn user_id(&self, user: usize) -> String {
        format!("loadtest-{}-{user}", self.run)
    }

    /// Waits for users that goose left to themselves: what they open after the audit would stay.
    pub(crate) async fn all_at_rest(&self) {
        let start = Instant::now();
        while self.alive.load(Ordering::SeqCst) > 0 && start.elapsed() < REST {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The scenario for goose.
pub(crate) fn scenario(load: &Arc<Load>) -> Scenario {
    let load = Arc::clone(load);
    let transaction = Transaction::new(Arc::new(move |user| {
        let load = Arc::clone(&load);
        Box::pin(async move { lifecycle(&load, user).await })
    }));
    Scenario::new("session").register_transaction(transaction.set_name("lifecycle"))
}

/// Who a goose user is, and how many sessions that one had.
#[derive(Clone)]
struct Visitor {
    profile: Arc<Profile>,
    sessions: u64,
}

/// The visitor that `user` is, with one more session.
fn next_session(load: &Load, user: &mut GooseUser) -> Visitor {
    if user.get_session_data::<Visitor>().is_none() {
        let number = load.users.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            eprintln!("loadtest: {}", load.announcement);
        }
        let owner = load.user_id(number);
        user.set_session_data(Visitor { profile: Arc::new(Profile { owner }), sessions: 0 });
    }
    let visitor = user.get_session_data_unchecked_mut::<Visitor>();
    visitor.sessions += 1;
    visitor.clone()
}

/// Counts as alive until it is dropped.
struct Alive<'l>(&'l AtomicUsize);

impl<'l> Alive<'l> {
    fn new(alive: &'l AtomicUsize) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(alive)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn lifecycle(load: &Load, user: &mut GooseUser) -> TransactionResult {
    // Counted before it looks: whoever orders the end and then sees nobody alive can be sure that nobody starts.
    let alive = Alive::new(&load.alive);
    if load.stop.is_due() {
        // goose starts the next lifecycle at once until it has told this user to end, which it could never do
        // if no user ever waited.
        drop(alive);
        tokio::time::sleep(PAUSE).await;
        return Ok(());
    }
    let Visitor { profile, sessions } = next_session(load, user);
    let mut life = Life { load, user, profile: &profile, data: data(load, &profile, sessions) };
    let id = match life.open().await {
        Ok(session) => session.id,
        Err(error) => {
            tokio::time::sleep(PAUSE).await;
            return Err(error);
        }
    };
    let outcome = life.use_up(&id).await;
    let deletion = life.delete(&id).await;
    if outcome? && deletion.is_ok() {
        load.tally.lifecycle();
    }
    deletion
}

fn data(load: &Load, profile: &Profile, session: u64) -> Data {
    let filler = "x".repeat(load.lifecycle.payload_bytes);
    Data { owner: profile.owner.clone(), session, sequence: 0, filler }
}

/// A session's life as far as it has come.
struct Life<'l> {
    load: &'l Load,
    user: &'l mut GooseUser,
    profile: &'l Profile,
    /// What is stored now, as far as is known.
    data: Data,
}

impl Life<'_> {
    async fn open(&mut self) -> Result<Session, Box<TransactionError>> {
        let Self { load, profile, .. } = *self;
        let data = self.data.clone();
        let owner = &*profile.owner;
        let call = load.client.open_session(
            Some(owner),
            owner,
            Some(USER_NAME),
            None,
            Some(CLIENT),
            Some(profile),
            Some(&data),
        );
        let check = |session: &Session| {
            let expected = Expected { id: &session.id, profile, data: &data };
            // Whatever else is wrong with it, a session of ours is one to delete; one of others is not.
            expected.check(Some(session), State::Any)?;
            if session.id.is_empty() {
                return Err(Mismatch::NoId);
            }
            if !load.ledger.opened(&session.id) {
                return Err(Mismatch::IdInUse);
            }
            expected.check(Some(session), State::Open)
        };
        call::call(self.user, &load.tally, sessions_v1::OPEN_SESSION, call, check).await
    }

    /// Everything between open and delete; whether the run left time for all of it.
    async fn use_up(&mut self, id: &str) -> Result<bool, Box<TransactionError>> {
        let load = self.load;
        for sequence in 1..=load.lifecycle.stores {
            if self.think().await {
                return Ok(false);
            }
            let data = Data { sequence, ..self.data.clone() };
            let call = load.client.store_session_data(Some(&self.profile.owner), id, &data);
            self.data = data.clone();
            self.step(id, sessions_v1::STORE_SESSION_DATA, call, State::Open).await?;
            if self.think().await {
                return Ok(false);
            }
            self.get(id, State::Open).await?;
        }
        if self.think().await {
            return Ok(false);
        }
        let call = load.client.close_session(Some(&self.profile.owner), id);
        self.step(id, sessions_v1::CLOSE_SESSION, call, State::Closed).await?;
        if self.think().await {
            return Ok(false);
        }
        self.get(id, State::Closed).await?;
        Ok(!self.think().await)
    }

    async fn delete(&mut self, id: &str) -> TransactionResult {
        let load = self.load;
        let call = load.client.delete_session_by_id(Some(&self.profile.owner), id);
        self.step(id, sessions_v1::DELETE_SESSION_BY_ID, call, State::Any).await?;
        load.ledger.deleted(id);
        self.get(id, State::Gone).await
    }

    async fn get(&mut self, id: &str, state: State) -> TransactionResult {
        let call = self.load.client.get_session_by_id(Some(&self.profile.owner), id);
        self.step(id, sessions_v1::GET_SESSION_BY_ID, call, state).await
    }

    /// One call about the session, whose answer must show it in `state`.
    async fn step(
        &mut self,
        id: &str,
        route: &'static Route,
        call: impl Future<Output = Result<Option<Session>, Error>>,
        state: State,
    ) -> TransactionResult {
        let Self { load, profile, ref data, .. } = *self;
        let expected = Expected { id, profile, data };
        let check = |session: &Option<Session>| expected.check(session.as_ref(), state);
        call::call(self.user, &load.tally, route, call, check).await?;
        Ok(())
    }

    /// Waits as long as a user thinks; whether the run is over by then.
    async fn think(&self) -> bool {
        let mut left = self.load.lifecycle.think_time();
        while !left.is_zero() && !self.load.stop.is_due() {
            let nap = left.min(NAP);
            tokio::time::sleep(nap).await;
            left -= nap;
        }
        self.load.stop.is_due()
    }
}
