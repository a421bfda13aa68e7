//! One command, from the options to its output.

mod checkpoints;
mod cleanup_command;
mod collect;
mod compare;
mod criteria;
mod doctor;
mod init;
mod lifecycle;
mod load_test;
mod open_files;
mod plan;
mod report_command;
mod report_files;
mod service;
mod threshold_abort;
mod unreachable;

use crate::builder::LoadTest;
use crate::cleanup::orphans::{CleanupSummary, clean_up};
use crate::cli::{CleanupOptions, Cli, Command, Hidden, settings_template};
use crate::client::cleanup_client;
use crate::contract::Contract;
use crate::distributed::collector_client::CollectorClient;
use crate::distributed::merge_reports;
use crate::error::LoadTestError;
use crate::executors::goose_attack::{error_message, unused_client};
use crate::executors::stop::Stop;
use crate::metrics::other_calls::CallCounts;
use crate::output::Report;
use crate::settings::Applied;
use crate::status;
use crate::thresholds::ExitCode;
use crate::workload::Workload;
use cleanup_command::cleanup_command;
use goose::GooseAttack;
use goose::config::GooseConfiguration;
use load_test::Preparation;
pub(crate) use service::origin;
use service::{NoAddress, Service, Target};
use std::fmt;

pub use doctor::Diagnosis;
pub use service::Settings;

/// The output of `--version`, also of programs with other scenarios, which are built with this crate.
const VERSION: &str = concat!("loadtest ", env!("CARGO_PKG_VERSION"), "\n");

/// The output of a command.
#[derive(Debug)]
pub enum CommandOutput {
    /// A run with its verdict.
    LoadTest {
        /// The report.
        report: Box<Report>,
    },
    /// The merged results of several workers.
    Merge(Box<Report>),
    /// The results of an earlier run.
    Report(Box<Report>),
    /// The sessions of an earlier run were deleted, as far as possible.
    Cleanup(CleanupSummary),
    /// The planned run.
    Printed(String),
    /// The settings of the client.
    Settings(Settings),
    /// The steps of connecting to the service.
    Doctor(Diagnosis),
    /// Nothing, because goose has printed or converted something.
    Goose,
}

impl CommandOutput {
    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::LoadTest { report } | Self::Merge(report) | Self::Report(report) => report.exit_code(),
            Self::Cleanup(summary) if !summary.is_successful() => ExitCode::Failed,
            Self::Doctor(diagnosis) if !diagnosis.is_healthy => ExitCode::CouldNotRun,
            Self::Settings(settings) if !settings.is_valid => ExitCode::CouldNotRun,
            Self::Cleanup(_) | Self::Doctor(_) | Self::Printed(_) | Self::Settings(_) | Self::Goose => {
                ExitCode::Passed
            }
        }
    }
}

impl fmt::Display for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadTest { report } | Self::Merge(report) | Self::Report(report) => report.fmt(f),
            Self::Cleanup(summary) => writeln!(f, "{summary}"),
            Self::Doctor(diagnosis) => diagnosis.fmt(f),
            Self::Printed(text) | Self::Settings(Settings { text, .. }) => f.write_str(text),
            Self::Goose => Ok(()),
        }
    }
}

/// Executes a command of the load test of the sessions service.
///
/// # Errors
///
/// When no load could be made: an option is invalid, or the service cannot be reached.
pub async fn run(cli: Cli) -> Result<CommandOutput, LoadTestError> {
    // Its future is too large for the stack of a caller.
    Box::pin(run_workload(cli, &LoadTest::sessions())).await
}

/// Executes a command of a load test. An error names the file or the variable of an option at fault.
pub(crate) async fn run_workload(cli: Cli, workload: &dyn Workload) -> Result<CommandOutput, LoadTestError> {
    let settings = cli.settings.clone();
    Box::pin(execute(cli, workload)).await.map_err(|error| error.map(|message| settings.explain(message)))
}

async fn execute(cli: Cli, workload: &dyn Workload) -> Result<CommandOutput, LoadTestError> {
    programs::files::survive_size_limit();
    let contract = workload.contract();
    match &cli.command {
        Some(Command::Cleanup(options)) => cleanup(options, &cli.settings).await,
        Some(Command::Doctor(options)) if options.service.print_config => {
            let host = options.host.as_ref().map(|Hidden(host)| &**host);
            let target = Target {
                contract,
                options: &options.service,
                host,
                timeout: None,
                file_replaces_variables: false,
            };
            print_settings(&target, &cli.settings)
        }
        Some(Command::Doctor(options)) => {
            let stop = Stop::on_signals()?;
            tokio::select! {
                diagnosis = doctor::examine(options, contract) => diagnosis.map(CommandOutput::Doctor),
                signal = stop.signalled() => Err(LoadTestError::Interrupted(format!("stopped by {signal}"))),
            }
        }
        Some(Command::Init(options)) => {
            init::write(&options.file, &settings_template(workload)).map(CommandOutput::Printed)
        }
        Some(Command::Merge(options)) => {
            Box::pin(merge_reports(options)).await.map(|report| CommandOutput::Merge(Box::new(report)))
        }
        Some(Command::Report(options)) => {
            report_command::report(options).map(|report| CommandOutput::Report(Box::new(report)))
        }
        Some(Command::Compare(options)) => {
            let cli = (**options).clone().into();
            Box::pin(run_workload(cli, workload)).await
        }
        None if cli.goose.version => Ok(CommandOutput::Printed(VERSION.to_owned())),
        None if cli.makes_no_load() => run_goose_only(cli.goose, workload).await,
        None if cli.compared_with.is_some() && !cli.service.print_config => {
            Box::pin(compare::compare(cli, workload)).await
        }
        None => {
            // Before anything is waited for: without a handler, the first process of a container ignores signals.
            let stop = Stop::on_signals()?;
            match collector(&cli)? {
                Some(collector) => Box::pin(send_results(cli, workload, &collector, stop)).await,
                None => Box::pin(load_test(cli, workload, stop)).await,
            }
        }
    }
}

async fn load_test(cli: Cli, workload: &dyn Workload, stop: Stop) -> Result<CommandOutput, LoadTestError> {
    match load_test::prepare(cli, workload, stop).await? {
        Preparation::Settings(settings) => Ok(CommandOutput::Settings(settings)),
        Preparation::Printed(text) => Ok(CommandOutput::Printed(text)),
        Preparation::Ready(prepared) => Ok(prepared.run().await?.report()),
    }
}

/// The collector of the results of this worker.
fn collector(cli: &Cli) -> Result<Option<CollectorClient>, LoadTestError> {
    let (Some(url), Some(segment)) = (&cli.run.collector, cli.run.execution_segment) else { return Ok(None) };
    if cli.run.dry_run || cli.service.print_config {
        return Ok(None);
    }
    CollectorClient::new(url, segment.index).map(Some)
}

/// Runs a load test, and sends its results to a collector, or the reason why there are none.
async fn send_results(
    cli: Cli,
    workload: &dyn Workload,
    collector: &CollectorClient,
    stop: Stop,
) -> Result<CommandOutput, LoadTestError> {
    tokio::select! {
        checked = collector.check() => checked?,
        signal = stop.signalled() => return Err(LoadTestError::Stopped(signal)),
    }
    let mut output = load_test(cli, workload, stop.clone()).await;
    match &mut output {
        Ok(CommandOutput::LoadTest { report }) => {
            if let Err(error) = collector.send(&report.results, &stop).await {
                status::log(&error);
                report.unwritten(error);
            }
        }
        Ok(_) => (),
        Err(error) => collector.lost(&error.to_string(), &stop).await,
    }
    output
}

/// Returns the settings of a command that needs an address.
fn print_settings(target: &Target<'_>, applied: &Applied) -> Result<CommandOutput, LoadTestError> {
    let mut settings = target.shown(NoAddress::IsMissing)?;
    settings.text = applied.relabel(&settings.text);
    Ok(CommandOutput::Settings(settings))
}

async fn cleanup(options: &CleanupOptions, applied: &Applied) -> Result<CommandOutput, LoadTestError> {
    let host = options.host.as_ref().map(|Hidden(host)| &**host);
    let contract = &Contract::SESSIONS;
    let target =
        Target { contract, options: &options.service, host, timeout: None, file_replaces_variables: false };
    if options.service.print_config {
        return print_settings(&target, applied);
    }
    let stop = Stop::on_signals()?;
    tokio::select! {
        summary = clean_up_target(&target, options) => summary.map(CommandOutput::Cleanup),
        signal = stop.signalled() => {
            let message = format!("stopped by {signal}; run the command again: {}", again(&target, options));
            Err(LoadTestError::Interrupted(message))
        }
    }
}

async fn clean_up_target(
    target: &Target<'_>,
    options: &CleanupOptions,
) -> Result<CleanupSummary, LoadTestError> {
    let service = Service::connect(target).await?;
    service.require_address()?;
    service.check_allowed(options.yes)?;
    let client = cleanup_client(&service.config, &CallCounts::default())?;
    service.check_responds(options.service.wait).await?;
    let CleanupOptions { test_run_id, max_sessions, dry_run, .. } = options;
    clean_up(&client, test_run_id, *max_sessions, *dry_run, |progress| status::log(progress))
        .await
        .map_err(|error| LoadTestError::Cleanup(format!("{error}: {}", again(target, options))))
}

/// The command that continues a clean-up.
fn again(target: &Target<'_>, options: &CleanupOptions) -> String {
    let mut command = cleanup_command(target, options.yes, &options.test_run_id);
    let (before, variables) = match command.split_once(" #") {
        Some((before, variables)) => (before.to_owned(), format!(" #{variables}")),
        None => (command, String::new()),
    };
    command = before;
    if options.max_sessions != CleanupOptions::MAX_SESSIONS {
        command = format!("{command} --max-sessions {}", options.max_sessions);
    }
    if options.dry_run {
        command.push_str(" --dry-run");
    }
    command + &variables
}

/// Lets goose print or convert something, for which it needs an address and a user as well.
async fn run_goose_only(
    mut goose: GooseConfiguration,
    workload: &dyn Workload,
) -> Result<CommandOutput, LoadTestError> {
    let failed = |error| LoadTestError::Goose(error_message(&error));
    goose.host.get_or_insert_with(|| "http://127.0.0.1".to_owned());
    goose.users.get_or_insert(1);
    let attack = GooseAttack::initialize_with_config(goose)
        .and_then(|attack| attack.set_client_builder_without_cookies(unused_client()))
        .map_err(failed)?;
    let attack = workload
        .names()
        .into_iter()
        .fold(attack, |attack, name| attack.register_scenario(goose::goose::Scenario::new(name)));
    Box::pin(attack.execute()).await.map_err(failed)?;
    Ok(CommandOutput::Goose)
}
