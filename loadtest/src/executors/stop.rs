//! Stopping early, by a signal; and stopping at all.
//!
//! goose listens for Ctrl-C alone, and a process that a scheduler ends with SIGTERM, or whose terminal is closed, would leave its
//! sessions behind. It takes a Ctrl-C for the second one whenever its switch is set, as it is at the planned end of many runs, and
//! exits at once; so its handler is kept out by one that is there before it. goose also forgets an order to stop that comes before its run has begun; so it is kept here too,
//! and given again by the first user that starts.

use crate::Exit;
use crate::format as text;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The run that a Ctrl-C ends: there can be one handler in a process.
static LATEST: Mutex<Option<Stop>> = Mutex::new(None);

/// Whether the run is to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// The signal that ordered it.
    signal: Arc<OnceLock<&'static str>>,
    over: Arc<AtomicBool>,
    planned: Arc<AtomicBool>,
    /// Why the run cannot go on.
    broken: Arc<OnceLock<&'static str>>,
}

impl Stop {
    /// Reacts to Ctrl-C, SIGTERM and SIGHUP from now on: the first of them ends the run in order, the second at once.
    pub(crate) fn on_signals(&self) -> io::Result<()> {
        *LATEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
        let handled = ctrlc::set_handler(|| {
            if let Some(stop) = &*LATEST.lock().unwrap_or_else(PoisonError::into_inner) {
                stop.received("SIGINT");
            }
        });
        match handled {
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
            text::tell("a second signal: sessions may stay behind");
            std::process::exit(Exit::Stopped.code().into());
        }
        goose::trigger_killswitch(signal);
    }

    /// The signal that was received.
    pub(crate) fn signal(&self) -> Option<&'static str> {
        self.signal.get().copied()
    }

    /// Nobody starts anything from now on, whatever becomes of goose's switch.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Ends the run because it has come to its end, which goose knows nothing of.
    pub(crate) fn end_as_planned(&self) {
        if !goose::is_killswitch_triggered() {
            self.planned.store(true, Ordering::SeqCst);
        }
        self.end();
        goose::trigger_killswitch("the load has come to its end");
    }

    /// Ends the run because a part of the load test itself has failed.
    pub(crate) fn break_off(&self, why: &'static str) {
        let _ = self.broken.set(why);
        self.end_as_planned();
    }

    /// Which part has failed, if any.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        self.broken.get().copied()
    }

    /// Whether the run was ended because it had come to its end.
    pub(crate) fn is_planned(&self) -> bool {
        self.planned.load(Ordering::SeqCst)
    }

    /// Whether users should come to an end, for whatever reason.
    pub(crate) fn is_due(&self) -> bool {
        let triggered = goose::is_killswitch_triggered();
        if let Some(signal) = self.signal()
            && !triggered
        {
            goose::trigger_killswitch(signal);
        }
        triggered || self.signal().is_some() || self.over.load(Ordering::SeqCst)
    }
}
