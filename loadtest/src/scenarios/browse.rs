//! Lists of a user's sessions, page by page and by filter, while sessions are opened and deleted.
//!
//! Each user keeps a few sessions from one iteration to the next. A list must contain exactly the sessions of
//! the user.

use super::{KEPT_SESSIONS, Sessions};
use crate::checks::list::ListFilter;
use crate::executors::user::{IterationResult, VirtualUser};
use sessions_client::FilterParams;

pub(super) async fn run(user: &mut VirtualUser<Sessions>) -> IterationResult {
    let owner = user.id();
    while user.client.kept_sessions.len() < KEPT_SESSIONS {
        let session = user.open().await?;
        user.client.kept_sessions.push(session);
        user.think().await?;
    }
    user.list().await?;
    // The oldest session is deleted, and all others move to a smaller offset.
    let oldest = user.client.kept_sessions.remove(0);
    user.think().await?;
    user.close(&oldest).await?;
    let active = FilterParams::new().user_id(&owner).active(true);
    user.list_pages(&owner, &active, ListFilter::Active).await?;
    user.think().await?;
    user.delete(&oldest).await?;
    let one = FilterParams::new().user_id(&owner).id(&oldest.id);
    user.list_pages(&owner, &one, ListFilter::Only(&oldest.id)).await
}
