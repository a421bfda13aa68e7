//! The error of a command line or of a setting.

use crate::status;
use crate::thresholds::ExitCode;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::fmt;
use std::io::{Write as _, stderr};

/// The reason why a command cannot be executed as requested.
#[derive(Debug)]
pub(crate) enum ParseError {
    /// The command line is not valid, or it requests the help.
    CommandLine(clap::Error),
    /// A key of a file or a variable is not valid. The message is one line with its name.
    Setting(String),
}

impl ParseError {
    /// Prints the error, and returns the exit code of the program.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::CommandLine(error) => {
                let _ = error.print();
                // `--help` is not a usage error. clap's own exit code for usage errors (2) means wrong data here.
                if error.use_stderr() { ExitCode::CouldNotRun } else { ExitCode::Passed }
            }
            Self::Setting(message) => {
                let _ = writeln!(stderr(), "{}: {message}", status::program());
                ExitCode::CouldNotRun
            }
        }
    }
}

impl From<clap::Error> for ParseError {
    fn from(error: clap::Error) -> Self {
        Self::CommandLine(error)
    }
}

impl From<ParseError> for clap::Error {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::CommandLine(error) => error,
            ParseError::Setting(message) => Self::raw(ErrorKind::ValueValidation, message + "\n"),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(error) => error.fmt(f),
            Self::Setting(message) => f.write_str(message),
        }
    }
}

/// Returns the error for a command that comes after options, in place of clap's, which reports any argument in its
/// place as a command.
pub(super) fn explain_command_after_options(command: &mut Command, error: clap::Error) -> clap::Error {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if error.kind() == ErrorKind::ArgumentConflict => name,
        _ => return error,
    };
    if command.find_subcommand(name).is_none() {
        return command.error(ErrorKind::UnknownArgument, format!("unexpected argument '{name}' found"));
    }
    let program = status::program();
    let message = format!("the options of `{name}` come after it: write `{program} {name} [OPTIONS]`");
    command.error(ErrorKind::ArgumentConflict, message)
}
