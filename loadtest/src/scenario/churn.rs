//! Sessions that nobody deletes: what a service does whose users log out and never come back.
//!
//! They pile up, which some persistences feel, and are deleted after the run.

use super::Progress;
use crate::drive::visitor::Visit;
use crate::mix::Scenario;
use crate::observe::call::Trouble;

pub(super) async fn run(visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
    let owner = visit.owner(Scenario::Churn);
    let session = visit.open(&owner).await?;
    if visit.think().await {
        return Ok(Progress::CutShort);
    }
    visit.close(&session).await?;
    Ok(Progress::Through)
}
