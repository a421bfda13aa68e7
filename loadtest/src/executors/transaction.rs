//! The iteration of a virtual user as a transaction of goose, in the closed and in the open model.

use super::arrivals::{Arrival, ArrivalQueue};
use super::call::IterationError;
use super::shared::SharedState;
use super::virtual_user::{Iteration, VirtualUser};
use crate::scenarios;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionError, TransactionResult};
use std::sync::Arc;
use std::time::Duration;

/// The pause after a failed iteration in the closed model, so that a service that rejects every open call is
/// not called as fast as it can reject them; and the pause of a user without an iteration.
const PAUSE: Duration = Duration::from_millis(100);

/// The only scenario that goose knows. Ours are chosen within its transaction.
pub(crate) fn goose_scenario(shared: &Arc<SharedState>) -> Scenario {
    let shared = Arc::clone(shared);
    let iteration = Transaction::new(Arc::new(move |user| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { Box::pin(transaction(&shared, user)).await })
    }));
    Scenario::new("sessions").register_transaction(iteration.set_name("iteration"))
}

async fn transaction(shared: &SharedState, user: &mut GooseUser) -> TransactionResult {
    let arrival = match &shared.arrivals {
        None => None,
        Some(arrivals) => match next_arrival(shared, arrivals).await {
            Some(arrival) => Some(arrival),
            None => return pause().await,
        },
    };
    // Counted before the check: a thread that ends the run and then sees none in flight knows that none will
    // start.
    let in_flight = shared.counters.enter();
    if shared.stop.is_due() {
        drop(in_flight);
        return pause().await;
    }
    let outcome = run_iteration(shared, user, arrival).await;
    match outcome {
        Ok(()) | Err(IterationError::RunEnded) => Ok(()),
        Err(error) => {
            // In the open model the rate decides when the next iteration starts.
            if shared.arrivals.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
            Err(Box::new(transaction_error(error)))
        }
    }
}

async fn run_iteration(
    shared: &SharedState,
    user: &mut GooseUser,
    arrival: Option<Arrival>,
) -> Result<(), IterationError> {
    let (due, step) = arrival.map_or((None, None), |arrival| (Some(arrival.due), arrival.step));
    let scenario = shared.config.weights.choose(shared.counters.next_iteration());
    shared.counters.start_iteration(scenario);
    let mut virtual_user = VirtualUser::take_from(shared, user);
    let mut iteration = Iteration::new(shared, user, &mut virtual_user, due, step.as_deref());
    let outcome = scenarios::run(scenario, &mut iteration).await;
    virtual_user.put_back(user);
    if outcome.is_ok() {
        shared.counters.complete_iteration(scenario);
    }
    if let Some(step) = &step {
        step.iteration_ended(outcome.is_ok());
    }
    outcome
}

/// Waits for the next iteration that is due. Returns `None` at the end of the run.
async fn next_arrival(shared: &SharedState, arrivals: &ArrivalQueue) -> Option<Arrival> {
    let ended = async {
        while !shared.stop.is_due() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        arrival = arrivals.next() => arrival,
        () = ended => None,
    }
}

/// goose starts the next transaction immediately until it has stopped this user, and can only do so if users
/// wait.
async fn pause() -> TransactionResult {
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

fn transaction_error(error: IterationError) -> TransactionError {
    match error {
        IterationError::Failed(operation) => TransactionError::Custom(format!("{operation} failed")),
        IterationError::Violation(violation) => TransactionError::Custom(violation.description().to_owned()),
        IterationError::RunEnded => TransactionError::Custom("the run has ended".to_owned()),
        IterationError::Goose(error) => *error,
    }
}
