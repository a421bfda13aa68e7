//! Lists of a user's sessions, page by page and by filter, while sessions come and go.
//!
//! Each user keeps a few sessions from one iteration to the next, so that there is something to list. A list must have
//! exactly the sessions that the user has.

use super::Progress;
use crate::drive::visitor::Visit;
use crate::mix::{SHELF, Scenario};
use crate::observe::call::Trouble;
use crate::verify::list::{Asked, Listed};
use sessions_client::{FilterParams, PagingParams};

/// Sessions on a page: fewer than there are, so that there are several pages.
const PAGE: u32 = 2;

pub(super) async fn run(visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
    let owner = visit.owner(Scenario::Browse);
    while visit.shelf.len() < SHELF {
        let session = visit.open(&owner).await?;
        visit.shelf.push(session);
        if visit.think().await {
            return Ok(Progress::CutShort);
        }
    }
    let all = FilterParams::new().user_id(&owner);
    if pages(visit, &owner, &all, Asked::All).await? == Progress::CutShort {
        return Ok(Progress::CutShort);
    }
    // The oldest one goes, and the others move up.
    let oldest = visit.shelf.remove(0);
    if visit.think().await {
        return Ok(Progress::CutShort);
    }
    visit.close(&oldest).await?;
    let active = FilterParams::new().user_id(&owner).active(true);
    if pages(visit, &owner, &active, Asked::Active).await? == Progress::CutShort || visit.think().await {
        return Ok(Progress::CutShort);
    }
    visit.delete(&oldest).await?;
    let one = FilterParams::new().user_id(&owner).id(&oldest.id);
    pages(visit, &owner, &one, Asked::Only(&oldest.id)).await
}

/// Lists page after page until one adds nothing, and compares all of them with what the user has.
async fn pages(
    visit: &mut Visit<'_>,
    owner: &str,
    filter: &FilterParams,
    asked: Asked<'_>,
) -> Result<Progress, Trouble> {
    let mut listed = Listed::new(visit.load.ledger.holding(owner), asked);
    loop {
        let paging = PagingParams::new().skip(listed.count()).take(PAGE).total(true);
        if !visit.list(owner, filter, &paging, &mut listed).await? {
            return Ok(Progress::Through);
        }
        if visit.load.stop.is_due() {
            return Ok(Progress::CutShort);
        }
    }
}
