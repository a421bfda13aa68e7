//! Pages of lists: of five sessions, and of one session more than the maximum of a page.

use crate::contract::GivenSession as _;
use contract_tests::suite::{Case, Step};

pub(super) fn cases() -> Vec<Case> {
    let paging = [
        r#"{"skip":0,"take":2,"total":true}"#,
        r#"{"skip":2,"take":2,"total":true}"#,
        r#"{"skip":4,"take":2,"total":true}"#,
        r#"{"skip":5,"take":2,"total":true}"#,
        r#"{"skip":1000000,"take":2,"total":false}"#,
        r#"{"skip":3}"#,
        r#"{"take":3}"#,
        r#"{"take":1,"total":null}"#,
        r#"{"total":true}"#,
        r#"{"take":0}"#,
        r#"{"take":-1,"total":true}"#,
        r#"{"skip":-1,"take":1}"#,
        r#"{"skip":null,"take":null,"total":null}"#,
        r#"{"skip":4,"take":4294967296}"#,
        r#"{"take":9007199254740991}"#,
        r#"{"skip":9007199254740991}"#,
        r#"{"take":0.4}"#,
        r#"{"take":0.5}"#,
        r#"{"take":1.4}"#,
        r#"{"take":1.5}"#,
        r#"{"take":2.5}"#,
        r#"{"skip":0.4,"take":1}"#,
        r#"{"skip":0.5,"take":1}"#,
        r#"{"skip":-0.5,"take":1}"#,
        r#"{"take":-0.5}"#,
        r#"{"take":-1.5}"#,
        r#"{"skip":"1"}"#,
        r#"{"take":"2"}"#,
        r#"{"take":true}"#,
        r#"{"take":[1]}"#,
        r#"{"total":1}"#,
        r#"{"total":"true"}"#,
        r#"{"skip":{},"take":"x","total":[]}"#,
        r#"{"page":1}"#,
        "{}",
        "null",
        "5",
        "true",
        r#""take=1""#,
        "[0,2,true]",
    ];
    let row = |case: Case, paging: &&str| {
        case.row(&format!(r#"{{"filter":{{"user_id":"<user>"}},"paging":{paging}}}"#))
    };
    let five = (0..5).fold(Case::new("get_sessions", "paging"), |case, _| case.given_session(""));
    // The rows show the first and the last sessions of a page, so the order of those in the middle does not matter.
    let open = Step::raw("given", "open_session", r#"{"user_id":"<user>"}"#).hidden();
    let many = Case::new("get_sessions", "paging_of_many")
        .step(open.clone().times(2))
        .step(open.clone().times(96).concurrent())
        .step(open.times(3));
    let largest = [
        "null",
        r#"{"take":99}"#,
        r#"{"take":100}"#,
        r#"{"take":101,"total":true}"#,
        r#"{"take":1000}"#,
        r#"{"take":0}"#,
        r#"{"skip":1}"#,
        r#"{"skip":100,"total":true}"#,
        r#"{"skip":101,"total":true}"#,
    ];
    vec![
        Case::new("get_sessions", "empty")
            .call("A user without sessions", r#"{"filter":{"user_id":"<user>"}}"#)
            .call(
                "A user without sessions, counted",
                r#"{"filter":{"user_id":"<user>"},"paging":{"total":true}}"#,
            ),
        paging.iter().fold(five, row),
        largest.iter().fold(many, row),
    ]
}
