//! The requests of a run that the figures of its load do not contain: those before it to probe the service, those after it
//! to clean up, and those of the load that were sent again at once.

use crate::sync::{Mutex, lock};
use sessions_client::{Call, Encoding, Error, ErrorKind, Response, Transport};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The numbers of requests by operation.
pub(crate) type CallsByOperation = BTreeMap<String, u64>;

/// Counts requests by operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallCounts(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl CallCounts {
    /// Counts a request that is sent now.
    fn add(&self, operation: &'static str) {
        *lock(&self.0).entry(operation).or_default() += 1;
    }

    /// Takes a request back that the service has certainly not received.
    fn correct(&self, operation: &'static str, response: &Result<Response, Error>) {
        if response.as_ref().is_err_and(was_not_sent)
            && let Some(count) = lock(&self.0).get_mut(operation)
        {
            *count -= 1;
        }
    }

    pub(crate) fn get(&self) -> CallsByOperation {
        lock(&self.0).iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }
}

/// A transport that counts the requests that a service may have received.
#[derive(Clone, Debug)]
pub(crate) struct Counted<T> {
    inner: T,
    counts: CallCounts,
    /// The first attempt of a call that counts.
    from_attempt: u32,
}

impl<T> Counted<T> {
    /// Counts all requests, retries included.
    pub(crate) fn new(inner: T, counts: CallCounts) -> Self {
        Self { inner, counts, from_attempt: 1 }
    }

    /// Counts the requests that policies without retries send again at once: those that the service has certainly not
    /// processed, and those whose token it has rejected.
    pub(crate) fn sent_again(inner: T, counts: CallCounts) -> Self {
        Self { inner, counts, from_attempt: 2 }
    }
}

impl<T: Transport> Transport for Counted<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let operation = (call.attempt >= self.from_attempt).then_some(call.route.name);
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

/// Returns whether a request certainly did not reach the service.
fn was_not_sent(error: &Error) -> bool {
    use ErrorKind::{ConcurrencyLimit, Connect, Credentials, Proxy, Tls};
    matches!(error.kind(), Connect | Tls | Proxy | Credentials | ConcurrencyLimit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::sessions_v1;

    struct Fails(ErrorKind);

    impl Transport for Fails {
        async fn send(&self, _: Call) -> Result<Response, Error> {
            Err(Error::new(self.0, "why"))
        }
    }

    #[tokio::test]
    async fn only_requests_that_may_have_been_received_are_counted() {
        let counts = CallCounts::default();
        let route = sessions_v1::ROUTES[0];
        for kind in [ErrorKind::Timeout, ErrorKind::Connect, ErrorKind::Transport] {
            let transport = Counted::new(Fails(kind), counts.clone());
            let _ = transport.send(Call::new(route, sessions_client::http::Request::default())).await;
        }
        assert_eq!(counts.get(), BTreeMap::from([(route.name.to_owned(), 2)]));
    }
    #[tokio::test]
    async fn only_further_attempts_that_may_have_been_received_are_counted() {
        let counts = CallCounts::default();
        let route = sessions_v1::ROUTES[0];
        for kind in [ErrorKind::Timeout, ErrorKind::Connect, ErrorKind::ConcurrencyLimit] {
            let transport = Counted::sent_again(Fails(kind), counts.clone());
            for attempt in 1..=2 {
                let mut call = Call::new(route, sessions_client::http::Request::default());
                call.attempt = attempt;
                let _ = transport.send(call).await;
            }
        }
        assert_eq!(counts.get(), BTreeMap::from([(route.name.to_owned(), 1)]));
    }
}
