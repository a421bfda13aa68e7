//! The command line: goose's own options, with defaults that suit this load, and three more.
//!
//! goose would take the same defaults through `GooseDefault`, but counts them as if they had been given and
//! then refuses `--test-plan` for standing beside `--users`. Here an option is filled in only where nothing
//! that was given stands against it. Options that would be without effect are refused rather than ignored:
//! a load test that did something else than it was told is worse than none.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, Command, CommandFactory, FromArgMatches, Parser};
use goose::config::GooseConfiguration;
use std::ffi::OsString;
use std::time::Duration;

const EXIT_CODES: &str = "\
Exit codes, of which the first that applies in the order 3, 2, 4, 1 is taken:
  0  all well
  1  a request failed, no session went through its whole life, a threshold was
     missed, or sessions stay behind
  2  what was read back is wrong
  3  could not run: options, the address, or a service that does not answer
  4  stopped by a signal (Ctrl-C or SIGTERM), after cleaning up

Examples:
  loadtest                                     the embedded service, for 10 seconds
  loadtest --host http://localhost:8080 -u 50 -t 2m --think-time 20
  loadtest --threshold 'p99<50ms for POST open_session' --report-file report.html";

/// Options of goose's HTTP client and metrics that cannot have their effect here, and why.
const REFUSED: [(&str, &str); 5] = [
    ("no_metrics", "without metrics there is nothing to judge"),
    ("no_gzip", "requests are made by the typed client, which asks for no compression"),
    ("sticky_follow", "requests are made by the typed client, which follows no redirect"),
    ("accept_invalid_certs", "trust the certificate of the service by the variable SSL_CERT_FILE instead"),
    ("request_body", "requests are made by the typed client, which hands no body to the log"),
];

/// Options that are not shown: their effect is there anyway, or they need a part of goose that is not built
/// in, which goose says when they are used.
const HIDDEN: [&str; 10] = [
    "no_reset_metrics",
    "no_status_codes",
    "no_percentiles_over_time",
    "dashboard",
    "dashboard_host",
    "dashboard_port",
    "dashboard_auth_token",
    "dashboard_control",
    "dashboard_no_auth",
    "dashboard_max_clients",
];

/// Loads the sessions service with whole sessions, and checks everything that it reads back.
///
/// Each user opens a session, stores data in it and reads it back, closes the session, deletes it, and starts
/// again with the next. Without --host a service inside this program is loaded.
#[derive(Debug, Parser)]
#[command(name = "loadtest", after_help = EXIT_CODES, args_override_self = true)]
pub struct Cli {
    /// What a user does.
    #[command(flatten)]
    pub lifecycle: Lifecycle,
    /// How goose runs it.
    #[command(flatten)]
    pub goose: GooseConfiguration,
}

/// What a user does with each session.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Session lifecycle")]
pub struct Lifecycle {
    /// Stores in each session, each read back
    ///
    /// How often data is stored in a session before it is closed. Every store is followed by a read, whose
    /// answer must be what was stored.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub stores: u32,
    /// Size of what is stored, in bytes
    ///
    /// How many bytes of text each store holds, beside the few that say whose they are.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub payload_bytes: usize,
    /// Pause between two calls of a user, in milliseconds
    ///
    /// How long a user thinks before each call but the first of a session. With 0 every user calls as fast as
    /// the service answers.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub think_time: u64,
}

impl Lifecycle {
    pub(crate) fn think_time(&self) -> Duration {
        Duration::from_millis(self.think_time)
    }
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
            let message = format!("--{} has no use here: {why}", id.replace('_', "-"));
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        let mut cli = <Self as FromArgMatches>::from_arg_matches(&matches)?;
        fill(&mut cli.goose, given("test_plan"));
        Ok(cli)
    }

    /// Whether goose is only asked to print or convert something.
    pub(crate) fn makes_no_load(&self) -> bool {
        let goose = &self.goose;
        goose.version || goose.list || goose.scenarios_list || goose.render_report.is_some()
    }
}

/// The options as they are shown: goose's with the defaults that hold here.
fn command() -> Command {
    let mut command = <Cli as CommandFactory>::command()
        .mut_arg("host", |arg| {
            let summary = "Service to load, such as http://localhost:8080 [default: an embedded one]";
            arg.help(summary).long_help(format!(
                "{summary}\n\n\
                 Scheme, host and port, and the path before /v1/sessions if there is one. The sessions of a \
                 run belong to users named loadtest-<run>-<number>; no others are touched, and none stay."
            ))
        })
        .mut_arg("users", |arg| {
            let summary = "Concurrent users [default: 8]";
            arg.help(summary).long_help(format!(
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
fn fill(goose: &mut GooseConfiguration, has_test_plan: bool) {
    if !has_test_plan {
        let users = *goose.users.get_or_insert(8);
        if goose.increase_rate.is_none() && goose.increase_time.is_none() {
            // All within ten milliseconds.
            goose.increase_rate = Some((users.max(1) * 100).to_string());
        }
        if goose.iterations.is_none_or(|iterations| iterations == 0) {
            goose.run_time.get_or_insert_with(|| "10s".to_owned());
            // What fails while users start has failed too.
            goose.no_reset_metrics = true;
        }
    }
    if goose.verbose == 0 {
        goose.quiet = goose.quiet.max(1);
    }
    // The telnet controller is on by default and asks nobody who they are.
    let controlled = goose.no_autostart || goose.telnet_host.is_some() || goose.telnet_port.is_some();
    goose.no_telnet |= !controlled;
    // The typed client turns a status into a result; a table of zeros would be left.
    goose.no_status_codes = true;
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
        assert!(!help.contains("--no-gzip") && !help.contains("--dashboard"), "{help}");
    }
}
