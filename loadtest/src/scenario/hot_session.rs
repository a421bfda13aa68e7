//! One session that all users read and write at the same time: an account that many devices share.
//!
//! The first user opens it, and the cleaning after the run closes and deletes it.

use super::{Progress, is_read};
use crate::drive::visitor::Visit;
use crate::observe::call::Trouble;
use crate::verify::known::Known;
use std::sync::Arc;

pub(super) async fn run(visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
    let session = shared(visit).await?;
    for call in 0..visit.load.options.calls {
        // The first call is due when the iteration is.
        if call > 0 && visit.think().await {
            return Ok(Progress::CutShort);
        }
        if is_read(call, visit.load.options.read_ratio) {
            visit.read(&session).await?;
        } else {
            visit.store(&session).await?;
        }
    }
    Ok(Progress::Through)
}

/// The session of all users. Who comes first opens it, and the others wait.
async fn shared(visit: &mut Visit<'_>) -> Result<Arc<Known>, Trouble> {
    let load = visit.load;
    let owner = load.shared_owner();
    load.hot_session.get_or_try_init(|| visit.open(&owner)).await.cloned()
}
