//! A session's whole life: the heart of the load.
//!
//! It is one iteration, from open to delete: goose ends a user only between iterations, so a run that is stopped has
//! no session half way. A wrong answer ends the session's use, but not before its deletion.

use super::{IterationEnd, deleted_after};
use crate::checks::known_session::KnownSession;
use crate::executors::call::CallError;
use crate::executors::virtual_user::Iteration;
use crate::scenarios::Scenario;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<IterationEnd, CallError> {
    let owner = iteration.owner(Scenario::Lifecycle);
    let session = iteration.open(&owner).await?;
    let used = use_up(iteration, &session).await;
    let end = deleted_after(used, iteration, &session).await?;
    iteration.read(&session).await?;
    Ok(end)
}

/// Everything between open and delete.
async fn use_up(iteration: &mut Iteration<'_>, session: &KnownSession) -> Result<IterationEnd, CallError> {
    let stores = iteration.load.options.stores;
    for _ in 0..stores {
        if iteration.think().await {
            return Ok(IterationEnd::Interrupted);
        }
        iteration.store(session).await?;
        if iteration.think().await {
            return Ok(IterationEnd::Interrupted);
        }
        iteration.read(session).await?;
    }
    if iteration.think().await {
        return Ok(IterationEnd::Interrupted);
    }
    iteration.update(session).await?;
    iteration.read(session).await?;
    if iteration.think().await {
        return Ok(IterationEnd::Interrupted);
    }
    iteration.close(session).await?;
    iteration.read(session).await?;
    Ok(if iteration.think().await { IterationEnd::Interrupted } else { IterationEnd::Complete })
}
