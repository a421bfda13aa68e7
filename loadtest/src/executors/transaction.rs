//! One iteration of a virtual user, closed or open, as a transaction of goose.

use crate::executors::shared::{InFlight, Load};
use crate::executors::virtual_user::{Iteration, VirtualUser};
use crate::scenarios::{self, IterationEnd};
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The wait after an iteration that came to nothing: a service that opens no sessions is asked again, but not as
/// fast as it can refuse.
const PAUSE: Duration = Duration::from_millis(100);

/// The scenario for goose: what a user does is chosen within.
pub(crate) fn scenario(load: &Arc<Load>) -> Scenario {
    let load = Arc::clone(load);
    let iteration = Transaction::new(Arc::new(move |user| {
        let load = Arc::clone(&load);
        Box::pin(async move { Box::pin(transaction(&load, user)).await })
    }));
    Scenario::new("sessions").register_transaction(iteration.set_name("iteration"))
}

async fn transaction(load: &Load, user: &mut GooseUser) -> TransactionResult {
    let arrival = match &load.arrivals {
        Some(arrivals) => match tokio::select! {
            arrival = arrivals.next() => arrival,
            () = over(load) => None,
        } {
            Some(arrival) => Some(arrival),
            None => return idle().await,
        },
        None => None,
    };
    // Counted before it looks: whoever orders the end and then sees none in flight can be sure that none starts.
    let in_flight = InFlight::new(&load.in_flight);
    if load.stop.is_due() {
        drop(in_flight);
        return idle().await;
    }
    let scenario = load.mix.choose(load.iterations.fetch_add(1, Ordering::Relaxed));
    let counts = load.iteration_counts.get(&scenario);
    let window = arrival.as_ref().and_then(|arrival| arrival.window.clone());
    if let Some(counts) = counts {
        counts.begun.fetch_add(1, Ordering::Relaxed);
    }
    let mut virtual_user = VirtualUser::take_from(load, user);
    let mut iteration =
        Iteration::new(load, user, &mut virtual_user, arrival.map(|arrival| arrival.due), window.as_deref());
    let outcome = scenarios::run(scenario, &mut iteration).await;
    virtual_user.put_back(user);
    let is_complete = matches!(outcome, Ok(IterationEnd::Complete));
    if let Some(window) = &window {
        window.end(is_complete);
    }
    match outcome {
        Ok(_) => {
            if is_complete && let Some(counts) = counts {
                counts.completed.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
        Err(error) => {
            // In open load the rate alone decides when the next one begins.
            if load.arrivals.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error.into())
        }
    }
}

/// goose starts the next iteration at once until it has told this user to end, which it could never do if no user ever
/// waited.
async fn idle() -> TransactionResult {
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

/// Waits until the run is over.
async fn over(load: &Load) {
    while !load.stop.is_due() {
        tokio::time::sleep(PAUSE).await;
    }
}
