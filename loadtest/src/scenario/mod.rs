//! What users do, a scenario a file.

mod browse;
mod churn;
mod hot_session;
mod lifecycle;
mod read_mostly;
pub(crate) mod transaction;

use crate::drive::virtual_user::Iteration;
use crate::mix::Scenario;
use crate::observe::call::CallError;
use crate::verify::known_session::KnownSession;

/// Runs one iteration of a scenario.
async fn run(scenario: Scenario, iteration: &mut Iteration<'_>) -> Result<IterationEnd, CallError> {
    match scenario {
        Scenario::Lifecycle => lifecycle::run(iteration).await,
        Scenario::Browse => browse::run(iteration).await,
        Scenario::HotSession => hot_session::run(iteration).await,
        Scenario::Churn => churn::run(iteration).await,
        Scenario::ReadMostly => read_mostly::run(iteration).await,
    }
}

/// How an iteration ends in which no call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IterationEnd {
    /// It goes through to its end.
    Complete,
    /// The run is over before.
    Interrupted,
}

/// What an iteration has come to, once its session is deleted: a wrong answer ends the session's use, but not before its
/// deletion.
async fn deleted_after(
    used: Result<IterationEnd, CallError>,
    iteration: &mut Iteration<'_>,
    session: &KnownSession,
) -> Result<IterationEnd, CallError> {
    if let Err(CallError::Wrong(_)) = used {
        session.distrust();
    }
    let deleted = iteration.delete(session).await;
    let end = used?;
    deleted?;
    Ok(end)
}

/// Whether the call of this number, counted from 0, is a read, so that reads are spread evenly among the writes.
fn is_read(call: u32, read_ratio: f64) -> bool {
    let reads = |calls: u32| (f64::from(calls) * read_ratio).floor();
    reads(call + 1) > reads(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_have_their_ratio_and_are_spread_among_the_writes() {
        for (ratio, reads) in [(0.0, 0), (0.1, 2), (0.5, 10), (0.9, 18), (1.0, 20)] {
            assert_eq!((0..20).filter(|call| is_read(*call, ratio)).count(), reads, "{ratio}");
        }
        let half: Vec<_> = (0..4).map(|call| is_read(call, 0.5)).collect();
        assert_eq!(half, [false, true, false, true]);
    }
}
