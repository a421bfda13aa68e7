//! Closing single sessions and expired ones.

use super::UNKNOWN;
use crate::contract::GivenSession as _;
use contract_tests::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    let close = |situation: &str| Case::new("close_session", situation);
    vec![
        close("open")
            .given_session(r#","user_name":"n","address":"a","client":"c","user":{"a":1},"data":[1]"#)
            .call("The session is closed, without user and data", r#"{"session_id":"<id:1>"}"#),
        close("again")
            .given_session("")
            .call("The session is closed", r#"{"session_id":"<id:1>"}"#)
            .call("It is closed again, at a later time", r#"{"session_id":"<id:1>"}"#),
        close("with_late_data")
            .given_session("")
            .given("close_session", r#"{"session_id":"<id:1>"}"#)
            .given("store_session_data", r#"{"session_id":"<id:1>","data":{"late":1}}"#)
            .call("A closed session loses its later data", r#"{"session_id":"<id:1>"}"#),
        close("deleted")
            .given_session("")
            .given("delete_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .call("A deleted session", r#"{"session_id":"<id:1>"}"#),
        close("unknown").call("An unknown session", &format!(r#"{{"session_id":"{UNKNOWN}"}}"#)),
        close("invalid_arguments")
            .raw("Without an id", "{}")
            .raw("An id of the wrong type", r#"{"session_id":true}"#),
        // The session is too young to expire with any reasonable timeout.
        Case::new("close_expired_sessions", "young")
            .given_session(r#","data":1"#)
            .call("Expired sessions are closed", "{}")
            .then("The young session stays open", "get_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .raw("Without a body", "")
            .raw("With a body that is not an object", "[1]")
            .raw("With unknown arguments", r#"{"session_id":"<id:1>"}"#),
    ]
}
