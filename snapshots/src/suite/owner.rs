//! Decides which sessions in responses belong to a case.
//!
//! The content of a session decides, not the path of the request: the responder at `open_session` may be a
//! cache, a proxy or another version of the service, and return a session of another user. Such a session is
//! neither changed nor deleted.

use crate::record::Exchange;
use serde_json::{Map, Value};

/// The owner of the sessions of a case.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The user of the case.
    pub(super) user_id: String,
    /// `true` if the run has the service to itself. Then every session that it reports as opened is the
    /// owner's.
    pub(super) is_exclusive: bool,
}

/// The id of a session in a response of `open_session`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// A session of the owner.
    Own(String),
    /// A session that may belong to another user.
    Other(String),
}

impl Owner {
    /// Returns the session that an exchange opened, if any.
    pub(super) fn opened(&self, exchange: &Exchange) -> Option<Opened> {
        let opens = exchange.request.uri().path().ends_with("/open_session");
        if !opens || !exchange.response.status().is_success() {
            return None;
        }
        let session: Map<String, Value> = serde_json::from_slice(exchange.response.body()).ok()?;
        let id = session.get("id")?.as_str()?.to_owned();
        Some(if self.is_exclusive || self.is_users(&session) { Opened::Own(id) } else { Opened::Other(id) })
    }

    /// Returns the ids of the user's sessions in a list, `None` for one without an id; `None` if `page` is
    /// not a list.
    pub(super) fn listed(&self, page: &Value) -> Option<Vec<Option<String>>> {
        let sessions = page.as_object()?.values().find_map(Value::as_array)?;
        let ours = sessions.iter().filter_map(Value::as_object).filter(|session| self.is_users(session));
        Some(ours.map(|session| Some(session.get("id")?.as_str()?.to_owned())).collect())
    }

    /// Compares all values, whatever their keys: a service that renamed `user_id` still has sessions of the
    /// user.
    fn is_users(&self, session: &Map<String, Value>) -> bool {
        session.values().any(|value| value == &*self.user_id)
    }
}
