//! The messages of opening a session.

use super::{BARE, JSON, OPEN, Operation, TEXT, json_of};
use http::StatusCode;
use sessions_client::Operation as _;
use sessions_client::sessions_v1::OpenSession;
use snapshots::{Promise, Value, json};

pub(super) fn open_session() -> Operation {
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
    .request("unicode_strings", |id, encoding| {
        let data = json!({"ключ": "значение 🚀", "b": 1, "a": [1.5, null, false]});
        let mut call = OpenSession::<Value, Value>::new("ü-日本-😀").user_name("Zoë \"q\" \\ /").data(&data);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .success("all_arguments", OPEN)
    .success("required_arguments", BARE)
    .success(
        "unicode_strings",
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
    .unexpected(
        "session_from_mongodb",
        StatusCode::OK,
        JSON,
        r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":null,"active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z","address":null,"client":null,"user":null,"data":null,"_id":"043edeab77784051ba340bbce8aafd08"}"#,
    )
    .unexpected(
        "session_from_the_dart_service",
        StatusCode::OK,
        TEXT,
        r#"{"id":"8238971a6ecd46eba649e1d31cf2168a","user_id":"3","user_name":null,"active":true,"open_time":"2020-12-07T12:00:00.123456","close_time":null,"request_time":"2020-12-07T12:00:00.123456","address":null,"client":null,"user":null,"data":false}"#,
    )
    .unexpected("missing_session", StatusCode::NO_CONTENT, None, "")
    .unexpected("empty_body_with_500", StatusCode::INTERNAL_SERVER_ERROR, JSON, "")
    .unexpected("maintenance", StatusCode::SERVICE_UNAVAILABLE, None, "")
    .unexpected("truncated", StatusCode::OK, JSON, r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","#)
}
