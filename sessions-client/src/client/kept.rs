//! A session as it is kept: payloads as their JSON, and the beginning of its own.
//!
//! Payloads are the greater part of most sessions, and their JSON takes a tenth of the memory that their values take;
//! nobody looks into them here. A list of a hundred sessions is mostly what was in the last one. So what a session has in
//! common there and elsewhere is written once it is read, and again after the session was changed.

use crate::data::SessionV1;
#[cfg(feature = "server")]
use crate::data::WrittenTime;
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "server")]
use crate::runtime::write_always;
use crate::runtime::{UNWRITABLE, to_json};
use serde::{Serialize, de::DeserializeOwned};
#[cfg(feature = "server")]
use std::cell::OnceCell;

/// A payload as JSON.
pub(super) struct Json(Box<[u8]>);

impl Json {
    /// Writes the payload that is the argument `name`.
    pub(super) fn of(name: &str, payload: &impl Serialize) -> Result<Self> {
        match to_json(payload) {
            Ok(json) => Ok(Self(json[..].into())),
            Err(_) => Err(Error::argument(name, UNWRITABLE)),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        *self.0 == *b"null"
    }

    /// Whether JavaScript takes it for `false`.
    pub(super) fn is_falsy(&self) -> bool {
        matches!(&*self.0, b"null" | b"false" | b"0" | b"-0" | b"0.0" | b"-0.0" | b"\"\"")
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_slice(&self.0).map_err(|_| {
            let message = format!("the `{name}` of the session cannot be read back from its own JSON");
            Error::new(ErrorKind::Decode, message)
        })
    }
}

pub(super) struct Kept {
    session: SessionV1<Json, Json>,
    /// The JSON of the session up to its payloads, if somebody has read it.
    #[cfg(feature = "server")]
    head: OnceCell<Box<[u8]>>,
}

impl Kept {
    pub(super) fn new(session: SessionV1<Json, Json>) -> Self {
        Self {
            session,
            #[cfg(feature = "server")]
            head: OnceCell::new(),
        }
    }

    pub(super) fn session(&self) -> &SessionV1<Json, Json> {
        &self.session
    }

    /// The session, to be changed.
    pub(super) fn session_mut(&mut self) -> &mut SessionV1<Json, Json> {
        #[cfg(feature = "server")]
        self.head.take();
        &mut self.session
    }

    /// The session as it stands by itself.
    pub(super) fn read<U: DeserializeOwned, D: DeserializeOwned>(&self) -> Result<SessionV1<U, D>> {
        let SessionV1 { user, data, .. } = &self.session;
        let user = user.as_ref().map(|user| user.read("user")).transpose()?;
        let data = data.as_ref().map(|data| data.read("data")).transpose()?;
        Ok(SessionV1 { user, data, ..self.read_listed() })
    }

    /// The session as it stands in a list.
    pub(super) fn read_listed<U, D>(&self) -> SessionV1<U, D> {
        let session = &self.session;
        SessionV1 {
            user_id: session.user_id.clone(),
            user_name: session.user_name.clone(),
            active: session.active,
            request_time: session.request_time,
            close_time: session.close_time,
            address: session.address.clone(),
            client: session.client.clone(),
            ..SessionV1::new(session.id.clone(), session.open_time)
        }
    }
}

/// The same, written.
#[cfg(feature = "server")]
impl Kept {
    pub(super) fn write(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(self.head());
        self.write_rest(json);
    }

    pub(super) fn write_listed(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(self.head());
        self.write_tail(json);
    }

    /// Writes a session that was just opened. Perhaps nobody will read it again, so that nothing is kept of it.
    pub(super) fn write_opened(&self, json: &mut Vec<u8>) {
        self.write_head(json);
        self.write_rest(json);
    }

    fn head(&self) -> &[u8] {
        self.head.get_or_init(|| {
            let mut head = Vec::with_capacity(256);
            self.write_head(&mut head);
            head.into()
        })
    }

    fn write_head(&self, json: &mut Vec<u8>) {
        let SessionV1 { id, user_id, user_name, active, open_time, request_time, address, client, .. } =
            &self.session;
        write_member(json, b"{\"id\":", id);
        write_member(json, b",\"user_id\":", user_id);
        write_member(json, b",\"user_name\":", user_name);
        write_member(json, b",\"active\":", active);
        write_member(json, b",\"open_time\":", &WrittenTime(open_time));
        write_member(json, b",\"request_time\":", &WrittenTime(request_time));
        write_member(json, b",\"address\":", address);
        write_member(json, b",\"client\":", client);
    }

    fn write_rest(&self, json: &mut Vec<u8>) {
        let SessionV1 { user, data, .. } = &self.session;
        for (key, payload) in [(&b",\"user\":"[..], user), (b",\"data\":", data)] {
            json.extend_from_slice(key);
            json.extend_from_slice(payload.as_ref().map_or(b"null", |payload| &payload.0));
        }
        self.write_tail(json);
    }

    fn write_tail(&self, json: &mut Vec<u8>) {
        if let Some(close_time) = &self.session.close_time {
            write_member(json, b",\"close_time\":", &WrittenTime(close_time));
        }
        json.push(b'}');
    }
}

/// Writes a value behind its key. To search keys for what has to be escaped would be a third of what it costs to write a
/// session.
#[cfg(feature = "server")]
fn write_member(json: &mut Vec<u8>, key: &[u8], value: &impl Serialize) {
    json.extend_from_slice(key);
    write_always(json, value);
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::{Json, Kept};
    use crate::data::{DataPage, SessionV1};
    use crate::runtime::to_json;
    use chrono::{DateTime, TimeDelta};
    use serde_json::{Value, json};

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut json = Vec::new();
        write(&mut json);
        String::from_utf8(json).unwrap()
    }

    /// The JSON of the session that is read, by itself and as it stands in a list.
    fn expected(kept: &Kept) -> (String, String) {
        let session: SessionV1 = kept.read().unwrap();
        let page = DataPage::new(vec![kept.read_listed::<Value, Value>()], None);
        let json = |json: Vec<u8>| String::from_utf8(json).unwrap();
        let page = json(to_json(&page).unwrap());
        let (_, listed) = page.split_once('[').unwrap();
        (json(to_json(&session).unwrap()), listed.strip_suffix("]}").unwrap().to_owned())
    }

    #[test]
    fn what_is_written_is_what_is_read_also_after_a_change() {
        for payload in [None, Some(json!({ "cart": ["b\u{e9}\"k", 1, 0.5] }))] {
            let data = || payload.as_ref().map(|data| Json::of("data", data).unwrap());
            let mut kept = Kept::new(SessionV1 {
                id: "1".to_owned(),
                user_id: Some("\"1\"\n".to_owned()),
                user_name: Some("\u{e9}".to_owned()),
                active: true,
                open_time: DateTime::UNIX_EPOCH,
                request_time: DateTime::UNIX_EPOCH + TimeDelta::seconds(1),
                close_time: None,
                address: Some("\\".to_owned()),
                client: None,
                user: data(),
                data: data(),
            });
            assert_eq!(text(|json| kept.write_opened(json)), expected(&kept).0);
            for close_time in [None, Some(DateTime::UNIX_EPOCH)] {
                let session = kept.session_mut();
                (session.active, session.close_time) = (close_time.is_none(), close_time);
                for _ in ["new", "kept"] {
                    assert_eq!(text(|json| kept.write(json)), expected(&kept).0);
                    assert_eq!(text(|json| kept.write_listed(json)), expected(&kept).1);
                }
            }
        }
    }
}
