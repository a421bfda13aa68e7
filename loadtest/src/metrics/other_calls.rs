//! The calls of a run outside its load: before it to probe the service, and after it to clean up.

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
    pub(super) fn add(&self, operation: &'static str) {
        *lock(&self.0).entry(operation).or_default() += 1;
    }

    /// Takes a request back that the service has certainly not received.
    pub(super) fn correct(&self, operation: &'static str, response: &Result<Response, Error>) {
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

/// A transport that counts the requests that a service may have received, retries included.
#[derive(Clone, Debug)]
pub(crate) struct Counted<T> {
    pub(crate) inner: T,
    pub(crate) counts: CallCounts,
}

impl<T: Transport> Transport for Counted<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let operation = call.route.name;
        self.counts.add(operation);
        let response = self.inner.send(call).await;
        self.counts.correct(operation, &response);
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
            let transport = Counted { inner: Fails(kind), counts: counts.clone() };
            let _ = transport.send(Call::new(route, sessions_client::http::Request::default())).await;
        }
        assert_eq!(counts.get(), BTreeMap::from([(route.name.to_owned(), 2)]));
    }
}
