//! The requests of the load that were sent again at once.

use super::other_calls::CallCounts;
use sessions_client::{Call, Encoding, Error, Response, Transport};

/// A transport below policies without retries that counts the requests that they send again at once: those that the
/// service has certainly not processed, and those whose token it has rejected.
#[derive(Clone, Debug)]
pub(crate) struct SentAgain<T> {
    inner: T,
    counts: CallCounts,
}

impl<T> SentAgain<T> {
    pub(crate) fn new(inner: T, counts: CallCounts) -> Self {
        Self { inner, counts }
    }
}

impl<T: Transport> Transport for SentAgain<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        if call.attempt > 1 {
            self.counts.add(call.route.name);
        }
        self.inner.send(call)
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}
