//! The state that all virtual users of a run share.

use super::POLL_INTERVAL;
use super::arrivals::ArrivalQueue;
use super::rate_limit::On429;
use super::stop::Stop;
use crate::data::DataRows;
use crate::faults::injection::FaultInjection;
use crate::metrics::ExecutionSegment;
use crate::metrics::other_calls::CallCounts;
use crate::metrics::recorder::Recorder;
use crate::metrics::resource_usage::ResourceUsage;
use crate::scenarios::ScenarioWeights;
use crate::telemetry::trace_context::Sampling;
use chrono::{DateTime, Utc};
use sessions_client::ClientConfig;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The state that all virtual users of a run share.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) config: RunConfig,
    pub(crate) counters: Counters,
    pub(crate) recorder: Recorder,
    /// The calls of the clean-up.
    pub(crate) cleanup_calls: CallCounts,
    /// The requests of the load that were sent again at once.
    pub(crate) sent_again: CallCounts,
    pub(crate) stop: Stop,
    /// The rows of the file with data.
    pub(crate) data: Option<Arc<DataRows>>,
    /// The start of the executor, before that of the first call.
    pub(crate) executor_started: OnceLock<(DateTime<Utc>, ResourceUsage)>,
    /// The due iterations, in the open model.
    pub(crate) arrivals: Option<ArrivalQueue>,
    /// The faults that are injected, if any.
    pub(crate) faults: Option<FaultInjection>,
}

/// The part of the options that virtual users need.
#[derive(Debug)]
pub(crate) struct RunConfig {
    pub(crate) weights: ScenarioWeights,
    pub(crate) think_time: Duration,
    pub(crate) checks_enabled: bool,
    pub(crate) sampling: Sampling,
    pub(crate) on_429: On429,
    pub(crate) test_run_id: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) segment: ExecutionSegment,
    /// The number in all user ids: that of the worker, or in a comparison that of the service.
    pub(crate) id_number: u32,
    /// The time that calls in flight have to end when the run ends.
    pub(crate) graceful_stop: Duration,
    /// The time before the measured load.
    pub(crate) warm_up: Duration,
    /// The time that the clean-up may take, if it was given.
    pub(crate) cleanup_timeout: Option<Duration>,
    /// The message when the first user starts: earlier, goose may still reject its configuration.
    pub(crate) announcement: String,
}

/// The progress of a run.
#[derive(Debug)]
pub(crate) struct Counters {
    /// By the index of the scenario.
    scenarios: Vec<IterationCounts>,
    iterations: AtomicU64,
    users: AtomicUsize,
    user_started: Notify,
    in_flight: AtomicUsize,
}

/// The iterations of one scenario.
#[derive(Debug, Default)]
pub(crate) struct IterationCounts {
    started: AtomicU64,
    completed: AtomicU64,
    interrupted: AtomicU64,
}

/// Returns the prefix of all user ids of a test run.
pub(crate) fn user_id_prefix(test_run_id: &str) -> String {
    format!("loadtest-{test_run_id}-")
}

/// The minimum time that the clean-up may take by default.
const MIN_CLEANUP_TIMEOUT: Duration = Duration::from_secs(60);

impl SharedState {
    /// Returns the settings of the virtual users' clients: with faults, they connect to the relays.
    pub(crate) fn load_config(&self, config: &ClientConfig) -> ClientConfig {
        self.faults.as_ref().map_or_else(|| config.clone(), |faults| faults.through(config))
    }

    /// The time that the clean-up may take: by default as long as the load, but not less than a minute.
    pub(crate) fn cleanup_timeout(&self) -> Duration {
        let load = self.recorder.load_duration(self.stop.ended_at());
        self.config.cleanup_timeout.unwrap_or(MIN_CLEANUP_TIMEOUT.max(load))
    }

    /// Waits for iterations that goose has abandoned, until they are given up: sessions opened after the
    /// leftover check would be left behind.
    pub(crate) async fn drain(&self) {
        let start = Instant::now();
        while self.counters.in_flight() > 0 && start.elapsed() < self.config.graceful_stop + POLL_INTERVAL {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Counters {
    /// Creates the counters for this number of scenarios.
    pub(crate) fn new(scenarios: usize) -> Self {
        Self {
            scenarios: (0..scenarios).map(|_| IterationCounts::default()).collect(),
            iterations: AtomicU64::new(0),
            users: AtomicUsize::new(0),
            user_started: Notify::new(),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Returns the number of the next iteration, counted from 0.
    pub(crate) fn next_iteration(&self) -> u64 {
        self.iterations.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number of the next user, counted from 0.
    pub(crate) fn next_user(&self) -> usize {
        let number = self.users.fetch_add(1, Ordering::SeqCst);
        self.user_started.notify_one();
        number
    }

    /// Waits until this number of users have started.
    pub(crate) async fn wait_for_users(&self, users: usize) {
        while self.users.load(Ordering::SeqCst) < users {
            self.user_started.notified().await;
        }
    }

    /// The number of users that have started.
    pub(crate) fn users(&self) -> usize {
        self.users.load(Ordering::Relaxed)
    }

    /// Returns whether the first user has started.
    pub(crate) fn has_started(&self) -> bool {
        self.users.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn start_iteration(&self, scenario: usize) {
        if let Some(counts) = self.scenarios.get(scenario) {
            counts.started.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn complete_iteration(&self, scenario: usize) {
        if let Some(counts) = self.scenarios.get(scenario) {
            counts.completed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an iteration that the end of the run has interrupted.
    pub(crate) fn interrupt_iteration(&self, scenario: usize) {
        if let Some(counts) = self.scenarios.get(scenario) {
            counts.interrupted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The numbers of started, completed and interrupted iterations of a scenario.
    pub(crate) fn iterations(&self, scenario: usize) -> [u64; 3] {
        self.scenarios.get(scenario).map_or([0; 3], |counts| {
            [&counts.started, &counts.completed, &counts.interrupted]
                .map(|count| count.load(Ordering::Relaxed))
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
