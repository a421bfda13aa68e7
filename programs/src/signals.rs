//! Termination signals, except those that the caller of the program wants to be ignored.
//!
//! A program that is started by `nohup`, or by a shell after `trap '' HUP`, ignores a signal from its start on, and a
//! shell without job control starts programs in the background such that they ignore SIGINT. A handler would replace that.

use std::future::pending;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A stream of termination signals.
#[derive(Debug)]
pub struct TerminationSignal {
    kind: SignalKind,
    /// `None` if the signal is ignored.
    received: Option<Signal>,
}

impl TerminationSignal {
    /// Handles a signal from now on, unless the process ignores it.
    ///
    /// # Errors
    ///
    /// If the handler cannot be set.
    pub fn new(kind: SignalKind) -> io::Result<Self> {
        let received = if is_ignored(kind) { None } else { Some(signal(kind)?) };
        Ok(Self { kind, received })
    }

    /// Waits for the next signal, and returns its kind. Never completes if the signal is ignored.
    pub async fn recv(&mut self) -> SignalKind {
        match &mut self.received {
            Some(signals) => signals.recv().await,
            None => pending().await,
        };
        self.kind
    }
}

/// Returns whether the process ignores a signal. Only Linux has a way to find that out without unsafe code; elsewhere the
/// result is `false`.
#[must_use]
pub fn is_ignored(kind: SignalKind) -> bool {
    // The name of the program, which is in the same file, may be of any bytes.
    let status = if cfg!(target_os = "linux") { std::fs::read("/proc/self/status") } else { Ok(Vec::new()) };
    status.is_ok_and(|status| ignores(&String::from_utf8_lossy(&status), kind))
}

/// Returns whether a signal is in the set `SigIgn` of the status of a process.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    let signal = u32::try_from(kind.as_raw_value() - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    set.zip(signal).is_some_and(|(set, signal)| set & signal != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_those_of_the_set() {
        // SIGHUP is 1, SIGINT 2, SIGTERM 15.
        let status = "Name:\tloadtest\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(ignores(status, SignalKind::hangup()));
        assert!(!ignores(status, SignalKind::interrupt()));
        assert!(!ignores(status, SignalKind::terminate()));
        assert!(ignores("SigIgn:\t0000000000004002", SignalKind::terminate()));
    }

    #[test]
    fn a_status_without_a_set_has_no_ignored_signals() {
        for status in ["", "Name:\tloadtest\n", "SigIgn:\tnone\n", "SigIgn:\n"] {
            assert!(!ignores(status, SignalKind::hangup()), "{status}");
        }
        assert!(!ignores("SigIgn:\tffffffffffffffff", SignalKind::from_raw(65)));
        assert!(!ignores("SigIgn:\tffffffffffffffff", SignalKind::from_raw(0)));
    }
}
