//! The messages of changing the payload of a session.

use super::{CHANGED_AFTER_CLOSING, ID, Operation, json_of};
use sessions_client::Operation as _;
use sessions_client::sessions_v1::{StoreSessionData, UpdateSessionUser};
use snapshots::{Promise, Value, json};

pub(super) fn store_session_data() -> Operation {
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
        "falsy_data_is_stored_as_null",
        r#"{"id":"043edeab77784051ba340bbce8aafd08","user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.724Z","address":"localhost","client":"test","user":{"id":"1","roles":["a"]},"data":null}"#,
    )
    .success("closed", CHANGED_AFTER_CLOSING)
    .none("unknown_session")
    .invalid("null_data", "data must not be null", 1)
    .invalid("missing_arguments", "session_id must not be null, data must not be null", 2)
    .broken("broken_command", "connection lost")
    .unknown_route()
}

pub(super) fn update_session_user() -> Operation {
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
    .broken("broken_command", "connection lost")
    .unknown_route()
}
