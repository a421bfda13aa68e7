//! Removing what a run has left that was killed.
//!
//! The service finds users by their exact id alone, and a run that was killed cannot say which users it had. So all
//! sessions are gone through, and those that belong to a user of the run are closed and deleted. What is deleted moves the rest of the
//! list up, and so does what others delete meanwhile: each page begins with something that was on the one before, or the list
//! has moved, and the place is sought again. So nothing is passed over, as long as the service keeps its order. It is gone
//! through again until a pass finds none.

use crate::client::RetryingClient;
use crate::executors::shared::prefix;
use crate::format::{count, counted};
use sessions_client::{Error, ISessionsV1, PagingParams};
use std::collections::HashSet;
use std::fmt;

/// Passes through the list before it is given up: the service does not delete what it is told to.
const PASSES: u32 = 5;

/// How far to go back in a list that has moved: a page of most services.
const BACK: u32 = 100;

/// A line of progress is written each time that this many more sessions were gone through.
const PROGRESS: u64 = 10_000;

/// What was found and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Sessions of the run that were closed and deleted.
    pub removed: u64,
    /// All sessions that were looked at in the last pass.
    pub seen: u64,
    /// Whether no session of the run is left for certain.
    pub complete: bool,
}

impl fmt::Display for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removed, seen, complete } = self;
        write!(f, "{} removed, {} looked at", counted(*removed, "session", "sessions"), count(*seen))?;
        if !complete {
            f.write_str(
                "; more may be left: the service lists too many, or keeps what it is told to delete",
            )?;
        }
        Ok(())
    }
}

/// Removes the sessions of a run, looking at no more than `most` sessions in each pass.
///
/// # Errors
///
/// When the service does not answer as it should. What was removed before stays removed.
pub(crate) async fn clean(
    client: &RetryingClient,
    run: &str,
    most: u64,
    mut progress: impl FnMut(&Cleaned),
) -> Result<Cleaned, Error> {
    let prefix = prefix(run);
    let mut cleaned = Cleaned::default();
    for _ in 0..PASSES {
        match pass(client, &prefix, most, &mut cleaned, &mut progress).await? {
            Some(0) => {
                cleaned.complete = true;
                break;
            }
            Some(_) => (),
            None => break,
        }
    }
    Ok(cleaned)
}

/// Goes through the list once; how many sessions of the run were on it, unless its end was not found.
async fn pass(
    client: &RetryingClient,
    prefix: &str,
    most: u64,
    cleaned: &mut Cleaned,
    mut progress: impl FnMut(&Cleaned),
) -> Result<Option<u64>, Error> {
    cleaned.seen = 0;
    let (mut found, mut told) = (0, 0);
    let (mut seen, mut deleted) = (HashSet::new(), HashSet::new());
    // Where the next page begins, and whether that is behind what was seen: a page with nothing new may be the last one, or
    // one of a service whose pages have a single session.
    let (mut skipped, mut is_behind) = (0_u32, false);
    loop {
        let page = client.get_sessions(None, None, Some(&PagingParams::new().skip(skipped))).await?;
        if page.data.is_empty() && (is_behind || skipped == 0) {
            return Ok(Some(found));
        }
        let is_joined = page.data.first().is_some_and(|session| seen.contains(&session.id));
        if skipped > 0 && !is_behind && !is_joined {
            skipped = skipped.saturating_sub(BACK);
            continue;
        }
        let (length, before) = (page.data.len(), seen.len());
        let mut gone = 0;
        for session in page.data {
            if !seen.insert(session.id.clone()) {
                // It was said to be deleted, and is there.
                cleaned.removed -= u64::from(deleted.remove(&session.id));
                continue;
            }
            cleaned.seen += 1;
            if session.user_id.is_some_and(|user| user.starts_with(prefix)) {
                found += 1;
                if session.active {
                    client.close_session(None, &session.id).await?;
                }
                if client.delete_session_by_id(None, &session.id).await?.is_some() {
                    cleaned.removed += 1;
                    deleted.insert(session.id);
                }
                gone += 1;
            }
        }
        if cleaned.seen - told >= PROGRESS {
            told = cleaned.seen;
            progress(cleaned);
        }
        let is_new = seen.len() > before;
        if cleaned.seen >= most || (is_behind && !is_new) {
            // Too many, or a service that does not know how to skip.
            return Ok(None);
        }
        let next = skipped.saturating_add(u32::try_from(length - gone).unwrap_or(u32::MAX));
        skipped = if is_new { next.saturating_sub(1) } else { next };
        is_behind = !is_new;
    }
}
