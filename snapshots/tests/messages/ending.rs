//! The messages of closing and deleting sessions.

use super::{CHANGED_AFTER_CLOSING, CLOSED, ID, JSON, OPEN, Operation, TEXT, json_of};
use http::StatusCode;
use sessions_client::Operation as _;
use sessions_client::sessions_v1::{CloseExpiredSessions, CloseSession, DeleteSessionById};
use snapshots::{Promise, Value};

pub(super) fn close_session() -> Operation {
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
    .broken("broken_command", "connection lost")
    .unknown_route()
    .unexpected(
        "session_from_mongodb",
        StatusCode::OK,
        JSON,
        r#"{"user_id":"1","user_name":"User 1","active":false,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.738Z","address":"localhost","client":"test","user":null,"data":null,"close_time":"2026-11-23T02:11:09.738Z","id":"043edeab77784051ba340bbce8aafd08"}"#,
    )
    .unexpected(
        "session_from_the_dart_service",
        StatusCode::OK,
        TEXT,
        r#"{"id":"8238971a6ecd46eba649e1d31cf2168a","user_id":"3","user_name":null,"active":false,"open_time":"2020-12-07T12:00:00.123456","close_time":"2020-12-07T12:00:01.000001","request_time":"2020-12-07T12:00:01.000001","address":null,"client":null,"user":null,"data":null}"#,
    )
    .unexpected(
        "error_from_the_dart_service",
        StatusCode::BAD_REQUEST,
        TEXT,
        r#"{"message":"Validation failed: session_id must not be null","category":"BadRequest","status":400,"code":"INVALID_DATA","details":{"results":"[object]"},"correlation_id":"123","stack_trace":null,"cause":null}"#,
    )
}

pub(super) fn close_expired_sessions() -> Operation {
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
    .broken("broken_command", "connection lost")
    .unknown_route()
    .unexpected("unexpected_session", StatusCode::OK, JSON, CLOSED)
}

pub(super) fn delete_session_by_id() -> Operation {
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
    .broken("broken_command", "connection lost")
    .unknown_route()
}
