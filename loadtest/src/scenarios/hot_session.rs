//! One session that all users read and write concurrently, such as an account that many devices share.
//!
//! The first user opens it, and the leftover check closes and deletes it.

use super::{Sessions, is_read};
use crate::checks::known_session::KnownSession;
use crate::executors::user::{IterationError, IterationResult, VirtualUser};
use std::sync::Arc;

pub(super) async fn run(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let session = shared_session(user).await?;
    let params = user.client.state.params;
    for call in 0..params.calls {
        // The first call is due when the iteration is.
        if call > 0 {
            user.think().await?;
        }
        if is_read(call, params.read_ratio) {
            user.read(&session).await?;
        } else {
            user.store(&session).await?;
        }
    }
    Ok(())
}

/// Returns the session of all users. The first user opens it while the others wait.
async fn shared_session(user: &mut VirtualUser<Sessions>) -> Result<Arc<KnownSession>, IterationError> {
    let state = Arc::clone(&user.client.state);
    let owner = user.shared_user_id();
    state.hot_session.get_or_try_init(|| user.open_for(&owner)).await.cloned()
}
