//! A record as a file.

use super::{FORMAT, Record};
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a file is no record.
#[derive(Debug)]
pub struct Unreadable {
    path: PathBuf,
    why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unreadable {}

/// What every version of a record has.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Record {
    /// Reads what a run has written.
    ///
    /// # Errors
    ///
    /// When there is no such file, or when it is no record of this [`FORMAT`].
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let unreadable = |why| Unreadable { path: path.to_owned(), why };
        let text = std::fs::read(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(unreadable)
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        // The version first: where it differs, every other complaint would be about the wrong thing.
        let Versioned { format } = serde_json::from_slice(text).map_err(|error| {
            format!("is no record of a load test, as --report-file NAME.json writes it: {error}")
        })?;
        if format != FORMAT {
            return Err(format!(
                "is a record of format {format}, and this program reads format {FORMAT}; use the program \
                 that wrote it"
            ));
        }
        serde_json::from_slice(text).map_err(|error| format!("is a damaged record: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let record = sample::record(&sample::calls(1, 500, 3));
        let text = serde_json::to_vec(&record).unwrap();
        assert_eq!(Record::parse(&text), Ok(record));
    }

    #[track_caller]
    fn assert_refused(text: &str, start: &str) {
        let error = Record::parse(text.as_bytes()).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn what_is_no_record_is_told_by_how_far_it_is_from_one() {
        assert_refused("<html>", "is no record of a load test, as --report-file NAME.json writes it: ");
        assert_refused("{}", "is no record of a load test, as --report-file NAME.json writes it: ");
        assert_refused(r#"{"format": 7}"#, "is a record of format 7, and this program reads format 1; ");
        assert_refused(r#"{"format": 1}"#, "is a damaged record: missing field `run`");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Record::read(Path::new("nowhere/run.json")).unwrap_err().to_string();
        assert!(error.starts_with("nowhere/run.json: cannot be read: "), "{error}");
    }
}
