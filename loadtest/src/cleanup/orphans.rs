//! `loadtest cleanup`: deletes the sessions that a killed run left behind.
//!
//! The service finds users only by their exact id, and the users of a killed run are unknown. So all sessions
//! are listed, and those of a user of the run are closed and deleted, several at once. The list is paged through
//! until a pass finds no session of the run.

use super::leftover_check::CONCURRENCY;
use super::pager::{Page, Pager};
use crate::client::CleanupClient;
use crate::executors::shared::user_id_prefix;
use crate::format::{count, counted};
use futures_util::stream::{self, StreamExt as _};
use sessions_client::{Error, ISessionsV1, PagingParams, SessionV1, Value};
use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

/// The number of passes after which the service is assumed to ignore deletions.
const MAX_PASSES: u32 = 5;

/// The time between two reports of the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// The result of a clean-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupSummary {
    /// Sessions of the run that were found in the first pass.
    pub found: u64,
    /// Sessions of the run that were closed and deleted.
    pub deleted: u64,
    /// Sessions that were listed in the last pass.
    pub listed: u64,
    /// True if certainly no session of the run is left.
    pub complete: bool,
    /// True if sessions were only counted.
    pub dry_run: bool,
}

impl CleanupSummary {
    /// Returns whether sessions of the run were found, and none is left.
    pub(crate) fn is_successful(&self) -> bool {
        self.complete && self.found > 0
    }
}

impl fmt::Display for CleanupSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, deleted, listed, complete, dry_run } = self;
        if *complete && *found == 0 {
            let listed = counted(*listed, "session", "sessions");
            return write!(
                f,
                "no session of the test run was found, {listed} listed: check --test-run-id, which is in the first \
                 line of the run and in its report"
            );
        }
        if *dry_run {
            let sessions = counted(*found, "session", "sessions");
            write!(f, "{sessions} of the test run, {} listed; nothing was deleted", count(*listed))?;
        } else {
            write!(f, "{} deleted, {} listed", counted(*deleted, "session", "sessions"), count(*listed))?;
        }
        if !complete {
            f.write_str("; more may be left: the service lists too many sessions, or ignores deletions")?;
        }
        Ok(())
    }
}

/// Deletes the sessions of a test run, listing at most `max_sessions` in each pass.
///
/// # Errors
///
/// When a call fails. Sessions that were deleted before stay deleted.
pub(crate) async fn clean_up(
    client: &CleanupClient,
    test_run_id: &str,
    max_sessions: u64,
    dry_run: bool,
    progress: impl FnMut(&CleanupSummary),
) -> Result<CleanupSummary, String> {
    let prefix = user_id_prefix(test_run_id);
    let summary = CleanupSummary { dry_run, ..CleanupSummary::default() };
    let mut cleanup = Cleanup { client, prefix, summary, reported: Instant::now(), progress };
    for pass in 0..MAX_PASSES {
        let Pass { found, is_complete } = cleanup.pass(max_sessions).await.map_err(|error| {
            let deleted = counted(cleanup.summary.deleted, "session", "sessions");
            format!("{error}; {deleted} deleted so far; run the command again")
        })?;
        if pass == 0 {
            cleanup.summary.found = found;
        }
        if !is_complete {
            break;
        }
        if found == 0 || dry_run {
            cleanup.summary.complete = true;
            break;
        }
    }
    Ok(cleanup.summary)
}

/// The result of paging through the list once.
struct Pass {
    /// Sessions of the run.
    found: u64,
    /// True if the end of the list was reached.
    is_complete: bool,
}

struct Cleanup<'c, P> {
    client: &'c CleanupClient,
    prefix: String,
    summary: CleanupSummary,
    /// The time of the last report.
    reported: Instant,
    progress: P,
}

impl<P: FnMut(&CleanupSummary)> Cleanup<'_, P> {
    /// Pages through the list once.
    async fn pass(&mut self, max_sessions: u64) -> Result<Pass, Error> {
        let mut pager = Pager::new(max_sessions);
        let (mut found, mut deleted) = (0, HashSet::new());
        loop {
            let paging = PagingParams::new().skip(pager.offset());
            let page = self.client.get_sessions(None, None, Some(&paging)).await?;
            let ids: Vec<_> = page.data.iter().map(|session| &*session.id).collect();
            let is_new = match pager.receive(&ids) {
                Page::End => return Ok(Pass { found, is_complete: true }),
                Page::Moved => continue,
                Page::Sessions(is_new) => is_new,
            };
            let mut orphans = Vec::new();
            for (session, is_new) in page.data.into_iter().zip(is_new) {
                if !is_new {
                    // Listed again after it was deleted.
                    self.summary.deleted -= u64::from(deleted.remove(&session.id));
                } else if session.user_id.as_ref().is_some_and(|user| user.starts_with(&self.prefix)) {
                    orphans.push(session);
                }
            }
            found += orphans.len() as u64;
            let removed = if self.summary.dry_run { 0 } else { orphans.len() };
            if !self.summary.dry_run {
                self.delete_all(orphans, &mut deleted).await?;
            }
            self.report_progress(pager.seen());
            if !pager.advance(removed) {
                return Ok(Pass { found, is_complete: false });
            }
        }
    }

    /// Closes and deletes sessions, several at once, and adds the ids of those that were deleted.
    async fn delete_all(
        &mut self,
        sessions: Vec<SessionV1<Value, Value>>,
        deleted: &mut HashSet<String>,
    ) -> Result<(), Error> {
        let client = self.client;
        let deletions = sessions.into_iter().map(|session| delete(client, session));
        let mut deletions = stream::iter(deletions).buffer_unordered(CONCURRENCY);
        while let Some(id) = deletions.next().await {
            if let Some(id) = id? {
                self.summary.deleted += 1;
                deleted.insert(id);
            }
        }
        Ok(())
    }

    fn report_progress(&mut self, listed: u64) {
        self.summary.listed = listed;
        if self.reported.elapsed() >= PROGRESS_INTERVAL {
            self.reported = Instant::now();
            (self.progress)(&self.summary);
        }
    }
}

/// Closes and deletes a session. Returns its id if it was deleted.
async fn delete(client: &CleanupClient, session: SessionV1<Value, Value>) -> Result<Option<String>, Error> {
    if session.active {
        client.close_session(None, &session.id).await?;
    }
    Ok(client.delete_session_by_id(None, &session.id).await?.map(|_| session.id))
}
