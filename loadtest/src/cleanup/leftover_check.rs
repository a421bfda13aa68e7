//! After a run: whether the service has what the users left there, cleaning it up, and what stays behind.
//!
//! The users delete their own sessions, but for those that a scenario leaves; what they missed are deletions that
//! failed, and sessions that were opened by a call whose answer never came, whose ids nobody knows. So the service is asked for the
//! sessions of each user of the run, and what it lists is compared with the ledger. Nothing is deleted that does not
//! say it belongs to one of them, whatever list it stands on: the service may hold sessions of people.

use crate::checks::known_session::{Change, KnownSession, Session};
use crate::checks::ledger::OwnedSessions;
use crate::checks::list::{Asked, Listed};
use crate::checks::violation::Violation;
use crate::client::RetryingClient;
use crate::executors::shared::Load;
use crate::metrics::{self, Example, Sessions};
use sessions_client::sessions_v1::{CloseSession, DeleteSessionById, GetSessionById, GetSessions};
use sessions_client::{DataPage, Error, FilterParams, ISessionsV1, Operation, PagingParams};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Users that are looked after at the same time.
const CONCURRENCY: usize = 16;

/// Sessions that a service may list for one user beyond those that were asked for.
const UNKNOWN: usize = 1_000;

/// Failures in a row after which a task gives up: a service that is down is not asked thousands of times more, each up to
/// its timeout.
const FAILURES: u32 = 3;

/// What was found by one task.
#[derive(Debug, Default)]
struct Found {
    /// Sessions that the users had left and that are gone now.
    removed: u64,
    left: Vec<String>,
    /// On a list of a user's sessions; they may be on the lists of all users.
    foreign: HashSet<String>,
    /// What kept the audit from its end.
    failed: Option<String>,
    /// How many failures there have been since something went well.
    in_a_row: u32,
}

/// Deletes what is left of a run by a client that repeats what has failed, and says what remains.
pub(crate) async fn audit(load: &Arc<Load>, client: RetryingClient) -> metrics::Audit {
    let [opened, closed, deleted] = load.ledger.counts();
    let owners = Arc::new(load.ledger.owners());
    let client = Arc::new(client);
    let mut tasks = JoinSet::new();
    for task in 0..CONCURRENCY.min(owners.len()) {
        let (load, client, owners) = (Arc::clone(load), Arc::clone(&client), Arc::clone(&owners));
        tasks.spawn(async move {
            let mut found = Found::default();
            for owner in owners.iter().skip(task).step_by(CONCURRENCY) {
                match clear(&load, &client, owner, &mut found).await {
                    Ok(()) => found.in_a_row = 0,
                    Err(why) => {
                        found.failed.get_or_insert(why);
                        found.in_a_row += 1;
                    }
                }
                if found.in_a_row >= FAILURES {
                    break;
                }
            }
            found
        });
    }
    let mut all = Found::default();
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(found) => {
                all.removed += found.removed;
                all.left.extend(found.left);
                all.foreign.extend(found.foreign);
                all.failed = all.failed.or(found.failed);
            }
            Err(error) => all.failed = Some(error.to_string()),
        }
    }
    let mut audit = metrics::Audit {
        opened,
        closed,
        deleted,
        removed: all.removed,
        unknown: all.failed,
        ..metrics::Audit::default()
    };
    let count = |ids: &mut Sessions, found: Vec<String>| found.into_iter().for_each(|id| ids.add(id));
    count(&mut audit.left_behind, all.left);
    count(&mut audit.foreign, all.foreign.into_iter().collect());
    audit
}

/// Compares what is listed for a user with the ledger, deletes all of it, and looks again.
async fn clear(load: &Load, client: &RetryingClient, owner: &str, found: &mut Found) -> Result<(), String> {
    let sessions = load.ledger.owned_by(owner);
    // Each opening without an answer may have opened a session.
    let unanswered = usize::try_from(sessions.unanswered).unwrap_or(usize::MAX);
    let limit = (sessions.known.len() + UNKNOWN).saturating_add(unanswered);
    let (ids, foreign) = listed(load, client, owner, &sessions, limit).await?;
    // What the list has missed may be there all the same.
    let unlisted = sessions.known.keys().filter(|id| !ids.contains(*id)).cloned().collect::<Vec<_>>();
    found.foreign.extend(foreign);
    if ids.is_empty() && unlisted.is_empty() {
        return Ok(());
    }
    // What is listed is there, whatever its deletion is answered with.
    let mut there = ids.len() as u64;
    for (id, is_listed) in ids.iter().map(|id| (id, true)).chain(unlisted.iter().map(|id| (id, false))) {
        match remove(load, client, id, sessions.known.get(id).map(|known| &**known)).await {
            Ok(was_there) => {
                found.in_a_row = 0;
                there += u64::from(was_there && !is_listed);
            }
            Err(why) => {
                found.in_a_row += 1;
                // The list says whether one is left that it had before; of the others nobody knows.
                if !is_listed || found.in_a_row >= FAILURES {
                    return Err(why);
                }
            }
        }
    }
    let left = again(client, owner, limit).await?;
    found.removed += there.saturating_sub(left.len() as u64);
    found.left.extend(left);
    Ok(())
}

/// The ids of all sessions that are listed for a user, and those of others among them.
async fn listed(
    load: &Load,
    client: &RetryingClient,
    owner: &str,
    sessions: &OwnedSessions,
    limit: usize,
) -> Result<(Vec<String>, Vec<String>), String> {
    let mut checked = load.verify.then(|| Listed::new(sessions.clone(), Asked::All));
    let mut tell = |page: &DataPage<Session<'_>>| {
        let outcome = checked.as_mut().map_or(Ok(()), |listed| listed.page(owner, page, &load.ledger));
        // Others' sessions are told apart, and after the first wrong page nothing certain can be said of the next.
        if let Err(violation) = outcome {
            checked = None;
            if violation != Violation::ListedForeign {
                violated(load, violation, "get_sessions", "", owner);
            }
        }
    };
    pages(client, owner, limit, &mut tell).await
}

/// The ids that are still listed for a user.
async fn again(client: &RetryingClient, owner: &str, limit: usize) -> Result<Vec<String>, String> {
    pages(client, owner, limit, &mut |_| ()).await.map(|(ids, _)| ids)
}

/// Goes through all pages of a user's list; the ids of the user's sessions, and those of others.
async fn pages(
    client: &RetryingClient,
    owner: &str,
    limit: usize,
    tell: &mut (dyn FnMut(&DataPage<Session<'_>>) + Send),
) -> Result<(Vec<String>, Vec<String>), String> {
    let filter = FilterParams::new().user_id(owner);
    let (mut ids, mut foreign, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    loop {
        let skipped = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let paging = PagingParams::new().skip(skipped);
        let listing = GetSessions::new().filter(&filter).paging(&paging);
        let answer = client.caller().call_raw(listing).await.map_err(text)?;
        let page: DataPage<Session<'_>> = answer.read().map_err(text)?;
        tell(&page);
        let before = seen.len();
        for session in page.data {
            let id = session.id.into_owned();
            if seen.insert(id.clone()) {
                let is_ours = session.user_id.as_deref() == Some(owner);
                if is_ours { &mut ids } else { &mut foreign }.push(id);
            }
        }
        // The end of the list, or a service that does not know how to skip.
        if seen.len() == before {
            return Ok((ids, foreign));
        }
        if seen.len() > limit {
            return Err(format!("get_sessions lists more than {limit} sessions for one user"));
        }
    }
}

/// Closes and deletes a session, and compares what comes back with what is known of it; whether it was there.
async fn remove(
    load: &Load,
    client: &RetryingClient,
    id: &str,
    known: Option<&KnownSession>,
) -> Result<bool, String> {
    let Some(known) = known else {
        client.close_session(None, id).await.map_err(text)?;
        return Ok(client.delete_session_by_id(None, id).await.map_err(text)?.is_some());
    };
    let correlation = &*known.correlation;
    if known.is_active() != Some(false) {
        let reading = GetSessionById::new(id).correlation_id(correlation);
        ask(load, client, known, Change::Nothing, reading).await?;
        let closing = CloseSession::new(id).correlation_id(correlation);
        ask(load, client, known, Change::Close, closing).await?;
    }
    let deleting = DeleteSessionById::new(id).correlation_id(correlation);
    ask(load, client, known, Change::Delete, deleting).await
}

/// Calls `operation`, and compares what comes back with what is known of the session; whether it was there.
async fn ask<O: Operation>(
    load: &Load,
    client: &RetryingClient,
    known: &KnownSession,
    change: Change,
    operation: O,
) -> Result<bool, String> {
    let pending = known.begin(change);
    let answer = client.caller().call_raw(operation).await.map_err(text)?;
    let found: Option<Session<'_>> = answer.read().map_err(text)?;
    judge(load, known, known.end(&pending, Ok(&found).into(), &load.filler), O::ROUTE.name);
    Ok(found.is_some())
}

fn judge(load: &Load, known: &KnownSession, checked: Result<(), Violation>, operation: &str) {
    if let Err(violation) = checked
        && load.verify
    {
        // What is wrong with it has been told.
        known.distrust();
        violated(load, violation, operation, &known.id, &known.correlation);
    }
}

fn violated(load: &Load, violation: Violation, operation: &str, session: &str, correlation: &str) {
    load.recorder.violation(violation, || Example {
        session: session.to_owned(),
        operation: operation.to_owned(),
        correlation_id: Some(correlation.to_owned()),
        detail: Some("found after the run".to_owned()),
    });
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over errors")]
fn text(error: Error) -> String {
    error.to_string()
}
