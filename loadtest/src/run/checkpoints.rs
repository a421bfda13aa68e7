//! The results of a run in progress on disk, so that a crash or a kill loses only the last seconds.
//!
//! One file is replaced every few seconds by all results so far. Rejected alternative: appending to a log of
//! calls, because it grows with the run, and because writing it costs more than the calls.

use super::collect::in_progress;
use super::lifecycle::Services;
use crate::error::LoadTestError;
use crate::output::{Report, ReportFormat};
use crate::status;
use programs::files;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The time between two checkpoints: the most that a kill loses, apart from the time to write one.
const INTERVAL: Duration = Duration::from_secs(5);

/// The time between two checks for the start of the run.
const START_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The task that writes checkpoints.
#[derive(Debug)]
pub(super) struct Checkpoints {
    path: PathBuf,
    stop: watch::Sender<bool>,
    /// Returns whether a checkpoint was written.
    task: JoinHandle<bool>,
}

impl Checkpoints {
    /// Writes the results to a file when the run has started, and every few seconds from then on.
    pub(super) fn start(services: &Services, path: PathBuf) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(write_all(services.clone(), path.clone(), stopped));
        Self { path, stop, task }
    }

    /// Stops after the checkpoint that is being written, which must not replace the report of the whole run.
    /// Returns whether a checkpoint was written.
    pub(super) async fn stop(self) -> bool {
        let _ = self.stop.send(true);
        self.task.await.unwrap_or_default()
    }

    /// Stops, and removes the file: results of a run that made no call would block the merge of other workers.
    pub(super) async fn discard(self) {
        let path = self.path.clone();
        if self.stop().await {
            let _ = std::fs::remove_file(files::target(&path));
        }
    }
}

async fn write_all(services: Services, path: PathBuf, mut stopped: watch::Receiver<bool>) -> bool {
    let mut pause = START_POLL_INTERVAL;
    let (mut is_written, mut reported) = (false, None);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return is_written,
            () = sleep(pause) => (),
        }
        // Until then nothing is lost, and goose may still reject its configuration.
        if !services.first.shared.counters.has_started() {
            continue;
        }
        pause = INTERVAL;
        let (services, path) = (services.clone(), path.clone());
        match tokio::task::spawn_blocking(move || write(&services, &path)).await {
            Ok(Ok(())) => (is_written, reported) = (true, None),
            Ok(Err(error)) if reported.as_ref() != Some(&error) => {
                status::log(format_args!("{error}; if the run is killed, its results are lost"));
                reported = Some(error);
            }
            Ok(Err(_)) | Err(_) => (),
        }
    }
}

fn write(services: &Services, path: &Path) -> Result<(), LoadTestError> {
    let report = Report::evaluate(services.collect(in_progress), None);
    let failed = |reason| LoadTestError::Report { path: path.to_owned(), reason };
    let json = report.render(ReportFormat::Json).map_err(failed)?;
    files::replace(path, json.as_bytes()).map_err(|error| failed(format!("cannot be written: {error}")))
}
