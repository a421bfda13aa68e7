//! Opening sessions.

use snapshots::suite::{Case, Step};

pub(super) fn cases() -> Vec<Case> {
    let open = |situation: &str| Case::new("open_session", situation);
    vec![
        open("everything").call(
            "Every argument",
            r#"{"user_id":"<user>","user_name":"Zoë 日本 😀","address":"localhost","client":"test","user":{"id":"<user>","roles":["a"]},"data":{"k":"v","a":[1,1.5,null]}}"#,
        ),
        open("user_id_alone").call("The user id alone", r#"{"user_id":"<user>"}"#),
        open("two_of_a_user")
            .call("A session", r#"{"user_id":"<user>","data":1}"#)
            .call("Another of the same user", r#"{"user_id":"<user>","data":1}"#)
            .then("Both are there", "get_sessions", r#"{"filter":{"user_id":"<user>"},"paging":{"total":true}}"#),
        open("empty_texts").raw(
            "Empty texts are none",
            r#"{"user_id":"<user>","user_name":"","address":"","client":"","user":"","data":""}"#,
        ),
        open("nulls").raw(
            "Null is as good as nothing",
            r#"{"user_id":"<user>","user_name":null,"address":null,"client":null,"user":null,"data":null}"#,
        ),
        open("what_is_no_argument").raw(
            "The service decides what is not asked for",
            r#"{"user_id":"<user>","id":"mine","active":false,"open_time":"2001-01-01T00:00:00.000Z","close_time":"2001-01-01T00:00:00.000Z","x":1}"#,
        ),
        open("doubled_keys")
            .raw("The last of two keys counts", r#"{"user_id":"<user>","data":{"k":1,"k":2},"data":{"k":3,"k":4}}"#),
        open("correlation_id")
            .step(Step::call("A correlation id leaves no trace", "open_session", r#"{"user_id":"<user>"}"#).target("?correlation_id=contract%20test")),
        open("of_nobody").strays().raw("An empty user id is none, and accepted", r#"{"user_id":""}"#),
        open("refused").raw("Without a user id", "{}").raw(
            "Every type is wrong, and all are named",
            r#"{"user_id":1.5,"user_name":true,"address":[],"client":{}}"#,
        ),
        // An argument with the name of a method of the framework takes that method's place.
        open("broken").raw("The command breaks", r#"{"user_id":"<user>","getAsNullableString":1}"#),
    ]
}
