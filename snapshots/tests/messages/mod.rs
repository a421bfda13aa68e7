//! What is pinned of the client: operation by operation, the requests that the client writes and the answers that it reads.
//!
//! The answers are those of the real service, captured; of stack traces the first line of the way is left. A few
//! are of others: a service on MongoDB, the Dart service, proxies. They are where a client meets them.
//!
//! A request that the official clients send too has their body beside it.

mod changing;
mod ending;
mod listing;
mod opening;
mod reading;

use http::StatusCode;
use serde::Serialize;
use sessions_client::{Encoding, Error, Request, Response};
use snapshots::{Kind, Promise};

/// Where the table is, for a failure to point at.
pub(crate) const TABLE: &str = "snapshots/tests/messages";

/// An operation and all that is pinned of it.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) promise: Promise,
    /// The operation's own decoder; the value is written as JSON again.
    pub(crate) decode: fn(Response) -> Result<String, Error>,
    pub(crate) requests: Vec<RequestCase>,
    pub(crate) answers: Vec<Answer>,
}

/// A call with certain arguments.
pub(crate) struct RequestCase {
    pub(crate) situation: &'static str,
    pub(crate) correlation_id: Option<&'static str>,
    pub(crate) encode: fn(Option<&str>, &Encoding) -> Result<Request, Error>,
    /// The body as the official Node and Dart clients write it.
    pub(crate) official: Option<&'static str>,
}

/// A response of a certain kind.
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    pub(crate) situation: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
}

type Encode = fn(Option<&str>, &Encoding) -> Result<Request, Error>;

impl Operation {
    fn new(name: &'static str, promise: Promise, decode: fn(Response) -> Result<String, Error>) -> Self {
        Self { name, promise, decode, requests: Vec::new(), answers: Vec::new() }
    }

    /// A call that only we make, with no correlation id.
    fn request(mut self, situation: &'static str, encode: Encode) -> Self {
        self.requests.push(RequestCase { situation, correlation_id: None, encode, official: None });
        self
    }

    /// A call that the official clients make as well, with no correlation id.
    fn official(mut self, situation: &'static str, body: &'static str, encode: Encode) -> Self {
        self.requests.push(RequestCase { situation, correlation_id: None, encode, official: Some(body) });
        self
    }

    /// Gives the latest request a correlation id.
    fn correlated(mut self, id: &'static str) -> Self {
        if let Some(case) = self.requests.last_mut() {
            case.correlation_id = Some(id);
        }
        self
    }

    fn answer(
        mut self,
        kind: Kind,
        situation: &'static str,
        status: StatusCode,
        content_type: Option<&'static str>,
        body: impl Into<String>,
    ) -> Self {
        self.answers.push(Answer { kind, situation, status, content_type, body: body.into() });
        self
    }

    fn success(self, situation: &'static str, body: &str) -> Self {
        self.answer(Kind::Success, situation, StatusCode::OK, JSON, body)
    }

    fn none(self, situation: &'static str) -> Self {
        self.answer(Kind::None, situation, StatusCode::NO_CONTENT, None, "")
    }

    /// The service's words about arguments that break its rules.
    fn invalid(self, situation: &'static str, message: &str, violations: usize) -> Self {
        let results = vec!["[object Object]"; violations].join(",");
        let body = format!(
            r#"{{"code":"INVALID_DATA","status":400,"message":"Validation failed: {message}","name":"INVALID_DATA","stack":"INVALID_DATA: Validation failed: {message}\n    at ValidationException.fromResults (node_modules/pip-services3-commons-nodex/obj/src/validate/ValidationException.js:78:28)","details":{{"results":"{results}"}},"category":"BadRequest"}}"#
        );
        self.answer(Kind::Refusal, situation, StatusCode::BAD_REQUEST, JSON, body)
    }

    /// A command that broke. Of most the service was never seen to, so the cause is made up; the shape is the
    /// framework's.
    fn broken(self, situation: &'static str, cause: &str) -> Self {
        let name = self.name;
        let body = format!(
            r#"{{"code":"EXEC_FAILED","status":500,"message":"Execution {name} failed: TypeError: {cause}","name":"EXEC_FAILED","stack":"EXEC_FAILED: Execution {name} failed: TypeError: {cause}\n    at Command.<anonymous> (node_modules/pip-services3-commons-nodex/obj/src/commands/Command.js:94:23)","cause":"{cause}","details":{{"command":"{name}"}},"category":"FailedInvocation"}}"#
        );
        self.answer(Kind::Failure, situation, StatusCode::INTERNAL_SERVER_ERROR, JSON, body)
    }

    /// The answer of a server that has no such route: an older one, or another service altogether.
    fn unknown_route(self) -> Self {
        let body =
            format!(r#"{{"code":"ResourceNotFound","message":"/v1/sessions/{} does not exist"}}"#, self.name);
        self.answer(Kind::Unreached, "unknown_route", StatusCode::NOT_FOUND, JSON, body)
    }

    fn unreached(self, situation: &'static str, status: StatusCode, body: &str) -> Self {
        self.answer(Kind::Unreached, situation, status, JSON, body)
    }

    fn odd(
        self,
        situation: &'static str,
        status: StatusCode,
        content_type: Option<&'static str>,
        body: &str,
    ) -> Self {
        self.answer(Kind::Odd, situation, status, content_type, body)
    }
}

const JSON: Option<&str> = Some("application/json");
const HTML: Option<&str> = Some("text/html; charset=utf-8");
/// What the Dart service says of its JSON.
const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

/// A decoder's result as JSON.
fn json_of<T: Serialize>(outcome: Result<T, Error>) -> Result<String, Error> {
    outcome.map(|value| serde_json::to_string(&value).expect("what was read as JSON can be written as JSON"))
}

const ID: &str = "043edeab77784051ba340bbce8aafd08";

const OPEN: &str = r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z","address":"localhost","client":"test","user":{"id":"1","roles":["a"]},"data":{"k":"v"}}"#;
const BARE: &str = r#"{"id":"8238971a6ecd46eba649e1d31cf2168a","user_id":"3","user_name":null,"active":true,"open_time":"2026-11-23T02:11:09.655Z","request_time":"2026-11-23T02:11:09.655Z","address":null,"client":null,"user":null,"data":null}"#;
const CLOSED: &str = r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":false,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.738Z","address":"localhost","client":"test","user":null,"data":null,"close_time":"2026-11-23T02:11:09.738Z"}"#;
const CHANGED_AFTER_CLOSING: &str = r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":false,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.792Z","address":"localhost","client":"test","user":{"late":1},"data":{"late":1},"close_time":"2026-11-23T02:11:09.790Z"}"#;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        listing::get_sessions(),
        reading::get_session_by_id(),
        opening::open_session(),
        changing::store_session_data(),
        changing::update_session_user(),
        ending::close_session(),
        ending::close_expired_sessions(),
        ending::delete_session_by_id(),
    ]
}
