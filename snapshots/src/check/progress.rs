//! The progress of a run, on the standard error stream.

use crate::environment::log;
use contract_tests::suite::{OnProgress, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

/// The time between two lines, without a terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// The display of the progress, until it is dropped: a bar on a terminal, a line every few seconds otherwise.
pub(super) enum ProgressDisplay {
    Bar(ProgressBar),
    Lines { ended: Arc<AtomicUsize>, task: JoinHandle<()> },
}

impl ProgressDisplay {
    /// Starts the display for `total` cases.
    pub(super) fn start(total: usize) -> Self {
        if stderr().is_terminal() {
            let length = u64::try_from(total).ok();
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {pos} of {len} cases, {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            return Self::Bar(bar);
        }
        let ended = Arc::<AtomicUsize>::default();
        let (count, started) = (ended.clone(), Instant::now());
        let task = tokio::spawn(async move {
            let mut ticks = interval_at(started + INTERVAL, INTERVAL);
            let mut silence = Silence { ended: 0, since: started };
            loop {
                ticks.tick().await;
                let progress = Progress { ended: count.load(Ordering::Relaxed), total };
                log(&(line(progress, started.elapsed()) + &silence.note(progress.ended, Instant::now())));
            }
        });
        Self::Lines { ended, task }
    }

    /// Returns a receiver of the progress.
    pub(super) fn receiver(&self) -> OnProgress {
        match self {
            Self::Bar(bar) => {
                let bar = bar.clone();
                OnProgress::new(move |progress| bar.set_position(progress.ended as u64))
            }
            Self::Lines { ended, .. } => {
                let ended = ended.clone();
                OnProgress::new(move |progress| ended.store(progress.ended, Ordering::Relaxed))
            }
        }
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines { task, .. } => task.abort(),
        }
    }
}

/// The time in which no case has ended.
struct Silence {
    ended: usize,
    since: Instant,
}

impl Silence {
    /// Returns the end of a line about the time without an ended case; empty if there was one since the line before.
    fn note(&mut self, ended: usize, now: Instant) -> String {
        if ended != self.ended {
            *self = Self { ended, since: now };
            return String::new();
        }
        let seconds = (now - self.since).as_secs();
        format!(", none for {seconds} s: waiting for responses of the service")
    }
}

fn line(Progress { ended, total }: Progress, elapsed: Duration) -> String {
    format!("{ended} of {total} cases after {} s", elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Progress, Silence, line};

    #[test]
    fn a_line_has_the_number_of_cases_and_the_time() {
        let progress = Progress { ended: 31, total: 85 };
        assert_eq!(line(progress, Duration::from_millis(5400)), "31 of 85 cases after 5 s");
    }

    #[test]
    fn a_line_states_how_long_no_case_has_ended() {
        let start = Instant::now();
        let mut silence = Silence { ended: 0, since: start };
        let mut note = |ended, seconds| silence.note(ended, start + Duration::from_secs(seconds));
        assert_eq!(note(31, 5), "");
        assert_eq!(note(31, 10), ", none for 5 s: waiting for responses of the service");
        assert_eq!(note(31, 15), ", none for 10 s: waiting for responses of the service");
        assert_eq!(note(32, 20), "");
    }
}
