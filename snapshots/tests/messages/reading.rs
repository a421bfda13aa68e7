//! The messages of finding a session, and unexpected responses that are possible for any operation.

use super::{CHANGED_AFTER_CLOSING, CLOSED, HTML, ID, JSON, OPEN, Operation, json_of};
use http::StatusCode;
use sessions_client::Operation as _;
use sessions_client::sessions_v1::GetSessionById;
use snapshots::{Promise, Value};

pub(super) fn get_session_by_id() -> Operation {
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
        "without_user",
        r#"{"id":"66d83d3515284d7389b1c1a9b6aa612b","user_id":null,"user_name":null,"active":true,"open_time":"2026-11-23T02:11:09.661Z","request_time":"2026-11-23T02:11:09.661Z","address":null,"client":null,"user":null,"data":null}"#,
    )
    .none("unknown_session")
    .invalid("missing_session_id", "session_id must not be null", 1)
    .invalid("session_id_of_another_type", "session_id type must be string but found long", 1)
    .broken("broken_command", "connection lost")
    .unknown_route()
    .unreached(
        "unacceptable",
        StatusCode::NOT_ACCEPTABLE,
        r#"{"code":"NotAcceptable","message":"Server accepts: application/json,text/plain,application/octet-stream,application/javascript"}"#,
    )
    .unexpected(
        "session_from_mongodb",
        StatusCode::OK,
        JSON,
        r#"{"user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z","address":"localhost","client":"test","user":null,"data":{"k":"v"},"id":"043edeab77784051ba340bbce8aafd08"}"#,
    )
    .unexpected("null_with_200", StatusCode::OK, JSON, "null")
    .unexpected("nothing_with_200", StatusCode::OK, JSON, "")
    .unexpected("redirect", StatusCode::MOVED_PERMANENTLY, None, "")
    .unexpected(
        "page_of_a_proxy",
        StatusCode::BAD_GATEWAY,
        HTML,
        "<html><body><h1>502 Bad Gateway</h1></body></html>",
    )
    .unexpected("page_of_a_proxy_with_200", StatusCode::OK, HTML, "<html><body>Please log in</body></html>")
    .unexpected(
        "unexpected_list",
        StatusCode::OK,
        JSON,
        r#"{"total":null,"data":[]}"#,
    )
    .unexpected(
        "active_of_another_type",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","active":"secret","open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z"}"#,
    )
    .unexpected(
        "session_without_active",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z"}"#,
    )
    .unexpected(
        "invalid_time",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","active":true,"open_time":"yesterday","request_time":"2026-11-23T02:11:09.645Z"}"#,
    )
}
