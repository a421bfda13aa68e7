//! The progress line that is shown on a terminal during a run.

use crate::executors::shared::SharedState;
use crate::format::{count, latency};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// Shows the progress line on standard error until it is dropped, if that is a terminal.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

impl ProgressLine {
    pub(crate) fn show(shared: &Arc<SharedState>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let (shared, shown) = (Arc::clone(shared), bar.clone());
        let task = tokio::spawn(async move {
            let start = Instant::now();
            while !shown.is_hidden() {
                tokio::time::sleep(REFRESH_INTERVAL).await;
                shown.set_message(message(&shared, start.elapsed()));
                shown.tick();
            }
        });
        Self { bar, task }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

fn message(shared: &SharedState, elapsed: Duration) -> String {
    let second = shared.recorder.last_second();
    let [failures, violations] = shared.recorder.failures_and_violations();
    format!(
        "{:>4} s  {} calls/s  p99 {}  {} failed  {} violations",
        elapsed.as_secs(),
        count(second.latency.count()),
        latency(second.latency.percentile(99.0)),
        count(failures),
        count(violations),
    )
}
