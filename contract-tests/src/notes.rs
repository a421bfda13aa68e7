//! A contract for the tests of this crate.

use crate::contract::ServiceContract;
use crate::objects::{Entity, SESSION};
use http::Method;
use pip_services::PipErrors;
use serde_json::Value;
use wiretrait::{Call, Error, Incoming, Response, Result, Route, Transport, http_api};

/// Notes of users.
#[http_api(prefix = "/v1/notes", client = NotesClient, module = notes_v1, errors = PipErrors)]
pub(crate) trait Notes {
    /// Finds a note.
    #[post("/get_note_by_id", idempotent)]
    async fn get_note_by_id(&self, #[field] note_id: &str) -> Result<Option<Value>>;

    /// Opens a note.
    #[post("/open_note")]
    async fn open_note(&self, #[field] user_id: &str) -> Result<Value>;
}

/// The contract of the notes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotesContract;

impl ServiceContract for NotesContract {
    fn routes(&self) -> &'static [&'static Route] {
        notes_v1::ROUTES
    }

    fn entity(&self) -> &'static Entity {
        &SESSION
    }

    async fn call<T: Transport + Clone + 'static>(
        &self,
        transport: T,
        call: Call,
    ) -> Result<Response, Error> {
        Ok(notes_v1::dispatch(&NotesClient::new(transport), Incoming::from(call.request)).await)
    }

    fn creates(&self, _method: &Method, path: &str) -> bool {
        path.ends_with("/open_note")
    }
}
