//! The run of goose, which provides the virtual users.

use super::arrival_rate::ArrivalRateExecutor;
use super::breakpoint::BreakpointSearch;
use super::constant_users::ConstantUsers;
use super::shared::SharedState;
use super::stop::Stop;
use super::transaction::goose_scenario;
use crate::distributed::start_time;
use crate::metrics::RateStep;
use crate::sync::lock;
use chrono::{DateTime, Utc};
use goose::client::{CookiesDisabled, GooseClientBuilder};
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Transaction};
use goose::metrics::GooseMetrics;
use goose::{GooseAttack, GooseError};
use std::iter;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::task::JoinError;

/// An executor that is ready to start.
#[derive(Debug)]
pub(crate) enum Executor {
    ConstantUsers(ConstantUsers),
    ArrivalRate(ArrivalRateExecutor, Vec<RateStep>),
    Breakpoint(ArrivalRateExecutor, BreakpointSearch),
}

impl Executor {
    fn start(self, stop: &Stop) {
        match self {
            Self::ConstantUsers(executor) => executor.start(stop),
            Self::ArrivalRate(executor, steps) => executor.start(move |executor| executor.run_steps(&steps)),
            Self::Breakpoint(executor, search) => executor.start(move |executor| search.run(executor)),
        }
    }
}

/// The transaction that goose runs after it has created all users, and before the first of them starts.
#[derive(Debug)]
pub(crate) struct TestStart {
    shared: Arc<SharedState>,
    start_at: Option<DateTime<Utc>>,
    executor: Mutex<Option<Executor>>,
    /// The reason why nothing was started: goose ignores the result of this transaction.
    rejected: OnceLock<String>,
}

impl TestStart {
    pub(crate) fn new(
        shared: &Arc<SharedState>,
        start_at: Option<DateTime<Utc>>,
        executor: Executor,
    ) -> Self {
        let (shared, executor) = (Arc::clone(shared), Mutex::new(Some(executor)));
        Self { shared, start_at, executor, rejected: OnceLock::new() }
    }

    /// The reason why nothing was started.
    pub(crate) fn rejected(&self) -> Option<&str> {
        self.rejected.get().map(String::as_str)
    }

    async fn run(&self) {
        if let Some(start) = self.start_at {
            match start_time::until(start, Utc::now()) {
                Ok(left) => self.wait(left).await,
                Err(reason) => {
                    let _ = self.rejected.set(reason);
                    self.shared.stop.end_as_planned();
                    return;
                }
            }
        }
        let executor = lock(&self.executor).take();
        if let Some(executor) = executor {
            executor.start(&self.shared.stop);
        }
    }

    /// Waits for the start time, unless the run is stopped before.
    async fn wait(&self, left: Duration) {
        let stopped = async {
            while !self.shared.stop.is_due() {
                tokio::time::sleep(super::POLL_INTERVAL).await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(left) => (),
            () = stopped => (),
        }
    }
}

/// Runs goose until the run has ended.
pub(crate) async fn run_goose(
    goose: GooseConfiguration,
    test_start: Arc<TestStart>,
) -> Result<GooseMetrics, GooseError> {
    let scenario = goose_scenario(&test_start.shared);
    let transaction = Transaction::new(Arc::new(move |_: &mut GooseUser| {
        let test_start = Arc::clone(&test_start);
        Box::pin(async move {
            test_start.run().await;
            Ok(())
        })
    }));
    let attack = GooseAttack::initialize_with_config(goose)?
        .set_client_builder_without_cookies(unused_client())?
        .test_start(transaction)
        .register_scenario(scenario);
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
