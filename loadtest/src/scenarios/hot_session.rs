//! One session that all users read and write concurrently, such as an account that many devices share.
//!
//! The first user opens it, and the leftover check closes and deletes it.

use super::is_read;
use crate::checks::known_session::KnownSession;
use crate::executors::call::IterationError;
use crate::executors::virtual_user::Iteration;
use std::sync::Arc;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<(), IterationError> {
    let session = shared_session(iteration).await?;
    let params = &iteration.shared.config.params;
    for call in 0..params.calls {
        // The first call is due when the iteration is.
        if call > 0 {
            iteration.think().await?;
        }
        if is_read(call, params.read_ratio) {
            iteration.read(&session).await?;
        } else {
            iteration.store(&session).await?;
        }
    }
    Ok(())
}

/// Returns the session of all users. The first user opens it while the others wait.
async fn shared_session(iteration: &mut Iteration<'_>) -> Result<Arc<KnownSession>, IterationError> {
    let shared = iteration.shared;
    let owner = shared.config.shared_user_id();
    shared.hot_session.get_or_try_init(|| iteration.open(&owner)).await.cloned()
}
