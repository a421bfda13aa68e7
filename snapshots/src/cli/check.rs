//! The command `contract check`.

use super::Exit;
use super::deviations::DeviationArgs;
use super::outputs::OutputArgs;
use super::pace::PaceArgs;
use super::selection::{LastCheckArgs, SelectionArgs};
use super::service::ServiceArgs;
use crate::check::{
    CheckError, CheckOptions, CheckReport, CheckedService, LastCheck, Selection, check, results_folder,
    service_address, warn_about_tls,
};
use crate::comparison::Level;
use crate::environment::log;
use crate::output::{Outputs, Verdict};
use chrono::Utc;
use clap::Args;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Send every case of the contract to a service, and compare its responses with those of the real one
///
/// Opens sessions of dedicated users and deletes them, also after Ctrl-C. Sessions of others are not touched.
#[derive(Args, Debug)]
pub(super) struct CheckCommand {
    #[command(flatten)]
    service: ServiceArgs,

    /// Lowest level of a difference that fails the check: harmless, uncertain or breaking
    #[arg(long, value_name = "LEVEL", default_value_t = Level::Breaking)]
    fail_on: Level,

    /// Time to wait until the service responds, such as `60s`
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    wait: Option<Duration>,

    /// Also send the requests that close expired sessions of all users
    #[arg(long)]
    close_expired: bool,

    #[command(flatten)]
    selection: SelectionArgs,

    #[command(flatten)]
    last_check: LastCheckArgs,

    #[command(flatten)]
    pace: PaceArgs,

    #[command(flatten)]
    deviations: DeviationArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    record: RecordArgs,
}

/// Options of a recording.
#[derive(Args, Debug)]
struct RecordArgs {
    /// File for the traffic, in the format HAR 1.2, without credentials: see `contract replay` and `contract mock`
    #[arg(long, value_name = "FILE.har")]
    record: Option<PathBuf>,
}

impl CheckCommand {
    pub(super) async fn run(self) -> Exit {
        let outputs = self.output.outputs(self.service.config());
        if let Err(error) = outputs.check_writable(self.record.record.as_deref()) {
            log(&format!("error: {error}"));
            return Exit::CouldNotRun;
        }
        let fail_on = self.fail_on;
        match self.try_run(&outputs).await {
            Ok(exit) => exit,
            Err(error) => outputs.could_not_run("the service", fail_on, &error.to_string()),
        }
    }

    async fn try_run(self, outputs: &Outputs) -> Result<Exit, Box<dyn std::error::Error>> {
        let config = self.service.params()?.build()?;
        warn_about_tls(&config);
        let today = Utc::now().date_naive();
        let deviations = self.deviations.load(self.service.config(), today)?;
        let address = service_address(&config)?;
        let names = self.last_check.names(&address)?;
        let options = CheckOptions {
            selection: Selection { names, ..self.selection.selection() },
            jobs: self.pace.jobs.get(),
            rate: self.pace.rate,
            fail_on: self.fail_on,
            may_close_expired: self.close_expired,
            wait: self.wait,
            deviations: deviations.all,
            fail_on_unused: self.deviations.fail_on_unused,
            today,
            record: self.record.record,
        };
        let target = self.service.words();
        let (started, clock) = (Utc::now(), Instant::now());
        let mut report = match check(&config, &options).await {
            Ok(report) => report,
            Err(error @ (CheckError::Refused(..) | CheckError::Stopped(_))) => {
                let service = CheckedService { address, ..CheckedService::default() };
                let (duration, refused) = (clock.elapsed(), Some(error.to_string()));
                let is_stopped = matches!(error, CheckError::Stopped(_));
                let report = CheckReport::new(service, started, self.fail_on);
                CheckReport { duration, is_stopped, refused, ..report }
            }
            Err(error) => return Ok(outputs.could_not_run(&address, self.fail_on, &error.to_string())),
        };
        let mut is_complete = true;
        if let Some(acceptance) = &deviations.acceptance
            && report.refused.is_none()
            && let Err(error) = acceptance.accept(&mut report, today)
        {
            log(&format!("error: {error}"));
            is_complete = false;
        }
        report.target = Some(target);
        if report.service.version.is_none() {
            report.service.version = self.output.service_version;
        }
        if report.refused.is_none() {
            save_result(&report);
        }
        let written = outputs.write(&report);
        for error in written.as_ref().err().into_iter().flatten() {
            log(&format!("error: {error}"));
        }
        Ok(match Verdict::of(&report) {
            Verdict::NotRun if report.is_stopped => Exit::Stopped,
            Verdict::Stopped => Exit::Stopped,
            Verdict::NotRun => Exit::CouldNotRun,
            Verdict::Passed if is_complete && written.is_ok() => Exit::Passed,
            Verdict::Passed | Verdict::Failed => Exit::Failed,
        })
    }
}

/// Saves the result for `--last-failed` and `--level`. A failure does not change the outcome of the check.
fn save_result(report: &CheckReport) {
    let (folder, address) = (results_folder(), &report.service.address);
    let mut last = match LastCheck::read(&folder, address) {
        // A whole check replaces the earlier ones.
        Ok(Some(last)) if report.unselected > 0 => last,
        _ => LastCheck::default(),
    };
    last.add(report);
    if let Err(error) = last.write(&folder, address) {
        log(&format!(
            "warning: the result for --last-failed cannot be saved in {}: {error}",
            folder.display()
        ));
    }
}
