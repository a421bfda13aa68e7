//! A recording that is read again.

use contract_tests::objects::BYTE_ORDER_MARK;
use contract_tests::suite::{Case, RunOptions};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};
use wiretrait::test_kit::Cassette;

/// The run of a check that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRun {
    /// The prefix of its users, see [`RunOptions::user`].
    pub user: String,
    /// `true` if it had the service to itself.
    pub may_close_expired: bool,
    /// The names of its cases.
    pub cases: Vec<String>,
}

/// The end of the run of a check that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEnd {
    /// The names of the cases that it reached.
    pub cases: Vec<String>,
    /// The reason why it ended early, if it did, as a sentence.
    pub aborted: Option<String>,
}

impl RecordedRun {
    /// Describes a run of these cases.
    #[must_use]
    pub fn new(options: &RunOptions, cases: &[Case]) -> Self {
        let cases = cases.iter().map(Case::name).collect();
        Self { user: options.user.clone(), may_close_expired: options.is_exclusive, cases }
    }
}

/// The content of a HAR file.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The exchanges.
    pub cassette: Cassette,
    /// The run of a check; `None` if another program recorded the file.
    pub run: Option<RecordedRun>,
    /// The end of the run; `None` if the process ended before.
    pub end: Option<RecordedEnd>,
}

/// The reason why a recording cannot be used.
#[derive(Debug)]
pub enum RecordingError {
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The content is not a HAR file.
    Invalid(PathBuf, sessions_client::Error),
    /// The file was not recorded by a check.
    Foreign(PathBuf),
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Invalid(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Foreign(path) => write!(
                f,
                "{} was not recorded by `contract check --record`, so it has no cases to compare: use `contract mock` \
                 to serve it",
                path.display()
            ),
        }
    }
}

impl std::error::Error for RecordingError {}

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(rename = "_run")]
    run: Option<RecordedRun>,
    #[serde(rename = "_end")]
    end: Option<RecordedEnd>,
}

impl Recorded {
    /// Reads a HAR file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is truncated, or is not a HAR file.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let har = fs::read(path).map_err(|error| RecordingError::Unreadable(path.to_owned(), error))?;
        let cassette =
            Cassette::from_har(&har).map_err(|error| RecordingError::Invalid(path.to_owned(), error))?;
        // Other programs may use the same custom field for something else.
        let json = har.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&har);
        let log = serde_json::from_slice(json).map(|File { log }| log);
        let Log { run, end } = log.unwrap_or(Log { run: None, end: None });
        Ok(Self { cassette, run, end })
    }
}
