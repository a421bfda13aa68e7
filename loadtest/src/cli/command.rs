//! The command of the program, with help for goose's options.

use super::conflicts::{OF_GOOSE_OUTPUT, OF_OTHER_TOOLS, REJECTED};
use super::options::{MAX_USERS, at_most};
use super::{Cli, compare, other_contract};
use crate::scenarios::ScenarioWeights;
use crate::settings;
use crate::thresholds::EMBEDDED_THRESHOLDS;
use crate::workload::Workload;
use clap::{Arg, CommandFactory};

pub(super) const AFTER_HELP: &str = "\
Exit codes; if several apply, the first in the order 3, 2, 4, 1, 5:
  0  passed
  1  failed: error rate, outage, too few calls, no completed iteration, dropped iterations,
     a missed threshold, a regression, a lost worker, a failed clean-up, or an unwritten report
  2  wrong data: a response contradicts earlier writes
  3  could not run or measure: options, address, a service that does not respond, exhausted
     ports, files or memory of this machine, or another failure of the load generator
  4  stopped by a signal (SIGINT, SIGTERM or SIGHUP), after the clean-up; a second
     signal stops the clean-up as well, and the report is still written
  5  inconclusive: slower than the baseline or the other service, but possibly by chance,
     too few calls to compare, or a run that is too short for an iteration

Examples:
  loadtest                                     the embedded service, for 10 seconds
  loadtest --host http://localhost:8080 -u 50 -t 2m --think-time 20
  loadtest --host http://localhost:8080 --rate 50,100,200 --step 30s
  loadtest --breakpoint --threshold 'p99<20ms'
  loadtest --scenario lifecycle=3,browse=1,hot-session=1
  loadtest --threshold 'p99<50ms for open_session' --report-file report.html
  loadtest --config staging.yaml --header 'x-api-key: ${API_KEY}' --wait 60s
  loadtest init staging.yaml
  loadtest doctor --config staging.yaml
  loadtest compare --host http://localhost:8080 --against http://localhost:8081
  loadtest cleanup --test-run-id 0123456789ab --host http://localhost:8080
  loadtest merge worker-*.json
  loadtest report loadtest-report.in-progress.json";

/// goose's options that are always in effect.
const ALWAYS_ON: [&str; 4] =
    ["no_reset_metrics", "no_status_codes", "no_percentiles_over_time", "scenarios_list"];

/// goose's other options for its own output.
const GOOSE_REPORTS: [&str; 4] = ["output_dir", "compress", "render_report", "pdf_print_html"];

/// The help heading of goose's tables and reports.
pub(crate) const GOOSE_OUTPUT: &str = "Output of goose";

/// Returns the commented file with the settings of a load test.
pub(crate) fn settings_template(workload: &dyn Workload) -> String {
    settings::template(&command_of(workload), workload.contract())
}

/// The command of a load test, with the names of its scenarios.
pub(super) fn command_of(workload: &dyn Workload) -> clap::Command {
    let names = workload.names();
    let scenarios = workload.scenarios();
    let is_own = scenarios.iter().any(|scenario| scenario.built_in.is_none());
    let contract = *workload.contract();
    let describe_scenario = |arg: Arg| {
        let names = names.clone();
        let listed = names.join(", ");
        let arg = arg.value_parser(move |text: &str| ScenarioWeights::parse(text, &names));
        if is_own {
            let default = workload.default_weights();
            let summary = format!("Scenario, or several with weights [default: {default}]");
            describe(
                arg,
                &summary,
                &format!("The scenarios are {listed}. A weight follows the name: {listed}=3."),
            )
        } else {
            arg
        }
    };
    let command = command()
        .mut_arg("scenario", describe_scenario)
        .mut_subcommand("compare", |compare| compare.mut_arg("scenario", describe_scenario));
    if contract.is_sessions {
        return command;
    }
    other_contract::adapt(command, workload)
}

/// The command, with our help for some of goose's options.
pub(super) fn command() -> clap::Command {
    let command = <Cli as CommandFactory>::command()
        // It is rejected with the reason.
        .mut_subcommand("doctor", |doctor| doctor.mut_arg("wait", |arg| arg.hide(true)))
        .mut_subcommand("compare", |compare| {
            compare::hide_rejected(describe_options(compare.args(compare::faults()))).args_override_self(true)
        });
    describe_options(command)
}

/// Adds our help for some of goose's options.
fn describe_options(command: clap::Command) -> clap::Command {
    let mut command = command
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
            let details = "Each runs one iteration at a time. Conflicts with --test-plan, which sets the users.";
            let arg = arg.aliases(["vus", "concurrency"]).short_alias('c').value_parser(at_most(MAX_USERS));
            describe(arg, "Concurrent users [default: 8]", details)
        })
        .mut_arg("increase_rate", |arg| summarize(arg, "Users started per second [default: all at once]"))
        .mut_arg("run_time", |arg| {
            describe(
                arg.alias("duration").short_aliases(['d', 'z']),
                "Duration of the run after all users have started [default: 10s]",
                "A whole number of seconds, or hours, minutes and seconds in that order, such as 1h30m. Then \
                 no call starts, and --graceful-stop limits those in flight. Conflicts with --iterations and --test-plan.",
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
            let details =
                "A metric: pNN (p95, p99.9), avg, max, error-rate or rps. Then <, <=, > or >=, and a limit: a time in \
                 us, ms (the default) or s, or a percentage. rps counts from the start of the first call to the end of the \
                 load, without the graceful stop. \"for open_session\", \"for scenario browse\", \"for step 2\" or \
                 \"for rate 200\" at its end limits it to the calls of an operation, a scenario, a step of --rate, or the \
                 steps with a rate; without such calls it is rejected. A \
                 missed threshold fails the run, and aborts it unless --no-threshold-abort or --execution-segment is given: \
                 it is checked once a second after the warm-up, as soon as it is about 100 calls. A lower limit of rps \
                 never aborts, because the rate may still rise. \
                 With --breakpoint it fails a rate.";
            let details = format!("{details}{}", embedded_thresholds());
            describe(arg, "Threshold, such as p95<500ms; repeatable", &details)
        })
        .mut_arg("threshold_abort_delay", |arg| {
            describe(
                arg,
                "Time before thresholds can abort the run [default: 0]",
                "From the start of the last user, or from the end of the warm-up. It needs --threshold, and has no \
                 effect on the verdict at the end of the run.",
            )
        })
        .mut_arg("breakpoint", |arg| arg.alias("find-limit"))
        .mut_arg("pre_allocated_vus", |arg| arg.alias("max-vus"))
        .args(OF_OTHER_TOOLS.map(|(name, aliases, _)| {
            Arg::new(name).long(name).aliases(aliases).num_args(0..=1).hide(true)
        }))
        .mut_arg("timeout", |arg| summarize(arg, "Timeout of a request in seconds [default: 10]"))
        .mut_arg("version", |arg| {
            let summary = "Print the version of loadtest";
            arg.help(summary).long_help(summary)
        });
    for id in OF_GOOSE_OUTPUT.map(|(id, _)| id).into_iter().chain(GOOSE_REPORTS) {
        command = command.mut_arg(id, |arg| arg.help_heading(GOOSE_OUTPUT));
    }
    for id in REJECTED.map(|(id, _)| id).into_iter().chain(ALWAYS_ON) {
        command = command.mut_arg(id, |arg| arg.hide(true));
    }
    command
}

/// The sentence about the thresholds of the embedded service in the help of `--threshold`.
pub(super) fn embedded_thresholds() -> String {
    let thresholds = EMBEDDED_THRESHOLDS.join(" and ");
    format!(
        " Without --threshold, a run of the embedded service has {thresholds}, unless faults are injected."
    )
}

/// Replaces the help of an option.
pub(super) fn describe(arg: Arg, summary: &str, details: &str) -> Arg {
    arg.help(summary.to_owned()).long_help(format!("{summary}\n\n{details}"))
}

/// Replaces the first line of the help of an option.
fn summarize(arg: Arg, summary: &str) -> Arg {
    let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
    let details = long.split_once('\n').map_or("", |(_, details)| details);
    arg.help(summary.to_owned()).long_help(format!("{summary}\n{details}"))
}
