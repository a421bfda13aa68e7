//! The options of reports.

use super::Exit;
use crate::check::CheckReport;
use crate::comparison::Level;
use crate::environment::log;
use crate::output::{CiSystem, Outputs, ReportFile};
use clap::Args;
use std::env;
use std::path::{Path, PathBuf};

const REPORT_HELP: &str = "Write a report to a file, in the format of its name: `.json`, `.xml` (JUnit), `.md`, or \
                           `code-quality.json` (GitLab). Missing folders are created";

#[derive(Args, Debug)]
#[command(next_help_heading = "Reports")]
pub(super) struct OutputArgs {
    #[arg(long = "report", value_name = "FILE", help = REPORT_HELP)]
    reports: Vec<ReportFile>,

    /// Append the result to a file, as one line of JSON
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Version of the service, for a service whose status does not state one
    #[arg(long, value_name = "VERSION")]
    pub(super) service_version: Option<String>,

    /// CI system for which annotations are printed, by default the one that runs this program
    #[arg(long, value_name = "SYSTEM")]
    ci: Option<CiSystem>,
}

impl Outputs {
    /// Writes reports without a result: a pipeline must not read those of an earlier run.
    pub(super) fn could_not_run(&self, address: &str, fail_on: Level, reason: &str) -> Exit {
        log(&format!("error: {reason}"));
        let written = self.write(&CheckReport::not_run(address, fail_on, reason.to_owned()));
        for error in written.err().into_iter().flatten() {
            log(&format!("error: {error}"));
        }
        Exit::CouldNotRun
    }
}

impl OutputArgs {
    /// Returns the reports to write. `description` is the file that describes the deployment.
    pub(super) fn outputs(&self, description: Option<&Path>) -> Outputs {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let ci = self.ci.unwrap_or_else(|| CiSystem::detect(variable));
        let job_summary = variable("GITHUB_STEP_SUMMARY").filter(|_| ci == CiSystem::Github);
        Outputs {
            reports: self.reports.clone(),
            history: self.history.clone(),
            ci,
            job_summary: job_summary.map(PathBuf::from),
            description: description
                .map(Path::to_owned)
                .or_else(|| variable("SESSIONS_CONFIG").map(PathBuf::from)),
        }
    }
}
