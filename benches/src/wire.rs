//! The requests and responses of all clients, and the hand-written types for them.

pub(crate) use crate::by_hand::{OpenSession, Page, Session};
use bytes::Bytes;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;

/// A measured operation of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// Sends one session and receives one.
    OpenSession,
    /// Receives a page of 100 sessions.
    GetSessions,
}

impl Operation {
    pub(crate) const ALL: [Self; 2] = [Self::OpenSession, Self::GetSessions];

    /// Returns the number of sessions in a response.
    pub(crate) fn sessions(self) -> usize {
        match self {
            Self::OpenSession => 1,
            Self::GetSessions => PAGE,
        }
    }

    /// Returns the path of the request.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenSession => "/v1/sessions/open_session",
            Self::GetSessions => "/v1/sessions/get_sessions",
        }
    }

    /// Returns the body of the request.
    pub(crate) fn body(self, data: &Value) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::OpenSession => serde_json::to_vec(&OpenSession::new(data)),
            Self::GetSessions => serde_json::to_vec(&GetSessions::new()),
        }
    }

    /// Decodes a response with the hand-written types, and returns the number of sessions.
    pub(crate) fn read(self, body: &[u8]) -> anyhow::Result<usize> {
        Ok(match self {
            Self::OpenSession => usize::from(!serde_json::from_slice::<Session>(body)?.id.is_empty()),
            Self::GetSessions => serde_json::from_slice::<Page>(body)?.data.len(),
        })
    }

    /// Returns the body of the response.
    pub(crate) fn response(self) -> Bytes {
        let response = match self {
            Self::OpenSession => session(true),
            Self::GetSessions => json!({ "total": null, "data": vec![session(false); PAGE] }),
        };
        response.to_string().into()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path().rsplit('/').next().unwrap_or_default())
    }
}

/// The number of sessions in a page.
pub(crate) const PAGE: usize = 100;

/// The arguments of all calls.
pub(crate) const USER_ID: &str = "user-1";
pub(crate) const USER_NAME: &str = "User 1";
pub(crate) const ADDRESS: &str = "127.0.0.1";
pub(crate) const CLIENT: &str = "bench";

/// The payload of the session that is opened.
pub(crate) fn data() -> Value {
    json!({ "cart": ["book", "pen"] })
}

/// Returns a session as encoded by the real service, which omits payloads from lists.
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

/// The hand-written request of `get_sessions`.
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
