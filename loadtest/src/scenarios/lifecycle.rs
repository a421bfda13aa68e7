//! The whole life of a session, with every operation of the contract but lists.
//!
//! An iteration includes open and delete, because goose stops users only between iterations: a stopped run
//! leaves no session half-way.

use super::{Scenario, delete_after};
use crate::checks::known_session::KnownSession;
use crate::executors::call::IterationError;
use crate::executors::virtual_user::Iteration;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<(), IterationError> {
    let owner = iteration.user_id(Scenario::Lifecycle);
    let session = iteration.open(&owner).await?;
    let used = use_session(iteration, &session).await;
    let deleted = delete_after(used, iteration, &session).await;
    if matches!(deleted, Ok(()) | Err(IterationError::RunEnded)) {
        iteration.read(&session).await?;
    }
    deleted
}

/// The calls between open and delete.
async fn use_session(iteration: &mut Iteration<'_>, session: &KnownSession) -> Result<(), IterationError> {
    for _ in 0..iteration.shared.config.params.stores {
        iteration.think().await?;
        iteration.store(session).await?;
        iteration.think().await?;
        iteration.read(session).await?;
    }
    iteration.think().await?;
    iteration.update(session).await?;
    iteration.read(session).await?;
    iteration.think().await?;
    iteration.close(session).await?;
    iteration.read(session).await?;
    iteration.think().await
}
