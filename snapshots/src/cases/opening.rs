//! Opening sessions.

use contract_tests::suite::{Case, Step};

pub(super) fn cases() -> Vec<Case> {
    let open = |situation: &str| Case::new("open_session", situation);
    vec![
        open("all_arguments").call(
            "Every argument",
            r#"{"user_id":"<user>","user_name":"Zoë 日本 😀","address":"localhost","client":"test","user":{"id":"<user>","roles":["a"]},"data":{"k":"v","a":[1,1.5,null]}}"#,
        ),
        open("only_user_id").call("Only the user id", r#"{"user_id":"<user>"}"#),
        open("two_of_one_user")
            .call("A session", r#"{"user_id":"<user>","data":1}"#)
            .call("Another session of the same user", r#"{"user_id":"<user>","data":1}"#)
            .then("Both exist", "get_sessions", r#"{"filter":{"user_id":"<user>"},"paging":{"total":true}}"#),
        open("empty_strings").raw(
            "Empty strings are stored as null",
            r#"{"user_id":"<user>","user_name":"","address":"","client":"","user":"","data":""}"#,
        ),
        open("nulls").raw(
            "Null is the same as absent",
            r#"{"user_id":"<user>","user_name":null,"address":null,"client":null,"user":null,"data":null}"#,
        ),
        open("unknown_arguments").raw(
            "Unknown arguments are ignored",
            r#"{"user_id":"<user>","id":"mine","active":false,"open_time":"2001-01-01T00:00:00.000Z","close_time":"2001-01-01T00:00:00.000Z","x":1}"#,
        ),
        open("duplicate_keys")
            .raw("The last of duplicate keys wins", r#"{"user_id":"<user>","data":{"k":1,"k":2},"data":{"k":3,"k":4}}"#),
        open("correlation_id")
            .step(Step::call("A correlation id has no effect", "open_session", r#"{"user_id":"<user>"}"#).target("?correlation_id=contract%20test")),
        open("without_user").creates_unowned().raw("An empty user id is accepted and stored as null", r#"{"user_id":""}"#),
        open("invalid_arguments").raw("Without a user id", "{}").raw(
            "Every wrong type is named",
            r#"{"user_id":1.5,"user_name":true,"address":[],"client":{}}"#,
        ),
        // An argument named like a method of the framework replaces that method.
        open("broken").raw("The command fails", r#"{"user_id":"<user>","getAsNullableString":1}"#),
    ]
}
