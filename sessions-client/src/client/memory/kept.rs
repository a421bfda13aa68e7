//! A session as it is kept: as its JSON, and beside it what filters ask for.
//!
//! Nobody looks into payloads here, and their JSON takes a tenth of the memory that their values take. What is answered
//! most, a session or a page of them, is copied from where it lies, in one piece or two. Where there are many sessions,
//! what costs is memory that no cache holds: texts of their own would be a miss each.

use crate::data::{Timestamp, with_text};
use crate::error::{Error, Result};
use crate::runtime::{Payload, UNWRITABLE, check_payload, to_json, validation_error, write_always};
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

/// A payload as JSON.
pub(crate) struct Json {
    name: &'static str,
    json: Vec<u8>,
}

impl Json {
    /// Writes the payload that is the argument `name`, and sees to it that it can be read again.
    pub(crate) fn of<T: Payload>(name: &'static str, payload: &T) -> Result<Self> {
        let written = Self::written(name, payload)?;
        if written.kept() != NONE {
            check_payload::<T>(&written.json).map_err(|why| Error::argument(name, why))?;
        }
        Ok(written)
    }

    /// The same for one of which that is known.
    pub(crate) fn written(name: &'static str, payload: &impl Serialize) -> Result<Self> {
        let json = to_json(payload).map_err(|_| Error::argument(name, UNWRITABLE))?;
        Ok(Self { name, json })
    }

    /// For a payload that must be there: the service refuses `null`, in these words.
    pub(crate) fn required(self) -> Result<Self> {
        if self.json == NONE {
            let error = validation_error(&[format!("{} must not be null", self.name)]);
            return Err(Error::from_service(StatusCode::BAD_REQUEST, error));
        }
        Ok(self)
    }

    /// The payload as it is kept: none, where JavaScript takes it for `false`.
    fn kept(&self) -> &[u8] {
        match &self.json[..] {
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

pub(super) struct Kept {
    /// The session as it stands by itself.
    json: Box<[u8]>,
    places: Places,
    state: State,
}

/// Where in the JSON pieces begin. What does not change lies between what may.
#[derive(Clone, Copy, Default)]
struct Places {
    state: usize,
    /// `address` and `client`.
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
    /// A session that is opened at `now`, and has no id yet.
    pub(super) fn opened(
        user_id: Option<&str>,
        [user_name, address, client]: [Option<&str>; 3],
        [user, data]: [Option<&Json>; 2],
        now: Timestamp,
    ) -> Self {
        let state = State { active: true, open_time: now, request_time: now, close_time: None };
        let payloads = [user, data].map(|payload| payload.map_or(NONE, Json::kept));
        let texts = [user_id, user_name, address, client];
        let lengths = texts.map(|text| text.map_or(NONE.len(), |text| text.len() + 2));
        let mut draft = Draft::new(TEXTS + lengths.iter().sum::<usize>(), state, payloads);
        draft.plain(ID, NO_ID);
        draft.text(b",\"user_id\":", user_id);
        draft.text(b",\"user_name\":", user_name);
        draft.state();
        draft.text(b",\"address\":", address);
        draft.text(b",\"client\":", client);
        draft.finish()
    }

    pub(super) fn set_id(&mut self, id: Uuid) {
        id.simple().encode_lower(&mut self.json[ID.len()..]);
    }

    /// Changes the session at `now`, or at the time of its last change if the clock has stepped back since.
    pub(super) fn change(&mut self, change: &Change, now: Timestamp) {
        let Self { json, places, state } = self;
        let now = now.max(state.request_time);
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
        let (identity, origin) = (&json[..places.state], &json[places.origin..places.user]);
        let mut draft = Draft::new(identity.len() + origin.len(), state, [user, data]);
        draft.json.extend_from_slice(identity);
        draft.state();
        draft.json.extend_from_slice(origin);
        *self = draft.finish();
    }

    pub(super) fn is_active(&self) -> bool {
        self.state.active
    }

    /// When the session was last changed.
    pub(super) fn request_time(&self) -> Timestamp {
        self.state.request_time
    }

    /// The session as it stands by itself.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(super) fn into_json(self) -> Box<[u8]> {
        self.json
    }

    /// Writes the session as it stands in a list.
    pub(super) fn write_listed(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(&self.json[..self.places.user]);
        json.extend_from_slice(&self.json[self.places.end..]);
    }
}

const ID: &[u8] = b"{\"id\":\"";
const USER: &[u8] = b",\"user\":";
const DATA: &[u8] = b",\"data\":";
const NONE: &[u8] = b"null";

/// What stands where the id will be.
const NO_ID: &str = "00000000000000000000000000000000";

// How long pieces are where nothing has to be escaped, so that no buffer is too large for what is kept.

/// The texts without their values.
const TEXTS: usize = ID.len() + NO_ID.len() + "','user_id':,'user_name':,'address':,'client':".len();
const TIME: usize = "'2026-11-23T02:10:20.820Z'".len();
const STATE: usize = ",'active':false,'open_time':,'request_time':".len() + 2 * TIME;
const CLOSE_TIME: usize = ",'close_time':".len() + TIME;

/// A session that is being written. Keys are written as they are: to search them for what has to be escaped would be a third
/// of what it costs.
struct Draft<'p> {
    json: Vec<u8>,
    places: Places,
    state: State,
    user: &'p [u8],
    data: &'p [u8],
}

impl<'p> Draft<'p> {
    /// Nothing yet, of what will have `texts` bytes besides its state and its payloads.
    fn new(texts: usize, state: State, [user, data]: [&'p [u8]; 2]) -> Self {
        let of_payloads = USER.len() + user.len() + DATA.len() + data.len();
        let of_state = STATE + if state.close_time.is_some() { CLOSE_TIME } else { 0 };
        let json = Vec::with_capacity(texts + of_state + of_payloads + "}".len());
        Self { json, places: Places::default(), state, user, data }
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

    /// Writes the part of the state that every session has, between its texts.
    fn state(&mut self) {
        let State { active, open_time, request_time, .. } = self.state;
        self.places.state = self.json.len();
        let active: &[u8] = if active { b",\"active\":true" } else { b",\"active\":false" };
        self.json.extend_from_slice(active);
        self.time(b",\"open_time\":\"", &open_time);
        self.time(b",\"request_time\":\"", &request_time);
        self.places.origin = self.json.len();
    }

    /// Writes what comes last: payloads, and when it was closed.
    fn finish(mut self) -> Kept {
        self.places.user = self.json.len();
        self.json.extend_from_slice(USER);
        self.json.extend_from_slice(self.user);
        self.places.data = self.json.len();
        self.json.extend_from_slice(DATA);
        self.json.extend_from_slice(self.data);
        self.places.end = self.json.len();
        if let Some(close_time) = self.state.close_time {
            self.time(b",\"close_time\":\"", &close_time);
        }
        self.json.push(b'}');
        Kept { json: self.json.into(), places: self.places, state: self.state }
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
        Json::of("data", payload).unwrap()
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
            let payloads = [&session.user, &session.data].map(|payload| payload.as_ref().map(json_of));
            let [user_id, user_name, address, client] =
                [&session.user_id, &session.user_name, &session.address, &session.client]
                    .map(Option::as_deref);
            let texts = [user_name, address, client];
            let mut kept = Kept::opened(user_id, texts, payloads.each_ref().map(Option::as_ref), open_time);
            kept.set_id(id);
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
                kept.change(&change, session.request_time);
                assert_eq!(text(kept.json()), expected(&session).0);
            }
        }
    }
}
