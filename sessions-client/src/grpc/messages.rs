//! The messages of the service `Sessions` in package `sessions_v1`.
//!
//! An absent string is an empty one. Times are strings in ISO 8601. `user` and `data` are strings with JSON.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// The paging parameters of a list request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Paging {
    /// The number of items to skip.
    #[prost(int64, tag = "1")]
    pub skip: i64,
    /// The maximum number of items; 0 for the page size of the service.
    #[prost(int32, tag = "2")]
    pub take: i32,
    /// `true` to count the items on all pages.
    #[prost(bool, tag = "3")]
    pub total: bool,
}

/// A session.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Session {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The id of the user.
    #[prost(string, tag = "2")]
    pub user_id: String,
    /// The name of the user.
    #[prost(string, tag = "3")]
    pub user_name: String,
    /// `true` until the session is closed.
    #[prost(bool, tag = "4")]
    pub active: bool,
    /// When it was opened.
    #[prost(string, tag = "5")]
    pub open_time: String,
    /// When it was closed.
    #[prost(string, tag = "6")]
    pub close_time: String,
    /// When it was last changed.
    #[prost(string, tag = "7")]
    pub request_time: String,
    /// The address of the user.
    #[prost(string, tag = "8")]
    pub address: String,
    /// The user's client.
    #[prost(string, tag = "9")]
    pub client: String,
    /// The application's data of the user, as JSON.
    #[prost(string, tag = "11")]
    pub user: String,
    /// The application's data of the session, as JSON.
    #[prost(string, tag = "12")]
    pub data: String,
}

/// One page of a list.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SessionPage {
    /// The number of items on all pages; 0 also if they were not counted.
    #[prost(int64, tag = "1")]
    pub total: i64,
    /// The items, without `user` and `data`.
    #[prost(message, repeated, tag = "2")]
    pub data: Vec<Session>,
}

/// An error of the service. Field 8, a stack trace, is not read.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ErrorDescription {
    /// The class of the error in the language of the service.
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// The class of the error in the framework, such as `BadRequest`.
    #[prost(string, tag = "2")]
    pub category: String,
    /// The code for programs.
    #[prost(string, tag = "3")]
    pub code: String,
    /// The correlation id of the call.
    #[prost(string, tag = "4")]
    pub correlation_id: String,
    /// The status that the error has over HTTP. The Node.js service leaves it empty.
    #[prost(string, tag = "5")]
    pub status: String,
    /// The message for people.
    #[prost(string, tag = "6")]
    pub message: String,
    /// The message of the error that this one wraps.
    #[prost(string, tag = "7")]
    pub cause: String,
    /// Further information, by name. The Node.js service leaves it empty.
    #[prost(map = "string, string", tag = "9")]
    pub details: HashMap<String, String>,
}

/// The request of `get_sessions`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct SessionPageRequest {
    /// The id of the call in the logs of the service.
    #[prost(string, tag = "1")]
    pub correlation_id: String,
    /// The conditions, by name.
    #[prost(map = "string, string", tag = "2")]
    pub filter: HashMap<String, String>,
    /// The paging parameters.
    #[prost(message, optional, tag = "3")]
    pub paging: Option<Paging>,
}

/// The reply of `get_sessions`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SessionPageReply {
    /// The error, if the call has failed.
    #[prost(message, optional, tag = "1")]
    pub error: Option<ErrorDescription>,
    /// The page.
    #[prost(message, optional, tag = "2")]
    pub page: Option<SessionPage>,
}

/// The request of operations whose only argument is the id of a session.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct SessionIdRequest {
    /// The id of the call in the logs of the service.
    #[prost(string, tag = "1")]
    pub correlation_id: String,
    /// The id of the session.
    #[prost(string, tag = "2")]
    pub session_id: String,
}

/// The request of `open_session`, which can be read from the JSON of the HTTP request. The service does not distinguish
/// absent strings from empty ones.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[prost(skip_debug)]
#[serde(default)]
pub struct SessionOpenRequest {
    /// The id of the call in the logs of the service.
    #[prost(string, tag = "1")]
    #[serde(skip)]
    pub correlation_id: String,
    /// The id of the user.
    #[prost(string, optional, tag = "2")]
    pub user_id: Option<String>,
    /// The name of the user.
    #[prost(string, optional, tag = "3")]
    pub user_name: Option<String>,
    /// The address of the user.
    #[prost(string, optional, tag = "4")]
    pub address: Option<String>,
    /// The user's client.
    #[prost(string, optional, tag = "5")]
    pub client: Option<String>,
    /// The application's data of the user, as JSON.
    #[prost(string, optional, tag = "6")]
    #[serde(deserialize_with = "json")]
    pub user: Option<String>,
    /// The application's data of the session, as JSON.
    #[prost(string, optional, tag = "7")]
    #[serde(deserialize_with = "json")]
    pub data: Option<String>,
}

/// Reads a JSON value without parsing it; `null` as `None`.
fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(value.map(|value| Box::<str>::from(value).into_string()))
}

/// The request of `store_session_data` and `update_session_user`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct SessionPayloadRequest {
    /// The id of the call in the logs of the service.
    #[prost(string, tag = "1")]
    pub correlation_id: String,
    /// The id of the session.
    #[prost(string, tag = "2")]
    pub session_id: String,
    /// The new `data` or `user`, as JSON.
    #[prost(string, tag = "3")]
    pub payload: String,
}

/// The request of `close_expired_sessions`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SessionEmptyRequest {
    /// The id of the call in the logs of the service.
    #[prost(string, tag = "1")]
    pub correlation_id: String,
}

/// The reply of operations that return a session or nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SessionObjectReply {
    /// The error, if the call has failed.
    #[prost(message, optional, tag = "1")]
    pub error: Option<ErrorDescription>,
    /// The session, if there is one. Always absent in the reply of `close_expired_sessions`.
    #[prost(message, optional, tag = "2")]
    pub session: Option<Session>,
}

/// Shows state and times. The id opens the session, and the rest is private.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("active", &self.active)
            .field("open_time", &self.open_time)
            .field("request_time", &self.request_time)
            .field("close_time", &self.close_time)
            .finish_non_exhaustive()
    }
}

/// Omits the values of the conditions.
impl fmt::Debug for SessionPageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPageRequest").field("paging", &self.paging).finish_non_exhaustive()
    }
}

/// Omits the id of the session.
impl fmt::Debug for SessionIdRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionIdRequest").finish_non_exhaustive()
    }
}

/// Omits the user and the payloads.
impl fmt::Debug for SessionOpenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOpenRequest").finish_non_exhaustive()
    }
}

/// Omits the id of the session and the payload.
impl fmt::Debug for SessionPayloadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPayloadRequest").finish_non_exhaustive()
    }
}
