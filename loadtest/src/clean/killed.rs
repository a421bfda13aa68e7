//! Removing what a run has left that was killed.
//!
//! The service finds users by their exact id alone, and a run that was killed cannot say which users it had. So all
//! sessions are gone through, and those that belong to a user of the run are closed and deleted. What is deleted moves the rest of the
//! list up, and others may open and delete sessions meanwhile; so it is gone through again until a pass finds none.

use crate::drive::load::prefix;
use crate::text::{count, counted};
use crate::wire::Client;
use sessions_client::{Error, ISessionsV1, PagingParams};
use std::collections::HashSet;
use std::fmt;

/// Passes through the list before it is given up: the service does not delete what it is told to.
const PASSES: u32 = 5;

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
    client: &Client,
    run: &str,
    most: u64,
    mut progress: impl FnMut(&Cleaned),
) -> Result<Cleaned, Error> {
    let prefix = prefix(run);
    let mut cleaned = Cleaned::default();
    for _ in 0..PASSES {
        cleaned.seen = 0;
        // How many of the list stay where they are.
        let mut skipped = 0;
        let mut told = 0;
        let mut tried = HashSet::new();
        loop {
            let page = client.get_sessions(None, None, Some(&PagingParams::new().skip(skipped))).await?;
            if page.data.is_empty() {
                break;
            }
            for session in page.data {
                cleaned.seen += 1;
                if !session.user_id.is_some_and(|user| user.starts_with(&prefix)) {
                    skipped += 1;
                    continue;
                }
                if !tried.insert(session.id.clone()) {
                    // It was said to be deleted, and is there.
                    cleaned.removed = cleaned.removed.saturating_sub(1);
                    skipped += 1;
                    continue;
                }
                if session.active {
                    client.close_session(None, &session.id).await?;
                }
                let deleted = client.delete_session_by_id(None, &session.id).await?;
                cleaned.removed += u64::from(deleted.is_some());
            }
            if cleaned.seen - told >= PROGRESS {
                told = cleaned.seen;
                progress(&cleaned);
            }
            if cleaned.seen >= most {
                return Ok(cleaned);
            }
        }
        if tried.is_empty() {
            cleaned.complete = true;
            break;
        }
    }
    Ok(cleaned)
}
