//! The command line: goose's options with defaults for this load test, and its own.
//!
//! An option that has no effect is an error: a load test that silently does something else than requested is
//! worse than none.
//!
//! Rejected alternative: setting the defaults with `GooseDefault`, because goose treats them like given
//! options, and then rejects `--test-plan` for its conflict with `--users`. Here a default is set only if no
//! given option conflicts with it.

mod cleanup;
mod doctor;
mod options;
mod rates;
mod service;

pub use cleanup::CleanupOptions;
pub use doctor::DoctorOptions;
pub(crate) use options::MAX_DURATION;
pub use options::{ExecutorOptions, GooseOutputOptions, RunOptions, ScenarioOptions};
use options::{MAX_USERS, at_most};
pub use rates::Rates;
pub use service::{Hidden, ServiceOptions};

use crate::distributed::MergeOptions;
use crate::thresholds::PassCriteriaOptions;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use goose::config::GooseConfiguration;
use std::ffi::OsString;

const AFTER_HELP: &str = "\
Exit codes; if several apply, the first in the order 3, 2, 4, 1:
  0  passed
  1  failed: error rate, too few calls, no completed iteration, dropped iterations,
     a missed threshold, a regression, sessions left behind, or an unwritten report
  2  wrong data: a response contradicts earlier writes
  3  could not run: options, address, a service that does not respond,
     or exhausted ports, files or memory of this machine
  4  stopped by a signal (SIGINT, SIGTERM or SIGHUP), after cleanup

Examples:
  loadtest                                     the embedded service, for 10 seconds
  loadtest --host http://localhost:8080 -u 50 -t 2m --think-time 20
  loadtest --host http://localhost:8080 --rate 50,100,200 --step 30s
  loadtest --breakpoint --threshold 'p99<20ms'
  loadtest --scenario lifecycle=3,browse=1,hot-session=1
  loadtest --threshold 'p99<50ms for POST open_session' --report-file report.html
  loadtest --config staging.yaml --header 'x-api-key: ${API_KEY}' --wait 60s
  loadtest doctor --config staging.yaml
  loadtest cleanup --test-run-id 0123456789ab --host http://localhost:8080
  loadtest merge worker-*.json";

/// goose's options that have no effect here, with the reason.
const REJECTED: [(&str, &str); 9] = [
    ("baseline_file", "use --baseline, which fails the run after a regression"),
    ("scenarios", "use --scenario"),
    ("co_mitigation", "use --rate, which measures what it would estimate"),
    ("no_metrics", "a run without metrics has no verdict"),
    ("no_print_metrics", "goose's tables are only printed with --goose-metrics"),
    ("no_gzip", "the typed client requests no compression"),
    ("sticky_follow", "the typed client follows no redirects"),
    ("accept_invalid_certs", "use --cacert to trust the certificate of the service, or --insecure"),
    ("request_body", "the typed client passes no bodies to goose's log"),
];

/// goose's options that are always in effect.
const ALWAYS_ON: [&str; 4] =
    ["no_reset_metrics", "no_status_codes", "no_percentiles_over_time", "scenarios_list"];

/// goose's options that only affect its tables or its report, with the option that they need.
const OF_GOOSE_OUTPUT: [(&str, &str); 4] = [
    ("running_metrics", "goose_metrics"),
    ("notes", "goose_report"),
    ("report_graph_data", "goose_report"),
    ("no_granular_report", "goose_report"),
];

/// goose's other options for its own output.
const GOOSE_REPORTS: [&str; 4] = ["output_dir", "compress", "render_report", "pdf_print_html"];

/// The help heading of goose's tables and reports.
pub(crate) const GOOSE_OUTPUT: &str = "Output of goose";

/// Options of the open model only, and of the closed model only.
const OPEN_MODEL: [&str; 3] = ["step", "pre_allocated_vus", "breakpoint"];
const CLOSED_MODEL: [&str; 6] =
    ["users", "test_plan", "iterations", "increase_rate", "increase_time", "throttle_requests"];

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
    /// The way to the service.
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
    /// The output of goose.
    #[command(flatten)]
    pub goose_output: GooseOutputOptions,
    /// goose's options.
    #[command(flatten)]
    pub goose: GooseConfiguration,
    /// `--test-plan` verbatim, which goose's configuration does not expose.
    #[arg(skip)]
    pub test_plan: Option<String>,
}

/// A command other than a load test.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Delete the sessions that a killed run left behind
    Cleanup(CleanupOptions),
    /// Merge the results of all workers into one report
    Merge(MergeOptions),
    /// Try each step on the way to the service, and say where it breaks
    ///
    /// Of several addresses, others may serve while one does not: the exit code is 3 if none works.
    Doctor(DoctorOptions),
}

impl Cli {
    /// Parses the command line of this process.
    ///
    /// # Errors
    ///
    /// For an invalid command line, and for `--help`: see [`clap::Error::use_stderr`].
    pub fn parse() -> Result<Self, clap::Error> {
        Self::parse_from(std::env::args_os())
    }

    /// Parses a command line that begins with the name of the program.
    ///
    /// # Errors
    ///
    /// For an invalid command line, and for `--help`.
    pub fn parse_from<T: Into<OsString> + Clone>(
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = command();
        let matches = command.try_get_matches_from_mut(args)?;
        let mut conflict = |message| command.error(ErrorKind::ArgumentConflict, message);
        check_options(&matches).map_err(&mut conflict)?;
        let mut cli = <Self as FromArgMatches>::from_arg_matches(&matches)?;
        cli.test_plan = matches
            .get_raw("test_plan")
            .and_then(|mut values| Some(values.next()?.to_string_lossy().into_owned()));
        cli.check_workers().and_then(|()| cli.check_values()).map_err(&mut conflict)?;
        cli.set_defaults();
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

    /// Returns whether goose only prints or converts something.
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

/// Checks for given options without effect.
fn check_options(matches: &ArgMatches) -> Result<(), String> {
    let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    if let Some((id, reason)) = REJECTED.iter().find(|(id, _)| given(id)) {
        return Err(format!("--{} is not supported: {reason}", dashed(id)));
    }
    if let Some((id, needed)) = OF_GOOSE_OUTPUT.iter().find(|(id, needed)| given(id) && !given(needed)) {
        return Err(format!("--{} needs --{}", dashed(id), dashed(needed)));
    }
    let is_open_model = given("rate") || given("breakpoint");
    if let Some(id) = CLOSED_MODEL.iter().find(|id| is_open_model && given(id)) {
        return Err(format!(
            "--{} conflicts with --rate and --breakpoint, which use --pre-allocated-vus",
            dashed(id)
        ));
    }
    if let Some(id) = OPEN_MODEL.iter().find(|id| !is_open_model && given(id)) {
        return Err(format!("--{} needs --rate or --breakpoint", dashed(id)));
    }
    if given("run_time")
        && let Some(id) = ["step", "breakpoint"].into_iter().find(|id| given(id))
    {
        return Err(format!("--run-time conflicts with --{}, which sets the duration", dashed(id)));
    }
    Ok(())
}

/// The name of an option on the command line.
fn dashed(id: &str) -> String {
    id.replace('_', "-")
}

/// The command, with our help for some of goose's options.
fn command() -> clap::Command {
    let mut command = <Cli as CommandFactory>::command()
        // It is rejected with the reason.
        .mut_subcommand("doctor", |doctor| doctor.mut_arg("wait", |arg| arg.hide(true)))
        .mut_arg("host", |arg| {
            describe(
                arg,
                "Service to load, such as http://localhost:8080 [default: that of --config, or an embedded one]",
                "Scheme, host and port, and the path before /v1/sessions if there is one. The sessions of a run \
                 belong to users named loadtest-<test run id>-…; no other sessions are changed, and none of the run \
                 is left behind.",
            )
        })
        .mut_arg("users", |arg| {
            let details = "Each uses one session at a time. Conflicts with --test-plan, which sets the users.";
            describe(arg.value_parser(at_most(MAX_USERS)), "Concurrent users [default: 8]", details)
        })
        .mut_arg("increase_rate", |arg| summarize(arg, "Users started per second [default: all at once]"))
        .mut_arg("run_time", |arg| {
            describe(
                arg,
                "Duration of the run after all users have started [default: 10s]",
                "A whole number of seconds, or hours, minutes and seconds in that order, such as 1h30m. At the end \
                 each user finishes its session. Conflicts with --iterations and --test-plan.",
            )
        })
        .mut_arg("report_file", |arg| {
            describe(
                arg,
                "Write the report to this file; repeatable [default: loadtest-report.html]",
                "The extension decides the format: .html for people, .md for a pull request, .xml for JUnit, .json \
                 for loadtest merge and --baseline.",
            )
        })
        .mut_arg("threshold", |arg| {
            describe(
                arg,
                "Pass/fail rule, such as p95<500ms; repeatable",
                "A metric: pNN (p95, p99.9), avg, max, error-rate or rps. Then <, <=, > or >=, and a limit: a time in \
                 us, ms or s, or a percentage. rps is computed over the whole run, from the start of the first call to \
                 the end of the last. A rule that ends in \" for POST open_session\" applies only to those calls. A \
                 missed rule fails the run, and aborts it unless --no-threshold-abort or --execution-segment is given. \
                 With --breakpoint it fails a rate.",
            )
        })
        .mut_arg("timeout", |arg| summarize(arg, "Timeout of a request in seconds [default: 10]"));
    for id in OF_GOOSE_OUTPUT.map(|(id, _)| id).into_iter().chain(GOOSE_REPORTS) {
        command = command.mut_arg(id, |arg| arg.help_heading(GOOSE_OUTPUT));
    }
    for id in REJECTED.map(|(id, _)| id).into_iter().chain(ALWAYS_ON) {
        command = command.mut_arg(id, |arg| arg.hide(true));
    }
    command
}

/// Replaces the help of an option.
fn describe(arg: Arg, summary: &str, details: &str) -> Arg {
    arg.help(summary.to_owned()).long_help(format!("{summary}\n\n{details}"))
}

/// Replaces the first line of the help of an option.
fn summarize(arg: Arg, summary: &str) -> Arg {
    let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
    let details = long.split_once('\n').map_or("", |(_, details)| details);
    arg.help(summary.to_owned()).long_help(format!("{summary}\n{details}"))
}

/// The rate at which this many users start within ten milliseconds.
pub(crate) fn all_at_once(users: usize) -> String {
    users.max(1).saturating_mul(100).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::parse_from(["loadtest"].iter().chain(args).copied())
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
        ] {
            let error = parse(&[option]).unwrap_err().to_string();
            assert!(error.contains(&format!("{option} is not supported: ")), "{error}");
        }
        let help = command().render_help().to_string();
        assert!(!help.contains("--no-gzip") && help.contains("--dashboard"), "{help}");
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
