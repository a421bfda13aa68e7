//! Requests that do not reach a command.

use super::case::{Case, Step};
use http::Method;
use http::header::ACCEPT;
use wiretrait::Route;

/// Returns a case of requests for an operation of the Pip.Services framework that do not reach its command.
/// `truncated` is the beginning of a JSON object.
#[must_use]
pub fn unreached(route: &Route, truncated: &str) -> Case {
    // If a service lets it reach the command, the response must not contain entities of other users.
    let harmless = r#"{"paging":{"skip":1000000000}}"#;
    let post = |title: &str, body: &str| Step::raw(title, route.name, body);
    Case::new(route.name, "unreached")
        .step(post("A trailing slash", harmless).target("/"))
        .step(Step::raw("Another method", route.name, "").method(Method::GET))
        .step(post("An unacceptable media type", harmless).header(ACCEPT, "text/html"))
        .step(post("Truncated JSON", truncated))
}
