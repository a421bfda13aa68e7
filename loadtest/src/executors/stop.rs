//! The end of a run: planned, by a signal, by a missed threshold, or after a failure.
//!
//! A run ends in phases, and none is left again:
//!
//! 1. `Ending`: no call starts any more. Pauses are cut short, calls in flight may end.
//! 2. `GivenUp`: the graceful stop is over. Calls in flight are dropped.
//! 3. `Abandoned`: a second signal arrived. The clean-up stops as well; results are still reported.
//!
//! goose handles only SIGINT. A scheduler stops a process with SIGTERM, and a closed terminal with SIGHUP;
//! both would leave sessions behind, so all three are handled here. Two more facts about goose:
//!
//! 1. Its SIGINT handler exits immediately if its kill switch is already set, as at the planned end of many
//!    runs. Ours is installed first, and goose then installs none.
//! 2. It resets the kill switch at the start of a run. So the kill switch is watched from then on, and a
//!    signal that arrived before sets it again.

use super::POLL_INTERVAL;
use crate::error::LoadTestError;
use crate::sync::{Mutex, lock};
use crate::{ExitCode, status};
#[cfg(unix)]
use programs::signals::{TerminationSignal, is_ignored};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
#[cfg(unix)]
use tokio::signal::unix::SignalKind;
use tokio::sync::Notify;

/// The reason why the clean-up is not complete after a second signal.
pub(crate) const SECOND_SIGNAL: &str = "stopped by a second signal";

/// The run that SIGINT stops: a process has only one handler.
static CURRENT: Mutex<Option<Stop>> = Mutex::new(None);

/// The phases of the end of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Ending = 1,
    GivenUp = 2,
    Abandoned = 3,
}

/// The state of ending a run, shared by all its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of the current phase; 0 while the run makes load.
    phase: AtomicU8,
    /// Notified once, when the phase is reached.
    reached: [Notify; 3],
    /// The moment when the load ended.
    ended_at: OnceLock<Instant>,
    /// The first signal received.
    signal: OnceLock<&'static str>,
    planned: AtomicBool,
    /// The failure of a part of the load generator.
    failure: OnceLock<&'static str>,
    /// The threshold that aborted the run, with the observed value.
    missed_threshold: OnceLock<String>,
}

impl State {
    fn notify(&self, phase: Phase) -> &Notify {
        &self.reached[phase as usize - 1]
    }
}

impl Stop {
    /// Creates the state of a run that SIGINT, SIGTERM and SIGHUP stop, if they were not ignored when the program started.
    pub(crate) fn on_signals() -> Result<Self, LoadTestError> {
        let stop = Self::default();
        stop.handle_signals().map_err(|error| {
            LoadTestError::LoadGenerator(format!("signal handlers cannot be set: {error}"))
        })?;
        Ok(stop)
    }

    fn handle_signals(&self) -> io::Result<()> {
        *lock(&CURRENT) = Some(self.clone());
        #[cfg(unix)]
        let is_ignored = is_ignored(SignalKind::interrupt());
        #[cfg(not(unix))]
        let is_ignored = false;
        // Also for an ignored signal: otherwise goose would install its handler.
        let installed = ctrlc::set_handler(move || {
            if let Some(stop) = &*lock(&CURRENT)
                && !is_ignored
            {
                stop.received("SIGINT");
            }
        });
        match installed {
            Ok(()) | Err(ctrlc::Error::MultipleHandlers) => (),
            Err(error) => return Err(io::Error::other(error)),
        }
        #[cfg(unix)]
        for (kind, name) in [(SignalKind::terminate(), "SIGTERM"), (SignalKind::hangup(), "SIGHUP")] {
            let mut signal = TerminationSignal::new(kind)?;
            let stop = self.clone();
            tokio::spawn(async move {
                loop {
                    signal.recv().await;
                    stop.received(name);
                }
            });
        }
        Ok(())
    }

    /// Handles a signal. The first one ends the load, the second one also ends the graceful stop and the
    /// clean-up, and the third one exits immediately.
    fn received(&self, signal: &'static str) {
        if self.0.signal.set(signal).is_ok() {
            goose::trigger_killswitch(signal);
            self.end();
        } else if self.advance(Phase::Abandoned) {
            status::log("second signal: ending without further clean-up; a third one exits without a report");
        } else {
            std::process::exit(ExitCode::Stopped.code().into());
        }
    }

    /// Enters a phase. Returns false if it was reached before.
    fn advance(&self, phase: Phase) -> bool {
        let before = self.0.phase.fetch_max(phase as u8, Ordering::SeqCst);
        let _ = self.0.ended_at.set(Instant::now());
        for entered in [Phase::Ending, Phase::GivenUp, Phase::Abandoned] {
            if (before + 1..=phase as u8).contains(&(entered as u8)) {
                self.0.notify(entered).notify_waiters();
            }
        }
        before < phase as u8
    }

    fn has_reached(&self, phase: Phase) -> bool {
        self.0.phase.load(Ordering::SeqCst) >= phase as u8
    }

    async fn reached(&self, phase: Phase) {
        // Notifications count from the creation of the future, so that none is missed between the two lines.
        let notified = self.0.notify(phase).notified();
        if !self.has_reached(phase) {
            notified.await;
        }
    }

    /// Waits for the end of the load.
    pub(crate) async fn ended(&self) {
        self.reached(Phase::Ending).await;
    }

    /// Waits for the second signal.
    pub(crate) async fn abandoned(&self) {
        self.reached(Phase::Abandoned).await;
    }

    /// Returns whether a second signal arrived.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.has_reached(Phase::Abandoned)
    }

    /// Waits for the first signal.
    pub(crate) async fn signalled(&self) -> &'static str {
        loop {
            self.ended().await;
            if let Some(signal) = self.signal() {
                return signal;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The signal that stopped the run.
    pub(crate) fn signal(&self) -> Option<&'static str> {
        self.0.signal.get().copied()
    }

    /// Ends the load for all users, independently of goose's kill switch.
    pub(crate) fn end(&self) {
        self.advance(Phase::Ending);
    }

    /// Gives up calls in flight.
    pub(crate) fn give_up(&self) {
        self.advance(Phase::GivenUp);
    }

    /// Ends the run as planned, where goose does not know the plan.
    pub(crate) fn end_as_planned(&self) {
        if !goose::is_killswitch_triggered() {
            self.0.planned.store(true, Ordering::SeqCst);
        }
        self.end();
        goose::trigger_killswitch("the planned end of the run");
    }

    /// Ends the run after a failure of the load generator.
    pub(crate) fn fail(&self, reason: &'static str) {
        let _ = self.0.failure.set(reason);
        self.end_as_planned();
    }

    /// Ends the run because a threshold is missed, unless it ends already.
    pub(crate) fn abort(&self, threshold: String) {
        if !self.is_due() {
            let _ = self.0.missed_threshold.set(threshold);
            self.end_as_planned();
        }
    }

    /// The threshold that aborted the run, with the observed value.
    pub(crate) fn missed_threshold(&self) -> Option<&str> {
        self.0.missed_threshold.get().map(String::as_str)
    }

    /// The failure of the load generator, if any.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.0.failure.get().copied()
    }

    /// Returns whether the run was ended as planned by the load test.
    pub(crate) fn is_planned(&self) -> bool {
        self.0.planned.load(Ordering::SeqCst)
    }

    /// Returns whether no call may start any more.
    pub(crate) fn is_due(&self) -> bool {
        self.has_reached(Phase::Ending)
    }

    /// The moment when the load ended.
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.0.ended_at.get().copied()
    }

    /// Ends everything, like a second signal.
    #[cfg(test)]
    pub(crate) fn abandon(&self) {
        self.advance(Phase::Abandoned);
    }

    /// Conducts the end of the run: ends the load when goose's kill switch is set, and gives up calls in
    /// flight after `graceful_stop`. Must be called after goose has reset the kill switch.
    pub(crate) async fn conduct(&self, graceful_stop: Duration) {
        let killed = async {
            while !goose::is_killswitch_triggered() {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::select! {
            () = self.ended() => (),
            () = killed => self.end(),
        }
        if let Some(signal) = self.signal() {
            goose::trigger_killswitch(signal);
        }
        tokio::select! {
            () = self.reached(Phase::GivenUp) => (),
            () = tokio::time::sleep(graceful_stop) => self.give_up(),
        }
    }

    /// Runs `future` to its end. Returns `None` if calls in flight are given up before, and then drops it.
    ///
    /// The notification is polled once and not in each poll of `future`: that would lock it for every call.
    pub(crate) async fn unless_given_up<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut given_up = pin!(self.reached(Phase::GivenUp));
        let mut future = pin!(future);
        let mut registered: Option<Waker> = None;
        poll_fn(|context| {
            if self.has_reached(Phase::GivenUp) {
                return Poll::Ready(None);
            }
            if !registered.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                if given_up.as_mut().poll(context).is_ready() {
                    return Poll::Ready(None);
                }
                registered = Some(context.waker().clone());
            }
            future.as_mut().poll(context).map(Some)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn calls_in_flight_are_given_up_after_the_graceful_stop() {
        let stop = Stop::default();
        let start = tokio::time::Instant::now();
        let in_flight = tokio::spawn({
            let stop = stop.clone();
            async move { stop.unless_given_up(pending::<()>()).await }
        });
        tokio::task::yield_now().await;
        stop.end();
        stop.conduct(Duration::from_secs(30)).await;
        assert_eq!(in_flight.await.unwrap(), None);
        assert_eq!(start.elapsed(), Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_may_end_within_the_graceful_stop() {
        let stop = Stop::default();
        stop.end();
        let conduct = stop.conduct(Duration::from_secs(30));
        let call = stop.unless_given_up(tokio::time::sleep(Duration::from_secs(29)));
        assert_eq!(tokio::join!(call, conduct).0, Some(()));
    }

    #[tokio::test]
    async fn nothing_runs_after_calls_were_given_up() {
        let stop = Stop::default();
        stop.advance(Phase::GivenUp);
        assert_eq!(stop.unless_given_up(async { 1 }).await, None);
    }

    #[tokio::test]
    async fn a_phase_includes_those_before_it() {
        let stop = Stop::default();
        assert!(!stop.is_due() && stop.ended_at().is_none());
        assert!(stop.advance(Phase::Abandoned));
        stop.ended().await;
        stop.abandoned().await;
        assert!(stop.is_due() && stop.ended_at().is_some());
        assert!(!stop.advance(Phase::GivenUp), "no phase is left again");
    }

    #[test]
    fn the_first_of_two_ends_is_the_end_of_the_load() {
        let stop = Stop::default();
        stop.end();
        let ended = stop.ended_at();
        stop.advance(Phase::GivenUp);
        assert_eq!(stop.ended_at(), ended);
    }
}
