//! `loadtest cleanup`: deletes the sessions that a killed run left behind.
//!
//! The service finds users only by their exact id, and the users of a killed run are unknown. So all sessions
//! are listed, and those of a user of the run are closed and deleted. The list is paged through until a pass
//! finds no session of the run.

use super::pager::{Page, Pager};
use crate::client::CleanupClient;
use crate::executors::shared::user_id_prefix;
use crate::format::{count, counted};
use sessions_client::{Error, ISessionsV1, PagingParams, SessionV1, Value};
use std::collections::HashSet;
use std::fmt;

/// The number of passes after which the service is assumed to ignore deletions.
const MAX_PASSES: u32 = 5;

/// The number of sessions after which the progress is reported again.
const PROGRESS_INTERVAL: u64 = 10_000;

/// The result of a cleanup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupSummary {
    /// Sessions of the run that were closed and deleted.
    pub deleted: u64,
    /// Sessions that were listed in the last pass.
    pub listed: u64,
    /// True if certainly no session of the run is left.
    pub complete: bool,
}

impl fmt::Display for CleanupSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deleted, listed, complete } = self;
        write!(f, "{} deleted, {} listed", counted(*deleted, "session", "sessions"), count(*listed))?;
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
    progress: impl FnMut(&CleanupSummary),
) -> Result<CleanupSummary, Error> {
    let prefix = user_id_prefix(test_run_id);
    let mut cleanup = Cleanup { client, prefix, summary: CleanupSummary::default(), progress };
    for _ in 0..MAX_PASSES {
        match cleanup.pass(max_sessions).await? {
            Some(0) => {
                cleanup.summary.complete = true;
                break;
            }
            Some(_) => (),
            None => break,
        }
    }
    Ok(cleanup.summary)
}

struct Cleanup<'c, P> {
    client: &'c CleanupClient,
    prefix: String,
    summary: CleanupSummary,
    progress: P,
}

impl<P: FnMut(&CleanupSummary)> Cleanup<'_, P> {
    /// Pages through the list once. Returns the number of sessions of the run, or `None` if the end was not
    /// reached.
    async fn pass(&mut self, max_sessions: u64) -> Result<Option<u64>, Error> {
        let mut pager = Pager::new(max_sessions);
        let (mut found, mut deleted) = (0, HashSet::new());
        loop {
            let paging = PagingParams::new().skip(pager.offset());
            let page = self.client.get_sessions(None, None, Some(&paging)).await?;
            let ids: Vec<_> = page.data.iter().map(|session| &*session.id).collect();
            let is_new = match pager.receive(&ids) {
                Page::End => return Ok(Some(found)),
                Page::Moved => continue,
                Page::Sessions(is_new) => is_new,
            };
            let before = found;
            for (session, is_new) in page.data.into_iter().zip(is_new) {
                if !is_new {
                    // Listed again after it was deleted.
                    self.summary.deleted -= u64::from(deleted.remove(&session.id));
                } else if session.user_id.as_ref().is_some_and(|user| user.starts_with(&self.prefix)) {
                    found += 1;
                    deleted.extend(self.delete(session).await?);
                }
            }
            self.report_progress(pager.seen());
            if !pager.advance(usize::try_from(found - before).unwrap_or(usize::MAX)) {
                return Ok(None);
            }
        }
    }

    /// Closes and deletes a session. Returns its id if it was deleted.
    async fn delete(&mut self, session: SessionV1<Value, Value>) -> Result<Option<String>, Error> {
        if session.active {
            self.client.close_session(None, &session.id).await?;
        }
        if self.client.delete_session_by_id(None, &session.id).await?.is_none() {
            return Ok(None);
        }
        self.summary.deleted += 1;
        Ok(Some(session.id))
    }

    fn report_progress(&mut self, listed: u64) {
        let before = std::mem::replace(&mut self.summary.listed, listed);
        if before / PROGRESS_INTERVAL < listed / PROGRESS_INTERVAL {
            (self.progress)(&self.summary);
        }
    }
}
