//! Finding sessions by id.

use super::UNKNOWN;
use crate::contract::GivenSession as _;
use contract_tests::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    let read = |situation: &str| Case::new("get_session_by_id", situation);
    vec![
        read("open")
            .given_session(r#","user_name":"n","address":"a","client":"c","user":{"a":1},"data":[1]"#)
            .call("An open session", r#"{"session_id":"<id:1>"}"#)
            .call("Reading changes nothing", r#"{"session_id":"<id:1>"}"#),
        read("closed")
            .given_session(r#","user":{"a":1},"data":[1]"#)
            .given("close_session", r#"{"session_id":"<id:1>"}"#)
            .call("A closed session", r#"{"session_id":"<id:1>"}"#),
        read("deleted")
            .given_session("")
            .given("delete_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .call("A deleted session", r#"{"session_id":"<id:1>"}"#),
        read("unknown").call("An unknown session", &format!(r#"{{"session_id":"{UNKNOWN}"}}"#)),
        read("similar_ids")
            .given_session("")
            .row(r#"{"session_id":"<id:1>"}"#)
            .row(r#"{"session_id":"<id:1> "}"#)
            .row(r#"{"session_id":"<id:1>0"}"#)
            .row(r#"{"session_id":""}"#)
            .row(r#"{"session_id":"%"}"#)
            .row(r#"{"SESSION_ID":"<id:1>"}"#)
            .row(r#"{"id":"<id:1>"}"#),
        read("invalid_arguments")
            .raw("Without an id", "{}")
            .raw("An id of the wrong type", r#"{"session_id":1}"#),
    ]
}
