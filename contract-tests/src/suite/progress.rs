//! The progress of a run.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    total: usize,
    ended: AtomicUsize,
    requests: AtomicUsize,
}

impl Counts {
    pub(super) fn new(receiver: OnProgress, total: usize) -> Self {
        Self { receiver, total, ..Self::default() }
    }

    /// Counts a request that is sent now.
    pub(super) fn add_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.report();
    }

    /// Counts a case that has ended.
    pub(super) fn add_ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.report();
    }

    fn report(&self) {
        let [ended, requests] = [&self.ended, &self.requests].map(|count| count.load(Ordering::Relaxed));
        (self.receiver.0)(Progress { ended, total: self.total, requests });
    }
}
