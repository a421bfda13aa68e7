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
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let operation = (call.attempt > 1).then_some(call.route.name);
        if let Some(operation) = operation {
            self.counts.add(operation);
        }
        let response = self.inner.send(call).await;
        if let Some(operation) = operation {
            self.counts.correct(operation, &response);
        }
        response
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

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::{ErrorKind, Request, sessions_v1, transport_fn};
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn only_further_attempts_that_may_have_been_received_are_counted() {
        let counts = CallCounts::default();
        let route = sessions_v1::ROUTES[0];
        for kind in [ErrorKind::Timeout, ErrorKind::Connect, ErrorKind::ConcurrencyLimit] {
            let fails = transport_fn(move |_: Call| async move { Err(Error::new(kind, "why")) });
            let transport = SentAgain::new(fails, counts.clone());
            for attempt in 1..=2 {
                let mut call = Call::new(route, Request::default());
                call.attempt = attempt;
                let _ = transport.send(call).await;
            }
        }
        assert_eq!(counts.get(), BTreeMap::from([(route.name.to_owned(), 1)]));
    }
}
