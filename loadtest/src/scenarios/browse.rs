//! Lists of a user's sessions, page by page and by filter, while sessions are opened and deleted.
//!
//! Each user keeps a few sessions from one iteration to the next. A list must contain exactly the sessions of
//! the user.

use super::{KEPT_SESSIONS, Scenario};
use crate::checks::list::{ListCheck, ListFilter};
use crate::executors::call::IterationError;
use crate::executors::virtual_user::Iteration;
use sessions_client::{FilterParams, PagingParams};

/// Sessions per page: fewer than a user keeps, so that there are several pages.
const PAGE_SIZE: u32 = 2;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<(), IterationError> {
    let owner = iteration.user_id(Scenario::Browse);
    while iteration.kept_sessions.len() < KEPT_SESSIONS {
        let session = iteration.open(&owner).await?;
        iteration.kept_sessions.push(session);
        iteration.think().await?;
    }
    let all = FilterParams::new().user_id(&owner);
    list_pages(iteration, &owner, &all, ListFilter::All).await?;
    // The oldest session is deleted, and all others move to a smaller offset.
    let oldest = iteration.kept_sessions.remove(0);
    iteration.think().await?;
    iteration.close(&oldest).await?;
    let active = FilterParams::new().user_id(&owner).active(true);
    list_pages(iteration, &owner, &active, ListFilter::Active).await?;
    iteration.think().await?;
    iteration.delete(&oldest).await?;
    let one = FilterParams::new().user_id(&owner).id(&oldest.id);
    list_pages(iteration, &owner, &one, ListFilter::Only(&oldest.id)).await
}

/// Lists page after page until one contains no new session, and checks the whole list.
async fn list_pages(
    iteration: &mut Iteration<'_>,
    owner: &str,
    filter: &FilterParams,
    expected: ListFilter<'_>,
) -> Result<(), IterationError> {
    let mut list = ListCheck::new(iteration.shared.ledger.owned_by(owner), expected);
    loop {
        let paging = PagingParams::new().skip(list.count()).take(PAGE_SIZE).total(true);
        if !iteration.list(owner, filter, &paging, &mut list).await? {
            return Ok(());
        }
        iteration.check_stop()?;
    }
}
