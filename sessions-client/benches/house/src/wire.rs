//! What travels: the same requests and answers for every client, and the types that one writes for them by hand.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// An operation of the service that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// One session is sent and one comes back.
    OpenSession,
    /// A page of 100 sessions comes back.
    GetSessions,
}

impl Operation {
    pub(crate) const ALL: [Self; 2] = [Self::OpenSession, Self::GetSessions];

    /// How many sessions an answer has.
    pub(crate) fn sessions(self) -> usize {
        match self {
            Self::OpenSession => 1,
            Self::GetSessions => PAGE,
        }
    }

    /// The path of its request.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenSession => "/v1/sessions/open_session",
            Self::GetSessions => "/v1/sessions/get_sessions",
        }
    }

    /// The body of its request.
    pub(crate) fn body(self, data: &Value) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::OpenSession => serde_json::to_vec(&OpenSession::new(data)),
            Self::GetSessions => serde_json::to_vec(&GetSessions::new()),
        }
    }

    /// Reads an answer by hand, and returns how many sessions it has.
    pub(crate) fn read(self, body: &[u8]) -> anyhow::Result<usize> {
        Ok(match self {
            Self::OpenSession => usize::from(!serde_json::from_slice::<Session>(body)?.id.is_empty()),
            Self::GetSessions => serde_json::from_slice::<Page>(body)?.data.len(),
        })
    }

    /// The body of its answer.
    pub(crate) fn answer(self) -> Bytes {
        let answer = match self {
            Self::OpenSession => session(true),
            Self::GetSessions => json!({ "total": null, "data": vec![session(false); PAGE] }),
        };
        answer.to_string().into()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path().rsplit('/').next().unwrap_or_default())
    }
}

/// The sessions of a page.
pub(crate) const PAGE: usize = 100;

/// The arguments that every client is called with.
pub(crate) const USER_ID: &str = "user-1";
pub(crate) const USER_NAME: &str = "User 1";
pub(crate) const ADDRESS: &str = "127.0.0.1";
pub(crate) const CLIENT: &str = "bench";

/// The payload of the session that is opened.
pub(crate) fn data() -> Value {
    json!({ "cart": ["book", "pen"] })
}

/// A session as the Node service writes it. A list has none of the payloads.
fn session(with_payloads: bool) -> Value {
    let mut session = json!({
        "id": "8c7d473658cc487daea246328593b865", "user_id": USER_ID, "user_name": USER_NAME, "active": true,
        "open_time": "2026-11-23T02:10:20.820Z", "request_time": "2026-11-23T02:10:20.820Z",
        "address": ADDRESS, "client": CLIENT,
    });
    if with_payloads {
        session["data"] = data();
    }
    session
}

/// The request of `open_session`, by hand.
#[derive(Serialize)]
pub(crate) struct OpenSession<'a> {
    user_id: &'a str,
    user_name: Option<&'a str>,
    address: Option<&'a str>,
    client: Option<&'a str>,
    user: Option<&'a Value>,
    data: Option<&'a Value>,
}

impl<'a> OpenSession<'a> {
    pub(crate) fn new(data: &'a Value) -> Self {
        Self {
            user_id: USER_ID,
            user_name: Some(USER_NAME),
            address: Some(ADDRESS),
            client: Some(CLIENT),
            user: None,
            data: Some(data),
        }
    }
}

/// The request of `get_sessions`, by hand.
#[derive(Serialize)]
pub(crate) struct GetSessions {
    filter: Option<Value>,
    paging: Option<Value>,
}

impl GetSessions {
    pub(crate) fn new() -> Self {
        Self { filter: None, paging: None }
    }
}

/// A session, by hand: owned strings, and times through chrono's serde.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is what is measured")]
pub(crate) struct Session {
    pub(crate) id: String,
    user_id: Option<String>,
    user_name: Option<String>,
    active: bool,
    open_time: DateTime<Utc>,
    request_time: DateTime<Utc>,
    close_time: Option<DateTime<Utc>>,
    address: Option<String>,
    client: Option<String>,
    user: Option<Value>,
    data: Option<Value>,
}

/// A page of sessions, by hand.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is what is measured")]
pub(crate) struct Page {
    total: Option<u64>,
    pub(crate) data: Vec<Session>,
}
