//! The help of a program for another contract: with its name, its variables and its operations.

use super::command::{AFTER_HELP, describe, embedded_thresholds};
use super::conflicts::OF_SESSIONS;
use crate::status;
use crate::workload::Workload;
use clap::Command;
use clap::builder::StyledStr;

/// Adapts the command of the load test of the sessions service.
pub(super) fn adapt(command: Command, workload: &dyn Workload) -> Command {
    let contract = workload.contract();
    let (name, prefix) = (contract.name, contract.variable_prefix());
    let about = format!("Load test of the {name} service");
    let long_about = format!("{about}\n\nWithout --host, the address is that of --config or {prefix}_URL.");
    let exit_codes = AFTER_HELP.split("\n\n").next().unwrap_or_default();
    let operation = contract.routes.first().map_or("open_session", |route| route.name);
    let scenario = workload.names().first().copied().unwrap_or("browse");
    let embedded_thresholds = embedded_thresholds();
    let names = [
        (&*embedded_thresholds, String::new()),
        ("loadtest merge", format!("{} merge", status::program())),
        ("loadtest report", format!("{} report", status::program())),
        ("SESSIONS_", format!("{prefix}_")),
        ("for open_session", format!("for {operation}")),
        ("for scenario browse", format!("for scenario {scenario}")),
        (", such as the life of one session, not a single call", ", not a single call".to_owned()),
    ];
    let command = for_load(command, name)
        .about(about)
        .long_about(long_about)
        .after_help(exit_codes.to_owned())
        .mut_subcommand("cleanup", |cleanup| cleanup.hide(true))
        .mut_subcommand("compare", |compare| {
            let (about, details) = COMPARE;
            for_load(compare, name).about(about).long_about(format!("{about}\n\n{details}"))
        })
        .mut_subcommand("report", |report| {
            let (about, details) = REPORT;
            report.about(about).long_about(format!("{about}\n\n{details}"))
        })
        .mut_subcommand("doctor", |doctor| {
            let (about, details) = DOCTOR;
            doctor.about(about).long_about(format!("{about}\n\n{details}"))
        });
    let command = with_names(command, &names);
    let subcommands: Vec<_> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    subcommands
        .iter()
        .fold(command, |command, subcommand| command.mut_subcommand(subcommand, |it| with_names(it, &names)))
}

const COMPARE: (&str, &str) = (
    "Compare two services under the same load at the same time",
    "Each service has its own --users, or its own --rate. Both are loaded and checked at the same time, so that noise of \
     the machine or the network affects both. The percentiles of the service of --host are compared with those of \
     --against: the exit code is 1 if one is higher by more than --max-regression, and 5 if that may be chance.",
);

const REPORT: (&str, &str) = (
    "Make the reports of a run from its results, also if it was killed",
    "The results are the JSON report of a run. While a run goes on, they are written every 5 seconds: to its first JSON \
     report, or without one to a file such as loadtest-report.in-progress.json, which is removed when the run ends. After a crash \
     or a kill they have all but the last seconds. The reports then say so, and the exit code is 1.",
);

const DOCTOR: (&str, &str) = (
    "Check each step of connecting to the service, and report the first that fails",
    "The steps are configuration, name, connection, TLS, protocol and token. Of several addresses, others may serve while \
     one does not: the exit code is 3 if none works.",
);

/// Adapts the options of a load, which `compare` has as well.
fn for_load(command: Command, name: &str) -> Command {
    let command = OF_SESSIONS.iter().fold(command, |command, id| command.mut_arg(id, |arg| arg.hide(true)));
    command
        .mut_arg("host", |arg| {
            let summary = "Service to load, such as http://localhost:8080 [default: that of --config]";
            let details = format!(
                "Scheme, host and port, and the path before that of the {name} contract if there is one."
            );
            describe(arg, summary, &details)
        })
        .mut_arg("cleanup_timeout", |arg| {
            let summary =
                "Time that the teardown may take [default: 60s, or as long as the load if that is longer]";
            describe(arg, summary, "The run fails if it takes longer. It has no effect without a teardown.")
        })
        .mut_arg("data_file", |arg| {
            let summary =
                "File with rows for the scenarios: JSON lines (.jsonl) or CSV with a header row (.csv)";
            describe(arg, summary, "A scenario takes them with `next_row`. Up to 100 MB and 1,000,000 rows.")
        })
}

/// Replaces names in the help of all options.
fn with_names(command: Command, names: &[(&str, String)]) -> Command {
    let replaced =
        |text: &StyledStr| names.iter().fold(text.to_string(), |text, (from, to)| text.replace(from, to));
    command.mut_args(|arg| {
        let [help, long_help] = [arg.get_help(), arg.get_long_help()].map(|text| text.map(replaced));
        let arg = match help {
            Some(help) => arg.help(help),
            None => arg,
        };
        match long_help {
            Some(help) => arg.long_help(help),
            None => arg,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::command::command_of;
    use crate::builder::LoadTest;
    use crate::executors::user::{IterationResult, VirtualUser};

    async fn nothing(_: &mut VirtualUser<()>) -> IterationResult {
        Ok(())
    }

    #[test]
    fn the_help_of_a_program_for_another_contract_does_not_mention_sessions() {
        let shop = LoadTest::new("shop", &[], |_| ()).scenario("buy", nothing);
        let mut command = command_of(&shop);
        command.build();
        let mut helps = vec![command.render_long_help().to_string()];
        helps.extend(
            command
                .get_subcommands_mut()
                .filter(|command| !command.is_hide_set())
                .map(|command| command.render_long_help().to_string()),
        );
        for help in helps {
            for line in help.lines() {
                let words = line.to_lowercase();
                let is_of_sessions = words.contains("session") && !words.contains("open_session");
                assert!(!is_of_sessions && !words.contains("`loadtest "), "{line}");
            }
        }
    }
}
