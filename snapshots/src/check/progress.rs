//! The progress of a run, on the standard error stream.

use crate::environment::log;
use contract_tests::suite::{OnProgress, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

/// The time between two lines, without a terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// The display of the progress, until it is dropped: a bar on a terminal, a line every few seconds otherwise.
pub(super) enum ProgressDisplay {
    Bar(ProgressBar),
    Lines { latest: Arc<Mutex<Progress>>, task: JoinHandle<()> },
}

impl ProgressDisplay {
    /// Starts the display for `total` cases, with at most `rate` requests in a second.
    pub(super) fn start(total: usize, rate: Option<f64>) -> Self {
        if stderr().is_terminal() {
            let length = u64::try_from(total).ok();
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {pos} of {len} cases, {msg}, {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(requests(0));
            bar.enable_steady_tick(Duration::from_millis(200));
            return Self::Bar(bar);
        }
        let latest = Arc::new(Mutex::new(Progress { total, ..Progress::default() }));
        let (current, started) = (latest.clone(), Instant::now());
        let pause = rate.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok()).unwrap_or_default();
        let task = tokio::spawn(async move {
            let mut ticks = interval_at(started + INTERVAL, INTERVAL);
            let mut silence = Silence { before: *lock(&current), since: started, pause };
            loop {
                ticks.tick().await;
                let progress = *lock(&current);
                log(&(line(progress, started.elapsed()) + &silence.note(progress, Instant::now())));
            }
        });
        Self::Lines { latest, task }
    }

    /// Returns a receiver of the progress.
    pub(super) fn receiver(&self) -> OnProgress {
        match self {
            Self::Bar(bar) => {
                let bar = bar.clone();
                OnProgress::new(move |progress| {
                    bar.set_message(requests(progress.requests));
                    bar.set_position(progress.ended as u64);
                })
            }
            Self::Lines { latest, .. } => {
                let latest = latest.clone();
                OnProgress::new(move |progress| *lock(&latest) = progress)
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

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time in which no request was sent and no case has ended.
struct Silence {
    before: Progress,
    since: Instant,
    /// The time between two requests that the rate requires.
    pause: Duration,
}

impl Silence {
    /// Returns the end of a line about the time without a change; empty if there was one since the line before, or if
    /// the rate allows no request yet.
    fn note(&mut self, progress: Progress, now: Instant) -> String {
        if progress != self.before {
            *self = Self { before: progress, since: now, ..*self };
            return String::new();
        }
        let silent = now - self.since;
        if silent <= self.pause {
            return String::new();
        }
        format!(", none for {} s: waiting for responses of the service", silent.as_secs())
    }
}

fn line(Progress { ended, total, requests: sent }: Progress, elapsed: Duration) -> String {
    format!("{ended} of {total} cases after {} s and {}", elapsed.as_secs(), requests(sent))
}

fn requests(sent: usize) -> String {
    if sent == 1 { "1 request".to_owned() } else { format!("{sent} requests") }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Progress, Silence, line};

    #[test]
    fn a_line_has_the_number_of_cases_and_the_time() {
        let progress = Progress { ended: 31, total: 85, requests: 120 };
        let expected = "31 of 85 cases after 5 s and 120 requests";
        assert_eq!(line(progress, Duration::from_millis(5400)), expected);
    }

    #[test]
    fn a_line_states_how_long_nothing_was_sent_and_no_case_has_ended() {
        let start = Instant::now();
        let mut silence = Silence { before: Progress::default(), since: start, pause: Duration::ZERO };
        let mut note = |ended, requests, seconds| {
            let progress = Progress { ended, total: 0, requests };
            silence.note(progress, start + Duration::from_secs(seconds))
        };
        assert_eq!(note(31, 90, 5), "");
        assert_eq!(note(31, 90, 10), ", none for 5 s: waiting for responses of the service");
        assert_eq!(note(31, 90, 15), ", none for 10 s: waiting for responses of the service");
        assert_eq!(note(32, 90, 20), "");
        assert_eq!(note(32, 91, 25), "", "one request each second: no case ends for minutes");
    }

    #[test]
    fn a_pause_that_the_rate_requires_is_not_one_of_the_service() {
        let start = Instant::now();
        let mut silence =
            Silence { before: Progress::default(), since: start, pause: Duration::from_secs(20) };
        let mut note = |seconds| silence.note(Progress::default(), start + Duration::from_secs(seconds));
        assert_eq!(note(5), "");
        assert_eq!(note(20), "");
        assert_eq!(note(25), ", none for 25 s: waiting for responses of the service");
    }
}
