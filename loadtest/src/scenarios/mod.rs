//! What users can do, by name, and the mix of it.

mod browse;
mod churn;
mod hot_session;
mod lifecycle;
mod read_mostly;
mod weights;

use crate::checks::known_session::KnownSession;
use crate::executors::call::CallError;
use crate::executors::virtual_user::Iteration;

pub use weights::Mix;

/// How many sessions a user of `browse` keeps.
pub(crate) const KEPT_SESSIONS: usize = 5;

/// What a user does in one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// A session from its opening to its deletion, and everything in between.
    Lifecycle,
    /// Lists of a user's sessions, by filter and page.
    Browse,
    /// One session that all users read and write.
    HotSession,
    /// Sessions that are opened and closed, and pile up.
    Churn,
    /// A session that is read more often than it is written.
    ReadMostly,
}

impl Scenario {
    pub(crate) const ALL: [Self; 5] =
        [Self::Lifecycle, Self::Browse, Self::HotSession, Self::Churn, Self::ReadMostly];

    /// Its name on the command line.
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

    /// What an iteration consists of, for people.
    pub(crate) fn describe(self, options: &Options) -> String {
        let Options { stores, calls, read_ratio, .. } = options;
        match self {
            Self::Lifecycle => format!(
                "open, {stores} × store and read, update the user and read, close and read, delete and read"
            ),
            Self::Browse => format!(
                "keep {KEPT_SESSIONS} sessions of a user, list them by page and by filter, replace the oldest",
            ),
            Self::HotSession => {
                format!("{calls} calls on a session that all users share, {read_ratio} of them reads")
            }
            Self::Churn => "open, close; deleted after the run".to_owned(),
            Self::ReadMostly => format!("open, {calls} calls, {read_ratio} of them reads, close, delete"),
        }
    }

    /// How many sessions an iteration opens, for estimates.
    pub(crate) fn sessions(self) -> u64 {
        u64::from(self != Self::HotSession)
    }
}

/// Sizes and proportions of what users do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) stores: u32,
    pub(crate) calls: u32,
    pub(crate) read_ratio: f64,
}

/// Runs one iteration of a scenario.
pub(crate) async fn run(
    scenario: Scenario,
    iteration: &mut Iteration<'_>,
) -> Result<IterationEnd, CallError> {
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
