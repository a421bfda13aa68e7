//! Results as a file.

use super::{FORMAT, Results};
use crate::error::LoadTestError;
use serde::Deserialize;
use std::path::Path;
use wiretrait::is_displayed;

/// The key that all versions of the file have.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Results {
    /// Reads the JSON report of a run.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it does not contain results of this [`FORMAT`].
    pub fn read(path: &Path) -> Result<Self, LoadTestError> {
        let invalid = |reason| LoadTestError::ResultsFile { path: path.to_owned(), reason };
        let json = std::fs::read(path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
        // The parser may quote the file.
        Self::parse(&json).map_err(|reason| invalid(reason.replace(|char| !is_displayed(char), "\u{fffd}")))
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        if json.is_empty() {
            return Err("is empty".to_owned());
        }
        // The version first: with another one, any other complaint would be misleading.
        let Versioned { format } = serde_json::from_slice(json).map_err(|error| {
            format!(
                "does not contain results of a load test, as `--report-file NAME.json` writes them: {error}"
            )
        })?;
        if format != FORMAT {
            return Err(format!(
                "has results in format {format}, and this version reads format {FORMAT}; record the run again, or \
                 use the version that wrote it"
            ));
        }
        serde_json::from_slice(json).map_err(|error| format!("has damaged results: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    #[test]
    fn written_results_are_read_back_unchanged() {
        let results = sample::results(&sample::calls(1, 500, 3));
        let json = serde_json::to_vec(&results).unwrap();
        assert_eq!(Results::parse(&json), Ok(results));
    }

    #[track_caller]
    fn assert_rejected(json: &str, start: &str) {
        let error = Results::parse(json.as_bytes()).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn invalid_files_are_rejected_with_the_reason() {
        assert_rejected("", "is empty");
        assert_rejected("<html>", "does not contain results of a load test, as `--report-file NAME.json`");
        assert_rejected("{}", "does not contain results of a load test, as `--report-file NAME.json`");
        assert_rejected(r#"{"format": 1}"#, "has results in format 1, and this version reads format 3; ");
        assert_rejected(r#"{"format": 3}"#, "has damaged results: missing field `test_run_id`");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Results::read(Path::new("nowhere/run.json")).unwrap_err().to_string();
        assert!(error.starts_with("nowhere/run.json: cannot be read: "), "{error}");
    }

    #[test]
    fn the_error_for_a_damaged_file_is_one_line() {
        let mut json = serde_json::to_value(sample::results(&sample::calls(1, 500, 3))).unwrap();
        json["ending"]["kind"] = "a\u{1b}[31m\nb".into();
        let path = std::env::temp_dir().join(format!("loadtest-damaged-{}.json", std::process::id()));
        std::fs::write(&path, json.to_string()).unwrap();
        let error = Results::read(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains("unknown variant") && !error.contains(char::is_control), "{error:?}");
    }
}
