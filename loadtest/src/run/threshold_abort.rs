//! Ends a run as soon as one of its thresholds is missed.
//!
//! Rejected alternative: goose's own check, because it judges its own metrics, which include failed calls and the
//! warm-up, and knows neither scenarios nor steps.

use super::collect::{RunContext, collect_results, in_progress};
use crate::cli::Cli;
use crate::error::LoadTestError;
use crate::executors::ExecutorConfig;
use crate::output::criteria::observation;
use crate::thresholds::Threshold;
use goose::util::parse_timespan;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The time between two checks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The thresholds that can abort a run.
#[derive(Clone, Debug, Default)]
pub(super) struct AbortThresholds {
    thresholds: Vec<Threshold>,
    delay: Duration,
}

impl AbortThresholds {
    /// Returns the thresholds that can abort the run, of those that were given. In a breakpoint search they end a
    /// rate, and those of several workers apply to all of them together.
    pub(super) fn new(
        cli: &Cli,
        executor: &ExecutorConfig,
        given: Vec<Threshold>,
    ) -> Result<Self, LoadTestError> {
        let delay = delay(cli)?;
        let is_search = matches!(executor, ExecutorConfig::Breakpoint { .. });
        if is_search || cli.goose.no_threshold_abort || cli.run.execution_segment.is_some() {
            return Ok(Self::default());
        }
        Ok(Self { thresholds: given, delay })
    }
}

fn delay(cli: &Cli) -> Result<Duration, LoadTestError> {
    let Some(text) = &cli.goose.threshold_abort_delay else { return Ok(Duration::ZERO) };
    let error = |why: &str| LoadTestError::Option(format!("--threshold-abort-delay {text}: {why}"));
    if cli.goose.threshold.is_empty() {
        return Err(error("has no effect without --threshold"));
    }
    if cli.goose.no_threshold_abort {
        return Err(error("has no effect with --no-threshold-abort"));
    }
    let seconds = parse_timespan(text).ok_or_else(|| error("expected a time such as 30s or 1m30s"))?;
    Ok(Duration::from_secs(seconds as u64))
}

/// The task that checks the thresholds of a run, until it is dropped.
#[derive(Debug)]
pub(super) struct ThresholdAbort(Option<JoinHandle<()>>);

impl ThresholdAbort {
    /// Checks the thresholds once a second, from the end of the warm-up and the delay that was given.
    pub(super) fn start(context: &Arc<RunContext>) -> Self {
        let has_thresholds = !context.plan.abort_thresholds.thresholds.is_empty();
        Self(has_thresholds.then(|| tokio::spawn(check(Arc::clone(context)))))
    }
}

impl Drop for ThresholdAbort {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn check(context: Arc<RunContext>) {
    let (plan, shared) = (&context.plan, &context.shared);
    while shared.counters.users() < plan.max_users() {
        sleep(INTERVAL).await;
    }
    sleep(plan.warm_up + plan.abort_thresholds.delay).await;
    while !shared.stop.is_due() {
        sleep(INTERVAL).await;
        if let Some(missed) = missed(&context) {
            return shared.stop.abort(missed);
        }
    }
}

/// Returns the first threshold that is missed, with the observed value.
fn missed(context: &RunContext) -> Option<String> {
    let results = collect_results(context, in_progress(context));
    let mut thresholds = context.plan.abort_thresholds.thresholds.iter();
    thresholds.find_map(|threshold| {
        let observed = threshold.missed_so_far(&results)?;
        Some(format!("{threshold}, observed {}", observation(&observed)))
    })
}
