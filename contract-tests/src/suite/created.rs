//! A transport that keeps track of the entities that a case may have created.

use super::owner::{Created, Owner};
use super::stop::StopSignal;
use crate::contract::ServiceContract;
use http::StatusCode;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use wiretrait::{Call, Encoding, Error, Response, Transport};

/// The calls of a case that create entities.
#[derive(Debug, Default)]
pub(super) struct Creations {
    /// Those that the service may have received.
    sent: AtomicUsize,
    /// Those that may have created an entity whose id is unknown.
    uncertain: AtomicUsize,
    /// The operation that the first of them calls.
    operation: OnceLock<&'static str>,
    /// `true` if a connection was closed while it was used again.
    met_stale_connection: AtomicBool,
}

impl Creations {
    /// Returns whether the service may have received one.
    pub(super) fn any_sent(&self) -> bool {
        self.sent.load(Ordering::SeqCst) > 0
    }

    /// Returns the operation that may have created an entity whose id is unknown, if any.
    pub(super) fn uncertain(&self) -> Option<&'static str> {
        self.operation.get().copied().filter(|_| self.uncertain.load(Ordering::SeqCst) > 0)
    }

    /// Returns whether a call failed because its connection had been closed since the call before.
    pub(super) fn met_stale_connection(&self) -> bool {
        self.met_stale_connection.load(Ordering::SeqCst)
    }
}

/// A transport that counts the calls that create entities before they are sent, so that the counts are right even
/// if the call never ends.
#[derive(Clone, Debug)]
pub(super) struct Tracked<C, T> {
    contract: C,
    transport: T,
    creations: Arc<Creations>,
    owner: Owner,
    /// `true` if the entities of the case have no owner.
    creates_unowned: bool,
    stop: StopSignal,
}

impl<C, T> Tracked<C, T> {
    pub(super) fn new(
        contract: C,
        transport: T,
        owner: Owner,
        creates_unowned: bool,
        stop: StopSignal,
    ) -> (Self, Arc<Creations>) {
        let creations = Arc::<Creations>::default();
        (Self { contract, transport, creations: creations.clone(), owner, creates_unowned, stop }, creations)
    }
}

impl<C: ServiceContract, T: Transport> Transport for Tracked<C, T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let creates = self.contract.creates(call.request.method(), call.request.uri().path());
        if creates {
            let _ = self.creations.operation.set(call.route.name);
            self.stop.add_user(&self.owner.id);
            self.creations.sent.fetch_add(1, Ordering::SeqCst);
            self.creations.uncertain.fetch_add(1, Ordering::SeqCst);
        }
        let outcome = self.transport.send(call).await;
        if outcome.as_ref().is_err_and(Error::is_stale_connection) {
            self.creations.met_stale_connection.store(true, Ordering::SeqCst);
        }
        if creates {
            if outcome.as_ref().is_err_and(Error::is_unprocessed) {
                self.creations.sent.fetch_sub(1, Ordering::SeqCst);
            }
            if !outcome.as_ref().map_or_else(|error| !error.is_unprocessed(), may_hide_an_entity) {
                self.creations.uncertain.fetch_sub(1, Ordering::SeqCst);
            }
            if self.creates_unowned
                && let Ok(response) = &outcome
                && let Some(Created::Own(id)) = self.owner.created_by(&self.contract, response)
            {
                self.stop.add_unowned(id);
            }
        }
        outcome
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }
}

/// Returns whether a response allows that an entity was created, but does not contain its id.
fn may_hide_an_entity(response: &Response) -> bool {
    let status = response.status();
    if status.is_success() {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        return !body["id"].is_string();
    }
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}

#[cfg(test)]
mod tests {
    use super::{Owner, StopSignal, Tracked};
    use crate::notes::{Notes, NotesClient, NotesContract};
    use http::StatusCode;
    use wiretrait::{Error, ErrorKind, Response, Transport, transport_fn};

    async fn open(transport: impl Transport) -> (bool, bool, StopSignal) {
        let stop = StopSignal::default();
        let (tracked, creations) = Tracked::new(NotesContract, transport, owner(), false, stop.clone());
        let client = NotesClient::new(tracked);
        let _ = client.get_note_by_id("1").await;
        assert!(!creations.any_sent() && stop.users().is_empty(), "it creates nothing");
        let _ = client.open_note("ann").await;
        (creations.any_sent(), creations.uncertain().is_some(), stop)
    }

    fn owner() -> Owner {
        Owner { id: "ann".to_owned(), is_exclusive: true }
    }

    #[tokio::test]
    async fn an_entity_without_an_owner_is_known_before_its_case_ends() {
        for (creates_unowned, expected) in [(true, vec!["1"]), (false, Vec::new())] {
            let stop = StopSignal::default();
            let transport = transport_fn(|_| async { Ok(Response::new(r#"{"id":"1"}"#.into())) });
            let (tracked, _) = Tracked::new(NotesContract, transport, owner(), creates_unowned, stop.clone());
            let _ = NotesClient::new(tracked).open_note("").await;
            assert_eq!(stop.unowned(), expected);
        }
    }

    #[tokio::test]
    async fn only_what_a_service_may_have_created_is_uncertain() {
        for (kind, sent, uncertain) in [(ErrorKind::Connect, false, false), (ErrorKind::Timeout, true, true)]
        {
            let opened = open(transport_fn(move |_| async move { Err(Error::new(kind, "why")) })).await;
            assert_eq!((opened.0, opened.1), (sent, uncertain), "{kind:?}");
            assert_eq!(opened.2.users(), ["ann"]);
        }
        for (status, body, uncertain) in
            [(200, r#"{"id":"1"}"#, false), (200, "{}", true), (400, "{}", false), (502, "", true)]
        {
            let opened = open(transport_fn(move |_| async move {
                let mut response = Response::new(body.into());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok(response)
            }));
            assert_eq!(opened.await.1, uncertain, "{status} {body}");
        }
    }
}
