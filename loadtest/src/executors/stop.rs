//! The end of a run: planned, by a signal, or after a failure.
//!
//! goose handles only SIGINT. A scheduler stops a process with SIGTERM, and a closed terminal with SIGHUP;
//! both would leave sessions behind, so all three are handled here. Two more facts about goose:
//!
//! 1. Its SIGINT handler exits immediately if its kill switch is already set, as at the planned end of many
//!    runs. Ours is installed first, and goose then installs none.
//! 2. It resets the kill switch at the start of a run. A signal that arrives before is kept here, and
//!    `is_due` sets the switch again.

use crate::sync::lock;
use crate::{ExitCode, status};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// The run that SIGINT stops: a process has only one handler.
static CURRENT: Mutex<Option<Stop>> = Mutex::new(None);

/// The state of ending a run, shared by all its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// The first signal received.
    signal: Arc<OnceLock<&'static str>>,
    ended: Arc<AtomicBool>,
    planned: Arc<AtomicBool>,
    /// The failure of a part of the load generator.
    failure: Arc<OnceLock<&'static str>>,
}

impl Stop {
    /// Handles SIGINT, SIGTERM and SIGHUP: the first signal stops the run, the second exits immediately.
    pub(crate) fn on_signals(&self) -> io::Result<()> {
        *lock(&CURRENT) = Some(self.clone());
        let installed = ctrlc::set_handler(|| {
            if let Some(stop) = &*lock(&CURRENT) {
                stop.received("SIGINT");
            }
        });
        match installed {
            Ok(()) | Err(ctrlc::Error::MultipleHandlers) => (),
            Err(error) => return Err(io::Error::other(error)),
        }
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            for (kind, name) in [(SignalKind::terminate(), "SIGTERM"), (SignalKind::hangup(), "SIGHUP")] {
                let mut signals = signal(kind)?;
                let stop = self.clone();
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        stop.received(name);
                    }
                });
            }
        }
        Ok(())
    }

    fn received(&self, signal: &'static str) {
        if self.signal.set(signal).is_err() {
            status::log("second signal: exiting without cleanup");
            std::process::exit(ExitCode::Stopped.code().into());
        }
        goose::trigger_killswitch(signal);
    }

    /// Waits for the first signal.
    pub(crate) async fn signalled(&self) -> &'static str {
        loop {
            if let Some(signal) = self.signal() {
                return signal;
            }
            tokio::time::sleep(super::POLL_INTERVAL).await;
        }
    }

    /// The signal that stopped the run.
    pub(crate) fn signal(&self) -> Option<&'static str> {
        self.signal.get().copied()
    }

    /// Ends the run for all users, independently of goose's kill switch.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Ends the run as planned, where goose does not know the plan.
    pub(crate) fn end_as_planned(&self) {
        if !goose::is_killswitch_triggered() {
            self.planned.store(true, Ordering::SeqCst);
        }
        self.end();
        goose::trigger_killswitch("the planned end of the run");
    }

    /// Ends the run after a failure of the load generator.
    pub(crate) fn fail(&self, reason: &'static str) {
        let _ = self.failure.set(reason);
        self.end_as_planned();
    }

    /// The failure of the load generator, if any.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.failure.get().copied()
    }

    /// Returns whether the run was ended as planned by the load test.
    pub(crate) fn is_planned(&self) -> bool {
        self.planned.load(Ordering::SeqCst)
    }

    /// Returns whether users should stop, for any reason.
    pub(crate) fn is_due(&self) -> bool {
        let triggered = goose::is_killswitch_triggered();
        if let Some(signal) = self.signal()
            && !triggered
        {
            goose::trigger_killswitch(signal);
        }
        triggered || self.signal().is_some() || self.ended.load(Ordering::SeqCst)
    }
}
