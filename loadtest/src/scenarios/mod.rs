//! Scenarios: the calls of one iteration of a virtual user.

mod browse;
mod churn;
mod hot_session;
mod lifecycle;
mod read_mostly;
pub(crate) mod session_calls;
mod weights;

pub use session_calls::Sessions;
pub use weights::ScenarioWeights;
pub(crate) use weights::{Weighted, check_scenarios};

use crate::builder::ScenarioFn;
use crate::checks::known_session::KnownSession;
use crate::executors::user::{IterationError, IterationResult, VirtualUser};
use sessions_client::Route;
use sessions_client::sessions_v1::{
    CLOSE_SESSION, DELETE_SESSION_BY_ID, GET_SESSION_BY_ID, GET_SESSIONS, OPEN_SESSION, STORE_SESSION_DATA,
    UPDATE_SESSION_USER,
};
use std::pin::Pin;
use std::sync::Arc;

/// The number of sessions that a user of `browse` keeps.
pub(crate) const KEPT_SESSIONS: usize = 5;

/// An iteration in progress.
pub(crate) type Iteration<'u> = Pin<Box<dyn Future<Output = IterationResult> + Send + 'u>>;

/// A function that starts an iteration.
pub(crate) type RunIteration<C> = dyn for<'u> Fn(&'u mut VirtualUser<C>) -> Iteration<'u> + Send + Sync;

/// A scenario: the calls of one iteration, with a name.
pub(crate) struct Scenario<C> {
    pub(crate) name: &'static str,
    weight: u32,
    built_in: Option<BuiltIn>,
    run: Arc<RunIteration<C>>,
}

/// A scenario, whatever its users have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScenarioInfo {
    pub(crate) name: &'static str,
    pub(crate) weight: u32,
    pub(crate) built_in: Option<BuiltIn>,
}

impl ScenarioInfo {
    /// The scenario with its weight, as part of a run.
    pub(crate) fn weighted(&self, index: usize) -> Weighted {
        Weighted { index, name: self.name, weight: self.weight }
    }
}

impl<C> Clone for Scenario<C> {
    fn clone(&self) -> Self {
        Self { name: self.name, weight: self.weight, built_in: self.built_in, run: Arc::clone(&self.run) }
    }
}

impl<C> Scenario<C> {
    pub(crate) fn new(
        name: &'static str,
        weight: u32,
        scenario: impl for<'u> ScenarioFn<'u, C> + Send + Sync + 'static,
    ) -> Self {
        Self { name, weight, built_in: None, run: Arc::new(move |user| Box::pin(scenario(user))) }
    }

    pub(crate) fn info(&self) -> ScenarioInfo {
        ScenarioInfo { name: self.name, weight: self.weight, built_in: self.built_in }
    }

    /// Runs one iteration.
    pub(crate) fn run<'u>(&self, user: &'u mut VirtualUser<C>) -> Iteration<'u> {
        (self.run)(user)
    }
}

/// A scenario of the sessions service that is part of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltIn {
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScenarioParams {
    pub(crate) stores: u32,
    pub(crate) calls: u32,
    pub(crate) read_ratio: f64,
}

impl BuiltIn {
    pub(crate) const ALL: [Self; 5] =
        [Self::Lifecycle, Self::Browse, Self::HotSession, Self::Churn, Self::ReadMostly];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
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

    /// The operations that an iteration may call.
    pub(crate) fn operations(self, params: &ScenarioParams) -> Vec<&'static Route> {
        let mixed = || {
            let reads = (0..params.calls).any(|call| is_read(call, params.read_ratio));
            let stores = (0..params.calls).any(|call| !is_read(call, params.read_ratio));
            let reads = reads.then_some(GET_SESSION_BY_ID);
            reads.into_iter().chain(stores.then_some(STORE_SESSION_DATA))
        };
        let ends = [CLOSE_SESSION, DELETE_SESSION_BY_ID];
        let opens = [OPEN_SESSION];
        match self {
            Self::Lifecycle => {
                let stores = (params.stores > 0).then_some(STORE_SESSION_DATA);
                let others = [UPDATE_SESSION_USER, GET_SESSION_BY_ID].into_iter();
                opens.into_iter().chain(stores).chain(others).chain(ends).collect()
            }
            Self::Browse => opens.into_iter().chain([GET_SESSIONS]).chain(ends).collect(),
            Self::HotSession => opens.into_iter().chain(mixed()).collect(),
            Self::Churn => vec![OPEN_SESSION, CLOSE_SESSION],
            Self::ReadMostly => opens.into_iter().chain(mixed()).chain(ends).collect(),
        }
    }

    /// The scenario for virtual users.
    pub(crate) fn scenario(self) -> Scenario<Sessions> {
        Scenario {
            name: self.name(),
            weight: 1,
            built_in: Some(self),
            run: match self {
                Self::Lifecycle => Arc::new(|user| Box::pin(lifecycle::run(user))),
                Self::Browse => Arc::new(|user| Box::pin(browse::run(user))),
                Self::HotSession => Arc::new(|user| Box::pin(hot_session::run(user))),
                Self::Churn => Arc::new(|user| Box::pin(churn::run(user))),
                Self::ReadMostly => Arc::new(|user| Box::pin(read_mostly::run(user))),
            },
        }
    }

    /// The number of sessions that an iteration opens, for estimates.
    pub(crate) fn sessions(self) -> u64 {
        u64::from(self != Self::HotSession)
    }
}

/// Deletes the session at the end of an iteration, whatever its result so far: a violation ends the use of a
/// session, but it must not be left behind.
async fn delete_after(
    outcome: IterationResult,
    user: &mut VirtualUser<Sessions>,
    session: &KnownSession,
) -> IterationResult {
    if let Err(IterationError::Violation(_)) = outcome {
        session.stop_checks();
    }
    let deleted = user.delete(session).await;
    match outcome {
        // The run has ended, but a failed delete is still an error.
        Err(IterationError::RunEnded) => deleted.and(outcome),
        Ok(()) => deleted,
        Err(_) => outcome,
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
