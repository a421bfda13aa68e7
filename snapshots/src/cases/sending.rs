//! Usual and unusual ways to send a request that reaches its command.

use crate::contract::GivenSession as _;
use contract_tests::suite::{Case, Step};
use http::header::{ACCEPT, CONTENT_TYPE};

/// The headers of the service's framework, which browsers and caches depend on. `server` is not compared, since a
/// gateway in front of the service replaces it.
const OF_THE_FRAMEWORK: &[&str] =
    &["access-control-allow-origin", "vary", "cache-control", "pragma", "expires"];

pub(super) fn cases() -> Vec<Case> {
    vec![headers(), content_types(), accepts(), bodies()]
}

fn headers() -> Case {
    let read = "get_session_by_id";
    let step = |title: &str, body: &str| Step::raw(title, read, body).with_headers(OF_THE_FRAMEWORK);
    Case::new(read, "headers")
        .given_session("")
        .step(step("Of a session", r#"{"session_id":"<id:1>"}"#))
        .step(step("Of a missing session", r#"{"session_id":"0"}"#))
        .step(step("Of a validation error", "{}"))
        .step(step("Of a request that does not reach a command", "{}").target("/"))
}

fn content_types() -> Case {
    let types = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=latin1",
        "APPLICATION/JSON",
        "application/vnd.api+json",
        "text/json",
        "text/plain",
        "application/x-www-form-urlencoded",
    ];
    let read = "get_session_by_id";
    let body = r#"{"session_id":"<id:1>"}"#;
    let case = Case::new(read, "content_types").given_session("");
    let case = types
        .iter()
        .fold(case, |case, name| case.step(Step::raw(*name, read, body).header(CONTENT_TYPE, name).row()));
    case.step(Step::raw("(none)", read, body).without_content_type().row())
}

fn accepts() -> Case {
    let ranges = [
        "*/*",
        "application/json",
        "application/*",
        "text/plain",
        "application/octet-stream",
        "application/javascript",
        "text/html, application/json;q=0.1",
        "text/html",
        "image/png",
    ];
    let read = "get_session_by_id";
    let body = r#"{"session_id":"<id:1>"}"#;
    let case = Case::new(read, "accept").given_session("");
    let case = ranges
        .iter()
        .fold(case, |case, range| case.step(Step::raw(*range, read, body).header(ACCEPT, range).row()));
    case.step(Step::raw("(none)", read, body).row())
}

/// Bodies without the required argument.
fn bodies() -> Case {
    let bodies = [
        "",
        "null",
        "false",
        "0",
        r#""""#,
        "{}",
        "[]",
        "5",
        "true",
        r#""session_id""#,
        r#"[{"session_id":"0"}]"#,
    ];
    bodies.iter().fold(Case::new("get_session_by_id", "bodies"), |case, body| {
        let title = if body.is_empty() { "(none)" } else { body };
        case.step(Step::raw(title, "get_session_by_id", *body).row())
    })
}
