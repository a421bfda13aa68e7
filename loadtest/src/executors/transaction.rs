//! The iteration of a virtual user as a transaction of goose, in the closed and in the open model.

use super::arrivals::{Arrival, ArrivalQueue};
use super::shared::SharedState;
use super::user::{IterationError, IterationResult, VirtualUser};
use super::user_calls::UserCalls;
use crate::checks::violation::SCENARIO_ERROR;
use crate::metrics::counts::{Part, Phase};
use crate::scenarios::{Iteration, Scenario};
use crate::status;
use crate::sync::{Mutex, lock};
use goose::goose::{GooseUser, Transaction, TransactionError, TransactionResult};
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The pause after an iteration of the closed model that failed or made no call, so that a service that rejects
/// every open call is not called as fast as it can reject them; and the pause of a user without an iteration.
const PAUSE: Duration = Duration::from_millis(100);

/// A function that creates what a virtual user has.
type NewClient<C> = dyn Fn(&Arc<UserCalls>) -> C + Send + Sync;

/// The scenarios of a run, and the users that run them.
pub(crate) struct Users<C> {
    pub(crate) scenarios: Vec<Scenario<C>>,
    pub(crate) client: Box<NewClient<C>>,
}

/// The virtual user in the session data of its goose user.
struct Slot<C>(Arc<Mutex<Kept<C>>>);

/// The state that a goose user keeps from one iteration to the next.
struct Kept<C> {
    /// The calls of the user, with its number.
    calls: Option<Arc<UserCalls>>,
    /// `None` during an iteration, and after a panic.
    user: Option<Box<VirtualUser<C>>>,
}

impl<C> Clone for Slot<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Send + 'static> Slot<C> {
    /// Returns the slot of a goose user.
    fn of(user: &mut GooseUser) -> Self {
        if let Some(slot) = user.get_session_data::<Self>() {
            return slot.clone();
        }
        let slot = Self(Arc::new(Mutex::new(Kept { calls: None, user: None })));
        user.set_session_data(slot.clone());
        slot
    }
}

/// The only scenario that goose knows. Ours are chosen within its transaction.
pub(crate) fn goose_scenario<C: Send + 'static>(
    name: &str,
    shared: &Arc<SharedState>,
    users: &Arc<Users<C>>,
) -> goose::goose::Scenario {
    let (shared, users) = (Arc::clone(shared), Arc::clone(users));
    let iteration = Transaction::new(Arc::new(move |user| {
        let (shared, users) = (Arc::clone(&shared), Arc::clone(&users));
        Box::pin(async move { Box::pin(transaction(&shared, &users, user)).await })
    }));
    goose::goose::Scenario::new(name).register_transaction(iteration.set_name("iteration"))
}

async fn transaction<C: Send + 'static>(
    shared: &Arc<SharedState>,
    users: &Users<C>,
    user: &mut GooseUser,
) -> TransactionResult {
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
    if let (Some(arrival), Some(arrivals)) = (&arrival, &shared.arrivals) {
        arrivals.started(arrival);
    }
    let (outcome, made_calls) = run_iteration(shared, users, user, arrival).await;
    let is_ok = matches!(outcome, Ok(()) | Err(IterationError::RunEnded));
    if !is_ok || !made_calls {
        match shared.arrivals {
            // goose never ends a user whose iterations do not wait.
            None => tokio::time::sleep(PAUSE).await,
            // The rate decides when the next iteration starts.
            Some(_) => tokio::task::yield_now().await,
        }
    }
    match outcome {
        Ok(()) | Err(IterationError::RunEnded) => Ok(()),
        Err(error) => Err(Box::new(TransactionError::Custom(error.to_string()))),
    }
}

/// Runs an iteration. Returns its result, and whether it made calls.
async fn run_iteration<C: Send + 'static>(
    shared: &Arc<SharedState>,
    users: &Users<C>,
    user: &mut GooseUser,
    arrival: Option<Arrival>,
) -> (IterationResult, bool) {
    let index = shared.config.weights.choose(shared.counters.next_iteration());
    let phase = arrival.as_ref().map_or(Phase::ByTime, |arrival| arrival.phase);
    let is_measured = !shared.recorder.is_warm_up(phase, Instant::now());
    if is_measured {
        shared.counters.start_iteration(index);
    }
    let slot = Slot::of(user);
    let (kept, calls) = {
        let mut slot = lock(&slot.0);
        (slot.user.take(), Arc::clone(slot.calls.get_or_insert_with(|| new_calls(shared))))
    };
    let mut virtual_user = kept.unwrap_or_else(|| {
        let client = (users.client)(&calls);
        Box::new(VirtualUser::new(Arc::clone(&calls), client))
    });
    let scenario = &users.scenarios[index];
    calls.start_iteration(user, scenario.name, Part { scenario: index, phase }, arrival.as_ref());
    virtual_user.start_iteration(scenario.name);
    let run = run_to_end(scenario.run(&mut virtual_user), &calls, user);
    let outcome = match shared.stop.unless_given_up(run).await.unwrap_or(Ok(Err(IterationError::RunEnded))) {
        Ok(outcome) => {
            lock(&slot.0).user = Some(virtual_user);
            outcome
        }
        // The client may be in any state, so that the next iteration gets another one.
        Err(panic) => Err(IterationError::Other(format!("the scenario panicked: {panic}"))),
    };
    let outcome = outcome.map_err(|error| counted(error, &calls));
    match outcome {
        Ok(()) if is_measured => shared.counters.complete_iteration(index),
        Err(IterationError::RunEnded) if is_measured => shared.counters.interrupt_iteration(index),
        _ => (),
    }
    if let (Some(arrivals), Some(arrival)) = (&shared.arrivals, arrival) {
        if !matches!(outcome, Err(IterationError::RunEnded)) {
            arrivals.ended(phase, arrival.step_start);
        }
        if let Some(rate) = arrival.rate {
            rate.iteration_ended(outcome.is_ok());
        }
    }
    (outcome, calls.last().is_some())
}

/// Creates the calls of the next user.
fn new_calls(shared: &Arc<SharedState>) -> Arc<UserCalls> {
    let number = shared.counters.next_user();
    if number == 0 {
        status::log(&shared.config.announcement);
    }
    Arc::new(UserCalls::new(shared, number))
}

/// Counts an error of the scenario itself as a violation: it found something that it did not expect.
fn counted(error: IterationError, calls: &UserCalls) -> IterationError {
    let IterationError::Other(message) = error else { return error };
    match calls.last() {
        _ if calls.is_ended() => IterationError::RunEnded,
        Some(last) if last.failed => IterationError::Failed(last.operation),
        _ => {
            calls.violation(SCENARIO_ERROR, [None, Some(message)]);
            IterationError::Violation(SCENARIO_ERROR)
        }
    }
}

/// Runs an iteration to its end, and passes each recorded call on to goose as soon as the iteration waits, if goose
/// reports calls.
///
/// # Errors
///
/// With the message of a panic.
async fn run_to_end(
    mut iteration: Iteration<'_>,
    calls: &UserCalls,
    user: &mut GooseUser,
) -> Result<IterationResult, String> {
    let is_reported = !user.config.no_metrics;
    loop {
        let ended =
            poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| iteration.as_mut().poll(context))) {
                Ok(Poll::Ready(outcome)) => Poll::Ready(Some(Ok(outcome))),
                Ok(Poll::Pending) if is_reported && calls.has_records() => Poll::Ready(None),
                Ok(Poll::Pending) => Poll::Pending,
                Err(panic) => Poll::Ready(Some(Err(panic_message(&*panic)))),
            });
        let ended = ended.await;
        if is_reported {
            calls.flush(user).await;
        }
        if let Some(outcome) = ended {
            return outcome;
        }
    }
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// Waits for the next iteration that is due. Returns `None` at the end of the run.
async fn next_arrival(shared: &SharedState, arrivals: &ArrivalQueue) -> Option<Arrival> {
    tokio::select! {
        arrival = arrivals.next() => arrival,
        () = shared.stop.ended() => None,
    }
}

/// goose starts the next transaction immediately until it has stopped this user, and can only do so if users
/// wait.
async fn pause() -> TransactionResult {
    tokio::time::sleep(PAUSE).await;
    Ok(())
}
