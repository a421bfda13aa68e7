//! Deleting sessions.

use super::UNKNOWN;
use crate::contract::GivenSession as _;
use contract_tests::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    let delete = |situation: &str| Case::new("delete_session_by_id", situation);
    vec![
        delete("open")
            .given_session(r#","user":{"a":1},"data":[1]"#)
            .call("An open session, returned unchanged", r#"{"session_id":"<id:1>"}"#)
            .call("The same session again", r#"{"session_id":"<id:1>"}"#)
            .then("It is gone", "get_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .then(
                "It is not in the list either",
                "get_sessions",
                r#"{"filter":{"user_id":"<user>"},"paging":{"total":true}}"#,
            ),
        delete("closed")
            .given_session("")
            .given("close_session", r#"{"session_id":"<id:1>"}"#)
            .given("store_session_data", r#"{"session_id":"<id:1>","data":{"late":1}}"#)
            .call("A closed session, with its later data", r#"{"session_id":"<id:1>"}"#),
        delete("one_of_two")
            .given_session(r#","data":1"#)
            .given_session(r#","data":2"#)
            .call("One of two", r#"{"session_id":"<id:1>"}"#)
            .then("The other session remains", "get_session_by_id", r#"{"session_id":"<id:2>"}"#),
        delete("unknown").call("An unknown session", &format!(r#"{{"session_id":"{UNKNOWN}"}}"#)),
        delete("invalid_arguments")
            .raw("Without an id", "{}")
            .raw("An id of the wrong type", r#"{"session_id":["a"]}"#),
    ]
}
