//! One session that all users read and write at the same time: an account that many devices share.
//!
//! The first user opens it, and the cleaning after the run closes and deletes it.

use super::{IterationEnd, is_read};
use crate::checks::known_session::KnownSession;
use crate::executors::call::CallError;
use crate::executors::virtual_user::Iteration;
use std::sync::Arc;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<IterationEnd, CallError> {
    let session = shared(iteration).await?;
    for call in 0..iteration.load.options.calls {
        // The first call is due when the iteration is.
        if call > 0 && iteration.think().await {
            return Ok(IterationEnd::Interrupted);
        }
        if is_read(call, iteration.load.options.read_ratio) {
            iteration.read(&session).await?;
        } else {
            iteration.store(&session).await?;
        }
    }
    Ok(IterationEnd::Complete)
}

/// The session of all users. Who comes first opens it, and the others wait.
async fn shared(iteration: &mut Iteration<'_>) -> Result<Arc<KnownSession>, CallError> {
    let load = iteration.load;
    let owner = load.shared_owner();
    load.hot_session.get_or_try_init(|| iteration.open(&owner)).await.cloned()
}
