//! Stopping early, by a signal.
//!
//! goose listens for Ctrl-C alone, and a process that a scheduler ends with SIGTERM would leave its sessions
//! behind. goose also forgets an order to stop that comes before its run has begun; so it is kept here too,
//! and given again by the first user that starts.

use crate::Exit;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the run is to end before its time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    ordered: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Stop {
    /// Reacts to SIGTERM from now on: the first ends the run in order, the second at once, as goose has it
    /// with Ctrl-C.
    pub(crate) fn on_sigterm(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut signals = signal(SignalKind::terminate())?;
            let stop = self.clone();
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    stop.ordered.store(true, Ordering::Relaxed);
                    goose::trigger_killswitch("SIGTERM received");
                }
                if signals.recv().await.is_some() {
                    eprintln!("loadtest: a second SIGTERM: sessions may stay behind");
                    std::process::exit(Exit::Stopped.code().into());
                }
            });
        }
        Ok(())
    }

    /// Whether SIGTERM was received.
    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered.load(Ordering::Relaxed)
    }

    /// Nobody starts anything from now on, whatever becomes of goose's switch.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether users should come to an end, for whatever reason.
    pub(crate) fn is_due(&self) -> bool {
        let triggered = goose::is_killswitch_triggered();
        if self.is_ordered() && !triggered {
            goose::trigger_killswitch("SIGTERM received");
        }
        triggered || self.is_ordered() || self.over.load(Ordering::SeqCst)
    }
}
