//! Conditions of lists, single and combined, on three sessions: the first and the third are open, the second
//! was closed after the third was opened.
//!
//! Every list is filtered by the case's user, so that sessions of other users are never read.

use super::UNKNOWN;
use crate::contract::GivenSession as _;
use contract_tests::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    let user = r#""user_id":"<user>""#;
    vec![
        three("filters")
            .call("All of the user", &format!(r#"{{"filter":{{{user}}},"paging":{{"total":true}}}}"#)),
        rows(
            "filter_ids",
            &[
                r#"{"id":"<id:1>","user_id":"<user>"}"#,
                r#"{"id":"<id:1>"}"#,
                &format!(r#"{{"id":"{UNKNOWN}","user_id":"<user>"}}"#),
                r#"{"id":["<id:1>"],"user_id":"<user>"}"#,
                r#"{"id":"","user_id":"<user>"}"#,
                r#"{"id":null,"user_id":"<user>"}"#,
                r#"{"id":"<id:1>","user_id":1}"#,
                r#"{"id":"<id:1>","user_id":""}"#,
                r#"{"id":"<id:1>","user_id":null}"#,
                r#"{"id":"<id:1>","user_id":["<user>"]}"#,
                r#"{"id":"<id:1>","user_id":{"a":1}}"#,
                r#"{"id":"<id:1>","user_id":"<user>2"}"#,
            ],
        ),
        rows("filter_active", &active_words()),
        rows("filter_times", &times()),
        rows(
            "filter_combined",
            &[
                r#"{"user_id":"<user>","active":"true","from_time":"<t3>"}"#,
                r#"{"user_id":"<user>","active":"false","to_time":"<t2>"}"#,
                r#"{"user_id":"<user>","active":"true","id":"<id:2>"}"#,
                r#"{"user_id":"<user>","active":"false","id":"<id:2>","from_time":"<t1>"}"#,
                r#"{"user_id":"<user>","active":"false","id":"<id:2>","to_time":"<t1>"}"#,
            ],
        ),
        rows(
            "filter_unknown_keys",
            &[
                r#"{"user_id":"<user>","address":"elsewhere"}"#,
                r#"{"user_id":"<user>","client":"other"}"#,
                r#"{"user_id":"<user>","Active":"false"}"#,
                r#"{"user_id":"<user>","open_time":"<t1>"}"#,
            ],
        ),
        Case::new("get_sessions", "invalid_arguments")
            .raw("An invalid filter", r#"{"filter":["user_id"],"paging":{"skip":1000000000}}"#)
            .raw(
                "Paging with strings",
                r#"{"filter":{"user_id":"<user>"},"paging":{"skip":"1","take":"2","total":1}}"#,
            )
            .raw("Both", r#"{"filter":"all","paging":{"skip":1000000000,"total":"true"}}"#),
    ]
}

fn active_words() -> Vec<&'static str> {
    vec![
        r#"{"user_id":"<user>","active":"true"}"#,
        r#"{"user_id":"<user>","active":"TRUE"}"#,
        r#"{"user_id":"<user>","active":"t"}"#,
        r#"{"user_id":"<user>","active":"yes"}"#,
        r#"{"user_id":"<user>","active":"Y"}"#,
        r#"{"user_id":"<user>","active":"1"}"#,
        r#"{"user_id":"<user>","active":1}"#,
        r#"{"user_id":"<user>","active":true}"#,
        r#"{"user_id":"<user>","active":"false"}"#,
        r#"{"user_id":"<user>","active":"F"}"#,
        r#"{"user_id":"<user>","active":"no"}"#,
        r#"{"user_id":"<user>","active":"n"}"#,
        r#"{"user_id":"<user>","active":"0"}"#,
        r#"{"user_id":"<user>","active":0}"#,
        r#"{"user_id":"<user>","active":false}"#,
        r#"{"user_id":"<user>","active":""}"#,
        r#"{"user_id":"<user>","active":null}"#,
        r#"{"user_id":"<user>","active":"perhaps"}"#,
        r#"{"user_id":"<user>","active":2}"#,
        r#"{"user_id":"<user>","active":" true"}"#,
        r#"{"user_id":"<user>","active":["true"]}"#,
        r#"{"user_id":"<user>","active":{}}"#,
    ]
}

fn times() -> Vec<&'static str> {
    vec![
        r#"{"user_id":"<user>","from_time":"<t1>"}"#,
        r#"{"user_id":"<user>","from_time":"<t3>"}"#,
        r#"{"user_id":"<user>","to_time":"<t3>"}"#,
        r#"{"user_id":"<user>","to_time":"<t4>"}"#,
        r#"{"user_id":"<user>","from_time":"<t3>","to_time":"<t4>"}"#,
        r#"{"user_id":"<user>","from_time":"<t4>","to_time":"<t3>"}"#,
        r#"{"user_id":"<user>","from_time":"2001-02-03T04:05:06.789Z"}"#,
        r#"{"user_id":"<user>","from_time":"2001-02-03T04:05:06.789123Z"}"#,
        r#"{"user_id":"<user>","from_time":"2001-02-03T04:05:06+02:00"}"#,
        r#"{"user_id":"<user>","from_time":"2001-02-03T04:05:06"}"#,
        r#"{"user_id":"<user>","from_time":"2001-02-03"}"#,
        r#"{"user_id":"<user>","from_time":"2001-02"}"#,
        r#"{"user_id":"<user>","from_time":"2001"}"#,
        r#"{"user_id":"<user>","from_time":2001}"#,
        r#"{"user_id":"<user>","from_time":"Sat, 03 Feb 2001 04:05:06 GMT"}"#,
        r#"{"user_id":"<user>","from_time":981173106789}"#,
        r#"{"user_id":"<user>","from_time":"yesterday"}"#,
        r#"{"user_id":"<user>","from_time":""}"#,
        r#"{"user_id":"<user>","from_time":null}"#,
        r#"{"user_id":"<user>","to_time":"2999-01-01"}"#,
        r#"{"user_id":"<user>","to_time":"soon"}"#,
        r#"{"user_id":"<user>","to_time":null}"#,
    ]
}

fn three(situation: &str) -> Case {
    Case::new("get_sessions", situation)
        .given_session(r#","user_name":"first","address":"a","client":"c","user":1,"data":1"#)
        .given_session(r#","user_name":"second","user":2,"data":2"#)
        .given_session("")
        .given("close_session", r#"{"session_id":"<id:2>"}"#)
}

fn rows(situation: &str, filters: &[&str]) -> Case {
    filters.iter().fold(three(situation), |case, filter| case.row(&format!(r#"{{"filter":{filter}}}"#)))
}
