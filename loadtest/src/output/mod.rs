//! Reports of a run: on the console, and as HTML, Markdown, `JUnit` XML and JSON.
//!
//! Every report is made of results and their verdict only, so that merged results and those of an earlier run
//! are shown like those of a run that has just ended.
//!
//! Rejected alternative: goose's HTML report as the page for people, because it loads its charts from another
//! host, so that it is empty without a network, and because it has no verdict.

mod console;
pub(crate) mod criteria;
mod html;
mod json;
mod junit;
mod markdown;
mod messages;
pub(crate) mod progress;
mod summary;

use crate::error::LoadTestError;
use crate::metrics::Results;
use crate::thresholds::{Baseline, ExitCode, Verdict, evaluate};
use programs::files;
use std::fmt;
use std::path::{Path, PathBuf};
use wiretrait::is_displayed;

/// The file of the report if no option names another one.
pub const DEFAULT_FILE: &str = "loadtest-report.html";

/// The results of a run with their verdict.
#[derive(Clone, Debug)]
pub struct Report {
    /// The results.
    pub results: Results,
    /// The verdict on them.
    pub verdict: Verdict,
    /// The files that the report was written to, for the console.
    pub files: Vec<String>,
    /// The files that could not be written: without them, a run that passed fails.
    pub unwritten: Vec<LoadTestError>,
    /// The results as a line of JSON, which is printed before the report if it was requested.
    pub(crate) json_line: Option<String>,
}

/// The format of a report file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// For people: one file that needs no network.
    Html,
    /// For a pull request.
    Markdown,
    /// For programs, for `loadtest merge`, and as a baseline.
    Json,
    /// `JUnit` XML, for CI pipelines.
    Junit,
}

impl ReportFormat {
    /// Returns the format that belongs to the extension of a file.
    ///
    /// # Errors
    ///
    /// When no format has that extension.
    pub fn of(path: &Path) -> Result<Self, LoadTestError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => Ok(Self::Html),
            "md" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            "xml" => Ok(Self::Junit),
            _ => Err(LoadTestError::Report {
                path: path.to_owned(),
                reason: "a report file must end in .html, .md, .json or .xml (JUnit)".to_owned(),
            }),
        }
    }
}

impl Report {
    /// Evaluates the pass criteria, and returns a report with the verdict.
    #[must_use]
    pub fn evaluate(results: Results, baseline: Option<&Baseline>) -> Self {
        let verdict = evaluate(&results, baseline);
        Self { results, verdict, files: Vec::new(), unwritten: Vec::new(), json_line: None }
    }

    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.verdict.exit_code
    }

    /// Writes all files. If some cannot be written, the verdict and the other files say so.
    pub(crate) fn write_all(&mut self, paths: &[PathBuf]) {
        let mut written = Vec::new();
        for path in paths {
            match self.write(path) {
                Ok(()) => written.push(path),
                Err(error) => self.unwritten(error),
            }
        }
        if !self.unwritten.is_empty() {
            self.files.clear();
            for path in written {
                // It could be written a moment ago. If not, the file has the verdict before this failure.
                let _ = self.write(path);
            }
        }
    }

    /// Fails the verdict, because a report could not be written.
    pub(crate) fn unwritten(&mut self, error: LoadTestError) {
        self.verdict.fail_unwritten(error.to_string());
        self.unwritten.push(error);
    }

    /// Renders the report.
    ///
    /// # Errors
    ///
    /// With a message when the format cannot represent a part of it.
    pub fn render(&self, format: ReportFormat) -> Result<String, String> {
        match format {
            ReportFormat::Html => Ok(displayed(&html::render(self))),
            ReportFormat::Markdown => Ok(displayed(&markdown::render(self))),
            ReportFormat::Json => json::render(self),
            ReportFormat::Junit => junit::render(self).map(|report| displayed(&report)),
        }
    }

    /// Writes a file in the format of its extension, and adds it to [`files`](Self::files).
    ///
    /// The file is replaced atomically, if the system allows it: another program may be waiting for it.
    ///
    /// # Errors
    ///
    /// When no format has that extension, or the file cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<(), LoadTestError> {
        let failed = |reason| LoadTestError::Report { path: path.to_owned(), reason };
        let rendered = self.render(ReportFormat::of(path)?).map_err(failed)?;
        files::replace(path, rendered.as_bytes())
            .map_err(|error| failed(format!("cannot be written: {error}")))?;
        self.files.push(path.display().to_string());
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = &self.json_line {
            f.write_str(line)?;
        }
        console::print(self, f)
    }
}

/// Replaces characters that are not displayed as themselves, which a service could use to steer a terminal or to
/// reverse the text after them. Lines stay.
fn displayed(report: &str) -> String {
    report.replace(|char| char != '\n' && !is_displayed(char), "\u{fffd}")
}

#[cfg(test)]
mod tests;
