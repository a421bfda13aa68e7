//! The connections of a check.

use crate::environment::log;
use sessions_client::{Call, Encoding, Error, Request, Response, Transport};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A transport that uses connections again, but never hides what a service does.
///
/// A proxy may close a connection between two requests without announcing it. The request that is sent then may have
/// been processed, so only one that reads is sent again, over a new connection. Any other one fails with the error of
/// a [stale connection](Error::is_stale_connection), and the run sends its case again with another user. From then on,
/// each request has a new connection. Clones share this state.
///
/// Rejected alternative: a new connection for each request from the start, because it doubles the time of a run over
/// a slow network, and triples it with TLS.
#[derive(Clone, Debug)]
pub struct Connections<T> {
    transport: T,
    are_closed: Arc<AtomicBool>,
    /// `true` if the log says so.
    is_logged: Arc<AtomicBool>,
}

impl<T> Connections<T> {
    /// Creates a transport over one that keeps connections, and opens a new one for each further attempt of a call.
    pub fn new(transport: T) -> Self {
        Self { transport, are_closed: Arc::default(), is_logged: Arc::default() }
    }

    /// Logs once that connections are closed, when a new one has had a response: otherwise the service may be gone.
    fn log_closed(&self, outcome: &Result<Response, Error>) {
        if outcome.is_ok() && !self.is_logged.swap(true, Ordering::SeqCst) {
            log("connections are closed between requests: from now on, each request has a new one");
        }
    }
}

impl<T: Transport> Transport for Connections<T> {
    async fn send(&self, mut call: Call) -> Result<Response, Error> {
        if self.are_closed.load(Ordering::SeqCst) {
            call.attempt += 1;
            let outcome = self.transport.send(call).await;
            self.log_closed(&outcome);
            return outcome;
        }
        let mut again = call.clone();
        again.attempt += 1;
        match self.transport.send(call).await {
            Err(error) if error.is_stale_connection() => {
                self.are_closed.store(true, Ordering::SeqCst);
                if !only_reads(&again.request) {
                    return Err(error);
                }
                let outcome = self.transport.send(again).await;
                self.log_closed(&outcome);
                outcome
            }
            outcome => outcome,
        }
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.transport.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.transport.is_multiplexed()
    }
}

fn only_reads(request: &Request) -> bool {
    let path = request.uri().path();
    path.contains("/get_session") || path.ends_with("/heartbeat")
}

#[cfg(test)]
mod tests {
    use super::Connections;
    use sessions_client::{
        Call, Error, ErrorKind, Request, Response, Transport as _, sessions_v1, transport_fn,
    };
    use std::sync::{Arc, Mutex};

    /// Sends requests for these paths over a transport whose first attempt fails, and returns the attempts.
    async fn attempts(failure: fn(Error) -> Error, paths: &[&str]) -> (Vec<u32>, Vec<bool>) {
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let seen = attempts.clone();
        let connections = Connections::new(transport_fn(move |call: Call| {
            let is_first = attempts.lock().unwrap().is_empty();
            attempts.lock().unwrap().push(call.attempt);
            async move {
                let error = || failure(Error::new(ErrorKind::Transport, "closed"));
                if is_first { Err(error()) } else { Ok(Response::default()) }
            }
        }));
        let mut outcomes = Vec::new();
        for path in paths {
            let mut request = Request::default();
            *request.uri_mut() = path.parse().unwrap();
            outcomes.push(connections.send(Call::new(sessions_v1::ROUTES[0], request)).await.is_ok());
        }
        (seen.lock().unwrap().clone(), outcomes)
    }

    const PATHS: [&str; 2] = ["/v1/sessions/get_sessions", "/v1/sessions/open_session"];

    #[tokio::test]
    async fn a_read_over_a_stale_connection_is_sent_again() {
        let (attempts, outcomes) = attempts(Error::with_stale_connection, &PATHS).await;
        assert_eq!(outcomes, [true, true]);
        assert_eq!(attempts, [1, 2, 2], "further requests have a new connection");
    }

    #[tokio::test]
    async fn a_change_over_a_stale_connection_is_not_sent_again() {
        let (attempts, outcomes) = attempts(Error::with_stale_connection, &[PATHS[1], PATHS[0]]).await;
        assert_eq!(outcomes, [false, true]);
        assert_eq!(attempts, [1, 2]);
    }

    #[tokio::test]
    async fn another_failure_is_reported() {
        let (attempts, outcomes) = attempts(|error| error, &PATHS).await;
        assert_eq!((attempts, outcomes), (vec![1, 1], vec![false, true]));
    }
}
