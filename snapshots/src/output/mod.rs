//! The reports of a check: on the console, as files, as annotations of a CI system, and in a history.
//!
//! Every report is made from a [`CheckReport`] only, and all of them have the same verdict, counts and causes.

mod ci;
mod code_quality;
mod console;
mod escape;
mod file;
mod json;
mod junit;
mod markdown;
mod summary;

pub(crate) use ci::CiSystem;
pub(crate) use escape::{printable_json, printable_line};
pub(crate) use summary::Verdict;

use crate::check::CheckReport;
use programs::files;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use summary::Summary;

/// A report file, in the format of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportFile {
    path: PathBuf,
    format: Format,
}

/// The format of a report file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// For programs.
    Json,
    /// For CI pipelines that show tests.
    Junit,
    /// For the page of a CI job, or a comment.
    Markdown,
    /// For merge requests of GitLab.
    CodeQuality,
}

impl std::str::FromStr for ReportFile {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let format = match name.rsplit_once('.') {
            Some((stem, "json")) if stem.replace(['-', '_', '.'], "").contains("codequality") => {
                Format::CodeQuality
            }
            Some((_, "json")) => Format::Json,
            Some((_, "xml")) => Format::Junit,
            Some((_, "md")) => Format::Markdown,
            _ => {
                let formats = ".json, .xml (JUnit), .md or code-quality.json (GitLab)";
                return Err(format!("the name of a report file must end in {formats}"));
            }
        };
        Ok(Self { path, format })
    }
}

/// The reports that a check makes.
#[derive(Clone, Debug)]
pub(crate) struct Outputs {
    /// Files that are replaced.
    pub(crate) reports: Vec<ReportFile>,
    /// A file to which each run appends one line of JSON.
    pub(crate) history: Option<PathBuf>,
    /// The CI system that reads the standard output.
    pub(crate) ci: CiSystem,
    /// A file to which the Markdown report is appended: that of GitHub for the summary of a job.
    pub(crate) job_summary: Option<PathBuf>,
    /// The file that describes the deployment. CI systems show differences there.
    pub(crate) description: Option<PathBuf>,
}

impl Outputs {
    /// Returns an error if a file cannot be written, so that a run is not in vain. `recording` is another file that
    /// the run writes.
    pub(crate) fn check_writable(&self, recording: Option<&Path>) -> Result<(), String> {
        let reports = self.reports.iter().map(|report| &*report.path);
        let mut files = BTreeSet::new();
        for path in reports.chain(self.history.as_deref()).chain(recording) {
            if !files.insert(file::resolved(path)) {
                return Err(format!("{} is given twice as a file to write", path.display()));
            }
        }
        for report in &self.reports {
            files::check_writable(&report.path).map_err(|error| unwritable(&report.path, &error))?;
        }
        match &self.history {
            Some(path) => file::check_appendable(path).map_err(|error| unwritable(path, &error)),
            None => Ok(()),
        }
    }

    /// Writes all files, then prints the report for a person.
    ///
    /// # Errors
    ///
    /// With a sentence for each file that could not be written. The others and the console have the report.
    pub(crate) fn write(&self, report: &CheckReport) -> Result<(), Vec<String>> {
        let summary = Summary::of(report);
        let (mut written, mut failed) = (Vec::new(), Vec::new());
        for file in &self.reports {
            match self.write_file(file, &summary) {
                Ok(()) => written.push(file.path.display().to_string()),
                Err(error) => failed.push(error),
            }
        }
        if let Some(path) = &self.history {
            let line = json::line(&summary).map_err(|error| unwritable(path, &error));
            let line =
                line.and_then(|line| file::append(path, &line).map_err(|error| unwritable(path, &error)));
            failed.extend(line.err());
        }
        if let Some(path) = &self.job_summary {
            let page = markdown::render(&summary) + "\n";
            failed.extend(file::append(path, &page).map_err(|error| unwritable(path, &error)).err());
        }
        let mut out = anstream::stdout();
        // A closed standard output does not change the result.
        let _ = write!(out, "{}", console::render(&summary, &written));
        let _ = write!(out, "{}", self.ci.annotations(&summary, self.shown_description().as_deref()));
        let _ = out.flush();
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }

    fn write_file(&self, file: &ReportFile, summary: &Summary<'_>) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| unwritable(&file.path, error);
        let contents = match file.format {
            Format::Json => json::render(summary).map_err(|error| failed(&error))?,
            Format::Junit => junit::render(summary).map_err(|error| failed(&error))?,
            Format::Markdown => markdown::render(summary),
            Format::CodeQuality => {
                let path = self.shown_description().unwrap_or_else(|| "contract".to_owned());
                code_quality::render(summary, &path).map_err(|error| failed(&error))?
            }
        };
        files::replace(&file.path, contents.as_bytes()).map_err(|error| failed(&error))
    }

    /// The path of the description as a forge expects it: relative to the root of the repository.
    fn shown_description(&self) -> Option<String> {
        let path = self.description.as_ref()?;
        let path = path.strip_prefix(".").unwrap_or(path);
        path.is_relative().then(|| path.display().to_string().replace('\\', "/"))
    }
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{} cannot be written: {error}", path.display())
}

#[cfg(test)]
mod tests;
