//! The leftover check after a run: it deletes sessions that users have not deleted, and reports those that
//! remain.
//!
//! Users delete their own sessions, except those that a scenario keeps. What is left are sessions whose
//! delete call failed, and sessions of open calls without a response, whose ids are unknown. So the sessions
//! of each user of the run are listed, and the list is checked against the ledger. Only sessions that belong
//! to a user of the run are deleted, whatever a list contains: the service may hold sessions of people.

use crate::checks::known_session::{KnownSession, Session, SessionCall};
use crate::checks::ledger::OwnedSessions;
use crate::checks::list::{ListCheck, ListFilter};
use crate::checks::violation::{CheckResult, Violation};
use crate::client::CleanupClient;
use crate::executors::shared::SharedState;
use crate::metrics::{SessionIds, SessionSummary, ViolationExample};
use sessions_client::sessions_v1::{CloseSession, DeleteSessionById, GetSessionById, GetSessions};
use sessions_client::{DataPage, Error, FilterParams, ISessionsV1, Operation, PagingParams};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The number of users that are checked concurrently.
const CONCURRENCY: usize = 16;

/// The number of unknown sessions that may be listed for one user, in addition to those of unanswered open
/// calls.
const MAX_UNKNOWN: usize = 1_000;

/// Consecutive failures after which a task gives up: a service that is down must not be called thousands of
/// times, each up to its timeout.
const MAX_FAILURES: u32 = 3;

/// The findings of one task.
#[derive(Debug, Default)]
struct Findings {
    /// The number of sessions that existed and were deleted.
    cleaned_up: u64,
    left_behind: Vec<String>,
    /// Sessions of other users; the same ones may be listed for every user.
    foreign: HashSet<String>,
    /// The first error.
    error: Option<String>,
    /// The number of failures since the last success.
    consecutive_failures: u32,
}

impl Findings {
    fn merge(&mut self, other: Self) {
        self.cleaned_up += other.cleaned_up;
        self.left_behind.extend(other.left_behind);
        self.foreign.extend(other.foreign);
        self.error = self.error.take().or(other.error);
    }
}

/// The ids that are listed for a user.
#[derive(Debug, Default)]
struct Listing {
    own: Vec<String>,
    foreign: Vec<String>,
}

/// Deletes the leftovers of a run, and reports the sessions that remain.
pub(crate) async fn check_leftovers(shared: &Arc<SharedState>, client: CleanupClient) -> SessionSummary {
    let owners = Arc::new(shared.ledger.owners());
    let client = Arc::new(client);
    let mut tasks = JoinSet::new();
    for task in 0..CONCURRENCY.min(owners.len()) {
        let check = LeftoverCheck { shared: Arc::clone(shared), client: Arc::clone(&client) };
        let owners = Arc::clone(&owners);
        tasks.spawn(async move { check.owners(owners.iter().skip(task).step_by(CONCURRENCY)).await });
    }
    let mut all = Findings::default();
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(findings) => all.merge(findings),
            Err(error) => all.error = Some(error.to_string()),
        }
    }
    summary(shared, all)
}

fn summary(shared: &SharedState, findings: Findings) -> SessionSummary {
    let [opened, closed, deleted] = shared.ledger.counts();
    let ids = |found: &mut dyn Iterator<Item = String>| {
        let mut ids = SessionIds::default();
        found.for_each(|id| ids.add(id));
        ids
    };
    SessionSummary {
        opened,
        closed,
        deleted,
        cleaned_up: findings.cleaned_up,
        left_behind: ids(&mut findings.left_behind.into_iter()),
        foreign: ids(&mut findings.foreign.into_iter()),
        check_error: findings.error,
    }
}

#[derive(Clone, Debug)]
struct LeftoverCheck {
    shared: Arc<SharedState>,
    client: Arc<CleanupClient>,
}

impl LeftoverCheck {
    async fn owners(&self, owners: impl Iterator<Item = &String>) -> Findings {
        let mut findings = Findings::default();
        for owner in owners {
            match self.owner(owner, &mut findings).await {
                Ok(()) => findings.consecutive_failures = 0,
                Err(error) => {
                    findings.error.get_or_insert(error);
                    findings.consecutive_failures += 1;
                }
            }
            if findings.consecutive_failures >= MAX_FAILURES {
                break;
            }
        }
        findings
    }

    /// Lists the sessions of an owner, checks and deletes them, and lists again.
    async fn owner(&self, owner: &str, findings: &mut Findings) -> Result<(), String> {
        let sessions = self.shared.ledger.owned_by(owner);
        let unknown = usize::try_from(sessions.unknown).unwrap_or(usize::MAX);
        let limit = (sessions.known.len() + MAX_UNKNOWN).saturating_add(unknown);
        let Listing { own, foreign } = self.checked_list(owner, &sessions, limit).await?;
        findings.foreign.extend(foreign);
        // Sessions that the list omits may exist as well.
        let unlisted: Vec<_> = sessions.known.keys().filter(|id| !own.contains(*id)).cloned().collect();
        if own.is_empty() && unlisted.is_empty() {
            return Ok(());
        }
        let existing = self.delete_all(&sessions, &own, &unlisted, findings).await?;
        let left = self.list(owner, limit, &mut |_| ()).await?.own;
        findings.cleaned_up += existing.saturating_sub(left.len() as u64);
        findings.left_behind.extend(left);
        Ok(())
    }

    /// Deletes listed and unlisted sessions. Returns the number of sessions that existed.
    async fn delete_all(
        &self,
        sessions: &OwnedSessions,
        listed: &[String],
        unlisted: &[String],
        findings: &mut Findings,
    ) -> Result<u64, String> {
        // A listed session existed, whatever the response to its deletion.
        let mut existing = listed.len() as u64;
        for (id, is_listed) in listed.iter().map(|id| (id, true)).chain(unlisted.iter().map(|id| (id, false)))
        {
            match self.delete(id, sessions.known.get(id).map(|known| &**known)).await {
                Ok(existed) => {
                    findings.consecutive_failures = 0;
                    existing += u64::from(existed && !is_listed);
                }
                Err(error) => {
                    findings.consecutive_failures += 1;
                    // The next list shows whether a listed session is left; for an unlisted one nothing does.
                    if !is_listed || findings.consecutive_failures >= MAX_FAILURES {
                        return Err(error);
                    }
                }
            }
        }
        Ok(existing)
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
        let mut check = |page: &DataPage<Session<'_>>| {
            let checked =
                list.as_mut().map_or(Ok(()), |list| list.check_page(owner, page, &self.shared.ledger));
            // After the first violation nothing certain can be said about later pages. Sessions of other
            // users are reported separately.
            if let Err(violation) = checked {
                list = None;
                if violation != Violation::ListedOfOtherUser {
                    self.record_violation(violation, "get_sessions", "", owner);
                }
            }
        };
        self.list(owner, limit, &mut check).await
    }

    /// Requests all pages of an owner's list.
    async fn list(
        &self,
        owner: &str,
        limit: usize,
        check: &mut (dyn FnMut(&DataPage<Session<'_>>) + Send),
    ) -> Result<Listing, String> {
        let filter = FilterParams::new().user_id(owner);
        let (mut listing, mut seen) = (Listing::default(), HashSet::new());
        loop {
            let paging = PagingParams::new().skip(u32::try_from(seen.len()).unwrap_or(u32::MAX));
            let operation = GetSessions::new().filter(&filter).paging(&paging);
            let response = self.client.caller().call_raw(operation).await.map_err(message)?;
            let page: DataPage<Session<'_>> = response.read().map_err(message)?;
            check(&page);
            let before = seen.len();
            for session in page.data {
                let id = session.id.into_owned();
                if seen.insert(id.clone()) {
                    let is_own = session.user_id.as_deref() == Some(owner);
                    if is_own { &mut listing.own } else { &mut listing.foreign }.push(id);
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
            self.client.close_session(None, id).await.map_err(message)?;
            return Ok(self.client.delete_session_by_id(None, id).await.map_err(message)?.is_some());
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
        let pending = known.begin(session_call);
        let response = self.client.caller().call_raw(operation).await.map_err(message)?;
        let found: Option<Session<'_>> = response.read().map_err(message)?;
        let checked = known.end(&pending, Ok(&found).into(), &self.shared.config.filler);
        self.record(known, checked, O::ROUTE.name);
        Ok(found.is_some())
    }

    fn record(&self, known: &KnownSession, checked: CheckResult, operation: &str) {
        if let Err(violation) = checked
            && self.shared.config.checks_enabled
        {
            known.stop_checks();
            self.record_violation(violation, operation, &known.id, &known.correlation);
        }
    }

    fn record_violation(
        &self,
        violation: Violation,
        operation: &str,
        session_id: &str,
        correlation_id: &str,
    ) {
        self.shared.recorder.violation(violation, || ViolationExample {
            session_id: session_id.to_owned(),
            operation: operation.to_owned(),
            correlation_id: Some(correlation_id.to_owned()),
            detail: Some("found after the run".to_owned()),
        });
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over errors")]
fn message(error: Error) -> String {
    error.to_string()
}
