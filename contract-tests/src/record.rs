//! A transport that records its exchanges.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wiretrait::{Call, Encoding, Error, Request, Response, Transport};

/// A request and the response to it.
///
/// `Debug` shows neither headers nor bodies, which may contain credentials.
#[derive(Clone)]
pub struct Exchange {
    /// The operation that the request was made for.
    pub operation: &'static str,
    /// The request. Its target consists of path and query.
    pub request: Request,
    /// The response.
    pub response: Response,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, request, response } = self;
        let mut exchange = f.debug_struct("Exchange");
        exchange.field("operation", operation).field("method", request.method());
        exchange.field("path", &request.uri().path()).field("status", &response.status());
        exchange.finish_non_exhaustive()
    }
}

/// A transport that forwards every call and records the exchange. Clones share their records.
///
/// A call that fails without a response is not recorded: there is nothing to compare.
#[derive(Clone, Debug)]
pub struct Recorder<T> {
    transport: T,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl<T> Recorder<T> {
    /// Creates a recorder in front of `transport`.
    pub fn new(transport: T) -> Self {
        Self { transport, exchanges: Arc::default() }
    }

    /// Returns the inner transport, whose calls are not recorded.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Returns the latest exchange.
    #[must_use]
    pub fn last(&self) -> Option<Exchange> {
        self.lock().last().cloned()
    }

    /// Returns all exchanges so far, in the order of their responses.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    /// Returns the number of exchanges so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Ignores poisoning: a list that only grows at its end is consistent even after a panic.
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

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }
}

#[cfg(test)]
mod tests {
    use super::Recorder;
    use crate::notes::{Notes, NotesClient};
    use wiretrait::{Error, ErrorKind, Response, transport_fn};

    #[tokio::test]
    async fn a_call_is_recorded_with_its_response() {
        let recorder = Recorder::new(transport_fn(|_call| async {
            let mut response = Response::default();
            *response.status_mut() = http::StatusCode::NO_CONTENT;
            Ok(response)
        }));
        let client = NotesClient::new(recorder.clone());
        assert_eq!(client.get_note_by_id("some id").await.unwrap(), None);
        let last = recorder.last().unwrap();
        assert_eq!(last.operation, "get_note_by_id");
        assert_eq!(&last.request.body()[..], br#"{"note_id":"some id"}"#);
        assert_eq!(last.response.status(), 204);
    }

    #[tokio::test]
    async fn debug_output_has_neither_headers_nor_bodies() {
        let recorder = Recorder::new(transport_fn(|_call| async {
            let mut response = Response::new(r#"{"key":"s3cr3t"}"#.into());
            response.headers_mut().insert("set-cookie", "id=s3cr3t".parse().unwrap());
            Ok(response)
        }));
        NotesClient::new(recorder.clone()).open_note("s3cr3t").await.unwrap();
        let debug = format!("{:?}", recorder.exchanges());
        assert!(debug.contains("open_note") && !debug.contains("s3cr3t"), "{debug}");
    }

    #[tokio::test]
    async fn a_call_without_a_response_is_not_recorded() {
        let recorder = Recorder::new(transport_fn(|_call| async {
            Err(Error::new(ErrorKind::Connect, "connection refused"))
        }));
        let client = NotesClient::new(recorder.clone());
        assert!(client.get_note_by_id("some id").await.unwrap_err().is_connect());
        assert!(recorder.exchanges().is_empty());
    }
}
