//! A stored session: its JSON, and the state that filters need.
//!
//! The store never looks into payloads, and their JSON takes a tenth of the memory of their values. The most
//! frequent responses, a session or a page of them, are one or two copies for each session. With many
//! sessions the cost is cache misses: separate strings would be a miss each.

use crate::value::{Value, write_string};
use pip_services::timestamp::{Timestamp, with_str};
use sessions_client::semantics::{self, State};
use uuid::Uuid;
use wiretrait::Result;

/// The initial size of a payload's buffer, which fits most payloads.
const INITIAL_PAYLOAD: usize = 128;

/// A payload as JSON.
pub(crate) struct Payload(Vec<u8>);

impl Payload {
    pub(crate) fn new(value: &Value) -> Self {
        let mut json = Vec::with_capacity(INITIAL_PAYLOAD);
        value.write(&mut json);
        Self(json)
    }

    /// Returns the payload that is the required argument `name`.
    ///
    /// # Errors
    ///
    /// When it is null.
    pub(crate) fn required(name: &str, value: Option<&Value>) -> Result<Self> {
        value.map(Self::new).ok_or_else(|| semantics::null_payload(name))
    }

    /// Returns the JSON that the service stores, which is `null` for a falsy payload.
    fn stored(&self) -> &[u8] {
        if semantics::is_falsy(&self.0) { NULL } else { &self.0 }
    }
}

/// A change of a session.
pub(crate) enum Change {
    User(Payload),
    Data(Payload),
    /// Closes the session and removes its payloads.
    Close,
}

pub(super) struct StoredSession {
    /// The session as a response.
    json: Box<[u8]>,
    offsets: Offsets,
    state: State,
}

/// The offsets of the parts of the JSON. `id`, `user_id` and `user_name` come before the first one.
#[derive(Clone, Copy, Default)]
struct Offsets {
    /// `active`, `open_time` and `request_time`.
    state: usize,
    /// `address` and `client`, which never change.
    origin: usize,
    user: usize,
    data: usize,
    /// `close_time`, if any, and the closing brace.
    end: usize,
}

impl StoredSession {
    /// Creates a session that is opened at `now` and has no id yet.
    pub(super) fn new(
        user_id: Option<&str>,
        [user_name, address, client]: [Option<&str>; 3],
        [user, data]: [Option<&Payload>; 2],
        now: Timestamp,
    ) -> Self {
        let state = State::opened(now);
        let payloads = [user, data].map(|payload| payload.map_or(NULL, Payload::stored));
        let strings = [user_id, user_name, address, client];
        let lengths = strings.map(|string| string.map_or(NULL.len(), |string| string.len() + 2));
        let mut writer = Writer::new(STRING_KEYS + lengths.iter().sum::<usize>(), state, payloads);
        writer.unescaped(ID, NIL_ID);
        writer.string(b",\"user_id\":", user_id);
        writer.string(b",\"user_name\":", user_name);
        writer.state();
        writer.string(b",\"address\":", address);
        writer.string(b",\"client\":", client);
        writer.finish()
    }

    /// Sets the id of a new session.
    pub(super) fn set_id(&mut self, id: Uuid) {
        id.simple().encode_lower(&mut self.json[ID.len()..]);
    }

    /// Changes the session at `now`, or at the time of its last change if the clock has been set back since.
    pub(super) fn change(&mut self, change: &Change, now: Timestamp) {
        let Self { json, offsets, state } = self;
        let mut state = state.changed(now);
        let mut user = &json[offsets.user + USER.len()..offsets.data];
        let mut data = &json[offsets.data + DATA.len()..offsets.end];
        match change {
            Change::User(payload) => user = payload.stored(),
            Change::Data(payload) => data = payload.stored(),
            Change::Close => {
                state = state.closed(now);
                (user, data) = (NULL, NULL);
            }
        }
        let (identity, origin) = (&json[..offsets.state], &json[offsets.origin..offsets.user]);
        let mut writer = Writer::new(identity.len() + origin.len(), state, [user, data]);
        writer.json.extend_from_slice(identity);
        writer.state();
        writer.json.extend_from_slice(origin);
        *self = writer.finish();
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Returns the JSON of the session as a response.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(super) fn into_json(self) -> Box<[u8]> {
        self.json
    }

    /// Writes the session as an item of a list, which has no payloads.
    pub(super) fn write_listed(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(&self.json[..self.offsets.user]);
        json.extend_from_slice(&self.json[self.offsets.end..]);
    }
}

const ID: &[u8] = b"{\"id\":\"";
const USER: &[u8] = b",\"user\":";
const DATA: &[u8] = b",\"data\":";
const NULL: &[u8] = b"null";

/// The placeholder for an id.
const NIL_ID: &str = "00000000000000000000000000000000";

// The lengths of the parts if nothing has to be escaped, so that buffers have the right size.

/// The id and the keys of the strings.
const STRING_KEYS: usize = ID.len() + NIL_ID.len() + "','user_id':,'user_name':,'address':,'client':".len();
const TIME: usize = "'2026-11-23T02:10:20.820Z'".len();
const STATE: usize = ",'active':false,'open_time':,'request_time':".len() + 2 * TIME;
const CLOSE_TIME: usize = ",'close_time':".len() + TIME;

/// A writer of a session's JSON. It does not search keys for characters to escape, which would be a third of
/// the cost.
struct Writer<'p> {
    json: Vec<u8>,
    offsets: Offsets,
    state: State,
    user: &'p [u8],
    data: &'p [u8],
}

impl<'p> Writer<'p> {
    /// Creates a writer for a session that has `strings` bytes in addition to its state and payloads.
    fn new(strings: usize, state: State, [user, data]: [&'p [u8]; 2]) -> Self {
        let payloads = USER.len() + user.len() + DATA.len() + data.len();
        let state_length = STATE + if state.close_time.is_some() { CLOSE_TIME } else { 0 };
        let json = Vec::with_capacity(strings + state_length + payloads + "}".len());
        Self { json, offsets: Offsets::default(), state, user, data }
    }

    fn string(&mut self, key: &[u8], string: Option<&str>) {
        self.json.extend_from_slice(key);
        match string {
            Some(string) => write_string(string, &mut self.json),
            None => self.json.extend_from_slice(NULL),
        }
    }

    /// Writes a string without characters to escape. `key` ends with the opening quote.
    fn unescaped(&mut self, key: &[u8], string: &str) {
        self.json.extend_from_slice(key);
        self.json.extend_from_slice(string.as_bytes());
        self.json.push(b'"');
    }

    fn time(&mut self, key: &[u8], time: &Timestamp) {
        with_str(time, |string| self.unescaped(key, string));
    }

    /// Writes the state without `close_time`, which comes last.
    fn state(&mut self) {
        let State { active, open_time, request_time, .. } = self.state;
        self.offsets.state = self.json.len();
        let active: &[u8] = if active { b",\"active\":true" } else { b",\"active\":false" };
        self.json.extend_from_slice(active);
        self.time(b",\"open_time\":\"", &open_time);
        self.time(b",\"request_time\":\"", &request_time);
        self.offsets.origin = self.json.len();
    }

    /// Writes the payloads and `close_time`.
    fn finish(mut self) -> StoredSession {
        self.offsets.user = self.json.len();
        self.json.extend_from_slice(USER);
        self.json.extend_from_slice(self.user);
        self.offsets.data = self.json.len();
        self.json.extend_from_slice(DATA);
        self.json.extend_from_slice(self.data);
        self.offsets.end = self.json.len();
        if let Some(close_time) = self.state.close_time {
            self.time(b",\"close_time\":\"", &close_time);
        }
        self.json.push(b'}');
        StoredSession { json: self.json.into(), offsets: self.offsets, state: self.state }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Payload, StoredSession};
    use crate::store::ids::new_id;
    use crate::value::Value;
    use chrono::{DateTime, TimeDelta};
    use serde::Serialize;
    use serde_json::json;
    use sessions_client::{ListedSession, SessionV1};

    fn utf8(json: impl Into<Vec<u8>>) -> String {
        String::from_utf8(json.into()).unwrap()
    }

    fn to_json(value: &impl Serialize) -> String {
        utf8(serde_json::to_vec(value).unwrap())
    }

    fn payload(value: &serde_json::Value) -> Payload {
        Payload::new(&serde_json::from_str::<Value>(&to_json(value)).unwrap())
    }

    /// The effect of a change on a typed session.
    type Effect<'t> = &'t dyn Fn(&mut SessionV1);

    #[test]
    fn the_json_is_that_of_the_typed_session_also_after_changes() {
        let cart = json!({ "cart": ["b\u{e9}\"k", 1, 0.5] });
        let other = json!(",\"data\":null,\"user\":");
        let falsy = || payload(&json!(false));
        for (opened_with, open_time) in [
            (None, DateTime::UNIX_EPOCH),
            (Some(cart.clone()), DateTime::UNIX_EPOCH),
            (Some(cart), DateTime::from_timestamp(253_402_300_800, 0).unwrap()),
        ] {
            let id = new_id(0);
            let mut session = SessionV1::new(id.simple().to_string(), open_time);
            session.user_id = Some("\"1\"\n".to_owned());
            session.user_name = Some("\u{e9}".to_owned());
            session.address = Some("\\".to_owned());
            (session.user, session.data) = (opened_with.clone(), opened_with);
            let payloads = [&session.user, &session.data].map(|value| value.as_ref().map(payload));
            let SessionV1 { user_id, user_name, address, client, .. } = &session;
            let strings = [user_name, address, client].map(Option::as_deref);
            let payloads = payloads.each_ref().map(Option::as_ref);
            let mut stored = StoredSession::new(user_id.as_deref(), strings, payloads, open_time);
            stored.set_id(id);
            let changes: [(Change, Effect<'_>); 6] = [
                (Change::User(payload(&other)), &|session| session.user = Some(other.clone())),
                (Change::Data(payload(&other)), &|session| session.data = Some(other.clone())),
                (Change::User(falsy()), &|session| session.user = None),
                (Change::Close, &|session| {
                    (session.active, session.user, session.data) = (false, None, None);
                    session.close_time = Some(session.request_time);
                }),
                (Change::Data(payload(&other)), &|session| session.data = Some(other.clone())),
                (Change::Data(falsy()), &|session| session.data = None),
            ];
            for (change, expect) in changes {
                assert_eq!(utf8(stored.json()), to_json(&session));
                let mut listed = Vec::new();
                stored.write_listed(&mut listed);
                let mut without_payloads = session.clone();
                (without_payloads.user, without_payloads.data) = (None, None);
                assert_eq!(utf8(listed), to_json(&ListedSession(&without_payloads)));
                session.request_time += TimeDelta::milliseconds(1);
                expect(&mut session);
                stored.change(&change, session.request_time);
                assert_eq!(utf8(stored.json()), to_json(&session));
            }
        }
    }
}
