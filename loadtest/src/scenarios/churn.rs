//! Sessions that are opened and closed, but deleted only after the run: users log out, and their sessions
//! accumulate, which slows down some stores.

use super::Scenario;
use crate::executors::call::IterationError;
use crate::executors::virtual_user::Iteration;

pub(super) async fn run(iteration: &mut Iteration<'_>) -> Result<(), IterationError> {
    let owner = iteration.user_id(Scenario::Churn);
    let session = iteration.open(&owner).await?;
    iteration.think().await?;
    iteration.close(&session).await
}
