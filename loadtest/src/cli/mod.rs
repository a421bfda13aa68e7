//! The command line: goose's own options, with defaults that suit this load, and those of the sessions.
//!
//! goose would take the same defaults through `GooseDefault`, but counts them as if they had been given and
//! then refuses `--test-plan` for standing beside `--users`. Here an option is filled in only where nothing
//! that was given stands against it. Options that would be without effect are refused rather than ignored:
//! a load test that did something else than it was told is worse than none.

mod cleanup;
mod options;
mod rates;

pub use cleanup::Clean;
pub(crate) use options::LONGEST;
pub use options::{Conduct, Pace, Scenarios};
use options::{MOST_USERS, up_to};
pub use rates::Rates;

use crate::distributed::command::MergeOptions;
use crate::thresholds::JudgeOptions;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use goose::config::GooseConfiguration;
use std::ffi::OsString;

const EXIT_CODES: &str = "\
Exit codes, of which the first that applies in the order 3, 2, 4, 1 is taken:
  0  all well
  1  a request failed, too few were made, no iteration went through to its end,
     arrivals that were due never began,
     a threshold was missed, the service is slower than in the baseline,
     sessions stay behind, or the report could not be written
  2  what was read back is wrong
  3  could not run: options, the address, or a service that does not answer
  4  stopped by a signal (Ctrl-C, SIGTERM or SIGHUP), after cleaning up

Examples:
  loadtest                                     the embedded service, for 10 seconds
  loadtest --host http://localhost:8080 -u 50 -t 2m --think-time 20
  loadtest --host http://localhost:8080 --rate 50,100,200 --step 30s
  loadtest --find-limit --threshold 'p99<20ms'
  loadtest --scenario lifecycle=3,browse=1,hot-session=1
  loadtest --threshold 'p99<50ms for POST open_session' --report-file report.html
  loadtest clean --run 0123456789ab --host http://localhost:8080
  loadtest merge worker-*.json";

/// Options of goose's HTTP client and metrics that cannot have their effect here, and why.
const REFUSED: [(&str, &str); 8] = [
    ("baseline_file", "--baseline compares, and fails a run that became slower"),
    ("scenarios", "--scenario names what users do"),
    ("co_mitigation", "--rate measures what it would estimate, and nothing is judged by an estimate"),
    ("no_metrics", "without metrics there is nothing to judge"),
    ("no_gzip", "requests are made by the typed client, which asks for no compression"),
    ("sticky_follow", "requests are made by the typed client, which follows no redirect"),
    ("accept_invalid_certs", "trust the certificate of the service by the variable SSL_CERT_FILE instead"),
    ("request_body", "requests are made by the typed client, which hands no body to the log"),
];

/// Options that are not shown: their effect is there anyway.
const HIDDEN: [&str; 4] =
    ["no_reset_metrics", "no_status_codes", "no_percentiles_over_time", "scenarios_list"];

/// Options that belong to open load alone, and those that belong to closed load alone.
const OPEN: [&str; 3] = ["step", "lanes", "find_limit"];
const CLOSED: [&str; 6] =
    ["users", "test_plan", "iterations", "increase_rate", "increase_time", "throttle_requests"];

/// Loads the sessions service with whole sessions, and checks everything that it reads back.
///
/// Users open sessions, store data in them and read it back, close and delete them, or whatever --scenario says. Without
/// --host a service inside this program is loaded.
#[derive(Debug, Parser)]
#[command(name = "loadtest", after_help = EXIT_CODES, args_override_self = true)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    /// Something else than a load.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What a user does.
    #[command(flatten)]
    pub scenarios: Scenarios,
    /// At which rate.
    #[command(flatten)]
    pub pace: Pace,
    /// How, where and by whom.
    #[command(flatten)]
    pub conduct: Conduct,
    /// What it is judged by.
    #[command(flatten)]
    pub judge: JudgeOptions,
    /// How goose runs it.
    #[command(flatten)]
    pub goose: GooseConfiguration,
    /// goose's `--test-plan` as it was typed, which goose keeps to itself.
    #[arg(skip)]
    pub test_plan: Option<String>,
}

/// Something else than a load.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Remove what a run has left that was killed
    Clean(Clean),
    /// Make one report of those of all workers
    Merge(MergeOptions),
}

impl Cli {
    /// The command line of this process.
    ///
    /// # Errors
    ///
    /// For a wrong command line, and for `--help`: see [`clap::Error::use_stderr`].
    pub fn parse() -> Result<Self, clap::Error> {
        Self::parse_from(std::env::args_os())
    }

    /// The command line `args`, which begins with the name of the program.
    ///
    /// # Errors
    ///
    /// For a wrong command line, and for `--help`.
    pub fn parse_from<T: Into<OsString> + Clone>(
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = command();
        let matches = command.try_get_matches_from_mut(args)?;
        let given = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        if let Some((id, why)) = REFUSED.iter().find(|(id, _)| given(id)) {
            let message = format!("--{} has no use here: {why}", dashed(id));
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        let is_open = given("rate") || given("find_limit");
        if let Some(id) = CLOSED.iter().find(|id| is_open && given(id)) {
            let message =
                format!("--{} has no use with --rate or --find-limit: --lanes bounds them", dashed(id));
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        if let Some(id) = OPEN.iter().find(|id| !is_open && given(id)) {
            let message = format!("--{} has no use without --rate or --find-limit", dashed(id));
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        if given("run_time")
            && let Some(id) = ["step", "find_limit"].into_iter().find(|id| given(id))
        {
            let message =
                format!("--run-time has no use with --{}: the steps say how long it is", dashed(id));
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        let mut cli = <Self as FromArgMatches>::from_arg_matches(&matches)?;
        cli.test_plan = matches
            .get_raw("test_plan")
            .and_then(|mut values| Some(values.next()?.to_string_lossy().into_owned()));
        if let Err(message) = cli.contradictions() {
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        fill(&mut cli.goose, given("test_plan"), is_open);
        Ok(cli)
    }

    /// What cannot be done as it was asked for.
    fn contradictions(&self) -> Result<(), String> {
        let Self { pace, conduct, goose, .. } = self;
        if let Some(worker) = conduct.worker {
            if conduct.run.is_none() {
                return Err("--worker needs --run: the workers of a run have its name in common".to_owned());
            }
            if goose.host.is_none() {
                return Err(
                    "--worker needs --host: each worker would load an embedded service of its own".to_owned()
                );
            }
            if self.test_plan.is_some() && worker.of > 1 {
                return Err(
                    "--test-plan has no use with --worker: each would make all of its users".to_owned()
                );
            }
            if pace.find_limit && worker.of > 1 {
                return Err("--find-limit has no use with --worker: each would look for a limit of its own"
                    .to_owned());
            }
        }
        if goose.dashboard && (self.test_plan.is_some() || goose.iterations.is_some_and(|each| each > 0)) {
            return Err(
                "--dashboard needs --run-time or --rate: it would keep any other run up for a browser \
                        that is open"
                    .to_owned(),
            );
        }
        if pace.find_limit && pace.rate.as_ref().is_some_and(|rates| rates.single().is_none()) {
            return Err("--find-limit begins with one --rate, not with steps or a ramp".to_owned());
        }
        if pace.lanes == Some(0) {
            return Err("--lanes 0 makes no load".to_owned());
        }
        Ok(())
    }

    /// Whether goose is only asked to print or convert something.
    pub(crate) fn makes_no_load(&self) -> bool {
        let goose = &self.goose;
        goose.version || goose.list || goose.scenarios_list || goose.render_report.is_some()
    }
}

/// The name of an option as it is typed.
fn dashed(id: &str) -> String {
    id.replace('_', "-")
}

/// The options as they are shown: goose's with the defaults that hold here.
fn command() -> clap::Command {
    let mut command = <Cli as CommandFactory>::command()
        .mut_arg("host", |arg| {
            let summary = "Service to load, such as http://localhost:8080 [default: an embedded one]";
            arg.help(summary).long_help(format!(
                "{summary}\n\n\
                 Scheme, host and port, and the path before /v1/sessions if there is one. The sessions of a \
                 run belong to users named loadtest-<run>-…; no others are touched, and none stay."
            ))
        })
        .mut_arg("users", |arg| {
            let summary = "Concurrent users [default: 8]";
            arg.value_parser(up_to(MOST_USERS)).help(summary).long_help(format!(
                "{summary}\n\n\
                 Each works on one session at a time. Not allowed with --test-plan, which sets its own."
            ))
        })
        .mut_arg("increase_rate", |arg| summarize(arg, "Users started per second [default: all at once]"))
        .mut_arg("run_time", |arg| {
            let summary = "Run this long after all users start [default: 10s]";
            arg.help(summary).long_help(format!(
                "{summary}\n\n\
                 A whole number of seconds, or hours, minutes and seconds in that order, such as 1h30m. When \
                 the time is over, each user finishes its session. Not allowed with --iterations or \
                 --test-plan."
            ))
        })
        .mut_arg("report_file", |arg| {
            let summary = "Write the report; repeatable [default: loadtest-report.html]";
            arg.help(summary).long_help(format!(
                "{summary}\n\n\
                 The end of the name says which: .html for people, .md for a pull request, .xml for pipelines that \
                 show tests, or .json, which loadtest merge and --baseline read."
            ))
        })
        .mut_arg("threshold", |arg| {
            let summary = "Pass/fail rule, such as p95<500ms; repeatable";
            arg.help(summary).long_help(format!(
                "{summary}\n\n\
                 It begins with pNN (p95, p99.9), avg, max, error-rate or rps; then come <, <=, > or >= and a \
                 value: a time in us, ms or s, or a percentage. rps is that of the whole run, from its first \
                 call to the end of its last. A rule that ends in \" for POST open_session\" is for those calls \
                 alone. A rule that is missed fails the run, and stops it unless --no-threshold-abort or --worker \
                 is given. With --find-limit it breaks a rate instead."
            ))
        })
        .mut_arg("timeout", |arg| summarize(arg, "Request timeout in seconds [default: 10]"));
    for id in REFUSED.map(|(id, _)| id).into_iter().chain(HIDDEN) {
        command = command.mut_arg(id, |arg| arg.hide(true));
    }
    command
}

/// Another first line for the help of an option.
fn summarize(arg: Arg, summary: &str) -> Arg {
    let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
    let details = long.split_once('\n').map_or("", |(_, details)| details);
    arg.help(summary.to_owned()).long_help(format!("{summary}\n{details}"))
}

/// Fills in what was not given.
fn fill(goose: &mut GooseConfiguration, has_test_plan: bool, is_open: bool) {
    if !has_test_plan && !is_open {
        let users = *goose.users.get_or_insert(8);
        if goose.increase_rate.is_none() && goose.increase_time.is_none() {
            goose.increase_rate = Some(all_at_once(users));
        }
        if goose.iterations.is_none_or(|iterations| iterations == 0) {
            goose.run_time.get_or_insert_with(|| "10s".to_owned());
        }
    }
    if !has_test_plan && goose.iterations.is_none_or(|iterations| iterations == 0) {
        // What fails while users start has failed too.
        goose.no_reset_metrics = true;
    }
    if goose.verbose == 0 {
        goose.quiet = goose.quiet.max(1);
    }
    // The telnet controller is on by default and asks nobody who they are.
    let controlled = goose.no_autostart || goose.telnet_host.is_some() || goose.telnet_port.is_some();
    goose.no_telnet |= !controlled;
    // The typed client turns a status into a result; the report has them.
    goose.no_status_codes = true;
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
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn without_arguments_eight_users_start_at_once_and_run_for_ten_seconds() {
        let goose = parse(&[]).unwrap().goose;
        assert_eq!(goose.users, Some(8));
        assert_eq!(goose.increase_rate.as_deref(), Some("800"));
        assert_eq!(goose.run_time.as_deref(), Some("10s"));
        assert!(goose.no_telnet && goose.quiet == 1);
    }

    #[test]
    fn what_was_given_is_kept() {
        let goose = parse(&["-u", "3", "-s", "5s", "-t", "1m", "-vv"]).unwrap().goose;
        assert_eq!(goose.users, Some(3));
        assert_eq!((goose.increase_rate, goose.increase_time.as_deref()), (None, Some("5s")));
        assert_eq!(goose.run_time.as_deref(), Some("1m"));
        assert_eq!((goose.quiet, goose.verbose), (0, 2));
    }

    #[test]
    fn a_test_plan_and_iterations_get_no_default_that_they_exclude() {
        let goose = parse(&["--test-plan", "2,1s;0,1s"]).unwrap().goose;
        assert_eq!((goose.users, goose.increase_rate, goose.run_time), (None, None, None));
        assert!(!goose.no_reset_metrics);
        let goose = parse(&["--iterations", "5"]).unwrap().goose;
        assert_eq!(goose.run_time, None);
        assert!(!goose.no_reset_metrics);
    }

    #[test]
    fn options_without_effect_are_refused_and_not_shown() {
        for option in
            ["--no-metrics", "--no-gzip", "--accept-invalid-certs", "--sticky-follow", "--request-body"]
        {
            let error = parse(&[option]).unwrap_err().to_string();
            assert!(error.contains(&format!("{option} has no use here: ")), "{error}");
        }
        let help = command().render_help().to_string();
        assert!(!help.contains("--no-gzip") && help.contains("--dashboard"), "{help}");
    }
}
