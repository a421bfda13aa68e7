//! Every argument of every operation with every type of JSON, generated from the route table.

use crate::contract::GivenSession as _;
use crate::fields;
use contract_tests::suite::Case;
use sessions_client::{Route, sessions_v1};

/// The values that every argument is sent with. The string is the user of the case, which is not ASCII.
const FORMS: [&str; 13] = [
    "null",
    "false",
    "true",
    "0",
    "1.5",
    "-3",
    r#""""#,
    r#""<user>""#,
    "[]",
    "[1]",
    "{}",
    r#"{"a":1}"#,
    r#"[{"a":null}]"#,
];

pub(super) fn cases() -> Vec<Case> {
    sessions_v1::ROUTES.iter().flat_map(|route| fields(route).map(|name| case(route, name))).collect()
}

fn case(route: &'static Route, name: &'static str) -> Case {
    let mut case = Case::new(route.name, format!("argument_{name}"));
    if fields(route).any(|name| name == "session_id") {
        case = case.given_session("");
    }
    let needed: Vec<String> = fields(route)
        .filter(|other| *other != name)
        .filter_map(|other| Some(format!(r#""{other}":{}"#, valid_value(other)?)))
        .collect();
    let body = |form: Option<&str>| {
        let probe = form.map(|form| format!(r#""{name}":{form}"#));
        format!("{{{}}}", needed.iter().cloned().chain(probe).collect::<Vec<_>>().join(","))
    };
    let case = case.row(&body(None));
    // A session without a user can only be found by the id in the response, so it has a separate case.
    let forms = FORMS.into_iter().filter(|form| name != "user_id" || *form != r#""""#);
    forms.fold(case, |case, form| case.row(&body(Some(form))))
}

/// Returns a valid value for another argument, or `None` if it is optional. Lists contain sessions of the
/// case's user, or none.
fn valid_value(name: &str) -> Option<&'static str> {
    match name {
        "session_id" => Some(r#""<id:1>""#),
        "user_id" => Some(r#""<user>""#),
        "filter" => Some(r#"{"user_id":"<user>"}"#),
        "paging" => Some(r#"{"skip":1000000000}"#),
        "user_name" | "address" | "client" => None,
        _ => Some("1"),
    }
}
