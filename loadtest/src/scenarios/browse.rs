//! Lists of a user's sessions, page by page and by filter, while sessions come and go.
//!
//! Each user keeps a few sessions from one iteration to the next, so that there is something to list. A list must have
//! exactly the sessions that the user has.

use super::IterationEnd;
use crate::checks::list::{Asked, Listed};
use crate::executors::call::CallError;
use crate::executors::virtual_user::Iteration;
use crate::scenarios::{KEPT_SESSIONS, Scenario};
use sessions_client::{FilterParams, PagingParams};

/// Sessions on a page: fewer than there are, so that there are several pages.
const PAGE: u32 = 2;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<IterationEnd, CallError> {
    let owner = iteration.owner(Scenario::Browse);
    while iteration.kept_sessions.len() < KEPT_SESSIONS {
        let session = iteration.open(&owner).await?;
        iteration.kept_sessions.push(session);
        if iteration.think().await {
            return Ok(IterationEnd::Interrupted);
        }
    }
    let all = FilterParams::new().user_id(&owner);
    if pages(iteration, &owner, &all, Asked::All).await? == IterationEnd::Interrupted {
        return Ok(IterationEnd::Interrupted);
    }
    // The oldest one goes, and the others move up.
    let oldest = iteration.kept_sessions.remove(0);
    if iteration.think().await {
        return Ok(IterationEnd::Interrupted);
    }
    iteration.close(&oldest).await?;
    let active = FilterParams::new().user_id(&owner).active(true);
    if pages(iteration, &owner, &active, Asked::Active).await? == IterationEnd::Interrupted
        || iteration.think().await
    {
        return Ok(IterationEnd::Interrupted);
    }
    iteration.delete(&oldest).await?;
    let one = FilterParams::new().user_id(&owner).id(&oldest.id);
    pages(iteration, &owner, &one, Asked::Only(&oldest.id)).await
}

/// Lists page after page until one adds nothing, and compares all of them with what the user has.
async fn pages(
    iteration: &mut Iteration<'_>,
    owner: &str,
    filter: &FilterParams,
    asked: Asked<'_>,
) -> Result<IterationEnd, CallError> {
    let mut listed = Listed::new(iteration.load.ledger.owned_by(owner), asked);
    loop {
        let paging = PagingParams::new().skip(listed.count()).take(PAGE).total(true);
        if !iteration.list(owner, filter, &paging, &mut listed).await? {
            return Ok(IterationEnd::Complete);
        }
        if iteration.load.stop.is_due() {
            return Ok(IterationEnd::Interrupted);
        }
    }
}
