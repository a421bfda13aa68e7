//! A session that is read often and seldom written, as by an application that reads it on every page view.

use super::{Sessions, delete_after, is_read};
use crate::checks::known_session::KnownSession;
use crate::executors::user::{IterationResult, VirtualUser};

pub(super) async fn run(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let session = user.open().await?;
    let outcome = use_session(user, &session).await;
    delete_after(outcome, user, &session).await
}

/// The calls between open and delete.
async fn use_session(user: &mut VirtualUser<Sessions>, session: &KnownSession) -> IterationResult {
    let params = user.client.state.params;
    for call in 0..params.calls {
        user.think().await?;
        if is_read(call, params.read_ratio) {
            user.read(session).await?;
        } else {
            user.store(session).await?;
        }
    }
    user.close(session).await
}
