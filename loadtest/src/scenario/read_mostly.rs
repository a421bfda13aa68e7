//! A session that is looked at on every page that its user visits, and seldom changed.

use super::{Progress, deleted_after, is_read};
use crate::drive::visitor::Visit;
use crate::mix::Scenario;
use crate::observe::call::Trouble;
use crate::verify::known::Known;

pub(super) async fn run(visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
    let owner = visit.owner(Scenario::ReadMostly);
    let session = visit.open(&owner).await?;
    let used = use_up(visit, &session).await;
    deleted_after(used, visit, &session).await
}

async fn use_up(visit: &mut Visit<'_>, session: &Known) -> Result<Progress, Trouble> {
    for call in 0..visit.load.options.calls {
        if visit.think().await {
            return Ok(Progress::CutShort);
        }
        if is_read(call, visit.load.options.read_ratio) {
            visit.read(session).await?;
        } else {
            visit.store(session).await?;
        }
    }
    visit.close(session).await?;
    Ok(Progress::Through)
}
