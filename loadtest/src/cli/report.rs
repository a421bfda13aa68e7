//! The options of `loadtest report`.

use crate::thresholds::PassCriteriaOptions;
use clap::Args;
use std::path::PathBuf;

/// Make the reports of a run from its results
#[derive(Clone, Debug, Args)]
pub struct ReportOptions {
    /// Results of a run, such as loadtest-report.in-progress.json
    #[arg(value_name = "FILE.json")]
    pub results: PathBuf,
    /// Write the report to this file; repeatable [default: loadtest-report.html]
    ///
    /// The extension decides the format: .html for people, .md for a pull request, .xml for CI pipelines,
    /// .json for --baseline.
    #[arg(long, value_name = "FILE")]
    pub report_file: Vec<PathBuf>,
    /// Pass criteria other than those of the run.
    #[command(flatten)]
    pub criteria: PassCriteriaOptions,
}
