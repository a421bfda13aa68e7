//! The load as goose runs it.

use super::arrival_rate::ArrivalRateExecutor;
use crate::distributed::start_time;
use crate::executors::shared::Load;
use crate::executors::transaction::scenario;
use chrono::{DateTime, Utc};
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Transaction};
use goose::metrics::GooseMetrics;
use goose::util::parse_timespan;
use goose::{GooseAttack, GooseError};
use std::iter;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::task::JoinError;

/// What goose runs when it has made all users, before the first of them begins.
pub(crate) struct TestStart {
    pub(crate) load: Arc<Load>,
    pub(crate) start_at: Option<DateTime<Utc>>,
    pub(crate) executor: Mutex<Option<ArrivalRateExecutor>>,
    /// How long a closed load is that goose cannot be left to end: once its dashboard was opened, it would stay.
    pub(crate) run_time: Option<Duration>,
    /// Why nothing could begin: goose drops what `test_start` returns.
    pub(crate) refused: OnceLock<String>,
}

impl TestStart {
    async fn run(&self) {
        if let Some(start) = self.start_at {
            match start_time::until(start, Utc::now()) {
                Ok(left) => self.wait(left).await,
                Err(why) => {
                    let _ = self.refused.set(why);
                    self.load.stop.end_as_planned();
                    return;
                }
            }
        }
        let executor = self.executor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(executor) = executor {
            executor.start();
        }
        if let Some(time) = self.run_time {
            let stop = self.load.stop.clone();
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                stop.end_as_planned();
            });
        }
    }

    /// Waits, but not beyond an order to stop.
    async fn wait(&self, left: Duration) {
        let ordered = async {
            while !self.load.stop.is_due() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(left) => (),
            () = ordered => (),
        }
    }
}

/// Runs it.
pub(crate) async fn attack(
    goose: GooseConfiguration,
    test_start: Arc<TestStart>,
) -> Result<GooseMetrics, GooseError> {
    let load = Arc::clone(&test_start.load);
    let transaction = Transaction::new(Arc::new(move |_: &mut GooseUser| {
        let test_start = Arc::clone(&test_start);
        Box::pin(async move {
            test_start.run().await;
            Ok(())
        })
    }));
    let attack = GooseAttack::initialize_with_config(goose)?
        // By default each user gets a client of its own, certificates and all, which asks for compression.
        .set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies().gzip(false))?
        .test_start(transaction)
        .register_scenario(scenario(&load));
    Box::pin(attack.execute()).await
}

/// How long a closed load is, where goose cannot be left to end it.
pub(crate) fn own_run_time(goose: &mut GooseConfiguration) -> Option<Duration> {
    let seconds = goose.run_time.as_deref().and_then(parse_timespan)?;
    goose.dashboard.then(|| {
        goose.run_time = None;
        Duration::from_secs(seconds as u64)
    })
}

/// The panic itself was told on standard error.
pub(crate) fn panicked(error: &JoinError) -> String {
    format!("goose broke off: {error}")
}

/// What goose's message leaves out, and in the words of the command line.
pub(crate) fn explain(error: &GooseError) -> String {
    let text = match error {
        GooseError::InvalidOption { detail, .. }
        | GooseError::InvalidHost { detail, .. }
        | GooseError::InvalidWaitTime { detail, .. }
        | GooseError::InvalidWeight { detail, .. }
        | GooseError::NoScenarios { detail }
        | GooseError::FeatureNotEnabled { detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    as_options(&text)
}

/// Turns goose's names for its configuration, such as `configuration.run_time`, into those of the options.
fn as_options(text: &str) -> String {
    let mut parts = text.split("`configuration.");
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
    fn messages_of_goose_are_given_in_the_words_of_the_command_line() {
        let text = "`configuration.run_time` can not be set with `configuration.test_plan`.";
        assert_eq!(as_options(text), "--run-time can not be set with --test-plan.");
        assert_eq!(as_options("no such file"), "no such file");
    }
}
