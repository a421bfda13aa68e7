//! Payloads of the in-memory client, stored as JSON with the service's rule for falsy values.

use crate::{Error, ErrorKind, Payload, Result, SessionV1, semantics};

/// A payload as JSON, exactly as its `Serialize` writes it.
pub(super) type Json = Box<str>;

/// Returns the stored form of the optional argument `name`.
pub(super) fn optional<T: Payload>(name: &str, payload: Option<&T>) -> Result<Option<Json>> {
    let Some(payload) = payload else { return Ok(None) };
    stored::<T>(name, to_json(name, payload)?)
}

/// Returns the stored form of the required argument `name`, or the service's error if it is `null`.
pub(super) fn required<T: Payload>(name: &str, payload: &T) -> Result<Option<Json>> {
    let json = to_json(name, payload)?;
    if &*json == "null" { Err(semantics::null_payload(name)) } else { stored::<T>(name, json) }
}

/// Returns the session with payloads of the client's types.
pub(super) fn typed<U: Payload, D: Payload>(mut session: SessionV1<Json, Json>) -> Result<SessionV1<U, D>> {
    let (user, data) = (from_json(session.user.take())?, from_json(session.data.take())?);
    Ok(session.with_payloads(user, data))
}

fn to_json<T: Payload>(name: &str, payload: &T) -> Result<Json> {
    serde_json::to_string(payload).map(Into::into).map_err(|_| {
        let why = "cannot be written as JSON: its `Serialize` returns an error, \
                   or a map has keys that are not strings";
        invalid(name, why)
    })
}

/// Returns `None` for a falsy value, and checks that others can be read back.
fn stored<T: Payload>(name: &str, json: Json) -> Result<Option<Json>> {
    if semantics::is_falsy(json.as_bytes()) {
        return Ok(None);
    }
    // serde's message could quote the value, which may be private.
    let why = "cannot be read back from its JSON: its `Deserialize` returns an error";
    serde_json::from_str::<T>(&json).map_err(|_| invalid(name, why))?;
    Ok(Some(json))
}

fn invalid(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Encode, format!("the argument `{name}` {why}"))
}

fn from_json<T: Payload>(json: Option<Json>) -> Result<Option<T>> {
    let read = json.map(|json| serde_json::from_str(&json)).transpose();
    read.map_err(|_| Error::new(ErrorKind::Decode, "a stored payload cannot be read back"))
}
