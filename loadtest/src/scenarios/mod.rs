//! Scenarios: the calls of one iteration of a virtual user.

mod browse;
mod churn;
mod hot_session;
mod lifecycle;
mod read_mostly;
mod weights;

pub use weights::ScenarioWeights;

use crate::checks::known_session::KnownSession;
use crate::executors::call::IterationError;
use crate::executors::virtual_user::Iteration;

/// The number of sessions that a user of `browse` keeps.
pub(crate) const KEPT_SESSIONS: usize = 5;

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// A session from open to delete, with every operation between them.
    Lifecycle,
    /// Lists of a user's sessions, by filter and page.
    Browse,
    /// One session that all users read and write.
    HotSession,
    /// Sessions that are opened and closed, and accumulate.
    Churn,
    /// A session that is read more often than it is written.
    ReadMostly,
}

/// The parameters of scenarios.
#[derive(Clone, Debug)]
pub(crate) struct ScenarioParams {
    pub(crate) stores: u32,
    pub(crate) calls: u32,
    pub(crate) read_ratio: f64,
}

impl Scenario {
    pub(crate) const ALL: [Self; 5] =
        [Self::Lifecycle, Self::Browse, Self::HotSession, Self::Churn, Self::ReadMostly];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Browse => "browse",
            Self::HotSession => "hot-session",
            Self::Churn => "churn",
            Self::ReadMostly => "read-mostly",
        }
    }

    /// The calls of an iteration, in words.
    pub(crate) fn describe(self, params: &ScenarioParams) -> String {
        let ScenarioParams { stores, calls, read_ratio } = params;
        match self {
            Self::Lifecycle => format!(
                "open, {stores} × store and read, update the user and read, close and read, delete and read"
            ),
            Self::Browse => format!(
                "keep {KEPT_SESSIONS} sessions of a user, list them by page and by filter, replace the oldest"
            ),
            Self::HotSession => {
                format!("{calls} calls on a session that all users share, {read_ratio} of them reads")
            }
            Self::Churn => "open, close; deleted after the run".to_owned(),
            Self::ReadMostly => format!("open, {calls} calls, {read_ratio} of them reads, close, delete"),
        }
    }

    /// The number of sessions that an iteration opens, for estimates.
    pub(crate) fn sessions(self) -> u64 {
        u64::from(self != Self::HotSession)
    }
}

/// Runs one iteration of a scenario.
pub(crate) async fn run(scenario: Scenario, iteration: &mut Iteration<'_>) -> Result<(), IterationError> {
    match scenario {
        Scenario::Lifecycle => lifecycle::run(iteration).await,
        Scenario::Browse => browse::run(iteration).await,
        Scenario::HotSession => hot_session::run(iteration).await,
        Scenario::Churn => churn::run(iteration).await,
        Scenario::ReadMostly => read_mostly::run(iteration).await,
    }
}

/// Deletes the session at the end of an iteration, whatever its result so far: a violation ends the use of a
/// session, but it must not be left behind.
async fn delete_after(
    used: Result<(), IterationError>,
    iteration: &mut Iteration<'_>,
    session: &KnownSession,
) -> Result<(), IterationError> {
    if let Err(IterationError::Violation(_)) = used {
        session.stop_checks();
    }
    let deleted = iteration.delete(session).await;
    match used {
        // The run has ended, but a failed delete is still an error.
        Err(IterationError::RunEnded) => deleted.and(used),
        Ok(()) => deleted,
        Err(_) => used,
    }
}

/// Returns whether the call of this number, counted from 0, is a read. Reads are spread evenly among the
/// writes.
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
