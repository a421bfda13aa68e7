//! The options of `loadtest compare`: those of a load test, and the other service.

use super::conflicts::dashed;
use super::{
    Cli, ExecutorOptions, FaultOptions, GooseOutputOptions, Hidden, RunOptions, ScenarioOptions,
    ServiceOptions, TelemetryOptions,
};
use crate::settings::Applied;
use crate::thresholds::PassCriteriaOptions;
use clap::{Arg, ArgAction, Args};
use goose::config::GooseConfiguration;
use std::path::PathBuf;

/// Options of a load test that have no meaning in a comparison, with the reason.
const REJECTED: [(&str, &str); 7] = [
    ("baseline", "the service of --against is the baseline"),
    ("breakpoint", "both services need the same rate"),
    ("execution_segment", "a comparison has one load generator"),
    ("test_plan", "use --users or --rate"),
    ("fault", "the services would meet different faults, because their connections differ"),
    ("count_faults", "there are no faults"),
    ("dashboard", "it shows the calls of both services as those of one"),
];

/// Compare two services under the same load at the same time
///
/// Each service has its own --users, or its own --rate. Both are loaded and checked at the same time, so that
/// noise of the machine or the network affects both. The percentiles of the service of --host are compared
/// with those of --against: the exit code is 1 if one is higher by more than --max-regression, and 5 if that
/// may be chance. Without addresses, two embedded services are compared.
#[derive(Clone, Debug, Args)]
pub struct CompareOptions {
    /// The other service.
    #[command(flatten)]
    pub other: OtherService,
    /// The connection to the service.
    #[command(flatten)]
    pub service: ServiceOptions,
    /// The scenarios.
    #[command(flatten)]
    pub scenarios: ScenarioOptions,
    /// The executor.
    #[command(flatten)]
    pub executor: ExecutorOptions,
    /// The conduct of the run.
    #[command(flatten)]
    pub run: RunOptions,
    /// The pass criteria.
    #[command(flatten)]
    pub criteria: PassCriteriaOptions,
    /// Traces and live metrics.
    #[command(flatten)]
    pub telemetry: TelemetryOptions,
    /// The output of goose.
    #[command(flatten)]
    pub goose_output: GooseOutputOptions,
    /// goose's options.
    #[command(flatten)]
    pub goose: GooseConfiguration,
}

/// The service that another one is compared with.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Comparison")]
pub struct OtherService {
    /// Service to compare with, such as <http://localhost:8081>
    ///
    /// The other options of the service apply to both.
    #[arg(long, value_name = "URL")]
    pub against: Option<Hidden>,
    /// Description of the service to compare with, in place of that of --config
    ///
    /// It replaces the variables of the service.
    #[arg(long, value_name = "FILE")]
    pub against_config: Option<PathBuf>,
}

impl From<CompareOptions> for Cli {
    fn from(options: CompareOptions) -> Self {
        let CompareOptions {
            other,
            service,
            scenarios,
            executor,
            run,
            criteria,
            telemetry,
            goose_output,
            goose,
        } = options;
        Self {
            command: None,
            service,
            scenarios,
            executor,
            run,
            criteria,
            telemetry,
            faults: FaultOptions::default(),
            goose_output,
            goose,
            test_plan: None,
            compared_with: Some(other),
            settings: Applied::default(),
            described: String::new(),
        }
    }
}

/// The options for faults, which only a load test has.
pub(super) fn faults() -> [Arg; 2] {
    [("fault", "fault"), ("count_faults", "count-faults")]
        .map(|(id, long)| Arg::new(id).long(long).num_args(0..=1).action(ArgAction::Append))
}

/// Hides the options that have no meaning in a comparison.
pub(super) fn hide_rejected(command: clap::Command) -> clap::Command {
    REJECTED.iter().fold(command, |command, (id, _)| command.mut_arg(id, |arg| arg.hide(true)))
}

/// Returns an error if one of those options was given.
pub(super) fn check(given: impl Fn(&str) -> bool) -> Result<(), String> {
    match REJECTED.iter().find(|(id, _)| given(id)) {
        Some((id, reason)) => Err(format!("--{} is not supported by loadtest compare: {reason}", dashed(id))),
        None => Ok(()),
    }
}
