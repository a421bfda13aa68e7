//! The whole life of a session, with every operation of the contract but lists.
//!
//! The leftover check deletes the session of an iteration that the end of the run interrupts.

use super::{Sessions, delete_after};
use crate::checks::known_session::KnownSession;
use crate::executors::user::{IterationError, IterationResult, VirtualUser};

pub(super) async fn run(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let session = user.open().await?;
    let outcome = use_session(user, &session).await;
    let deleted = delete_after(outcome, user, &session).await;
    if matches!(deleted, Ok(()) | Err(IterationError::RunEnded)) {
        user.read(&session).await?;
    }
    deleted
}

/// The calls between open and delete.
async fn use_session(user: &mut VirtualUser<Sessions>, session: &KnownSession) -> IterationResult {
    for _ in 0..user.client.state.params.stores {
        user.think().await?;
        user.store(session).await?;
        user.think().await?;
        user.read(session).await?;
    }
    user.think().await?;
    user.update(session).await?;
    user.read(session).await?;
    user.think().await?;
    user.close(session).await?;
    user.read(session).await?;
    user.think().await
}
