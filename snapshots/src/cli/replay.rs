//! The command `contract replay`.

use super::Exit;
use super::deviations::DeviationArgs;
use super::outputs::OutputArgs;
use crate::cassette::replay;
use crate::check::CheckOptions;
use crate::comparison::Level;
use crate::environment::log;
use crate::output::Outputs;
use chrono::Utc;
use clap::Args;
use std::path::PathBuf;

/// Check a recording of `contract check --record`, without a network
///
/// The client of this version sends its requests to the recording and reads the recorded responses, which are
/// compared with the snapshots of this version. The report is that of a check.
#[derive(Args, Debug)]
pub(super) struct ReplayCommand {
    /// The recording, in the format HAR 1.2
    file: PathBuf,

    /// File that describes the deployment, of which only the accepted deviations are used [env: `SESSIONS_CONFIG`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Lowest level of a difference that fails the check: harmless, uncertain or breaking
    #[arg(long, value_name = "LEVEL", default_value_t = Level::Breaking)]
    fail_on: Level,

    #[command(flatten)]
    deviations: DeviationArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl ReplayCommand {
    pub(super) async fn run(self) -> Exit {
        let outputs = self.output.outputs(self.config.as_deref());
        if let Err(error) = outputs.check_writable(Some(&self.file)) {
            log(&format!("error: {error}"));
            return Exit::CouldNotRun;
        }
        let (fail_on, address) = (self.fail_on, self.file.display().to_string());
        match self.try_run(&outputs).await {
            Ok(exit) => exit,
            Err(error) => outputs.could_not_run(&address, fail_on, &error.to_string()),
        }
    }

    async fn try_run(self, outputs: &Outputs) -> Result<Exit, Box<dyn std::error::Error>> {
        let today = Utc::now().date_naive();
        let deviations = self.deviations.load(self.config.as_deref(), today)?;
        let options = CheckOptions {
            fail_on: self.fail_on,
            deviations: deviations.all,
            fail_on_unused: self.deviations.fail_on_unused,
            today,
            ..CheckOptions::default()
        };
        let mut report = replay(&self.file, &options).await?;
        let mut is_complete = true;
        if let Some(acceptance) = &deviations.acceptance
            && let Err(error) = acceptance.accept(&mut report, today)
        {
            log(&format!("error: {error}"));
            is_complete = false;
        }
        if report.service.version.is_none() {
            report.service.version = self.output.service_version;
        }
        let written = outputs.write(&report);
        for error in written.as_ref().err().into_iter().flatten() {
            log(&format!("error: {error}"));
        }
        Ok(if report.passes() && is_complete && written.is_ok() { Exit::Passed } else { Exit::Failed })
    }
}
