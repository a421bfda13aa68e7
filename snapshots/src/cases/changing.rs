//! Changing the payload of a session.

use super::UNKNOWN;
use crate::contract::GivenSession as _;
use contract_tests::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    ["data", "user"].into_iter().flat_map(of).collect()
}

/// `store_session_data` and `update_session_user` differ only in the key.
fn of(key: &'static str) -> Vec<Case> {
    let operation = if key == "data" { "store_session_data" } else { "update_session_user" };
    let case = |situation: &str| Case::new(operation, situation);
    let to = |value: &str| format!(r#"{{"session_id":"<id:1>","{key}":{value}}}"#);
    let unknown = format!(r#"{{"session_id":"{UNKNOWN}","{key}":1}}"#);
    let invalid = Case::new(operation, "invalid_arguments");
    vec![
        case("replaced")
            .given_session(r#","user":{"a":1},"data":{"a":1}"#)
            .call("The whole value is replaced", &to(r#"{"b":1,"a":{"ключ":[]}}"#))
            .call("By a value of another type", &to(r#""text""#))
            .call("By the same value", &to(r#""text""#))
            .then("It is stored", "get_session_by_id", r#"{"session_id":"<id:1>"}"#),
        case("falsy")
            .given_session(r#","user":1,"data":1"#)
            .call("False is stored as null", &to("false"))
            .raw("Zero is stored as null", &to("0"))
            .raw("An empty string is stored as null", &to(r#""""#)),
        case("closed_session")
            .given_session(r#","user":1,"data":1"#)
            .given("close_session", r#"{"session_id":"<id:1>"}"#)
            .call("A closed session is changed and stays closed", &to(r#"{"late":1}"#)),
        case("deleted_session")
            .given_session("")
            .given("delete_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .call("A deleted session", &to("1")),
        case("unknown").call("An unknown session", &unknown),
        invalid
            .given_session(r#","user":1,"data":1"#)
            .raw("Null", &to("null"))
            .raw("The argument is missing", r#"{"session_id":"<id:1>"}"#)
            .raw("Both arguments are missing", "{}")
            .then("Nothing has changed", "get_session_by_id", r#"{"session_id":"<id:1>"}"#),
    ]
}
