//! A run from its setup to its clean-up, of one service or of two that are compared.

use super::CommandOutput;
use super::checkpoints::Checkpoints;
use super::collect::{RunContext, RunEnd, collect_results};
use super::report_files::ReportFiles;
use super::threshold_abort::ThresholdAbort;
use crate::error::LoadTestError;
use crate::executors::goose_attack::{Executor, TestStart, error_message, panic_message, run_goose};
use crate::executors::shared::SharedState;
use crate::executors::stop::Stop;
use crate::metrics::resource_usage::ResourceUsage;
use crate::metrics::{Ending, Results};
use crate::output::Report;
use crate::output::progress::LiveView;
use crate::status;
use crate::telemetry::exporters::{ExporterSettings, Exporters};
use crate::thresholds::Baseline;
use chrono::{DateTime, Utc};
use futures_util::future::{OptionFuture, join};
use goose::GooseError;
use goose::config::GooseConfiguration;
use goose::metrics::GooseMetrics;
use std::iter;
use std::sync::Arc;
use tokio::task::JoinError;

/// The services under load.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) first: Arc<RunContext>,
    /// The service that the first one is compared with.
    pub(super) against: Option<Arc<RunContext>>,
}

/// A run that is ready to start.
pub(super) struct PreparedRun {
    pub(super) services: Services,
    pub(super) executors: Vec<(Arc<SharedState>, Executor)>,
    pub(super) goose: GooseConfiguration,
    pub(super) start_at: Option<DateTime<Utc>>,
    pub(super) files: ReportFiles,
    pub(super) baseline: Option<Baseline>,
    pub(super) telemetry: ExporterSettings,
}

/// A run that has ended.
pub(super) struct Finished {
    results: Results,
    files: ReportFiles,
    baseline: Option<Baseline>,
    has_checkpoint: bool,
}

/// The end of the load, before the clean-up.
struct LoadEnd {
    ending: Ending,
    usage: ResourceUsage,
}

impl Services {
    fn iter(&self) -> impl Iterator<Item = &Arc<RunContext>> {
        iter::once(&self.first).chain(&self.against)
    }

    /// The scenarios for goose. If two services are compared, they have the names of their options.
    fn goose_scenarios(&self) -> Vec<goose::goose::Scenario> {
        match &self.against {
            None => vec![self.first.active.goose_scenario(self.first.service.contract.name)],
            Some(against) => {
                vec![self.first.active.goose_scenario("host"), against.active.goose_scenario("against")]
            }
        }
    }

    /// Prepares the services, unless a signal arrives before.
    async fn set_up(&self, stop: &Stop) -> Result<(), LoadTestError> {
        let set_up = async {
            for context in self.iter() {
                context.active.setup().await.map_err(LoadTestError::Service)?;
            }
            Ok(())
        };
        tokio::select! {
            set_up = set_up => set_up,
            signal = stop.signalled() => Err(LoadTestError::Stopped(signal)),
        }
    }

    /// Collects the results of all services.
    pub(super) fn collect(&self, end_of: impl Fn(&RunContext) -> RunEnd) -> Results {
        let mut results = collect_results(&self.first, end_of(&self.first));
        results.against =
            self.against.as_ref().map(|against| Box::new(collect_results(against, end_of(against))));
        results
    }
}

impl PreparedRun {
    /// Runs goose to its end, cleans up, and collects the results. What was started is finished in any case.
    pub(super) async fn run(self) -> Result<Finished, LoadTestError> {
        let Self { services, executors, goose, start_at, files, baseline, telemetry } = self;
        let first = &services.first;
        let (shared, stop) = (&first.shared, &first.shared.stop);
        // Live metrics are those of the first service.
        let exporters = Exporters::start(telemetry, shared, &first.service.shown).await?;
        let checkpoints = Checkpoints::start(&services, files.in_progress());
        let test_start = Arc::new(TestStart::new(stop.clone(), start_at, executors));
        let ended = match services.set_up(stop).await {
            Ok(()) => load(&services, goose, &test_start).await,
            Err(error) => Err(error),
        };
        stop.end();
        for context in services.iter() {
            context.shared.drain().await;
        }
        stop.give_up();
        for faults in services.iter().filter_map(|context| context.shared.faults.as_ref()) {
            faults.end().await;
        }
        let of_against: OptionFuture<_> =
            services.against.as_ref().map(|against| against.active.finish()).into();
        let sessions = join(first.active.finish(), of_against).await;
        let note = exporters.finish(shared).await;
        let LoadEnd { mut ending, usage } = match ended {
            Ok(ended) => ended,
            Err(error) => {
                checkpoints.discard().await;
                for error in
                    iter::once(sessions.0).chain(sessions.1).filter_map(|summary| summary.check_error)
                {
                    status::log(error);
                }
                return Err(error);
            }
        };
        if let Some(signal) = stop.signal().filter(|_| stop.is_abandoned()) {
            ending = Ending::Signal { signal: signal.to_owned() };
        }
        let has_checkpoint = checkpoints.stop().await;
        let end = |sessions| RunEnd { ending: ending.clone(), sessions, usage };
        let mut results = collect_results(first, end(sessions.0));
        if let (Some(against), Some(sessions)) = (&services.against, sessions.1) {
            results.against = Some(Box::new(collect_results(against, end(sessions))));
        }
        results.load_generators.iter_mut().for_each(|generator| generator.telemetry_note.clone_from(&note));
        Ok(Finished { results, files, baseline, has_checkpoint })
    }
}

/// Runs goose to its end.
async fn load(
    services: &Services,
    goose: GooseConfiguration,
    test_start: &Arc<TestStart>,
) -> Result<LoadEnd, LoadTestError> {
    let shared = &services.first.shared;
    let progress = LiveView::of_load(shared, services.first.plan.progress());
    let threshold_aborts: Vec<_> = services.iter().map(ThresholdAbort::start).collect();
    // In a task, so that a panic of goose does not keep the leftover check from running.
    let ended = tokio::spawn(run_goose(goose, services.goose_scenarios(), Arc::clone(test_start))).await;
    drop((progress, threshold_aborts));
    let usage = ResourceUsage::now();
    if let Some(reason) = test_start.rejected() {
        return Err(LoadTestError::LoadGenerator(reason.to_owned()));
    }
    let has_calls = services.iter().any(|context| context.shared.recorder.calls() > 0);
    Ok(LoadEnd { ending: ending(ended, &shared.stop, has_calls)?, usage })
}

impl Finished {
    /// Evaluates the results, and writes the report files.
    pub(super) fn report(self) -> CommandOutput {
        let Self { results, files, baseline, has_checkpoint } = self;
        let mut report = Report::evaluate(results, baseline.as_ref());
        files.write(&mut report, has_checkpoint);
        for error in &report.unwritten {
            status::log(error);
        }
        CommandOutput::LoadTest { report: Box::new(report) }
    }
}

/// Determines how the run ended from goose's result and our own state.
fn ending(
    ended: Result<Result<GooseMetrics, GooseError>, JoinError>,
    stop: &Stop,
    has_calls: bool,
) -> Result<Ending, LoadTestError> {
    let of_goose = match ended {
        Ok(Ok(_)) => Ending::Planned,
        Ok(Err(error)) if !has_calls => return Err(LoadTestError::Goose(error_message(&error))),
        Ok(Err(error)) => Ending::Failed { reason: error_message(&error) },
        Err(error) => Ending::Failed { reason: panic_message(&error) },
    };
    // Our planned end sets goose's kill switch. Otherwise it was SIGINT, which goose received because its handler
    // was installed before ours.
    let is_killed = goose::is_killswitch_triggered() && !stop.is_planned();
    Ok(match (stop.failure(), stop.signal(), stop.missed_threshold()) {
        (Some(reason), ..) => Ending::Failed { reason: reason.to_owned() },
        (None, _, Some(rule)) => Ending::Threshold { rule: rule.to_owned() },
        (None, Some(signal), None) => Ending::Signal { signal: signal.to_owned() },
        (None, None, None) if is_killed => Ending::Signal { signal: "SIGINT".to_owned() },
        (None, None, None) => of_goose,
    })
}
