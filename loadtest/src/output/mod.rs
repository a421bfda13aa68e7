//! A run as people and pipelines want to read it.
//!
//! Every form is made of a record and its verdict alone, so that a merged run, or one of last month, reads like
//! one that has just ended. goose's HTML report was refused as the page for people: it loads its charts from
//! another host, so that it is empty where there is no network, shows averages, and knows no verdict.

mod console;
mod html;
mod json;
mod junit;
mod markdown;
mod messages;
pub(crate) mod progress;
mod summary;

use crate::metrics::Record;
use crate::thresholds::{Baseline, Exit, Verdict, judge};
use std::fmt;
use std::path::Path;

/// Where the report is written when nothing else was said.
pub const DEFAULT_FILE: &str = "loadtest-report.html";

/// A run and what it has come to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was observed.
    pub record: Record,
    /// What that means.
    pub verdict: Verdict,
    /// The files that it was written to, for the console.
    pub files: Vec<String>,
}

/// A form of a report as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: one file that needs no network.
    Html,
    /// For a pull request.
    Markdown,
    /// For programs, the merge, and as a baseline.
    Json,
    /// For pipelines.
    Junit,
}

/// Why a report cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotWrite(String);

impl fmt::Display for CannotWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotWrite {}

impl Format {
    /// The form that a file is to have, by the end of its name.
    ///
    /// # Errors
    ///
    /// When no form goes with that end.
    pub fn of(path: &Path) -> Result<Self, CannotWrite> {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        match end.to_ascii_lowercase().as_str() {
            "html" | "htm" => Ok(Self::Html),
            "md" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            "xml" => Ok(Self::Junit),
            _ => Err(CannotWrite(format!(
                "{}: a report file ends in .html, .md, .json or .xml (JUnit)",
                path.display()
            ))),
        }
    }
}

impl Report {
    /// Judges a record.
    #[must_use]
    pub fn new(record: Record, baseline: Option<&Baseline>) -> Self {
        let verdict = judge(&record, baseline);
        Self { record, verdict, files: Vec::new() }
    }

    /// How the process is to end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.verdict.exit
    }

    /// The text of the report in a form.
    ///
    /// # Errors
    ///
    /// When the form has no way to write a part of it.
    pub fn render(&self, format: Format) -> Result<String, CannotWrite> {
        match format {
            Format::Html => Ok(html::page(self)),
            Format::Markdown => Ok(markdown::page(self)),
            Format::Json => json::text(self),
            Format::Junit => junit::text(self),
        }
    }

    /// Writes a file in the form that its name ends in, and keeps its name for the console.
    ///
    /// The file is there as a whole or not at all: another program may be waiting for it.
    ///
    /// # Errors
    ///
    /// When the name goes with no form, or the file cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<(), CannotWrite> {
        let text = self.render(Format::of(path)?)?;
        let cannot = |error| CannotWrite(format!("{}: cannot be written: {error}", path.display()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        std::fs::write(&unfinished, text).map_err(cannot)?;
        std::fs::rename(&unfinished, path).map_err(cannot)?;
        self.files.push(path.display().to_string());
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        console::print(self, f)
    }
}

#[cfg(test)]
mod tests;
