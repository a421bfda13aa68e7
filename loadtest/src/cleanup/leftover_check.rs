//! The leftover check after a run: it deletes sessions that users have not deleted, and reports those that
//! remain.
//!
//! Users delete their own sessions, except those that a scenario keeps. What is left are sessions whose
//! delete call failed, and sessions of open calls without a response, whose ids are unknown. So the sessions
//! of each user of the run are listed, and the list is checked against the ledger. Only sessions that belong
//! to a user of the run are deleted, whatever a list contains: the service may hold sessions of people.

use super::findings::Findings;
use crate::checks::call_outcome::CallOutcome;
use crate::checks::known_session::{KnownSession, Session, SessionCall};
use crate::checks::ledger::OwnedSessions;
use crate::checks::list::{ListCheck, ListFilter};
use crate::checks::violation::{CheckResult, Violation, ViolationKind};
use crate::client::{CLEANUP_ATTEMPTS, CleanupClient};
use crate::executors::shared::SharedState;
use crate::metrics::{EXAMPLES, SessionSummary, ViolationExample};
use crate::scenarios::session_calls::SessionsState;
use crate::telemetry::trace_context::TraceId;
use chrono::Utc;
use futures_util::stream::{self, StreamExt as _};
use sessions_client::sessions_v1::{CloseSession, DeleteSessionById, GetSessionById, GetSessions};
use sessions_client::{DataPage, Error, FilterParams, ISessionsV1, Operation, PagingParams, RawResponse};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The number of concurrent calls, whether a run had few users with many sessions or many with few.
pub(crate) const CONCURRENCY: usize = 32;

/// The number of unknown sessions that may be listed for one user, in addition to those of unanswered open
/// calls.
const MAX_UNKNOWN: usize = 1_000;

/// The ids that are listed for a user.
#[derive(Debug, Default)]
struct Listing {
    own: HashSet<String>,
    foreign: Vec<String>,
}

/// The leftover check of one run.
#[derive(Debug)]
pub(crate) struct LeftoverCheck {
    shared: Arc<SharedState>,
    sessions: Arc<SessionsState>,
    client: CleanupClient,
    /// Limits the sessions in progress of all users.
    slots: Semaphore,
    findings: Findings,
}

/// The check of a page, with the trace id of its request.
type CheckPage<'c> = dyn FnMut(&PagingParams, &DataPage<Session<'_>>, Option<TraceId>) + Send + 'c;

impl LeftoverCheck {
    pub(crate) fn new(
        shared: &Arc<SharedState>,
        sessions: &Arc<SessionsState>,
        client: CleanupClient,
    ) -> Self {
        let (shared, sessions) = (Arc::clone(shared), Arc::clone(sessions));
        Self { shared, sessions, client, slots: Semaphore::new(CONCURRENCY), findings: Findings::default() }
    }

    /// Deletes the leftovers of the run. It may be dropped at any time, and the rest is reported as left behind.
    pub(crate) async fn run(self: &Arc<Self>) {
        let mut owners = self.sessions.ledger.owners().into_iter();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < CONCURRENCY
                && !self.findings.has_given_up()
                && let Some(owner) = owners.next()
            {
                let check = Arc::clone(self);
                tasks.spawn(async move {
                    match check.owner(&owner).await {
                        Ok(()) => check.findings.succeeded(),
                        Err(error) => check.findings.failed(error),
                    }
                });
            }
            match tasks.join_next().await {
                Some(Ok(())) => (),
                Some(Err(error)) => self.findings.failed(error.to_string()),
                None => return,
            }
        }
    }

    /// The numbers of sessions that were deleted so far, and that are left.
    pub(crate) fn progress(&self) -> [u64; 2] {
        [self.findings.cleaned_up(), self.sessions.ledger.remaining(0).count]
    }

    /// The sessions of the run, with the reason if the check was stopped before its end.
    pub(crate) fn summary(&self, stopped: Option<String>) -> SessionSummary {
        let [opened, closed, deleted] = self.sessions.ledger.counts();
        let mut summary = self.findings.summary();
        let left = self.sessions.ledger.remaining(EXAMPLES);
        if stopped.is_some() || summary.check_error.is_some() {
            summary.left_behind.merge(&left);
            summary.check_error = stopped.or(summary.check_error);
        }
        SessionSummary { opened, closed, deleted, ..summary }
    }

    /// Lists the sessions of an owner, checks and deletes them, and lists again.
    async fn owner(&self, owner: &str) -> Result<(), String> {
        let sessions = self.sessions.ledger.owned_by(owner);
        let unknown = usize::try_from(sessions.unknown).unwrap_or(usize::MAX);
        let limit = (sessions.known.len() + MAX_UNKNOWN).saturating_add(unknown);
        let Listing { own, foreign } = self.checked_list(owner, &sessions, limit).await?;
        self.findings.foreign(foreign);
        // Sessions that the list omits may exist as well.
        let listed: HashSet<_> = own.iter().collect();
        let unlisted: Vec<_> = sessions.known.keys().filter(|id| !listed.contains(id)).cloned().collect();
        if own.is_empty() && unlisted.is_empty() {
            return Ok(());
        }
        let [existing, deleted] = self.delete_all(&sessions, &own, &unlisted).await?;
        let left = self.list(owner, limit, &mut |_, _, _| ()).await?.own;
        // The list is certain about all of them.
        sessions.known.values().for_each(|known| self.sessions.ledger.cleaned_up(known));
        self.findings.owner_ended([existing, deleted], left);
        Ok(())
    }

    /// Deletes listed and unlisted sessions. Returns the numbers of sessions that existed, and of those that
    /// were deleted.
    async fn delete_all(
        &self,
        sessions: &OwnedSessions,
        listed: &HashSet<String>,
        unlisted: &[String],
    ) -> Result<[u64; 2], String> {
        let all = listed.iter().map(|id| (id, true)).chain(unlisted.iter().map(|id| (id, false)));
        let all: Vec<(String, bool)> = all.map(|(id, is_listed)| (id.clone(), is_listed)).collect();
        let deletions = all.into_iter().map(|(id, is_listed)| self.delete_one(sessions, id, is_listed));
        let mut deletions = stream::iter(deletions).buffer_unordered(CONCURRENCY);
        let (mut counts, mut error) = ([0; 2], None);
        while let Some(deleted) = deletions.next().await {
            match deleted {
                Ok([existed, deleted]) => counts = [counts[0] + existed, counts[1] + deleted],
                Err(reason) => error = error.or(Some(reason)),
            }
        }
        error.or_else(|| self.findings.reason_to_give_up()).map_or(Ok(counts), Err)
    }

    /// Deletes a session when there is a slot. Returns whether it existed, and whether it was deleted.
    async fn delete_one(
        &self,
        sessions: &OwnedSessions,
        id: String,
        is_listed: bool,
    ) -> Result<[u64; 2], String> {
        let Ok(_slot) = self.slots.acquire().await else { return Ok([0; 2]) };
        if self.findings.has_given_up() {
            return Ok([0; 2]);
        }
        let known = sessions.known.get(&id);
        match self.delete(&id, known.map(|known| &**known)).await {
            Ok(existed) => {
                // A listed session existed, whatever the response to its deletion.
                let existed = u64::from(existed || is_listed);
                self.findings.deleted(existed);
                if let Some(known) = known {
                    self.sessions.ledger.cleaned_up(known);
                }
                Ok([existed; 2])
            }
            // The next list shows whether a listed session is left; for an unlisted one nothing does.
            Err(error) => {
                self.findings.failed_deletion(&error);
                if is_listed { Ok([1, 0]) } else { Err(error) }
            }
        }
    }

    /// Lists all sessions of an owner, and checks the list if checks are enabled.
    async fn checked_list(
        &self,
        owner: &str,
        sessions: &OwnedSessions,
        limit: usize,
    ) -> Result<Listing, String> {
        let is_checked = self.shared.config.checks_enabled;
        let mut list = is_checked.then(|| ListCheck::new(sessions.clone(), ListFilter::All));
        let mut check = |paging: &PagingParams, page: &DataPage<Session<'_>>, trace_id| {
            let checked = list
                .as_mut()
                .map_or(Ok(()), |list| list.check_page(owner, paging, page, &self.sessions.ledger));
            // After the first violation nothing certain can be said about later pages. Sessions of other
            // users are reported separately.
            if let Err(violation) = checked {
                list = None;
                if violation.kind != ViolationKind::ListedOfOtherUser {
                    self.record_violation(violation, "get_sessions", ["", owner], trace_id);
                }
            }
        };
        self.list(owner, limit, &mut check).await
    }

    /// Requests all pages of an owner's list.
    async fn list(&self, owner: &str, limit: usize, check: &mut CheckPage<'_>) -> Result<Listing, String> {
        let filter = FilterParams::new().user_id(owner);
        let (mut listing, mut seen) = (Listing::default(), HashSet::new());
        loop {
            let paging = PagingParams::new().skip(u32::try_from(seen.len()).unwrap_or(u32::MAX));
            let operation = GetSessions::new().filter(&filter).paging(&paging);
            let response = self.client.caller().call_raw(operation).await.map_err(|error| message(&error))?;
            let page: DataPage<Session<'_>> = response.read().map_err(|error| message(&error))?;
            check(&paging, &page, trace_id(&response));
            let before = seen.len();
            for session in page.data {
                let id = session.id.into_owned();
                if seen.insert(id.clone()) {
                    let is_own = session.user_id.as_deref() == Some(owner);
                    if is_own {
                        listing.own.insert(id);
                    } else {
                        listing.foreign.push(id);
                    }
                }
            }
            // The end of the list, or a service that ignores offsets.
            if seen.len() == before {
                return Ok(listing);
            }
            if seen.len() > limit {
                return Err(format!("get_sessions lists more than {limit} sessions for one user"));
            }
        }
    }

    /// Closes and deletes a session, and checks the responses. Returns whether it existed.
    async fn delete(&self, id: &str, known: Option<&KnownSession>) -> Result<bool, String> {
        let Some(known) = known else {
            self.client.close_session(None, id).await.map_err(|error| message(&error))?;
            return Ok(self
                .client
                .delete_session_by_id(None, id)
                .await
                .map_err(|error| message(&error))?
                .is_some());
        };
        let correlation = &*known.correlation;
        if known.is_active() != Some(false) {
            let reading = GetSessionById::new(id).correlation_id(correlation);
            self.call(known, SessionCall::Read, reading).await?;
            let closing = CloseSession::new(id).correlation_id(correlation);
            self.call(known, SessionCall::Close, closing).await?;
        }
        let deleting = DeleteSessionById::new(id).correlation_id(correlation);
        self.call(known, SessionCall::Delete, deleting).await
    }

    /// Executes a call and checks its response. Returns whether the session existed.
    async fn call<O: Operation>(
        &self,
        known: &KnownSession,
        session_call: SessionCall,
        operation: O,
    ) -> Result<bool, String> {
        let pending = known.begin_attempts(session_call, CLEANUP_ATTEMPTS);
        let response = self.client.caller().call_raw(operation).await;
        let has_body = response.as_ref().is_ok_and(|response| !response.response().body().is_empty());
        let found = match &response {
            Ok(response) => response.read::<Option<Session<'_>>>(),
            Err(error) => {
                // Nothing is checked.
                let _ = known.end(&pending, CallOutcome::of_error(error), &self.sessions.filler);
                return Err(message(error));
            }
        };
        let outcome = CallOutcome::new(found.as_ref(), has_body);
        let checked = known.end(&pending, outcome, &self.sessions.filler);
        let trace_id = response.as_ref().ok().and_then(trace_id);
        self.record(known, checked, O::ROUTE.name, trace_id);
        found.map(|session| session.is_some()).map_err(|error| message(&error))
    }

    fn record(&self, known: &KnownSession, checked: CheckResult, operation: &str, trace_id: Option<TraceId>) {
        if let Err(violation) = checked
            && self.shared.config.checks_enabled
        {
            known.stop_checks();
            self.record_violation(violation, operation, [&known.id, &known.correlation], trace_id);
        }
    }

    fn record_violation(
        &self,
        violation: Violation,
        operation: &str,
        [session_id, correlation_id]: [&str; 2],
        trace_id: Option<TraceId>,
    ) {
        let session_id = violation.session_id.unwrap_or_else(|| session_id.to_owned());
        self.shared.recorder.violation(violation.kind.description(), || ViolationExample {
            session_id,
            operation: operation.to_owned(),
            correlation_id: Some(correlation_id.to_owned()),
            trace_id: trace_id.map(|id| id.to_string()),
            virtual_user: None,
            time: Utc::now(),
            expected: violation.expected,
            observed: violation.observed,
        });
    }
}

/// The trace id of the request of a response.
fn trace_id(response: &RawResponse) -> Option<TraceId> {
    response.response().extensions().get().copied()
}

fn message(error: &Error) -> String {
    error.to_string()
}
