//! Changing what a session keeps.

use super::UNKNOWN;
use snapshots::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    ["data", "user"].into_iter().flat_map(of).collect()
}

/// `store_session_data` and `update_session_user` do the same to another key.
fn of(key: &'static str) -> Vec<Case> {
    let operation = if key == "data" { "store_session_data" } else { "update_session_user" };
    let case = |situation: &str| Case::new(operation, situation);
    let to = |value: &str| format!(r#"{{"session_id":"<id:1>","{key}":{value}}}"#);
    let unknown = format!(r#"{{"session_id":"{UNKNOWN}","{key}":1}}"#);
    let refusals = Case::new(operation, "refused");
    vec![
        case("replaced")
            .given_session(r#","user":{"a":1},"data":{"a":1}"#)
            .call("All of it is replaced", &to(r#"{"b":1,"a":{"ключ":[]}}"#))
            .call("By any type", &to(r#""text""#))
            .call("By the same", &to(r#""text""#))
            .then("It is kept", "get_session_by_id", r#"{"session_id":"<id:1>"}"#),
        case("falsy")
            .given_session(r#","user":1,"data":1"#)
            .call("False is kept as none", &to("false"))
            .raw("Zero is", &to("0"))
            .raw("An empty text is", &to(r#""""#)),
        case("closed_session")
            .given_session(r#","user":1,"data":1"#)
            .given("close_session", r#"{"session_id":"<id:1>"}"#)
            .call("A closed session takes it, and stays closed", &to(r#"{"late":1}"#)),
        case("deleted_session")
            .given_session("")
            .given("delete_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .call("A deleted session", &to("1")),
        case("unknown").call("A session that there is not", &unknown),
        refusals
            .given_session(r#","user":1,"data":1"#)
            .raw("Null", &to("null"))
            .raw("Nothing", r#"{"session_id":"<id:1>"}"#)
            .raw("Neither argument", "{}")
            .then("Nothing has changed", "get_session_by_id", r#"{"session_id":"<id:1>"}"#),
    ]
}
