//! Cleaning up after a run, and finding out whether anything is left.
//!
//! The users delete their own sessions; here comes what they missed: deletions that failed, and sessions that
//! were opened by a call whose answer never came, whose ids nobody knows. So the service is asked for the
//! sessions of each user of the run. Nothing is deleted that does not say it belongs to one of them, whatever
//! list it stands on: the service may hold sessions of people.

use crate::scenario::{Client, Load};
use sessions_client::{Error, FilterParams, ISessionsV1, PagingParams};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::JoinSet;

/// Users that are looked after at the same time.
const LANES: usize = 8;

/// What was found after a run.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Sessions that the users had missed and that are gone now.
    pub(crate) removed: u64,
    /// The ids of those that could not be removed.
    pub(crate) left: Vec<String>,
    /// Sessions of others on a list of a user's sessions.
    pub(crate) foreign: u64,
    /// What kept the audit from its end.
    pub(crate) failed: Option<String>,
}

/// Deletes what is left of a run, and says what remains.
pub(crate) async fn audit(load: &Arc<Load>) -> Audit {
    let mut audit = Audit::default();
    for id in load.ledger.drain() {
        match load.client.delete_session_by_id(None, &id).await {
            Ok(Some(_)) => audit.removed += 1,
            Ok(None) => (),
            // The lists below show whether it is still there.
            Err(_) => break,
        }
    }
    let users = load.users.load(Ordering::Relaxed);
    let mut lanes = JoinSet::new();
    for lane in 0..LANES.min(users) {
        let load = Arc::clone(load);
        lanes.spawn(async move {
            let mut audit = Audit::default();
            for user in (lane..users).step_by(LANES) {
                // A service that fails once is not asked thousands of times more, each up to its timeout.
                if let Err(error) = clear(&load.client, &load.user_id(user), &mut audit).await {
                    audit.failed = Some(error.to_string());
                    break;
                }
            }
            audit
        });
    }
    while let Some(lane) = lanes.join_next().await {
        match lane {
            Ok(lane) => {
                audit.removed += lane.removed;
                audit.left.extend(lane.left);
                audit.foreign += lane.foreign;
                audit.failed = audit.failed.or(lane.failed);
            }
            Err(error) => audit.failed = Some(error.to_string()),
        }
    }
    audit
}

/// Deletes every session of a user, page by page; what stays on the list after its deletion is left behind.
async fn clear(client: &Client, user_id: &str, audit: &mut Audit) -> Result<(), Error> {
    let filter = FilterParams::new().user_id(user_id);
    let mut tried = HashSet::new();
    loop {
        let page = client.get_sessions(None, Some(&filter), Some(&PagingParams::new())).await?;
        let (ours, foreign): (Vec<_>, Vec<_>) =
            page.data.into_iter().partition(|session| session.user_id.as_deref() == Some(user_id));
        audit.foreign += foreign.len() as u64;
        let (stuck, new): (Vec<_>, Vec<_>) =
            ours.into_iter().map(|session| session.id).partition(|id| tried.contains(id));
        if new.is_empty() {
            audit.removed += (tried.len() - stuck.len()) as u64;
            audit.left.extend(stuck);
            return Ok(());
        }
        for id in new {
            client.delete_session_by_id(None, &id).await?;
            tried.insert(id);
        }
    }
}
