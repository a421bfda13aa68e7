//! Closing sessions, one by one and those that have expired.

use super::UNKNOWN;
use snapshots::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    let close = |situation: &str| Case::new("close_session", situation);
    vec![
        close("open")
            .given_session(r#","user_name":"n","address":"a","client":"c","user":{"a":1},"data":[1]"#)
            .call("The session is closed, and loses user and data", r#"{"session_id":"<id:1>"}"#),
        close("again")
            .given_session("")
            .call("The session is closed", r#"{"session_id":"<id:1>"}"#)
            .call("It is closed again, at another time", r#"{"session_id":"<id:1>"}"#),
        close("with_late_data")
            .given_session("")
            .given("close_session", r#"{"session_id":"<id:1>"}"#)
            .given("store_session_data", r#"{"session_id":"<id:1>","data":{"late":1}}"#)
            .call("A closed session loses what it was given since", r#"{"session_id":"<id:1>"}"#),
        close("deleted")
            .given_session("")
            .given("delete_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .call("A deleted session", r#"{"session_id":"<id:1>"}"#),
        close("unknown").call("A session that there is not", &format!(r#"{{"session_id":"{UNKNOWN}"}}"#)),
        close("refused").raw("Without an id", "{}").raw("An id of another type", r#"{"session_id":true}"#),
        // The session is too young to expire wherever a life of more than a moment is allowed.
        Case::new("close_expired_sessions", "young")
            .given_session(r#","data":1"#)
            .call("What has expired is closed", "{}")
            .then("The young session is not", "get_session_by_id", r#"{"session_id":"<id:1>"}"#)
            .raw("Without a body", "")
            .raw("With a body that is no object", "[1]")
            .raw("With arguments that it does not have", r#"{"session_id":"<id:1>"}"#),
    ]
}
