//! A session's whole life: the heart of the load.
//!
//! It is one iteration, from open to delete: goose ends a user only between iterations, so a run that is stopped has
//! no session half way. A wrong answer ends the session's use, but not before its deletion.

use super::{Progress, deleted_after};
use crate::drive::virtual_user::Iteration;
use crate::mix::Scenario;
use crate::observe::call::CallError;
use crate::verify::known::Known;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<Progress, CallError> {
    let owner = iteration.owner(Scenario::Lifecycle);
    let session = iteration.open(&owner).await?;
    let used = use_up(iteration, &session).await;
    let progress = deleted_after(used, iteration, &session).await?;
    iteration.read(&session).await?;
    Ok(progress)
}

/// Everything between open and delete.
async fn use_up(iteration: &mut Iteration<'_>, session: &Known) -> Result<Progress, CallError> {
    let stores = iteration.load.options.stores;
    for _ in 0..stores {
        if iteration.think().await {
            return Ok(Progress::CutShort);
        }
        iteration.store(session).await?;
        if iteration.think().await {
            return Ok(Progress::CutShort);
        }
        iteration.read(session).await?;
    }
    if iteration.think().await {
        return Ok(Progress::CutShort);
    }
    iteration.update(session).await?;
    iteration.read(session).await?;
    if iteration.think().await {
        return Ok(Progress::CutShort);
    }
    iteration.close(session).await?;
    iteration.read(session).await?;
    Ok(if iteration.think().await { Progress::CutShort } else { Progress::Through })
}
