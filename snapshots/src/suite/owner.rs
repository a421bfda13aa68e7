//! Whose a session is that a service answers with.
//!
//! Its contents say so, not the path of the request: what answers at `open_session` may be a cache, a proxy or another
//! version of the service, and show somebody else's session. Such a one is neither changed nor deleted.

use crate::record::Exchange;
use serde_json::{Map, Value};

/// Whom the sessions of a case belong to.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The user of the case.
    pub(super) user_id: String,
    /// Whether the service is nobody else's: then whatever it says to have opened is the owner's.
    pub(super) is_alone: bool,
}

/// A session, by its id, that `open_session` has answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// It is the owner's.
    Own(String),
    /// It may be somebody else's.
    Other(String),
}

impl Owner {
    /// What an exchange has opened.
    pub(super) fn opened(&self, exchange: &Exchange) -> Option<Opened> {
        let opens = exchange.request.uri().path().ends_with("/open_session");
        if !opens || !exchange.response.status().is_success() {
            return None;
        }
        let session: Map<String, Value> = serde_json::from_slice(exchange.response.body()).ok()?;
        let id = session.get("id")?.as_str()?.to_owned();
        Some(if self.is_alone || self.is_users(&session) { Opened::Own(id) } else { Opened::Other(id) })
    }

    /// The sessions of the user in a list, by their ids, those without one included; `None` if it is no list.
    pub(super) fn listed(&self, page: &Value) -> Option<Vec<Option<String>>> {
        let sessions = page.as_object()?.values().find_map(Value::as_array)?;
        let ours = sessions.iter().filter_map(Value::as_object).filter(|session| self.is_users(session));
        Some(ours.map(|session| Some(session.get("id")?.as_str()?.to_owned())).collect())
    }

    /// Under whatever key its id stands: a service that has renamed it has the user's session nevertheless.
    fn is_users(&self, session: &Map<String, Value>) -> bool {
        session.values().any(|value| value == &*self.user_id)
    }
}
