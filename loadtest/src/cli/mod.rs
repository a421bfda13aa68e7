//! The command line: goose's options with defaults for this load test, and its own.
//!
//! Rejected alternative: setting the defaults with `GooseDefault`, because goose treats them like given
//! options, and then rejects `--test-plan` for its conflict with `--users`. Here a default is set only if no
//! given option conflicts with it.

mod cleanup;
mod command;
mod compare;
mod conflicts;
mod doctor;
mod faults;
mod init;
mod options;
mod other_contract;
mod parse_error;
mod rates;
mod report;
mod service;
pub(crate) mod tags;
mod telemetry;

pub use cleanup::CleanupOptions;
pub(crate) use command::{GOOSE_OUTPUT, settings_template};
pub use compare::{CompareOptions, OtherService};
pub(crate) use conflicts::{CLOSED_MODEL, CONFLICTS, OF_GOOSE_OUTPUT, OPEN_MODEL};
pub use doctor::DoctorOptions;
pub use faults::FaultOptions;
pub use init::InitOptions;
pub(crate) use options::MAX_DURATION;
pub use options::{ExecutorOptions, GooseOutputOptions, RunOptions, ScenarioOptions};
pub(crate) use options::{parse_time, time_limit};
pub(crate) use parse_error::ParseError;
pub use rates::Rates;
pub use report::ReportOptions;
pub use service::{Hidden, ServiceOptions};
pub use tags::Tag;
pub use telemetry::TelemetryOptions;

use crate::builder::LoadTest;
use crate::distributed::MergeOptions;
use crate::scenarios::check_scenarios;
use crate::settings::{self, Applied};
use crate::thresholds::PassCriteriaOptions;
use crate::workload::Workload;
use clap::error::ErrorKind;
use clap::{FromArgMatches, Parser, Subcommand};
use command::{AFTER_HELP, command_of};
use conflicts::{check_contract, check_options, is_given};
use goose::config::GooseConfiguration;
use parse_error::explain_command_after_options;
use std::ffi::OsString;

/// Load test for the sessions service that checks every response
///
/// Virtual users open sessions, store data and read it back, close and delete them, or whatever --scenario
/// says. Without an address in --host, --config or `SESSIONS_URL` an embedded service is loaded.
#[derive(Debug, Parser)]
#[command(name = "loadtest", after_help = AFTER_HELP, args_override_self = true)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    /// A command other than a load test.
    #[command(subcommand)]
    pub command: Option<Command>,
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
    /// Faults that are injected.
    #[command(flatten)]
    pub faults: FaultOptions,
    /// The output of goose.
    #[command(flatten)]
    pub goose_output: GooseOutputOptions,
    /// goose's options.
    #[command(flatten)]
    pub goose: GooseConfiguration,
    /// `--test-plan` verbatim, which goose's configuration does not expose.
    #[arg(skip)]
    pub test_plan: Option<String>,
    /// The other service of `loadtest compare`.
    #[arg(skip)]
    pub compared_with: Option<OtherService>,
    /// The settings of the file and of variables.
    #[arg(skip)]
    pub(crate) settings: Applied,
    /// The settings of the load test, for `--print-config`.
    #[arg(skip)]
    pub(crate) described: String,
}

/// A command other than a load test.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare two services under the same load at the same time
    Compare(Box<CompareOptions>),
    /// Delete the sessions that a killed run left behind
    Cleanup(CleanupOptions),
    /// Merge the results of all workers into one report
    Merge(MergeOptions),
    /// Make the reports of a run from its results, also if it was killed
    ///
    /// The results are the JSON report of a run. While a run goes on, they are written every 5 seconds: to its
    /// first JSON report, or without one to a file such as loadtest-report.in-progress.json, which is removed
    /// when the run ends. After a crash or a kill they have all but the last seconds. The reports then say so,
    /// name the command that deletes the sessions that were left behind, and the exit code is 1.
    Report(ReportOptions),
    /// Check each step of connecting to the service, and report the first that fails
    ///
    /// Of several addresses, others may serve while one does not: the exit code is 3 if none works.
    Doctor(DoctorOptions),
    /// Write a commented file with all settings and their defaults
    Init(InitOptions),
}

impl Cli {
    /// Parses the command line of this process, and the settings in variables and in the file of `--config`.
    ///
    /// # Errors
    ///
    /// For an invalid command line, and for `--help`: see [`clap::Error::use_stderr`].
    pub fn parse() -> Result<Self, clap::Error> {
        Self::parse_from(std::env::args_os())
    }

    /// Parses a command line of the load test of the sessions service, which begins with the name of the program.
    ///
    /// # Errors
    ///
    /// For an invalid command line, and for `--help`.
    pub fn parse_from<T: Into<OsString> + Clone>(
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        Ok(Self::parse_for(&LoadTest::sessions(), args)?)
    }

    /// Parses a command line of a load test.
    pub(crate) fn parse_for<T: Into<OsString> + Clone>(
        workload: &dyn Workload,
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self, ParseError> {
        let variables: Vec<_> = std::env::vars_os().collect();
        Self::parse_with(workload, args, &variables)
    }

    /// Parses a command line and the settings among `variables`.
    pub(crate) fn parse_with<T: Into<OsString> + Clone>(
        workload: &dyn Workload,
        args: impl IntoIterator<Item = T>,
        variables: &[(OsString, OsString)],
    ) -> Result<Self, ParseError> {
        check_scenarios(&workload.scenarios())
            .map_err(|message| clap::Error::raw(ErrorKind::InvalidValue, message + "\n"))?;
        let mut command = command_of(workload);
        let typed: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let (args, settings) = settings::apply(&mut command, workload.contract(), &typed, variables)
            .map_err(ParseError::Setting)?;
        let mut matches = match command.try_get_matches_from_mut(args) {
            Ok(matches) => matches,
            // The error of the typed command line does not mention settings as if they were options.
            Err(error) => {
                return Err(match command.try_get_matches_from_mut(typed) {
                    Ok(_) => ParseError::Setting(settings.conflict(&command, &error)),
                    Err(error) => explain_command_after_options(&mut command, error).into(),
                });
            }
        };
        let described_command = command.clone();
        let mut conflict = |message: String| {
            let explained = settings.explain(&message);
            if explained == message {
                ParseError::CommandLine(command.error(ErrorKind::ArgumentConflict, message))
            } else {
                ParseError::Setting(explained)
            }
        };
        check_contract(&matches, workload.contract()).map_err(&mut conflict)?;
        let mut is_comparison = false;
        let mut cli = <Self as FromArgMatches>::from_arg_matches(&matches)?;
        if let Some(Command::Compare(options)) = cli.command {
            matches = matches.remove_subcommand().map(|(_, matches)| matches).unwrap_or_default();
            check_contract(&matches, workload.contract()).map_err(&mut conflict)?;
            compare::check(|id| is_given(&matches, id)).map_err(&mut conflict)?;
            cli = (*options).into();
            is_comparison = true;
        }
        check_options(&matches).map_err(&mut conflict)?;
        cli.test_plan = matches
            .get_raw("test_plan")
            .and_then(|mut values| Some(values.next()?.to_string_lossy().into_owned()));
        cli.check_workers().and_then(|()| cli.check_values()).map_err(&mut conflict)?;
        if cli.service.print_config && cli.command.is_none() {
            let comparison = described_command.find_subcommand("compare").filter(|_| is_comparison);
            cli.described = settings::describe(comparison.unwrap_or(&described_command), &matches, &settings);
        }
        cli.set_defaults();
        cli.settings = settings;
        Ok(cli)
    }

    /// Checks the options of a run with several workers.
    fn check_workers(&self) -> Result<(), String> {
        let Some(segment) = self.run.execution_segment else { return Ok(()) };
        let conflict = match () {
            () if self.run.test_run_id.is_none() => {
                "--execution-segment needs --test-run-id: all workers of a run have the same id"
            }
            () if self.test_plan.is_some() && segment.of > 1 => {
                "--test-plan conflicts with --execution-segment: each worker would start all of its users"
            }
            () if self.executor.breakpoint && segment.of > 1 => {
                "--breakpoint conflicts with --execution-segment: each worker would search its own breakpoint"
            }
            () => return Ok(()),
        };
        Err(conflict.to_owned())
    }

    fn check_values(&self) -> Result<(), String> {
        let Self { executor, goose, .. } = self;
        let tags = tags::by_key(&self.run.tag);
        let has_other_end = self.test_plan.is_some() || goose.iterations.is_some_and(|each| each > 0);
        let conflict = match () {
            () if goose.dashboard && has_other_end => {
                "--dashboard needs --run-time or --rate: any other run would not end while its page is open"
            }
            () if executor.breakpoint
                && executor.rate.as_ref().is_some_and(|rates| rates.single().is_none()) =>
            {
                "--breakpoint starts with one constant --rate, not with steps or a ramp"
            }
            () if executor.breakpoint && !self.faults.fault.is_empty() => {
                "--fault conflicts with --breakpoint: a rate would fail because of a fault"
            }
            () if goose.users == Some(1)
                && (goose.increase_time.is_some() || goose.decrease_time.is_some()) =>
            {
                "--increase-time and --decrease-time need at least 2 --users"
            }
            () if [&goose.increase_rate, &goose.decrease_rate]
                .into_iter()
                .flatten()
                .any(|rate| rate.parse() == Ok(0.0)) =>
            {
                "--increase-rate and --decrease-rate must be above 0"
            }
            () if tags.is_err() => tags.as_ref().err().map_or("", String::as_str),
            () if executor.pre_allocated_vus == Some(0) => "--pre-allocated-vus 0 makes no load",
            () => return Ok(()),
        };
        Err(conflict.to_owned())
    }

    /// Sets the options of goose that were not given.
    fn set_defaults(&mut self) {
        let is_open_model = self.executor.rate.is_some() || self.executor.breakpoint;
        let has_test_plan = self.test_plan.is_some();
        let goose = &mut self.goose;
        let has_iterations = goose.iterations.is_some_and(|iterations| iterations > 0);
        if !has_test_plan && !is_open_model {
            let users = *goose.users.get_or_insert(8);
            if goose.increase_rate.is_none() && goose.increase_time.is_none() {
                goose.increase_rate = Some(all_at_once(users));
            }
            if !has_iterations {
                goose.run_time.get_or_insert_with(|| "10s".to_owned());
            }
        }
        if !has_test_plan && !has_iterations {
            // Failures while users start count as well.
            goose.no_reset_metrics = true;
        }
        if goose.verbose == 0 {
            goose.quiet = goose.quiet.max(1);
        }
        // The telnet controller is enabled by default, without authentication.
        let is_controlled = goose.no_autostart || goose.telnet_host.is_some() || goose.telnet_port.is_some();
        goose.no_telnet |= !is_controlled;
        // Custom requests have no status in goose's tables. The report has a column for them.
        goose.no_status_codes = true;
        goose.no_print_metrics = !self.goose_output.goose_metrics;
    }

    /// Returns whether the program only prints or converts something.
    #[must_use]
    pub fn makes_no_load(&self) -> bool {
        let goose = &self.goose;
        goose.version || goose.list || goose.scenarios_list || goose.render_report.is_some()
    }

    /// Returns whether the output that goose prints was requested.
    #[must_use]
    pub fn prints_goose_output(&self) -> bool {
        self.goose_output.goose_metrics || self.makes_no_load()
    }
}

/// The rate at which this many users start within ten milliseconds.
pub(crate) fn all_at_once(users: usize) -> String {
    users.max(1).saturating_mul(100).to_string()
}

#[cfg(test)]
mod tests {
    use super::command::command;
    use super::*;
    use crate::thresholds::EMBEDDED_THRESHOLDS;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::parse_from(["loadtest"].iter().chain(args).copied())
    }

    #[test]
    fn the_exit_codes_of_the_help_are_those_of_the_documents() {
        let (_, list) = AFTER_HELP.split("\n\n").next().unwrap().split_once('\n').unwrap();
        let codes: Vec<_> = list.split("\n  ").filter(|line| !line.is_empty()).collect();
        let mut rows = Vec::<String>::new();
        for line in codes {
            match line.trim_start().split_once("  ") {
                Some((code, meaning)) => rows.push(format!("| {code} | {meaning}")),
                None => rows.last_mut().unwrap().extend([" ", line.trim_start()]),
            }
        }
        assert_eq!(rows.len(), 6);
        for document in [include_str!("../../README.md"), include_str!("../../../docs/load-test.md")] {
            for row in &rows {
                assert!(document.contains(&format!("{row} |")), "{row}");
            }
        }
    }

    #[test]
    fn the_default_thresholds_are_in_the_help_and_in_the_guide() {
        let help = command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let guide = include_str!("../../../docs/load-test.md");
        for threshold in EMBEDDED_THRESHOLDS {
            assert!(help.contains(threshold), "{help}");
            assert!(guide.contains(&format!("`{threshold}`")), "{threshold}");
        }
    }

    #[test]
    fn options_before_a_command_are_an_error_with_the_remedy() {
        for command in ["compare", "doctor", "cleanup", "merge"] {
            let error = parse(&["--users", "5", command]).unwrap_err().to_string();
            let expected = format!("error: the options of `{command}` come after it: write `");
            assert!(error.starts_with(&expected), "{error}");
            assert!(error.contains(&format!(" {command} [OPTIONS]`")), "{error}");
        }
        let error = parse(&["--users", "5", "fast"]).unwrap_err().to_string();
        assert!(error.starts_with("error: unexpected argument 'fast' found\n"), "{error}");
    }

    #[test]
    fn the_help_begins_with_an_imperative_and_has_no_full_stop() {
        let root = command();
        for command in root.get_subcommands().chain([&root]) {
            let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
            let first = about.lines().next().unwrap();
            let verb = first.split(' ').next().unwrap();
            assert!(!first.ends_with('.') && !verb.ends_with('s'), "{first}");
            let helps =
                command.get_arguments().filter_map(|option| option.get_long_help().or(option.get_help()));
            for help in helps.map(ToString::to_string) {
                assert!(!help.lines().next().unwrap().ends_with('.'), "{help}");
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn the_default_is_eight_users_for_ten_seconds() {
        let goose = parse(&[]).unwrap().goose;
        assert_eq!(goose.users, Some(8));
        assert_eq!(goose.increase_rate.as_deref(), Some("800"));
        assert_eq!(goose.run_time.as_deref(), Some("10s"));
        assert!(goose.no_telnet && goose.no_print_metrics && goose.quiet == 1);
    }

    #[test]
    fn given_options_are_kept() {
        let goose = parse(&["-u", "3", "-s", "5s", "-t", "1m", "-vv", "--goose-metrics"]).unwrap().goose;
        assert_eq!(goose.users, Some(3));
        assert_eq!((goose.increase_rate, goose.increase_time.as_deref()), (None, Some("5s")));
        assert_eq!(goose.run_time.as_deref(), Some("1m"));
        assert_eq!((goose.quiet, goose.verbose, goose.no_print_metrics), (0, 2, false));
    }

    #[test]
    fn test_plans_and_iterations_get_no_conflicting_default() {
        let goose = parse(&["--test-plan", "2,1s;0,1s"]).unwrap().goose;
        assert_eq!((goose.users, goose.increase_rate, goose.run_time), (None, None, None));
        assert!(!goose.no_reset_metrics);
        let goose = parse(&["--iterations", "5"]).unwrap().goose;
        assert_eq!(goose.run_time, None);
        assert!(!goose.no_reset_metrics);
    }

    #[test]
    fn options_without_effect_are_rejected_and_hidden() {
        for option in [
            "--no-metrics",
            "--no-print-metrics",
            "--no-gzip",
            "--accept-invalid-certs",
            "--sticky-follow",
            "--request-body",
            "--request-log=calls.log",
            "--request-format=json",
            "--error-log=errors.log",
            "--error-format=json",
            "--debug-log=debug.log",
            "--debug-format=json",
            "--no-debug-body",
        ] {
            let error = parse(&[option]).unwrap_err().to_string();
            let (name, _) = option.split_once('=').unwrap_or((option, ""));
            assert!(error.contains(&format!("{name} is not supported: ")), "{error}");
        }
        let help = command().render_help().to_string();
        assert!(!help.contains("--no-gzip") && help.contains("--dashboard"), "{help}");
        assert!(!help.contains("--request-log") && help.contains("--transaction-log"), "{help}");
    }

    #[test]
    fn options_are_accepted_by_their_names_in_other_tools() {
        for args in [["--duration", "3s"], ["-d", "3s"], ["-z", "3s"]] {
            assert_eq!(parse(&args).unwrap().goose.run_time.as_deref(), Some("3s"), "{args:?}");
        }
        for args in [["--vus", "3"], ["--concurrency", "3"], ["-c", "3"]] {
            assert_eq!(parse(&args).unwrap().goose.users, Some(3), "{args:?}");
        }
        assert!(parse(&["--find-limit"]).unwrap().executor.breakpoint);
        assert!(parse(&["-k"]).unwrap().service.insecure);
        let vus = parse(&["--rate", "5", "--max-vus", "7"]).unwrap().executor.pre_allocated_vus;
        assert_eq!(vus, Some(7));
    }

    #[test]
    fn conflicts_of_goose_are_found_with_the_options() {
        for (args, conflict) in [
            (&["--test-plan", "2,1s", "-u", "3"][..], "--test-plan conflicts with --users"),
            (&["--iterations", "2", "-t", "3s"], "--iterations conflicts with --run-time"),
            (
                &["--increase-time", "2s", "--increase-rate", "3"],
                "--increase-time conflicts with --increase-rate",
            ),
            (&["-v", "-q"], "--verbose conflicts with --quiet"),
            (&["-u", "1", "--increase-time", "2s"], "need at least 2 --users"),
            (&["--increase-rate", "0"], "must be above 0"),
        ] {
            let error = parse(args).unwrap_err().to_string();
            assert!(error.contains(conflict), "{args:?}: {error}");
        }
    }

    #[test]
    fn a_fault_is_not_an_option_of_a_comparison() {
        let error = parse(&["compare", "--fault", "refuse"]).unwrap_err().to_string();
        assert!(error.contains("--fault is not supported by loadtest compare: "), "{error}");
    }

    #[test]
    fn options_of_other_tools_are_rejected_with_ours() {
        for (args, instead) in [
            (&["--rps", "50"][..], "--rate starts iterations, each of which makes several calls"),
            (&["--qps=50"], "--rate starts iterations"),
            (&["--connections", "9"], "use --users"),
            (&["--stages"], "use --rate 10..200,200"),
            (&["-H", "x-tenant: acme"], "-H is short for --host: use --header for the header `x-tenant`"),
        ] {
            let error = parse(args).unwrap_err().to_string();
            assert!(error.contains(instead), "{args:?}: {error}");
        }
        assert!(!command().render_long_help().to_string().contains("--qps"));
    }

    #[test]
    fn options_of_the_output_of_goose_need_that_output() {
        let error = parse(&["--running-metrics", "5"]).unwrap_err().to_string();
        assert!(error.contains("--running-metrics needs --goose-metrics"), "{error}");
        assert!(parse(&["--running-metrics", "5", "--goose-metrics"]).is_ok());
        let error = parse(&["--notes", "x"]).unwrap_err().to_string();
        assert!(error.contains("--notes needs --goose-report"), "{error}");
    }
}
