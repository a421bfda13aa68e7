//! A load test in three steps: prepare everything that can fail before the first request, run, and report.

use super::CommandOutput;
use super::collect::{RunContext, RunEnd, collect_results};
use super::criteria::{evaluate_step, pass_criteria};
use super::open_files;
use super::plan::Plan;
use super::report_files::ReportFiles;
use super::service::{Service, Settings, Target};
use crate::checks::ledger::Ledger;
use crate::checks::payload::Filler;
use crate::cleanup::leftover_check::check_leftovers;
use crate::cli::Cli;
use crate::client::{LoadClient, cleanup_client, load_client};
use crate::error::LoadTestError;
use crate::executors::ExecutorConfig;
use crate::executors::arrival_rate::ArrivalRateExecutor;
use crate::executors::arrivals::{ArrivalQueue, ArrivalSender, queue};
use crate::executors::breakpoint::{BreakpointSearch, SearchOutcome};
use crate::executors::constant_users::ConstantUsers;
use crate::executors::goose_attack::{Executor, TestStart, error_message, panic_message, run_goose};
use crate::executors::shared::{Counters, RunConfig, SharedState};
use crate::executors::stop::Stop;
use crate::metrics::recorder::Recorder;
use crate::metrics::resource_usage::ResourceUsage;
use crate::metrics::{Ending, Results, SessionSummary};
use crate::output::Report;
use crate::output::progress::ProgressLine;
use crate::status;
use crate::sync::lock;
use crate::thresholds::Baseline;
use chrono::{DateTime, Utc};
use goose::GooseError;
use goose::config::GooseConfiguration;
use goose::metrics::GooseMetrics;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::task::JoinError;

/// The result of preparing a load test.
pub(super) enum Preparation {
    /// The planned run in words, or the settings.
    Printed(String),
    /// The settings of the client.
    Settings(Settings),
    /// A run that can start.
    Ready(Box<Prepared>),
}

/// A load test that is ready to run.
pub(super) struct Prepared {
    context: RunContext,
    goose: GooseConfiguration,
    executor: Executor,
    start_at: Option<DateTime<Utc>>,
    files: ReportFiles,
    baseline: Option<Baseline>,
    search: Arc<Mutex<SearchOutcome>>,
}

/// A load test that has ended.
pub(super) struct Finished {
    results: Results,
    files: ReportFiles,
    baseline: Option<Baseline>,
}

/// Prepares a load test: everything that can fail does so before the first request.
pub(super) async fn prepare(mut cli: Cli) -> Result<Preparation, LoadTestError> {
    let timeout = cli.goose.timeout.as_deref().map(parse_timeout).transpose()?;
    let target = Target { options: &cli.service, host: cli.goose.host.as_deref(), timeout };
    if cli.service.print_config {
        return target.shown().map(Preparation::Settings);
    }
    let service = Service::connect(&target).await?;
    if cli.run.execution_segment.is_some() && service.is_embedded() {
        let why = "--execution-segment needs --host: each worker would load its own embedded service";
        return Err(LoadTestError::Option(why.to_owned()));
    }
    let plan = Plan::new(&mut cli, service.config.timeout())?;
    let files = ReportFiles::new(&cli.goose)?;
    let allowed = service.check_allowed(cli.run.yes);
    if cli.run.dry_run {
        return Ok(Preparation::Printed(plan.dry_run(&cli, &service, allowed)));
    }
    allowed?;
    open_files::raise_limit(plan.max_users(), service.is_embedded()).map_err(LoadTestError::LoadGenerator)?;
    let stop = Stop::default();
    stop.on_signals()
        .map_err(|error| LoadTestError::LoadGenerator(format!("signal handlers cannot be set: {error}")))?;
    let client = load_client(&service.config)?;
    tokio::select! {
        checked = service.check_responds(cli.service.wait) => checked?,
        signal = stop.signalled() => return Err(LoadTestError::Stopped(signal)),
    }
    prepare_run(cli, plan, service, client, stop, files)
        .map(|prepared| Preparation::Ready(Box::new(prepared)))
}

/// Prepares the part of a load test that needs no call.
fn prepare_run(
    mut cli: Cli,
    plan: Plan,
    service: Service,
    client: LoadClient,
    stop: Stop,
    mut files: ReportFiles,
) -> Result<Prepared, LoadTestError> {
    let criteria = pass_criteria(&cli, &plan, &service);
    let baseline = cli.criteria.read_baseline().map_err(|error| option_error("--baseline", &error))?;
    let (sender, arrivals) = queue(plan.segment, stop.clone());
    let arrivals = plan.executor.is_open_model().then_some(arrivals);
    let shared = Arc::new(shared_state(&cli, &plan, &service, client, stop, arrivals));
    let context = RunContext { plan, service, shared, criteria, usage_before: ResourceUsage::now() };
    let template = context.template();
    if let Some(baseline) = &baseline {
        baseline.check_comparable(&template).map_err(|error| option_error("--baseline", &error))?;
    }
    files.announce(&template)?;
    let search = Arc::<Mutex<SearchOutcome>>::default();
    let start_at = cli.run.start_at;
    let mut goose = goose_configuration(&mut cli, &context);
    let executor = executor(&context, &mut goose, sender, template, &search);
    Ok(Prepared { context, goose, executor, start_at, files, baseline, search })
}

fn option_error(option: &str, error: &impl std::fmt::Display) -> LoadTestError {
    LoadTestError::Option(format!("{option}: {error}"))
}

fn shared_state(
    cli: &Cli,
    plan: &Plan,
    service: &Service,
    client: LoadClient,
    stop: Stop,
    arrivals: Option<ArrivalQueue>,
) -> SharedState {
    let scenarios = &cli.scenarios;
    SharedState {
        config: RunConfig {
            weights: scenarios.scenario.clone(),
            params: plan.params.clone(),
            think_time: Duration::from_millis(scenarios.think_time),
            filler: Filler::new(scenarios.payload_shape, scenarios.payload_bytes),
            checks_enabled: !cli.run.no_checks,
            test_run_id: plan.test_run_id.clone(),
            segment: plan.segment,
            announcement: plan.announcement(&cli.goose, service),
        },
        counters: Counters::new(&scenarios.scenario),
        client,
        recorder: Recorder::new(arrivals.is_some()),
        ledger: Ledger::default(),
        stop,
        arrivals,
        hot_session: OnceCell::new(),
    }
}

/// The configuration that goose gets, without everything that is done here.
fn goose_configuration(cli: &mut Cli, context: &RunContext) -> GooseConfiguration {
    let mut goose = cli.goose.clone();
    goose.report_file.clone_from(&cli.goose_output.goose_report);
    // goose only shows the address, and must not show credentials.
    goose.host = Some(context.service.shown.clone());
    let is_search = matches!(context.plan.executor, ExecutorConfig::Breakpoint { .. });
    if is_search || cli.run.execution_segment.is_some() {
        // Thresholds end a rate of a search, not the run. Those of several workers apply to all of them
        // together.
        goose.threshold.clear();
    }
    goose
}

fn executor(
    context: &RunContext,
    goose: &mut GooseConfiguration,
    arrivals: ArrivalSender,
    template: Results,
    search: &Arc<Mutex<SearchOutcome>>,
) -> Executor {
    let arrival_rate = || ArrivalRateExecutor {
        arrivals,
        shared: Arc::clone(&context.shared),
        pre_allocated_vus: context.plan.users.unwrap_or_default(),
        graceful_stop: context.plan.timeout,
    };
    match context.plan.executor.clone() {
        ExecutorConfig::ConstantUsers => Executor::ConstantUsers(ConstantUsers::new(goose)),
        ExecutorConfig::ArrivalRate(steps) => Executor::ArrivalRate(arrival_rate(), steps),
        ExecutorConfig::Breakpoint { from, step } => {
            let (evaluate, outcome) = (evaluate_step(template), Arc::clone(search));
            Executor::Breakpoint(arrival_rate(), BreakpointSearch { from, step, evaluate, outcome })
        }
    }
}

impl Prepared {
    /// Runs goose to its end, checks for leftovers, and collects the results.
    pub(super) async fn run(self) -> Result<Finished, LoadTestError> {
        let Self { context, goose, executor, start_at, files, baseline, search } = self;
        let shared = &context.shared;
        let test_start = Arc::new(TestStart::new(shared, start_at, executor));
        let progress = ProgressLine::show(shared);
        // In a task, so that a panic of goose does not keep the leftover check from running.
        let ended = tokio::spawn(run_goose(goose, Arc::clone(&test_start))).await;
        drop(progress);
        let usage = ResourceUsage::now();
        let ending = match test_start.rejected() {
            Some(reason) => Err(LoadTestError::LoadGenerator(reason.to_owned())),
            None => ending(ended, shared),
        };
        // Results of a run that never started would block the merge of the other workers.
        let ending = ending.inspect_err(|_| files.remove_announced())?;
        shared.stop.end();
        shared.drain(context.plan.timeout).await;
        let sessions = leftovers(&context).await;
        let mut load = context.plan.load_model();
        lock(&search).clone().complete(&mut load);
        let results = collect_results(&context, RunEnd { load, ending, sessions, usage });
        Ok(Finished { results, files, baseline })
    }
}

async fn leftovers(context: &RunContext) -> SessionSummary {
    match cleanup_client(&context.service.config) {
        Ok(client) => check_leftovers(&context.shared, client).await,
        Err(error) => SessionSummary { check_error: Some(error.to_string()), ..SessionSummary::default() },
    }
}

impl Finished {
    /// Evaluates the results, and writes the report files.
    pub(super) fn report(self) -> CommandOutput {
        let Self { results, files, baseline } = self;
        let mut report = Report::evaluate(results, baseline.as_ref());
        let write_errors = files.write(&mut report);
        for error in &write_errors {
            status::log(error);
        }
        CommandOutput::LoadTest { report: Box::new(report), write_errors }
    }
}

/// Determines how the run ended from goose's result and our own state.
fn ending(
    ended: Result<Result<GooseMetrics, GooseError>, JoinError>,
    shared: &SharedState,
) -> Result<Ending, LoadTestError> {
    let of_goose = match ended {
        Ok(Ok(_)) => Ending::Planned,
        // The verdict evaluates all thresholds. Here only matters whether one of them aborted the run.
        Ok(Err(GooseError::ThresholdsFailed { failed, .. })) => {
            let aborted = failed.iter().find(|result| result.aborted);
            aborted.map_or(Ending::Planned, |result| Ending::Threshold {
                rule: format!("{}, observed {}", result.rule, result.observed),
            })
        }
        Ok(Err(error)) if shared.recorder.calls() == 0 => {
            return Err(LoadTestError::Goose(error_message(&error)));
        }
        Ok(Err(error)) => Ending::Failed { reason: error_message(&error) },
        Err(error) => Ending::Failed { reason: panic_message(&error) },
    };
    let stop = &shared.stop;
    // An aborting threshold sets goose's kill switch, and so does our planned end. Otherwise it was SIGINT,
    // which goose received because its handler was installed before ours.
    let is_killed = goose::is_killswitch_triggered() && !stop.is_planned();
    Ok(match (stop.failure(), stop.signal()) {
        (Some(reason), _) => Ending::Failed { reason: reason.to_owned() },
        (None, Some(signal)) => Ending::Signal { signal: signal.to_owned() },
        (None, None) if is_killed && !matches!(of_goose, Ending::Threshold { .. }) => {
            Ending::Signal { signal: "SIGINT".to_owned() }
        }
        (None, None) => of_goose,
    })
}

/// Parses a timeout like goose: a positive number of seconds, decimals allowed.
fn parse_timeout(seconds: &str) -> Result<Duration, LoadTestError> {
    seconds
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|timeout| *timeout >= Duration::from_millis(1))
        .ok_or_else(|| {
            LoadTestError::Option(format!("--timeout {seconds}: expected a number of seconds above 0"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(parse_timeout("0.5").unwrap(), Duration::from_millis(500));
        for wrong in ["0", "-1", "soon", "NaN", "1e300"] {
            let error = parse_timeout(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("--timeout {wrong}: expected a number of seconds above 0"));
        }
    }
}
