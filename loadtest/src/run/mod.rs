//! One command, from the options to its output.

mod collect;
mod criteria;
mod doctor;
mod load_test;
mod open_files;
mod plan;
mod report_files;
mod service;
mod unreachable;

use crate::cleanup::orphans::{CleanupSummary, clean_up};
use crate::cli::{CleanupOptions, Cli, Command, Hidden};
use crate::client::cleanup_client;
use crate::distributed::merge_reports;
use crate::error::LoadTestError;
use crate::executors::goose_attack::{error_message, unused_client};
use crate::output::Report;
use crate::scenarios::Scenario;
use crate::status;
use crate::thresholds::ExitCode;
use goose::GooseAttack;
use goose::config::GooseConfiguration;
use load_test::Preparation;
use service::{Service, Target};
use std::fmt;

pub use doctor::Diagnosis;
pub use service::Settings;

/// The output of a command.
#[derive(Debug)]
pub enum CommandOutput {
    /// A run with its verdict.
    LoadTest {
        /// The report.
        report: Box<Report>,
        /// The report files that could not be written.
        write_errors: Vec<LoadTestError>,
    },
    /// The merged results of several workers.
    Merge(Box<Report>),
    /// The sessions of an earlier run were deleted, as far as possible.
    Cleanup(CleanupSummary),
    /// The planned run.
    Printed(String),
    /// The settings of the client.
    Settings(Settings),
    /// The steps on the way to the service.
    Doctor(Diagnosis),
    /// Nothing, because goose has printed or converted something.
    Goose,
}

impl CommandOutput {
    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::LoadTest { report, write_errors } => match report.exit_code() {
                ExitCode::Passed if !write_errors.is_empty() => ExitCode::Failed,
                exit_code => exit_code,
            },
            Self::Merge(report) => report.exit_code(),
            Self::Cleanup(summary) if !summary.complete => ExitCode::Failed,
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
            Self::LoadTest { report, .. } | Self::Merge(report) => report.fmt(f),
            Self::Cleanup(summary) => writeln!(f, "{summary}"),
            Self::Doctor(diagnosis) => diagnosis.fmt(f),
            Self::Printed(text) | Self::Settings(Settings { text, .. }) => f.write_str(text),
            Self::Goose => Ok(()),
        }
    }
}

/// Executes a command.
///
/// # Errors
///
/// When no load could be made: an option is invalid, or the service cannot be reached.
pub async fn run(cli: Cli) -> Result<CommandOutput, LoadTestError> {
    match &cli.command {
        Some(Command::Cleanup(options)) => cleanup(options).await,
        Some(Command::Doctor(options)) if options.service.print_config => {
            let host = options.host.as_ref().map(|Hidden(host)| &**host);
            Target { options: &options.service, host, timeout: None }.shown().map(CommandOutput::Settings)
        }
        Some(Command::Doctor(options)) => doctor::examine(options).await.map(CommandOutput::Doctor),
        Some(Command::Merge(options)) => {
            merge_reports(options).map(|report| CommandOutput::Merge(Box::new(report)))
        }
        None if cli.makes_no_load() => run_goose_only(cli.goose).await,
        None => match load_test::prepare(cli).await? {
            Preparation::Settings(settings) => Ok(CommandOutput::Settings(settings)),
            Preparation::Printed(text) => Ok(CommandOutput::Printed(text)),
            Preparation::Ready(prepared) => Ok(prepared.run().await?.report()),
        },
    }
}

async fn cleanup(options: &CleanupOptions) -> Result<CommandOutput, LoadTestError> {
    let host = options.host.as_ref().map(|Hidden(host)| &**host);
    let target = Target { options: &options.service, host, timeout: None };
    if options.service.print_config {
        return target.shown().map(CommandOutput::Settings);
    }
    let service = Service::connect(&target).await?;
    service.require_address()?;
    service.check_allowed(options.yes)?;
    let client = cleanup_client(&service.config)?;
    service.check_responds(options.service.wait).await?;
    clean_up(&client, &options.test_run_id, options.max_sessions, |progress| status::log(progress))
        .await
        .map(CommandOutput::Cleanup)
        .map_err(|error| LoadTestError::Cleanup(error.to_string()))
}

/// Lets goose print or convert something, for which it needs an address and a user as well.
async fn run_goose_only(mut goose: GooseConfiguration) -> Result<CommandOutput, LoadTestError> {
    let failed = |error| LoadTestError::Goose(error_message(&error));
    goose.host.get_or_insert_with(|| "http://127.0.0.1".to_owned());
    goose.users.get_or_insert(1);
    let attack = GooseAttack::initialize_with_config(goose)
        .and_then(|attack| attack.set_client_builder_without_cookies(unused_client()))
        .map_err(failed)?;
    let attack = Scenario::ALL.into_iter().fold(attack, |attack, scenario| {
        attack.register_scenario(goose::goose::Scenario::new(scenario.name()))
    });
    Box::pin(attack.execute()).await.map_err(failed)?;
    Ok(CommandOutput::Goose)
}
