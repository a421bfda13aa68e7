//! Every argument of every operation as anything that JSON has, generated from the route table.

use sessions_client::{Route, sessions_v1};
use snapshots::fields;
use snapshots::suite::Case;

/// What every argument is sent as. A text is the name of the case's user, which is beyond ASCII.
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
        .filter_map(|other| Some(format!(r#""{other}":{}"#, sound(other)?)))
        .collect();
    let body = |form: Option<&str>| {
        let probe = form.map(|form| format!(r#""{name}":{form}"#));
        format!("{{{}}}", needed.iter().cloned().chain(probe).collect::<Vec<_>>().join(","))
    };
    let case = case.row(&body(None));
    // A session of nobody can be found by its id alone, which only the answer tells: it has a case of its own.
    let forms = FORMS.into_iter().filter(|form| name != "user_id" || *form != r#""""#);
    forms.fold(case, |case, form| case.row(&body(Some(form))))
}

/// What the other arguments are meanwhile; `None` where they may be left out. The list is of the case's own user,
/// or of none.
fn sound(name: &str) -> Option<&'static str> {
    match name {
        "session_id" => Some(r#""<id:1>""#),
        "user_id" => Some(r#""<user>""#),
        "filter" => Some(r#"{"user_id":"<user>"}"#),
        "paging" => Some(r#"{"skip":1000000000}"#),
        "user_name" | "address" | "client" => None,
        _ => Some("1"),
    }
}
