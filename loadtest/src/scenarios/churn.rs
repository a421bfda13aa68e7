//! Sessions that nobody deletes: what a service does whose users log out and never come back.
//!
//! They pile up, which some persistences feel, and are deleted after the run.

use super::IterationEnd;
use crate::executors::call::CallError;
use crate::executors::virtual_user::Iteration;
use crate::scenarios::Scenario;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<IterationEnd, CallError> {
    let owner = iteration.owner(Scenario::Churn);
    let session = iteration.open(&owner).await?;
    if iteration.think().await {
        return Ok(IterationEnd::Interrupted);
    }
    iteration.close(&session).await?;
    Ok(IterationEnd::Complete)
}
