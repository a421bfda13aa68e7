//! A session that is looked at on every page that its user visits, and seldom changed.

use super::{IterationEnd, deleted_after, is_read};
use crate::checks::known_session::KnownSession;
use crate::executors::call::CallError;
use crate::executors::virtual_user::Iteration;
use crate::scenarios::Scenario;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<IterationEnd, CallError> {
    let owner = iteration.owner(Scenario::ReadMostly);
    let session = iteration.open(&owner).await?;
    let used = use_up(iteration, &session).await;
    deleted_after(used, iteration, &session).await
}

async fn use_up(iteration: &mut Iteration<'_>, session: &KnownSession) -> Result<IterationEnd, CallError> {
    for call in 0..iteration.load.options.calls {
        if iteration.think().await {
            return Ok(IterationEnd::Interrupted);
        }
        if is_read(call, iteration.load.options.read_ratio) {
            iteration.read(session).await?;
        } else {
            iteration.store(session).await?;
        }
    }
    iteration.close(session).await?;
    Ok(IterationEnd::Complete)
}
