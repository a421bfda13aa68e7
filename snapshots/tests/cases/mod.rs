//! What is pinned: operation by operation, the requests that the client writes and the answers that it reads.
//!
//! The answers are those of the real service, captured; of stack traces the first line of the way is left. A few
//! are of others: a service on MongoDB, the Dart service, proxies. They are where a client meets them.
//!
//! A request that the official clients send too has their body beside it.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use sessions_client::sessions_v1::{
    CloseExpiredSessions, CloseSession, DeleteSessionById, GetSessionById, GetSessions, OpenSession,
    StoreSessionData, UpdateSessionUser,
};
use sessions_client::{Encoding, Error, FilterParams, Operation as _, PagingParams, Request, Response};
use snapshots::{Kind, Promise};

/// The file that a failure points at.
pub(crate) const TABLE: &str = "snapshots/tests/cases/mod.rs";

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

    /// A command that broke.
    fn broken(self, situation: &'static str, cause: &str) -> Self {
        let name = self.name;
        let body = format!(
            r#"{{"code":"EXEC_FAILED","status":500,"message":"Execution {name} failed: TypeError: {cause}","name":"EXEC_FAILED","stack":"EXEC_FAILED: Execution {name} failed: TypeError: {cause}\n    at Command.<anonymous> (node_modules/pip-services3-commons-nodex/obj/src/commands/Command.js:94:23)","cause":"{cause}","details":{{"command":"{name}"}},"category":"FailedInvocation"}}"#
        );
        self.answer(Kind::Refusal, situation, StatusCode::INTERNAL_SERVER_ERROR, JSON, body)
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
        get_sessions(),
        get_session_by_id(),
        open_session(),
        store_session_data(),
        update_session_user(),
        close_session(),
        close_expired_sessions(),
        delete_session_by_id(),
    ]
}

fn get_sessions() -> Operation {
    Operation::new("get_sessions", Promise::Value, |response| {
        json_of(GetSessions::decode::<Value, Value>(response))
    })
    .official(
        "all_arguments",
        r#"{"filter":{"user_id":"1","active":"true","from_time":"1970-01-01T00:00:00.000Z","n":"5","nul":null},"paging":{"skip":1,"take":2,"total":true}}"#,
        |id, encoding| {
            let filter = FilterParams::new()
                .user_id("1")
                .active(true)
                .from_time(chrono::DateTime::UNIX_EPOCH)
                .set("n", Some("5".to_owned()))
                .set("nul", None);
            let paging = PagingParams::new().skip(1).take(2).total(true);
            let mut call = GetSessions::new().filter(&filter).paging(&paging);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .correlated("123")
    .official("no_arguments", r#"{"filter":null,"paging":null}"#, |id, encoding| {
        let mut call = GetSessions::new();
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .official(
        "empty_arguments",
        r#"{"filter":{},"paging":{"skip":null,"take":null,"total":false}}"#,
        |id, encoding| {
            let (filter, paging) = (FilterParams::new(), PagingParams::new());
            let mut call = GetSessions::new().filter(&filter).paging(&paging);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .request("every_condition", |id, encoding| {
        let time = |seconds| chrono::DateTime::from_timestamp(seconds, 820_000_000).unwrap();
        let filter = FilterParams::new()
            .id(ID)
            .user_id("1")
            .active(false)
            .from_time(time(1_795_399_820))
            .to_time(time(1_795_399_821));
        let paging = PagingParams::new().take(0);
        let mut call = GetSessions::new().filter(&filter).paging(&paging);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .success(
        "one_page_of_more",
        r#"{"total":5,"data":[{"id":"eab057c49e09402299099eaba4f061eb","user_id":"b","user_name":"n1","active":false,"open_time":"2026-11-23T02:11:58.207Z","request_time":"2026-11-23T02:11:58.310Z","address":"ad","client":"cl","close_time":"2026-11-23T02:11:58.310Z"},{"id":"a32edc5e22dd432a988aca6182db4fa4","user_id":"a","user_name":"n2","active":true,"open_time":"2026-11-23T02:11:58.230Z","request_time":"2026-11-23T02:11:58.230Z","address":"ad","client":"cl"}]}"#,
    )
    .success("not_counted", r#"{"total":null,"data":[]}"#)
    .success("counted_and_empty", r#"{"total":0,"data":[]}"#)
    .invalid("filter_of_another_type", "filter type must be Map", 1)
    .unknown_route()
    .odd("nothing_where_a_page_was_promised", StatusCode::NO_CONTENT, None, "")
    .odd(
        "page_without_data",
        StatusCode::OK,
        JSON,
        r#"{"total":0}"#,
    )
    .odd(
        "page_of_the_dart_service",
        StatusCode::OK,
        Some("application/json; charset=utf-8"),
        r#"{"total":1,"data":[{"id":"8238971a6ecd46eba649e1d31cf2168a","user_id":"3","user_name":null,"active":true,"open_time":"2020-12-07T12:00:00.123456","close_time":null,"request_time":"2020-12-07T12:00:00.123456","address":null,"client":null,"user":null,"data":null}]}"#,
    )
}

fn get_session_by_id() -> Operation {
    Operation::new("get_session_by_id", Promise::Maybe, |response| {
        json_of(GetSessionById::decode::<Value, Value>(response))
    })
    .official(
        "all_arguments",
        r#"{"session_id":"043edeab77784051ba340bbce8aafd08"}"#,
        |id, encoding| {
            let mut call = GetSessionById::new(ID);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .correlated("123")
    .request("id_that_needs_escaping", |id, encoding| {
        let mut call = GetSessionById::new("\"ü\\\n😀");
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .success("open", OPEN)
    .success("closed", CLOSED)
    .success("changed_after_closing", CHANGED_AFTER_CLOSING)
    .success(
        "of_nobody",
        r#"{"id":"66d83d3515284d7389b1c1a9b6aa612b","user_id":null,"user_name":null,"active":true,"open_time":"2026-11-23T02:11:09.661Z","request_time":"2026-11-23T02:11:09.661Z","address":null,"client":null,"user":null,"data":null}"#,
    )
    .none("unknown_session")
    .invalid("missing_session_id", "session_id must not be null", 1)
    .invalid("session_id_of_another_type", "session_id type must be string but found long", 1)
    .unknown_route()
    .unreached(
        "unacceptable",
        StatusCode::NOT_ACCEPTABLE,
        r#"{"code":"NotAcceptable","message":"Server accepts: application/json,text/plain,application/octet-stream,application/javascript"}"#,
    )
    .odd(
        "session_on_mongodb",
        StatusCode::OK,
        JSON,
        r#"{"user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z","address":"localhost","client":"test","user":null,"data":{"k":"v"},"id":"043edeab77784051ba340bbce8aafd08"}"#,
    )
    .odd("null_with_200", StatusCode::OK, JSON, "null")
    .odd("nothing_with_200", StatusCode::OK, JSON, "")
    .odd("redirect", StatusCode::MOVED_PERMANENTLY, None, "")
    .odd(
        "page_of_a_proxy",
        StatusCode::BAD_GATEWAY,
        HTML,
        "<html><body><h1>502 Bad Gateway</h1></body></html>",
    )
    .odd("page_of_a_proxy_with_200", StatusCode::OK, HTML, "<html><body>Please log in</body></html>")
    .odd(
        "list_where_a_session_was_promised",
        StatusCode::OK,
        JSON,
        r#"{"total":null,"data":[]}"#,
    )
    .odd(
        "active_of_another_type",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","active":"secret","open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z"}"#,
    )
    .odd(
        "time_that_is_none",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","active":true,"open_time":"yesterday","request_time":"2026-11-23T02:11:09.645Z"}"#,
    )
}

fn open_session() -> Operation {
    Operation::new("open_session", Promise::Value, |response| {
        json_of(OpenSession::<Value, Value>::decode(response))
    })
    .official(
        "all_arguments",
        r#"{"user_id":"1","user_name":"User 1","address":"localhost","client":"test","user":{"id":"1"},"data":{"k":"v"}}"#,
        |id, encoding| {
            let (user, data) = (json!({"id": "1"}), json!({"k": "v"}));
            let mut call = OpenSession::new("1")
                .user_name("User 1")
                .address("localhost")
                .client("test")
                .user(&user)
                .data(&data);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .correlated("123")
    .official(
        "no_user",
        r#"{"user_id":"1","user_name":"User 1","address":"localhost","client":"test","user":null,"data":"abc"}"#,
        |id, encoding| {
            let data = json!("abc");
            let mut call = OpenSession::<Value, Value>::new("1")
                .user_name("User 1")
                .address("localhost")
                .client("test")
                .data(&data);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .official(
        "required_arguments",
        r#"{"user_id":"2","user_name":null,"address":null,"client":null,"user":null,"data":null}"#,
        |id, encoding| {
            let mut call = OpenSession::<Value, Value>::new("2");
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .request("texts_of_all_languages", |id, encoding| {
        let data = json!({"ключ": "значение 🚀", "b": 1, "a": [1.5, null, false]});
        let mut call = OpenSession::<Value, Value>::new("ü-日本-😀").user_name("Zoë \"q\" \\ /").data(&data);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .success("all_arguments", OPEN)
    .success("required_arguments", BARE)
    .success(
        "texts_of_all_languages",
        concat!(r#"{"id":"3e5d15f7728344f3af1d5d7b15a3a199","user_id":"ü-日本-😀","user_name":"Zoë \u0000 "#,"\u{2028}",r#" \"q\" \\ / "#,"\u{7f}",r#"","active":true,"open_time":"2026-11-23T02:11:09.680Z","request_time":"2026-11-23T02:11:09.680Z","address":null,"client":null,"user":null,"data":{"ключ":"значение 🚀"}}"#),
    )
    .invalid("missing_user_id", "user_id must not be null", 1)
    .invalid(
        "every_type_wrong",
        "user_id type must be string but found double, user_name type must be string but found boolean, address type must be string but found array, client type must be string but found map",
        4,
    )
    .broken("broken_command", "args.getAsNullableString is not a function")
    .unknown_route()
    .unreached(
        "wrong_method",
        StatusCode::METHOD_NOT_ALLOWED,
        r#"{"code":"MethodNotAllowed","message":"GET is not allowed"}"#,
    )
    .unreached(
        "bad_json",
        StatusCode::BAD_REQUEST,
        r#"{"code":"InvalidContent","message":"Invalid JSON: Unexpected end of JSON input"}"#,
    )
    .unreached(
        "broken_framework",
        StatusCode::INTERNAL_SERVER_ERROR,
        r#"{"code":"Internal","message":"TypeError: map.hasOwnProperty is not a function"}"#,
    )
    .odd(
        "session_on_mongodb",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":null,"active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z","address":null,"client":null,"user":null,"data":null,"_id":"043edeab77784051ba340bbce8aafd08"}"#,
    )
    .odd("nothing_where_a_session_was_promised", StatusCode::NO_CONTENT, None, "")
    .odd("answer_that_cannot_be_written", StatusCode::INTERNAL_SERVER_ERROR, JSON, "")
    .odd("maintenance", StatusCode::SERVICE_UNAVAILABLE, None, "")
    .odd("cut_off", StatusCode::OK, JSON, r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","#)
}

fn store_session_data() -> Operation {
    Operation::new("store_session_data", Promise::Maybe, |response| {
        json_of(StoreSessionData::<Value>::decode::<Value>(response))
    })
    .official(
        "all_arguments",
        r#"{"session_id":"043edeab77784051ba340bbce8aafd08","data":"xyz"}"#,
        |id, encoding| {
            let data = json!("xyz");
            let mut call = StoreSessionData::new(ID, &data);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .correlated("123")
    .request("falsy_data", |id, encoding| {
        let data = json!(false);
        let mut call = StoreSessionData::new(ID, &data);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .success("object", r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.718Z","address":"localhost","client":"test","user":{"id":"1","roles":["a"]},"data":{"x":[1,2]}}"#)
    .success(
        "falsy_data_is_kept_as_none",
        r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.724Z","address":"localhost","client":"test","user":{"id":"1","roles":["a"]},"data":null}"#,
    )
    .success("closed", CHANGED_AFTER_CLOSING)
    .none("unknown_session")
    .invalid("null_data", "data must not be null", 1)
    .invalid("missing_arguments", "session_id must not be null, data must not be null", 2)
    .unknown_route()
}

fn update_session_user() -> Operation {
    Operation::new("update_session_user", Promise::Maybe, |response| {
        json_of(UpdateSessionUser::<Value>::decode::<Value>(response))
    })
    .official(
        "all_arguments",
        r#"{"session_id":"043edeab77784051ba340bbce8aafd08","user":{"a":1}}"#,
        |id, encoding| {
            let user = json!({"a": 1});
            let mut call = UpdateSessionUser::new(ID, &user);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .correlated("123")
    .success(
        "object",
        r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.730Z","address":"localhost","client":"test","user":{"id":"1","name":"n"},"data":{}}"#,
    )
    .none("unknown_session")
    .invalid("null_user", "user must not be null", 1)
    .unknown_route()
}

fn close_session() -> Operation {
    Operation::new("close_session", Promise::Maybe, |response| {
        json_of(CloseSession::decode::<Value, Value>(response))
    })
    .official("all_arguments", r#"{"session_id":"043edeab77784051ba340bbce8aafd08"}"#, |id, encoding| {
        let mut call = CloseSession::new(ID);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .correlated("123")
    .success("open", CLOSED)
    .none("unknown_session")
    .invalid("missing_session_id", "session_id must not be null", 1)
    .unknown_route()
}

fn close_expired_sessions() -> Operation {
    Operation::new("close_expired_sessions", Promise::Nothing, |response| {
        json_of(CloseExpiredSessions::decode::<Value, Value>(response))
    })
    .official("all_arguments", "{}", |id, encoding| {
        let mut call = CloseExpiredSessions::new();
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .correlated("123")
    .none("always")
    // No argument can be wrong where there is none: only the command itself can fail. The service was never seen
    // to, so the cause is made up; the shape is the framework's.
    .broken("broken_command", "connection lost")
    .unknown_route()
    .odd("session_where_nothing_was_promised", StatusCode::OK, JSON, CLOSED)
}

fn delete_session_by_id() -> Operation {
    Operation::new("delete_session_by_id", Promise::Maybe, |response| {
        json_of(DeleteSessionById::decode::<Value, Value>(response))
    })
    .official("all_arguments", r#"{"session_id":"043edeab77784051ba340bbce8aafd08"}"#, |id, encoding| {
        let mut call = DeleteSessionById::new(ID);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .correlated("123")
    .success("open", OPEN)
    .success("closed", CHANGED_AFTER_CLOSING)
    .none("unknown_session")
    .invalid("missing_session_id", "session_id must not be null", 1)
    .unknown_route()
}
