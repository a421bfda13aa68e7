//! The error type of the load test.

use crate::thresholds::ExitCode;
use std::fmt;
use std::path::PathBuf;

/// The reason why a command could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadTestError {
    /// An option has an invalid value, or contradicts another one.
    Option(String),
    /// The service must not be loaded, cannot be reached, or is not a sessions service.
    Service(String),
    /// This process cannot make the load: open files, signals, the start time.
    LoadGenerator(String),
    /// goose rejected its configuration.
    Goose(String),
    /// The text is not a valid threshold.
    Threshold(String),
    /// The file does not contain results of a load test.
    ResultsFile {
        /// The file.
        path: PathBuf,
        /// The reason, worded to follow the name of the file.
        reason: String,
    },
    /// The results of several workers do not belong to one run.
    Merge(String),
    /// A report could not be rendered or written.
    Report {
        /// The file.
        path: PathBuf,
        /// The reason, worded to follow the name of the file.
        reason: String,
    },
    /// Cleaning up the sessions of an earlier run failed.
    Cleanup(String),
    /// A signal arrived before the load.
    Stopped(&'static str),
    /// A signal ended a command that makes no load.
    Interrupted(String),
}

impl LoadTestError {
    /// Replaces the message of an error about options.
    pub(crate) fn map(self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Option(message) => Self::Option(change(&message)),
            Self::Goose(message) => Self::Goose(change(&message)),
            Self::Threshold(message) => Self::Threshold(change(&message)),
            other => other,
        }
    }

    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Stopped(_) | Self::Interrupted(_) => ExitCode::Stopped,
            _ => ExitCode::CouldNotRun,
        }
    }
}

impl fmt::Display for LoadTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(message)
            | Self::Service(message)
            | Self::LoadGenerator(message)
            | Self::Goose(message)
            | Self::Threshold(message)
            | Self::Merge(message)
            | Self::Interrupted(message) => f.write_str(message),
            Self::ResultsFile { path, reason } | Self::Report { path, reason } => {
                write!(f, "{}: {reason}", path.display())
            }
            Self::Cleanup(message) => write!(f, "clean-up failed: {message}"),
            Self::Stopped(signal) => write!(f, "stopped by {signal} before the load"),
        }
    }
}

impl std::error::Error for LoadTestError {}
