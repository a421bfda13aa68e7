//! Requests that do not reach a command, for every operation of the route table.

use contract_tests::suite::{Case, Step, unreached};
use http::Method;
use sessions_client::sessions_v1;

pub(super) fn cases() -> Vec<Case> {
    let generated = sessions_v1::ROUTES.iter().map(|route| unreached(route, r#"{"session_id":"#));
    generated.chain([elsewhere(), bad_json()]).collect()
}

/// Paths similar to those of the contract.
fn elsewhere() -> Case {
    let post = |target: &str| Step::raw(target, "", "{}").at(target).row();
    let other = |title: &str, method| Step::raw(title, "open_session", "{}").method(method).row();
    Case::new("no_operation", "paths")
        .step(post("/v1/sessions/extend_session"))
        .step(post("/v1/sessions/extend_session?a=b"))
        .step(post("/v2/sessions/open_session"))
        .step(post("/sessions/open_session"))
        .step(post("/v1/sessions"))
        .step(post("/v1/sessions/"))
        .step(post("/v1//sessions/open_session"))
        .step(post("/v1/sessions/open%5Fsession"))
        .step(post("/V1/sessions/open_session"))
        .step(post("/v1/sessions/Open_Session"))
        .step(post("/"))
        .step(other("PUT", Method::PUT))
        .step(other("DELETE", Method::DELETE))
        .step(other("PATCH", Method::PATCH))
}

fn bad_json() -> Case {
    let bodies = [
        r#"{"user_id":"1",}"#,
        "{user_id:1}",
        "{'user_id':1}",
        r#"{"a":NaN}"#,
        " ",
        "[1] 2",
        r#""a"#,
        "\u{feff}{}",
    ];
    bodies.iter().fold(Case::new("open_session", "bad_json"), |case, body| {
        case.step(Step::raw(format!("{body:?}"), "open_session", *body).row())
    })
}
