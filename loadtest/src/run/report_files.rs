//! The report files of a run, and the file that keeps its results while it goes on.

use crate::error::LoadTestError;
use crate::output::{DEFAULT_FILE, Report, ReportFormat};
use goose::config::{GooseConfiguration, RUN_FOLDER};
use programs::files;
use std::fs;
use std::path::{Path, PathBuf};

/// The extension of the results of a run in progress for which no JSON report was requested.
const IN_PROGRESS: &str = "in-progress.json";

/// The report files of a run.
#[derive(Debug)]
pub(super) struct ReportFiles {
    files: Vec<PathBuf>,
}

impl ReportFiles {
    /// Returns the files that were requested, or the default one.
    pub(super) fn new(goose: &GooseConfiguration) -> Result<Self, LoadTestError> {
        let named = goose.report_file.iter().map(|file| if file == RUN_FOLDER { DEFAULT_FILE } else { file });
        let mut files: Vec<_> = named.map(PathBuf::from).collect();
        if files.is_empty() {
            files.push(PathBuf::from(DEFAULT_FILE));
        }
        for file in &files {
            ReportFormat::of(file)
                .map_err(|error| LoadTestError::Option(format!("--report-file {error}")))?;
        }
        Ok(Self { files })
    }

    /// Checks that all files can be written. They are unchanged until the run has started.
    pub(super) fn check_writable(&self) -> Result<(), LoadTestError> {
        self.files.iter().try_for_each(|path| {
            files::check_writable(path).map_err(|error| LoadTestError::Report {
                path: path.clone(),
                reason: format!("cannot be written: {error}"),
            })
        })
    }

    /// The file with the results of a run in progress: the first JSON report, or one in the folder of the first report.
    pub(super) fn in_progress(&self) -> PathBuf {
        match self.files.iter().find(|file| is_json(file)) {
            Some(json) => json.clone(),
            None => self.files.first().map_or_else(PathBuf::new, |file| file.with_extension(IN_PROGRESS)),
        }
    }

    /// Writes all files. If one cannot be written, the results stay on disk for `loadtest report`.
    /// A checkpoint of this run is removed, but not one of another run.
    pub(super) fn write(&self, report: &mut Report, has_checkpoint: bool) {
        report.write_all(&self.files);
        let results = self.in_progress();
        if self.files.contains(&results) {
            return;
        }
        if report.unwritten.is_empty() {
            if has_checkpoint {
                let _ = fs::remove_file(results);
            }
        } else {
            // It is not a report that was asked for. Without room for it, the last checkpoint stays.
            let _ = report.write(&results);
        }
    }
}

fn is_json(file: &Path) -> bool {
    ReportFormat::of(file) == Ok(ReportFormat::Json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample;

    fn in_progress(files: &[&str]) -> PathBuf {
        ReportFiles { files: files.iter().map(PathBuf::from).collect() }.in_progress()
    }

    #[test]
    fn results_in_progress_are_in_the_json_report_or_next_to_the_first() {
        assert_eq!(in_progress(&["a.html", "b.json", "c.json"]), Path::new("b.json"));
        assert_eq!(in_progress(&["reports/a.html", "b.md"]), Path::new("reports/a.in-progress.json"));
    }

    #[test]
    fn only_a_checkpoint_of_the_same_run_is_removed() {
        let folder = std::env::temp_dir().join(format!("loadtest-report-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = ReportFiles { files: vec![folder.join("run.html")] };
        fs::write(files.in_progress(), "of a run").unwrap();
        let mut report = Report::evaluate(sample::results(&sample::calls(1, 10, 1)), None);
        files.write(&mut report, false);
        assert!(files.in_progress().exists());
        files.write(&mut report, true);
        assert!(!files.in_progress().exists() && folder.join("run.html").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
