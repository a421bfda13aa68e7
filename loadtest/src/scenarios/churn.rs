//! Sessions that are opened and closed, but deleted only after the run: users log out, and their sessions
//! accumulate, which slows down some stores.

use super::Sessions;
use crate::executors::user::{IterationResult, VirtualUser};

pub(super) async fn run(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let session = user.open().await?;
    user.think().await?;
    user.close(&session).await
}
