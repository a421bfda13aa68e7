//! The preparation of a load test, before [`lifecycle`](super::lifecycle) runs it: everything that can fail does so
//! before the first request.

use super::cleanup_command::cleanup_command;
use super::collect::RunContext;
use super::criteria::{default_thresholds, evaluate_rate, pass_criteria};
use super::lifecycle::{PreparedRun, Services};
use super::open_files;
use super::plan::Plan;
use super::report_files::ReportFiles;
use super::service::{NoAddress, Service, Settings, Target};
use crate::cli::{Cli, tags};
use crate::contract::Contract;
use crate::data::DataRows;
use crate::error::LoadTestError;
use crate::executors::ExecutorConfig;
use crate::executors::arrival_rate::ArrivalRateExecutor;
use crate::executors::arrivals::{ArrivalQueue, ArrivalSender, queue};
use crate::executors::breakpoint::{BreakpointSearch, SearchOutcome};
use crate::executors::constant_users::ConstantUsers;
use crate::executors::goose_attack::{ArrivalRates, Executor};
use crate::executors::shared::{Counters, RunConfig, SharedState};
use crate::executors::stop::Stop;
use crate::faults::injection::FaultInjection;
use crate::metrics::other_calls::CallCounts;
use crate::metrics::recorder::Recorder;
use crate::metrics::{ExecutionSegment, Results};
use crate::sync::Mutex;
use crate::telemetry::exporters::ExporterSettings;
use crate::telemetry::trace_context::Sampling;
use crate::workload::Workload;
use goose::config::GooseConfiguration;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The result of preparing a load test.
pub(super) enum Preparation {
    /// The planned run in words, or the settings.
    Printed(String),
    /// The settings of the client.
    Settings(Settings),
    /// A run that can start.
    Ready(Box<PreparedRun>),
}

/// Prepares a load test: everything that can fail does so before the first request.
pub(super) async fn prepare(
    mut cli: Cli,
    workload: &dyn Workload,
    stop: Stop,
) -> Result<Preparation, LoadTestError> {
    let contract = workload.contract();
    let target = target_of(&cli, contract)?;
    if cli.service.print_config {
        let mut settings = target.shown(NoAddress::IsEmbedded)?;
        let thresholds = match default_thresholds(&cli, !target.has_address()?) {
            Some((thresholds, of)) if cli.goose.threshold.is_empty() => {
                format!("loadtest.threshold = {} (default of {of})\n", thresholds.join(", "))
            }
            _ => String::new(),
        };
        settings.text = cli.described.clone() + &thresholds + &cli.settings.relabel(&settings.text);
        return Ok(Preparation::Settings(settings));
    }
    let service = Service::connect(&target).await?;
    if cli.run.execution_segment.is_some() && service.is_embedded() {
        let why = "--execution-segment needs --host: each worker would load its own embedded service";
        return Err(LoadTestError::Option(why.to_owned()));
    }
    let plan = Plan::new(&mut cli, workload)?;
    let files = ReportFiles::new(&cli.goose)?;
    let telemetry = ExporterSettings::read(&cli.telemetry)?;
    let allowed = service.check_allowed(cli.run.yes);
    if cli.run.dry_run {
        return Ok(Preparation::Printed(plan.dry_run(&cli, &service, allowed, workload)));
    }
    allowed?;
    // The relay of faults has both ends of its connections.
    let connections = plan.max_users() * if plan.faults.is_empty() { 1 } else { 3 };
    open_files::raise_limit(connections, service.is_embedded()).map_err(LoadTestError::LoadGenerator)?;
    tokio::select! {
        checked = check_service(&service, &cli, plan.segment) => checked?,
        signal = stop.signalled() => return Err(LoadTestError::Stopped(signal)),
    }
    let cleanup_command = cleanup_command(&target_of(&cli, contract)?, cli.run.yes, &plan.test_run_id);
    prepare_run(&cli, plan, service, cleanup_command, stop, (files, telemetry), workload)
        .map(|prepared| Preparation::Ready(Box::new(prepared)))
}

/// The connection to the service of a load test.
fn target_of<'t>(cli: &'t Cli, contract: &'t Contract) -> Result<Target<'t>, LoadTestError> {
    let timeout = cli.goose.timeout.as_deref().map(parse_timeout).transpose()?;
    Ok(Target {
        contract,
        options: &cli.service,
        host: cli.goose.host.as_deref(),
        timeout,
        file_replaces_variables: false,
    })
}

/// Checks that the service responds. The clocks of several workers are compared by that of the service.
async fn check_service(service: &Service, cli: &Cli, segment: ExecutionSegment) -> Result<(), LoadTestError> {
    service.check_responds(cli.service.wait).await?;
    if segment.of > 1 { service.measure_clock().await } else { Ok(()) }
}

/// Prepares the part of a load test that needs no call.
fn prepare_run(
    cli: &Cli,
    plan: Plan,
    service: Service,
    cleanup_command: String,
    stop: Stop,
    (files, telemetry): (ReportFiles, ExporterSettings),
    workload: &dyn Workload,
) -> Result<PreparedRun, LoadTestError> {
    let baseline = cli.criteria.read_baseline().map_err(|error| option_error("--baseline", &error))?;
    let (sender, arrivals) = queue(plan.segment, plan.steps(), stop.clone());
    let context = run_context(cli, plan, service, cleanup_command, stop, arrivals, workload)?;
    let template = context.template();
    if let Some(baseline) = &baseline {
        baseline.check_comparable(&template).map_err(|error| option_error("--baseline", &error))?;
    }
    files.check_writable()?;
    let start_at = cli.run.start_at;
    let mut goose = goose_configuration(cli, &context);
    let executor = executor(&context, &mut goose, sender, template, &Arc::new(AtomicUsize::new(1)));
    let executors = vec![(Arc::clone(&context.shared), executor)];
    let services = Services { first: Arc::new(context), against: None };
    Ok(PreparedRun { services, executors, goose, start_at, files, baseline, telemetry })
}

/// Creates everything that the users of one service share.
pub(super) fn run_context(
    cli: &Cli,
    plan: Plan,
    service: Service,
    cleanup_command: String,
    stop: Stop,
    arrivals: ArrivalQueue,
    workload: &dyn Workload,
) -> Result<RunContext, LoadTestError> {
    let criteria = pass_criteria(cli, &service);
    let arrivals = plan.executor.is_open_model().then_some(arrivals);
    let faults = (!plan.faults.is_empty()).then(|| FaultInjection::start(&service.config, &plan.faults));
    let shared =
        SharedState { faults: faults.transpose()?, ..shared_state(cli, &plan, &service, stop, arrivals) };
    let shared = Arc::new(shared);
    let active = workload.start(&cli.scenarios, &service.config, &shared)?;
    let has_leftovers = workload.contract().is_sessions && !service.is_embedded();
    let cleanup_command = has_leftovers.then_some(cleanup_command);
    let search = Arc::<Mutex<SearchOutcome>>::default();
    Ok(RunContext { plan, service, shared, active, criteria, cleanup_command, search })
}

fn option_error(option: &str, error: &impl std::fmt::Display) -> LoadTestError {
    LoadTestError::Option(format!("{option}: {error}"))
}

fn shared_state(
    cli: &Cli,
    plan: &Plan,
    service: &Service,
    stop: Stop,
    arrivals: Option<ArrivalQueue>,
) -> SharedState {
    let scenarios = &cli.scenarios;
    SharedState {
        config: RunConfig {
            weights: plan.weights.clone(),
            think_time: Duration::from_millis(scenarios.think_time),
            checks_enabled: !cli.run.no_checks,
            sampling: Sampling::new(cli.telemetry.trace_sample),
            on_429: cli.run.on_429,
            test_run_id: plan.test_run_id.clone(),
            // Checked with the options.
            tags: tags::by_key(&cli.run.tag).unwrap_or_default(),
            segment: plan.segment,
            id_number: plan.id_number,
            graceful_stop: cli.run.graceful_stop,
            warm_up: plan.warm_up,
            cleanup_timeout: cli.run.cleanup_timeout,
            announcement: plan.announcement(&cli.goose, service),
        },
        counters: Counters::new(plan.weights.iter().map(|scenario| scenario.index + 1).max().unwrap_or(0)),
        cleanup_calls: CallCounts::default(),
        sent_again: CallCounts::default(),
        recorder: Recorder::new(arrivals.is_some(), plan.weights.slots(), plan.steps()),
        stop,
        data: data_rows(cli, plan),
        executor_started: OnceLock::new(),
        arrivals,
        faults: None,
    }
}

/// The rows of the file with data, as this worker takes them.
fn data_rows(cli: &Cli, plan: &Plan) -> Option<Arc<DataRows>> {
    let file = Arc::clone(plan.data.as_ref()?);
    let order = cli.scenarios.data_order;
    Some(Arc::new(DataRows::new(file, order, &plan.test_run_id, plan.segment)))
}

/// The configuration that goose gets, without everything that is done here.
pub(super) fn goose_configuration(cli: &Cli, context: &RunContext) -> GooseConfiguration {
    let mut goose = cli.goose.clone();
    goose.report_file.clone_from(&cli.goose_output.goose_report);
    // goose only shows the address, and must not show credentials.
    goose.host = Some(context.service.shown.clone());
    // Thresholds and their delay are checked here.
    goose.threshold.clear();
    goose.threshold_abort_delay = None;
    goose.no_metrics = !reports_calls(&goose);
    goose
}

/// Returns whether goose needs the calls: for its tables, its reports and logs, or its dashboard and controllers.
/// Otherwise it gets none, which makes each call cheaper.
fn reports_calls(goose: &GooseConfiguration) -> bool {
    let logs = [&goose.transaction_log, &goose.scenario_log];
    let has_output_folder = goose.output_dir.is_some() || goose.pdf_print_html.is_some();
    !(goose.no_print_metrics && goose.report_file.is_empty() && goose.no_telnet)
        || goose.dashboard
        || has_output_folder
        || logs.into_iter().any(Option::is_some)
}

pub(super) fn executor(
    context: &RunContext,
    goose: &mut GooseConfiguration,
    arrivals: ArrivalSender,
    template: Results,
    running: &Arc<AtomicUsize>,
) -> Executor {
    let arrival_rate = || ArrivalRateExecutor {
        arrivals,
        shared: Arc::clone(&context.shared),
        pre_allocated_vus: context.plan.users.unwrap_or_default(),
        graceful_stop: context.shared.config.graceful_stop,
        running: Arc::clone(running),
    };
    match context.plan.executor.clone() {
        ExecutorConfig::ConstantUsers => {
            let test_plan = context.plan.goose_steps.as_deref();
            Executor::ConstantUsers(ConstantUsers::new(goose, test_plan, context.plan.warm_up))
        }
        ExecutorConfig::ArrivalRate(steps) => {
            Executor::ArrivalRate(arrival_rate(), ArrivalRates { warm_up: context.plan.warm_up, steps })
        }
        ExecutorConfig::Breakpoint { from, step } => {
            let weights = context.shared.config.weights.clone();
            let scenarios = weights.slots();
            let (evaluate, outcome) = (evaluate_rate(template, weights), Arc::clone(&context.search));
            Executor::Breakpoint(
                arrival_rate(),
                BreakpointSearch { from, warm_up: context.plan.warm_up, step, scenarios, evaluate, outcome },
            )
        }
    }
}

/// Parses a timeout like goose: a positive number of seconds, decimals allowed.
pub(super) fn parse_timeout(seconds: &str) -> Result<Duration, LoadTestError> {
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
    fn goose_gets_calls_only_for_what_it_reports() {
        let reported = |args: &[&str]| {
            let mut cli = Cli::parse_from(["loadtest"].iter().chain(args).copied()).unwrap();
            cli.goose.report_file = cli.goose_output.goose_report;
            reports_calls(&cli.goose)
        };
        for args in
            [&["-u", "3"][..], &["--rate", "5", "--report-file", "report.json"], &["--threshold", "p99<5ms"]]
        {
            assert!(!reported(args), "{args:?}");
        }
        for args in [
            &["--goose-metrics"][..],
            &["--goose-report", "report.md"],
            &["--dashboard"],
            &["--telnet-port", "5000"],
            &["--transaction-log", "iterations.log"],
            &["--scenario-log", "iterations.log"],
            &["--pdf-print-html", "print.html"],
        ] {
            assert!(reported(args), "{args:?}");
        }
    }

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(parse_timeout("0.5").unwrap(), Duration::from_millis(500));
        for wrong in ["0", "-1", "soon", "NaN", "1e300"] {
            let error = parse_timeout(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("--timeout {wrong}: expected a number of seconds above 0"));
        }
    }
}
