//! The progress of a run.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A function that receives the progress of a run, after each request and each case.
#[derive(Clone)]
pub struct OnProgress(Arc<dyn Fn(Progress) + Send + Sync>);

/// The progress of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of cases that have ended.
    pub ended: usize,
    /// The number of cases that the run will send.
    pub total: usize,
    /// The number of requests that were sent, with those of the clean-up.
    pub requests: usize,
}

impl OnProgress {
    /// Creates a receiver.
    pub fn new(receive: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }
}

impl Default for OnProgress {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnProgress")
    }
}

/// The counts of a run, each change of which is reported.
#[derive(Debug, Default)]
pub(super) struct Counts {
    receiver: OnProgress,
    /// Locked while it is reported, so that the reports have the order of the changes.
    progress: Mutex<Progress>,
}

impl Counts {
    pub(super) fn new(receiver: OnProgress, total: usize) -> Self {
        Self { receiver, progress: Mutex::new(Progress { total, ..Progress::default() }) }
    }

    /// Counts a request that is sent now.
    pub(super) fn add_request(&self) {
        self.change(|progress| progress.requests += 1);
    }

    /// Counts a case that has ended.
    pub(super) fn add_ended(&self) {
        self.change(|progress| progress.ended += 1);
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut progress);
        (self.receiver.0)(*progress);
    }
}
