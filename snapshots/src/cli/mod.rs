//! The command line of the program `contract`.

mod check;
mod cleanup;
mod deviations;
mod diff;
mod list;
mod mock;
mod outputs;
mod pace;
mod replay;
mod selection;
mod service;

use crate::log;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Check sessions services against the contract
#[derive(Debug, Parser)]
#[command(name = "contract", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<check::CheckCommand>),
    Cleanup(cleanup::CleanupCommand),
    Diff(diff::DiffCommand),
    List(list::ListCommand),
    Mock(mock::MockCommand),
    Replay(replay::ReplayCommand),
}

const AFTER_HELP: &str = "Exit codes:
  0  the service satisfies the contract
  1  a difference, an expired deviation, sessions left behind, an incomplete run, or a report that cannot be written
  3  the check could not run: an invalid option, or a service that does not respond
  4  stopped by a signal; a second one ends the program at once, with 128 and its number";

/// The exit code of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Passed = 0,
    Failed = 1,
    CouldNotRun = 3,
    Stopped = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            log(&format!("the check cannot run: the runtime cannot start: {error}"));
            return Exit::CouldNotRun.into();
        }
    };
    let exit = runtime.block_on(run());
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    exit
}

async fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stream must not hide the exit code.
            let _ = error.print();
            return if error.use_stderr() { Exit::CouldNotRun } else { Exit::Passed }.into();
        }
    };
    let exit = match cli.command {
        Command::Check(command) => command.run().await,
        Command::Cleanup(command) => command.run().await,
        Command::Diff(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Mock(command) => command.run().await,
        Command::Replay(command) => command.run().await,
    };
    exit.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_help_begins_with_an_imperative_and_has_no_full_stop() {
        let root = Cli::command();
        for command in root.get_subcommands().chain([&root]) {
            let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
            let first = about.lines().next().unwrap();
            let verb = first.split(' ').next().unwrap();
            assert!(!first.ends_with('.') && !verb.ends_with('s'), "{first}");
            for option in command.get_arguments() {
                let help = option.get_long_help().or(option.get_help()).unwrap().to_string();
                assert!(!help.lines().next().unwrap().ends_with('.'), "{help}");
            }
        }
    }
}
