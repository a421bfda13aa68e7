//! What travels: the same requests and answers for every client, and the types that one writes for them by hand.

pub(crate) use crate::by_hand::{OpenSession, Page, Session};
use bytes::Bytes;
use clap::ValueEnum;
use serde::Serialize;
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
