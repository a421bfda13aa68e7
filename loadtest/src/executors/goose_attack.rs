//! The run of goose, which provides the virtual users.

use super::arrival_rate::ArrivalRateExecutor;
use super::breakpoint::BreakpointSearch;
use super::constant_users::ConstantUsers;
use super::shared::SharedState;
use super::stop::Stop;
use crate::distributed::start_time;
use crate::format::counted;
use crate::metrics::RateStep;
use crate::metrics::resource_usage::ResourceUsage;
use crate::status;
use crate::sync::{Mutex, lock};
use chrono::{DateTime, Utc};
use goose::client::{CookiesDisabled, GooseClientBuilder};
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction};
use goose::metrics::GooseMetrics;
use goose::{GooseAttack, GooseError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use std::{iter, mem};
use tokio::task::JoinError;

/// The time between two messages about calls in flight after the end of the load.
pub(crate) const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// An executor that is ready to start.
#[derive(Debug)]
pub(crate) enum Executor {
    ConstantUsers(ConstantUsers),
    ArrivalRate(ArrivalRateExecutor, ArrivalRates),
    Breakpoint(ArrivalRateExecutor, BreakpointSearch),
}

/// The rates of an arrival-rate executor.
#[derive(Debug)]
pub(crate) struct ArrivalRates {
    pub(crate) warm_up: Duration,
    pub(crate) steps: Vec<RateStep>,
}

impl ArrivalRates {
    fn run(&self, executor: &ArrivalRateExecutor) {
        let Some(first) = self.steps.first() else { return };
        let rate = if first.from > 0.0 { first.from } else { first.mean() };
        if self.warm_up.is_zero() || executor.warm_up(rate, self.warm_up) {
            executor.run_steps(&self.steps);
        }
    }
}

impl Executor {
    fn start(self, shared: &Arc<SharedState>) {
        match self {
            Self::ConstantUsers(executor) => executor.start(shared),
            Self::ArrivalRate(executor, rates) => executor.start(move |executor| rates.run(executor)),
            Self::Breakpoint(executor, search) => executor.start(move |executor| search.run(executor)),
        }
    }
}

/// The transaction that goose runs after it has created all users, and before the first of them starts.
#[derive(Debug)]
pub(crate) struct TestStart {
    stop: Stop,
    start_at: Option<DateTime<Utc>>,
    executors: Mutex<Vec<(Arc<SharedState>, Executor)>>,
    /// The reason why nothing was started: goose ignores the result of this transaction.
    rejected: OnceLock<String>,
}

impl TestStart {
    /// Starts an executor for each service under load.
    pub(crate) fn new(
        stop: Stop,
        start_at: Option<DateTime<Utc>>,
        executors: Vec<(Arc<SharedState>, Executor)>,
    ) -> Self {
        Self { stop, start_at, executors: Mutex::new(executors), rejected: OnceLock::new() }
    }

    /// The reason why nothing was started.
    pub(crate) fn rejected(&self) -> Option<&str> {
        self.rejected.get().map(String::as_str)
    }

    async fn run(&self) {
        let all = lock(&self.executors).iter().map(|(shared, _)| Arc::clone(shared)).collect();
        tokio::spawn(conduct_end(self.stop.clone(), all));
        if let Some(start) = self.start_at {
            match start_time::until(start, Utc::now()) {
                Ok(left) => self.wait(left).await,
                Err(reason) => {
                    let _ = self.rejected.set(reason);
                    self.stop.end_as_planned();
                    return;
                }
            }
        }
        for (shared, executor) in mem::take(&mut *lock(&self.executors)) {
            let _ = shared.executor_started.set((Utc::now(), ResourceUsage::now()));
            executor.start(&shared);
            if let Some(faults) = &shared.faults {
                faults.begin(Instant::now() + shared.config.warm_up);
            }
        }
    }

    /// Waits for the start time, unless the run is stopped before.
    async fn wait(&self, left: Duration) {
        tokio::select! {
            () = tokio::time::sleep(left) => (),
            () = self.stop.ended() => (),
        }
    }
}

/// Conducts the end of the run, and reports the calls in flight that it waits for.
async fn conduct_end(stop: Stop, all: Vec<Arc<SharedState>>) {
    let graceful_stop = all.iter().map(|shared| shared.config.graceful_stop).max().unwrap_or_default();
    let report = async {
        stop.ended().await;
        loop {
            tokio::time::sleep(STATUS_INTERVAL).await;
            let in_flight = match all.iter().map(|shared| shared.counters.in_flight()).sum::<usize>() {
                0 => continue,
                calls => counted(calls as u64, "call", "calls"),
            };
            let elapsed = stop.ended_at().map(|ended| ended.elapsed()).unwrap_or_default();
            let left = graceful_stop.saturating_sub(elapsed).as_secs();
            status::log(format_args!("the load has ended; waiting up to {left} s for {in_flight} in flight"));
        }
    };
    tokio::select! {
        () = stop.conduct(graceful_stop) => (),
        () = report => (),
    }
}

/// Runs goose until the run has ended. Its users are evenly distributed over the scenarios.
pub(crate) async fn run_goose(
    goose: GooseConfiguration,
    scenarios: Vec<Scenario>,
    test_start: Arc<TestStart>,
) -> Result<GooseMetrics, GooseError> {
    let transaction = Transaction::new(Arc::new(move |_: &mut GooseUser| {
        let test_start = Arc::clone(&test_start);
        Box::pin(async move {
            test_start.run().await;
            Ok(())
        })
    }));
    let attack = GooseAttack::initialize_with_config(goose)?
        .set_client_builder_without_cookies(unused_client())?
        .test_start(transaction);
    let attack = scenarios.into_iter().fold(attack, GooseAttack::register_scenario);
    Box::pin(attack.execute()).await
}

/// The client of goose, which sends nothing. By default each user gets a dedicated client with its own
/// certificates. One that verifies certificates cannot be created where the system has no store of them.
pub(crate) fn unused_client() -> GooseClientBuilder<CookiesDisabled> {
    GooseClientBuilder::new().without_cookies().gzip(false).accept_invalid_certs(true)
}

/// The message for a panic of goose, which is already on standard error.
pub(crate) fn panic_message(error: &JoinError) -> String {
    format!("goose panicked: {error}")
}

/// The whole message of a goose error, with the names of options on the command line.
pub(crate) fn error_message(error: &GooseError) -> String {
    let message = match error {
        GooseError::InvalidOption { detail, .. }
        | GooseError::InvalidHost { detail, .. }
        | GooseError::InvalidWaitTime { detail, .. }
        | GooseError::InvalidWeight { detail, .. }
        | GooseError::NoScenarios { detail }
        | GooseError::FeatureNotEnabled { detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    with_option_names(&message)
}

/// Replaces names of goose's configuration, such as `configuration.run_time`, by those of the options.
fn with_option_names(message: &str) -> String {
    let mut parts = message.split("`configuration.");
    let before = parts.next().unwrap_or_default().to_owned();
    let options = parts.map(|part| {
        let (name, after) = part.split_once('`').unwrap_or((part, ""));
        format!("--{}{after}", name.replace('_', "-"))
    });
    iter::once(before).chain(options).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_goose_name_options_as_they_are_typed() {
        let message = "`configuration.run_time` can not be set with `configuration.test_plan`.";
        assert_eq!(with_option_names(message), "--run-time can not be set with --test-plan.");
        assert_eq!(with_option_names("no such file"), "no such file");
    }
}
