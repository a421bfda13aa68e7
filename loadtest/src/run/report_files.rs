//! The report files of a run.

use crate::error::LoadTestError;
use crate::metrics::Results;
use crate::output::{DEFAULT_FILE, Report, ReportFormat};
use goose::config::{GooseConfiguration, RUN_FOLDER};
use std::fs;
use std::path::{Path, PathBuf};

/// The report files of a run.
#[derive(Debug)]
pub(super) struct ReportFiles {
    files: Vec<PathBuf>,
    /// The files that exist since the start of the run.
    announced: Vec<PathBuf>,
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
        Ok(Self { files, announced: Vec::new() })
    }

    /// Checks that all files can be written, and writes the JSON files, which then say that the run is in
    /// progress: after a kill they still name the test run. Other files are unchanged until the end of the
    /// run.
    pub(super) fn announce(&mut self, template: &Results) -> Result<(), LoadTestError> {
        let (json, others): (Vec<_>, Vec<_>) =
            self.files.iter().partition(|file| ReportFormat::of(file) == Ok(ReportFormat::Json));
        others.into_iter().try_for_each(|file| check_writable(file))?;
        let mut report = Report::evaluate(template.clone(), None);
        json.iter().try_for_each(|file| report.write(file))?;
        self.announced = json.into_iter().cloned().collect();
        Ok(())
    }

    /// Removes the files of a run that never started.
    pub(super) fn remove_announced(&self) {
        for file in &self.announced {
            let _ = fs::remove_file(file);
        }
    }

    /// Writes all files, and returns the errors.
    pub(super) fn write(&self, report: &mut Report) -> Vec<LoadTestError> {
        self.files.iter().filter_map(|file| report.write(file).err()).collect()
    }
}

fn check_writable(file: &Path) -> Result<(), LoadTestError> {
    let is_new = !file.exists();
    file.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::OpenOptions::new().create(true).append(true).open(file))
        .map_err(|error| LoadTestError::Report {
            path: file.to_owned(),
            reason: format!("cannot be written: {error}"),
        })?;
    if is_new {
        let _ = fs::remove_file(file);
    }
    Ok(())
}
