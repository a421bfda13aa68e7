//! What all users of a run share.

use super::arrivals::Arrivals;
use super::stop::Stop;
use crate::checks::known_session::KnownSession;
use crate::checks::ledger::Ledger;
use crate::checks::payload::Filler;
use crate::client::Client;
use crate::metrics::Worker;
use crate::metrics::recorder::Recorder;
use crate::scenarios::{Mix, Options, Scenario};
use sessions_client::ClientConfig;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// The pause between two looks at how many iterations are in flight.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The calls that a user makes at most before looking whether the run is over, each of which may run into its timeout.
const CALLS: u32 = 6;

/// What all users of a run share.
#[derive(Debug)]
pub(crate) struct Load {
    /// One for all: a connection pool for each user would hold a copy of the system's certificates.
    pub(crate) client: Arc<Client>,
    /// For users who send by goose's client, each of whom has a typed client of their own.
    pub(crate) goose_client: Option<GooseClientConfig>,
    pub(crate) mix: Mix,
    pub(crate) options: Options,
    pub(crate) think_time: Duration,
    pub(crate) filler: Filler,
    /// Whether answers are compared with what is known.
    pub(crate) verify: bool,
    /// What is said when the first user starts: not sooner, because goose may refuse to run.
    pub(crate) announcement: String,
    /// Tells the users of this run from those of any other.
    pub(crate) run: String,
    pub(crate) share: Worker,
    pub(crate) recorder: Recorder,
    pub(crate) ledger: Ledger,
    pub(crate) stop: Stop,
    /// None in closed load.
    pub(crate) arrivals: Option<Arrivals>,
    pub(crate) hot_session: OnceCell<Arc<KnownSession>>,
    pub(crate) iteration_counts: BTreeMap<Scenario, IterationCounts>,
    /// How many iterations were begun, which numbers them.
    pub(crate) iterations: AtomicU64,
    /// How many users there have been.
    pub(crate) users: AtomicUsize,
    /// How many sessions were asked for, which numbers them.
    pub(crate) sessions: AtomicU64,
    /// How many iterations are in flight.
    pub(crate) in_flight: AtomicUsize,
}

/// How a typed client over goose's is made.
#[derive(Debug)]
pub(crate) struct GooseClientConfig {
    pub(crate) config: ClientConfig,
    /// The address with its path, and without.
    pub(crate) base: String,
    pub(crate) peer: String,
}

/// How often a scenario was begun, and how often it went through to its end.
#[derive(Debug, Default)]
pub(crate) struct IterationCounts {
    pub(crate) begun: AtomicU64,
    pub(crate) completed: AtomicU64,
}

/// The beginning of all user ids of a run.
pub(crate) fn prefix(run: &str) -> String {
    format!("loadtest-{run}-")
}

impl Load {
    /// The id of a user, counted from 0, in a scenario. Scenarios have users of their own, so that the lists of one
    /// hold nothing of another.
    pub(crate) fn owner(&self, user: usize, scenario: Scenario) -> String {
        format!("{}{}-{user}-{}", prefix(&self.run), self.share.index, scenario.name())
    }

    /// The id of the user whose session all share.
    pub(crate) fn shared_owner(&self) -> String {
        format!("{}{}-all-{}", prefix(&self.run), self.share.index, Scenario::HotSession.name())
    }

    /// Waits for iterations that goose left to themselves: what they open after the audit would stay.
    pub(crate) async fn drain(&self, timeout: Duration) {
        let start = Instant::now();
        let longest = timeout.saturating_mul(CALLS);
        while self.in_flight.load(Ordering::SeqCst) > 0 && start.elapsed() < longest {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// An iteration that counts as in flight until this is dropped.
pub(crate) struct InFlight<'l>(&'l AtomicUsize);

impl<'l> InFlight<'l> {
    pub(crate) fn new(count: &'l AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
