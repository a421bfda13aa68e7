//! How many calls are under way at once. Over HTTP/1.1 each has a connection, so there are no more of those.
//!
//! Calls beyond that wait for their turn, in the order in which they came, within the limits of time that they have
//! anyway.

use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Its clones share the permits.
#[derive(Clone)]
pub(super) struct Permits(Option<Arc<Semaphore>>);

impl Permits {
    /// `most` of them; as many as anybody wants where that is more than can be counted.
    pub(super) fn new(most: usize) -> Self {
        Self((most <= Semaphore::MAX_PERMITS).then(|| Arc::new(Semaphore::new(most))))
    }

    /// One for as long as it is kept; none where they are not counted.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.0.as_ref()?.acquire().await.ok()
    }
}
