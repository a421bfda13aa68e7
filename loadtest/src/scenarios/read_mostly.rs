//! A session that is read often and seldom written, as by an application that reads it on every page view.

use super::{Scenario, delete_after, is_read};
use crate::checks::known_session::KnownSession;
use crate::executors::call::IterationError;
use crate::executors::virtual_user::Iteration;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<(), IterationError> {
    let owner = iteration.user_id(Scenario::ReadMostly);
    let session = iteration.open(&owner).await?;
    let used = use_session(iteration, &session).await;
    delete_after(used, iteration, &session).await
}

/// The calls between open and delete.
async fn use_session(iteration: &mut Iteration<'_>, session: &KnownSession) -> Result<(), IterationError> {
    let params = &iteration.shared.config.params;
    for call in 0..params.calls {
        iteration.think().await?;
        if is_read(call, params.read_ratio) {
            iteration.read(session).await?;
        } else {
            iteration.store(session).await?;
        }
    }
    iteration.close(session).await
}
