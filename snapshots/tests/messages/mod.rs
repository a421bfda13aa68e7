//! The messages of the offline tests: for each operation, the requests that the client encodes and the
//! responses that it decodes.
//!
//! Most responses were captured from the real service, with stack traces cut after their first frame. A few
//! come from other sources: a service on MongoDB, the Dart service, proxies. They are part of the operation
//! where clients meet them.
//!
//! A request that the official clients also send has their body next to it.

mod changing;
mod ending;
mod listing;
mod opening;
mod reading;

use http::StatusCode;
use serde::Serialize;
use sessions_client::{Encoding, Error, Request, Response};
use snapshots::{Kind, Promise};

/// Location of the table, for failure messages.
pub(crate) const TABLE: &str = "snapshots/tests/messages";

/// An operation and its messages.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) promise: Promise,
    /// The decoder of the operation; the value is encoded as JSON again.
    pub(crate) decode: fn(Response) -> Result<String, Error>,
    pub(crate) requests: Vec<RequestCase>,
    pub(crate) responses: Vec<ResponseCase>,
}

/// A call with given arguments.
pub(crate) struct RequestCase {
    pub(crate) situation: &'static str,
    pub(crate) correlation_id: Option<&'static str>,
    pub(crate) encode: fn(Option<&str>, &Encoding) -> Result<Request, Error>,
    /// The body that the official Node and Dart clients send.
    pub(crate) official: Option<&'static str>,
}

/// A response of a certain kind.
pub(crate) struct ResponseCase {
    pub(crate) kind: Kind,
    pub(crate) situation: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
}

type Encode = fn(Option<&str>, &Encoding) -> Result<Request, Error>;

impl Operation {
    fn new(name: &'static str, promise: Promise, decode: fn(Response) -> Result<String, Error>) -> Self {
        Self { name, promise, decode, requests: Vec::new(), responses: Vec::new() }
    }

    /// Adds a call without a correlation id.
    fn request(mut self, situation: &'static str, encode: Encode) -> Self {
        self.requests.push(RequestCase { situation, correlation_id: None, encode, official: None });
        self
    }

    /// Adds a call without a correlation id, and the body that the official clients send.
    fn official(mut self, situation: &'static str, body: &'static str, encode: Encode) -> Self {
        self.requests.push(RequestCase { situation, correlation_id: None, encode, official: Some(body) });
        self
    }

    /// Sets the correlation id of the latest request.
    fn correlated(mut self, id: &'static str) -> Self {
        if let Some(case) = self.requests.last_mut() {
            case.correlation_id = Some(id);
        }
        self
    }

    fn response(
        mut self,
        kind: Kind,
        situation: &'static str,
        status: StatusCode,
        content_type: Option<&'static str>,
        body: impl Into<String>,
    ) -> Self {
        self.responses.push(ResponseCase { kind, situation, status, content_type, body: body.into() });
        self
    }

    fn success(self, situation: &'static str, body: &str) -> Self {
        self.response(Kind::Success, situation, StatusCode::OK, JSON, body)
    }

    fn none(self, situation: &'static str) -> Self {
        self.response(Kind::None, situation, StatusCode::NO_CONTENT, None, "")
    }

    /// Adds the service's error about invalid arguments.
    fn invalid(self, situation: &'static str, message: &str, violations: usize) -> Self {
        let results = vec!["[object Object]"; violations].join(",");
        let body = format!(
            r#"{{"code":"INVALID_DATA","status":400,"message":"Validation failed: {message}","name":"INVALID_DATA","stack":"INVALID_DATA: Validation failed: {message}\n    at ValidationException.fromResults (node_modules/pip-services3-commons-nodex/obj/src/validate/ValidationException.js:78:28)","details":{{"results":"{results}"}},"category":"BadRequest"}}"#
        );
        self.response(Kind::Invalid, situation, StatusCode::BAD_REQUEST, JSON, body)
    }

    /// Adds the error of a failed command. The shape is the framework's; most causes are invented, since few
    /// commands of the real service can be made to fail.
    fn broken(self, situation: &'static str, cause: &str) -> Self {
        let name = self.name;
        let body = format!(
            r#"{{"code":"EXEC_FAILED","status":500,"message":"Execution {name} failed: TypeError: {cause}","name":"EXEC_FAILED","stack":"EXEC_FAILED: Execution {name} failed: TypeError: {cause}\n    at Command.<anonymous> (node_modules/pip-services3-commons-nodex/obj/src/commands/Command.js:94:23)","cause":"{cause}","details":{{"command":"{name}"}},"category":"FailedInvocation"}}"#
        );
        self.response(Kind::Failure, situation, StatusCode::INTERNAL_SERVER_ERROR, JSON, body)
    }

    /// Adds the error of a server without the route: an older version or another service.
    fn unknown_route(self) -> Self {
        let body =
            format!(r#"{{"code":"ResourceNotFound","message":"/v1/sessions/{} does not exist"}}"#, self.name);
        self.response(Kind::Unreached, "unknown_route", StatusCode::NOT_FOUND, JSON, body)
    }

    fn unreached(self, situation: &'static str, status: StatusCode, body: &str) -> Self {
        self.response(Kind::Unreached, situation, status, JSON, body)
    }

    fn unexpected(
        self,
        situation: &'static str,
        status: StatusCode,
        content_type: Option<&'static str>,
        body: &str,
    ) -> Self {
        self.response(Kind::Unexpected, situation, status, content_type, body)
    }
}

const JSON: Option<&str> = Some("application/json");
const HTML: Option<&str> = Some("text/html; charset=utf-8");
/// The content type of the Dart service, whose bodies are JSON nevertheless.
const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

/// Encodes the result of a decoder as JSON.
fn json_of<T: Serialize>(outcome: Result<T, Error>) -> Result<String, Error> {
    outcome.map(|value| serde_json::to_string(&value).expect("decoded JSON can be encoded again"))
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
