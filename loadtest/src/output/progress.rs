//! The live view of a run on standard error: some lines on a terminal, otherwise a line every few seconds.
//!
//! It reads counters and the histograms of a second, twice a second, so that it costs a run nothing that can be
//! measured.

use crate::executors::arrivals::ArrivalQueue;
use crate::executors::shared::SharedState;
use crate::format::{count, counted, latency, rate};
use crate::metrics::{CallMetrics, RateStep};
use crate::status;
use chrono::Utc;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// Without a terminal, the time until the first line, so that short runs have none, and between two lines.
const FIRST_LINE: Duration = Duration::from_secs(10);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The number of seconds that rate and percentiles are of.
const WINDOW: usize = 5;

/// The characters of the bar.
const BAR: usize = 24;

/// A live view on standard error, if that is a terminal, until it is dropped.
#[derive(Debug)]
pub(crate) struct LiveView {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

/// The parts of a run whose progress is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    pub(crate) warm_up: Duration,
    /// The duration without the warm-up; `None` if it is not known.
    pub(crate) duration: Option<Duration>,
    /// The steps of the rate.
    pub(crate) steps: Vec<RateStep>,
}

impl LiveView {
    /// Shows the progress of the load. Without a terminal, it prints a line every few seconds.
    pub(crate) fn of_load(shared: &Arc<SharedState>, planned: Planned) -> Self {
        let shared = Arc::clone(shared);
        let mut window = Window::default();
        let mut next_line = FIRST_LINE;
        Self::refresh(move |is_terminal| {
            window.add(&shared);
            let progress = Progress::of(&shared, &planned, &window);
            if is_terminal {
                return progress.lines();
            }
            if progress.elapsed.is_some_and(|elapsed| elapsed >= next_line)
                && shared.stop.ended_at().is_none()
            {
                status::log(progress.line());
                next_line = progress.elapsed.unwrap_or_default() + LINE_INTERVAL;
            }
            String::new()
        })
    }

    /// Shows a message that changes.
    pub(crate) fn show(message: impl Fn() -> String + Send + 'static) -> Self {
        Self::refresh(move |is_terminal| if is_terminal { message() } else { String::new() })
    }

    fn refresh(mut message: impl FnMut(bool) -> String + Send + 'static) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        status::set_live_view(Some(bar.clone()));
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            let mut interval = tokio::time::interval(REFRESH_INTERVAL);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                interval.tick().await;
                let is_terminal = !shown.is_hidden();
                let message = message(is_terminal);
                if is_terminal {
                    shown.set_message(message);
                    shown.tick();
                }
            }
        });
        Self { bar, task }
    }

    /// Returns whether standard error is a terminal.
    pub(crate) fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.task.abort();
        status::set_live_view(None);
        self.bar.finish_and_clear();
    }
}

/// The calls of the last seconds.
#[derive(Debug, Default)]
struct Window {
    /// The last seconds with their calls.
    seconds: VecDeque<(u64, CallMetrics)>,
    /// The number of all calls at some moments, the latest at the back.
    calls: VecDeque<(Instant, u64)>,
}

impl Window {
    fn add(&mut self, shared: &SharedState) {
        let now = Instant::now();
        let (second, calls) = shared.recorder.last_second(now);
        self.add_second(second, calls);
        self.add_calls(now, shared.recorder.calls());
    }

    fn add_second(&mut self, second: u64, calls: CallMetrics) {
        // Calls that ended in a second may be recorded a little later.
        self.seconds.retain(|(known, _)| *known != second && known + WINDOW as u64 > second);
        self.seconds.push_back((second, calls));
    }

    fn add_calls(&mut self, now: Instant, calls: u64) {
        self.calls.push_back((now, calls));
        let oldest = Duration::from_secs(WINDOW as u64);
        while self.calls.len() > 2 && now.saturating_duration_since(self.calls[1].0) >= oldest {
            self.calls.pop_front();
        }
    }

    /// The calls per second.
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with few digits")]
    fn rate(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.calls.front()?, self.calls.back()?);
        let seconds = to.saturating_duration_since(*from).as_secs_f64();
        (seconds > 0.0).then(|| after.saturating_sub(*before) as f64 / seconds)
    }

    fn percentiles(&self) -> [Option<u64>; 3] {
        let mut all = CallMetrics::default();
        self.seconds.iter().for_each(|(_, calls)| all.merge(calls));
        [50.0, 95.0, 99.0].map(|percent| all.latency.percentile(percent))
    }
}

/// The numbers that are shown.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// The time since the start of the executor; `None` before it.
    elapsed: Option<Duration>,
    /// The planned duration with the warm-up.
    total: Option<Duration>,
    /// Such as `warm-up`.
    phase: Option<String>,
    users: u64,
    in_flight: u64,
    rate: Option<f64>,
    percentiles: [Option<u64>; 3],
    calls: u64,
    failures: u64,
    violations: u64,
    /// Calls that a rate limit delayed.
    delayed: u64,
    /// In the open model.
    dropped: Option<u64>,
}

impl Progress {
    fn of(shared: &SharedState, planned: &Planned, window: &Window) -> Self {
        let [failures, violations] = shared.recorder.failures_and_violations();
        let started = shared.executor_started.get();
        let elapsed = started.map(|(started, _)| (Utc::now() - started).to_std().unwrap_or_default());
        let in_flight = shared.counters.in_flight() as u64;
        Self {
            elapsed,
            total: planned.duration.map(|duration| planned.warm_up + duration),
            phase: match elapsed {
                None => Some("starting users".to_owned()),
                Some(_) if shared.stop.ended_at().is_some() => Some("waiting for calls in flight".to_owned()),
                Some(elapsed) => phase(planned, elapsed),
            },
            users: shared.counters.users() as u64,
            in_flight,
            rate: window.rate(),
            percentiles: window.percentiles(),
            calls: shared.recorder.calls(),
            failures,
            violations,
            delayed: shared.recorder.rate_limit_delays().calls,
            dropped: shared.arrivals.as_ref().map(ArrivalQueue::dropped),
        }
    }

    /// The view on a terminal, in at most 80 columns.
    fn lines(&self) -> String {
        let bar = self.bar().map(|bar| format!("{bar} ")).unwrap_or_default();
        let [p50, p95, p99] = self.percentiles.map(latency);
        format!(
            " {bar}{}\n {} of {}, {} calls/s\n latency p50 {p50}, p95 {p95}, p99 {p99}\n {}",
            self.time(),
            counted(self.in_flight, "iteration", "iterations"),
            counted(self.users, "user", "users"),
            rate(self.rate),
            self.counts(),
        )
    }

    /// The line in a log.
    fn line(&self) -> String {
        let [p50, p95, p99] = self.percentiles.map(latency);
        format!(
            "{}: {} calls/s, p50 {p50}, p95 {p95}, p99 {p99}; {}",
            self.time(),
            rate(self.rate),
            self.counts()
        )
    }

    fn time(&self) -> String {
        let elapsed = clock(self.elapsed.unwrap_or_default());
        let time = match self.total {
            Some(total) => format!("{elapsed} of {}", clock(total)),
            None => elapsed,
        };
        match &self.phase {
            Some(phase) => format!("{time}, {phase}"),
            None => time,
        }
    }

    fn counts(&self) -> String {
        let dropped = self.dropped.map(|dropped| format!(", {} waiting or dropped", count(dropped)));
        let delayed =
            (self.delayed > 0).then(|| format!(", {} delayed by a rate limit", count(self.delayed)));
        format!(
            "{}, {} failed, {}{}{}",
            counted(self.calls, "call", "calls"),
            count(self.failures),
            counted(self.violations, "violation", "violations"),
            delayed.unwrap_or_default(),
            dropped.unwrap_or_default(),
        )
    }

    /// The part of the run that is over; `None` if its duration is not known.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn bar(&self) -> Option<String> {
        let (elapsed, total) = (self.elapsed?, self.total.filter(|total| !total.is_zero())?);
        let done = (elapsed.as_secs_f64() / total.as_secs_f64()).min(1.0);
        let filled = (done * BAR as f64) as usize;
        Some(format!("[{}{}]", "=".repeat(filled), " ".repeat(BAR - filled)))
    }
}

/// The warm-up, or the step of the rate.
fn phase(planned: &Planned, elapsed: Duration) -> Option<String> {
    let Some(measured) = elapsed.checked_sub(planned.warm_up) else { return Some("warm-up".to_owned()) };
    let mut end = 0.0;
    let current = planned.steps.iter().position(|step| {
        end += step.seconds;
        measured.as_secs_f64() < end
    });
    match (current.and_then(|index| Some((index, planned.steps.get(index)?))), planned.steps.len()) {
        (Some((_, step)), 1) => Some(step.rate()),
        (Some((index, step)), of) => Some(format!("step {} of {of}, {}", index + 1, step.rate())),
        (None, _) => None,
    }
}

/// A time such as `1:05` or `1:00:05`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn planned() -> Planned {
        let steps = [(100.0, 100.0), (100.0, 300.0)].map(|(from, to)| RateStep { from, to, seconds: 30.0 });
        Planned { warm_up: seconds(5), duration: Some(seconds(60)), steps: steps.into() }
    }

    fn progress() -> Progress {
        Progress {
            elapsed: Some(seconds(40)),
            total: Some(seconds(65)),
            phase: phase(&planned(), seconds(40)),
            users: 64,
            in_flight: 12,
            rate: Some(1_234.0),
            percentiles: [Some(868), Some(1_500), None],
            calls: 12_345,
            failures: 2,
            violations: 1,
            delayed: 0,
            dropped: Some(3),
        }
    }

    #[test]
    fn the_view_on_a_terminal_has_four_short_lines() {
        let lines = progress().lines();
        assert_eq!(
            lines,
            " [==============          ] 0:40 of 1:05, step 2 of 2, 100 to 300/s\n \
             12 iterations of 64 users, 1,234 calls/s\n \
             latency p50 868 µs, p95 1.50 ms, p99 -\n \
             12,345 calls, 2 failed, 1 violation, 3 waiting or dropped"
        );
        assert!(lines.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_log_has_the_same_numbers_in_one_line() {
        assert_eq!(
            progress().line(),
            "0:40 of 1:05, step 2 of 2, 100 to 300/s: 1,234 calls/s, p50 868 µs, p95 1.50 ms, p99 -; 12,345 calls, \
             2 failed, 1 violation, 3 waiting or dropped"
        );
    }

    #[test]
    fn calls_that_a_rate_limit_delays_are_shown() {
        let progress = Progress { delayed: 1_234, dropped: None, ..progress() };
        assert!(
            progress.line().ends_with("1 violation, 1,234 delayed by a rate limit"),
            "{}",
            progress.line()
        );
    }

    #[test]
    fn a_run_of_unknown_duration_shows_only_the_elapsed_time() {
        let progress = Progress { total: None, phase: None, dropped: None, ..progress() };
        assert!(progress.lines().starts_with(" 0:40\n"), "{}", progress.lines());
        assert!(progress.line().ends_with("1 violation"), "{}", progress.line());
    }

    #[test]
    fn the_phase_is_the_warm_up_and_then_the_step() {
        let phase = |elapsed| phase(&planned(), seconds(elapsed));
        let phases = [0, 4, 5, 34, 35, 64, 65].map(phase);
        let expected = ["warm-up", "warm-up", "step 1 of 2, 100/s", "step 1 of 2, 100/s"];
        assert_eq!(phases[..4], expected.map(|phase| Some(phase.to_owned())));
        assert_eq!(phases[4], phases[5]);
        assert_eq!(phases[6], None);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut window = Window::default();
        let start = Instant::now();
        assert_eq!(window.rate(), None);
        for second in 0..20 {
            let calls = if second < 10 { second * 1_000 } else { 10_000 + (second - 10) * 10 };
            window.add_calls(start + seconds(second), calls);
        }
        assert_eq!(window.rate(), Some(10.0));
    }

    #[test]
    fn percentiles_are_those_of_the_last_seconds_each_counted_once() {
        let mut window = Window::default();
        let calls = |micros: u64| CallMetrics { failures: 0, latency: [micros; 10].into_iter().collect() };
        window.add_second(100, calls(9_000));
        for second in 101..106 {
            window.add_second(second, calls(100));
            window.add_second(second, calls(50));
        }
        assert_eq!(window.percentiles(), [Some(50); 3]);
        assert_eq!(window.seconds.len(), WINDOW);
    }
}
