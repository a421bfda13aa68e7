//! Hand-written wire types, with which the benches and `sessions-bench` compare the generated ones.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The request of `open_session`.
#[derive(Serialize)]
pub(crate) struct OpenSession<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) address: Option<&'a str>,
    pub(crate) client: Option<&'a str>,
    pub(crate) user: Option<&'a Value>,
    pub(crate) data: Option<&'a Value>,
}

/// A session: owned strings, and times through chrono's serde.
#[derive(Deserialize, Serialize)]
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

/// A page of sessions.
#[derive(Deserialize, Serialize)]
pub(crate) struct Page {
    total: Option<u64>,
    pub(crate) data: Vec<Session>,
}
