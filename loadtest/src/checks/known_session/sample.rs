//! Sessions for tests.

use super::Session;
use crate::checks::payload::{ADDRESS, CLIENT, USER_NAME};
use sessions_client::RawValue;

/// A session of `owner`, opened ten seconds after 1970.
pub(crate) fn session<'a>(id: &'a str, owner: &'a str) -> Session<'a> {
    let time = "1970-01-01T00:00:10Z";
    let text = format!(r#"{{"id": "", "active": true, "open_time": "{time}", "request_time": "{time}"}}"#);
    let mut session: Session<'a> = serde_json::from_str(text.leak()).unwrap();
    session.id = id.into();
    session.user_id = Some(owner.into());
    session.user_name = Some(USER_NAME.into());
    session.address = Some(ADDRESS.into());
    session.client = Some(CLIENT.into());
    session
}

/// A payload as decoded from a response.
pub(crate) fn received(payload: Box<RawValue>) -> &'static RawValue {
    Box::leak(payload)
}
