//! A session as it is kept: as its JSON, and beside it what filters ask for.
//!
//! Nobody looks into payloads here, and their JSON takes a tenth of the memory that their values take. What is answered
//! most, a session or a page of them, is copied from where it lies, in one piece or two. Where there are many sessions,
//! what costs is memory that no cache holds: texts of their own would be a miss each.

use crate::data::{Timestamp, with_text};
use crate::error::{Error, Result};
use crate::runtime::{UNWRITABLE, to_json, validation_error, write_always};
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Simple;

/// A payload as JSON.
pub(crate) struct Json(Vec<u8>);

impl Json {
    /// Writes the payload that is the argument `name`.
    pub(super) fn of(name: &str, payload: &impl Serialize) -> Result<Self> {
        to_json(payload).map(Self).map_err(|_| Error::argument(name, UNWRITABLE))
    }

    /// The same for a payload that must be there: the service refuses `null`, in these words.
    fn required(name: &str, payload: &impl Serialize) -> Result<Self> {
        let json = Self::of(name, payload)?;
        if json.0 == NONE {
            let error = validation_error(&[format!("{name} must not be null")]);
            return Err(Error::from_service(StatusCode::BAD_REQUEST, error));
        }
        Ok(json)
    }

    /// The payload as it is kept: none, where JavaScript takes it for `false`.
    fn kept(&self) -> &[u8] {
        match &self.0[..] {
            b"false" | b"0" | b"-0" | b"0.0" | b"-0.0" | b"\"\"" => NONE,
            json => json,
        }
    }
}

/// What is done to a session that is there.
pub(crate) enum Change {
    User(Json),
    Data(Json),
    /// It is closed, and has no payloads until it gets others.
    Close,
}

impl Change {
    pub(crate) fn user(user: &impl Serialize) -> Result<Self> {
        Json::required("user", user).map(Self::User)
    }

    pub(crate) fn data(data: &impl Serialize) -> Result<Self> {
        Json::required("data", data).map(Self::Data)
    }
}

pub(super) struct Kept {
    user_id: Option<String>,
    written: Written,
}

/// A session as it stands by itself.
struct Written {
    json: Box<[u8]>,
    places: Places,
    state: State,
}

/// Where in the JSON there begins what may change.
#[derive(Clone, Copy, Default)]
struct Places {
    state: usize,
    /// `address` and `client`, which do not change.
    origin: usize,
    user: usize,
    data: usize,
    /// What is behind the payloads.
    end: usize,
}

#[derive(Clone, Copy)]
struct State {
    active: bool,
    open_time: Timestamp,
    request_time: Timestamp,
    close_time: Option<Timestamp>,
}

impl Kept {
    /// A session that is opened at `now`.
    pub(super) fn opened(
        id: Uuid,
        [user_id, user_name, address, client]: [Option<String>; 4],
        [user, data]: [Option<Json>; 2],
        now: Timestamp,
    ) -> Self {
        let state = State { active: true, open_time: now, request_time: now, close_time: None };
        let [user, data] = [&user, &data].map(|payload| payload.as_ref().map_or(NONE, Json::kept));
        let texts = [&user_id, &user_name, &address, &client];
        let lengths = texts.map(|text| text.as_ref().map_or(NONE.len(), |text| text.len() + 2));
        let length = LENGTH + lengths.iter().sum::<usize>() + user.len() + data.len();
        let mut draft = Draft::with_capacity(length);
        let id = id.simple();
        draft.plain(b"{\"id\":\"", id.encode_lower(&mut [0; Simple::LENGTH]));
        draft.text(b",\"user_id\":", user_id.as_deref());
        draft.text(b",\"user_name\":", user_name.as_deref());
        draft.state(&state);
        draft.text(b",\"address\":", address.as_deref());
        draft.text(b",\"client\":", client.as_deref());
        Self { user_id, written: draft.finish(user, data, state) }
    }

    /// Changes the session at `now`, and returns what `look` makes of its JSON. What `look` refuses is not done.
    pub(super) fn change<T, E>(
        &mut self,
        change: &Change,
        now: Timestamp,
        look: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<T, E> {
        let Written { json, places, state } = &self.written;
        let mut state = State { request_time: now, ..*state };
        let mut user = &json[places.user + USER.len()..places.data];
        let mut data = &json[places.data + DATA.len()..places.end];
        match change {
            Change::User(json) => user = json.kept(),
            Change::Data(json) => data = json.kept(),
            Change::Close => {
                (state.active, state.close_time) = (false, Some(now));
                (user, data) = (NONE, NONE);
            }
        }
        let mut draft = Draft::with_capacity(json.len() + user.len() + data.len());
        draft.json.extend_from_slice(&json[..places.state]);
        draft.state(&state);
        draft.json.extend_from_slice(&json[places.origin..places.user]);
        let written = draft.finish(user, data, state);
        let seen = look(&written.json)?;
        self.written = written;
        Ok(seen)
    }

    pub(super) fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    pub(super) fn is_active(&self) -> bool {
        self.written.state.active
    }

    /// When the session was last changed.
    pub(super) fn request_time(&self) -> Timestamp {
        self.written.state.request_time
    }

    /// The session as it stands by itself.
    pub(super) fn json(&self) -> &[u8] {
        &self.written.json
    }

    /// Writes the session as it stands in a list.
    pub(super) fn write_listed(&self, to: &mut Vec<u8>) {
        let Written { json, places, .. } = &self.written;
        to.extend_from_slice(&json[..places.user]);
        to.extend_from_slice(&json[places.end..]);
    }
}

const USER: &[u8] = b",\"user\":";
const DATA: &[u8] = b",\"data\":";
const NONE: &[u8] = b"null";

/// How long a session is, texts and payloads aside, that was just opened. Where nothing has to be escaped it is exact, so that
/// no buffer is too large for what is kept.
const LENGTH: usize = "{'id':'01234567890123456789012345678901','user_id':,'user_name':,'active':true,\
    'open_time':'2026-11-23T02:10:20.820Z','request_time':'2026-11-23T02:10:20.820Z','address':,'client':,\
    'user':,'data':}"
    .len();

/// A session that is being written. Keys are written as they are: to search them for what has to be escaped would be a third
/// of what it costs.
struct Draft {
    json: Vec<u8>,
    places: Places,
}

impl Draft {
    fn with_capacity(capacity: usize) -> Self {
        Self { json: Vec::with_capacity(capacity), places: Places::default() }
    }

    fn text(&mut self, key: &[u8], text: Option<&str>) {
        self.json.extend_from_slice(key);
        write_always(&mut self.json, &text);
    }

    /// Writes a text that has nothing to escape. Its first quote belongs to the key.
    fn plain(&mut self, key: &[u8], text: &str) {
        self.json.extend_from_slice(key);
        self.json.extend_from_slice(text.as_bytes());
        self.json.push(b'"');
    }

    fn time(&mut self, key: &[u8], time: &Timestamp) {
        with_text(time, |text| self.plain(key, text));
    }

    fn state(&mut self, state: &State) {
        self.places.state = self.json.len();
        let active: &[u8] = if state.active { b",\"active\":true" } else { b",\"active\":false" };
        self.json.extend_from_slice(active);
        self.time(b",\"open_time\":\"", &state.open_time);
        self.time(b",\"request_time\":\"", &state.request_time);
        self.places.origin = self.json.len();
    }

    /// Writes what comes last: payloads, and when it was closed.
    fn finish(mut self, user: &[u8], data: &[u8], state: State) -> Written {
        self.places.user = self.json.len();
        self.json.extend_from_slice(USER);
        self.json.extend_from_slice(user);
        self.places.data = self.json.len();
        self.json.extend_from_slice(DATA);
        self.json.extend_from_slice(data);
        self.places.end = self.json.len();
        if let Some(close_time) = &state.close_time {
            self.time(b",\"close_time\":\"", close_time);
        }
        self.json.push(b'}');
        Written { json: self.json.into(), places: self.places, state }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Json, Kept};
    use crate::client::ids::{random_id, written};
    use crate::data::{DataPage, SessionV1};
    use crate::runtime::to_json;
    use chrono::{DateTime, TimeDelta};
    use serde_json::{Value, json};

    fn text(json: impl Into<Vec<u8>>) -> String {
        String::from_utf8(json.into()).unwrap()
    }

    /// The JSON of the session, by itself and as it stands in a list.
    fn expected(session: &SessionV1) -> (String, String) {
        let listed = SessionV1 { user: None, data: None, ..session.clone() };
        let page = text(to_json(&DataPage::new(vec![listed], None)).unwrap());
        let (_, listed) = page.split_once('[').unwrap();
        (text(to_json(session).unwrap()), listed.strip_suffix("]}").unwrap().to_owned())
    }

    /// What a change does to a session.
    type Effect<'t> = &'t dyn Fn(&mut SessionV1);

    fn json_of(payload: &Value) -> Json {
        Json::of("", payload).unwrap()
    }

    #[test]
    fn what_is_written_is_the_session_also_after_changes() {
        let payload = json!({ "cart": ["b\u{e9}\"k", 1, 0.5] });
        let other = json!(",\"data\":null,\"user\":");
        let nothing = || json_of(&json!(false));
        for (payload, open_time) in [
            (None, DateTime::UNIX_EPOCH),
            (Some(payload.clone()), DateTime::UNIX_EPOCH),
            (Some(payload), DateTime::from_timestamp(253_402_300_800, 0).unwrap()),
        ] {
            let id = random_id();
            let mut session = SessionV1 {
                user_id: Some("\"1\"\n".to_owned()),
                user_name: Some("\u{e9}".to_owned()),
                address: Some("\\".to_owned()),
                user: payload.clone(),
                data: payload,
                ..SessionV1::new(written(id), open_time)
            };
            let SessionV1 { user_id, user_name, address, client, .. } = session.clone();
            let payloads = [&session.user, &session.data].map(|payload| payload.as_ref().map(json_of));
            let mut kept = Kept::opened(id, [user_id, user_name, address, client], payloads, open_time);
            let changes: [(Change, Effect<'_>); 6] = [
                (Change::User(json_of(&other)), &|session| session.user = Some(other.clone())),
                (Change::Data(json_of(&other)), &|session| session.data = Some(other.clone())),
                (Change::User(nothing()), &|session| session.user = None),
                (Change::Close, &|session| {
                    (session.active, session.user, session.data) = (false, None, None);
                    session.close_time = Some(session.request_time);
                }),
                (Change::Data(json_of(&other)), &|session| session.data = Some(other.clone())),
                (Change::Data(nothing()), &|session| session.data = None),
            ];
            for (change, expect) in changes {
                let (by_itself, listed) = expected(&session);
                assert_eq!(text(kept.json()), by_itself);
                let mut json = Vec::new();
                kept.write_listed(&mut json);
                assert_eq!(text(json), listed);
                session.request_time += TimeDelta::milliseconds(1);
                expect(&mut session);
                let seen = kept.change(&change, session.request_time, |json| Ok::<_, ()>(text(json)));
                assert_eq!(seen, Ok(expected(&session).0));
            }
        }
    }
}
