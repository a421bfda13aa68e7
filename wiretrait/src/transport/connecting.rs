//! The opening of a connection for an attempt that has several addresses: its time limit, and whether it is still
//! in progress.
//!
//! An attempt with one address has neither. They are in a task-local variable, because reqwest opens connections
//! itself, and because the attempt of one address would otherwise pay for them.

use crate::policy::{Time, TokioTime};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::task_local;
use tokio::time::error::Elapsed;

task_local! {
    static CURRENT: Arc<Connecting>;
}

/// The connection of one attempt at one address.
pub(super) struct Connecting {
    started_at: Instant,
    /// The end of the address's share of the attempt; `None` if it has the rest.
    end: Option<Instant>,
    state: AtomicU8,
}

/// No connection was opened, for example because a pooled one is used.
const NONE: u8 = 0;
const OPENING: u8 = 1;
const OPEN: u8 = 2;

impl Connecting {
    pub(super) fn until(end: Option<Instant>) -> Arc<Self> {
        Arc::new(Self { started_at: TokioTime.now(), end, state: AtomicU8::new(NONE) })
    }

    /// Runs an attempt, whose connection is opened by [`open`].
    pub(super) async fn scope<F: Future>(self: Arc<Self>, attempt: F) -> F::Output {
        CURRENT.scope(self, attempt).await
    }

    /// Returns for how long the connection has been opened, if it is not open yet.
    pub(super) fn opening_for(&self) -> Option<Duration> {
        let is_opening = self.state.load(Ordering::Relaxed) == OPENING;
        is_opening.then(|| TokioTime.now().saturating_duration_since(self.started_at))
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Relaxed) == OPEN
    }
}

/// Opens a connection with `connect`, within `limit` and within the share of the address.
pub(super) async fn open<T, E>(
    limit: Duration,
    connect: impl Future<Output = Result<T, E>>,
) -> Result<Result<T, E>, Elapsed> {
    let Ok(connecting) = CURRENT.try_with(Arc::clone) else {
        return tokio::time::timeout(limit, connect).await;
    };
    connecting.state.store(OPENING, Ordering::Relaxed);
    let share = connecting.end.map(|end| end.saturating_duration_since(TokioTime.now()));
    let outcome = tokio::time::timeout(share.map_or(limit, |share| share.min(limit)), connect).await;
    if matches!(outcome, Ok(Ok(_))) {
        connecting.state.store(OPEN, Ordering::Relaxed);
    }
    outcome
}
