//! The line that people watch while the run goes on.

use crate::executors::shared::Load;
use crate::format::{count, latency};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The pause between two states of the line.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// Shows the line on standard error until this is dropped, if that is a terminal.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

impl ProgressLine {
    pub(crate) fn show(load: &Arc<Load>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let (load, shown) = (Arc::clone(load), bar.clone());
        let task = tokio::spawn(async move {
            let start = Instant::now();
            while !shown.is_hidden() {
                tokio::time::sleep(REFRESH_INTERVAL).await;
                shown.set_message(message(&load, start.elapsed()));
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

fn message(load: &Load, elapsed: Duration) -> String {
    let second = load.recorder.last_second();
    let [failures, violations] = load.recorder.failures_and_violations();
    let p99 = latency(second.latency.percentile(99.0));
    format!(
        "{:>4} s  {} calls/s  p99 {p99}  {} failed  {} wrong",
        elapsed.as_secs(),
        count(second.latency.count()),
        count(failures),
        count(violations),
    )
}
