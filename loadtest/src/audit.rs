//! Cleaning up after a run, and finding out whether anything is left.
//!
//! The users delete their own sessions; here comes what they missed: deletions that failed, and sessions that
//! were opened by a call whose answer never came, whose ids nobody knows. So the service is asked for the
//! sessions of each user of the run. Nothing is deleted that does not say it belongs to one of them, whatever
//! list it stands on: the service may hold sessions of people.

use crate::scenario::Load;
use sessions_client::{Error, FilterParams, ISessionsV1, PagingParams};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::JoinSet;

/// Users that are looked after at the same time.
const LANES: usize = 8;

/// Sessions that a service may list for one user, however few requests there were.
const LISTED: usize = 1_000;

/// What was found after a run.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Sessions that the users had missed and that are gone now.
    pub(crate) removed: u64,
    /// The ids of those that could not be removed.
    pub(crate) left: Vec<String>,
    /// The ids of others' sessions on a list of a user's sessions: they may be on the lists of all users.
    pub(crate) foreign: HashSet<String>,
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
                if let Err(error) = clear(&load, &load.user_id(user), &mut audit).await {
                    audit.failed = Some(error);
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
                audit.foreign.extend(lane.foreign);
                audit.failed = audit.failed.or(lane.failed);
            }
            Err(error) => audit.failed = Some(error.to_string()),
        }
    }
    audit
}

/// Deletes every session of a user, page by page; what stays on the list after its deletion is left behind.
async fn clear(load: &Load, user_id: &str, audit: &mut Audit) -> Result<(), String> {
    let Load { client, tally, .. } = load;
    let text = |error: Error| error.to_string();
    // No user can have more sessions than there were requests; people may have some.
    let limit = usize::try_from(tally.requests()).unwrap_or(usize::MAX).max(LISTED);
    let filter = FilterParams::new().user_id(user_id);
    let (mut tried, mut stays) = (HashSet::new(), HashSet::new());
    let mut left = 0;
    loop {
        let skipped = u32::try_from(stays.len()).unwrap_or(u32::MAX);
        let page = PagingParams::new().skip(skipped);
        let page = client.get_sessions(None, Some(&filter), Some(&page)).await.map_err(text)?.data;
        let (ours, foreign): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|session| session.user_id.as_deref() == Some(user_id));
        let foreign: Vec<_> = foreign.into_iter().map(|session| session.id).collect();
        audit.foreign.extend(foreign.iter().cloned());
        let (stuck, new): (Vec<_>, Vec<_>) =
            ours.into_iter().map(|session| session.id).partition(|id| tried.contains(id));
        if new.is_empty() {
            let before = stays.len();
            for id in stuck {
                if stays.insert(id.clone()) {
                    left += 1;
                    audit.left.push(id);
                }
            }
            stays.extend(foreign);
            // The end of the list, or a service that does not know how to skip.
            if stays.len() == before {
                audit.removed += (tried.len() - left) as u64;
                return Ok(());
            }
        }
        for id in new {
            client.delete_session_by_id(None, &id).await.map_err(text)?;
            tried.insert(id);
        }
        if tried.len().max(stays.len()) > limit {
            return Err(format!("get_sessions lists more than {limit} sessions for one user"));
        }
    }
}
