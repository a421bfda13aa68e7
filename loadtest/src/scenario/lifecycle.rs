//! A session's whole life: the heart of the load.
//!
//! It is one iteration, from open to delete: goose ends a user only between iterations, so a run that is stopped has
//! no session half way. A wrong answer ends the session's use, but not before its deletion.

use super::{Progress, deleted_after};
use crate::drive::visitor::Visit;
use crate::mix::Scenario;
use crate::observe::call::Trouble;
use crate::verify::known::Known;

pub(super) async fn run(visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
    let owner = visit.owner(Scenario::Lifecycle);
    let session = visit.open(&owner).await?;
    let used = use_up(visit, &session).await;
    let progress = deleted_after(used, visit, &session).await?;
    visit.read(&session).await?;
    Ok(progress)
}

/// Everything between open and delete.
async fn use_up(visit: &mut Visit<'_>, session: &Known) -> Result<Progress, Trouble> {
    let stores = visit.load.options.stores;
    for _ in 0..stores {
        if visit.think().await {
            return Ok(Progress::CutShort);
        }
        visit.store(session).await?;
        if visit.think().await {
            return Ok(Progress::CutShort);
        }
        visit.read(session).await?;
    }
    if visit.think().await {
        return Ok(Progress::CutShort);
    }
    visit.update(session).await?;
    visit.read(session).await?;
    if visit.think().await {
        return Ok(Progress::CutShort);
    }
    visit.close(session).await?;
    visit.read(session).await?;
    Ok(if visit.think().await { Progress::CutShort } else { Progress::Through })
}
