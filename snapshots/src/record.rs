//! A transport that remembers what went through it.

use sessions_client::{Call, Error, Request, Response, Transport};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A request and the response to it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The operation that the request was made for.
    pub operation: &'static str,
    /// What was sent. Its target is path and query alone.
    pub request: Request,
    /// What came back.
    pub response: Response,
}

/// Hands every call to another transport and keeps the exchange. Clones share what they keep.
///
/// A call that fails without a response is not kept: there is nothing to compare.
#[derive(Clone, Debug)]
pub struct Recorder<T> {
    transport: T,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl<T> Recorder<T> {
    /// A recorder in front of `transport`.
    pub fn new(transport: T) -> Self {
        Self { transport, exchanges: Arc::default() }
    }

    /// What is behind the recorder: calls made on it are not kept.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The latest exchange.
    #[must_use]
    pub fn last(&self) -> Option<Exchange> {
        self.lock().last().cloned()
    }

    /// All exchanges so far, in the order of their responses.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    /// How many exchanges there were so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// A list that grows at its end is whole even after a panic.
    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let (operation, request) = (call.route.name, call.request.clone());
        let response = self.transport.send(call).await?;
        self.lock().push(Exchange { operation, request, response: response.clone() });
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::Recorder;
    use sessions_client::{Error, ErrorKind, ISessionsV1, Response, SessionsHttpClientV1, transport_fn};

    #[tokio::test]
    async fn a_call_through_the_recorder_is_kept_with_its_answer() {
        let recorder = Recorder::new(transport_fn(|_call| async {
            let mut response = Response::default();
            *response.status_mut() = http::StatusCode::NO_CONTENT;
            Ok(response)
        }));
        let client = SessionsHttpClientV1::new(recorder.clone());
        assert_eq!(client.get_session_by_id(None, "some id").await.unwrap(), None);
        let last = recorder.last().unwrap();
        assert_eq!(last.operation, "get_session_by_id");
        assert_eq!(&last.request.body()[..], br#"{"session_id":"some id"}"#);
        assert_eq!(last.response.status(), 204);
    }

    #[tokio::test]
    async fn a_call_without_an_answer_is_not_kept() {
        let recorder = Recorder::new(transport_fn(|_call| async {
            Err(Error::new(ErrorKind::Connect, "nobody there"))
        }));
        let client = SessionsHttpClientV1::new(recorder.clone());
        assert!(client.get_session_by_id(None, "some id").await.unwrap_err().is_connect());
        assert!(recorder.exchanges().is_empty());
    }
}
