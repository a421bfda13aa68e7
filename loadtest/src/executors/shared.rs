//! The state that all virtual users of a run share.

use super::POLL_INTERVAL;
use super::arrivals::ArrivalQueue;
use super::stop::Stop;
use crate::checks::known_session::KnownSession;
use crate::checks::ledger::Ledger;
use crate::checks::payload::Filler;
use crate::client::LoadClient;
use crate::metrics::ExecutionSegment;
use crate::metrics::recorder::Recorder;
use crate::scenarios::{Scenario, ScenarioParams, ScenarioWeights};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// The maximum number of calls between two checks for the end of the run, each of which may time out.
const MAX_CALLS_TO_STOP: u32 = 6;

/// The state that all virtual users of a run share.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) config: RunConfig,
    pub(crate) counters: Counters,
    /// One client for all users: a client per user would hold a copy of the system's certificates each.
    pub(crate) client: LoadClient,
    pub(crate) recorder: Recorder,
    pub(crate) ledger: Ledger,
    pub(crate) stop: Stop,
    /// The due iterations, in the open model.
    pub(crate) arrivals: Option<ArrivalQueue>,
    /// The session of the scenario `hot-session`.
    pub(crate) hot_session: OnceCell<Arc<KnownSession>>,
}

/// The part of the options that virtual users need.
#[derive(Debug)]
pub(crate) struct RunConfig {
    pub(crate) weights: ScenarioWeights,
    pub(crate) params: ScenarioParams,
    pub(crate) think_time: Duration,
    pub(crate) filler: Filler,
    pub(crate) checks_enabled: bool,
    pub(crate) test_run_id: String,
    pub(crate) segment: ExecutionSegment,
    /// The message when the first user starts: earlier, goose may still reject its configuration.
    pub(crate) announcement: String,
}

/// The progress of a run.
#[derive(Debug)]
pub(crate) struct Counters {
    scenarios: BTreeMap<Scenario, IterationCounts>,
    iterations: AtomicU64,
    users: AtomicUsize,
    sessions: AtomicU64,
    in_flight: AtomicUsize,
}

/// The iterations of one scenario.
#[derive(Debug, Default)]
pub(crate) struct IterationCounts {
    started: AtomicU64,
    completed: AtomicU64,
}

/// Returns the prefix of all user ids of a test run.
pub(crate) fn user_id_prefix(test_run_id: &str) -> String {
    format!("loadtest-{test_run_id}-")
}

impl RunConfig {
    /// The id of a user, counted from 0, in a scenario. Each scenario has its own users, so that the lists of
    /// one do not contain sessions of another.
    pub(crate) fn user_id(&self, user: usize, scenario: Scenario) -> String {
        format!("{}{}-{user}-{}", user_id_prefix(&self.test_run_id), self.segment.index, scenario.name())
    }

    /// The id of the user whose session all users of `hot-session` share.
    pub(crate) fn shared_user_id(&self) -> String {
        let (prefix, index) = (user_id_prefix(&self.test_run_id), self.segment.index);
        format!("{prefix}{index}-all-{}", Scenario::HotSession.name())
    }
}

impl SharedState {
    /// Waits for iterations that goose has abandoned: sessions opened after the leftover check would be left
    /// behind.
    pub(crate) async fn drain(&self, call_timeout: Duration) {
        let start = Instant::now();
        let timeout = call_timeout.saturating_mul(MAX_CALLS_TO_STOP);
        while self.counters.in_flight() > 0 && start.elapsed() < timeout {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Counters {
    pub(crate) fn new(weights: &ScenarioWeights) -> Self {
        Self {
            scenarios: weights.iter().map(|(scenario, _)| (scenario, IterationCounts::default())).collect(),
            iterations: AtomicU64::new(0),
            users: AtomicUsize::new(0),
            sessions: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Returns the number of the next iteration, counted from 0.
    pub(crate) fn next_iteration(&self) -> u64 {
        self.iterations.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number of the next user, counted from 0.
    pub(crate) fn next_user(&self) -> usize {
        self.users.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number of the next session, counted from 0.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn start_iteration(&self, scenario: Scenario) {
        if let Some(counts) = self.scenarios.get(&scenario) {
            counts.started.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn complete_iteration(&self, scenario: Scenario) {
        if let Some(counts) = self.scenarios.get(&scenario) {
            counts.completed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The numbers of started and completed iterations of a scenario.
    pub(crate) fn iterations(&self, scenario: Scenario) -> [u64; 2] {
        self.scenarios.get(&scenario).map_or([0, 0], |counts| {
            [&counts.started, &counts.completed].map(|count| count.load(Ordering::Relaxed))
        })
    }

    /// The number of iterations in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Counts an iteration as in flight until the guard is dropped.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(&self.in_flight)
    }
}

/// A guard of an iteration in flight.
#[derive(Debug)]
pub(crate) struct InFlight<'c>(&'c AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
